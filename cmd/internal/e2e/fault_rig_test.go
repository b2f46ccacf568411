// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"refdesk/cmd/internal/ctl"
)

// rig is a desk whose nodes the test starts, stops, cuts off and kills one by one.
type rig struct {
	desk
	t       testing.TB
	nodes   []*process
	net     *network // nil: all are in the test's own network
	program string   // that nodes are started with
	ports   map[string]int
	client  *http.Client
}

// process is one node of a rig.
type process struct {
	id      string
	dir     string // data directory
	file    string // configuration
	url     string
	cmd     *exec.Cmd // nil = it doesn't run
	done    chan struct{}
	log     *lockedFile
	env     []string
	wrapped []string // words before the program's own, such as a tracer's
	volume  *volume  // where the data or a part of it lies, if a fault needs it
	program string   // "" = the rig's
}

// newRig makes a desk of n nodes with `refdesk demo`, ends that, and starts the nodes as processes of this test.
// With hosts each is in a network namespace of its own. Before prepare is called nothing runs.
func newRig(t testing.TB, n int, program string, hosts bool, prepare func(*rig), flags ...string) *rig {
	t.Helper()
	r := startProgram(t, program, n, append(generous(), flags...)...)
	r.stop()
	g := &rig{desk: r.desk, t: t, program: program, ports: map[string]int{}}
	for i, n := range r.Nodes {
		file := n.Start[len(n.Start)-1]
		p := &process{id: n.ID, file: file, dir: filepath.Join(filepath.Dir(file), "data"), log: &lockedFile{}}
		for _, addr := range []string{strings.TrimPrefix(n.HTTP, "http://"), n.XMPP, n.XMPPS} {
			_, port, _ := net.SplitHostPort(addr)
			g.ports[port] = i
		}
		_, port, _ := net.SplitHostPort(strings.TrimPrefix(n.HTTP, "http://"))
		p.url = "http://127.0.0.1:" + port
		g.nodes = append(g.nodes, p)
	}
	g.client = &http.Client{Timeout: 3 * time.Second, Transport: g.transport()}
	if hosts {
		g.net = newNetwork(t, n)
		g.move()
	}
	if prepare != nil {
		prepare(g)
	}
	t.Cleanup(func() {
		for i := range g.nodes {
			g.kill(i)
		}
		if t.Failed() {
			for _, p := range g.nodes {
				t.Logf("log of %s:\n%s", p.id, p.log.tail())
			}
		}
	})
	for i := range g.nodes {
		g.start(i)
	}
	for i := range g.nodes {
		g.ready(i)
	}
	return g
}

// move has the nodes reach each other at their hosts' addresses.
func (g *rig) move() {
	g.t.Helper()
	listen := regexp.MustCompile(`(?s)\[cluster\].*?listen = '127\.0\.0\.1:(\d+)'`)
	texts := make([]string, len(g.nodes))
	var swap []string
	for i, p := range g.nodes {
		data, err := os.ReadFile(p.file)
		if err != nil {
			g.t.Fatal(err)
		}
		texts[i] = string(data)
		m := listen.FindStringSubmatch(texts[i])
		if m == nil {
			g.t.Fatalf("%s names no port between nodes", p.file)
		}
		swap = append(swap, "127.0.0.1:"+m[1], g.net.hosts[i].addr+":"+m[1])
	}
	for i, p := range g.nodes {
		if err := os.WriteFile(p.file, []byte(strings.NewReplacer(swap...).Replace(texts[i])), 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
}

// dial reaches a node's door, in whichever namespace it is.
func (g *rig) dial(ctx context.Context, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if g.net != nil { // only then all ports are known from the beginning
		return g.net.hosts[g.ports[port]].dial(ctx, "127.0.0.1:"+port)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
}

func (g *rig) transport() *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) { return g.dial(ctx, addr) }}
}

// start starts node i and doesn't wait.
func (g *rig) start(i int) {
	g.t.Helper()
	p := g.nodes[i]
	argv := append(slices.Clone(p.wrapped), cmp.Or(p.program, g.program), "serve", "-c", p.file)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Env = p.log, p.log, append(os.Environ(), p.env...)
	run := cmd.Start
	if g.net != nil {
		run = func() error { return g.net.hosts[i].within(cmd.Start) }
	}
	if err := run(); err != nil {
		g.t.Fatalf("start %s: %v", p.id, err)
	}
	p.cmd, p.done = cmd, make(chan struct{})
	go func(done chan struct{}) {
		_ = cmd.Wait()
		close(done)
	}(p.done)
}

