// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster"
	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
	"refdesk/cluster/peer"
	"refdesk/cluster/store"
)

// patient is how long anything may take once all faults are over.
const patient = 30 * time.Second

// world is a desk of several nodes in this process, with a network, disks and clocks that the test may spoil.
type world struct {
	t      testing.TB
	dir    string
	seed   uint64
	tune   func(*raft.Config)
	net    *network
	nodes  []*node
	epochs time.Time // of this world
}

// node is one node of a world, which may be down.
type node struct {
	id    string
	dir   string
	addr  string
	key   *peer.Identity
	peers map[string]string
	disk  *disk

	mu      sync.Mutex
	cluster *cluster.Cluster // nil = down
	ahead   time.Duration    // of its clock
	ill     bool             // it may end by itself: its disk failed
	done    chan struct{}
}

// newWorld makes a desk of n nodes and starts them. The department, its staff and their sessions are there.
func newWorld(t testing.TB, n int, seed uint64, tune func(*raft.Config)) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), seed: seed, tune: tune, net: newNetwork(n), epochs: time.Now()}
	a, err := peer.NewAuthority("sim", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	own, err := a.Pair()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		id := fmt.Sprint("n", i)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		x := &node{id: id, dir: filepath.Join(w.dir, id), addr: l.Addr().String(), peers: map[string]string{}, disk: newDisk()}
		l.Close()
		pair, err := a.Node(id, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if x.key, err = peer.NewIdentity(id, own.Cert, pair); err != nil {
			t.Fatal(err)
		}
		w.nodes = append(w.nodes, x)
	}
	for i, x := range w.nodes {
		for j, y := range w.nodes {
			x.peers[y.id] = y.addr
			if i != j {
				x.peers[y.id] = w.net.line(t, i, j, y.addr)
			}
		}
	}
	t.Cleanup(func() {
		for i := range w.nodes {
			w.down(i)
		}
		w.net.close()
	})
	for i := range w.nodes {
		w.up(i)
	}
	w.furnish()
	return w
}

// furnish makes the library and signs its staff in.
func (w *world) furnish() {
	w.t.Helper()
	for _, env := range desktest.LibraryLog() {
		if k, ok := env.Command.(*desk.SetCalendar); ok {
			k.Calendar.Open = []desk.Interval{{From: 0, To: desk.At(time.Now().Add(24 * time.Hour))}} // whatever the clocks say
		}
		w.do(env.Request)
	}
	for _, account := range staff() {
		id := desktest.SessionID(account)
		w.do(desk.Request{Actor: desk.NodeActor("n0"), Command: &desk.OpenSession{ID: id, Account: account, Door: "xmpp", Node: "elsewhere", Resource: "r"}})
		w.do(desk.Request{Actor: desk.StaffActor(account, id), Command: &desk.SetShow{ID: id, Show: desk.ShowOnline}})
	}
}

func staff() []string { return []string{"ana", "ben", "lena"} }

// do does what must succeed while nothing is wrong yet.
func (w *world) do(r desk.Request) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if _, err := w.nodes[0].get().Do(ctx, r); err != nil {
		w.t.Fatalf("%s: %v", r.Command.CommandName(), err)
	}
}

// get returns the node if it is up.
func (x *node) get() *cluster.Cluster {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.cluster
}

