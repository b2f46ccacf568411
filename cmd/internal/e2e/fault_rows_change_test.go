// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// changeFaults are what an administrator does to a desk while it works.
func changeFaults() []fault {
	return []fault{
		{name: "rolling upgrade", nodes: 3, lacking: levels, round: func(x *trial) { x.upgrade() }},
		{
			name: "1 to 3 to 5 to 3 nodes", nodes: 1, flags: []string{"--set", "cluster.listen=" + freeAddr()}, lacking: growth,
			round: func(x *trial) {
				for len(x.nodes) < 5 {
					x.join(fmt.Sprintf("m%d-%d", x.n, len(x.nodes)))
					x.crowd.more(crowdSize)
				}
				for len(x.nodes) > 3 {
					x.leave(len(x.nodes) - 1)
					x.crowd.more(crowdSize)
				}
			},
		},
	}
}

// freeAddr is a loopback address that nothing listens at.
func freeAddr() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer l.Close()
	return l.Addr().String()
}

// growth says what is missing for a desk to grow.
func growth(t testing.TB) string {
	said, _ := exec.Command(binary(t), "-h").CombinedOutput()
	if !regexp.MustCompile(`(?m)^\s*(refdesk )?join\b`).Match(said) {
		return "refdesk join"
	}
	return ""
}

// levelFile says the newest feature level that the program knows.
const levelFile = "cluster/desk/member.go"

func levels(testing.TB) string {
	data, _ := os.ReadFile(filepath.Join(moduleRoot, levelFile))
	if level(string(data)) == 0 {
		return "feature levels"
	}
	return ""
}

// level reads the feature level in a source file; 0 if it has none.
func level(source string) int {
	m := regexp.MustCompile(`(?m)^const Level = (\d+)$`).FindStringSubmatch(source)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// raised is a later program: it knows one more feature level.
func (v *variants) raised(t testing.TB) string {
	data, err := os.ReadFile(filepath.Join(moduleRoot, levelFile))
	if err != nil {
		t.Fatal(err)
	}
	n := level(string(data))
	return v.build(t, "raised", edit{levelFile, fmt.Sprintf("const Level = %d\n", n), fmt.Sprintf("const Level = %d\n", n+1)})
}

// upgrade puts a later program in the place of the one that runs, node by node. Only when all have it the desk uses what is
// new; then an older program is refused with a sentence.
func (x *trial) upgrade() {
	x.t.Helper()
	later := x.built.raised(x.t)
	for i, p := range x.nodes {
		x.end(i)
		p.program = later
		x.again(i)
		x.crowd.more(crowdSize)
	}
	if x.n > 0 {
		return // it was refused already
	}
	last := len(x.nodes) - 1
	for range 20 { // the level rises when the leader has noticed
		x.crowd.more(crowdSize)
		x.end(last)
		x.nodes[last].program = ""
		x.start(last)
		if x.refused(last, []string{"start a later refdesk"}, func() { x.nodes[last].program = later }) {
			return
		}
		x.end(last)
		x.nodes[last].program = later
		x.again(last)
	}
	x.crowd.note("an older program opens a desk whose nodes all have a later one")
}

// join makes a node by the command line, starts it, and waits until it votes.
func (x *trial) join(id string) {
	x.t.Helper()
	base := freePorts(x.t, 1)
	addr := func(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(base+i)) }
	dir := filepath.Join(x.t.TempDir(), id)
	token := strings.TrimSpace(x.words("token", "--dir", x.nodes[0].dir))
	said := x.words("join", token, dir, "--id", id, "--cluster", addr(4), "--http", addr(0), "--xmpp", addr(2), "--url", "http://"+addr(0))
	file := regexp.MustCompile(`refdesk serve -c (\S+)`).FindStringSubmatch(said)
	if file == nil {
		x.t.Fatalf("refdesk join says %q", said)
	}
	x.nodes = append(x.nodes, &process{
		id: id, file: file[1], dir: filepath.Join(filepath.Dir(file[1]), "data"), url: "http://" + addr(0), log: &lockedFile{},
	})
	x.start(len(x.nodes) - 1)
	x.ready(len(x.nodes) - 1)
	x.votes(id, true)
}

// leave takes a node out in good order and waits until it has ended.
func (x *trial) leave(i int) {
	x.t.Helper()
	p := x.nodes[i]
	x.words("leave", "--dir", p.dir)
	x.gone(i)
	x.nodes = append(x.nodes[:i:i], x.nodes[i+1:]...)
	x.votes(p.id, false)
}

// votes waits until a node votes, or votes no more.
func (x *trial) votes(id string, want bool) {
	x.t.Helper()
	if err := poll(func() error {
		var s struct {
			Nodes []struct {
				ID    string `json:"id"`
				Voter bool   `json:"voter"`
			} `json:"nodes"`
		}
		if err := json.Unmarshal([]byte(x.words("status", "--json", "--dir", x.nodes[0].dir)), &s); err != nil {
			return err
		}
		votes := false
		for _, n := range s.Nodes {
			votes = votes || n.ID == id && n.Voter
		}
		if votes != want {
			return errors.New("not yet")
		}
		return nil
	}); err != nil {
		x.crowd.note(fmt.Sprintf("%s votes: want %v: %v", id, want, err))
	}
}

// words runs the program and returns what it prints; it has to succeed.
func (g *rig) words(args ...string) string {
	g.t.Helper()
	out, err := exec.Command(g.program, args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			g.t.Fatalf("refdesk %q: %v: %s", args, err, exit.Stderr)
		}
		g.t.Fatal(err)
	}
	return string(out)
}
