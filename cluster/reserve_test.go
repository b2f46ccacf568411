// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"refdesk/cluster/desk"
)

// disks are what nodes find free on their disks.
type disks map[string]*atomic.Int64

func (x disks) tune(c *Config) {
	f := x[c.ID]
	c.free = func(string) (int64, error) { return f.Load(), nil }
}

func newDisks(ids ...string) disks {
	x := disks{}
	for _, id := range ids {
		x[id] = &atomic.Int64{}
		x[id].Store(2 * DefaultReserve)
	}
	return x
}

// locked is a log that several may write to and read.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), text)
}

// A node whose disk has less than the reserve refuses at once, goes on reading, says so, and recovers by itself.
func TestReserveOnOneNode(t *testing.T) {
	x := newDisks("n0")
	var said locked
	d := started(t, 1, func(c *Config) {
		x.tune(c)
		c.Log = slog.New(slog.NewTextHandler(&said, nil))
	})
	c := d.nodes["n0"]
	d.do("n0", setting("before", "x"))
	x["n0"].Store(DefaultReserve - 1)
	d.until("the node is full", func() bool { return d.status("n0").Full })
	began := time.Now()
	_, err := c.Do(context.Background(), setting("during", "x"))
	if e, ok := err.(*desk.Error); !ok || e.Code != desk.NoQuorum || e.Field != "disk" {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %s to refuse", took)
	}
	if !d.has("n0", "before") || d.has("n0", "during") {
		t.Error("what is there can't be read")
	}
	if !said.has("the disk is nearly full") {
		t.Error("the log doesn't tell")
	}
	x["n0"].Store(DefaultReserve + 1) // not enough to change its mind
	c.lookAtDisk()
	if !d.status("n0").Full {
		t.Error("it changes its mind with the first byte")
	}
	x["n0"].Store(2 * DefaultReserve)
	d.until("there is room", func() bool { return !d.status("n0").Full })
	d.do("n0", setting("during", "x")) // the same key: the refusal was not recorded
	d.kill("n0")

	x["n0"].Store(1) // a start on a full disk opens the doors, for reading
	d.open("n0")
	d.ready()
	if !d.has("n0", "during") {
		t.Error("nothing can be read")
	}
	if _, err := d.nodes["n0"].Do(context.Background(), setting("later", "x")); !isCode(err, desk.NoQuorum) {
		t.Errorf("got %v", err)
	}
}

// A full node that leads hands over, and the desk goes on without a refusal. A full follower changes nothing.
func TestReserveHandsOver(t *testing.T) {
	x := newDisks("n0", "n1", "n2")
	d := started(t, 3, x.tune)
	was := d.leader()
	follower := d.other(was)
	x[follower].Store(1)
	d.until("the follower is full", func() bool { return d.status(follower).Full })
	d.do(follower, setting("through a full follower", "x"))
	x[follower].Store(2 * DefaultReserve)
	d.until("the follower has room", func() bool { return !d.status(follower).Full })
	x[was].Store(1)
	for n := 0; d.nodes[was].reign.Load() != nil; n++ {
		d.do(follower, setting(fmt.Sprint("while it hands over ", n), "x"))
	}
	d.do(was, setting("after", "x"))
	if now := d.leader(); now == was {
		t.Errorf("%s still leads", was)
	}
	d.agree()
	// With all full, all refuse; with one that has room again, it goes on.
	for _, id := range d.ids {
		x[id].Store(1)
	}
	d.until("all are full", func() bool {
		return d.status("n0").Full && d.status("n1").Full && d.status("n2").Full
	})
	d.until("it is refused", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		_, err := d.nodes["n0"].Do(ctx, setting("refused", "x"))
		return err != nil
	})
	for _, id := range d.ids {
		x[id].Store(2 * DefaultReserve)
	}
	d.until("all have room", func() bool {
		return !d.status("n0").Full && !d.status("n1").Full && !d.status("n2").Full
	})
	d.do("n0", setting("refused", "x"))
	d.agree()
}
