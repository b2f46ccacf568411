// SPDX-License-Identifier: Apache-2.0

package desk

import "slices"

// AttachPatron tells that the patron has a stream open, or called lately, on a node. Doors commit changes only.
type AttachPatron struct {
	Chat uint64
	Node string
}

// CommandName is the word for the command in the log.
func (*AttachPatron) CommandName() string { return "AttachPatron" }

func (x *AttachPatron) code(c *coder) {
	c.u64(&x.Chat)
	c.str(&x.Node)
}

func (x *AttachPatron) apply(s *state) error {
	h, err := s.chat(x.Chat, WriteOwnChat)
	if err != nil {
		return err
	}
	if !plain(x.Node, 64) {
		return refuseField(Invalid, "node")
	}
	at, over := h.ended()
	if h.State == Missed && s.now.Sub(at) < s.clock(ClockResumable) {
		over = false
	}
	s.attach(h, x.Node)
	if over {
		return nil
	}
	if h.State == Missed {
		s.back(h)
	}
	return nil
}

// attach notes that the patron is attached on a node.
func (s *state) attach(h *Chat, node string) {
	if node == "" || slices.Contains(h.Attached, node) {
		return
	}
	was := len(h.Attached)
	h.Attached, h.Detached = unique(append(h.Attached, node)), 0
	s.cancel(h.Number, DueGone)
	put(s, h)
	if was == 0 {
		s.tell(h, false, Event{Kind: PatronAttached})
		switch {
		case h.State == Waiting && h.Rings == 0:
			s.ring(h)
		case h.State == Waiting && get[Due](s, dueKey(DueRing, h.Number)) == nil:
			s.climb(h)
		}
	}
}

// DetachPatron takes AttachPatron back.
type DetachPatron struct {
	Chat uint64
	Node string
}

// CommandName is the word for the command in the log.
func (*DetachPatron) CommandName() string { return "DetachPatron" }

func (x *DetachPatron) code(c *coder) {
	c.u64(&x.Chat)
	c.str(&x.Node)
}

func (x *DetachPatron) apply(s *state) error {
	h, err := s.chat(x.Chat, WriteOwnChat)
	if err != nil {
		return err
	}
	s.detach(h, x.Node)
	return nil
}

func (s *state) detach(h *Chat, node string) {
	i := slices.Index(h.Attached, node)
	if i < 0 {
		return
	}
	h.Attached = slices.Delete(h.Attached, i, i+1)
	if len(h.Attached) > 0 {
		put(s, h)
		return
	}
	h.Detached = s.now
	put(s, h)
	s.tell(h, false, Event{Kind: PatronDetached})
	if h.State == Waiting || h.State == Claimed {
		s.later(DueGone, h.Number, s.clock(ClockGone))
	}
}

// LeaveChat is the patron's "I'm done": before a claim the chat is missed, after it the owner is told.
type LeaveChat struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*LeaveChat) CommandName() string { return "LeaveChat" }

func (x *LeaveChat) code(c *coder) { c.u64(&x.Chat) }

func (x *LeaveChat) apply(s *state) error {
	h, err := s.chat(x.Chat, WriteOwnChat)
	if err != nil {
		return err
	}
	if len(h.Attached) > 0 {
		h.Attached, h.Detached = nil, s.now
		put(s, h)
	}
	s.gone(h, "left")
	return nil
}

// gone ends the waiting of a chat whose patron is away, or tells the owner.
func (s *state) gone(h *Chat, why string) {
	if len(h.Attached) > 0 {
		return
	}
	s.cancel(h.Number, DueGone)
	switch h.State {
	case Waiting:
		s.miss(h)
	case Claimed:
		s.tell(h, false, Event{Kind: PatronGone, Value: why})
		if h.Silent == notSilent && get[Due](s, dueKey(DueSilent, h.Number)) == nil {
			s.listen(h)
		}
	}
}

// SetContact is the patron's name and address, as given; an empty field stays as it is.
type SetContact struct {
	Chat        uint64
	Name, Email string
}

// CommandName is the word for the command in the log.
func (*SetContact) CommandName() string { return "SetContact" }

func (x *SetContact) code(c *coder) {
	c.u64(&x.Chat)
	c.str(&x.Name)
	c.str(&x.Email)
}

func (x *SetContact) apply(s *state) error {
	action := WriteOwnChat
	if s.env.Actor.Kind == StaffKind {
		action = AnnotateChat
	}
	h, err := s.chat(x.Chat, action)
	if err != nil {
		return err
	}
	if err := firstError(checkShort(x.Name, "name", 200), checkEmail(x.Email)); err != nil {
		return err
	}
	if x.Name != "" {
		h.Name = x.Name
	}
	if x.Email != "" {
		h.Email, h.ContactUntil = x.Email, 0
	}
	put(s, h)
	s.tell(h, false, Event{Kind: ContactChanged})
	if x.Email != "" {
		s.contactCame(h)
	}
	return nil
}

// MarkSeen tells how far the patron's page got: Shown false = received, true = shown.
type MarkSeen struct {
	Chat  uint64
	Seq   uint64
	Shown bool
}

// CommandName is the word for the command in the log.
func (*MarkSeen) CommandName() string { return "MarkSeen" }

func (x *MarkSeen) code(c *coder) {
	c.u64(&x.Chat)
	c.u64(&x.Seq)
	c.flag(&x.Shown)
}

func (x *MarkSeen) apply(s *state) error {
	h, err := s.chat(x.Chat, WriteOwnChat)
	if err != nil {
		return err
	}
	if x.Seq > s.meta.Seq {
		return refuseField(Invalid, "seq")
	}
	value := ""
	if x.Seq > h.Received {
		h.Received, value = x.Seq, "received"
	}
	if x.Shown && x.Seq > h.Shown {
		h.Shown, value = x.Seq, "shown"
	}
	if value == "" {
		return nil
	}
	put(s, h)
	s.tell(h, false, Event{Kind: LineSeen, Ref: x.Seq, Value: value})
	return nil
}
