// SPDX-License-Identifier: Apache-2.0

package desk

// WantContact has the patron's page ask for an address, also after the chat's end, for as long as a ticket waits for
// one. The answer comes as SetContact.
type WantContact struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*WantContact) CommandName() string { return "WantContact" }

func (x *WantContact) code(c *coder) { c.u64(&x.Chat) }

func (x *WantContact) apply(s *state) error {
	h, err := s.chat(x.Chat, AnnotateChat)
	if err != nil {
		return err
	}
	switch {
	case s.env.Actor.Kind == PatronKind:
		return refuse(NotAllowed)
	case h.Masked:
		return &Error{Code: Over, Staff: h.ClosedBy, At: h.ClosedAt, Chat: h.Number}
	}
	s.askContact(h)
	e := Event{Kind: ContactWanted}
	if s.env.Actor.Kind == StaffKind {
		e.Staff = s.env.Actor.ID
	}
	s.tell(h, true, e)
	return nil
}

// askContact notes that the patron's page asks for an address.
func (s *state) askContact(h *Chat) {
	h.ContactUntil = s.now.Add(s.clock(ClockAddress))
	put(s, h)
}
