// SPDX-License-Identifier: Apache-2.0

package desk

// sending loads a mail that the actor's term has claimed and that stands in one of the states. A command of an earlier
// leader finds its claim gone, whatever its clock says.
func (s *state) sending(id, term uint64, states ...MailState) (*MailOut, error) {
	if err := s.may(RunNode, Object{}); err != nil {
		return nil, err
	}
	m := s.mailOut(id)
	if m == nil {
		return nil, refuseField(NotFound, "mail")
	}
	s.reply.Ticket, s.reply.Entry, s.reply.Mail = m.Ticket, m.Entry, m.ID
	if term != s.env.Term || m.ClaimTerm != term {
		return nil, refuseField(Conflict, "term")
	}
	for _, want := range states {
		if m.State == want {
			return m, nil
		}
	}
	return nil, refuseField(Conflict, "state")
}

// settle stores a mail's new state and shows it at its entry.
func (s *state) settle(m *MailOut, state MailState) {
	m.State = state
	put(s, m)
	t, e := get[Ticket](s, ticketKey(m.Ticket)), get[TicketEntry](s, entryKey(m.Ticket, m.Entry))
	s.reply.Value = string(state)
	if t == nil || e == nil || state == OutClaimed || state == OutDot {
		return
	}
	if e.MailID == m.ID {
		e.Mail = state
		put(s, e)
	}
	s.tellTicket(t, Event{Kind: MailStateChanged, Entry: e.N, Staff: e.By, Value: string(state), Ref: m.ID})
}

// ClaimMail takes a mail for sending by the leader of Term. A later leader takes over what an earlier one had claimed;
// what was left at the dot becomes unsure first (reply's Value): it is looked for in the Sent folder, then either MailSent
// or claimed with Again.
type ClaimMail struct {
	ID    uint64
	Term  uint64
	Again bool // an unsure one that was looked for in vain: send the same bytes once more
}

// CommandName is the word for the command in the log.
func (*ClaimMail) CommandName() string { return "ClaimMail" }

func (x *ClaimMail) code(c *coder) {
	c.u64(&x.ID)
	c.u64(&x.Term)
	c.flag(&x.Again)
}

func (x *ClaimMail) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	m := s.mailOut(x.ID)
	switch {
	case m == nil:
		return refuseField(NotFound, "mail")
	case x.Term != s.env.Term || m.ClaimTerm > x.Term:
		return refuseField(Conflict, "term")
	}
	s.reply.Ticket, s.reply.Entry, s.reply.Mail = m.Ticket, m.Entry, m.ID
	mine := m.ClaimTerm == x.Term
	switch {
	case m.State == OutClaimed, (m.State == OutQueued || m.State == OutDeferred) && max(m.HoldUntil, m.NotBefore) <= s.now:
		m.ClaimTerm = x.Term
		s.settle(m, OutClaimed)
	case m.State == OutUnsure && mine && x.Again:
		m.Resent = true
		s.settle(m, OutClaimed)
		asked := s.reply
		if t := s.followed(m.Ticket); t != nil {
			s.happened(t, "sent-again", "", m.ID)
		}
		s.reply = asked
	case (m.State == OutDot || m.State == OutUnsure) && !mine:
		m.ClaimTerm = x.Term
		s.settle(m, OutUnsure)
	case m.State == OutUnsure && mine:
		s.reply.Value = string(OutUnsure)
	default:
		return refuseField(Conflict, "state")
	}
	return nil
}

// MailDot says that everything but the final dot of a mail was sent: from here on it may arrive.
type MailDot struct{ ID, Term uint64 }

// CommandName is the word for the command in the log.
func (*MailDot) CommandName() string { return "MailDot" }

func (x *MailDot) code(c *coder) {
	c.u64(&x.ID)
	c.u64(&x.Term)
}

func (x *MailDot) apply(s *state) error {
	m, err := s.sending(x.ID, x.Term, OutClaimed, OutDot)
	if err == nil {
		s.settle(m, OutDot)
	}
	return err
}

// MailSent says that a server took a mail, or that the Sent folder shows it did. Refused are the recipients that the
// server refused for good, if it took the mail for others.
type MailSent struct {
	ID      uint64
	Term    uint64
	QueueID string
	Refused []string
	Why     string
}

