// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"refdesk/cmd/internal/ctl"
	"refdesk/cmd/internal/demo"
	"refdesk/cmd/internal/node"
)

// desk is a refdesk of three nodes, as `refdesk demo` starts it: messages go from patrons' sockets to staff's XMPP clients.
type desk struct {
	bin, dir string
	base     int // first port
	proc     *exec.Cmd
	own      []*child // nodes that were started again after a kill
	demo     demo.Desk
	leader   int
	who      []*account
	patrons  [][]*patron // by side
	staff    []*client
}

func (d *desk) name() string       { return "refdesk" }
func (d *desk) run() string        { return filepath.Join(d.dir, "run") }
func (d *desk) people() []*account { return d.who }

// sides: everybody on the leader, or patrons on one follower and staff on the other.
func (d *desk) sides() []string { return []string{"leader", "followers"} }

func (d *desk) at(i int) demo.Member { return d.demo.Nodes[(d.leader+i)%len(d.demo.Nodes)] }

func (d *desk) reach(i int) (string, string) { return d.at(i).XMPPS, d.demo.Domain }

// pids has the leader first.
func (d *desk) pids() []int {
	var out []int
	for i := range d.demo.Nodes {
		out = append(out, d.at(i).PID)
	}
	return out
}

// prepare seeds the demo with its staff.
func (d *desk) prepare() (err error) {
	for try := 0; ; try++ {
		if d.base, err = freePort(); err != nil {
			return err
		}
		d.base = 10000 + d.base%20000
		if err = d.launch(); err == nil {
			break
		}
		if try == 3 {
			return err
		}
	}
	for _, o := range d.demo.Operators[3:] {
		name, _, _ := strings.Cut(o.JID, "@")
		a, err := newAccount(name, o.Password)
		if err != nil {
			return err
		}
		d.who = append(d.who, a)
	}
	d.stop()
	return os.Rename(d.run(), filepath.Join(d.dir, "seed"))
}

func (d *desk) launch() error {
	args := []string{"demo", "--dir", d.run(), "--nodes", "3", "--staff", strconv.Itoa(accounts), "--json"}
	for i, f := range []string{"--http", "--https", "--xmpp", "--xmpps", "--smtp"} {
		args = append(args, f, loopback(d.base+i))
	}
	for _, s := range []string{
		"limits.lines_burst=1000000", "limits.lines_per_second=1000000", "limits.chats_per_minute=1000000", "limits.sockets=100000",
		"clocks.patron_gone=24h", "clocks.silent_told=24h", "clocks.silent_warned=25h", "clocks.silent_ended=26h", "log.level=warn",
	} {
		args = append(args, "--set", s)
	}
	cmd := exec.Command(d.bin, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	d.proc = cmd
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &d.demo)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("refdesk demo said %q: %w", line, err), cmd.Wait())
	}
	for i, n := range d.demo.Nodes {
		d.demo.Nodes[i].HTTP = hostPort(n.HTTP)
	}
	return d.findLeader()
}

func (d *desk) findLeader() error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var s node.StatusResult
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err := ctl.Call(ctx, filepath.Join(d.run(), "n0", "data"), "status", nil, &s)
		cancel()
		for i, n := range d.demo.Nodes {
			if err == nil && s.Ready && n.ID == s.Leader {
				d.leader = i
				return nil
			}
		}
	}
	return errors.New("the desk has no leader")
}

func (d *desk) start() error {
	if err := fresh(filepath.Join(d.dir, "seed"), d.run()); err != nil {
		return err
	}
	return d.launch()
}

func (d *desk) stop() {
	for _, side := range d.patrons {
		for _, p := range side {
			p.conn.Close()
		}
	}
	for _, c := range d.staff {
		c.conn.Close()
	}
	d.patrons, d.staff = nil, nil
	for _, c := range d.own {
		c.end()
	}
	d.own = nil
	if d.proc != nil {
		_ = d.proc.Process.Signal(syscall.SIGTERM)
		_ = d.proc.Wait()
		d.proc = nil
	}
}

// kill ends all three nodes at once.
func (d *desk) kill() error {
	var errs []error
	for _, pid := range d.pids() {
		errs = append(errs, syscall.Kill(pid, syscall.SIGKILL))
	}
	_ = d.proc.Wait() // the demo ends with its last node
	d.proc = nil
	return errors.Join(errs...)
}

func (d *desk) again() error {
	for i, n := range d.demo.Nodes {
		c, err := launch(filepath.Join(d.dir, "log"), nil, n.Start...)
		if err != nil {
			return err
		}
		d.own = append(d.own, c)
		d.demo.Nodes[i].PID = c.pid()
	}
	return d.findLeader()
}

// lanes opens 128 chats that 16 operators claim. Each side has operators of its own.
func (d *desk) lanes(side int, m *meter) ([]*lane, error) {
	forPatrons, forStaff := d.at(0), d.at(0)
	if side == 1 {
		forPatrons, forStaff = d.at(1), d.at(2)
	}
	staff, err := d.operators(receivers*side, receivers, func(int) demo.Member { return forStaff }, m)
	if err != nil {
		return nil, err
	}
	patrons, err := d.attend(senders, staff, func(int) demo.Member { return forPatrons }, m)
	if err != nil {
		return nil, err
	}
	d.patrons = append(d.patrons, patrons)
	var out []*lane
	for _, p := range patrons {
		out = append(out, newLane(p.say))
	}
	return out, nil
}

// operators signs in n operators.
func (d *desk) operators(first, n int, where func(int) demo.Member, m *meter) ([]*client, error) {
	out := make([]*client, n)
	err := each(n, 8, func(i int) (err error) {
		out[i], err = connect(where(i).XMPPS, d.demo.Domain, d.who[first+i], "bench", m)
		return err
	})
	d.staff = append(d.staff, out...)
	return out, err
}

// attend opens n chats, has them claimed in turn, and connects their patrons.
func (d *desk) attend(n int, staff []*client, where func(int) demo.Member, m *meter) ([]*patron, error) {
	out := make([]*patron, n)
	return out, each(n, 16, func(i int) (err error) {
		if out[i], err = openChat(where(i).HTTP, m); err != nil {
			return err
		}
		owner := staff[i%len(staff)]
		claimed := owner.expect("c" + out[i].chat + "@" + d.demo.ChatDomain)
		if err := owner.post("<message type='chat' to='desk@"+d.demo.ChatDomain+"'><body>"+out[i].chat+"</body></message>", 0); err != nil {
			return err
		}
		select {
		case <-claimed:
		case <-time.After(patience):
			return fmt.Errorf("chat %s was not claimed within %s", out[i].chat, patience)
		}
		return out[i].comeBack(where(i).HTTP)
	})
}

// stored reads the chats of a side on a node.
func (d *desk) stored(side int, found func(int)) error {
	return each(senders, 4, func(i int) error { return d.patrons[side][i].history(d.at(side).HTTP, found) })
}
