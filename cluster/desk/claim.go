// SPDX-License-Identifier: Apache-2.0

package desk

import "slices"

// ClaimChat takes a waiting or missed chat: a compare-and-set, first in the order of the log wins. The loser's refusal
// says who won and when. A chat that a colleague has promised to take is claimed by force only; the refusal is a Conflict
// with Field "promise", and At is the moment promised.
type ClaimChat struct {
	Chat  uint64
	Force bool
}

// CommandName is the word for the command in the log.
func (*ClaimChat) CommandName() string { return "ClaimChat" }

func (x *ClaimChat) code(c *coder) {
	c.u64(&x.Chat)
	c.flag(&x.Force)
}

func (x *ClaimChat) apply(s *state) error {
	h, err := s.chat(x.Chat, ClaimWaiting)
	if err != nil {
		return err
	}
	me := s.env.Actor.ID
	switch h.State {
	case Claimed:
		if h.Owner == me {
			s.reply.Chat, s.reply.Staff = h.Number, me
			return nil
		}
		return &Error{Code: Conflict, Staff: h.Owner, At: h.ClaimedAt, Chat: h.Number}
	case Closed, Dismissed, Ticketed:
		return &Error{Code: Over, Staff: h.ClosedBy, At: h.ClosedAt, Chat: h.Number}
	}
	if by := h.Promise.By; h.State == Waiting && by != "" && by != me && !x.Force {
		return &Error{Code: Conflict, Field: "promise", Staff: by, At: h.Promise.Until, Chat: h.Number}
	}
	s.own(h, me, "")
	return nil
}

// own makes account the one owner of a chat.
func (s *state) own(h *Chat, account, value string) {
	before, promised := h.Owner, h.Promise.By
	if h.State == Waiting {
		s.countWait(h)
	}
	s.cancel(h.Number, DueRing, DueRingAck, DueTransfer, DueGrace, DueRering, DuePurge)
	s.keep(h)
	h.ToTag = false
	if h.Undo.What != undoRelease || h.Undo.By == account { // who released is told who has it now
		h.Undo = Undo{}
	}
	h.State, h.Owner, h.ClaimedAt, h.Offer, h.LostAt, h.Told = Claimed, account, s.now, Offer{}, 0, false
	h.Joined = without1(h.Joined, account)
	h.Watching = without1(h.Watching, account)
	put(s, h)
	e := Event{Kind: ChatClaimed, Staff: account, To: before, Value: value}
	e.Audience.Staff = s.outsiders(h)
	for _, a := range []string{before, promised} {
		if a != "" {
			e.Audience.Staff = append(e.Audience.Staff, a)
		}
	}
	s.tell(h, true, e)
	s.reply.Staff = account
	if before != "" && before != account {
		s.freed(before)
	}
}

func without1(words []string, w string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(x string) bool { return x == w })
}

// ReleaseChat puts a chat back into the queue.
type ReleaseChat struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*ReleaseChat) CommandName() string { return "ReleaseChat" }

func (x *ReleaseChat) code(c *coder) { c.u64(&x.Chat) }

func (x *ReleaseChat) apply(s *state) error {
	h, err := s.handled(x.Chat)
	if err != nil {
		return err
	}
	s.undoable(h, undoRelease, nil)
	return s.requeue(h, "released")
}

// handled loads a claimed chat that the actor owns.
func (s *state) handled(number uint64) (*Chat, error) {
	h := get[Chat](s, chatKey(number))
	if h == nil {
		return nil, refuseField(NotFound, "chat")
	}
	o := s.object(h)
	if s.may(ReadChat, o) != nil && s.may(ClaimWaiting, o) != nil {
		return nil, refuseField(NotFound, "chat")
	}
	switch h.State {
	case Closed, Dismissed, Ticketed:
		return nil, &Error{Code: Over, Staff: h.ClosedBy, At: h.ClosedAt, Chat: h.Number}
	case Waiting, Missed:
		return nil, &Error{Code: NotAllowed, Field: "claim", Chat: h.Number}
	}
	if s.may(HandleChat, o) != nil {
		return nil, &Error{Code: Conflict, Staff: h.Owner, At: h.ClaimedAt, Chat: h.Number}
	}
	return h, nil
}

// requeue takes a chat from its owner and lets it wait again, where it stood by its age.
func (s *state) requeue(h *Chat, why string) error {
	before := h.Owner
	s.cancel(h.Number, DueTransfer, DueGrace, DueRering)
	s.heard(h)
	s.keep(h)
	h.State, h.Owner, h.Offer, h.Queued, h.LostAt, h.Told, h.Since = Waiting, "", Offer{}, h.Opened, 0, false, s.now
	put(s, h)
	e := Event{Kind: ChatReleased, Staff: before, Value: why}
	e.Audience.Staff = []string{before}
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

// JoinChat lets a colleague write in somebody's chat, or only read it (Watch).
type JoinChat struct {
	Chat  uint64
	Watch bool
}

// CommandName is the word for the command in the log.
func (*JoinChat) CommandName() string { return "JoinChat" }

func (x *JoinChat) code(c *coder) {
	c.u64(&x.Chat)
	c.flag(&x.Watch)
}

func (x *JoinChat) apply(s *state) error {
	h, err := s.chat(x.Chat, AnnotateChat)
	if err != nil {
		return err
	}
	me := s.env.Actor.ID
	switch {
	case s.env.Actor.Kind != StaffKind:
		return refuse(NotAllowed)
	case h.State == Closed || h.State == Dismissed || h.State == Ticketed:
		return &Error{Code: Over, Staff: h.ClosedBy, At: h.ClosedAt, Chat: h.Number}
	case h.State != Claimed:
		return &Error{Code: NotAllowed, Field: "claim", Chat: h.Number}
	case h.Owner == me || slices.Contains(h.Joined, me) && !x.Watch:
		s.reply.Chat = h.Number
		return nil
	}
	h.Joined, h.Watching = without1(h.Joined, me), without1(h.Watching, me)
	if x.Watch {
		h.Watching = append(h.Watching, me)
	} else {
		h.Joined = append(h.Joined, me)
	}
	put(s, h)
	s.tell(h, true, Event{Kind: StaffJoined, Staff: me})
	return nil
}

// PartChat takes JoinChat back.
type PartChat struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*PartChat) CommandName() string { return "PartChat" }

func (x *PartChat) code(c *coder) { c.u64(&x.Chat) }

func (x *PartChat) apply(s *state) error {
	h, err := s.chat(x.Chat, AnnotateChat)
	if err != nil {
		return err
	}
	me := s.env.Actor.ID
	if !slices.Contains(h.Joined, me) && !slices.Contains(h.Watching, me) {
		return refuseField(NotFound, "joined")
	}
	h.Joined, h.Watching = without1(h.Joined, me), without1(h.Watching, me)
	put(s, h)
	e := Event{Kind: StaffLeft, Staff: me}
	e.Audience.Staff = []string{me}
	s.tell(h, true, e)
	return nil
}
