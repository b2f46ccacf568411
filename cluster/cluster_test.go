// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

func TestOneNode(t *testing.T) {
	d := started(t, 1, nil)
	reply := d.do("n0", setting("desk.name", "Library"))
	if reply.Seq == 0 || reply.Again {
		t.Errorf("reply %+v", reply)
	}
	if err := d.nodes["n0"].WaitApplied(context.Background(), reply.Seq); err != nil {
		t.Fatal(err)
	}
	var name string
	err := d.nodes["n0"].View(context.Background(), admin(), func(r desk.Reader) (err error) {
		name, err = r.Setting("desk.name")
		return err
	})
	if err != nil || name != "Library" {
		t.Errorf("the setting is %q, %v", name, err)
	}
	again := d.do("n0", setting("desk.name", "Library"))
	if !again.Again || again.Seq != reply.Seq {
		t.Errorf("a repeat was answered with %+v", again)
	}
	_, err = d.nodes["n0"].Do(context.Background(), setting("desk.name", "Other"))
	if !isCode(err, desk.Conflict) {
		t.Errorf("the same key with another command: %v", err)
	}
	before := d.status("n0")
	d.kill("n0")
	d.open("n0")
	d.ready()
	after := d.status("n0")
	if after.Seq <= before.Seq || after.Epoch != before.Epoch || !after.Ready {
		t.Errorf("before the restart %+v, after it %+v", before, after)
	}
	if again := d.do("n0", setting("desk.name", "Library")); !again.Again {
		t.Errorf("a repeat after the restart was answered with %+v", again)
	}
}

