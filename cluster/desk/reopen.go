// SPDX-License-Identifier: Apache-2.0

package desk

// ReopenChat is !reopen: a chat that ended lately goes on, the actor's from now.
type ReopenChat struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*ReopenChat) CommandName() string { return "ReopenChat" }

func (x *ReopenChat) code(c *coder) { c.u64(&x.Chat) }

func (x *ReopenChat) apply(s *state) error {
	h, err := s.chat(x.Chat, AnnotateChat)
	if err != nil {
		return err
	}
	who, err := whoIs(s.tx, s.env.Actor)
	if s.fail(err) {
		return nil
	}
	switch {
	case s.env.Actor.Kind != StaffKind || who.Role < RoleTrainee:
		return refuse(NotAllowed)
	case h.State == Claimed:
		return &Error{Code: Conflict, Staff: h.Owner, At: h.ClaimedAt, Chat: h.Number}
	case h.State != Closed:
		return &Error{Code: NotAllowed, Field: "closed", Chat: h.Number}
	case h.Masked || s.now.Sub(h.ClosedAt) >= s.clock(ClockResumable):
		return &Error{Code: Over, Staff: h.ClosedBy, At: h.ClosedAt, Chat: h.Number}
	}
	h.Owner = s.env.Actor.ID
	s.reopen(h)
	return nil
}

// writableUntil is when a patron's line reopens an ended chat no more: sooner where staff closed it than where it ended by
// silence or was missed. 0 while it isn't over, or for good.
func (h *Chat) writableUntil(clocks *clockTable) Time {
	switch {
	case h.Masked:
		return 0
	case h.State == Missed:
		return h.MissedAt.Add(clocks[ClockResumable])
	case h.State == Closed && h.Ending == EndedSilent:
		return h.ClosedAt.Add(clocks[ClockResumable])
	case h.State == Closed:
		return h.ClosedAt.Add(clocks[ClockReopen])
	}
	return 0
}

func (r *reader) WritableUntil(number uint64) (Time, error) {
	h, err := r.Chat(number)
	if err != nil {
		return 0, err
	}
	clocks, err := loadClocks(r.src)
	if err != nil {
		return 0, err
	}
	return h.writableUntil(clocks), nil
}
