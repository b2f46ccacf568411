// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// scale is how long and how much is measured.
type scale struct {
	budget            time.Duration // no visit begins later than this
	rounds, wide      int           // visits for speed, and for memory and storm
	calm, busy, flood time.Duration
	logins            int
	patrons, staff    int // idle ones
	stormed           int // patrons cut at once
	stormedStaff      int
	settle            time.Duration
}

func full() scale {
	return scale{
		budget: 9*time.Minute + 30*time.Second,
		rounds: 3, wide: 2, calm: 5 * time.Second, busy: 3 * time.Second, flood: 4 * time.Second, logins: 400,
		patrons: 1000, staff: 1000, stormed: 1000, stormedStaff: 200, settle: 3 * time.Second,
	}
}

func quick() scale {
	return scale{
		budget: 90 * time.Second,
		rounds: 1, wide: 1, calm: time.Second, busy: time.Second, flood: time.Second, logins: 50,
		patrons: 100, staff: 100, stormed: 100, stormedStaff: 20, settle: 500 * time.Millisecond,
	}
}

// Rates of the steady phases, messages a second.
const (
	calmRate = 50
	mustRate = 500
)

// figures are results by name.
type figures map[string]float64

func (f figures) load(prefix string, l load) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	f[prefix+" p50"], f[prefix+" p95"], f[prefix+" p99"] = ms(l.p50), ms(l.p95), ms(l.p99)
	f[prefix+" rate"], f[prefix+" cpu"], f[prefix+" first cpu"] = l.rate, l.perThousand(), l.perThousand(0)
	f[prefix+" undelivered"] = float64(l.sent - l.got)
}

// speed measures messages and sign-ins, and then kills the server under load; parts says which of the three.
func speed(s subject, sc scale, parts string) (f figures, err error) {
	if err := s.start(); err != nil {
		return nil, err
	}
	defer s.stop()
	f = figures{"rss": float64(total(resident(s.pids()))) / float64(len(s.pids())) / 1024}
	m := newMeter()
	began := sum(processors(s.pids()))
	time.Sleep(time.Second)
	f["idle cpu"] = (sum(processors(s.pids())) - began).Seconds() * 100
	var lanes [][]*lane
	for side := range s.sides() {
		l, err := s.lanes(side, m)
		if err != nil {
			return nil, fmt.Errorf("connect: %w", err)
		}
		lanes = append(lanes, l)
	}
	for side, name := range s.sides() {
		if !strings.Contains(parts, "messages") {
			break
		}
		if name != "" {
			name += " "
		}
		if err := messages(m, lanes[side], s.pids(), sc, name, f); err != nil {
			return nil, err
		}
	}
	if strings.Contains(parts, "logins") {
		if err := logins(s, sc, m, f); err != nil {
			return nil, err
		}
	}
	if strings.Contains(parts, "kill") {
		return f, killed(s, m, lanes[0], sc, f)
	}
	return f, nil
}

// messages runs the three phases of one side.
func messages(m *meter, lanes []*lane, pids []int, sc scale, name string, f figures) error {
	calm, err := m.steady(lanes[:25], calmRate, sc.calm, pids)
	if err != nil {
		return err
	}
	f.load(name+"calm", calm)
	flood, err := m.flood(lanes, sc.flood, pids)
	if err != nil {
		return err
	}
	f.load(name+"flood", flood)
	if flood.rate < mustRate*1.1 {
		return nil // it would only pile up
	}
	busy, err := m.steady(lanes, mustRate, sc.busy, pids)
	if err != nil {
		return err
	}
	f.load(name+"busy", busy)
	return nil
}

// logins signs people in and out again.
func logins(s subject, sc scale, m *meter, f figures) error {
	who := s.people()
	one := func(i int) error {
		addr, domain := s.reach(i)
		c, err := dial(addr, domain, m)
		if err != nil {
			return err
		}
		defer c.close()
		return c.login(who[i%len(who)], "login"+fmt.Sprint(i/len(who)))
	}
	if err := each(len(who), 8, one); err != nil { // our own key derivation is not to be measured
		return fmt.Errorf("sign in: %w", err)
	}
	time.Sleep(300 * time.Millisecond)
	before, began := sum(processors(s.pids())), time.Now()
	if err := each(sc.logins, 8, one); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	took := time.Since(began)
	time.Sleep(300 * time.Millisecond) // what follows a sign-out
	f["logins"] = float64(sc.logins) / took.Seconds()
	f["login cpu"] = (sum(processors(s.pids())) - before).Seconds() * 1000 / float64(sc.logins)
	return nil
}

// killed floods the server, kills all of it, starts it again, and counts acknowledged messages that it doesn't hold.
func killed(s subject, m *meter, lanes []*lane, sc scale, f figures) error {
	first := int(m.next.Load()) + 1
	stop := make(chan struct{})
	var pumps sync.WaitGroup
	for _, l := range lanes {
		pumps.Go(func() {
			for {
				if m.post(l) != nil {
					return
				}
				select {
				case <-l.free:
				case <-stop:
					return
				}
			}
		})
	}
	time.Sleep(sc.flood)
	err := s.kill()
	close(stop)
	pumps.Wait()
	if err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond) // acks on their way through our own buffers
	if err := s.again(); err != nil {
		return fmt.Errorf("start again: %w", err)
	}
	acked, there := 0, make([]bool, maxMessages)
	var mu sync.Mutex
	if err := s.stored(0, func(n int) {
		mu.Lock()
		defer mu.Unlock()
		if n > 0 && n < len(there) {
			there[n] = true
		}
	}); err != nil {
		return fmt.Errorf("read what was kept: %w", err)
	}
	missing := 0
	for n := first; n <= int(m.next.Load()); n++ {
		if m.notes[n].acked.Load() > 0 {
			acked++
			if !there[n] {
				missing++
			}
		}
	}
	f["killed acked"], f["killed missing"] = float64(acked), float64(missing)
	return nil
}
