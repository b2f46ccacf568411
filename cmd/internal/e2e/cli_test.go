// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"refdesk/gateway/xmpp/xmpptest"
)

// refdesk runs one command to its end.
func refdesk(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// sentence objects to what is no single sentence for people.
func sentence(stderr string) string {
	text := strings.TrimRight(stderr, "\n")
	switch {
	case text == "":
		return "nothing is said"
	case strings.Contains(text, "\n"):
		return "it has several lines"
	case strings.Contains(text, "goroutine ") || strings.Contains(text, "panic"):
		return "it has a stack trace"
	}
	return ""
}

func TestTroubleIsOneSentence(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	base := freePorts(t, 1)
	port := func(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(base+i)) }
	demo := func(flags ...string) []string {
		args := []string{"demo", "--http", port(0), "--https", port(1), "--xmpp", port(2), "--xmpps", port(3), "--smtp", port(4), "--dir", filepath.Join(t.TempDir(), "d")}
		return append(args, flags...)
	}
	wrong := filepath.Join(t.TempDir(), "refdesk.toml")
	if err := os.WriteFile(wrong, []byte("[desk]\nnmae = \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		code int
		has  string
	}{
		"no command":              {nil, 2, ""},
		"an unknown command":      {[]string{"dmeo"}, 2, "dmeo"},
		"an unknown flag":         {[]string{"demo", "--nodez", "1"}, 2, "nodez"},
		"a stray argument":        {[]string{"demo", "now"}, 2, "now"},
		"a port in use":           {demo("--http", taken.Addr().String()), 1, taken.Addr().String()},
		"an XMPP port in use":     {demo("--xmpp", taken.Addr().String()), 1, taken.Addr().String()},
		"a folder under a file":   {demo("--dir", filepath.Join(wrong, "d")), 1, wrong},
		"an unknown key":          {demo("--set", "clocks.nope=1s"), 1, "clocks.nope"},
		"a value of another type": {demo("--set", "clocks.transfer=soon"), 1, "clocks.transfer"},
		"serve without a file":    {[]string{"serve"}, 2, "-c"},
		"a file that isn't there": {[]string{"serve", "-c", "/nonexistent/refdesk.toml"}, 1, "/nonexistent/refdesk.toml"},
		"a mistake in the file":   {[]string{"check", "-c", wrong}, 1, ":2: desk.nmae"},
		"no desk runs there":      {[]string{"staff", "list", "--dir", t.TempDir()}, 1, "no desk is running"},
		"backup to nowhere":       {[]string{"backup"}, 2, "name the directory"},
		"backup of no desk":       {[]string{"backup", "b", "--dir", t.TempDir()}, 1, "desk.key is missing"},
		"restore without a place": {[]string{"restore", "b"}, 2, "empty directory"},
		"restore of no backup":    {[]string{"restore", t.TempDir(), "r"}, 1, "is no backup"},
		"verify of two things":    {[]string{"verify", "b", "--erased", "word"}, 2, "--erased"},
		"staff without a verb":    {[]string{"staff"}, 2, "add"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := refdesk(t, tc.args...)
			if code != tc.code || !strings.Contains(stderr, tc.has) {
				t.Errorf("exit %d, %q; want %d and %q", code, stderr, tc.code, tc.has)
			}
			if objection := sentence(stderr); objection != "" && tc.args != nil {
				t.Errorf("%s: %q", objection, stderr)
			}
			if stdout != "" {
				t.Errorf("on standard output: %q", stdout)
			}
		})
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"demo", "-h"}, {"serve", "-h"}, {"check", "-h"}, {"staff", "-h"}, {"dept", "-h"}, {"faq", "-h"}, {"backup", "-h"}, {"restore", "-h"}, {"verify", "-h"}, {"version", "-h"}} {
		if code, stdout, stderr := refdesk(t, args...); code != 0 || stdout == "" || stderr != "" {
			t.Errorf("%q: exit %d, %q, %q", args, code, stdout, stderr)
		}
	}
	if code, stdout, _ := refdesk(t, "version"); code != 0 || !strings.Contains(stdout, "go1.") || !strings.Contains(stdout, "github.com/hashicorp/raft ") {
		t.Errorf("version: exit %d, %q", code, stdout)
	}
}

