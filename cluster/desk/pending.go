// SPDX-License-Identifier: Apache-2.0

package desk

// PendingTicket is a ticket that waits for the patron of a chat to give an address.
type PendingTicket struct {
	Chat       uint64
	Department string // "" = the chat's
	Subject    string
	By         string // account
	At         Time
}

const pendingTable Table = "pending-ticket"

func (p *PendingTicket) table() Table     { return pendingTable }
func (p *PendingTicket) key() key         { return key("").num(p.Chat) }
func (p *PendingTicket) entries() []Entry { return nil }

func (p *PendingTicket) code(c *coder) {
	c.u64(&p.Chat)
	c.str(&p.Department)
	c.str(&p.Subject)
	c.str(&p.By)
	c.time(&p.At)
}

// wantContact asks the patron for an address and keeps what is to become of it.
func (s *state) wantContact(h *Chat, x *OpenTicket) {
	p := &PendingTicket{Chat: h.Number, Department: x.Department, Subject: x.Subject, By: s.staffActor(), At: s.now}
	if was := get[PendingTicket](s, p.key()); was != nil && p.Subject == "" {
		p.Subject = was.Subject
	}
	put(s, p)
	s.later(DueAddress, h.Number, s.clock(ClockAddress))
	s.askContact(h)
	s.tell(h, true, Event{Kind: ContactWanted, Staff: p.By})
}

// contactCame makes the ticket that waited for an address, or the one of a missed chat whose patron leaves one, and mends
// the address of a ticket that mail bounces from. SetContact calls it when it was given an address.
func (s *state) contactCame(h *Chat) {
	answer := s.reply
	p := get[PendingTicket](s, key("").num(h.Number))
	t, err := ticketOf(s.tx, h.Number)
	switch {
	case s.fail(err):
	case t != nil:
		s.mendAddress(t, h.Email)
	case p != nil:
		t = s.ticketFrom(h, p.Department, p.Subject, p.By)
	case h.State == Missed && s.env.Actor.Kind == PatronKind:
		t = s.ticketFrom(h, "", "", "")
	}
	if t != nil {
		answer.Ticket = t.Number
	}
	answer.Seq = max(answer.Seq, s.meta.Seq)
	s.reply = answer
}

// mendAddress takes a new address in place of one that could not be reached, and sends again what did not arrive.
func (s *state) mendAddress(t *Ticket, email string) {
	if t = s.followed(t.Number); t == nil || !contains(t.Failed, t.Email) || contains([]string{t.Email}, email) {
		return
	}
	s.setRequester(t, t.Name, email)
	for _, e := range find[TicketEntry](s, Range{Prefix: string(ticketKey(t.Number))}) {
		if e.Mail == OutFailed {
			s.sendAgain(t, e)
		}
	}
}

// addressLapsed gives up waiting for an address. A chat that is over goes to the missed list.
func (s *state) addressLapsed(h *Chat) {
	p := get[PendingTicket](s, key("").num(h.Number))
	if p == nil {
		return
	}
	remove(s, p)
	e := Event{Kind: TicketLapsed, Staff: p.By}
	if p.By != "" {
		e.Audience.Staff = []string{p.By}
	}
	s.tell(h, true, e)
	if h.State == Closed {
		h.State, h.Owner, h.MissedAt, h.ClosedAt, h.ClosedBy = Missed, "", s.now, 0, ""
		put(s, h)
		s.tell(h, true, Event{Kind: ChatMissed})
	}
}
