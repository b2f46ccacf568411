// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"time"
)

// Show is what a member of staff's client says of them (RFC 6121 §4.7.2.1).
type Show string

// The shows. NoShow is a session that has not sent presence: it takes no rings.
const (
	NoShow     Show = ""
	ShowOnline Show = "online"
	ShowChat   Show = "chat"
	ShowAway   Show = "away"
	ShowXA     Show = "xa"
	ShowDND    Show = "dnd"
)

// Session is one connection of a member of staff: an XMPP stream or the board.
type Session struct {
	ID       string
	Account  string
	Door     string // "xmpp" or "web"
	Node     string
	Resource string
	Show     Show
	Status   bool // the client sent a status text of its own
	Priority int64
	Opened   Time
	Changed  Time // when Show changed last
	Ended    Time // 0 = open
	Lost     bool // its node is gone; it may come back with NodeUp
}

// Live reports whether the session's node still vouches for it.
func (x *Session) Live() bool { return x.Ended == 0 && !x.Lost }

const sessionTable Table = "session"

func (x *Session) table() Table { return sessionTable }
func (x *Session) key() key     { return key("").word(x.ID) }

func (x *Session) entries() []Entry {
	if x.Ended != 0 {
		return expiry(x.Ended.Add(keyLife))
	}
	return []Entry{{byAccount, string(key("").word(x.Account))}, {byNode, string(key("").word(x.Node))}}
}

func (x *Session) code(c *coder) {
	c.str(&x.ID)
	c.str(&x.Account)
	c.str(&x.Door)
	c.str(&x.Node)
	c.str(&x.Resource)
	word(c, &x.Show)
	c.flag(&x.Status)
	c.i64(&x.Priority)
	c.time(&x.Opened)
	c.time(&x.Changed)
	c.time(&x.Ended)
	c.flag(&x.Lost)
}

// Reach says how a member of staff can be reached.
type Reach uint8

// Whether somebody can be rung.
const (
	Gone      Reach = iota // no live session has sent presence
	Away                   // connected, but away or busy
	Available              // may be rung
)

// reach says how far the session makes its owner reachable at now. An away without a status text counts as available
// for a while: desk PCs are idle most of the day.
func (x *Session) reach(autoAway time.Duration, now Time) Reach {
	switch {
	case !x.Live() || x.Show == NoShow || x.Priority < 0:
		return Gone
	case x.Show == ShowOnline || x.Show == ShowChat:
		return Available
	case x.Show == ShowAway && !x.Status && now.Sub(x.Changed) < autoAway:
		return Available
	}
	return Away
}

func sessionsOf(src Source, account string) ([]*Session, error) {
	return scan[Session](src, Range{Index: byAccount, Prefix: string(key("").word(account))})
}

// reachOf is the best reach of an account's sessions.
func reachOf(src Source, account string, clocks *clockTable, now Time) (Reach, error) {
	sessions, err := sessionsOf(src, account)
	best := Gone
	for _, x := range sessions {
		best = max(best, x.reach(clocks[ClockAutoAway], now))
	}
	return best, err
}

// OpenSession connects a member of staff. The reply's Value is the resource granted: a living holder of the same
// resource keeps it and the newcomer gets a suffix; a lost one is replaced.
type OpenSession struct {
	ID       string
	Account  string
	Door     string
	Node     string
	Resource string
}

// CommandName is the word for the command in the log.
func (*OpenSession) CommandName() string { return "OpenSession" }

func (x *OpenSession) code(c *coder) {
	c.str(&x.ID)
	c.str(&x.Account)
	c.str(&x.Door)
	c.str(&x.Node)
	c.str(&x.Resource)
}

