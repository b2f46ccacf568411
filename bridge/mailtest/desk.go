// SPDX-License-Identifier: Apache-2.0

package mailtest

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// Desk is a desk.Store in memory that knows terms: the claims of the sender are fenced by them. It is a leader too: each
// Lead is a new term.
type Desk struct {
	t  testing.TB
	mu sync.Mutex

	state   *desktest.Memory
	changed chan struct{}
	term    uint64
	last    desk.Time
	ahead   atomic.Int64 // of the real clock; read within View

	before func(desk.Command) error // asked before a command; an error is what Do answers
	after  func(desk.Command) error // told after it was committed; an error is what Do answers all the same
}

// NewDesk makes a desk with departments reference (the default) and digital, and ana (ana@staff.example) in reference.
// Answers by mail are held for a millisecond only.
func NewDesk(t testing.TB) *Desk {
	t.Helper()
	d := &Desk{t: t, state: desktest.NewMemory(), changed: make(chan struct{})}
	for _, c := range []desk.Command{
		&desk.SetDepartment{Department: desk.Department{ID: "reference", Name: "Reference", Default: true}},
		&desk.SetDepartment{Department: desk.Department{ID: "digital", Name: "Digital Learning"}},
		&desk.SetStaff{New: true, Staff: desk.Staff{
			Account: "ana", Name: "Ana Lima", PublicName: "Ana", Email: "ana@staff.example", Role: desk.RoleOperator, Departments: []string{"reference"},
		}},
		&desk.SetSetting{Setting: desk.Setting{Name: "clock.mail_hold", Value: "1ms"}},
		&desk.SetSetting{Setting: desk.Setting{Name: "desk.name", Value: "Main Library"}},
	} {
		d.Admin(c)
	}
	return d
}

// Now is the desk's time: the real one, and what Advance added.
func (d *Desk) Now() time.Time {
	return time.Now().Add(time.Duration(d.ahead.Load()))
}

// Advance moves the clock.
func (d *Desk) Advance(by time.Duration) {
	d.ahead.Add(int64(by))
}

// Before sets what is asked before every command; nil ends it.
func (d *Desk) Before(f func(desk.Command) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before = f
}

// After sets what is told of every command that was committed. Its error is Do's: the log has the command, the proposer
// doesn't learn of it, as when a node dies in between.
func (d *Desk) After(f func(desk.Command) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.after = f
}

// Lead runs f in a new term until ctx ends.
func (d *Desk) Lead(ctx context.Context, f func(context.Context, uint64) error) error {
	d.mu.Lock()
	d.term++
	term := d.term
	d.mu.Unlock()
	if err := f(ctx, term); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// Do applies a command in the present term.
func (d *Desk) Do(ctx context.Context, r desk.Request) (desk.Reply, error) {
	if err := ctx.Err(); err != nil {
		return desk.Reply{}, err
	}
	d.mu.Lock()
	before, after := d.before, d.after
	d.mu.Unlock()
	if before != nil {
		if err := before(r.Command); err != nil {
			return desk.Reply{}, err
		}
	}
	reply, err := d.apply(r)
	if after != nil && err == nil {
		err = after(r.Command)
	}
	return reply, err
}

func (d *Desk) apply(r desk.Request) (desk.Reply, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = max(d.last+1, desk.At(d.Now()))
	env, err := desk.DecodeEnvelope(desk.EncodeEnvelope(nil, desk.Envelope{Request: r, Stamp: d.last}))
	if err != nil {
		return desk.Reply{}, err
	}
	env.Term = d.term
	reply, _, err := desk.Apply(d.state, env)
	close(d.changed)
	d.changed = make(chan struct{})
	return reply, err
}

// View reads.
func (d *Desk) View(ctx context.Context, actor desk.Actor, f func(desk.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	r, err := desk.NewReader(d.state, actor)
	if err != nil {
		return err
	}
	return f(r)
}

// Follow yields events.
func (d *Desk) Follow(ctx context.Context, actor desk.Actor, topic desk.Topic, after desk.Cursor) iter.Seq2[desk.Batch, error] {
	return func(yield func(desk.Batch, error) bool) {
		for first := true; ; first = false {
			d.mu.Lock()
			changed := d.changed
			b, err := desk.EventsAfter(d.state, actor, topic, after, 100)
			d.mu.Unlock()
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

// WaitApplied returns at once: what is committed is applied.
func (d *Desk) WaitApplied(ctx context.Context, _ uint64) error { return ctx.Err() }

// Admin does a command as the administrator.
func (d *Desk) Admin(c desk.Command) desk.Reply {
	d.t.Helper()
	reply, err := d.Do(context.Background(), desk.Request{Actor: desk.Actor{Kind: desk.AdminKind, ID: "test"}, Command: c})
	if err != nil {
		d.t.Fatalf("%s: %v", c.CommandName(), err)
	}
	return reply
}

// Staff does a command as a member of staff.
func (d *Desk) Staff(account string, c desk.Command) desk.Reply {
	d.t.Helper()
	reply, err := d.Do(context.Background(), desk.Request{Actor: desk.StaffActor(account, "session"), Command: c})
	if err != nil {
		d.t.Fatalf("%s: %v", c.CommandName(), err)
	}
	return reply
}

// Read reads as a node.
func (d *Desk) Read(f func(desk.Reader) error) {
	d.t.Helper()
	if err := d.View(context.Background(), desk.NodeActor("n0"), f); err != nil {
		d.t.Fatal(err)
	}
}

// Ask opens a ticket for a patron, as the question form does; it is acknowledged.
func (d *Desk) Ask(name, email, question string) uint64 {
	d.t.Helper()
	d.mu.Lock()
	id := d.last
	d.mu.Unlock()
	return d.Admin(&desk.AskQuestion{ID: time.Unix(0, int64(id)).String(), Department: "reference", Question: question, Name: name, Email: email}).Ticket
}

// Tickets lists all tickets, the oldest first.
func (d *Desk) Tickets() []*desk.Ticket {
	d.t.Helper()
	var all []*desk.Ticket
	d.Read(func(r desk.Reader) error {
		found, err := r.Tickets(desk.TicketFilter{Limit: 500})
		for _, t := range found {
			all = append([]*desk.Ticket{t}, all...)
		}
		return err
	})
	return all
}

// Entries lists a ticket's entries.
func (d *Desk) Entries(ticket uint64) []*desk.TicketEntry {
	d.t.Helper()
	var all []*desk.TicketEntry
	d.Read(func(r desk.Reader) (err error) {
		all, err = r.Entries(ticket, 0, 0)
		return err
	})
	return all
}

// Mails lists the mails of a ticket.
func (d *Desk) Mails(ticket uint64) []*desk.MailOut {
	d.t.Helper()
	var all []*desk.MailOut
	d.Read(func(r desk.Reader) (err error) {
		all, err = r.MailsOf(ticket)
		return err
	})
	return all
}

// Until waits until something is so on the desk; it looks after every change.
func (d *Desk) Until(what string, is func() bool) {
	d.t.Helper()
	end := time.NewTimer(30 * time.Second)
	defer end.Stop()
	for {
		d.mu.Lock()
		changed := d.changed
		d.mu.Unlock()
		if is() {
			return
		}
		select {
		case <-changed:
		case <-end.C:
			d.t.Fatalf("not within 30 s: %s", what)
		}
	}
}
