// SPDX-License-Identifier: Apache-2.0

package desk

// Automatic mail to one address: what forms and chats may cause in a day, and what mail may in an hour and a day.
const (
	acksByForm     = 3
	acksByMailHour = 3
	acksByMailDay  = 10
)

// OpenTicket makes a ticket out of a chat, or by hand. From a chat it needs the patron's address: without one the patron
// is asked, the reply's Value is "pending", and the ticket makes itself when SetContact brings it. A chat has one ticket:
// asking again answers the same number (Value "exists") and sets a subject that is given. Close does what CloseChat would.
type OpenTicket struct {
	Chat       uint64 // 0 = by hand
	Department string // "" = the chat's
	Subject    string // "" = the question's first words
	Name       string
	Email      string
	Text       string // by hand: what the patron asked. From a chat: a note
	Close      bool
	Tags       []string // of CloseChat
	Got        uint64   // of CloseChat
	Force      bool     // of CloseChat
}

// CommandName is the word for the command in the log.
func (*OpenTicket) CommandName() string { return "OpenTicket" }

func (x *OpenTicket) code(c *coder) {
	c.u64(&x.Chat)
	c.str(&x.Department)
	c.str(&x.Subject)
	c.str(&x.Name)
	c.str(&x.Email)
	c.str(&x.Text)
	c.flag(&x.Close)
	c.strs(&x.Tags)
	c.u64(&x.Got)
	c.flag(&x.Force)
}

func (x *OpenTicket) apply(s *state) error {
	if err := s.may(OpenTickets, Object{}); err != nil {
		return err
	}
	if err := firstError(
		checkShort(x.Subject, "subject", maxSubject), checkShort(x.Name, "name", 200), checkEmail(x.Email), checkBody(x.Text, "text", true),
	); err != nil {
		return err
	}
	if x.Department != "" && get[Department](s, departmentKey(x.Department)) == nil {
		return refuseField(NotFound, "department")
	}
	if x.Chat != 0 {
		return x.fromChat(s)
	}
	if x.Department == "" {
		return refuseField(Invalid, "department")
	}
	if x.Subject == "" && x.Text == "" {
		return refuseField(Invalid, "subject")
	}
	subject := x.Subject
	if subject == "" {
		subject = firstWords(x.Text)
	}
	t := s.newTicket(Ticket{Department: x.Department, Subject: subject, Name: x.Name, Email: x.Email, By: s.staffActor()})
	if x.Text != "" {
		s.addEntry(t, TicketEntry{Kind: EntryPublic, From: FromPatron, By: t.By, Text: x.Text})
	}
	s.acknowledge(t, t.Email, acksByForm, acksByForm)
	return nil
}

func (x *OpenTicket) fromChat(s *state) error {
	h, err := s.chat(x.Chat, AnnotateChat)
	if err != nil {
		return err
	}
	if h, err = x.closed(s, h); err != nil {
		return err
	}
	x.giveContact(s, h)
	t, err := ticketOf(s.tx, h.Number)
	if s.fail(err) {
		return nil
	}
	value := ""
	switch {
	case t != nil:
		value = "exists"
		s.ticketed(h, s.staffActor())
		if t = s.followed(t.Number); t == nil {
			return refuseField(NotFound, "ticket")
		}
		s.reply.Ticket = t.Number
		if x.Subject != "" && x.Subject != t.Subject {
			t.Subject = x.Subject
			s.changed(t, "subject", "")
		}
	case h.Email == "":
		value = "pending"
		s.wantContact(h, x)
	default:
		t = s.ticketFrom(h, x.Department, x.Subject, s.staffActor())
	}
	if t != nil && x.Text != "" {
		s.addEntry(t, TicketEntry{Kind: EntryNote, From: FromStaff, By: s.staffActor(), Text: x.Text})
	}
	s.reply.Seq, s.reply.Chat, s.reply.Line, s.reply.Value = s.meta.Seq, h.Number, 0, value
	return nil
}

