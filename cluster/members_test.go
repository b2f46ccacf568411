// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"refdesk/cluster/desk"
)

// growing is a desk of n0 alone that has a port, with certificates for more.
func growing(t *testing.T, n int, tune func(*Config)) *testDesk {
	t.Helper()
	var d *testDesk
	d = newDesk(t, n, func(c *Config) {
		c.Peers, c.Address = nil, d.addrs[c.ID]
		if c.ID != "n0" {
			c.Joined = map[string]string{"n0": d.addrs["n0"]}
		}
		if tune != nil {
			tune(c)
		}
	})
	d.open("n0")
	d.ready()
	d.until("the desk is at its level", func() bool { return d.level("n0") == desk.Level })
	return d
}

func hash(s string) string { return strings.Repeat("0", 64-len(s)) + s }

// admit does what joining does to the records.
func (d *testDesk) admit(id string) error {
	by := d.leader()
	token := hash(fmt.Sprintf("%x", time.Now().UnixNano()))
	d.do(by, desk.Request{Actor: admin(), Command: &desk.MakeJoinToken{Hash: token, Expires: desk.At(time.Now().Add(time.Hour))}})
	_, err := d.nodes[by].Do(context.Background(), desk.Request{Actor: d.nodes[by].self(), Command: &desk.AdmitNode{
		Token: token, Node: id, Address: d.addrs[id], Key: hash("aa"), Level: desk.Level,
	}})
	return err
}

// grow admits nodes and waits until they vote.
func (d *testDesk) grow(ids ...string) {
	d.t.Helper()
	for _, id := range ids {
		if err := d.admit(id); err != nil {
			d.t.Fatal(err)
		}
		d.open(id)
		d.ready()
		d.until(id+" votes", func() bool { return d.nodes[d.leader()].servers()[id] })
	}
}

func (d *testDesk) member(at, id string) Member {
	d.t.Helper()
	all, err := d.nodes[at].Members(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(m Member) bool { return m.ID == id })
	if i < 0 {
		return Member{}
	}
	return all[i]
}

