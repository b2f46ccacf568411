// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"time"
)

// MissedChat is one row of the list of missed chats.
type MissedChat struct {
	Number     uint64
	Department string
	At         Time          // when it was missed
	Waited     time.Duration // until then
	Name       string        // as the patron gave it, unverified
	Contact    bool          // there is an address
	First      string        // the question's first line, shortened
}

// firstLineRunes is how much of the question a list shows.
const firstLineRunes = 120

// miss puts a waiting chat on the list of missed ones, and counts how long it waited.
func (s *state) miss(h *Chat) {
	s.countWait(h)
	outsiders := s.outsiders(h)
	s.end(h, Missed, "")
	e := Event{Kind: ChatMissed}
	e.Audience.Staff = outsiders
	s.tell(h, true, e)
}

// missUnanswered puts a claimed chat there that ended without a line of staff.
func (s *state) missUnanswered(h *Chat, by string) {
	owner := h.Owner
	h.Owner = ""
	s.end(h, Missed, by)
	e := Event{Kind: ChatMissed, Staff: by}
	if by == "" {
		e.Audience.Staff = []string{owner}
	}
	s.tell(h, true, e)
	s.freed(owner)
}

// missedOf lists the missed chats that a member of staff would follow up, the oldest first.
func missedOf(src Source, departments []string) ([]*Chat, error) {
	all, err := scan[Department](src, Range{})
	var out []*Chat
	for _, d := range all {
		if !slices.ContainsFunc(d.Crew(), func(id string) bool { return slices.Contains(departments, id) }) {
			continue
		}
		found, err := scan[Chat](src, Range{Index: byState, Prefix: string(key("").word(string(Missed)).word(d.ID))})
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortStableFunc(out, func(a, b *Chat) int { return int(a.MissedAt - b.MissedAt) })
	return out, err
}

// tellMissedList tells somebody who has come on how many missed chats wait for them, and again hourly while there are any
// and they are there.
func (s *state) tellMissedList(p *Staff) {
	if p.Role < RoleOperator {
		return
	}
	put(s, &Due{Kind: DueMissedList, Name: p.Account, At: s.now.Add(s.clock(ClockMissedAgain))})
	missed, err := missedOf(s.tx, p.Departments)
	if s.fail(err) || len(missed) == 0 {
		return
	}
	e := Event{Kind: MissedListTold, Staff: p.Account, N: uint64(len(missed))}
	e.Audience.Staff = []string{p.Account}
	s.emit(e)
}

// missedListDue tells it again to whoever is still there. Who is off or away is told when they come on.
func (s *state) missedListDue(account string) {
	p := get[Staff](s, staffKey(account))
	y, err := loadDuty(s.tx, account)
	if p == nil || p.Disabled || s.fail(err) || y.State != DutyOn && y.State != DutyAway {
		return
	}
	s.tellMissedList(p)
}

func (r *reader) MissedChats(department string) ([]MissedChat, error) {
	if err := r.can(ReadMissed, Object{}); err != nil {
		return nil, err
	}
	found, err := r.queue(Missed, department)
	if err != nil {
		return nil, err
	}
	var out []MissedChat
	for _, h := range found {
		ok, err := r.readable(h)
		if err != nil {
			return nil, err
		}
		if !ok || department != "" && h.Department != department {
			continue
		}
		m := MissedChat{
			Number: h.Number, Department: h.Department, At: h.MissedAt, Waited: h.MissedAt.Sub(h.Since), Name: h.Name, Contact: h.Email != "",
		}
		l, err := load[Line](r.src, lineKey(h.Number, 1))
		if err != nil {
			return nil, err
		}
		if l != nil {
			m.First = shorten(l.Text)
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b MissedChat) int { return int(a.At - b.At) })
	return out, nil
}

// shorten is the first line of a text, cut where it is long.
func shorten(text string) string {
	n := 0
	for i, r := range text {
		if r == '\n' {
			return text[:i]
		}
		if n++; n > firstLineRunes {
			return text[:i] + "…"
		}
	}
	return text
}
