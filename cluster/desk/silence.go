// SPDX-License-Identifier: Apache-2.0

package desk

import "time"

// The stages of a patron's silence in a claimed chat.
const (
	notSilent    uint64 = iota
	silentTold          // the owner knows; the chat doesn't count against the limit
	silentWarned        // the page asks whether they are still there
)

// listen starts the clock of the patron's silence: they have been answered, and it is their turn.
func (s *state) listen(h *Chat) {
	h.Silent = notSilent
	s.later(DueSilent, h.Number, s.clock(ClockSilentTold))
}

// heard stops it: the patron did something, or the chat is somebody else's turn.
func (s *state) heard(h *Chat) {
	h.Silent = notSilent
	s.cancel(h.Number, DueSilent)
}

// silent does the next stage of a patron's silence.
func (s *state) silent(h *Chat) {
	if h.State != Claimed {
		return
	}
	switch h.Silent {
	case notSilent:
		h.Silent = silentTold
		put(s, h)
		s.tell(h, false, Event{Kind: PatronSilent, Staff: h.Owner, N: uint64(s.clock(ClockSilentTold) / time.Second)})
		s.later(DueSilent, h.Number, max(0, s.clock(ClockSilentWarned)-s.clock(ClockSilentTold)))
		s.freed(h.Owner)
	case silentTold:
		s.ask(h)
	default:
		s.endSilent(h)
	}
}

// ask has the patron's page ask whether they are still there.
func (s *state) ask(h *Chat) {
	h.Silent = silentWarned
	put(s, h)
	left := max(0, s.clock(ClockSilentEnded)-s.clock(ClockSilentWarned))
	s.later(DueSilent, h.Number, left)
	s.tell(h, true, Event{Kind: StillThere, Staff: h.Owner, Ref: uint64(s.now.Add(left))})
}

// endSilent ends a chat whose patron said nothing more. Its patron may go on with it for as long as any ended chat.
func (s *state) endSilent(h *Chat) {
	owner := h.Owner
	if !h.Answered && h.MissedAt == 0 {
		s.missUnanswered(h, "")
		return
	}
	h.Ending = EndedSilent
	s.end(h, Closed, "")
	s.tell(h, true, Event{Kind: ChatClosed, Value: string(EndedSilent)})
	s.freed(owner)
}

// PatronIsHere is the patron's answer to the page's question.
type PatronIsHere struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*PatronIsHere) CommandName() string { return "PatronIsHere" }

func (x *PatronIsHere) code(c *coder) { c.u64(&x.Chat) }

func (x *PatronIsHere) apply(s *state) error {
	h, err := s.chat(x.Chat, WriteOwnChat)
	if err != nil {
		return err
	}
	if at, over := h.ended(); over {
		return &Error{Code: Over, Staff: h.ClosedBy, At: at, Chat: h.Number}
	}
	s.reply.Chat = h.Number
	if h.State != Claimed || h.Silent == notSilent {
		return nil
	}
	s.listen(h)
	put(s, h)
	s.tell(h, true, Event{Kind: PatronHere})
	return nil
}

// AskStill is !still: the page asks the patron now. Without an answer the chat ends as a silent one does.
type AskStill struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*AskStill) CommandName() string { return "AskStill" }

func (x *AskStill) code(c *coder) { c.u64(&x.Chat) }

func (x *AskStill) apply(s *state) error {
	h, err := s.handled(x.Chat)
	if err != nil {
		return err
	}
	s.ask(h)
	s.freed(h.Owner)
	return nil
}
