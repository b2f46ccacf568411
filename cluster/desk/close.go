// SPDX-License-Identifier: Apache-2.0

package desk

// CloseChat ends a chat. It needs a tag, given here or before, unless the department does without.
type CloseChat struct {
	Chat  uint64
	Tags  []string
	Got   uint64 // last seq that the closer's client got; 0 = unknown. A newer line of the patron's refuses
	Force bool   // close all the same

	Fields []Field // closing fields; a required one that is missing, or a value that isn't a choice, is Invalid (Field "field.NAME")
	Typing bool    // the patron was typing a moment ago: refuses as NewerLine (Field "typing")
}

// CommandName is the word for the command in the log.
func (*CloseChat) CommandName() string { return "CloseChat" }

func (x *CloseChat) code(c *coder) {
	c.u64(&x.Chat)
	c.strs(&x.Tags)
	c.u64(&x.Got)
	c.flag(&x.Force)
	codeFields(c, &x.Fields)
	c.flag(&x.Typing)
}

func (x *CloseChat) apply(s *state) error {
	h, err := s.handled(x.Chat)
	if err != nil {
		return err
	}
	if x.Got != 0 && h.PatronSeq > x.Got && !x.Force {
		return &Error{Code: NewerLine, Chat: h.Number, Line: s.lineAt(h, h.PatronSeq)}
	}
	if x.Typing && !x.Force {
		return &Error{Code: NewerLine, Field: "typing", Chat: h.Number}
	}
	added, err := s.tag(h, x.Tags)
	if err != nil {
		return err
	}
	if err := s.fill(h, x.Fields); err != nil {
		return err
	}
	d := get[Department](s, departmentKey(h.Department))
	if len(h.Tags) == 0 && (d == nil || !d.Untagged) {
		return &Error{Code: NeedsTag, Chat: h.Number}
	}
	if err := filled(d, h); err != nil {
		return err
	}
	me := s.env.Actor.ID
	s.undoable(h, undoClose, added)
	if !h.Answered && h.MissedAt == 0 { // closed without a staff line counts as missed
		s.missUnanswered(h, me)
		return nil
	}
	s.end(h, Closed, me)
	s.tell(h, true, Event{Kind: ChatClosed, Staff: me})
	s.freed(h.Owner)
	return nil
}

// end brings a chat to an end: its timers stop, and what is undecided is decided.
func (s *state) end(h *Chat, to ChatState, by string) {
	s.cancel(h.Number, DueRing, DueRingAck, DueGone, DueTransfer, DueGrace, DueRering)
	s.heard(h)
	s.keep(h)
	h.State, h.Offer, h.LostAt, h.Told = to, Offer{}, 0, false
	if to == Missed {
		h.MissedAt = s.now
	} else {
		h.ClosedAt, h.ClosedBy = s.now, by
		s.wantTag(h)
	}
	if h.NoStore {
		s.later(DuePurge, h.Number, s.clock(ClockResumable))
	}
	put(s, h)
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
	s.end(h, Dismissed, s.env.Actor.ID)
	s.addLine(h, Line{From: FromStaff, By: h.ClosedBy, Kind: NoteLine, Text: x.Why})
	put(s, h)
	s.tell(h, false, Event{Kind: ChatDismissed, Staff: h.ClosedBy})
	return nil
}
