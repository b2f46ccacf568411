// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"strings"
	"time"
)

// ringStep is a step of the ladder of a waiting chat: at once those who are on and free; then again; then the backups too;
// at the deadline everyone on the calendar, away, busy or full, with an alarm. Who said !off or declined is left alone. The
// ladder stands still while the patron is not attached, and while a colleague has promised to take the chat.
type ringStep uint8

// The steps that follow the first ring.
const (
	stepRepeat ringStep = iota
	stepBackup
	stepDeadline
)

// rungOf is one step with its distance from the first ring.
type rungOf struct {
	step  ringStep
	after time.Duration
}

// ladder is a department's steps in the order of their clocks.
func (s *state) ladder(d *Department) []rungOf {
	deadline := time.Duration(d.Deadline) * time.Second
	if deadline == 0 {
		deadline = s.clock(ClockClaimDeadline)
	}
	steps := []rungOf{{stepRepeat, s.clock(ClockRingRepeat)}, {stepBackup, s.clock(ClockRingBackup)}, {stepDeadline, deadline}}
	slices.SortStableFunc(steps, func(a, b rungOf) int { return int(a.after - b.after) })
	return steps
}

// ring shows a waiting chat to everyone who is on and free, at once, and puts it on the first step of the ladder.
func (s *state) ring(h *Chat) {
	h.Rings, h.Step, h.Rung, h.Heard, h.Declined = 0, 0, nil, nil, nil
	s.cancel(h.Number, DueRing, DueRingAck)
	put(s, h)
	d := s.ringable(h)
	if d == nil {
		return
	}
	s.ringThem(h, s.crew(d).free)
	s.climbLater(h, d)
}

// ringable returns the department of a chat that may ring now, nil otherwise.
func (s *state) ringable(h *Chat) *Department {
	if h.State != Waiting || len(h.Attached) == 0 || h.Promise.By != "" {
		return nil
	}
	return get[Department](s, departmentKey(h.Department))
}

// climbLater sets the timer of the next step.
func (s *state) climbLater(h *Chat, d *Department) {
	steps := s.ladder(d)
	if h.Step >= uint64(len(steps)) {
		return
	}
	after := steps[h.Step].after
	if h.Step > 0 {
		after -= steps[h.Step-1].after
	}
	s.later(DueRing, h.Number, max(after, 0))
}

// climb does the next step of the ladder.
func (s *state) climb(h *Chat) {
	d := s.ringable(h)
	if d == nil {
		return
	}
	steps := s.ladder(d)
	if h.Step >= uint64(len(steps)) {
		return
	}
	w := s.crew(d)
	step := steps[h.Step].step
	h.Step++
	switch step {
	case stepRepeat:
		s.ringThem(h, w.free)
	case stepBackup:
		s.ringThem(h, slices.Concat(w.free, s.backups(d)))
	case stepDeadline:
		s.ringThem(h, slices.Concat(w.onShift, s.backups(d)))
		s.tell(h, true, Event{Kind: AlarmRaised, N: uint64(max(0, s.now.Sub(h.Since)/time.Second))})
	}
	s.climbLater(h, d)
}

// ringThem rings those of some accounts who did not decline. Where that is nobody, or nobody's client gets the ring, the
// next are rung without waiting for the clock.
func (s *state) ringThem(h *Chat, accounts []string) {
	to := unique(slices.DeleteFunc(slices.Clone(accounts), func(a string) bool { return slices.Contains(h.Declined, a) }))
	h.Rings++
	h.Heard = nil
	h.Rung = unique(append(h.Rung, to...))
	put(s, h)
	s.tell(h, false, Event{Kind: ChatRang, N: h.Rings, Audience: Audience{Staff: to}})
	if len(to) == 0 {
		s.ringNext(h)
		return
	}
	s.later(DueRingAck, h.Number, s.clock(ClockRingAck))
}

// ringNext rings the backups that have not been rung.
func (s *state) ringNext(h *Chat) {
	d := s.ringable(h)
	if d == nil {
		return
	}
	next := slices.DeleteFunc(s.backups(d), func(a string) bool {
		return slices.Contains(h.Rung, a) || slices.Contains(h.Declined, a)
	})
	if len(next) > 0 {
		s.ringThem(h, next)
	}
}

// ringUnheard is the moment at which a ring must have been received. If nobody's client has it, all those sessions are
// taken for lost and the next are rung.
func (s *state) ringUnheard(h *Chat) {
	if len(h.Heard) == 0 {
		s.ringNext(h)
	}
}