func (x *OpenSession) apply(s *state) error {
	p := get[Staff](s, staffKey(x.Account))
	switch {
	case p == nil || p.Disabled:
		return refuse(NotAllowed)
	case !plain(x.ID, 64) || len(x.ID) < 16:
		return refuseField(Invalid, "id")
	case !plain(x.Resource, 200):
		return refuseField(Invalid, "resource")
	}
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	if get[Session](s, key("").word(x.ID)) != nil {
		return refuseField(Exists, "id")
	}
	resource := x.Resource
	for _, other := range s.sessions(x.Account) {
		switch {
		case other.Resource != x.Resource:
		case other.Live():
			resource = x.Resource + "-" + x.ID[:6]
		default:
			s.endSession(other, "replaced")
		}
	}
	put(s, &Session{
		ID: x.ID, Account: x.Account, Door: x.Door, Node: x.Node, Resource: resource, Opened: s.now, Changed: s.now,
	})
	s.emit(Event{
		Kind: SessionOpened, Staff: x.Account, Session: x.ID, Node: x.Node,
		Audience: Audience{Staff: []string{x.Account}, Departments: p.Departments},
	})
	s.reply.Value = resource
	return nil
}

// CloseSession ends a session. Ending one that has ended does nothing.
type CloseSession struct{ ID string }

// CommandName is the word for the command in the log.
func (*CloseSession) CommandName() string { return "CloseSession" }

func (x *CloseSession) code(c *coder) { c.str(&x.ID) }

func (x *CloseSession) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	o := get[Session](s, key("").word(x.ID))
	if o == nil {
		return refuseField(NotFound, "id")
	}
	if o.Ended == 0 {
		s.endSession(o, "closed")
	}
	return nil
}

// SetShow tells of a session's presence.
type SetShow struct {
	ID       string
	Show     Show
	Status   bool // with a status text that the person wrote
	Priority int64
}

// CommandName is the word for the command in the log.
func (*SetShow) CommandName() string { return "SetShow" }

func (x *SetShow) code(c *coder) {
	c.str(&x.ID)
	word(c, &x.Show)
	c.flag(&x.Status)
	c.i64(&x.Priority)
}

func (x *SetShow) apply(s *state) error {
	o := get[Session](s, key("").word(x.ID))
	switch {
	case o == nil || o.Ended != 0:
		return refuseField(NotFound, "id")
	case !slices.Contains([]Show{NoShow, ShowOnline, ShowChat, ShowAway, ShowXA, ShowDND}, x.Show):
		return refuseField(Invalid, "show")
	}
	if err := s.may(OwnAccount, Object{Owner: o.Account}); err != nil {
		return err
	}
	if o.Show != x.Show {
		o.Changed = s.now
	}
	o.Show, o.Status, o.Priority, o.Lost = x.Show, x.Status, x.Priority, false
	put(s, o)
	s.tellSession(ShowChanged, o, string(x.Show))
	answer := s.reply
	s.duty(o.Account)
	s.operatorSeen(o.Account)
	s.reply = answer
	return nil
}

func (s *state) sessions(account string) []*Session {
	found, err := sessionsOf(s.tx, account)
	if s.fail(err) {
		return nil
	}
	return found
}

// endSession closes a session for good.
func (s *state) endSession(o *Session, why string) {
	o.Ended, o.Lost = s.now, false
	put(s, o)
	s.tellSession(SessionClosed, o, why)
	s.operatorUnseen(o.Account)
	s.duty(o.Account)
}

// loseSession marks a session whose node is gone.
func (s *state) loseSession(o *Session) {
	o.Lost = true
	put(s, o)
	s.tellSession(SessionClosed, o, "lost")
	s.operatorUnseen(o.Account)
	s.duty(o.Account)
}

func (s *state) endSessions(account, why string) {
	for _, o := range s.sessions(account) {
		s.endSession(o, why)
	}
	s.endWebSessions(account)
}

// tellSession tells the person and their departments of a session's change.
func (s *state) tellSession(kind EventKind, o *Session, value string) {
	a := Audience{Staff: []string{o.Account}}
	if p := get[Staff](s, staffKey(o.Account)); p != nil {
		a.Departments = p.Departments
	}
	s.emit(Event{Kind: kind, Staff: o.Account, Session: o.ID, Node: o.Node, Value: value, Audience: a})
}

// connected reports whether the account has a live session.
func (s *state) connected(account string) bool {
	return slices.ContainsFunc(s.sessions(account), (*Session).Live)
}
