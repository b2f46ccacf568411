// SPDX-License-Identifier: Apache-2.0

package desk

// TransferChat offers a chat to a colleague, who must accept, or moves it to the front of a department's queue.
// Exactly one of To and Department is set.
type TransferChat struct {
	Chat       uint64
	To         string // account
	Department string
	Why        string // for the colleague; at most 500 bytes
}

// CommandName is the word for the command in the log.
func (*TransferChat) CommandName() string { return "TransferChat" }

func (x *TransferChat) code(c *coder) {
	c.u64(&x.Chat)
	c.str(&x.To)
	c.str(&x.Department)
	c.str(&x.Why)
}

func (x *TransferChat) apply(s *state) error {
	h, err := s.handled(x.Chat)
	if err != nil {
		return err
	}
	if err := checkShort(x.Why, "why", 500); err != nil {
		return err
	}
	if (x.To == "") == (x.Department == "") {
		return refuseField(Invalid, "to")
	}
	if x.Department != "" {
		return s.transferTo(h, x.Department)
	}
	p := get[Staff](s, staffKey(x.To))
	switch {
	case p == nil || p.Disabled || p.Role < RoleTrainee:
		return refuseField(NotFound, "to")
	case x.To == h.Owner:
		return refuseField(Invalid, "to")
	case !s.connected(x.To):
		return &Error{Code: Offline, Field: "to", Staff: x.To, Chat: h.Number}
	}
	h.Offer = Offer{To: x.To, By: s.env.Actor.ID, At: s.now, Why: x.Why}
	put(s, h)
	s.later(DueTransfer, h.Number, s.clock(ClockTransfer))
	e := Event{Kind: TransferOffered, Staff: h.Offer.By, To: x.To}
	e.Audience.Staff = []string{x.To}
	s.tell(h, false, e)
	s.reply.Staff = x.To
	return nil
}

// transferTo moves a chat to the front of a department's queue. An unstaffed department refuses it.
func (s *state) transferTo(h *Chat, id string) error {
	d := get[Department](s, departmentKey(id))
	switch {
	case d == nil:
		return refuseField(NotFound, "department")
	case id == h.Department:
		return refuseField(Invalid, "department")
	case s.crew(d).state() == StateClosed:
		return &Error{Code: Offline, Field: "department", Chat: h.Number}
	}
	before := h.Owner
	s.cancel(h.Number, DueTransfer, DueGrace, DueRering)
	s.heard(h)
	s.keep(h)
	from := get[Department](s, departmentKey(h.Department))
	h.State, h.Owner, h.Offer, h.Department = Waiting, "", Offer{}, id
	h.Queued, h.LostAt, h.Told, h.Since, h.Undo = s.front(id, h.Opened), 0, false, s.now, Undo{}
	h.NoStore = h.NoStore || d.NoStore
	put(s, h)
	e := Event{Kind: ChatTransferred, Staff: before}
	e.Audience.Staff = []string{before}
	if from != nil {
		e.Audience.Departments = from.Crew()
	}
	s.tell(h, true, e)
	asked := s.reply
	s.ring(h)
	s.reply = asked
	if len(h.Attached) == 0 {
		s.later(DueGone, h.Number, s.clock(ClockGone))
	}
	s.freed(before)
	return nil
}

// front is a moment that puts a chat of the given age before all others in a department's queue.
func (s *state) front(department string, opened Time) Time {
	prefix := string(key("").word(string(Waiting)).word(department))
	for _, h := range find[Chat](s, Range{Index: byState, Prefix: prefix, Limit: 1}) {
		return min(opened, h.Queued-1)
	}
	return opened
}

// AcceptTransfer takes an offered chat.
type AcceptTransfer struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*AcceptTransfer) CommandName() string { return "AcceptTransfer" }

func (x *AcceptTransfer) code(c *coder) { c.u64(&x.Chat) }

func (x *AcceptTransfer) apply(s *state) error {
	h, err := s.offered(x.Chat)
	if err != nil {
		return err
	}
	s.own(h, s.env.Actor.ID, "transfer")
	return nil
}

// DeclineTransfer gives an offered chat back to its owner.
type DeclineTransfer struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*DeclineTransfer) CommandName() string { return "DeclineTransfer" }

func (x *DeclineTransfer) code(c *coder) { c.u64(&x.Chat) }

func (x *DeclineTransfer) apply(s *state) error {
	h, err := s.offered(x.Chat)
	if err != nil {
		return err
	}
	s.endOffer(h, TransferDeclined)
	return nil
}

// offered loads a chat that is offered to the actor.
func (s *state) offered(number uint64) (*Chat, error) {
	h := get[Chat](s, chatKey(number))
	if h == nil || s.may(AnswerOffer, s.object(h)) != nil {
		return nil, refuseField(NotFound, "offer")
	}
	return h, nil
}

func (s *state) endOffer(h *Chat, kind EventKind) {
	o := h.Offer
	if o.To == "" {
		return
	}
	s.cancel(h.Number, DueTransfer)
	h.Offer = Offer{}
	put(s, h)
	e := Event{Kind: kind, Staff: o.By, To: o.To}
	e.Audience.Staff = []string{o.To}
	s.tell(h, false, e)
}
