// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// edit replaces a piece of a source file for one build; the file itself stays as it is.
type edit struct {
	file     string // from the module's root, or in GOROOT when it begins with "src/"
	old, new string
}

// variants are programs that differ from the one under test in a few words, built once each: a clock that is wrong, a log
// that is cut sooner. So what no switch of the program offers can be tested without the program having such switches.
type variants struct {
	mu    sync.Mutex
	built map[string]string
}

// build returns the path of a variant. It fails if the source no longer has the words to replace.
func (v *variants) build(t testing.TB, name string, edits ...edit) string {
	t.Helper()
	plain := binary(t)
	v.mu.Lock()
	defer v.mu.Unlock()
	if path := v.built[name]; path != "" {
		return path
	}
	dir := filepath.Dir(plain)
	replace := map[string]string{}
	for i, e := range edits {
		path, err := e.path()
		if err != nil {
			t.Fatal(err)
		}
		source := path
		if again := replace[path]; again != "" {
			source = again
		}
		data, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(data), e.old) != 1 {
			t.Fatalf("variant %s: %s doesn't have %q once any more; mend the test", name, e.file, e.old)
		}
		if source == path {
			source = filepath.Join(dir, fmt.Sprintf("%s-%d.go.edited", name, i))
		}
		if err := os.WriteFile(source, []byte(strings.Replace(string(data), e.old, e.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = source
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".json"), overlay, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "refdesk-"+name)
	cmd := exec.Command("go", "build", "-overlay", filepath.Join(dir, name+".json"), "-o", out, "refdesk/cmd/refdesk")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build variant %s: %v\n%s", name, err, said)
	}
	if v.built == nil {
		v.built = map[string]string{}
	}
	v.built[name] = out
	return out
}

func (e edit) path() (string, error) {
	if !strings.HasPrefix(e.file, "src/") {
		return filepath.Abs(filepath.Join(moduleRoot, e.file))
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	return filepath.Join(strings.TrimSpace(string(root)), e.file), err
}

// clockEnv shifts the wall clock of the variant "shifted" by so many seconds.
const clockEnv = "REFDESK_TEST_CLOCK"

// shifted is the program with another wall clock, in all that it does.
func (v *variants) shifted(t testing.TB) string {
	return v.build(t, "shifted",
		edit{"src/time/time.go", "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n", "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n\tsec += shift\n"},
		edit{"src/time/time.go", "// UTC returns t with the location set to UTC.\n", `var shift = func() int64 {
	s, _ := syscall.Getenv("` + clockEnv + `")
	n, _ := atoi(s)
	return int64(n)
}()

// UTC returns t with the location set to UTC.
`},
		edit{"src/time/time.go", "import (\n", "import (\n\t\"syscall\"\n"},
	)
}

// hasty is the program with a log that is cut after some hundred entries, in small files.
func (v *variants) hasty(t testing.TB) string {
	return v.build(t, "hasty",
		edit{
			"cluster/config.go", "r.TrailingLogs = 50000\n\tr.SnapshotThreshold = 10000\n",
			"r.TrailingLogs = 100\n\tr.SnapshotThreshold = 100\n\tr.SnapshotInterval = time.Second\n",
		},
		edit{"cluster/disk.go", "wal.WithSegmentSize(cfg.segment)", "wal.WithSegmentSize(64<<10)"},
	)
}

// small is the program with a log in small files, so that a full disk shows soon.
func (v *variants) small(t testing.TB) string {
	return v.build(t, "small", edit{"cluster/disk.go", "wal.WithSegmentSize(cfg.segment)", "wal.WithSegmentSize(16<<10)"})
}
