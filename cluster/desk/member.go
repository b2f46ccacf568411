// SPDX-License-Identifier: Apache-2.0

package desk

import "time"

// Level is the newest feature level that this program knows. A change of what Apply does with a command that exists
// already raises it, and holds only where meta.Level has come that far: all nodes do the same with the same entry then.
const Level = 1

// joinToken lets one machine join the desk, once. The token itself is known to whoever was handed it.
type joinToken struct {
	Hash    string // SHA-256, lower-case hex
	Expires Time
	Node    string // who used it
}

const joinTokenTable Table = "join"

func (j *joinToken) table() Table     { return joinTokenTable }
func (j *joinToken) key() key         { return key("").word(j.Hash) }
func (j *joinToken) entries() []Entry { return expiry(j.Expires) }

func (j *joinToken) code(c *coder) {
	c.str(&j.Hash)
	c.time(&j.Expires)
	c.str(&j.Node)
}

// maxJoin bounds the life of a token.
const maxJoin = 24 * time.Hour

// MakeJoinToken lets whoever has the token join the desk until it expires.
type MakeJoinToken struct {
	Hash    string // SHA-256 of the token, lower-case hex
	Expires Time
}

// CommandName is the word for the command in the log.
func (*MakeJoinToken) CommandName() string { return "MakeJoinToken" }

func (x *MakeJoinToken) code(c *coder) {
	c.str(&x.Hash)
	c.time(&x.Expires)
}

func (x *MakeJoinToken) apply(s *state) error {
	if err := s.may(ManageDesk, Object{}); err != nil {
		return err
	}
	switch {
	case !hexHash(x.Hash):
		return refuseField(Invalid, "hash")
	case x.Expires <= s.now || x.Expires.Sub(s.now) > maxJoin:
		return refuseField(Invalid, "expires")
	case get[joinToken](s, key("").word(x.Hash)) != nil:
		return refuseField(Exists, "hash")
	}
	put(s, &joinToken{Hash: x.Hash, Expires: x.Expires})
	return nil
}

// AdmitNode makes a machine that has a token a node of the desk. A repeat with the same token, id and key is the same
// machine again, after a crash.
type AdmitNode struct {
	Token   string // SHA-256 of the token, lower-case hex
	Node    string
	Address string // host:port, as the other nodes reach it
	URL     string // as patrons' pages reach it, may be ""
	Key     string // SHA-256 of its public key, lower-case hex
	Level   uint64 // the newest feature level that its program knows
}

// CommandName is the word for the command in the log.
func (*AdmitNode) CommandName() string { return "AdmitNode" }

func (x *AdmitNode) code(c *coder) {
	c.str(&x.Token)
	c.str(&x.Node)
	c.str(&x.Address)
	c.str(&x.URL)
	c.str(&x.Key)
	c.u64(&x.Level)
}

func (x *AdmitNode) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	switch {
	case !hexHash(x.Token):
		return refuseField(Invalid, "token")
	case !plain(x.Node, 64):
		return refuseField(Invalid, "node")
	case !plain(x.Address, maxAddress):
		return refuseField(Invalid, "address")
	case x.URL != "" && !plain(x.URL, maxAddress):
		return refuseField(Invalid, "url")
	case !hexHash(x.Key):
		return refuseField(Invalid, "key")
	case x.Level < s.meta.Level:
		return refuseField(Invalid, "level")
	}
	j := get[joinToken](s, key("").word(x.Token))
	n := get[Node](s, nodeKey(x.Node))
	again := n != nil && !n.Gone && n.Key == x.Key
	switch {
	case j == nil:
		return refuseField(NotFound, "token")
	case s.now >= j.Expires:
		return &Error{Code: Over, Field: "token", At: j.Expires}
	case j.Node != "" && (j.Node != x.Node || !again):
		return refuseField(Conflict, "token")
	case n != nil && n.Gone:
		return refuseField(Over, "node")
	case n != nil && !again:
		return refuseField(Exists, "node")
	}
	j.Node = x.Node
	put(s, j)
	if n == nil {
		n = &Node{ID: x.Node, Key: x.Key, Down: true, Since: s.now}
	}
	n.Address, n.URL, n.Level = x.Address, x.URL, x.Level
	put(s, n)
	s.emit(Event{Kind: NodeAdmitted, Node: x.Node})
	return nil
}

// RemoveNode takes a node out of the desk, for ever: its id never comes back, since its data may. The leader takes it out
// of those who vote.
type RemoveNode struct{ Node string }

// CommandName is the word for the command in the log.
func (*RemoveNode) CommandName() string { return "RemoveNode" }