func TestRefusedCommands(t *testing.T) {
	d := started(t, 1, nil)
	for what, r := range map[string]desk.Request{
		"none":      {Actor: admin()},
		"too large": {Actor: admin(), Command: &desk.SetSetting{Setting: desk.Setting{Name: "x", Value: strings.Repeat("x", desk.MaxCommand)}}},
	} {
		if _, err := d.nodes["n0"].Do(context.Background(), r); !isCode(err, desk.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.nodes["n0"].Do(ctx, setting("a", "b")); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	c := d.nodes["n0"]
	d.kill("n0")
	if _, err := c.Do(context.Background(), setting("a", "b")); !isCode(err, desk.Stopping) {
		t.Errorf("after the end: %v", err)
	}
	if err := c.View(context.Background(), admin(), func(desk.Reader) error { return nil }); !isCode(err, desk.Stopping) {
		t.Errorf("a view after the end: %v", err)
	}
}

func TestThreeNodesForward(t *testing.T) {
	d := started(t, 3, nil)
	for i, env := range desktest.LibraryLog() {
		d.do(d.ids[i%3], env.Request)
	}
	var wg sync.WaitGroup
	for i := range 90 {
		wg.Go(func() { d.do(d.ids[i%3], setting(fmt.Sprint("s", i), "x")) })
	}
	wg.Wait()
	d.agree()
	for _, id := range d.ids {
		got := d.changes(id)
		for i := range 90 {
			if n := got[fmt.Sprint("s", i)]; n != 1 {
				t.Errorf("%s: s%d was set %d times", id, i, n)
			}
		}
	}
	follower := d.other(d.leader())
	reply := d.do(follower, setting("own", "write"))
	if err := d.nodes[follower].WaitApplied(context.Background(), reply.Seq); err != nil {
		t.Fatal(err)
	}
	err := d.nodes[follower].View(context.Background(), admin(), func(r desk.Reader) error {
		v, err := r.Setting("own")
		if v != "write" {
			t.Errorf("its own write reads %q", v)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Keyed commands are retried through the death of leaders and applied exactly once each; a node that was away catches up.
func TestKillLeadersUnderLoad(t *testing.T) {
	d := started(t, 3, nil)
	const writers = 12
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	stop := make(chan struct{})
	acked := make([][]string, writers)
	var mu sync.Mutex // held by writers who read d.nodes, and by us when we change it
	var count atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("w%d-%d", w, n)
				for try := w; ; try++ { // a client goes on at another node with the same id
					mu.Lock()
					c := d.nodes[d.ids[try%3]]
					mu.Unlock()
					if c == nil {
						continue
					}
					ctx, cancel := context.WithTimeout(context.Background(), patient)
					_, err := c.Do(ctx, setting(name, "x"))
					cancel()
					if err == nil {
						break
					}
					if !isCode(err, desk.Stopping) && !isCode(err, desk.NoQuorum) {
						t.Errorf("%s: %v", name, err)
						return
					}
				}
				acked[w] = append(acked[w], name)
				count.Add(1)
			}
		})
	}
	more := func(n int64) {
		t.Helper()
		target := count.Load() + n
		d.until("commands are acknowledged", func() bool { return count.Load() >= target })
	}
	for range rounds {
		more(300)
		victim := d.leader()
		c := d.nodes[victim]
		mu.Lock()
		delete(d.nodes, victim)
		mu.Unlock()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		began := time.Now()
		more(1)
		t.Logf("%s killed, the next command was acknowledged after %s", victim, time.Since(began).Round(time.Millisecond))
		more(300)
		again, err := Open(d.config(victim))
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		d.nodes[victim] = again
		mu.Unlock()
	}
	more(300)
	close(stop)
	wg.Wait()
	d.agree()
	total := 0
	for _, id := range d.ids {
		got := d.changes(id)
		total = 0
		for _, names := range acked {
			for _, name := range names {
				total++
				if got[name] != 1 {
					t.Errorf("%s: %s was acknowledged and set %d times", id, name, got[name])
				}
			}
		}
		for name, n := range got {
			if n != 1 {
				t.Errorf("%s: %s was set %d times", id, name, n)
			}
		}
	}
	t.Logf("%d commands acknowledged through %d kills", total, rounds)
}

// A node that was away for longer than the log reaches back gets a copy of the database, while others write.
func TestLaggingNodeGetsACopy(t *testing.T) {
	d := started(t, 3, func(c *Config) {
		c.segment = 8 << 10 // entries cut off can be read as long as their file is there
		c.tune = func(r *raft.Config) {
			r.TrailingLogs, r.SnapshotThreshold, r.SnapshotInterval = 10, 20, 20*time.Millisecond
		}
	})
	leader := d.leader()
	lagging := d.other(leader)
	d.do(leader, setting("before", "x"))
	d.agree()
	d.kill(lagging)
	at := d.nodes[leader].store.Applied().Index
	for i := range 200 {
		d.do(leader, setting(fmt.Sprint("s", i), "x"))
	}
	d.until("the log no longer reaches back", func() bool {
		for id, c := range d.nodes {
			first, err := c.wal.FirstIndex()
			if err != nil {
				t.Fatal(err)
			}
			if first <= at+1 {
				if id == d.leader() {
					d.do(id, setting(fmt.Sprint("more", first, time.Now().UnixNano()), "x"))
				}
				return false
			}
		}
		return true
	})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		writer := d.nodes[d.ids[w%3]]
		if writer == nil {
			writer = d.nodes[leader]
		}
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := writer.Do(context.Background(), setting(fmt.Sprintf("w%d-%d", w, n), "x")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	d.until("a copy was made in vain, and kept", func() bool {
		c := d.nodes[d.leader()]
		c.snaps.mu.Lock()
		defer c.snaps.mu.Unlock()
		return c.snaps.spare != nil
	})
	c := d.open(lagging)
	d.ready()
	d.until("it has a copy", func() bool { return c.copies.Load() > 0 })
	close(stop)
	wg.Wait()
	d.agree()
	want := d.changes(leader)
	got := d.changes(lagging)
	if len(got) != len(want) {
		t.Errorf("%d settings, want %d", len(got), len(want))
	}
	// What it has it keeps through a restart, without another copy.
	before := d.status(lagging)
	d.kill(lagging)
	d.open(lagging)
	if got := d.nodes[lagging].store.Applied().Index; got < before.Applied {
		t.Errorf("after a restart its database ends at %d, before %d", got, before.Applied)
	}
	d.ready()
	d.agree()
}

// A follower of events that goes on at another node sees each event once and in order.
func TestFollowGoesOnElsewhere(t *testing.T) {
	d := started(t, 3, nil)
	const total = 60
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range total {
			d.do("n0", setting(fmt.Sprint("s", i), "x"))
		}
	})
	var seen []string
	var at desk.Cursor
	var last uint64
	for hop := 0; len(seen) < total; hop++ {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		c := d.nodes[d.ids[hop%3]]
		for b, err := range c.Follow(ctx, c.self(), desk.TopicAll(), at) {
			if err != nil {
				t.Fatal(err)
			}
			at = b.Cursor
			for _, e := range b.Events {
				if e.Seq <= last {
					t.Fatalf("event %d after %d", e.Seq, last)
				}
				last = e.Seq
				if e.Kind == desk.SettingChanged {
					seen = append(seen, e.Value)
				}
			}
			if len(b.Events) > 0 {
				break
			}
		}
		cancel()
	}
	wg.Wait()
	for i, name := range seen {
		if name != fmt.Sprint("s", i) {
			t.Fatalf("event %d is of %s", i, name)
		}
	}
	_, err := first(d.nodes["n1"], desk.Cursor{Epoch: 99, Seq: 1})
	if !isCode(err, desk.TooOld) {
		t.Errorf("a cursor of another epoch: %v", err)
	}
	b, err := first(d.nodes["n1"], at)
	if err != nil || b.Cursor.Seq < at.Seq {
		t.Errorf("the first batch of a follower who has everything: %+v, %v", b, err)
	}
}

// first takes one batch.
func first(c *Cluster, at desk.Cursor) (desk.Batch, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	for b, err := range c.Follow(ctx, c.self(), desk.TopicAll(), at) {
		return b, err
	}
	return desk.Batch{}, errors.New("nothing")
}

func TestNoQuorum(t *testing.T) {
	d := started(t, 3, nil)
	d.do("n0", setting("a", "x"))
	d.agree()
	d.kill("n1")
	d.kill("n2")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, err := d.nodes["n0"].Do(ctx, setting("b", "x")); !isCode(err, desk.NoQuorum) {
		t.Errorf("alone of three: %v", err)
	}
	if err := d.nodes["n0"].View(context.Background(), admin(), func(r desk.Reader) error {
		v, err := r.Setting("a")
		if v != "x" {
			t.Errorf("reads go on, but a is %q", v)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	d.open("n1")
	d.do("n0", setting("b", "x"))
	if n := d.changes("n0")["b"]; n != 1 {
		t.Errorf("b was set %d times", n)
	}
}
