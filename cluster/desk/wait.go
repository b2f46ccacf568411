// SPDX-License-Identifier: Apache-2.0

package desk

import "time"

// waitSteps are the minutes that a wait is rounded up to. A longer one is not promised.
var waitSteps = [...]time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 5 * time.Minute, 10 * time.Minute}

// waitDays is how many open days are looked back over, and fewWaits how many waits are too few to say anything.
const (
	waitDays = 28
	fewWaits = 10
)

// waitCounts counts waits by the step that they stay within; the last counts those beyond.
type waitCounts [len(waitSteps) + 1]uint64

// waitHour is the waits of a department in one hour of one day. Only hours that had any have one, so the newest 28 days of
// a department are its last open days.
type waitHour struct {
	Department string
	Hour       uint64 // since the epoch
	Counts     waitCounts
}

const waitTable Table = "wait"

func (w *waitHour) table() Table     { return waitTable }
func (w *waitHour) key() key         { return departmentKey(w.Department).num(w.Hour) }
func (w *waitHour) entries() []Entry { return nil }

func (w *waitHour) code(c *coder) {
	c.str(&w.Department)
	c.u64(&w.Hour)
	for i := range w.Counts {
		c.u64(&w.Counts[i])
	}
}

func hourOf(t Time) uint64 { return uint64(max(t, 0)) / uint64(time.Hour/time.Millisecond) }

// countWait counts how long a chat waited that is claimed for the first time or missed. What was released and waits again
// has been counted.
func (s *state) countWait(h *Chat) {
	if h.ClaimedAt != 0 {
		return
	}
	k := departmentKey(h.Department).num(hourOf(s.now))
	w := get[waitHour](s, k)
	if w == nil {
		w = &waitHour{Department: h.Department, Hour: hourOf(s.now)}
		s.forgetWaits(h.Department)
	}
	w.Counts.add(s.now.Sub(h.Since))
	put(s, w)
}

func (w *waitCounts) add(d time.Duration) {
	for i, most := range waitSteps {
		if d <= most {
			w[i]++
			return
		}
	}
	w[len(waitSteps)]++
}

// forgetWaits removes the hours of days beyond the last open ones.
func (s *state) forgetWaits(department string) {
	days, last := 0, uint64(0)
	for _, w := range find[waitHour](s, Range{Prefix: string(departmentKey(department)), Desc: true}) {
		if day := w.Hour / 24; days == 0 || day != last {
			days, last = days+1, day
		}
		if days > waitDays {
			remove(s, w)
		}
	}
}

// percentile80 is the step that four of five waits stay within, 0 if it is beyond the last or there are too few.
func (w *waitCounts) percentile80() time.Duration {
	var all, sum uint64
	for _, n := range w {
		all += n
	}
	if all < fewWaits {
		return 0
	}
	for i, most := range waitSteps {
		if sum += w[i]; sum*5 >= all*4 {
			return most
		}
	}
	return 0
}

func (w *waitCounts) plus(o *waitCounts) {
	for i, n := range o {
		w[i] += n
	}
}

// WaitMinutes looks at the same hour of the week first, and at all hours where there was little in that one.
func (r *reader) WaitMinutes(department string, now Time) (int, error) {
	found, err := scan[waitHour](r.src, Range{Prefix: string(departmentKey(department)), Desc: true})
	if err != nil {
		return 0, err
	}
	const week = 7 * 24
	var same, all waitCounts
	days, last := 0, uint64(0)
	for _, w := range found {
		if day := w.Hour / 24; days == 0 || day != last {
			days, last = days+1, day
		}
		if days > waitDays {
			break
		}
		all.plus(&w.Counts)
		if w.Hour%week == hourOf(now)%week {
			same.plus(&w.Counts)
		}
	}
	var n uint64
	for _, c := range same {
		n += c
	}
	if n >= fewWaits {
		return int(same.percentile80() / time.Minute), nil
	}
	return int(all.percentile80() / time.Minute), nil
}
