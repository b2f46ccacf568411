// SPDX-License-Identifier: Apache-2.0

package desktest

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"refdesk/cluster/desk"
)

// Store is a desk.Store on one Memory: commands are applied at once, in the order of their calls. Tests of doors use it
// where no real log is needed.
type Store struct {
	mu      sync.Mutex
	state   *Memory
	now     atomic.Int64  // a desk.Time; may be read within View
	changed chan struct{} // closed and replaced at every change
	refusal error         // what Do answers instead, if set
	Term    uint64        // of the leader; set it between calls only
	wall    func() time.Time
}

// NewLiveStore returns a store of an empty desk whose commands are stamped with a clock of the caller's, each later than the
// one before. Advance fires nothing there.
func NewLiveStore(now func() time.Time) *Store {
	s := NewStore()
	s.wall = now
	return s
}

// Lead begins a new term and returns it.
func (s *Store) Lead() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Term++
	return s.Term
}

// NewStore returns a store of an empty desk whose clock stands at a fixed moment.
func NewStore() *Store {
	s := &Store{state: NewMemory(), changed: make(chan struct{})}
	s.now.Store(int64(Start))
	return s
}

// Start is the moment at which a new Store's clock stands: Monday, 7 September 2026, 10:00 UTC.
var Start = desk.At(time.Date(2026, 9, 7, 10, 0, 0, 0, time.UTC))

// Now is the moment at which the store's clock stands.
func (s *Store) Now() desk.Time { return desk.Time(s.now.Load()) }

// Advance moves the clock and fires the timers that fall due on the way, each at its own moment.
func (s *Store) Advance(d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := s.Now().Add(d)
	for {
		due, err := desk.NextDue(s.state, 1)
		if err != nil {
			return err
		}
		if len(due) == 0 || due[0].At > end {
			s.now.Store(int64(end))
			return nil
		}
		s.now.Store(int64(max(s.Now(), due[0].At)))
		if _, err := s.do(desk.Request{Actor: desk.NodeActor("n0"), Command: &desk.Fire{Due: due[0]}}); err != nil {
			return err
		}
	}
}

// Refuse makes every Do answer err from now on, as without quorum; nil ends it.
func (s *Store) Refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = err
}

// Changed is closed at the next change.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Do applies a command.
func (s *Store) Do(ctx context.Context, r desk.Request) (desk.Reply, error) {
	if err := ctx.Err(); err != nil {
		return desk.Reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal != nil {
		return desk.Reply{}, s.refusal
	}
	return s.do(r)
}

func (s *Store) do(r desk.Request) (desk.Reply, error) {
	if s.wall != nil {
		s.now.Store(int64(max(s.Now()+1, desk.At(s.wall()))))
	}
	// Through the encoding, as in a real log.
	env, err := desk.DecodeEnvelope(desk.EncodeEnvelope(nil, desk.Envelope{Request: r, Stamp: s.Now()}))
	if err != nil {
		return desk.Reply{}, err
	}
	env.Term = s.Term
	reply, _, err := desk.Apply(s.state, env)
	close(s.changed)
	s.changed = make(chan struct{})
	return reply, err
}

// View reads.
func (s *Store) View(ctx context.Context, actor desk.Actor, f func(desk.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := desk.NewReader(s.state, actor)
	if err != nil {
		return err
	}
	return f(r)
}

// Follow yields batches of at most 100 events.
func (s *Store) Follow(ctx context.Context, actor desk.Actor, topic desk.Topic, after desk.Cursor) iter.Seq2[desk.Batch, error] {
	return func(yield func(desk.Batch, error) bool) {
		for first := true; ; first = false {
			s.mu.Lock()
			changed := s.changed
			b, err := desk.EventsAfter(s.state, actor, topic, after, 100)
			s.mu.Unlock()
			if err != nil {
				yield(desk.Batch{}, err)
				return
			}
			after = b.Cursor
			if (first || len(b.Events) > 0) && !yield(b, nil) {
				return
			}
			if len(b.Events) > 0 {
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				yield(desk.Batch{}, ctx.Err())
				return
			}
		}
	}
}

// WaitApplied returns when the event exists.
func (s *Store) WaitApplied(ctx context.Context, seq uint64) error {
	for {
		s.mu.Lock()
		changed := s.changed
		c, err := desk.Seq(s.state)
		s.mu.Unlock()
		if err != nil || c.Seq >= seq {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Digest is the set hash of the state.
func (s *Store) Digest() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return desk.Digest(s.state)
}

// Read reads the state itself.
func (s *Store) Read(f func(desk.Source) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(s.state)
}

// Admin does a command as the administrator.
func (s *Store) Admin(c desk.Command) error {
	_, err := s.Do(context.Background(), desk.Request{Actor: desk.Actor{Kind: desk.AdminKind, ID: "test"}, Command: c})
	return err
}

// Library fills the desk with the library that most tests use: departments reference (default; tags renewals, printing,
// opening hours) and digital, always open; staff ana and ben and lead lena, all in reference; dora in digital.
func (s *Store) Library() error {
	for _, c := range libraryCommands() {
		if err := s.Admin(c); err != nil {
			return fmt.Errorf("%s: %w", c.CommandName(), err)
		}
	}
	return nil
}

func libraryCommands() []desk.Command {
	tags := []string{"renewals", "printing", "opening hours"}
	open := []desk.Interval{{From: Start.Add(-24 * time.Hour), To: Start.Add(8 * 7 * 24 * time.Hour)}}
	log := []desk.Command{
		&desk.SetDepartment{Department: desk.Department{ID: "reference", Name: "Reference", Tags: tags, Default: true}},
		&desk.SetDepartment{Department: desk.Department{ID: "digital", Name: "Digital Learning", Untagged: true}},
		&desk.SetCalendar{Calendar: desk.Calendar{Department: "reference", Open: open}},
		&desk.SetCalendar{Calendar: desk.Calendar{Department: "digital", Open: open}},
	}
	for _, p := range []desk.Staff{
		{Account: "ana", Name: "Ana Lima", PublicName: "Ana", Role: desk.RoleOperator, Departments: []string{"reference"}},
		{Account: "ben", Name: "Ben Okoro", PublicName: "Ben", Role: desk.RoleOperator, Departments: []string{"reference"}},
		{Account: "lena", Name: "Lena Vogt", PublicName: "Lena", Role: desk.RoleLead, Departments: []string{"reference"}},
		{Account: "dora", Name: "Dora Nagy", PublicName: "Dora", Role: desk.RoleOperator, Departments: []string{"digital"}},
	} {
		log = append(log, &desk.SetStaff{Staff: p, New: true})
	}
	return log
}

// SessionID is the id of the session that Connect opens for an account.
func SessionID(account string) string { return "session-of-" + account + "-0123456789" }

// Connect opens a session for an account and shows it online.
func (s *Store) Connect(account string) error {
	id := SessionID(account)
	err := s.Admin(&desk.OpenSession{ID: id, Account: account, Door: "xmpp", Node: "n0", Resource: "desk"})
	if err != nil {
		return err
	}
	return s.Admin(&desk.SetShow{ID: id, Show: desk.ShowOnline})
}
