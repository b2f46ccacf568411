// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"refdesk/cluster/desk"
	"refdesk/cluster/peer"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(processEnv); dir != "" {
		process(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// patient is how long a test waits for one step of a cluster before it has failed.
const patient = 30 * time.Second

// testDesk is the nodes of one desk, each of which can be killed and started again.
type testDesk struct {
	t      testing.TB
	dir    string
	ids    []string
	addrs  map[string]string
	keys   map[string]*peer.Identity
	nodes  map[string]*Cluster
	listen map[string]net.Listener // for the first start
	tune   func(*Config)
}

func newDesk(t testing.TB, n int, tune func(*Config)) *testDesk {
	t.Helper()
	d := &testDesk{t: t, dir: t.TempDir(), addrs: map[string]string{}, keys: map[string]*peer.Identity{}, nodes: map[string]*Cluster{}, listen: map[string]net.Listener{}, tune: tune}
	a, err := peer.NewAuthority("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	own, err := a.Pair()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		id := fmt.Sprint("n", i)
		d.ids = append(d.ids, id)
		if n == 1 {
			break
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		d.addrs[id], d.listen[id] = l.Addr().String(), l
		pair, err := a.Node(id, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if d.keys[id], err = peer.NewIdentity(id, own.Cert, pair); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, id := range d.ids {
			d.kill(id)
		}
	})
	return d
}

// started opens all nodes and waits until they take part.
func started(t testing.TB, n int, tune func(*Config)) *testDesk {
	t.Helper()
	d := newDesk(t, n, tune)
	for _, id := range d.ids {
		d.open(id)
	}
	d.ready()
	d.until("the desk is at its level", func() bool { return d.level(d.ids[0]) == desk.Level }) // it is quiet from then on
	return d
}

// level is the feature level that a node has read.
func (d *testDesk) level(id string) (level uint64) {
	d.t.Helper()
	err := d.nodes[id].read(context.Background(), func(src desk.Source) (err error) {
		level, err = desk.FeatureLevel(src)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return level
}

func (d *testDesk) config(id string) Config {
	cfg := Config{ID: id, Dir: filepath.Join(d.dir, id), Log: slog.New(slog.DiscardHandler), segment: 1 << 20}
	if os.Getenv("REFDESK_TEST_LOG") != "" {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", id)
	}
	if len(d.ids) > 1 {
		l := d.listen[id]
		delete(d.listen, id)
		if l == nil {
			var err error
			if l, err = net.Listen("tcp", d.addrs[id]); err != nil {
				d.t.Fatal(err)
			}
		}
		cfg.Listener, cfg.Peers, cfg.Identity = l, d.addrs, d.keys[id]
	}
	if d.tune != nil {
		d.tune(&cfg)
	}
	return cfg
}

func (d *testDesk) open(id string) *Cluster {
	d.t.Helper()
	c, err := Open(d.config(id))
	if err != nil {
		d.t.Fatal(err)
	}
	d.nodes[id] = c
	return c
}

// ready waits until all nodes that run take part.
func (d *testDesk) ready() {
	d.t.Helper()
	for id, c := range d.nodes {
		select {
		case <-c.Ready():
		case <-c.failed:
			d.t.Fatalf("%s failed: %v", id, c.failErr)
		case <-time.After(patient):
			d.t.Fatalf("%s does not get ready", id)
		}
	}
}

// kill ends a node without any grace.
func (d *testDesk) kill(id string) {
	if c := d.nodes[id]; c != nil {
		delete(d.nodes, id)
		if err := c.Close(); err != nil {
			d.t.Errorf("close %s: %v", id, err)
		}
	}
}

// until waits for a condition on a running cluster.
func (d *testDesk) until(what string, f func() bool) {
	d.t.Helper()
	limit := time.Now().Add(patient)
	for !f() {
		if time.Now().After(limit) {
			d.t.Fatalf("%s: not within %s", what, patient)
		}
		time.Sleep(5 * time.Millisecond) // real nodes: there is nothing to synchronise with
	}
}

// leader waits until a node leads and returns its id.
func (d *testDesk) leader() string {
	d.t.Helper()
	found := ""
	d.until("a node leads", func() bool {
		for id, c := range d.nodes {
			if c.reign.Load() != nil {
				found = id
				return true
			}
		}
		return false
	})
	return found
}

// other returns a running node that isn't id.
func (d *testDesk) other(id string) string {
	for _, x := range d.ids {
		if x != id && d.nodes[x] != nil {
			return x
		}
	}
	d.t.Fatal("no other node runs")
	return ""
}

func admin() desk.Actor { return desk.Actor{Kind: desk.AdminKind, ID: "test"} }

// setting is a keyed command that each application of would show: it adds an event.
func setting(name, value string) desk.Request {
	return desk.Request{
		Actor: admin(), Key: desk.Key{Kind: desk.KeyAdmin, Principal: "test", ID: name},
		Command: &desk.SetSetting{Setting: desk.Setting{Name: name, Value: value}},
	}
}

func (d *testDesk) do(id string, r desk.Request) desk.Reply {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	reply, err := d.nodes[id].Do(ctx, r)
	if err != nil {
		d.t.Fatalf("%s on %s: %v", r.Command.CommandName(), id, err)
	}
	return reply
}

func (d *testDesk) status(id string) Status {
	d.t.Helper()
	s, err := d.nodes[id].Status(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// agree waits until all running nodes have applied the same, and compares their digests.
func (d *testDesk) agree() {
	d.t.Helper()
	d.until("the nodes agree", func() bool {
		var all []Status
		for id := range d.nodes {
			all = append(all, d.status(id))
		}
		for _, s := range all[1:] {
			if s.Seq != all[0].Seq || s.Applied != all[0].Applied {
				return false
			}
		}
		for _, s := range all[1:] {
			if !bytes.Equal(s.Digest, all[0].Digest) {
				d.t.Fatalf("%s and %s have the same seq %d and other records", s.ID, all[0].ID, s.Seq)
			}
		}
		return true
	})
}

// changes reads how often each setting was set, from the events on a node.
func (d *testDesk) changes(id string) map[string]int {
	d.t.Helper()
	out := map[string]int{}
	last := uint64(0)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	end := d.status(id).Seq
	for b, err := range d.nodes[id].Follow(ctx, d.nodes[id].self(), desk.TopicAll(), desk.Cursor{}) {
		if err != nil {
			d.t.Fatal(err)
		}
		for _, e := range b.Events {
			if e.Seq != last+1 {
				d.t.Fatalf("event %d follows %d", e.Seq, last)
			}
			last = e.Seq
			if e.Kind == desk.SettingChanged {
				out[e.Value]++
			}
		}
		if b.Cursor.Seq >= end {
			return out
		}
	}
	return out
}