// A second start finds what the first one made; while one runs, the directory is in use.
func TestDirectoryIsKept(t *testing.T) {
	r := start(t, 1)
	first := r.desk
	flags := slices.Clone(r.flags)
	base := freePorts(t, 1)
	for i, f := range []string{"--http", "--https", "--xmpp", "--xmpps", "--smtp"} {
		flags[slices.Index(flags, f)+1] = net.JoinHostPort("127.0.0.1", strconv.Itoa(base+i))
	}
	code, _, stderr := refdesk(t, flags...)
	if objection := sentence(stderr); code != 1 || objection != "" || !strings.Contains(stderr, r.Dir) {
		t.Errorf("a second demo in the same directory: exit %d, %s %q", code, objection, stderr)
	}
	r.stop()
	r.launch()
	if !slices.Equal(first.Operators, r.Operators) {
		t.Errorf("the passwords changed: %+v, then %+v", first.Operators, r.Operators)
	}
	info, err := os.Stat(filepath.Join(r.Dir, "demo.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("demo.json: %v, %v", info, err)
	}
}

func TestDamagedDataIsRefused(t *testing.T) {
	r := start(t, 1)
	r.stop()
	damaged := 0
	err := filepath.WalkDir(r.Dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(d.Name(), ".db") && !strings.Contains(d.Name(), ".sqlite") {
			return err
		}
		damaged++
		return os.WriteFile(file, bytes.Repeat([]byte("no database "), 1000), 0o600)
	})
	if err != nil || damaged == 0 {
		t.Fatalf("%d files damaged: %v", damaged, err)
	}
	code, _, stderr := refdesk(t, r.flags...)
	if objection := sentence(stderr); code != 1 || objection != "" {
		t.Errorf("exit %d, %s: %q", code, objection, stderr)
	}
	r.cmd = nil // it doesn't run
}

func TestStaffFromTheCommandLine(t *testing.T) {
	r := start(t, 1)
	dir := filepath.Join(filepath.Dir(r.Nodes[0].Start[3]), "data")
	run := func(args ...string) string {
		t.Helper()
		code, stdout, stderr := refdesk(t, append([]string{"staff"}, args...)...)
		if code != 0 {
			t.Fatalf("staff %q: exit %d: %s", args, code, stderr)
		}
		return stdout
	}
	password := func(said string) string {
		t.Helper()
		_, rest, ok := strings.Cut(said, "password ")
		word, _, ok2 := strings.Cut(rest, " ")
		if !ok || !ok2 {
			t.Fatalf("no password in %q", said)
		}
		return word
	}
	bea := r.login("ana", 0)
	bea.JID = "bea@" + r.Domain
	bea.Password = password(run("add", "bea", "--name", "Bea Ruiz", "--dir", dir))
	xmpptest.StartSlixmpp(t, bea)
	bea.Password = password(run("device", "bea", "--name", "phone", "--dir", dir))
	client := xmpptest.StartSlixmpp(t, bea)
	if list := run("list", "--dir", dir); !strings.Contains(list, "Bea Ruiz") || !strings.Contains(list, "phone") || !strings.Contains(list, "ana") {
		t.Errorf("list: %s", list)
	}
	run("disable", "bea", "--dir", dir)
	client.Wait("the end of a disabled person's session", func(e xmpptest.Event) bool { return e.Event == "disconnected" })
	code, _, stderr := refdesk(t, "staff", "add", "ana", "--dir", dir)
	if objection := sentence(stderr); code != 1 || objection != "" || !strings.Contains(stderr, "ana") {
		t.Errorf("an account twice: exit %d, %s %q", code, objection, stderr)
	}
}
