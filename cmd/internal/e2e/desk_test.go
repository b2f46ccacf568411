// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The programs under test may be slow on a loaded machine; a test that waits longer than this for one step has failed.
const patience = 30 * time.Second

// desk is what `refdesk demo --json` prints, by the contract of the command line.
type desk struct {
	HTTP       string     `json:"http"`
	HTTPS      string     `json:"https"`
	Staff      string     `json:"staff"`
	Files      string     `json:"files"`
	XMPP       string     `json:"xmpp"`
	XMPPS      string     `json:"xmpps"`
	SMTP       string     `json:"smtp"`
	Domain     string     `json:"domain"`
	ChatDomain string     `json:"chat_domain"`
	CA         string     `json:"ca"`
	Dir        string     `json:"dir"`
	Operators  []operator `json:"operators"`
	Nodes      []node     `json:"nodes"`
}

type operator struct {
	JID         string `json:"jid"`
	Password    string `json:"password"`
	WebPassword string `json:"web_password"`
	Role        string `json:"role"`
}

type node struct {
	ID    string   `json:"id"`
	HTTP  string   `json:"http"`
	HTTPS string   `json:"https"`
	XMPP  string   `json:"xmpp"`
	XMPPS string   `json:"xmpps"`
	SMTP  string   `json:"smtp"`
	PID   int      `json:"pid"`
	Start []string `json:"start"`
}

// parseDesk reads the one line and says what of the contract is broken.
func parseDesk(line []byte, nodes int) (desk, error) {
	var d desk
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return d, fmt.Errorf("not the JSON of the contract: %w", err)
	}
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for name, u := range map[string]string{"http": d.HTTP, "https": d.HTTPS, "staff": d.Staff, "files": d.Files} {
		want(strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "https://"), "%s is %q, no URL", name, u)
	}
	for name, a := range map[string]string{"xmpp": d.XMPP, "xmpps": d.XMPPS, "smtp": d.SMTP} {
		_, port, err := net.SplitHostPort(a)
		_, notNumber := strconv.Atoi(port)
		want(err == nil && notNumber == nil, "%s is %q, no host:port", name, a)
	}
	want(d.ChatDomain == "chat."+d.Domain && d.Domain != "", "chat_domain is %q for %q", d.ChatDomain, d.Domain)
	want(filepath.IsAbs(d.CA) && filepath.IsAbs(d.Dir), "ca %q and dir %q have to be absolute", d.CA, d.Dir)
	want(len(d.Operators) >= 3, "%d operators", len(d.Operators))
	for _, o := range d.Operators {
		want(strings.HasSuffix(o.JID, "@"+d.Domain) && o.Password != "" && o.Role != "", "operator %+v", o)
	}
	want(len(d.Nodes) == nodes, "%d nodes, want %d", len(d.Nodes), nodes)
	for i, n := range d.Nodes {
		want(n.ID != "" && n.PID > 0 && len(n.Start) > 0 && n.HTTP != "" && n.XMPP != "", "node %d: %+v", i, n)
	}
	return d, errors.Join(errs...)
}

// program is the binary under test, built once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "refdesk-e2e-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "refdesk")
	cmd := exec.Command("go", "build", "-o", bin, "refdesk/cmd/refdesk")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("build refdesk: %w\n%s", err, out), os.RemoveAll(dir))
	}
	built = dir
	return bin, nil
})

var built string // folder of the binary, removed by TestMain

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

func binary(t testing.TB) string {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// running is a demo that the test has started.
type running struct {
	desk
	t       testing.TB
	program string
	flags   []string
	cmd     *exec.Cmd
	done    chan struct{}
	took    time.Duration // from the start of the process to its line
	own     map[string]*exec.Cmd
	log     *lockedFile
}

// start runs `refdesk demo` with n nodes on free ports in a new directory and waits for its line. Everything it started
// has ended when the test does.
func start(t testing.TB, n int, flags ...string) *running {
	t.Helper()
	return startProgram(t, binary(t), n, flags...)
}

// startProgram does the same with another program than the one under test.
func startProgram(t testing.TB, program string, n int, flags ...string) *running {
	t.Helper()
	base := freePorts(t, n)
	dir := t.TempDir()
	addr := func(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(base+i)) }
	r := &running{t: t, program: program, own: map[string]*exec.Cmd{}, log: &lockedFile{}}
	r.flags = append([]string{
		"demo", "--dir", filepath.Join(dir, "desk"), "--nodes", strconv.Itoa(n), "--http", addr(0), "--https", addr(1),
		"--xmpp", addr(2), "--xmpps", addr(3), "--smtp", addr(4), "--json",
	}, flags...)
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Logf("log of the desk:\n%s", r.logs())
		}
	})
	r.launch()
	return r
}

