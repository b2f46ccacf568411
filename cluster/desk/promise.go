// SPDX-License-Identifier: Apache-2.0

package desk

import "time"

// Promise is a member of staff's word that they will be with a patron in so many minutes.
type Promise struct {
	By       string // account; "" = none
	Until    Time
	Reminded bool
}

func (p *Promise) code(c *coder) {
	c.str(&p.By)
	c.time(&p.Until)
	c.flag(&p.Reminded)
}

// MaxPromise is how many minutes may be promised.
const MaxPromise = 60

// PromiseWait is !wait: the patron is told how long it takes, colleagues that the actor has it. A waiting chat rings for
// nobody meanwhile, and others claim it by force only. When the time is up the actor is reminded; if nothing happens until
// the claim deadline has passed once more, the promise lapses, the patron is told so and the chat rings again. A claim by the
// actor, or their line in a claimed chat, keeps the promise.
type PromiseWait struct {
	Chat    uint64
	Minutes uint64
}

// CommandName is the word for the command in the log.
func (*PromiseWait) CommandName() string { return "PromiseWait" }

func (x *PromiseWait) code(c *coder) {
	c.u64(&x.Chat)
	c.u64(&x.Minutes)
}

func (x *PromiseWait) apply(s *state) error {
	me, action := s.env.Actor.ID, ClaimWaiting
	if h := get[Chat](s, chatKey(x.Chat)); h != nil && h.Owner == me {
		action = HandleChat
	}
	h, err := s.chat(x.Chat, action)
	if err != nil {
		return err
	}
	switch at, over := h.ended(); {
	case s.env.Actor.Kind != StaffKind:
		return refuse(NotAllowed)
	case x.Minutes == 0 || x.Minutes > MaxPromise:
		return refuseField(Invalid, "minutes")
	case over:
		return &Error{Code: Over, Staff: h.ClosedBy, At: at, Chat: h.Number}
	case h.State == Claimed && h.Owner != me:
		return &Error{Code: Conflict, Staff: h.Owner, At: h.ClaimedAt, Chat: h.Number}
	case h.State == Waiting && h.Promise.By != "" && h.Promise.By != me:
		return &Error{Code: Conflict, Field: "promise", Staff: h.Promise.By, At: h.Promise.Until, Chat: h.Number}
	}
	wait := time.Duration(x.Minutes) * time.Minute
	h.Promise = Promise{By: me, Until: s.now.Add(wait)}
	s.cancel(h.Number, DueRing, DueRingAck)
	s.heard(h)
	put(s, h)
	s.later(DuePromise, h.Number, wait)
	s.tell(h, true, Event{Kind: WaitPromised, Staff: me, N: x.Minutes, Ref: uint64(h.Promise.Until)})
	return nil
}

// keep ends a promise that was kept, or that something overtook.
func (s *state) keep(h *Chat) {
	h.Promise = Promise{}
	s.cancel(h.Number, DuePromise)
}

// promiseDue reminds of a promise, and lets it lapse some time later.
func (s *state) promiseDue(h *Chat) {
	p := h.Promise
	switch {
	case p.By == "" || h.State != Waiting && h.State != Claimed:
		return
	case !p.Reminded:
		h.Promise.Reminded = true
		put(s, h)
		s.later(DuePromise, h.Number, s.clock(ClockClaimDeadline))
		e := Event{Kind: WaitDue, Chat: h.Number, Department: h.Department, Staff: p.By}
		e.Audience.Staff = []string{p.By}
		s.emit(e)
		return
	}
	s.lapse(h)
}

// lapse breaks a promise: the patron reads so, and a chat that waits rings again.
func (s *state) lapse(h *Chat) {
	by := h.Promise.By
	s.keep(h)
	put(s, h)
	e := Event{Kind: WaitLapsed, Staff: by}
	e.Audience.Staff = []string{by}
	s.tell(h, true, e)
	if h.State == Waiting {
		s.ring(h)
	}
}
