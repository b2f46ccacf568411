// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"errors"
	"slices"
	"time"
)

// Node is a desk node as the log knows it.
type Node struct {
	ID          string
	Incarnation string // of its process; a new one each start; "" before the first
	Down        bool
	Since       Time
	Address     string // host:port, as the other nodes reach it; "" = their configuration says it
	URL         string // as patrons' pages reach it; may be ""
	Level       uint64 // the newest feature level that its program knows
	Key         string // SHA-256 of the public key it joined with, lower-case hex; "" = of the desk from its beginning
	Gone        bool   // removed, for ever
}

const nodeTable Table = "node"

func (n *Node) table() Table     { return nodeTable }
func (n *Node) key() key         { return nodeKey(n.ID) }
func (n *Node) entries() []Entry { return nil }

func nodeKey(id string) key { return key("").word(id) }

// maxAddress bounds a node's address and URL, in bytes.
const maxAddress = 300

func (n *Node) code(c *coder) {
	c.str(&n.ID)
	c.str(&n.Incarnation)
	c.flag(&n.Down)
	c.time(&n.Since)
	c.str(&n.Address)
	c.str(&n.URL)
	c.u64(&n.Level)
	c.str(&n.Key)
	c.flag(&n.Gone)
}

// NodeUp is a node's first word after its start, and again after it read its own NodeDown: with a new incarnation, and
// the sessions and patrons' chats that it has now. Other sessions that it had are closed.
type NodeUp struct {
	Node        string
	Incarnation string
	Sessions    []string
	Chats       []uint64 // chats whose patrons are attached there
	Address     string   // host:port, as the other nodes reach it; "" on a desk of one without a port
	URL         string   // as patrons' pages reach it; may be ""
	Level       uint64   // the newest feature level that its program knows
}

// CommandName is the word for the command in the log.
func (*NodeUp) CommandName() string { return "NodeUp" }

func (x *NodeUp) code(c *coder) {
	c.str(&x.Node)
	c.str(&x.Incarnation)
	c.strs(&x.Sessions)
	list(c, &x.Chats, (*coder).u64)
	c.str(&x.Address)
	c.str(&x.URL)
	c.u64(&x.Level)
}

func (x *NodeUp) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	if !plain(x.Node, 64) || !plain(x.Incarnation, 64) {
		return refuseField(Invalid, "node")
	}
	if x.Address != "" && !plain(x.Address, maxAddress) || x.URL != "" && !plain(x.URL, maxAddress) {
		return refuseField(Invalid, "address")
	}
	n := get[Node](s, nodeKey(x.Node))
	switch {
	case n == nil:
		n = &Node{ID: x.Node}
	case n.Gone:
		return refuseField(Over, "node")
	}
	n.Incarnation, n.Down, n.Since = x.Incarnation, false, s.now
	n.Address, n.URL, n.Level = x.Address, x.URL, x.Level
	put(s, n)
	s.emit(Event{Kind: NodeIsUp, Node: x.Node})
	for _, o := range s.sessionsOn(x.Node) {
		switch live := slices.Contains(x.Sessions, o.ID); {
		case !live:
			s.endSession(o, "lost")
		case o.Lost:
			o.Lost = false
			put(s, o)
			s.tellSession(SessionOpened, o, "")
			s.duty(o.Account)
			s.operatorSeen(o.Account)
		}
	}
	for _, h := range s.attachedOn(x.Node) {
		if !slices.Contains(x.Chats, h.Number) {
			s.detach(h, x.Node)
		}
	}
	for _, number := range x.Chats {
		if h := get[Chat](s, chatKey(number)); h != nil {
			s.attach(h, x.Node)
		}
	}
	return nil
}

// NodeDown is the leader's word that a node has been silent too long: its sessions are lost, its patrons detached.
type NodeDown struct {
	Node        string
	Incarnation string // of the process that went silent; another one is up already
}

// CommandName is the word for the command in the log.
func (*NodeDown) CommandName() string { return "NodeDown" }

func (x *NodeDown) code(c *coder) {
	c.str(&x.Node)
	c.str(&x.Incarnation)
}

