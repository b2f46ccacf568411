// SPDX-License-Identifier: Apache-2.0

package desk

import "strings"

// Draft is an answer that somebody writes line by line in an XMPP client. One an account and ticket; nobody else sees it.
type Draft struct {
	Account string
	Ticket  uint64
	Lines   []string
	At      Time // of the last line
}

const draftTable Table = "draft"

func draftKey(account string, ticket uint64) key { return key("").word(account).num(ticket) }
func (d *Draft) table() Table                    { return draftTable }
func (d *Draft) key() key                        { return draftKey(d.Account, d.Ticket) }
func (d *Draft) entries() []Entry                { return nil }

func (d *Draft) code(c *coder) {
	c.str(&d.Account)
	c.u64(&d.Ticket)
	c.strs(&d.Lines)
	c.time(&d.At)
}

// Text is the answer as it would be sent.
func (d *Draft) Text() string { return strings.Join(d.Lines, "\n") }

// add appends a text; false when the draft would grow beyond what an answer may be.
func (d *Draft) add(text string) bool {
	if len(d.Text())+1+len(text) > MaxBody {
		return false
	}
	d.Lines = append(d.Lines, text)
	return true
}

// draft is an account's draft in a ticket, empty if there is none.
func (s *state) draft(t *Ticket, account string) *Draft {
	if d := get[Draft](s, draftKey(account, t.Number)); d != nil {
		return d
	}
	return &Draft{Account: account, Ticket: t.Number}
}

// keepDraft stores a draft, or removes one that is empty, and tells its writer's other clients.
func (s *state) keepDraft(t *Ticket, d *Draft) {
	if len(d.Lines) == 0 {
		remove(s, d)
	} else {
		d.At = s.now
		put(s, d)
	}
	s.emit(Event{
		Kind: DraftChanged, Ticket: t.Number, Department: t.Department, Staff: d.Account, N: uint64(len(d.Lines)),
		Session: s.env.Actor.Session, Audience: Audience{Staff: []string{d.Account}},
	})
	s.reply.Ticket, s.reply.Line = t.Number, uint64(len(d.Lines))
}

// drafting loads the ticket in which the actor, a member of staff, drafts.
func (s *state) drafting(ticket uint64) (*Ticket, *Draft, error) {
	if s.env.Actor.Kind != StaffKind {
		return nil, nil, refuse(NotAllowed)
	}
	t, err := s.ticket(ticket)
	if err != nil {
		return nil, nil, err
	}
	return t, s.draft(t, s.env.Actor.ID), nil
}

// DraftLine adds a line to the actor's draft. The reply's Line says how many it has.
type DraftLine struct {
	Ticket uint64
	Text   string
	Resend string // as PostLine.Resend
}

// CommandName is the word for the command in the log.
func (*DraftLine) CommandName() string { return "DraftLine" }

func (x *DraftLine) code(c *coder) {
	c.u64(&x.Ticket)
	c.str(&x.Text)
	c.str(&x.Resend)
}

func (x *DraftLine) apply(s *state) error {
	if err := firstError(checkText(x.Text, "text"), checkShort(x.Resend, "resend", 64)); err != nil {
		return err
	}
	t, d, err := s.drafting(x.Ticket)
	if err != nil {
		return err
	}
	if s.resent(x.Resend) {
		return nil
	}
	if !d.add(x.Text) {
		return refuseField(Busy, "draft")
	}
	s.keepDraft(t, d)
	s.remember(x.Resend)
	return nil
}

// DraftSend makes the actor's draft the answer that it would be.
type DraftSend struct {
	Ticket uint64
	State  TicketState // as ReplyTicket.State
}

// CommandName is the word for the command in the log.
func (*DraftSend) CommandName() string { return "DraftSend" }

func (x *DraftSend) code(c *coder) {
	c.u64(&x.Ticket)
	word(c, &x.State)
}

func (x *DraftSend) apply(s *state) error {
	t, d, err := s.drafting(x.Ticket)
	if err != nil {
		return err
	}
	if len(d.Lines) == 0 {
		return refuseField(NotFound, "draft")
	}
	text := d.Text()
	d.Lines = nil
	s.keepDraft(t, d)
	s.reply.Line = 0
	return (&ReplyTicket{Ticket: t.Number, Text: text, State: x.State}).apply(s)
}

// DraftDrop throws the actor's draft away: Last its last line only.
type DraftDrop struct {
	Ticket uint64
	Last   bool
}

// CommandName is the word for the command in the log.
func (*DraftDrop) CommandName() string { return "DraftDrop" }

func (x *DraftDrop) code(c *coder) {
	c.u64(&x.Ticket)
	c.flag(&x.Last)
}

func (x *DraftDrop) apply(s *state) error {
	t, d, err := s.drafting(x.Ticket)
	if err != nil {
		return err
	}
	if len(d.Lines) == 0 {
		return refuseField(NotFound, "draft")
	}
	if x.Last {
		d.Lines = d.Lines[:len(d.Lines)-1]
	} else {
		d.Lines = nil
	}
	s.keepDraft(t, d)
	return nil
}