// giveContact keeps a name and an address that come with the command.
func (x *OpenTicket) giveContact(s *state, h *Chat) {
	if x.Name == "" && x.Email == "" {
		return
	}
	if x.Name != "" {
		h.Name = x.Name
	}
	if x.Email != "" {
		h.Email = x.Email
	}
	put(s, h)
	s.tell(h, false, Event{Kind: ContactChanged})
}

// closed closes a claimed chat if that was asked for, before anything else: what the patron reads last is the ticket.
func (x *OpenTicket) closed(s *state, h *Chat) (*Chat, error) {
	if !x.Close || h.State != Claimed {
		return h, nil
	}
	if err := (&CloseChat{Chat: x.Chat, Tags: x.Tags, Got: x.Got, Force: x.Force}).apply(s); err != nil {
		return nil, err
	}
	if h = get[Chat](s, chatKey(x.Chat)); h == nil {
		return nil, refuseField(NotFound, "chat")
	}
	return h, nil
}

// ticketed ends a missed chat that has a ticket.
func (s *state) ticketed(h *Chat, by string) {
	if h.State != Missed {
		return
	}
	h.State, h.ClosedAt, h.ClosedBy = Ticketed, s.now, by
	put(s, h)
}

// ticketFrom makes the ticket of a chat that has an address.
func (s *state) ticketFrom(h *Chat, department, subject, by string) *Ticket {
	if department == "" {
		department = h.Department
	}
	question := ""
	if l := get[Line](s, lineKey(h.Number, 1)); l != nil {
		question = l.Text
	}
	if subject == "" {
		subject = firstWords(question)
	}
	remove(s, &PendingTicket{Chat: h.Number})
	s.cancel(h.Number, DueAddress)
	t := s.newTicket(Ticket{
		Department: department, Subject: subject, Name: h.Name, Email: h.Email, Locale: h.Locale, Chat: h.Number, Tags: h.Tags, By: by,
	})
	if question != "" {
		s.addEntry(t, TicketEntry{Kind: EntryPublic, From: FromPatron, Text: question, Ref: h.Number})
	}
	s.acknowledge(t, t.Email, acksByForm, acksByForm)
	s.ticketed(h, by)
	return t
}

// AskQuestion is the question form: a ticket without a chat. Its door keys it (KeyQuestion), so that a repeat answers the
// same number.
type AskQuestion struct {
	ID         string // the client's own id
	Department string
	Question   string
	Name       string
	Email      string
	Locale     string
}

// CommandName is the word for the command in the log.
func (*AskQuestion) CommandName() string { return "AskQuestion" }

func (x *AskQuestion) code(c *coder) {
	c.str(&x.ID)
	c.str(&x.Department)
	c.str(&x.Question)
	c.str(&x.Name)
	c.str(&x.Email)
	c.str(&x.Locale)
}

func (x *AskQuestion) apply(s *state) error {
	if err := firstError(
		checkText(x.Question, "question"), checkShort(x.Name, "name", 200), checkEmail(x.Email), checkShort(x.Locale, "locale", 35),
	); err != nil {
		return err
	}
	switch {
	case !plain(x.ID, 64):
		return refuseField(Invalid, "id")
	case x.Email == "":
		return refuseField(NeedsEmail, "email")
	case get[Department](s, departmentKey(x.Department)) == nil:
		return refuseField(NotFound, "department")
	}
	t := s.newTicket(Ticket{
		Department: x.Department, Subject: firstWords(x.Question), Name: x.Name, Email: x.Email, Locale: x.Locale,
	})
	t.Unread = 1
	s.addEntry(t, TicketEntry{Kind: EntryPublic, From: FromPatron, Name: x.Name, Email: x.Email, Text: x.Question})
	s.acknowledge(t, t.Email, acksByForm, acksByForm)
	s.reply.Value = ""
	return nil
}

// KeyQuestion is the kind of key of AskQuestion; principal: "form", id: the client's.
const KeyQuestion = "question"

// maxSubject is the longest subject, in bytes: 200 runes of any script.
const maxSubject = 800
