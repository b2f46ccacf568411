// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"fmt"

	"refdesk/cluster/desk"
)

// Ack is a line of a patron that the desk has acknowledged.
type Ack struct {
	Chat uint64
	ID   string // the sender's own id of the line
	Seq  uint64 // as the acknowledgement said
}

// Examine reads all of a desk's history from one node's records and returns every objection:
//
//   - an acknowledged id is there exactly once, with the seq of its acknowledgement;
//   - the seqs of the desk's events rise by one, those of a chat's lines rise;
//   - the lines of a chat are numbered 1 to n without gaps, and each has its event;
//   - a chat has at most one owner at any seq, and the record names the one that the events do.
//
// It expects the records of a desk that is younger than the events' lifetime.
func Examine(src desk.Source, acked []Ack) []string {
	x := &examiner{chats: map[uint64]*chatHistory{}}
	node := desk.NodeActor("examiner")
	r, err := desk.NewReader(src, node)
	if err != nil {
		return []string{err.Error()}
	}
	b, err := desk.EventsAfter(src, node, desk.TopicAll(), desk.Cursor{}, 0)
	if err != nil {
		return []string{fmt.Sprintf("the events can't be read: %v", err)}
	}
	last := uint64(0)
	for _, e := range b.Events {
		if e.Seq != last+1 {
			x.object("event %d follows event %d", e.Seq, last)
		}
		last = e.Seq
		x.event(e)
	}
	for number, h := range x.chats {
		x.chat(r, number, h)
	}
	for _, a := range acked {
		if h := x.chats[a.Chat]; h == nil {
			x.object("line %s of chat %d was acknowledged, and the chat is lost", a.ID, a.Chat)
		} else if seqs := h.ids[a.ID]; len(seqs) != 1 {
			x.object("line %s of chat %d was acknowledged with seq %d and is there %d times", a.ID, a.Chat, a.Seq, len(seqs))
		} else if seqs[0] != a.Seq {
			x.object("line %s of chat %d was acknowledged with seq %d and has %d", a.ID, a.Chat, a.Seq, seqs[0])
		}
	}
	return x.wrong
}

// examiner gathers what the events tell of each chat.
type examiner struct {
	chats map[uint64]*chatHistory
	wrong []string
}

// chatHistory is what the events tell of one chat.
type chatHistory struct {
	owner string
	lines map[uint64]uint64   // seq by number
	ids   map[string][]uint64 // seqs by the sender's id, from the records
}

func (x *examiner) object(format string, args ...any) {
	x.wrong = append(x.wrong, fmt.Sprintf(format, args...))
}

func (x *examiner) event(e desk.Event) {
	if e.Chat == 0 {
		return
	}
	h := x.chats[e.Chat]
	if h == nil {
		h = &chatHistory{lines: map[uint64]uint64{}, ids: map[string][]uint64{}}
		x.chats[e.Chat] = h
	}
	switch e.Kind {
	case desk.LinePosted:
		if had := h.lines[e.Line]; had != 0 {
			x.object("line %d of chat %d was posted at seq %d and at %d", e.Line, e.Chat, had, e.Seq)
		}
		h.lines[e.Line] = e.Seq
	case desk.ChatClaimed:
		if h.owner != "" && e.To != h.owner {
			x.object("chat %d belongs to %s at seq %d, where %s claims it", e.Chat, h.owner, e.Seq, e.Staff)
		}
		h.owner = e.Staff
	case desk.ChatReleased, desk.ChatTransferred, desk.ChatMissed, desk.ChatClosed:
		h.owner = ""
	case desk.ChatReopened:
		h.owner = e.Staff
	}
}

// chat compares what the events tell of a chat with its records.
func (x *examiner) chat(r desk.Reader, number uint64, h *chatHistory) {
	c, err := r.Chat(number)
	var refusal *desk.Error
	switch {
	case errors.As(err, &refusal):
		x.object("chat %d has events and no record", number)
		return
	case err != nil:
		x.object("chat %d: %v", number, err)
		return
	}
	if c.State == desk.Claimed && c.Owner != h.owner {
		x.object("chat %d belongs to %q by its record, to %q by its events", number, c.Owner, h.owner)
	}
	lines, err := r.Lines(number, 0, 0)
	if err != nil {
		x.object("lines of chat %d: %v", number, err)
		return
	}
	if uint64(len(lines)) != c.Lines || len(lines) != len(h.lines) {
		x.object("chat %d has %d lines, counts %d, and %d were told of", number, len(lines), c.Lines, len(h.lines))
	}
	var last uint64
	for i, l := range lines {
		if l.Line != uint64(i+1) {
			x.object("line %d of chat %d stands where %d should", l.Line, number, i+1)
		}
		if l.Seq <= last {
			x.object("line %d of chat %d has seq %d after %d", l.Line, number, l.Seq, last)
		}
		if h.lines[l.Line] != l.Seq {
			x.object("line %d of chat %d has seq %d, its event %d", l.Line, number, l.Seq, h.lines[l.Line])
		}
		last = l.Seq
		if l.From == desk.FromPatron {
			h.ids[l.ID] = append(h.ids[l.ID], l.Seq)
		}
	}
	for id, seqs := range h.ids {
		if len(seqs) > 1 {
			x.object("line %s of chat %d is there %d times", id, number, len(seqs))
		}
	}
}
