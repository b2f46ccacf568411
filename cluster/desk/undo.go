// SPDX-License-Identifier: Apache-2.0

package desk

import "slices"

// undo names what UndoChat can take back.
const (
	undoTag     = "tag"
	undoRelease = "release"
	undoClose   = "close"
)

// Undo is the last doing at a chat that can be taken back.
type Undo struct {
	By   string
	What string
	At   Time
	Tags []string // what it added
}

func (u *Undo) code(c *coder) {
	c.str(&u.By)
	c.str(&u.What)
	c.time(&u.At)
	c.strs(&u.Tags)
}

// undoable notes a doing of the actor. The caller puts the chat.
func (s *state) undoable(h *Chat, what string, tags []string) {
	if s.env.Actor.Kind == StaffKind {
		h.Undo = Undo{By: s.env.Actor.ID, What: what, At: s.now, Tags: tags}
	}
}

// UndoChat takes back the actor's last tag, release or close at a chat. The reply's Value says which: "tag", "release" or
// "close". A release that a colleague has answered by a claim stays.
type UndoChat struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*UndoChat) CommandName() string { return "UndoChat" }

func (x *UndoChat) code(c *coder) { c.u64(&x.Chat) }

func (x *UndoChat) apply(s *state) error {
	if err := s.may(MessageStaff, Object{}); err != nil {
		return err
	}
	h := get[Chat](s, chatKey(x.Chat))
	if h == nil || h.Undo.By != s.env.Actor.ID || s.env.Actor.Kind != StaffKind || s.now.Sub(h.Undo.At) > s.clock(ClockUndo) {
		return refuseField(NotFound, "undo")
	}
	u := h.Undo
	h.Undo = Undo{}
	switch u.What {
	case undoRelease:
		if h.State != Waiting {
			return &Error{Code: Conflict, Staff: h.Owner, At: h.ClaimedAt, Chat: h.Number}
		}
		s.own(h, u.By, "undo")
	case undoClose:
		switch h.State {
		case Missed:
			h.MissedAt = 0
		case Closed:
		case Waiting, Claimed:
			return &Error{Code: Conflict, Staff: h.Owner, At: h.ClaimedAt, Chat: h.Number}
		default:
			return &Error{Code: Over, Staff: h.ClosedBy, At: h.ClosedAt, Chat: h.Number}
		}
		h.Owner = u.By
		s.reopen(h)
		s.untag(h, u.Tags)
	default:
		s.untag(h, u.Tags)
		s.wantTag(h)
	}
	put(s, h)
	s.reply.Chat, s.reply.Value = h.Number, u.What
	return nil
}

// untag takes tags off. The caller puts the chat.
func (s *state) untag(h *Chat, tags []string) {
	for _, t := range tags {
		if slices.Contains(h.Tags, t) {
			h.Tags = without1(h.Tags, t)
			s.tell(h, false, Event{Kind: ChatUntagged, Staff: s.env.Actor.ID, Value: t})
		}
	}
}

// wantTag puts a closed chat without a tag on its owner's list of those to tag. The caller puts the chat.
func (s *state) wantTag(h *Chat) {
	d := get[Department](s, departmentKey(h.Department))
	h.ToTag = h.State == Closed && len(h.Tags) == 0 && d != nil && !d.Untagged
}

func (r *reader) ToTag(account string) ([]*Chat, error) {
	found, err := scan[Chat](r.src, Range{Index: byToTag, Prefix: string(key("").word(account))})
	var out []*Chat
	for _, h := range found {
		ok, err := r.readable(h)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, h)
		}
	}
	return out, err
}
