// SPDX-License-Identifier: Apache-2.0

package desk

// MailOut is a mail on its way out. Its bytes and its Message-ID never change, so that a resend is the same mail.
type MailOut struct {
	ID        uint64
	Ticket    uint64
	Entry     uint64
	Purpose   MailPurpose
	From      string   // the envelope's sender
	To        []string // those who are still to get it
	MessageID string
	Date      Time
	Body      []byte // RFC 5322, whole, with CRLF; empty when it is in Blob
	Blob      string // hash
	State     MailState
	ClaimTerm uint64 // of the leader that is sending it
	Tries     uint64
	Resent    bool // went out a second time after a doubt
	HoldUntil Time
	NotBefore Time
	QueuedAt  Time
	SentAt    Time
	QueueID   string // what the server called it
	LastError string
}

// MaxMail is the largest mail that a record holds, in bytes; a larger one is a blob.
const MaxMail = 48 << 10

const mailOutTable Table = "mail-out"

func (m *MailOut) table() Table { return mailOutTable }
func (m *MailOut) key() key     { return key("").num(m.ID) }

func (m *MailOut) entries() []Entry {
	out := []Entry{{byChat, string(key("").num(m.Ticket).num(m.ID))}}
	switch m.State {
	case OutQueued, OutDeferred:
		out = append(out, Entry{byTime, string(key("").num(uint64(max(m.HoldUntil, m.NotBefore))).num(m.ID))})
	case OutClaimed, OutDot, OutUnsure:
		out = append(out, Entry{byState, string(key("").num(m.ID))})
	}
	out = append(out, expiry(m.lapses())...)
	return append(out, Entry{byMessage, string(key("").word(m.MessageID))})
}

func (m *MailOut) code(c *coder) {
	c.u64(&m.ID)
	c.u64(&m.Ticket)
	c.u64(&m.Entry)
	word(c, &m.Purpose)
	c.str(&m.From)
	c.strs(&m.To)
	c.str(&m.MessageID)
	c.time(&m.Date)
	c.bytes(&m.Body)
	c.str(&m.Blob)
	word(c, &m.State)
	c.u64(&m.ClaimTerm)
	c.u64(&m.Tries)
	c.flag(&m.Resent)
	c.time(&m.HoldUntil)
	c.time(&m.NotBefore)
	c.time(&m.QueuedAt)
	c.time(&m.SentAt)
	c.str(&m.QueueID)
	c.str(&m.LastError)
}

func (s *state) mailOut(id uint64) *MailOut {
	if id == 0 {
		return nil
	}
	return get[MailOut](s, key("").num(id))
}

// ComposeMail fixes the bytes of a mail that an entry wants. The leader's bridge proposes it: an entry's number, which
// stands in the mail, is known only after the entry was committed. It is made once an entry; asking again answers the
// same mail (reply's Mail) and changes nothing.
type ComposeMail struct {
	Ticket    uint64
	Entry     uint64
	MessageID string
	Date      Time
	From      string
	Body      []byte // or, if larger than MaxMail:
	Blob      string // its hash, once a majority has it
}

// CommandName is the word for the command in the log.
func (*ComposeMail) CommandName() string { return "ComposeMail" }

func (x *ComposeMail) code(c *coder) {
	c.u64(&x.Ticket)
	c.u64(&x.Entry)
	c.str(&x.MessageID)
	c.time(&x.Date)
	c.str(&x.From)
	c.bytes(&x.Body)
	c.str(&x.Blob)
}

func (x *ComposeMail) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	switch {
	case !plain(x.MessageID, maxMessageID):
		return refuseField(Invalid, "message_id")
	case len(x.Body) > MaxMail || (len(x.Body) == 0) == (x.Blob == "") || checkShort(x.Blob, "blob", 64) != nil:
		return refuseField(Invalid, "body")
	case checkShort(x.From, "from", 320) != nil:
		return refuseField(Invalid, "from")
	}
	t, e := get[Ticket](s, ticketKey(x.Ticket)), get[TicketEntry](s, entryKey(x.Ticket, x.Entry))
	if t == nil || e == nil {
		return refuseField(NotFound, "entry")
	}
	s.reply.Ticket, s.reply.Entry = x.Ticket, x.Entry
	if e.Mail != OutWanted {
		if e.MailID == 0 {
			return refuseField(Over, "entry")
		}
		s.reply.Mail, s.reply.Value = e.MailID, string(e.Mail)
		return nil
	}
	s.meta.Mail++
	m := &MailOut{
		ID: s.meta.Mail, Ticket: x.Ticket, Entry: x.Entry, Purpose: e.Purpose, From: x.From, To: e.Recipients,
		MessageID: x.MessageID, Date: x.Date, Body: x.Body, Blob: x.Blob,
		State: OutQueued, HoldUntil: e.HoldUntil, QueuedAt: s.now,
	}
	put(s, m)
	e.Mail, e.MailID, e.MessageID = OutQueued, m.ID, x.MessageID
	put(s, e)
	s.tellTicket(t, Event{Kind: MailQueued, Entry: e.N, Staff: e.By, Ref: m.ID})
	s.reply.Mail, s.reply.Value = m.ID, string(OutQueued)
	return nil
}