// alive reports whether node i has been started and has not ended.
func (g *rig) alive(i int) bool {
	p := g.nodes[i]
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signal sends a signal to node i.
func (g *rig) signal(i int, s syscall.Signal) {
	g.t.Helper()
	if err := g.nodes[i].cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		g.t.Fatalf("%s to %s: %v", s, g.nodes[i].id, err)
	}
}

// kill ends node i with SIGKILL and waits until it is gone.
func (g *rig) kill(i int) {
	p := g.nodes[i]
	if p.cmd == nil {
		return
	}
	if p.volume != nil {
		p.volume.thaw() // a process that waits for a frozen disk doesn't die
	}
	descendants(p.cmd.Process.Pid)
	_ = p.cmd.Process.Kill()
	g.gone(i)
}

// gone waits until node i has ended.
func (g *rig) gone(i int) {
	g.t.Helper()
	p := g.nodes[i]
	if p.cmd == nil {
		return
	}
	select {
	case <-p.done:
		p.cmd = nil
	case <-time.After(patience):
		g.t.Errorf("%s has not ended after %s", p.id, patience)
	}
}

// end stops node i as an administrator does.
func (g *rig) end(i int) {
	g.t.Helper()
	if g.nodes[i].cmd != nil {
		g.signal(i, syscall.SIGTERM)
		g.gone(i)
	}
}

// serves objects while node i can't commit.
func (g *rig) serves(i int) error {
	if !g.alive(i) {
		return fmt.Errorf("%s has ended: %s", g.nodes[i].id, lastLine(g.nodes[i].log.tail()))
	}
	res, err := g.client.Get(g.nodes[i].url + "/readyz")
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return nil
}

// ready waits until node i can commit.
func (g *rig) ready(i int) {
	g.t.Helper()
	if err := poll(func() error { return g.serves(i) }); err != nil {
		g.t.Fatalf("%s is not ready after %s: %v", g.nodes[i].id, patience, err)
	}
}

// again starts node i, if it doesn't run, and waits until it is ready.
func (g *rig) again(i int) {
	g.t.Helper()
	if !g.alive(i) {
		g.start(i)
	}
	g.ready(i)
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// state is what a node says of itself at its admin socket.
type state struct {
	ID, Leader, Digest string
	Ready              bool
	Seq, Term          uint64
}

func (g *rig) state(i int) (s state, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if !g.alive(i) {
		return s, errors.New("it doesn't run")
	}
	return s, ctl.Call(ctx, g.nodes[i].dir, "status", nil, &s)
}

// leader waits until a node leads, by its own word, and returns its number.
func (g *rig) leader() int {
	g.t.Helper()
	found := -1
	if err := poll(func() error {
		for i, p := range g.nodes {
			if s, err := g.state(i); err == nil && s.Ready && s.Leader == p.id {
				found = i
				return nil
			}
		}
		return errors.New("nobody leads")
	}); err != nil {
		g.t.Fatal(err)
	}
	return found
}

// follower returns a running node that doesn't lead; n tells apart.
func (g *rig) follower(n int) int {
	leader := g.leader()
	var others []int
	for i := range g.nodes {
		if i != leader && g.alive(i) {
			others = append(others, i)
		}
	}
	return others[n%len(others)]
}

// agree waits until all nodes have the same seq, and compares their digests. It returns objections.
func (g *rig) agree() []string {
	var all []state
	err := poll(func() error {
		all = all[:0]
		for i, p := range g.nodes {
			s, err := g.state(i)
			if err != nil {
				return fmt.Errorf("%s: %w", p.id, err)
			}
			all = append(all, s)
		}
		for _, s := range all[1:] {
			if s.Seq != all[0].Seq || s.Digest != all[0].Digest {
				return fmt.Errorf("%s is at %d with %.8s, %s at %d with %.8s", all[0].ID, all[0].Seq, all[0].Digest, s.ID, s.Seq, s.Digest)
			}
		}
		return nil
	})
	if err != nil {
		return []string{"the nodes don't agree: " + err.Error()}
	}
	return nil
}

// refuses checks that a node which is cut off acknowledges nothing, and says that it is not ready.
func (x *trial) refuses(i int) {
	x.t.Helper()
	if err := poll(func() error {
		if x.serves(i) == nil {
			return errors.New("it says that it is ready")
		}
		return nil
	}); err != nil {
		x.crowd.note(fmt.Sprintf("%s is cut off: %v", x.nodes[i].id, err))
		return
	}
	p := newPatron([]string{x.nodes[i].url}, 0)
	p.client, p.patient = &http.Client{Timeout: 3 * time.Second, Transport: x.transport()}, 1500*time.Millisecond
	if err := p.open(context.Background(), "reference", "Does a minority answer?"); err == nil {
		x.crowd.note(x.nodes[i].id + " is cut off and acknowledges")
	}
}