// backups are the accounts that a department names for when its own staff don't answer: those who are free.
func (s *state) backups(d *Department) []string {
	var out []string
	for _, b := range d.Backups {
		if id, ok := strings.CutPrefix(b, "#"); ok {
			if other := get[Department](s, departmentKey(id)); other != nil {
				alone := *other
				alone.AnsweredBy = nil
				out = append(out, s.crew(&alone).free...)
			}
			continue
		}
		p := get[Staff](s, staffKey(b))
		y, err := loadDuty(s.tx, b)
		if p == nil || p.Disabled || p.Role < RoleTrainee || s.fail(err) || y.said(s.now) == DutyOff {
			continue
		}
		reach, err := reachOf(s.tx, b, s.clockTable(), s.now)
		full, fullErr := isFull(s.tx, p)
		if !s.fail(firstError(err, fullErr)) && reach == Available && !full {
			out = append(out, b)
		}
	}
	return out
}

// ringFor shows the waiting chats to somebody who has just become free, unseen: only those that did not ring for them.
func (s *state) ringFor(account string, unseen bool) {
	for _, h := range find[Chat](s, Range{Index: byState, Prefix: string(key("").word(string(Waiting)))}) {
		d := s.ringable(h)
		switch {
		case d == nil || slices.Contains(h.Declined, account) || unseen && slices.Contains(h.Rung, account):
			continue
		case !slices.Contains(s.crew(d).free, account):
			continue
		}
		if !slices.Contains(h.Rung, account) {
			h.Rung = unique(append(h.Rung, account))
			put(s, h)
		}
		e := Event{Kind: ChatRang, Chat: h.Number, Department: h.Department, N: h.Rings}
		e.Audience.Staff = []string{account}
		s.emit(e)
	}
}

// outsiders are those who were rung but don't serve the chat's department: backups. They must learn what became of it.
func (s *state) outsiders(h *Chat) []string {
	d := get[Department](s, departmentKey(h.Department))
	if d == nil || len(d.Backups) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(h.Rung), func(a string) bool {
		p := get[Staff](s, staffKey(a))
		return p == nil || slices.ContainsFunc(d.Crew(), func(id string) bool { return slices.Contains(p.Departments, id) })
	})
}

// RingReceived confirms that a session has the newest ring of a chat: its stream ack covers it (XEP-0198 §4), or, without
// stream management, it was written to the socket. A late one does nothing. It is not keyed.
type RingReceived struct {
	Chat    uint64
	Session string
}

// CommandName is the word for the command in the log.
func (*RingReceived) CommandName() string { return "RingReceived" }

func (x *RingReceived) code(c *coder) {
	c.u64(&x.Chat)
	c.str(&x.Session)
}

func (x *RingReceived) apply(s *state) error {
	if !plain(x.Session, 64) {
		return refuseField(Invalid, "session")
	}
	o := get[Session](s, key("").word(x.Session))
	h := get[Chat](s, chatKey(x.Chat))
	if o == nil || h == nil {
		return refuseField(NotFound, "ring")
	}
	if err := s.may(OwnAccount, Object{Owner: o.Account}); err != nil {
		return err
	}
	if h.State != Waiting || !slices.Contains(h.Rung, o.Account) || slices.Contains(h.Heard, o.Account) {
		return nil
	}
	h.Heard = unique(append(h.Heard, o.Account))
	put(s, h)
	return nil
}

// DeclineRing says that the actor will not take a waiting chat. It rings for them no more; if nobody is left, the next are
// rung at once.
type DeclineRing struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*DeclineRing) CommandName() string { return "DeclineRing" }

func (x *DeclineRing) code(c *coder) { c.u64(&x.Chat) }

func (x *DeclineRing) apply(s *state) error {
	h, err := s.chat(x.Chat, ClaimWaiting)
	if err != nil {
		return err
	}
	me := s.env.Actor.ID
	switch {
	case s.env.Actor.Kind != StaffKind:
		return refuse(NotAllowed)
	case h.State == Claimed:
		return &Error{Code: Conflict, Staff: h.Owner, At: h.ClaimedAt, Chat: h.Number}
	case h.State != Waiting:
		return &Error{Code: NotAllowed, Field: "waiting", Chat: h.Number}
	}
	s.reply.Chat = h.Number
	if slices.Contains(h.Declined, me) {
		return nil
	}
	h.Declined = unique(append(h.Declined, me))
	put(s, h)
	e := Event{Kind: RingDeclined, Staff: me}
	e.Audience.Staff = []string{me}
	s.tell(h, false, e)
	left := slices.DeleteFunc(slices.Clone(h.Rung), func(a string) bool { return slices.Contains(h.Declined, a) })
	if len(left) == 0 {
		answer := s.reply
		s.ringNext(h)
		s.reply = answer
	}
	return nil
}
