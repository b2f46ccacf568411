// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"refdesk/cluster/desk"
)

// seats is the presence of the patrons of this node: who has a stream open or called lately. It commits changes, never
// calls, and "seen" at most every few seconds.
//
// One goroutine per seat that has something to commit, none otherwise; all of them end before run returns.
type seats struct {
	node   string
	store  desk.Store
	limits Limits
	log    *slog.Logger

	mu   sync.Mutex
	m    map[uint64]*seat
	ctx  context.Context // ends the commits; nil until run
	work sync.WaitGroup
}

// seat is one chat's patron here.
type seat struct {
	p        patron
	streams  int
	until    time.Time // attached until then without a stream
	attached bool      // as committed
	left     bool      // the patron said goodbye; nothing attaches him until he comes back
	leftAt   time.Time // when he did
	busy     bool      // something of it is being committed
	timer    *time.Timer
	changed  chan struct{} // closed and replaced when a commit is through

	received, shown     uint64 // highest seq told of
	didReceive, didShow uint64 // highest seq committed
	seenAt              time.Time
}

// leftFor is how long a goodbye is remembered, for calls that began before it and come through after.
const leftFor = time.Minute

// retryAfter is the pause before a commit that failed is tried again.
const retryAfter = time.Second

func newSeats(node string, store desk.Store, l Limits, log *slog.Logger) *seats {
	return &seats{node: node, store: store, limits: l, log: log, m: make(map[uint64]*seat)}
}

// run lets commits happen until ctx ends.
func (s *seats) run(ctx context.Context) {
	s.mu.Lock()
	s.ctx = ctx
	for _, x := range s.m {
		s.settle(x)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	for _, x := range s.m {
		x.timer.Stop()
	}
	s.m = make(map[uint64]*seat)
	s.mu.Unlock()
	s.work.Wait()
}

// of finds or makes the patron's seat. The caller holds mu.
func (s *seats) of(p patron) *seat {
	x := s.m[p.chat]
	if x == nil {
		x = &seat{p: p, changed: make(chan struct{})}
		x.timer = time.AfterFunc(time.Hour, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.settle(x)
		})
		x.timer.Stop()
		s.m[p.chat] = x
	}
	return x
}

// called notes an authorised call that is not a stream.
func (s *seats) called(p patron) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.of(p)
	if x.left && !p.since.After(x.leftAt) {
		return
	}
	x.left = false
	x.until = later(x.until, time.Now().Add(s.limits.PollingFor))
	s.settle(x)
}

// enter notes a stream; leave ends it. enter returns when the patron's presence is committed, or after a while: reading
// goes on without a quorum.
func (s *seats) enter(ctx context.Context, p patron) (leave func()) {
	s.mu.Lock()
	x := s.of(p)
	x.left = x.left && !p.since.After(x.leftAt)
	x.streams++
	s.settle(x)
	s.mu.Unlock()
	s.await(ctx, x)
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		x.streams--
		if x.streams == 0 && !x.left { // whoever had a stream is not one of those who only poll
			x.until = time.Now().Add(s.limits.DetachAfter)
		}
		s.settle(x)
	})
}

// await waits until the seat is attached, for at most the time a client waits for a node to catch up.
func (s *seats) await(ctx context.Context, x *seat) {
	ctx, cancel := context.WithTimeout(ctx, s.limits.CatchUpWithin)
	defer cancel()
	for {
		s.mu.Lock()
		done, changed := x.attached || x.left || s.ctx == nil || s.ctx.Err() != nil, x.changed
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// leave says a patron's goodbye, which say commits. Nothing that began before it attaches him again: an attachment under
// way is waited for, a poll or a socket that comes too late is told apart by its time.
func (s *seats) leave(ctx context.Context, p patron, say func() error) error {
	x, err := s.hold(ctx, p)
	if err != nil {
		return err
	}
	err = say()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		x.attached = false // the desk has detached him by that
	}
	s.idle(x)
	return err
}

// wrote notes that the patron wrote a line: whoever had said goodbye is back.
func (s *seats) wrote(p patron) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.m[p.chat]; x != nil && x.left {
		x.left = false
		s.settle(x)
	}
}

