// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"time"
)

// DueKind says what a timer is for.
type DueKind string

// The kinds of timer.
const (
	DueRing     DueKind = "ring"     // repeat the ring
	DueGone     DueKind = "gone"     // the patron has been away too long
	DueTransfer DueKind = "transfer" // the offer lapses
	DueGrace    DueKind = "grace"    // tell the patron that the operator is lost
	DueRering   DueKind = "rering"   // give the chat to somebody else
)

// Due is a timer. The leader proposes Fire when it is due; a timer that is gone by then is a no-op.
type Due struct {
	Kind DueKind
	Chat uint64
	At   Time
}

const dueTable Table = "due"

func dueKey(kind DueKind, chat uint64) key { return key("").word(string(kind)).num(chat) }
func (d *Due) table() Table                { return dueTable }
func (d *Due) key() key                    { return dueKey(d.Kind, d.Chat) }
func (d *Due) entries() []Entry            { return []Entry{{byTime, string(key("").num(uint64(d.At)))}} }

func (d *Due) code(c *coder) {
	word(c, &d.Kind)
	c.u64(&d.Chat)
	c.time(&d.At)
}

// NextDue returns up to limit timers, the earliest first.
func NextDue(src Source, limit int) ([]Due, error) {
	found, err := scan[Due](src, Range{Index: byTime, Limit: limit})
	out := make([]Due, len(found))
	for i, d := range found {
		out[i] = *d
	}
	return out, err
}

// later sets a timer; a chat has one of each kind.
func (s *state) later(kind DueKind, chat uint64, after time.Duration) {
	put(s, &Due{Kind: kind, Chat: chat, At: s.now.Add(after)})
}

func (s *state) cancel(chat uint64, kinds ...DueKind) {
	for _, k := range kinds {
		remove(s, &Due{Kind: k, Chat: chat})
	}
}

// Fire does what a timer is for, if it still stands as named.
type Fire struct{ Due Due }

// CommandName is the word for the command in the log.
func (*Fire) CommandName() string { return "Fire" }

func (x *Fire) code(c *coder) { x.Due.code(c) }

func (x *Fire) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	d := get[Due](s, x.Due.key())
	if d == nil || d.At != x.Due.At || d.At > s.now {
		return nil
	}
	remove(s, d)
	h := get[Chat](s, chatKey(d.Chat))
	if h == nil {
		return nil
	}
	switch d.Kind {
	case DueRing:
		s.ringAgain(h)
	case DueGone:
		s.gone(h, "silent")
	case DueTransfer:
		s.endOffer(h, TransferLapsed)
	case DueGrace:
		s.operatorGrace(h)
	case DueRering:
		return s.operatorRering(h)
	}
	return nil
}

// ring shows a waiting chat to everyone who is available, at once, if its patron is there.
func (s *state) ring(h *Chat) {
	h.Rings = 0
	s.ringAgain(h)
}

func (s *state) ringAgain(h *Chat) {
	if h.State != Waiting || len(h.Attached) == 0 {
		return
	}
	d := get[Department](s, departmentKey(h.Department))
	if d == nil {
		return
	}
	h.Rings++
	put(s, h)
	s.tell(h, false, Event{Kind: ChatRang, N: h.Rings, Audience: Audience{Staff: s.crew(d).available}})
	if h.Rings < 2 {
		s.later(DueRing, h.Number, s.clock(ClockRingRepeat))
	}
}

// ringFor shows the waiting chats to somebody who has just become available.
func (s *state) ringFor(account string) {
	p := get[Staff](s, staffKey(account))
	if p == nil {
		return
	}
	for _, h := range find[Chat](s, Range{Index: byState, Prefix: string(key("").word(string(Waiting)))}) {
		d := get[Department](s, departmentKey(h.Department))
		if d == nil || len(h.Attached) == 0 || !slices.Contains(s.crew(d).available, account) {
			continue
		}
		e := Event{Kind: ChatRang, Chat: h.Number, Department: h.Department, N: h.Rings}
		e.Audience.Staff = []string{account}
		s.emit(e)
	}
}
