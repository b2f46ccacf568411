// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"strings"
)

// Department is where chats and tickets arrive.
type Department struct {
	ID         string   // slug
	Name       string   // as patrons read it
	AnsweredBy []string // departments whose staff answer here too
	Tags       []string // the tags that may be used; none = any
	Untagged   bool     // chats may be closed without a tag
	TimeZone   string   // IANA name; rota uses it
	Hours      []Opening
	Default    bool
	Backups    []string       // who rings when its own don't claim: accounts, and departments as "#id"
	Fields     []ClosingField // what closing asks for
	Retention  uint64         // days after a chat's end until names and addresses are masked; 0 = 90
	NoStore    bool           // lines live until 30 minutes after the chat's end, and are never indexed
	Deadline   uint64         // seconds after which an unclaimed chat rings everywhere and raises the alarm; 0 = the desk's clock
}

// The bounds of a department's deadline, in seconds.
const (
	minDeadline = 10
	maxDeadline = 3600
)

// Opening is a weekly span of opening hours in the department's time zone.
type Opening struct {
	Weekday uint8  // 0 = Sunday
	From    uint16 // minutes after midnight
	To      uint16 // minutes after midnight, up to 1,440
}

// Interval is a span of time, the end excluded.
type Interval struct{ From, To Time }

// Contains reports whether t lies in the interval.
func (i Interval) Contains(t Time) bool { return i.From <= t && t < i.To }

func (i *Interval) code(c *coder) {
	c.time(&i.From)
	c.time(&i.To)
}

const departmentTable Table = "department"

func (d *Department) table() Table     { return departmentTable }
func (d *Department) key() key         { return departmentKey(d.ID) }
func (d *Department) entries() []Entry { return nil }
func departmentKey(id string) key      { return key("").word(id) }

func (d *Department) code(c *coder) {
	c.str(&d.ID)
	c.str(&d.Name)
	c.strs(&d.AnsweredBy)
	c.strs(&d.Tags)
	c.flag(&d.Untagged)
	c.str(&d.TimeZone)
	list(c, &d.Hours, func(c *coder, o *Opening) {
		num(c, &o.Weekday)
		num(c, &o.From)
		num(c, &o.To)
	})
	c.flag(&d.Default)
	c.strs(&d.Backups)
	list(c, &d.Fields, func(c *coder, f *ClosingField) { f.code(c) })
	c.u64(&d.Retention)
	c.flag(&d.NoStore)
	c.u64(&d.Deadline)
}

// Crew names the departments whose staff answer this one's chats: itself first.
func (d *Department) Crew() []string {
	return append([]string{d.ID}, d.AnsweredBy...)
}

// SetDepartment makes or changes a department.
type SetDepartment struct{ Department Department }

// CommandName is the word for the command in the log.
func (*SetDepartment) CommandName() string { return "SetDepartment" }

func (x *SetDepartment) code(c *coder) { x.Department.code(c) }

func (x *SetDepartment) apply(s *state) error {
	d := x.Department
	if err := s.may(ManageDesk, Object{}); err != nil {
		return err
	}
	switch {
	case !name(d.ID):
		return refuseField(Invalid, "id")
	case !plain(d.Name, 200):
		return refuseField(Invalid, "name")
	case slices.ContainsFunc(d.Tags, func(t string) bool { return !plain(t, 64) }):
		return refuseField(Invalid, "tags")
	case !slices.IsSortedFunc(d.Hours, func(a, b Opening) int { return int(a.Weekday) - int(b.Weekday) }):
		return refuseField(Invalid, "hours")
	}
	for _, o := range d.Hours {
		if o.Weekday > 6 || o.From >= o.To || o.To > 1440 {
			return refuseField(Invalid, "hours")
		}
	}
	for _, id := range d.AnsweredBy {
		if id == d.ID || get[Department](s, departmentKey(id)) == nil {
			return refuseField(NotFound, "answered_by")
		}
	}
	for _, b := range d.Backups {
		id, department := strings.CutPrefix(b, "#")
		if department && get[Department](s, departmentKey(id)) == nil || !department && get[Staff](s, staffKey(b)) == nil {
			return refuseField(NotFound, "backups")
		}
	}
	if err := checkFields(d.Fields); err != nil {
		return err
	}
	if d.Retention > maxRetention {
		return refuseField(Invalid, "retention")
	}
	if d.Deadline != 0 && (d.Deadline < minDeadline || d.Deadline > maxDeadline) {
		return refuseField(Invalid, "deadline")
	}
	put(s, &d)
	s.emit(Event{Kind: DepartmentChanged, Department: d.ID, Audience: Audience{Departments: d.Crew()}})
	return nil
}

// Calendar is a department's opening hours and shifts as UTC intervals, some weeks ahead.
type Calendar struct {
	Department string
	Open       []Interval
	Shifts     []Shift // none = everyone of the crew is on during opening hours
}

// Shift is one stretch of one person's rota.
type Shift struct {
	Staff string
	Interval
}

const calendarTable Table = "calendar"

