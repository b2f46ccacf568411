// SPDX-License-Identifier: Apache-2.0

package desk

import "time"

// DueKind says what a timer is for.
type DueKind string

// The kinds of timer.
const (
	DueRing     DueKind = "ring"     // next step of the ladder
	DueGone     DueKind = "gone"     // the patron has been away too long
	DueTransfer DueKind = "transfer" // the offer lapses
	DueGrace    DueKind = "grace"    // tell the patron that the operator is lost
	DueRering   DueKind = "rering"   // give the chat to somebody else
	DueAddress  DueKind = "address"  // no address came for the chat's ticket

	DueRingAck    DueKind = "ring-ack"    // a ring must have been received
	DueSilent     DueKind = "silent"      // next stage of the patron's silence
	DuePromise    DueKind = "promise"     // a promised wait is over
	DuePurge      DueKind = "purge"       // forget the lines of a chat that isn't kept
	DueDuty       DueKind = "duty"        // time changes somebody's duty; Name = account
	DueMissedList DueKind = "missed-list" // tell somebody of the missed chats again; Name = account
)

// Due is a timer. The leader proposes Fire when it is due; a timer that is gone by then is a no-op.
type Due struct {
	Kind DueKind
	Chat uint64
	At   Time
	Name string // what it is about, where that isn't a chat
}

const dueTable Table = "due"

func dueKey(kind DueKind, chat uint64) key { return key("").word(string(kind)).num(chat) }
func (d *Due) table() Table                { return dueTable }
func (d *Due) key() key                    { return dueKey(d.Kind, d.Chat) + key(d.Name) }
func (d *Due) entries() []Entry            { return []Entry{{byTime, string(key("").num(uint64(d.At)))}} }

func (d *Due) code(c *coder) {
	word(c, &d.Kind)
	c.u64(&d.Chat)
	c.time(&d.At)
	c.str(&d.Name)
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
	switch d.Kind {
	case DueDuty:
		s.dutyDue(d.Name)
		return nil
	case DueMissedList:
		s.missedListDue(d.Name)
		return nil
	}
	h := get[Chat](s, chatKey(d.Chat))
	if h == nil {
		return nil
	}
	switch d.Kind {
	case DueRing:
		s.climb(h)
	case DueRingAck:
		s.ringUnheard(h)
	case DueSilent:
		s.silent(h)
	case DuePromise:
		s.promiseDue(h)
	case DuePurge:
		s.purge(h)
	case DueGone:
		s.gone(h, "silent")
	case DueTransfer:
		s.endOffer(h, TransferLapsed)
	case DueGrace:
		s.operatorGrace(h)
	case DueAddress:
		s.addressLapsed(h)
	case DueRering:
		return s.operatorRering(h)
	}
	return nil
}
