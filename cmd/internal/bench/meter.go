// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// meter knows of each message when it was sent, acknowledged and received. A message carries its number in its text.
type meter struct {
	base  time.Time
	notes []note
	next  atomic.Int64
}

// note is one message; times are nanoseconds since the meter's base, 0 = not yet.
type note struct {
	sent, acked, got atomic.Int64
	left             atomic.Int32 // of ack and receipt, what is still missing
	lane             *lane
}

// lane is one sender with one message under way at a time, or with many when it is not asked to wait.
type lane struct {
	send func(number int) error
	free chan struct{} // a message has been acknowledged and received
}

func newLane(send func(int) error) *lane { return &lane{send: send, free: make(chan struct{}, 1)} }

const maxMessages = 1 << 18

func newMeter() *meter { return &meter{base: time.Now(), notes: make([]note, maxMessages)} }

func (m *meter) now() int64 { return int64(time.Since(m.base)) + 1 }

// post sends the lane's next message.
func (m *meter) post(l *lane) error {
	n := int(m.next.Add(1))
	if n >= len(m.notes) {
		return fmt.Errorf("more than %d messages", len(m.notes))
	}
	x := &m.notes[n]
	x.lane = l
	x.left.Store(2)
	x.sent.Store(m.now())
	return l.send(n)
}

func (m *meter) ack(n int) { m.mark(n, func(x *note) *atomic.Int64 { return &x.acked }) }

func (m *meter) receive(n int) { m.mark(n, func(x *note) *atomic.Int64 { return &x.got }) }

func (m *meter) mark(n int, field func(*note) *atomic.Int64) {
	if n <= 0 || n > int(m.next.Load()) {
		return
	}
	x := &m.notes[n]
	if field(x).CompareAndSwap(0, m.now()) && x.left.Add(-1) == 0 {
		select {
		case x.lane.free <- struct{}{}:
		default:
		}
	}
}

// textOf is what message n says.
func textOf(n int) string {
	return "How many books can I borrow, and for how long? ~" + strconv.Itoa(n) + "~"
}

// numbers calls found for the number of each message that b holds.
func numbers(b []byte, found func(int)) {
	for {
		_, rest, ok := bytes.Cut(b, []byte("~"))
		if !ok {
			return
		}
		digits, after, ok := bytes.Cut(rest, []byte("~"))
		if !ok {
			return
		}
		if n, err := strconv.Atoi(string(digits)); err == nil {
			found(n)
			b = after
		} else {
			b = rest
		}
	}
}

// open reports whether a message from..to is still to be acknowledged or received.
func (m *meter) open(from, to int) bool {
	for n := from; n <= to; n++ {
		if m.notes[n].left.Load() > 0 {
			return true
		}
	}
	return false
}

// delays are the ways from sending to receipt of the messages from..to, sorted; those not received are left out.
func (m *meter) delays(from, to int) []time.Duration {
	var out []time.Duration
	for n := from; n <= to; n++ {
		if x := &m.notes[n]; x.got.Load() > 0 {
			out = append(out, time.Duration(x.got.Load()-x.sent.Load()))
		}
	}
	slices.Sort(out)
	return out
}

// centile is the p-th percentile of sorted values; 0 when there are none.
func centile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}