func (x *RemoveNode) code(c *coder) { c.str(&x.Node) }

func (x *RemoveNode) apply(s *state) error {
	if err := s.may(ManageDesk, Object{}); err != nil {
		return err
	}
	if !plain(x.Node, 64) {
		return refuseField(Invalid, "node")
	}
	left := 0
	for _, n := range find[Node](s, Range{}) {
		if !n.Gone && n.ID != x.Node {
			left++
		}
	}
	if left == 0 {
		return refuseField(Conflict, "node")
	}
	s.dropNode(x.Node)
	return nil
}

// dropNode marks a node as gone and ends what it had. One that never came up has no record yet and gets one.
func (s *state) dropNode(id string) {
	n := get[Node](s, nodeKey(id))
	if n == nil {
		n = &Node{ID: id}
	}
	if n.Gone {
		return
	}
	n.Gone, n.Down, n.Since = true, true, s.now
	put(s, n)
	s.emit(Event{Kind: NodeRemoved, Node: id})
	for _, o := range s.sessionsOn(id) {
		if !o.Lost {
			s.loseSession(o)
		}
	}
	for _, h := range s.attachedOn(id) {
		s.detach(h, id)
	}
}

// RaiseLevel turns features on that every node knows by now. A program that doesn't know the level must stop.
type RaiseLevel struct{ Level uint64 }

// CommandName is the word for the command in the log.
func (*RaiseLevel) CommandName() string { return "RaiseLevel" }

func (x *RaiseLevel) code(c *coder) { c.u64(&x.Level) }

func (x *RaiseLevel) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	if x.Level <= s.meta.Level {
		return nil
	}
	for _, n := range find[Node](s, Range{}) {
		if !n.Gone && n.Level < x.Level { // it came, or was taken back to an older program, since the leader looked
			return refuseField(Conflict, "level")
		}
	}
	s.meta.Level = x.Level
	s.emit(Event{Kind: LevelRaised, N: x.Level})
	return nil
}

// FeatureLevel returns the level that the desk has reached. A program that doesn't know it must not open the desk.
func FeatureLevel(src Source) (uint64, error) {
	m, err := loadMeta(src)
	if err != nil {
		return 0, err
	}
	return m.Level, nil
}

// authority is the desk's own certificate authority, by which its nodes know each other.
type authority struct {
	Cert []byte // PEM
	Key  []byte // sealed with the desk's key by whoever proposed it
}

const authorityTable Table = "authority"

func (a *authority) table() Table     { return authorityTable }
func (a *authority) key() key         { return "desk" }
func (a *authority) entries() []Entry { return nil }

func (a *authority) code(c *coder) {
	c.bytes(&a.Cert)
	c.bytes(&a.Key)
}

// SetAuthority gives the desk its certificate authority. It has one for ever.
type SetAuthority struct {
	Cert []byte // PEM
	Key  []byte // sealed with the desk's key
}

// CommandName is the word for the command in the log.
func (*SetAuthority) CommandName() string { return "SetAuthority" }

func (x *SetAuthority) code(c *coder) {
	c.bytes(&x.Cert)
	c.bytes(&x.Key)
}

func (x *SetAuthority) apply(s *state) error {
	if err := s.may(ManageDesk, Object{}); err != nil {
		return err
	}
	if len(x.Cert) == 0 || len(x.Cert) > 8<<10 || len(x.Key) == 0 || len(x.Key) > 8<<10 {
		return refuseField(Invalid, "authority")
	}
	if a := get[authority](s, "desk"); a != nil {
		if string(a.Cert) == string(x.Cert) {
			return nil
		}
		return refuseField(Exists, "authority")
	}
	put(s, &authority{Cert: x.Cert, Key: x.Key})
	return nil
}

// recoverSkip is how many seqs a recovery leaves out: events of the lost majority may have had them.
const recoverSkip = 1_000_000

// RecoverDesk is what the last node says after it was made the whole desk by force. What the others had acknowledged and
// this one had not is lost, so that followers begin anew with another epoch. The others never come back.
type RecoverDesk struct{ Keep string }

// CommandName is the word for the command in the log.
func (*RecoverDesk) CommandName() string { return "RecoverDesk" }

func (x *RecoverDesk) code(c *coder) { c.str(&x.Keep) }

func (x *RecoverDesk) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	if !plain(x.Keep, 64) {
		return refuseField(Invalid, "node")
	}
	s.meta.Epoch++
	s.meta.Seq += recoverSkip
	for _, n := range find[Node](s, Range{}) {
		if n.ID != x.Keep {
			s.dropNode(n.ID)
		}
	}
	return nil
}
