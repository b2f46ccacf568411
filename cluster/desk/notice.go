// SPDX-License-Identifier: Apache-2.0

package desk

// MailNotice is a mail that belongs to no ticket: an invitation, a forgotten password.
const MailNotice MailPurpose = "notice"

// noticeLife is how long the desk keeps a notice. A notice may hold a one-time link, which holds no longer than this.
const noticeLife = maxLink

// lapses is when a mail is forgotten; 0 = with its ticket.
func (m *MailOut) lapses() Time {
	if m.Purpose != MailNotice {
		return 0
	}
	return m.QueuedAt.Add(noticeLife)
}

// QueueNotice puts a mail into the outbox that belongs to no ticket. It goes the way of every other mail from there on.
// The reply's Mail is its number. Only those who manage staff may read it.
type QueueNotice struct {
	To        string
	From      string // the envelope's sender
	MessageID string
	Date      Time
	Body      []byte // RFC 5322, whole, with CRLF
}

// CommandName is the word for the command in the log.
func (*QueueNotice) CommandName() string { return "QueueNotice" }

func (x *QueueNotice) code(c *coder) {
	c.str(&x.To)
	c.str(&x.From)
	c.str(&x.MessageID)
	c.time(&x.Date)
	c.bytes(&x.Body)
}

func (x *QueueNotice) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	switch {
	case !plain(x.To, 254):
		return refuseField(Invalid, "to")
	case checkShort(x.From, "from", 320) != nil:
		return refuseField(Invalid, "from")
	case !plain(x.MessageID, maxMessageID):
		return refuseField(Invalid, "message_id")
	case len(x.Body) == 0 || len(x.Body) > MaxMail:
		return refuseField(Invalid, "body")
	}
	s.meta.Mail++
	m := &MailOut{
		ID: s.meta.Mail, Purpose: MailNotice, From: x.From, To: []string{x.To}, MessageID: x.MessageID,
		Date: x.Date, Body: x.Body, State: OutQueued, QueuedAt: s.now,
	}
	put(s, m)
	s.emit(Event{Kind: MailQueued, Ref: m.ID})
	s.reply.Mail, s.reply.Value = m.ID, string(OutQueued)
	return nil
}

// readsMail reports whether the actor may read an outgoing mail: by its ticket, or a notice as who manages staff.
func (r *reader) readsMail(m *MailOut) (bool, error) {
	if m.Purpose == MailNotice {
		return Can(r.who, ManageStaff, Object{}), nil
	}
	t, err := load[Ticket](r.src, ticketKey(m.Ticket))
	if err != nil || t == nil {
		return false, err
	}
	return r.handles(t)
}

// expireNotices forgets notices whose links hold no more.
func (s *state) expireNotices() int {
	return expire(s, byExpiry, s.now, func(m *MailOut) Time { return m.QueuedAt.Add(noticeLife) })
}