// up starts node i, if it is down.
func (w *world) up(i int) {
	w.t.Helper()
	x := w.nodes[i]
	if x.get() != nil {
		return
	}
	l, err := net.Listen("tcp", x.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := cluster.Config{
		ID: x.id, Dir: x.dir, Peers: x.peers, Listener: l, Identity: x.key, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time {
			x.mu.Lock()
			defer x.mu.Unlock()
			return time.Now().Add(x.ahead)
		},
	}
	if os.Getenv("REFDESK_TEST_LOG") != "" {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", x.id)
	}
	segment := 0
	if w.tune != nil {
		segment = 16 << 10
	}
	cfg.Faulty(x.disk, w.tune, segment)
	c, err := cluster.Open(cfg)
	if err != nil {
		w.t.Fatalf("seed %d: %s does not start: %v", w.seed, x.id, err)
	}
	done := make(chan struct{})
	x.mu.Lock()
	x.cluster, x.done, x.ill = c, done, false
	x.mu.Unlock()
	go func() {
		defer close(done)
		err := c.Run(context.Background())
		x.mu.Lock()
		defer x.mu.Unlock()
		if err != nil && !x.ill {
			w.t.Errorf("seed %d: %s ended by itself: %v", w.seed, x.id, err)
		}
		x.cluster = nil
	}()
}

// down ends node i without grace.
func (w *world) down(i int) {
	x := w.nodes[i]
	x.mu.Lock()
	c, done := x.cluster, x.done
	x.mu.Unlock()
	if c != nil {
		_ = c.Close() // on a bad disk it complains
	}
	if done != nil {
		<-done
	}
}

// blackout ends node i as a power cut does: what its log had not synced is gone.
func (w *world) blackout(i int, r *rand.Rand) {
	w.t.Helper()
	x := w.nodes[i]
	x.mu.Lock()
	x.ill = true
	x.mu.Unlock()
	x.disk.fail(errPower)
	w.down(i)
	if err := x.disk.lose(r); err != nil {
		w.t.Fatal(err)
	}
}

// until waits for a condition when all faults are over.
func (w *world) until(what string, f func() error) {
	w.t.Helper()
	limit := time.Now().Add(patient)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(limit) {
			w.t.Fatalf("seed %d: %s: not within %s: %v", w.seed, what, patient, err)
		}
		time.Sleep(10 * time.Millisecond) // real nodes: there is nothing to synchronise with
	}
}

// recover ends all faults, starts what is down, and waits until all nodes agree.
func (w *world) recover() {
	w.t.Helper()
	w.net.heal()
	for i, x := range w.nodes {
		x.disk.set(0)
		w.up(i)
	}
	w.until("the nodes agree", func() error {
		var all []cluster.Status
		for _, x := range w.nodes {
			c := x.get()
			if c == nil {
				return errors.New(x.id + " is down")
			}
			s, err := c.Status(context.Background())
			if err != nil {
				return err
			}
			if !s.Ready {
				return errors.New(x.id + " is not ready")
			}
			all = append(all, s)
		}
		for _, s := range all[1:] {
			if s.Applied != all[0].Applied || s.Seq != all[0].Seq {
				return fmt.Errorf("%s has applied %d, %s %d", s.ID, s.Applied, all[0].ID, all[0].Applied)
			}
			if !bytes.Equal(s.Digest, all[0].Digest) {
				w.t.Fatalf("seed %d: %s and %s have applied %d and differ", w.seed, s.ID, all[0].ID, s.Applied)
			}
		}
		return nil
	})
}

// examine ends all nodes and reads what each has in its records.
func (w *world) examine(acked []Ack) {
	w.t.Helper()
	for i, x := range w.nodes {
		w.down(i)
		s, err := store.Open(x.dir)
		if err != nil {
			w.t.Fatal(err)
		}
		err = s.View(context.Background(), func(src desk.Source) error {
			for n, objection := range Examine(src, acked) {
				if n < 20 {
					w.t.Errorf("seed %d: %s: %s", w.seed, x.id, objection)
				}
			}
			return nil
		})
		if err := errors.Join(err, s.Close()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// leads returns the number of the node that leads, by the word of a node that follows it; -1 if none does.
func (w *world) leads() int {
	votes := map[string]int{}
	for _, x := range w.nodes {
		if c := x.get(); c != nil {
			if s, err := c.Status(context.Background()); err == nil {
				votes[s.Leader]++
			}
		}
	}
	for i, x := range w.nodes {
		if votes[x.id] > len(w.nodes)/2 {
			return i
		}
	}
	return -1
}

// leader waits until a node leads.
func (w *world) leader() (i int) {
	w.t.Helper()
	w.until("a node leads", func() error {
		if i = w.leads(); i < 0 {
			return errors.New("none does")
		}
		return nil
	})
	return i
}