// launch starts the demo with the flags of before.
func (r *running) launch() {
	r.t.Helper()
	r.cmd = exec.Command(r.program, r.flags...)
	r.cmd.Stderr = r.log
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	began := time.Now()
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.done = make(chan struct{})
	line := make(chan []byte, 1)
	go func(cmd *exec.Cmd, done chan struct{}) {
		defer close(done)
		rd := bufio.NewReader(out)
		l, _ := rd.ReadBytes('\n')
		line <- l
		_, _ = io.Copy(io.Discard, rd)
		_ = cmd.Wait()
	}(r.cmd, r.done)
	select {
	case l := <-line:
		r.took = time.Since(began)
		if r.desk, err = parseDesk(l, r.nodes()); err != nil {
			r.t.Fatalf("refdesk demo printed %q: %v\n%s", l, err, r.logs())
		}
	case <-time.After(patience):
		r.t.Fatalf("refdesk demo says nothing for %s:\n%s", patience, r.logs())
	}
}

func (r *running) nodes() int {
	n, _ := strconv.Atoi(r.flags[4])
	return n
}

// stop ends the demo and every node that the test has started again, in order.
func (r *running) stop() {
	for id, cmd := range r.own {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		delete(r.own, id)
	}
	if r.cmd == nil || r.cmd.Process == nil {
		return
	}
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.done:
	case <-time.After(patience):
		_ = r.cmd.Process.Kill()
		<-r.done
		r.t.Errorf("refdesk demo did not stop within %s of SIGTERM", patience)
	}
}

// kill ends node i with SIGKILL and waits until it is gone.
func (r *running) kill(i int) {
	r.t.Helper()
	n := r.Nodes[i]
	if cmd := r.own[n.ID]; cmd != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		delete(r.own, n.ID)
		return
	}
	if err := syscall.Kill(n.PID, syscall.SIGKILL); err != nil {
		r.t.Fatalf("kill node %s: %v", n.ID, err)
	}
	if n.PID == r.cmd.Process.Pid {
		<-r.done
		return
	}
	r.until("the killed node is gone", func() error {
		if _, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", n.PID)); err == nil {
			return errors.New("it is still there")
		}
		return nil
	})
}

// restart starts node i again, by its own command line, and waits until it is ready.
func (r *running) restart(i int) {
	r.t.Helper()
	if len(r.Nodes) == 1 {
		r.launch()
	} else {
		n := r.Nodes[i]
		cmd := exec.Command(n.Start[0], n.Start[1:]...)
		cmd.Stdout, cmd.Stderr = r.log, r.log
		if err := cmd.Start(); err != nil {
			r.t.Fatal(err)
		}
		r.own[n.ID] = cmd
	}
	r.ready(i)
}

// ready waits until node i can commit.
func (r *running) ready(i int) {
	r.t.Helper()
	r.until("node "+r.Nodes[i].ID+" is ready", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Nodes[i].HTTP+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return nil
	})
}

// until asks cond again and again until it has no objection.
func (r *running) until(what string, cond func() error) {
	r.t.Helper()
	if err := poll(cond); err != nil {
		r.t.Fatalf("%s: not after %s: %v", what, patience, err)
	}
}

// poll asks cond twenty times a second, for patience at most, and returns its last objection.
func poll(cond func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		err := cond()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// logs is the end of what the demo and its nodes wrote.
func (r *running) logs() string {
	var b strings.Builder
	b.WriteString(r.log.tail())
	files, _ := filepath.Glob(filepath.Join(r.flags[2], "*", "*.log"))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		fmt.Fprintf(&b, "--- %s\n%s\n", filepath.Base(filepath.Dir(f)), text[max(0, len(text)-4000):])
	}
	return b.String()
}

// lockedFile keeps what processes write.
type lockedFile struct {
	mu sync.Mutex
	b  []byte
}

func (l *lockedFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	return len(p), nil
}

func (l *lockedFile) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b[max(0, len(l.b)-8000):])
}

// freePorts returns a base so that base+0…4 are free, and for each further node the same ten higher. They lie below the
// ports that the system hands out by itself.
func freePorts(t testing.TB, nodes int) int {
	t.Helper()
	for range 200 {
		base := 10000 + 10*rand.IntN(2200)
		if allFree(base, nodes) {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

func allFree(base, nodes int) bool {
	for n := range nodes {
		for i := range 5 {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(base+10*n+i)))
			if err != nil {
				return false
			}
			l.Close()
		}
	}
	return true
}
