// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"go.uber.org/goleak"

	"refdesk/cluster/desk"
)

var seedFlag = flag.Uint64("sim.seed", 0, "draw the faults from this seed instead of a new one")

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

// seed is the one that the flag names, or a new one. Failures name it.
func seed() uint64 {
	if *seedFlag != 0 {
		return *seedFlag
	}
	return rand.Uint64() >> 32
}

// length is how long faults go on: some seconds every day, or what REFDESK_SIM says.
func length(t testing.TB) time.Duration {
	if s := os.Getenv("REFDESK_SIM"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatalf("REFDESK_SIM: %v", err)
		}
		return d
	}
	return 6 * time.Second
}

// Whatever goes wrong, as long as it ends: nothing acknowledged is lost or done twice, and everybody gets an answer.
func TestFaults(t *testing.T) {
	for _, tc := range []struct {
		name  string
		nodes int
		tune  func(*raft.Config)
	}{
		{"three nodes", 3, nil},
		{"five nodes", 5, nil},
		{"three nodes that send copies", 3, func(r *raft.Config) {
			r.TrailingLogs, r.SnapshotThreshold, r.SnapshotInterval = 20, 20, 50*time.Millisecond
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := seed()
			t.Logf("seed %d: go test ./cluster/sim -run 'TestFaults/%s' -sim.seed %d", s, tc.name, s)
			w := newWorld(t, tc.nodes, s, tc.tune)
			c := gather(w, 4, 2)
			r := rand.New(rand.NewPCG(s, 0xfa017))
			for end := time.Now().Add(length(t)); time.Now().Before(end); {
				w.spoil(r)
			}
			w.recover()
			before := c.count()
			w.until("lines are acknowledged again", func() error {
				if c.count() < before+10 {
					return fmt.Errorf("only %d", c.count()-before)
				}
				return nil
			})
			c.judge()
		})
	}
}

// spoil does one thing to the world, and mends it after a while.
func (w *world) spoil(r *rand.Rand) {
	n := len(w.nodes)
	i, j := r.IntN(n), r.IntN(n)
	pause := func() { time.Sleep(time.Duration(100+r.IntN(1200)) * time.Millisecond) } // a fault has a length
	what := r.IntN(10)
	if testing.Verbose() && os.Getenv("REFDESK_TEST_LOG") != "" {
		w.t.Logf("fault %d on n%d, n%d", what, i, j)
	}
	switch what {
	case 0: // kill
		w.down(i)
		pause()
		w.up(i)
	case 1: // alone
		for k := range n {
			w.net.cut(i, k)
			w.net.cut(k, i)
		}
		pause()
	case 2: // one way
		w.net.cut(i, j)
		pause()
	case 3: // bridge
		w.net.cut(i, j)
		w.net.cut(j, i)
		pause()
	case 4: // late
		for k := range n {
			w.net.late(i, k, time.Duration(r.IntN(150))*time.Millisecond)
		}
		pause()
	case 5: // broken connections
		for k := range n {
			w.net.reset(i, k)
		}
	case 6: // slow disk
		w.nodes[i].disk.set(time.Duration(20+r.IntN(200)) * time.Millisecond)
		pause()
		w.nodes[i].disk.set(0)
	case 7: // power cut, of one or of all
		if r.IntN(3) == 0 {
			for k := range n {
				w.blackout(k, r)
			}
		} else {
			w.blackout(i, r)
			pause()
		}
	case 8: // hanging disk
		end := w.nodes[i].disk.hang()
		pause()
		end()
	case 9: // wrong clock
		x := w.nodes[i]
		x.mu.Lock()
		x.ahead = time.Duration(r.IntN(7200)-3600) * time.Second
		x.mu.Unlock()
		w.down(j)
	}
	w.net.heal()
	for k := range n {
		w.up(k)
	}
}

// sicken waits until there is something to lose, and returns who leads then: its disk may fail from now on.
func (c *crowd) sicken() (leader int) {
	c.w.until("there is something to lose", func() error {
		if n := c.count(); n < 100 {
			return fmt.Errorf("only %d lines", n)
		}
		return nil
	})
	leader = c.w.leader()
	x := c.w.nodes[leader]
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ill = true
	return leader
}

// goesOn waits until further lines are acknowledged.
func (c *crowd) goesOn() {
	before := c.count()
	c.w.until("lines are acknowledged", func() error {
		if c.count() < before+10 {
			return fmt.Errorf("only %d", c.count()-before)
		}
		return nil
	})
}

// A leader whose disk hangs gives up after five seconds and is replaced, though its disk never comes back.
func TestHangingLeaderIsReplaced(t *testing.T) {
	w := newWorld(t, 3, seed(), nil)
	c := gather(w, 4, 1)
	leader := c.sicken()
	x := w.nodes[leader]
	end := x.disk.hang()
	defer end()
	began := time.Now()
	w.until("another node leads", func() error {
		if now := w.leads(); now == leader || now < 0 {
			return fmt.Errorf("n%d leads", now)
		}
		return nil
	})
	c.goesOn()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	end()
	w.down(leader)
	c.judge()
}

// A disk that fails ends its node, and the others go on.
func TestFailingLeaderIsReplaced(t *testing.T) {
	w := newWorld(t, 3, seed(), nil)
	c := gather(w, 4, 1)
	leader := c.sicken()
	x := w.nodes[leader]
	x.disk.fail(syscall.ENOSPC)
	w.until("the node ends", func() error {
		if x.get() != nil {
			return fmt.Errorf("%s goes on", x.id)
		}
		return nil
	})
	c.goesOn()
	x.disk.fail(nil)
	c.judge()
}

// A command whose leader loses its leadership before it can answer may be in the log all the same. Repeated with its key
// it is answered with what came of it, and done once.
func TestRetryAfterLostLeadership(t *testing.T) {
	w := newWorld(t, 3, seed(), nil)
	c := &crowd{w: w}
	for round := range 8 {
		if w.loseLeadership(c.opening(fmt.Sprint("p", round))) {
			w.recover()
			w.examine(nil)
			return
		}
	}
	t.Error("the command never reached the log: nothing was tried")
}

// loseLeadership does a command on a leader that can still send and hears no answers, and repeats it on the next one. It
// reports whether the command had come through at first; whether the leader sends it depends on what it waits for.
func (w *world) loseLeadership(q desk.Request) (known bool) {
	w.t.Helper()
	w.recover()
	leader := w.leader()
	for i := range w.nodes {
		w.net.cut(i, leader)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := w.nodes[leader].get().Do(ctx, q); err == nil {
		w.t.Fatal("a leader that hears nobody has acknowledged")
	}
	w.until("another node leads", func() error {
		if now := w.leads(); now == leader || now < 0 {
			return fmt.Errorf("n%d leads", now)
		}
		return nil
	})
	ctx, cancel = context.WithTimeout(context.Background(), patient)
	defer cancel()
	reply, err := w.nodes[(leader+1)%len(w.nodes)].get().Do(ctx, q)
	if err != nil {
		w.t.Fatalf("the repeat: %v", err)
	}
	w.recover()
	again, err := w.nodes[leader].get().Do(ctx, q)
	if err != nil || !again.Again || again.Chat != reply.Chat || again.Seq != reply.Seq {
		w.t.Errorf("the repeat elsewhere: %+v, %v; want %+v", again, err, reply)
	}
	return reply.Again
}