func (x *NodeDown) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	n := get[Node](s, nodeKey(x.Node))
	if n == nil || n.Down || n.Incarnation != x.Incarnation {
		return nil
	}
	n.Down, n.Since = true, s.now
	put(s, n)
	s.emit(Event{Kind: NodeIsDown, Node: x.Node})
	for _, o := range s.sessionsOn(x.Node) {
		if !o.Lost {
			s.loseSession(o)
		}
	}
	for _, h := range s.attachedOn(x.Node) {
		s.detach(h, x.Node)
	}
	return nil
}

func (s *state) sessionsOn(node string) []*Session {
	return find[Session](s, Range{Index: byNode, Prefix: string(key("").word(node))})
}

func (s *state) attachedOn(node string) []*Chat {
	return find[Chat](s, Range{Index: byNode, Prefix: string(key("").word(node))})
}

// ErrDiverged is what Apply returns when this node's records are not the leader's. The node must stop.
var ErrDiverged = errors.New("desk: this node's records differ from the leader's")

// CheckDigest compares the nodes' records. It carries what the leader's digest was at the check before, which each node
// noted for itself, so that entries between proposal and apply don't matter.
type CheckDigest struct {
	Mark   uint64
	Digest []byte // 32 bytes; empty when Mark is 0
}

// CommandName is the word for the command in the log.
func (*CheckDigest) CommandName() string { return "CheckDigest" }

func (x *CheckDigest) code(c *coder) {
	c.u64(&x.Mark)
	c.bytes(&x.Digest)
}

func (x *CheckDigest) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	if x.Mark != s.meta.Mark {
		return refuseField(Conflict, "mark")
	}
	if x.Mark > 0 && string(x.Digest) != string(s.meta.MarkSum.bytes()) {
		s.fail(ErrDiverged)
		return nil
	}
	s.meta.Mark++
	s.meta.MarkSum = s.meta.Sum
	return nil
}

// NextCheck returns the CheckDigest that the leader proposes now.
func NextCheck(src Source) (*CheckDigest, error) {
	m, err := loadMeta(src)
	if err != nil {
		return nil, err
	}
	x := &CheckDigest{Mark: m.Mark}
	if m.Mark > 0 {
		x.Digest = m.MarkSum.bytes()
	}
	return x, nil
}

// keepEvents is how long events are kept; an older cursor is TooOld.
const keepEvents = 7 * 24 * time.Hour

// expireAtOnce bounds one Expire, so that it holds nothing up.
const expireAtOnce = 500

// Expire deletes what has outlived its use: keys, events, closed sessions, held texts; and it masks what identifies the
// patrons of chats that ended longer ago than their departments keep it. The leader proposes it hourly, and
// again at once while the reply's Value is "more".
type Expire struct{}

// CommandName is the word for the command in the log.
func (*Expire) CommandName() string { return "Expire" }

func (x *Expire) code(*coder) {}

func (x *Expire) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	n := expire(s, byExpiry, s.now, func(k *keyRecord) Time { return k.Expires })
	n += expire(s, byExpiry, s.now, func(o *Session) Time { return o.Ended.Add(keyLife) })
	n += expire(s, byTime, s.now.Add(-keepEvents), func(e *Event) Time { return e.At })
	n += expire(s, byTime, s.now.Add(-s.clock(ClockHeld)), func(t *Held) Time { return t.At })
	n += expire(s, byTime, s.now.Add(-s.clock(ClockHeld)), func(r *resend) Time { return r.At })
	n += s.retain()
	n += expire(s, byExpiry, s.now, func(l *Link) Time { return l.Expires.Add(keyLife) })
	n += expire(s, byExpiry, s.now, func(w *WebSession) Time { return w.Expires })
	n += expire(s, byExpiry, s.now, func(j *joinToken) Time { return j.Expires.Add(keyLife) })
	n += s.expireNotices()
	n += expire(s, byTime, s.now.Add(-senderLife), func(f *sender) Time { return f.Last })
	if n >= expireAtOnce {
		s.reply.Value = "more"
	}
	return nil
}

// expire removes the records of a table whose time has come, the oldest first.
func expire[T any, P pointer[T]](s *state, index Index, until Time, at func(P) Time) int {
	n := 0
	for _, r := range find[T, P](s, Range{Index: index, Limit: expireAtOnce}) {
		if at(r) > until {
			break
		}
		remove(s, r)
		n++
	}
	return n
}
