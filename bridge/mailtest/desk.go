// SPDX-License-Identifier: Apache-2.0

package mailtest

import (
	"context"
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
	*desktest.Store
	t     testing.TB
	ahead atomic.Int64 // of the real clock; read within View

	mu     sync.Mutex
	before func(desk.Command) error // asked before a command; an error is what Do answers
	after  func(desk.Command) error // told after it was committed; an error is what Do answers all the same
}

// NewDesk makes a desk with departments reference (the default) and digital, and ana (ana@staff.example) in reference.
// Answers by mail are held for a millisecond only.
func NewDesk(t testing.TB) *Desk {
	t.Helper()
	d := &Desk{t: t}
	d.Store = desktest.NewLiveStore(d.Now)
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
	if err := f(ctx, d.Store.Lead()); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// Do applies a command in the present term.
func (d *Desk) Do(ctx context.Context, r desk.Request) (desk.Reply, error) {
	d.mu.Lock()
	before, after := d.before, d.after
	d.mu.Unlock()
	if before != nil {
		if err := before(r.Command); err != nil {
			return desk.Reply{}, err
		}
	}
	reply, err := d.Store.Do(ctx, r)
	if after != nil && err == nil {
		err = after(r.Command)
	}
	return reply, err
}

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
	return d.Admin(&desk.AskQuestion{ID: d.Store.Now().Std().String(), Department: "reference", Question: question, Name: name, Email: email}).Ticket
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
		changed := d.Changed()
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