func TestADeskGrowsAndShrinksWithoutStopping(t *testing.T) {
	d := growing(t, 3, nil)
	for i := range 40 {
		d.do("n0", setting(fmt.Sprint("before", i), "x"))
	}
	ref, err := d.nodes["n0"].PutBlob(context.Background(), strings.NewReader("a file of the desk of one"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	d.grow("n1", "n2")
	for _, id := range d.ids {
		d.do(id, setting("on "+id, "x"))
	}
	d.agree()
	for _, id := range d.ids {
		if has := d.changes(id); has["before7"] != 1 || has["on n2"] != 1 {
			t.Errorf("%s has not all of it", id)
		}
		if _, ok := d.nodes[id].files.store.Has(ref.Hash); !ok {
			t.Errorf("%s has a vote, and not the file", id)
		}
	}
	if rc := d.nodes["n0"].raft.ReloadableConfig(); rc.HeartbeatTimeout != 500*time.Millisecond {
		t.Errorf("the timings are those of a desk of one: %+v", rc)
	}
	m := d.member("n2", "n0")
	if !m.Voter || !m.Up || m.Level != desk.Level || m.DiskFree == 0 || m.Address != d.addrs["n0"] {
		t.Errorf("n0 as n2 knows it: %+v", m)
	}

	// Two go again, the first of them the one that leads.
	for range 2 {
		id := d.leader()
		c := d.nodes[id]
		end := make(chan error, 1)
		go func() { end <- c.Run(limited(t)) }()
		if err := c.Leave(context.Background(), admin(), id); err != nil {
			t.Fatal(err)
		}
		if err := <-end; !errors.Is(err, ErrLeft) {
			t.Errorf("%s ended with %v", id, err)
		}
		delete(d.nodes, id)
		d.leader()
	}
	last := d.leader()
	d.until("one node is left", func() bool { return len(d.nodes[last].servers()) == 1 })
	d.do(last, setting("alone again", "x"))
	f, _, err := d.nodes[last].OpenBlob(context.Background(), ref.Hash.String())
	if err != nil {
		t.Fatal(err)
	}
	data, _ := io.ReadAll(f)
	f.Close()
	if !bytes.Equal(data, []byte("a file of the desk of one")) {
		t.Errorf("the file reads %q", data)
	}
	if err := d.nodes[last].Leave(context.Background(), admin(), last); err == nil || !strings.Contains(err.Error(), "last node") {
		t.Errorf("the last one may leave: %v", err)
	}
	d.kill(last)
	d.open(last)
	d.ready()
	if has := d.changes(last); has["alone again"] != 1 || has["on n1"] != 1 {
		t.Error("after a start something is missing")
	}
}

func TestADeadNodeIsTakenOutAndReplaced(t *testing.T) {
	d := growing(t, 4, nil)
	d.grow("n1", "n2")
	leader := d.leader()
	dead := d.other(leader)
	d.kill(dead)
	d.until("its silence is heard", func() bool { return !d.member(leader, dead).Up })
	third := ""
	for id := range d.nodes {
		if id != leader {
			third = id
		}
	}
	if err := d.nodes[leader].CanLeave(context.Background(), third); err == nil || !strings.Contains(err.Error(), "no majority") {
		t.Errorf("the desk would take its last majority away: %v", err)
	}
	if err := d.nodes[leader].Leave(context.Background(), admin(), dead); err != nil {
		t.Fatal(err)
	}
	if err := d.nodes[leader].WaitRemoved(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	if err := d.admit(dead); !isCode(err, desk.Over) {
		t.Errorf("the id of a removed node comes back: %v", err)
	}
	d.grow("n3")
	d.agree()
	// The removed one starts again and is told.
	c := d.open(dead)
	delete(d.nodes, dead)
	if err := c.Run(limited(t)); err == nil || !strings.Contains(err.Error(), "was removed from the desk") {
		t.Errorf("it ended with %v", err)
	}
}

func TestJoinTokens(t *testing.T) {
	d := growing(t, 2, nil)
	c := d.nodes["n0"]
	admit := func(token, node, key string, level uint64) error {
		_, err := c.Do(context.Background(), desk.Request{Actor: c.self(), Command: &desk.AdmitNode{
			Token: hash(token), Node: node, Address: "127.0.0.1:1", Key: hash(key), Level: level,
		}})
		return err
	}
	token := func(name string, life time.Duration) {
		t.Helper()
		d.do("n0", desk.Request{Actor: admin(), Command: &desk.MakeJoinToken{Hash: hash(name), Expires: desk.At(time.Now().Add(life))}})
	}
	token("1", time.Hour)
	token("2", time.Hour)
	token("3", 3*time.Second)
	for _, tc := range []struct {
		rule             string
		token, node, key string
		level            uint64
		want             desk.Code
	}{
		{"a token that nobody made opens nothing", "9", "n1", "a", 1, desk.NotFound},
		{"a program of an older level may not come in", "1", "n1", "a", 0, desk.Invalid},
		{"the id of a node that is there is taken", "1", "n0", "a", 1, desk.Exists},
		{"a token lets a machine in", "1", "n1", "a", 1, ""},
		{"and lets the same machine in again after a crash", "1", "n1", "a", 1, ""},
		{"and no other machine under the same id", "1", "n1", "b", 1, desk.Conflict},
		{"and under no other id", "1", "n2", "a", 1, desk.Conflict},
		{"a new token continues what a crash broke off", "2", "n1", "a", 1, ""},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			err := admit(tc.token, tc.node, tc.key, tc.level)
			if tc.want == "" && err != nil || tc.want != "" && !isCode(err, tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	d.until("an expired token is over", func() bool { return isCode(admit("3", "n6", "a", 1), desk.Over) })
	if m := d.member("n0", "n1"); m.Voter || m.Up {
		t.Errorf("a node that never came up: %+v", m)
	}
	d.do("n0", setting("goes on", "x"))
}

func TestTheLevelRisesWhenEveryNodeKnowsIt(t *testing.T) {
	old := map[string]uint64{"n0": 0, "n1": 1, "n2": 0}
	d := newDesk(t, 3, func(c *Config) { c.older = old[c.ID] })
	for _, id := range d.ids {
		d.open(id)
	}
	d.ready()
	d.do("n0", setting("before", "x"))
	if level := d.level("n0"); level != desk.Level-1 {
		t.Errorf("the level is %d though n1 doesn't know it", level)
	}
	old["n1"] = 0
	d.kill("n1")
	d.open("n1")
	d.ready()
	for _, id := range d.ids {
		d.until("the level has risen on "+id, func() bool { return d.level(id) == desk.Level })
	}
	old["n1"] = 1
	d.kill("n1")
	if _, err := Open(d.config("n1")); err == nil || !strings.Contains(err.Error(), "start a later refdesk") {
		t.Errorf("an older program opens the desk: %v", err)
	}
}

func TestAnOlderProgramStopsWhenTheLevelRises(t *testing.T) {
	d := newDesk(t, 3, func(c *Config) {
		if c.ID == "n1" {
			c.older = 1
		}
	})
	for _, id := range d.ids {
		d.open(id)
	}
	d.ready()
	if d.leader() == "n1" { // it would not raise what it doesn't know
		if err := d.nodes["n1"].raft.LeadershipTransfer().Error(); err != nil {
			t.Fatal(err)
		}
	}
	// It lies, as one that was exchanged for an older one without a start would.
	n1 := d.nodes["n1"]
	incarnation := ""
	for _, n := range nodesOf(t, n1) {
		if n.ID == "n1" {
			incarnation = n.Incarnation
		}
	}
	d.do("n0", desk.Request{Actor: n1.self(), Command: &desk.NodeUp{Node: "n1", Incarnation: incarnation, Address: d.addrs["n1"], Level: desk.Level}})
	delete(d.nodes, "n1")
	if err := n1.Run(limited(t)); err == nil || !strings.Contains(err.Error(), "start a later refdesk") {
		t.Errorf("it ended with %v", err)
	}
}

// limited ends when a test has waited too long.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	t.Cleanup(cancel)
	return ctx
}

func nodesOf(t *testing.T, c *Cluster) (nodes []*desk.Node) {
	t.Helper()
	err := c.View(context.Background(), c.self(), func(r desk.Reader) (err error) {
		nodes, err = r.Nodes()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

func TestRecoverAfterALostMajority(t *testing.T) {
	d := started(t, 3, nil)
	for i := range 20 {
		d.do("n0", setting(fmt.Sprint("s", i), "x"))
	}
	d.agree()
	epoch := d.status("n0").Epoch
	for _, id := range d.ids {
		d.kill(id)
	}
	dir := filepath.Join(d.dir, "n0")
	r, err := Recover(dir, "n0", nil, false)
	if err != nil || !slices.Equal(r.Lost, []string{"n1", "n2"}) {
		t.Fatalf("without force: %+v, %v", r, err)
	}
	c := d.open("n0")
	select {
	case <-c.Ready():
		t.Fatal("a look alone made it a desk")
	case <-time.After(2 * time.Second): // it must not happen
	}
	if _, err := Recover(dir, "n0", nil, true); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("while the node runs: %v", err)
	}
	d.kill("n0")
	if _, err := Recover(dir, "n7", nil, true); err == nil || !strings.Contains(err.Error(), "cluster.id") {
		t.Errorf("another id: %v", err)
	}
	if _, err := Recover(dir, "n0", nil, true); err != nil {
		t.Fatal(err)
	}
	d.open("n0")
	d.ready()
	d.until("the records say so", func() bool { return d.status("n0").Epoch == epoch+1 })
	d.do("n0", setting("after", "x"))
	if all, err := d.nodes["n0"].Members(context.Background()); err != nil || len(all) != 1 {
		t.Errorf("the members: %+v, %v", all, err)
	}
	d.kill("n0")
	d.open("n0")
	d.ready()
	if at := d.status("n0"); at.Epoch != epoch+1 {
		t.Errorf("a second start raised the epoch to %d again", at.Epoch)
	}
	if _, err := Recover(t.TempDir(), "n0", nil, true); err == nil || !strings.Contains(err.Error(), "no desk") {
		t.Errorf("an empty directory: %v", err)
	}
	// One of the lost comes back, finds no majority, and is told.
	n1 := d.open("n1")
	delete(d.nodes, "n1")
	if err := n1.Run(limited(t)); err == nil || !strings.Contains(err.Error(), "was removed from the desk") {
		t.Errorf("the lost one ended with %v", err)
	}
}