// hold marks the patron as gone and waits until nothing of his seat is being committed, nor will be.
func (s *seats) hold(ctx context.Context, p patron) (*seat, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limits.CommitWithin)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.of(p)
	x.left, x.leftAt, x.until = true, time.Now(), time.Time{}
	for x.busy {
		changed := x.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if ctx.Err() != nil {
			return nil, &desk.Error{Code: desk.NoQuorum}
		}
	}
	x.busy = true
	return x, nil
}

// idle says that nothing of a seat is being committed any more, and looks what is next. The caller holds mu.
func (s *seats) idle(x *seat) {
	x.busy = false
	close(x.changed)
	x.changed = make(chan struct{})
	s.settle(x)
}

// seen notes how far the patron's page got.
func (s *seats) seen(p patron, seq uint64, shown bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.of(p)
	x.received = max(x.received, seq)
	if shown {
		x.shown = max(x.shown, seq)
	}
	s.settle(x)
}

// attached lists the chats whose patrons are attached.
func (s *seats) attached() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []uint64
	for n, x := range s.m {
		if x.attached {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// reattach forgets what was committed, so that it is committed again.
func (s *seats) reattach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.m {
		x.attached = false
		s.settle(x)
	}
}

// settle starts the commits that a seat needs, sets its timer, or forgets it. The caller holds mu.
func (s *seats) settle(x *seat) {
	if s.ctx == nil || s.ctx.Err() != nil || x.busy {
		return
	}
	c, wait := s.next(x, time.Now())
	if c != nil {
		x.busy = true
		s.work.Go(func() { s.commit(x, c) })
		return
	}
	x.timer.Stop()
	if wait == 0 && x.left {
		wait = time.Until(x.leftAt.Add(leftFor))
	}
	if wait > 0 {
		x.timer.Reset(wait)
	} else if x.streams == 0 && !x.attached {
		if s.m[x.p.chat] == x {
			delete(s.m, x.p.chat)
		}
	}
}

// next says what a seat has to commit now, or when to look again (0: not by itself). The caller holds mu.
func (s *seats) next(x *seat, now time.Time) (c desk.Command, wait time.Duration) {
	want := !x.left && (x.streams > 0 || now.Before(x.until))
	if want && !x.attached {
		return &desk.AttachPatron{Chat: x.p.chat, Node: s.node}, 0
	}
	if x.received > x.didReceive || x.shown > x.didShow {
		due := x.seenAt.Add(s.limits.SeenEvery)
		if !now.Before(due) || !want {
			if x.shown > x.didShow {
				return &desk.MarkSeen{Chat: x.p.chat, Seq: x.shown, Shown: true}, 0
			}
			return &desk.MarkSeen{Chat: x.p.chat, Seq: x.received}, 0
		}
		wait = due.Sub(now)
	}
	if !want && x.attached {
		return &desk.DetachPatron{Chat: x.p.chat, Node: s.node}, 0
	}
	if want && x.streams == 0 {
		if left := x.until.Sub(now); wait == 0 || left < wait {
			wait = left
		}
	}
	return nil, wait
}

// commit does one command of a seat and looks what is next.
func (s *seats) commit(x *seat, c desk.Command) {
	_, err := s.store.Do(s.ctx, desk.Request{Actor: x.p.actor(), Command: c})
	var refusal *desk.Error
	final := errors.As(err, &refusal) && refusal.Code != desk.NoQuorum && refusal.Code != desk.Stopping
	if err != nil && !final {
		pause := time.NewTimer(retryAfter)
		select {
		case <-pause.C:
		case <-s.ctx.Done():
			pause.Stop()
		}
	} else if final {
		s.log.Debug("patron presence refused", "chat", x.p.chat, "command", c.CommandName(), "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || final {
		x.took(c)
	}
	s.idle(x)
}

// took notes what was committed. A refusal counts too: to repeat it would not help.
func (x *seat) took(c desk.Command) {
	switch c := c.(type) {
	case *desk.AttachPatron:
		x.attached = true
	case *desk.DetachPatron:
		x.attached = false
	case *desk.MarkSeen:
		x.didReceive = max(x.didReceive, c.Seq)
		if c.Shown {
			x.didShow = max(x.didShow, c.Seq)
		}
		x.seenAt = time.Now()
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
