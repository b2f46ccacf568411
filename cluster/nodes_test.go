// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// A node that was silent is given up with its sessions; a node that reads that it was given up says that it is back.
func TestNodeDownAndUp(t *testing.T) {
	d := started(t, 3, func(c *Config) {
		c.Live = func() ([]string, []uint64) { return []string{desktest.SessionID("ana")}, nil }
	})
	leader := d.leader()
	for _, env := range desktest.LibraryLog() {
		d.do(leader, env.Request)
	}
	away := d.other(leader)
	for _, account := range []string{"ana", "ben"} {
		d.do(leader, desk.Request{Actor: desk.NodeActor(away), Command: &desk.OpenSession{
			ID: desktest.SessionID(account), Account: account, Door: "xmpp", Node: away, Resource: "r",
		}})
	}
	d.do(leader, desk.Request{Actor: admin(), Command: &desk.SetSetting{Setting: desk.Setting{Name: "clock.node_down", Value: "1s"}}})
	node := func() (n desk.Node, lost map[string]bool) {
		lost = map[string]bool{}
		err := d.nodes[leader].View(context.Background(), desk.NodeActor(leader), func(r desk.Reader) error {
			nodes, err := r.Nodes()
			for _, x := range nodes {
				if x.ID == away {
					n = *x
				}
			}
			for _, account := range []string{"ana", "ben"} {
				all, err := r.Sessions(account)
				if err != nil {
					return err
				}
				for _, s := range all {
					lost[account] = s.Lost
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n, lost
	}
	before, _ := node()
	d.kill(away)
	d.until("the silent node is down", func() bool { n, _ := node(); return n.Down })
	if _, lost := node(); !lost["ana"] || !lost["ben"] {
		t.Errorf("its sessions: %v", lost)
	}
	d.open(away)
	d.ready()
	after, lost := node()
	if after.Down || after.Incarnation == before.Incarnation {
		t.Errorf("after it came back: %+v, before it went: %+v", after, before)
	}
	if still, there := lost["ana"]; still || !there {
		t.Error("the session that it still had is lost")
	}
	if _, there := lost["ben"]; there {
		t.Error("the session that it had no more is still there")
	}
	// Given up while it runs, as after a pause of the process.
	d.do(leader, desk.Request{Actor: desk.NodeActor(leader), Command: &desk.NodeDown{Node: away, Incarnation: after.Incarnation}})
	d.until("it says that it is up", func() bool { n, _ := node(); return !n.Down && n.Incarnation != after.Incarnation })
}

func TestTimersAndCalendars(t *testing.T) {
	asked := make(chan time.Time, 10)
	d := started(t, 1, func(c *Config) {
		c.Calendars = func(_ context.Context, now time.Time) ([]desk.Command, error) {
			asked <- now
			return []desk.Command{&desk.SetSetting{Setting: desk.Setting{Name: "not", Value: "allowed"}}}, nil
		}
	})
	if now := <-asked; time.Since(now).Abs() > time.Minute {
		t.Errorf("calendars were asked for at %s", now)
	}
	c := d.nodes["n0"]
	for _, env := range desktest.LibraryLog() {
		r := env.Request
		if k, ok := r.Command.(*desk.SetCalendar); ok {
			k.Calendar.Open = []desk.Interval{{From: 0, To: desk.At(time.Now().Add(time.Hour))}}
		}
		d.do("n0", r)
	}
	d.do("n0", desk.Request{Actor: admin(), Command: &desk.SetSetting{Setting: desk.Setting{Name: "clock.ring_repeat", Value: "50ms"}}})
	d.do("n0", desk.Request{Actor: c.self(), Command: &desk.OpenSession{ID: desktest.SessionID("ana"), Account: "ana", Door: "xmpp", Node: "n0", Resource: "r"}})
	d.do("n0", desk.Request{Actor: desk.StaffActor("ana", desktest.SessionID("ana")), Command: &desk.SetShow{ID: desktest.SessionID("ana"), Show: desk.ShowOnline}})
	d.do("n0", desk.Request{Actor: desk.PatronActor("p1"), Command: &desk.OpenChat{ID: "q", Department: "reference", Question: "?", Node: "n0"}})
	rings := 0
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	for b, err := range c.Follow(ctx, c.self(), desk.TopicAll(), desk.Cursor{}) {
		if err != nil {
			t.Fatalf("after %d rings: %v", rings, err)
		}
		for _, e := range b.Events {
			if e.Kind == desk.ChatRang {
				rings++
			}
		}
		if rings == 2 {
			break
		}
	}
}

func TestLead(t *testing.T) {
	d := started(t, 3, nil)
	type turn struct {
		id   string
		term uint64
	}
	turns, ended := make(chan turn, 10), make(chan turn, 10)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for id, c := range d.nodes {
		wg.Go(func() {
			err := c.Lead(ctx, func(ctx context.Context, term uint64) error {
				turns <- turn{id, term}
				<-ctx.Done()
				ended <- turn{id, term}
				return ctx.Err()
			})
			if !errors.Is(err, context.Canceled) && !isCode(err, desk.Stopping) {
				t.Errorf("Lead on %s ended with %v", id, err)
			}
		})
	}
	first := <-turns
	d.kill(first.id)
	if e := <-ended; e != first {
		t.Errorf("%v ended, %v had begun", e, first)
	}
	second := <-turns
	if second.id == first.id || second.term <= first.term {
		t.Errorf("%v leads after %v", second, first)
	}
	cancel()
	wg.Wait()
}

// Stamps never go back, whatever the wall clock of the next leader says.
func TestStampsNeverGoBack(t *testing.T) {
	offset := map[string]time.Duration{"n0": time.Hour, "n1": -time.Hour, "n2": 0}
	d := started(t, 3, func(c *Config) {
		ahead := offset[c.ID]
		c.Now = func() time.Time { return time.Now().Add(ahead) }
	})
	var stamps []desk.Time
	for round := range 3 {
		leader := d.leader()
		for i := range 5 {
			stamps = append(stamps, d.do(leader, setting(fmt.Sprintf("r%d-%d", round, i), "x")).At)
		}
		d.kill(leader)
		d.leader()
		d.open(leader)
		d.ready()
	}
	if !slices.IsSorted(stamps) {
		t.Errorf("stamps: %v", stamps)
	}
	if ahead := stamps[len(stamps)-1].Sub(desk.At(time.Now())); ahead.Abs() > 50*time.Minute && ahead < 0 {
		t.Errorf("the desk's clock is %s off", ahead)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	d := started(t, 3, nil)
	leader := d.leader()
	c := d.nodes[leader]
	delete(d.nodes, leader)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	d.leader()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