func (k *Calendar) table() Table     { return calendarTable }
func (k *Calendar) key() key         { return departmentKey(k.Department) }
func (k *Calendar) entries() []Entry { return nil }

func (k *Calendar) code(c *coder) {
	c.str(&k.Department)
	list(c, &k.Open, func(c *coder, i *Interval) { i.code(c) })
	list(c, &k.Shifts, func(c *coder, h *Shift) {
		c.str(&h.Staff)
		h.Interval.code(c)
	})
}

// OpenAt reports whether the department is open at t.
func (k *Calendar) OpenAt(t Time) bool {
	return slices.ContainsFunc(k.Open, func(i Interval) bool { return i.Contains(t) })
}

// On reports whether the account is on shift at t.
func (k *Calendar) On(account string, t Time) bool {
	if len(k.Shifts) == 0 {
		return k.OpenAt(t)
	}
	return slices.ContainsFunc(k.Shifts, func(h Shift) bool { return h.Staff == account && h.Contains(t) })
}

// NextOpen returns the first moment from t on at which the department is open, 0 if none is known.
func (k *Calendar) NextOpen(t Time) Time {
	var next Time
	for _, i := range k.Open {
		if i.Contains(t) {
			return t
		}
		if i.From > t && (next == 0 || i.From < next) {
			next = i.From
		}
	}
	return next
}

// SetCalendar replaces a department's intervals. The leader proposes it daily and at each edit.
type SetCalendar struct{ Calendar Calendar }

// CommandName is the word for the command in the log.
func (*SetCalendar) CommandName() string { return "SetCalendar" }

func (x *SetCalendar) code(c *coder) { x.Calendar.code(c) }

func (x *SetCalendar) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	d := get[Department](s, departmentKey(x.Calendar.Department))
	if d == nil {
		return refuseField(NotFound, "department")
	}
	k := x.Calendar
	for _, i := range k.Open {
		if i.From >= i.To {
			return refuseField(Invalid, "open")
		}
	}
	put(s, &k)
	s.emit(Event{Kind: CalendarSet, Department: d.ID, Audience: Audience{Departments: d.Crew()}})
	s.dutyOfAll([]string{d.ID})
	return nil
}

// DepartmentState says what a patron finds at a department's door.
type DepartmentState string

// The states of a department.
const (
	StateOnline DepartmentState = "online" // somebody is available
	StateAway   DepartmentState = "away"   // staff are connected, all away or busy
	StateClosed DepartmentState = "closed" // outside hours, or nobody is connected
)

// crew is what is known of the staff who answer a department's chats at one moment.
type crew struct {
	available []string // accounts, sorted: connected, on shift, not away, not !off
	free      []string // those of them who have fewer chats than they want
	onShift   []string // connected, on shift, not !off
	connected []string
	open      bool
}

func (w crew) state() DepartmentState {
	switch {
	case !w.open || len(w.connected) == 0:
		return StateClosed
	case len(w.available) == 0:
		return StateAway
	}
	return StateOnline
}

// crewAt computes who answers a department's chats at now.
func crewAt(src Source, d *Department, clocks *clockTable, now Time) (crew, error) {
	own, err := load[Calendar](src, departmentKey(d.ID))
	if err != nil || own == nil {
		return crew{}, err
	}
	w := crew{open: own.OpenAt(now)}
	for _, id := range d.Crew() {
		k, err := load[Calendar](src, departmentKey(id))
		if err != nil {
			return w, err
		}
		members, err := scan[Staff](src, Range{Index: byDepartment, Prefix: string(key("").word(id))})
		if err != nil {
			return w, err
		}
		for _, m := range members {
			if err := w.take(src, m, k, clocks, now); err != nil {
				return w, err
			}
		}
	}
	for _, list := range []*[]string{&w.available, &w.free, &w.onShift, &w.connected} {
		*list = unique(*list)
	}
	return w, nil
}

// take counts in one member of a department with this calendar.
func (w *crew) take(src Source, m *Staff, k *Calendar, clocks *clockTable, now Time) error {
	if m.Disabled || m.Role < RoleTrainee {
		return nil
	}
	reach, err := reachOf(src, m.Account, clocks, now)
	if err != nil || reach == Gone {
		return err
	}
	w.connected = append(w.connected, m.Account)
	y, err := loadDuty(src, m.Account)
	if err != nil || !y.on(k, now) {
		return err
	}
	w.onShift = append(w.onShift, m.Account)
	if reach != Available {
		return nil
	}
	w.available = append(w.available, m.Account)
	full, err := isFull(src, m)
	if err == nil && !full {
		w.free = append(w.free, m.Account)
	}
	return err
}

// isFull reports whether somebody has as many chats as they want: those of silent patrons don't count.
func isFull(src Source, p *Staff) (bool, error) {
	if p.Limit == 0 {
		return false, nil
	}
	found, err := scan[Chat](src, Range{Index: byOwner, Prefix: string(key("").word(p.Account))})
	n := uint64(0)
	for _, h := range found {
		if h.Owner == p.Account && h.Silent == notSilent {
			n++
		}
	}
	return n >= p.Limit, err
}
