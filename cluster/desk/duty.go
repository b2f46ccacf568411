// SPDX-License-Identifier: Apache-2.0

package desk

import "time"

// DutyState is how a member of staff stands: presence × calendar × what they said with !on and !off.
type DutyState string

// The states of duty. Only who is on is rung at once.
const (
	DutyOn       DutyState = "on"
	DutyAway     DutyState = "away"      // on shift, but the client says away or busy: rung at the deadline only
	DutyOff      DutyState = "off"       // they said !off
	DutyOffShift DutyState = "off-shift" // connected, but not on the calendar
	DutyGone     DutyState = "gone"      // no live session has sent presence
)

// Duty is what a member of staff said of their own duty, and how they stood when they were told last.
type Duty struct {
	Account string
	Word    DutyState // DutyOn, DutyOff, or "": the calendar says
	Until   Time      // when Word ends; 0 = when it is taken back
	State   DutyState // "" = never connected
	Since   Time      // of State
	Told    DutyState // what they were told last
}

const dutyTable Table = "duty"

func (y *Duty) table() Table     { return dutyTable }
func (y *Duty) key() key         { return staffKey(y.Account) }
func (y *Duty) entries() []Entry { return nil }

func (y *Duty) code(c *coder) {
	c.str(&y.Account)
	word(c, &y.Word)
	c.time(&y.Until)
	word(c, &y.State)
	c.time(&y.Since)
	word(c, &y.Told)
}

// said is the word that holds at now.
func (y *Duty) said(now Time) DutyState {
	if y.Until != 0 && y.Until <= now {
		return ""
	}
	return y.Word
}

// on reports whether the person works for a department with this calendar at now.
func (y *Duty) on(k *Calendar, now Time) bool {
	switch y.said(now) {
	case DutyOn:
		return true
	case DutyOff:
		return false
	}
	return k == nil || k.On(y.Account, now)
}

// loadDuty reads what somebody said; who never said anything follows the calendar.
func loadDuty(src Source, account string) (*Duty, error) {
	y, err := load[Duty](src, staffKey(account))
	if y == nil && err == nil {
		y = &Duty{Account: account}
	}
	return y, err
}

// maxDuty is how long !on and !off last at most, and openDuty how long !on without a time does outside the calendar.
const (
	maxDuty  = 24 * time.Hour
	openDuty = 12 * time.Hour
)

// SetDuty is !on and !off of the actor. The calendar says again after For. Without a time !off holds until !on; !on goes
// back to the calendar, or holds for twelve hours where the calendar doesn't have the actor on. The reply's Value is the
// DutyState.
type SetDuty struct {
	On  bool
	For time.Duration
}

// CommandName is the word for the command in the log.
func (*SetDuty) CommandName() string { return "SetDuty" }

func (x *SetDuty) code(c *coder) {
	c.flag(&x.On)
	c.i64((*int64)(&x.For))
}

func (x *SetDuty) apply(s *state) error {
	me := s.env.Actor.ID
	p := get[Staff](s, staffKey(me))
	switch {
	case s.env.Actor.Kind != StaffKind || p == nil || p.Disabled || p.Role < RoleTrainee:
		return refuse(NotAllowed)
	case x.For < 0 || x.For > maxDuty || x.For > 0 && x.For < time.Millisecond:
		return refuseField(Invalid, "for")
	}
	y, err := loadDuty(s.tx, me)
	if s.fail(err) {
		return nil
	}
	y.Word, y.Until = DutyOff, 0
	if x.On {
		y.Word = ""
		on, _, err := onShift(s.tx, p, y, s.now)
		if s.fail(err) {
			return nil
		}
		if x.For > 0 || !on {
			y.Word = DutyOn
		}
		if x.For == 0 && !on {
			y.Until = s.now.Add(openDuty)
		}
	}
	if x.For > 0 {
		y.Until = s.now.Add(x.For)
	}
	put(s, y)
	s.reply.Staff = me
	s.reply.Value = string(s.duty(me))
	return nil
}

// onShift reports whether somebody works for one of their departments at now, and when the calendars change that next.
func onShift(src Source, p *Staff, y *Duty, now Time) (on bool, next Time, err error) {
	for _, id := range p.Departments {
		k, err := load[Calendar](src, departmentKey(id))
		if err != nil {
			return false, 0, err
		}
		on = on || y.on(k, now)
		if k != nil {
			next = sooner(next, k.nextChange(p.Account, now), now)
		}
	}
	return on, next, nil
}

// nextChange is when the calendar changes next for an account, 0 if it doesn't.
func (k *Calendar) nextChange(account string, now Time) Time {
	var next Time
	edges := func(i Interval) { next = sooner(sooner(next, i.From, now), i.To, now) }
	if len(k.Shifts) == 0 {
		for _, i := range k.Open {
			edges(i)
		}
		return next
	}
	for _, h := range k.Shifts {
		if h.Staff == account {
			edges(h.Interval)
		}
	}
	return next
}