// CommandName is the word for the command in the log.
func (*MailSent) CommandName() string { return "MailSent" }

func (x *MailSent) code(c *coder) {
	c.u64(&x.ID)
	c.u64(&x.Term)
	c.str(&x.QueueID)
	c.strs(&x.Refused)
	c.str(&x.Why)
}

func (x *MailSent) apply(s *state) error {
	m, err := s.sending(x.ID, x.Term, OutClaimed, OutDot, OutUnsure)
	if err != nil {
		return err
	}
	if err := firstError(checkShort(x.QueueID, "queue_id", 500), checkShort(x.Why, "why", maxWhy)); err != nil {
		return err
	}
	m.QueueID, m.SentAt, m.LastError = x.QueueID, s.now, ""
	s.settle(m, OutSent)
	if len(x.Refused) > 0 {
		asked := s.reply
		s.undelivered(m, "mail-failed", x.Why, x.Refused, false)
		s.reply = asked
	}
	return nil
}

// maxWhy is the longest reason that a mail server may give, in bytes.
const maxWhy = 1000

// MailDeferred says that a mail could not go now, and when to try again.
type MailDeferred struct {
	ID   uint64
	Term uint64
	At   Time
	Why  string
	Free bool     // the account's fault, not the mail's: no try is used up
	To   []string // who is still to get it; none = all as before
}

// CommandName is the word for the command in the log.
func (*MailDeferred) CommandName() string { return "MailDeferred" }

func (x *MailDeferred) code(c *coder) {
	c.u64(&x.ID)
	c.u64(&x.Term)
	c.time(&x.At)
	c.str(&x.Why)
	c.flag(&x.Free)
	c.strs(&x.To)
}

func (x *MailDeferred) apply(s *state) error {
	m, err := s.sending(x.ID, x.Term, OutClaimed, OutDot, OutUnsure)
	if err != nil {
		return err
	}
	if err := checkShort(x.Why, "why", maxWhy); err != nil {
		return err
	}
	for _, a := range x.To {
		if !contains(m.To, a) {
			return refuseField(Invalid, "to")
		}
	}
	if len(x.To) > 0 {
		m.To = x.To
	}
	if !x.Free {
		m.Tries++
	}
	m.NotBefore, m.LastError = x.At, x.Why
	s.settle(m, OutDeferred)
	return nil
}

// MailFailed says that a mail was refused for good, or was tried long enough.
type MailFailed struct {
	ID   uint64
	Term uint64
	Why  string
	Hard bool // the address is no good, rather than the mail
}

// CommandName is the word for the command in the log.
func (*MailFailed) CommandName() string { return "MailFailed" }

func (x *MailFailed) code(c *coder) {
	c.u64(&x.ID)
	c.u64(&x.Term)
	c.str(&x.Why)
	c.flag(&x.Hard)
}

func (x *MailFailed) apply(s *state) error {
	m, err := s.sending(x.ID, x.Term, OutClaimed, OutDot, OutUnsure)
	if err != nil {
		return err
	}
	if err := checkShort(x.Why, "why", maxWhy); err != nil {
		return err
	}
	m.LastError = x.Why
	m.Tries++
	s.settle(m, OutFailed)
	asked := s.reply
	s.undelivered(m, "mail-failed", x.Why, m.To, x.Hard)
	s.reply = asked
	return nil
}

// MailUnsure says that the connection ended at the dot: nobody knows whether the mail was taken.
type MailUnsure struct {
	ID   uint64
	Term uint64
	Why  string
}

// CommandName is the word for the command in the log.
func (*MailUnsure) CommandName() string { return "MailUnsure" }

func (x *MailUnsure) code(c *coder) {
	c.u64(&x.ID)
	c.u64(&x.Term)
	c.str(&x.Why)
}

func (x *MailUnsure) apply(s *state) error {
	m, err := s.sending(x.ID, x.Term, OutDot, OutUnsure)
	if err != nil {
		return err
	}
	if err := checkShort(x.Why, "why", maxWhy); err != nil {
		return err
	}
	m.LastError = x.Why
	s.settle(m, OutUnsure)
	return nil
}
