// SPDX-License-Identifier: Apache-2.0

package desk

import "slices"

// ReplyTicket answers a ticket's patron by mail. The mail is held for a while, so that UndoReply can take it back. An
// unassigned ticket becomes the writer's.
type ReplyTicket struct {
	Ticket uint64
	Text   string
	Cc     []string    // addresses to add for good
	State  TicketState // of the ticket afterwards; "" = pending
	Resend string      // as PostLine.Resend
}

// CommandName is the word for the command in the log.
func (*ReplyTicket) CommandName() string { return "ReplyTicket" }

func (x *ReplyTicket) code(c *coder) {
	c.u64(&x.Ticket)
	c.str(&x.Text)
	c.strs(&x.Cc)
	word(c, &x.State)
	c.str(&x.Resend)
}

func (x *ReplyTicket) apply(s *state) error {
	if err := firstError(checkBody(x.Text, "text", false), checkShort(x.Resend, "resend", 64)); err != nil {
		return err
	}
	if x.State == "" {
		x.State = TicketPending
	}
	if !slices.Contains(ticketStates(), x.State) || x.State == TicketNew {
		return refuseField(Invalid, "state")
	}
	for _, a := range x.Cc {
		if a == "" || checkEmail(a) != nil {
			return refuseField(Invalid, "cc")
		}
	}
	t, err := s.ticket(x.Ticket)
	if err != nil {
		return err
	}
	if t.Email == "" {
		return refuse(NeedsEmail)
	}
	if s.resent(x.Resend) {
		return nil
	}
	t.addCc(x.Cc)
	me, before := s.staffActor(), t.State
	if t.Assignee == "" && me != "" {
		t.Assignee = me
		s.tellTicket(t, Event{Kind: TicketAssigned, Staff: me, To: me})
	}
	t.Unread = 0
	t.setState(x.State, s.now)
	e := s.addEntry(t, TicketEntry{
		Kind: EntryPublic, From: FromStaff, By: me, Text: x.Text, Recipients: t.Recipients(),
		Mail: OutWanted, Purpose: MailAnswer, HoldUntil: s.now.Add(s.clock(ClockMailHold)),
	})
	if before != t.State {
		s.changed(t, "state", string(t.State))
	}
	s.reply.Ticket, s.reply.Entry = t.Number, e.N
	s.remember(x.Resend)
	return nil
}

// UndoReply takes an answer back while its mail is held. Its text becomes the undoer's draft again.
type UndoReply struct{ Ticket, Entry uint64 }

// CommandName is the word for the command in the log.
func (*UndoReply) CommandName() string { return "UndoReply" }

func (x *UndoReply) code(c *coder) {
	c.u64(&x.Ticket)
	c.u64(&x.Entry)
}

func (x *UndoReply) apply(s *state) error {
	t, e, err := s.entry(x.Ticket, x.Entry)
	if err != nil {
		return err
	}
	if e.Purpose != MailAnswer || e.Mail != OutWanted && e.Mail != OutQueued {
		return refuseField(Over, "entry")
	}
	m := s.mailOut(e.MailID)
	if s.now >= e.HoldUntil || m != nil && m.State != OutQueued {
		return &Error{Code: Over, Field: "entry", At: e.HoldUntil}
	}
	if m != nil {
		remove(s, m)
	}
	e.Mail, e.MailID = OutUndone, 0
	put(s, e)
	if t.State == TicketPending {
		t.setState(TicketOpen, s.now)
		s.changed(t, "state", string(t.State))
	}
	s.tellMail(t, e)
	if me := s.staffActor(); me != "" {
		if d := s.draft(t, me); d.add(e.Text) {
			s.keepDraft(t, d)
		}
	}
	s.reply.Ticket, s.reply.Entry = t.Number, e.N
	return nil
}

// entry loads an entry of a ticket that the actor may handle. Entries stay with the ticket they were made in.
func (s *state) entry(ticket, n uint64) (*Ticket, *TicketEntry, error) {
	t, err := s.ticket(ticket)
	if err != nil {
		return nil, nil, err
	}
	e := get[TicketEntry](s, entryKey(ticket, n))
	if e == nil {
		return nil, nil, refuseField(NotFound, "entry")
	}
	return t, e, nil
}

// NoteTicket adds what only staff see.
type NoteTicket struct {
	Ticket uint64
	Text   string
	Resend string // as PostLine.Resend
}

// CommandName is the word for the command in the log.
func (*NoteTicket) CommandName() string { return "NoteTicket" }

func (x *NoteTicket) code(c *coder) {
	c.u64(&x.Ticket)
	c.str(&x.Text)
	c.str(&x.Resend)
}

func (x *NoteTicket) apply(s *state) error {
	if err := firstError(checkBody(x.Text, "text", false), checkShort(x.Resend, "resend", 64)); err != nil {
		return err
	}
	t, err := s.ticket(x.Ticket)
	if err != nil {
		return err
	}
	if s.resent(x.Resend) {
		return nil
	}
	s.addEntry(t, TicketEntry{Kind: EntryNote, From: FromStaff, By: s.staffActor(), Text: x.Text})
	s.remember(x.Resend)
	return nil
}

// AdmitEntry takes a held mail for what it says it is: its sender becomes a participant, and the ticket's turn is staff's.
type AdmitEntry struct{ Ticket, Entry uint64 }

// CommandName is the word for the command in the log.
func (*AdmitEntry) CommandName() string { return "AdmitEntry" }

func (x *AdmitEntry) code(c *coder) {
	c.u64(&x.Ticket)
	c.u64(&x.Entry)
}

func (x *AdmitEntry) apply(s *state) error {
	t, e, err := s.entry(x.Ticket, x.Entry)
	if err != nil {
		return err
	}
	if e.Held == NotHeld {
		s.reply.Entry = e.N
		return nil
	}
	if !t.Participant(e.Email) && len(t.Cc) >= MaxCc {
		return refuseField(Busy, "cc")
	}
	e.Held = NotHeld
	put(s, e)
	if t.Email == "" {
		t.Email = e.Email
	}
	t.addCc([]string{e.Email})
	if t.State == TicketPending || t.State == TicketClosed {
		t.setState(TicketOpen, s.now)
	}
	s.changed(t, "admitted", "")
	s.reply.Entry = e.N
	return nil
}

// ResendEntry sends a mail again that failed, to the ticket's recipients as they are now.
type ResendEntry struct{ Ticket, Entry uint64 }

// CommandName is the word for the command in the log.
func (*ResendEntry) CommandName() string { return "ResendEntry" }

func (x *ResendEntry) code(c *coder) {
	c.u64(&x.Ticket)
	c.u64(&x.Entry)
}

func (x *ResendEntry) apply(s *state) error {
	t, e, err := s.entry(x.Ticket, x.Entry)
	if err != nil {
		return err
	}
	switch {
	case e.Mail != OutFailed && e.Mail != OutUndone:
		return refuseField(Conflict, "entry")
	case t.Email == "":
		return refuse(NeedsEmail)
	}
	s.sendAgain(t, e)
	s.reply.Entry = e.N
	return nil
}

// sendAgain wants the mail of an entry once more, with new bytes for the recipients of today.
func (s *state) sendAgain(t *Ticket, e *TicketEntry) {
	e.Mail, e.MailID, e.HoldUntil = OutWanted, 0, 0
	e.Recipients = t.Recipients()
	if e.Purpose == MailAck {
		e.Recipients = []string{t.Email}
	}
	put(s, e)
	s.tellMail(t, e)
}