// sooner is the earlier of two moments after now; 0 is none.
func sooner(a, b, now Time) Time {
	if b > now && (a <= now || b < a) {
		return b
	}
	return a
}

// standing is the effective state of a member of staff at now, and when time alone may change it.
func standing(src Source, p *Staff, y *Duty, clocks *clockTable, now Time) (DutyState, Time, error) {
	sessions, err := sessionsOf(src, p.Account)
	if err != nil {
		return DutyGone, 0, err
	}
	best, next := Gone, sooner(0, y.Until, now)
	for _, o := range sessions {
		reach := o.reach(clocks[ClockAutoAway], now)
		best = max(best, reach)
		if reach == Available && o.Show == ShowAway {
			next = sooner(next, o.Changed.Add(clocks[ClockAutoAway]), now)
		}
	}
	on, change, err := onShift(src, p, y, now)
	return dutyOf(best, y.said(now), on), sooner(next, change, now), err
}

func dutyOf(reach Reach, said DutyState, on bool) DutyState {
	switch {
	case reach == Gone:
		return DutyGone
	case said == DutyOff:
		return DutyOff
	case !on:
		return DutyOffShift
	case reach == Away:
		return DutyAway
	}
	return DutyOn
}

// duty finds out how somebody stands now, tells them if that is new, and sets the timer for the next change that time
// brings. Who has just come on is shown what waits and told of the missed chats; who was cut off for a moment is told
// nothing again.
func (s *state) duty(account string) DutyState {
	p := get[Staff](s, staffKey(account))
	y, err := loadDuty(s.tx, account)
	if p == nil || p.Role < RoleTrainee || s.fail(err) {
		return DutyGone
	}
	if y.Word != y.said(s.now) {
		y.Word, y.Until = "", 0
	}
	now, next, err := standing(s.tx, p, y, s.clockTable(), s.now)
	if s.fail(err) {
		return DutyGone
	}
	if now == DutyGone || next == 0 {
		remove(s, &Due{Kind: DueDuty, Name: account})
	} else {
		put(s, &Due{Kind: DueDuty, Name: account, At: next})
	}
	was := y.State
	if was == now || was == "" && now == DutyGone {
		if was != "" {
			put(s, y)
		}
		return now
	}
	back := was == DutyGone && s.now.Sub(y.Since) < s.clock(ClockOperatorGrace) // a broken connection is no absence
	told := y.Told
	y.State, y.Since = now, s.now
	if now == DutyGone {
		put(s, y)
		return now
	}
	y.Told = now
	put(s, y)
	answer := s.reply
	if now != told || !back {
		e := Event{Kind: DutyChanged, Staff: account, Value: string(now), Ref: uint64(y.Until)}
		e.Audience.Staff = []string{account}
		s.emit(e)
	}
	if now == DutyOn {
		again := get[Due](s, (&Due{Kind: DueMissedList, Name: account}).key())
		if was != DutyAway && !(back && told == DutyOn && again != nil) {
			s.tellMissedList(p)
		}
		s.ringFor(account, false)
	}
	s.reply = answer
	return now
}

// dutyOfAll does duty for everyone of some departments who is connected.
func (s *state) dutyOfAll(departments []string) {
	var accounts []string
	for _, d := range departments {
		for _, p := range find[Staff](s, Range{Index: byDepartment, Prefix: string(key("").word(d))}) {
			accounts = append(accounts, p.Account)
		}
	}
	for _, a := range unique(accounts) {
		if y := get[Duty](s, staffKey(a)); y != nil && y.State != DutyGone {
			s.duty(a)
		}
	}
}

// dutyDue is the moment at which time changed somebody's duty. A further shift may have begun, so what waits rings again
// for whom it has not rung yet.
func (s *state) dutyDue(account string) {
	if s.duty(account) == DutyOn {
		s.ringFor(account, true)
	}
}

// freed shows what waits to somebody with a limit who has one chat less.
func (s *state) freed(account string) {
	if p := get[Staff](s, staffKey(account)); p == nil || p.Limit == 0 {
		return
	}
	answer := s.reply
	s.ringFor(account, true)
	s.reply = answer
}

func (r *reader) Duty(account string, now Time) (DutyState, Time, error) {
	if err := r.can(ReadDirectory, Object{}); err != nil {
		return DutyGone, 0, err
	}
	p, err := one[Staff](r, staffKey(account), "account")
	if err != nil {
		return DutyGone, 0, err
	}
	y, err := loadDuty(r.src, account)
	if err != nil {
		return DutyGone, 0, err
	}
	clocks, err := loadClocks(r.src)
	if err != nil {
		return DutyGone, 0, err
	}
	var until Time
	if y.said(now) != "" {
		until = y.Until
	}
	state, _, err := standing(r.src, p, y, clocks, now)
	return state, until, err
}
