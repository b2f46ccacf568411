// SPDX-License-Identifier: Apache-2.0

package desk

// LinkTickets notes that two tickets have to do with each other.
type LinkTickets struct{ Ticket, Other uint64 }

// CommandName is the word for the command in the log.
func (*LinkTickets) CommandName() string { return "LinkTickets" }

func (x *LinkTickets) code(c *coder) {
	c.u64(&x.Ticket)
	c.u64(&x.Other)
}

func (x *LinkTickets) apply(s *state) error {
	other, err := s.ticket(x.Other)
	if err != nil {
		return err
	}
	t, err := s.ticket(x.Ticket)
	if err != nil {
		return err
	}
	if t.Number == other.Number {
		return refuseField(Invalid, "other")
	}
	s.linkBoth(t, other)
	s.tellTicket(t, Event{Kind: TicketChanged, Staff: s.staffActor(), Value: "linked", Ref: other.Number})
	return nil
}

// linkBoth links two tickets and stores both.
func (s *state) linkBoth(t, other *Ticket) {
	t.link(other.Number)
	other.link(t.Number)
	put(s, t)
	put(s, other)
}

// MergeTickets lets one ticket go on in another: it closes, and its number and mail lead there from now on. Its entries
// stay where they are. Its participants get a part in the other only if they had one, so that nobody reads what was
// written to somebody else; their next mail there is held for staff to admit.
type MergeTickets struct{ Ticket, Into uint64 }

// CommandName is the word for the command in the log.
func (*MergeTickets) CommandName() string { return "MergeTickets" }

func (x *MergeTickets) code(c *coder) {
	c.u64(&x.Ticket)
	c.u64(&x.Into)
}

func (x *MergeTickets) apply(s *state) error {
	t, err := s.ticket(x.Ticket)
	if err != nil {
		return err
	}
	into, err := s.ticket(x.Into)
	if err != nil {
		return err
	}
	if t.Number == into.Number {
		return refuseField(Conflict, "into")
	}
	if contains([]string{t.Email}, into.Email) {
		into.addCc(t.Cc)
	}
	into.Unread += t.Unread
	t.setState(TicketClosed, s.now)
	t.Merged = into.Number
	s.happened(t, "merged", "", into.Number)
	s.tellTicket(t, Event{Kind: TicketChanged, Staff: s.staffActor(), Value: "merged", Ref: into.Number})
	s.linkBoth(t, into)
	s.happened(into, "merged-from", "", t.Number)
	s.reply.Ticket = into.Number
	return nil
}
