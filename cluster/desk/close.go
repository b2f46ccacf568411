// SPDX-License-Identifier: Apache-2.0

package desk

// CloseChat ends a chat. It needs a tag, given here or before, unless the department does without.
type CloseChat struct {
	Chat  uint64
	Tags  []string
	Got   uint64 // last seq that the closer's client got; 0 = unknown. A newer line of the patron's refuses
	Force bool   // close all the same
}

// CommandName is the word for the command in the log.
func (*CloseChat) CommandName() string { return "CloseChat" }

func (x *CloseChat) code(c *coder) {
	c.u64(&x.Chat)
	c.strs(&x.Tags)
	c.u64(&x.Got)
	c.flag(&x.Force)
}

func (x *CloseChat) apply(s *state) error {
	h, err := s.handled(x.Chat)
	if err != nil {
		return err
	}
	if x.Got != 0 && h.PatronSeq > x.Got && !x.Force {
		return &Error{Code: NewerLine, Chat: h.Number, Line: s.lineAt(h, h.PatronSeq)}
	}
	if err := s.tag(h, x.Tags); err != nil {
		return err
	}
	d := get[Department](s, departmentKey(h.Department))
	if len(h.Tags) == 0 && (d == nil || !d.Untagged) {
		return &Error{Code: NeedsTag, Chat: h.Number}
	}
	s.cancel(h.Number, DueRing, DueGone, DueTransfer, DueGrace, DueRering)
	if !h.Answered && h.MissedAt == 0 { // closed without a staff line counts as missed
		h.State, h.Owner, h.MissedAt, h.Offer = Missed, "", s.now, Offer{}
		put(s, h)
		s.tell(h, true, Event{Kind: ChatMissed, Staff: s.env.Actor.ID})
		return nil
	}
	h.State, h.ClosedAt, h.ClosedBy, h.Offer = Closed, s.now, s.env.Actor.ID, Offer{}
	put(s, h)
	s.tell(h, true, Event{Kind: ChatClosed, Staff: h.ClosedBy})
	return nil
}

// lineAt finds the number of the line with a seq, looking back from the newest.
func (s *state) lineAt(h *Chat, seq uint64) uint64 {
	r := Range{Prefix: string(key("").num(h.Number)), Limit: 50, Desc: true}
	for _, l := range find[Line](s, r) {
		if l.Seq == seq {
			return l.Line
		}
	}
	return 0
}

// DismissChat says that a missed chat needs no following up.
type DismissChat struct {
	Chat uint64
	Why  string
}

// CommandName is the word for the command in the log.
func (*DismissChat) CommandName() string { return "DismissChat" }

func (x *DismissChat) code(c *coder) {
	c.u64(&x.Chat)
	c.str(&x.Why)
}

func (x *DismissChat) apply(s *state) error {
	h, err := s.chat(x.Chat, AnnotateChat)
	if err != nil {
		return err
	}
	switch {
	case !plain(x.Why, 500):
		return refuseField(Invalid, "why")
	case h.State != Missed:
		return &Error{Code: NotAllowed, Field: "missed", Chat: h.Number}
	}
	h.State, h.ClosedAt, h.ClosedBy = Dismissed, s.now, s.env.Actor.ID
	s.addLine(h, Line{From: FromStaff, By: h.ClosedBy, Kind: NoteLine, Text: x.Why})
	put(s, h)
	s.tell(h, false, Event{Kind: ChatDismissed, Staff: h.ClosedBy})
	return nil
}
