// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// drainTime is how long a phase waits for its last messages; what has not come by then counts as not delivered.
const drainTime = 15 * time.Second

// load is what one phase of messages came to.
type load struct {
	sent, got     int
	rate          float64 // messages received, a second
	p50, p95, p99 time.Duration
	cpu           []time.Duration // of each process
}

// perThousand is processor seconds for 1,000 messages, of the processes picked; all with none.
func (l load) perThousand(picked ...int) float64 {
	if l.got == 0 {
		return 0
	}
	var sum time.Duration
	for i, d := range l.cpu {
		if len(picked) == 0 || contains(picked, i) {
			sum += d
		}
	}
	return sum.Seconds() * 1000 / float64(l.got)
}

func contains(list []int, x int) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// steady sends at a fixed rate over all lanes in turn, whatever comes back: a slow server is not spared.
func (m *meter) steady(lanes []*lane, rate int, d time.Duration, pids []int) (load, error) {
	return m.phase(pids, func() error {
		began := time.Now()
		for i := range int(float64(rate) * d.Seconds()) {
			due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
			time.Sleep(time.Until(due))
			if err := m.post(lanes[i%len(lanes)]); err != nil {
				return err
			}
		}
		return nil
	})
}

// flood sends on each lane as soon as its last message is acknowledged and received.
func (m *meter) flood(lanes []*lane, d time.Duration, pids []int) (load, error) {
	return m.phase(pids, func() error {
		end := time.Now().Add(d)
		errs := make([]error, len(lanes))
		var all sync.WaitGroup
		for i, l := range lanes {
			all.Go(func() { errs[i] = m.pump(l, end) })
		}
		all.Wait()
		return errors.Join(errs...)
	})
}

func (m *meter) pump(l *lane, end time.Time) error {
	select { // what an earlier phase has left
	case <-l.free:
	default:
	}
	limit := time.NewTimer(time.Until(end) + drainTime)
	defer limit.Stop()
	for time.Now().Before(end) {
		if err := m.post(l); err != nil {
			return err
		}
		select {
		case <-l.free:
		case <-limit.C:
			return fmt.Errorf("a message was not answered within %s", drainTime)
		}
	}
	return nil
}

// phase runs f and says what became of the messages that it sent. The rate is that of the receipts while f ran.
func (m *meter) phase(pids []int, f func() error) (load, error) {
	first := int(m.next.Load()) + 1
	before, began := processors(pids), m.now()
	if err := f(); err != nil {
		return load{}, err
	}
	ended, last := m.now(), int(m.next.Load())
	for end := time.Now().Add(drainTime); m.open(first, last) && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	l := load{sent: last - first + 1, cpu: processors(pids)}
	for i := range l.cpu {
		l.cpu[i] -= before[i]
	}
	inTime := 0
	for n := first; n <= last; n++ {
		if got := m.notes[n].got.Load(); got > 0 && got <= ended {
			inTime++
		}
	}
	delays := m.delays(first, last)
	l.got = len(delays)
	l.rate = float64(inTime) / (float64(ended-began) / 1e9)
	l.p50, l.p95, l.p99 = centile(delays, 50), centile(delays, 95), centile(delays, 99)
	return l, nil
}

// each calls f for 0..n-1, so many at once, and returns the first error.
func each(n, atOnce int, f func(int) error) error {
	var wg sync.WaitGroup
	errs := make([]error, n)
	slots := make(chan struct{}, atOnce)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			errs[i] = f(i)
			<-slots
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
