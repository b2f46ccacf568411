// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"strconv"
)

// EventsAfter reads the events of a topic beyond a cursor, at most limit of them, with the cursor behind the last one
// (behind everything there is, if fewer came). A cursor of another epoch, or from before the events kept, is TooOld;
// a topic that the actor may not follow is NotFound.
func EventsAfter(src Source, actor Actor, topic Topic, after Cursor, limit int) (Batch, error) {
	m, err := loadMeta(src)
	if err != nil {
		return Batch{}, err
	}
	if after.Epoch != 0 && after.Epoch != m.Epoch {
		return Batch{}, refuse(TooOld)
	}
	if err := checkKept(src, m, after.Seq); err != nil {
		return Batch{}, err
	}
	who, err := whoIs(src, actor)
	if err != nil {
		return Batch{}, err
	}
	index, prefix, err := topicIndex(src, who, topic)
	if err != nil {
		return Batch{}, err
	}
	r := Range{Index: index, Prefix: string(prefix), After: string(prefix.num(after.Seq)), Limit: limit}
	found, err := scan[Event](src, r)
	if err != nil {
		return Batch{}, err
	}
	b := Batch{Cursor: Cursor{Epoch: m.Epoch, Seq: max(m.Seq, after.Seq)}}
	for _, e := range found {
		b.Cursor.Seq = e.Seq
		if who.Kind != PatronKind || e.Audience.Patron {
			b.Events = append(b.Events, *e)
		}
	}
	if limit == 0 || len(found) < limit {
		b.Cursor.Seq = max(m.Seq, after.Seq)
	}
	return b, nil
}

// checkKept refuses a cursor from before the oldest event kept.
func checkKept(src Source, m *meta, seq uint64) error {
	if seq == m.Seq {
		return nil
	}
	// Whoever follows closely is answered by the next event alone.
	if next, err := load[Event](src, (&Event{Seq: seq + 1}).key()); next != nil || err != nil {
		return err
	}
	oldest, err := scan[Event](src, Range{Limit: 1})
	if err != nil {
		return err
	}
	if len(oldest) == 1 && oldest[0].Seq > seq+1 && seq != 0 || len(oldest) == 0 && seq < m.Seq {
		return refuse(TooOld)
	}
	return nil
}

// topicIndex says where a topic's events stand, if the actor may follow it.
func topicIndex(src Source, who Who, topic Topic) (Index, key, error) {
	switch topic.Kind {
	case ChatTopic:
		n, err := strconv.ParseUint(topic.ID, 10, 64)
		if err != nil {
			return "", "", refuseField(NotFound, "chat")
		}
		r := &reader{src: src, who: who}
		if _, err := r.Chat(n); err != nil {
			return "", "", err
		}
		return byChat, key("").num(n), nil
	case TicketTopic:
		n, err := strconv.ParseUint(topic.ID, 10, 64)
		if err != nil {
			return "", "", refuseField(NotFound, "ticket")
		}
		r := &reader{src: src, who: who}
		if _, err := r.ownTicket(n); err != nil {
			return "", "", err
		}
		return byChat, key("").num(n), nil
	case AccountTopic:
		if !Can(who, OwnAccount, Object{Owner: topic.ID}) {
			return "", "", refuseField(NotFound, "account")
		}
		return byAccount, key("").word(topic.ID), nil
	case DepartmentTopic:
		if !Can(who, ReadChat, Object{Crew: []string{topic.ID}}) {
			return "", "", refuseField(NotFound, "department")
		}
		return byDepartment, key("").word(topic.ID), nil
	}
	if !Can(who, ReadAll, Object{}) {
		return "", "", refuse(NotAllowed)
	}
	return ByKey, "", nil
}
