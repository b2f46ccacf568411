// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"crypto/sha256"
	"slices"
	"time"
)

// state is the desk during one Apply: the transaction, the counters, and what must be taken back if the command is refused.
type state struct {
	tx      Tx
	env     Envelope
	now     Time
	meta    *meta
	clocks  *clockTable
	reply   Reply
	events  []Event
	rewinds []func()
	err     error // damage; sticky
}

// meta holds the counters of the desk. It is the one record outside the set hash, which it contains.
type meta struct {
	Seq     uint64 // last event
	Number  uint64 // last chat or ticket
	Message uint64 // last message between staff
	Epoch   uint64
	Sum     sum
	Mark    uint64 // how many digests were checked
	MarkSum sum    // the digest at the last check
	Last    Time   // stamp of the last command
	Mail    uint64 // last MailOut
	Level   uint64 // feature level
}

const metaTable Table = "meta"

func (m *meta) table() Table     { return metaTable }
func (m *meta) key() key         { return "desk" }
func (m *meta) entries() []Entry { return nil }

func (m *meta) code(c *coder) {
	c.u64(&m.Seq)
	c.u64(&m.Number)
	c.u64(&m.Message)
	c.u64(&m.Epoch)
	m.Sum.code(c)
	c.u64(&m.Mark)
	m.MarkSum.code(c)
	c.time(&m.Last)
	c.u64(&m.Mail)
	c.u64(&m.Level)
}

func loadMeta(src Source) (*meta, error) {
	m, err := load[meta](src, (&meta{}).key())
	if m == nil && err == nil {
		m = &meta{Epoch: 1}
	}
	return m, err
}

// Position of the desk's history, for those who hold a Source.

// Seq returns the seq of the last event and the desk's epoch.
func Seq(src Source) (Cursor, error) {
	m, err := loadMeta(src)
	if err != nil {
		return Cursor{}, err
	}
	return Cursor{Epoch: m.Epoch, Seq: m.Seq}, nil
}

// Digest returns the set hash of all records as 32 bytes. Two nodes that applied the same log have the same.
func Digest(src Source) ([]byte, error) {
	m, err := loadMeta(src)
	if err != nil {
		return nil, err
	}
	return m.Sum.bytes(), nil
}

// LastStamp returns the stamp of the last command applied. A new leader never stamps earlier.
func LastStamp(src Source) (Time, error) {
	m, err := loadMeta(src)
	if err != nil {
		return 0, err
	}
	return m.Last, nil
}

func (s *state) begin() error {
	var err error
	s.meta, err = loadMeta(s.tx)
	return err
}

func (s *state) finish() {
	if s.meta.Last < s.now {
		s.meta.Last = s.now
	}
	data := encode(nil, recordVersion, s.meta)
	s.tx.Put(metaTable, string(s.meta.key()), data, nil, nil)
}

// fail notes damage and returns true if there is any.
func (s *state) fail(err error) bool {
	if s.err == nil && err != nil {
		s.err = err
	}
	return s.err != nil
}

// get reads one record; nil if there is none.
func get[T any, P pointer[T]](s *state, k key) P {
	r, err := load[T, P](s.tx, k)
	if s.fail(err) {
		return nil
	}
	return r
}

// find reads the records of a range.
func find[T any, P pointer[T]](s *state, r Range) []P {
	found, err := scan[T, P](s.tx, r)
	if s.fail(err) {
		return nil
	}
	return found
}

// put stores a record, keeps the set hash, and notes how to take it back.
func put[T any, P pointer[T]](s *state, r P) {
	t, k := r.table(), string(r.key())
	data, now := encode(nil, recordVersion, r), r.entries()
	old, had := s.tx.Get(t, k)
	if had && string(old) == string(data) {
		return
	}
	var before []Entry
	if had {
		was := P(new(T))
		if s.fail(decode(old, recordVersion, was)) {
			return
		}
		before = was.entries()
		s.meta.Sum.subtract(rowHash(t, k, old))
		old = slices.Clone(old)
	}
	s.meta.Sum.add(rowHash(t, k, data))
	drop, add := without(before, now), without(now, before)
	s.tx.Put(t, k, data, drop, add)
	s.rewinds = append(s.rewinds, func() {
		s.meta.Sum.subtract(rowHash(t, k, data))
		if !had {
			s.tx.Delete(t, k, now)
			return
		}
		s.meta.Sum.add(rowHash(t, k, old))
		s.tx.Put(t, k, old, add, drop)
	})
}

// remove deletes a record if it is there.
func remove[T any, P pointer[T]](s *state, r P) {
	t, k := r.table(), string(r.key())
	old, had := s.tx.Get(t, k)
	if !had {
		return
	}
	was := P(new(T))
	if s.fail(decode(old, recordVersion, was)) {
		return
	}
	old = slices.Clone(old)
	s.meta.Sum.subtract(rowHash(t, k, old))
	s.tx.Delete(t, k, was.entries())
	s.rewinds = append(s.rewinds, func() {
		s.meta.Sum.add(rowHash(t, k, old))
		s.tx.Put(t, k, old, nil, was.entries())
	})
}

// undo takes back everything the command wrote, newest first, with its events and numbers.
func (s *state) undo() {
	for _, rewind := range slices.Backward(s.rewinds) {
		rewind()
	}
	s.rewinds, s.events = nil, nil
	m, err := loadMeta(s.tx)
	if s.fail(err) {
		return
	}
	m.Sum = s.meta.Sum
	s.meta = m
}

// emit appends an event to the history and makes its seq the reply's.
func (s *state) emit(e Event) uint64 {
	s.meta.Seq++
	e.Seq, e.At = s.meta.Seq, s.now
	put(s, &e)
	s.events = append(s.events, e)
	s.reply.Seq = e.Seq
	return e.Seq
}

// keyRecord is the answer once given to a key.
type keyRecord struct {
	Key     Key
	Payload []byte // sha-256 of the command
	Reply   Reply
	Refusal Error // Code "" = accepted
	Expires Time  // 0 = with its chat
}

const keyTable Table = "key"

// keyLife is how long a key is remembered that isn't a chat line's.
const keyLife = 24 * time.Hour

func keyOf(k Key) key                 { return key("").word(k.Kind).word(k.Principal).word(k.ID) }
func (k *keyRecord) table() Table     { return keyTable }
func (k *keyRecord) key() key         { return keyOf(k.Key) }
func (k *keyRecord) entries() []Entry { return expiry(k.Expires) }

func (k *keyRecord) code(c *coder) {
	c.str(&k.Key.Kind)
	c.str(&k.Key.Principal)
	c.str(&k.Key.ID)
	c.bytes(&k.Payload)
	k.Reply.code(c)
	k.Refusal.code(c)
	c.time(&k.Expires)
}

func expiry(t Time) []Entry {
	if t == 0 {
		return nil
	}
	return []Entry{{byExpiry, string(key("").num(uint64(t)))}}
}

// recorded answers a repeated key.
func (s *state) recorded() (Reply, error, bool) {
	k := s.env.Key
	if k == (Key{}) {
		return Reply{}, nil, false
	}
	if !validKey(k) {
		return Reply{}, refuseField(Invalid, "key"), true
	}
	r := get[keyRecord](s, keyOf(k))
	if s.err != nil {
		return Reply{}, s.err, true
	}
	if r == nil {
		return Reply{}, nil, false
	}
	if string(r.Payload) != string(payload(s.env)) {
		return Reply{}, refuseField(Conflict, "key"), true
	}
	reply := r.Reply
	reply.Again = true
	if r.Refusal.Code != "" {
		return reply, &r.Refusal, true
	}
	return reply, nil, true
}

// record keeps the answer for the command's key.
func (s *state) record(err error) {
	if s.env.Key == (Key{}) || s.err != nil {
		return
	}
	r := &keyRecord{Key: s.env.Key, Payload: payload(s.env), Reply: s.reply}
	if refusal, ok := err.(*Error); ok {
		r.Refusal = *refusal
	} else if err != nil {
		s.fail(err)
		return
	}
	if s.env.Key.Kind != KeyPatron {
		r.Expires = s.now.Add(keyLife)
	}
	put(s, r)
}

// The kinds of key.
const (
	KeyPatron  = "patron"  // principal: the chat's token hash; kept as long as the chat
	KeyStanza  = "stanza"  // principal: the stream's stream-management id, which is its session's; id: StanzaID
	KeySession = "session" // principal: the session; id: what its node numbers itself, the opening among them
	KeyWeb     = "web"     // principal: the staff web session
	KeyAdmin   = "admin"   // principal: the administrator's run
)

func validKey(k Key) bool {
	return plain(k.Kind, 16) && plain(k.Principal, 128) && plain(k.ID, 64)
}

// overtaken reports whether the command is a stanza of a session that is over. Whoever resumed that session was told how
// many of its stanzas were handled (XEP-0198 §5): one that comes after that would be sent again and be doubled.
func (s *state) overtaken() bool {
	if s.env.Key.Kind != KeyStanza {
		return false
	}
	o := get[Session](s, key("").word(s.env.Key.Principal))
	return o != nil && o.Ended != 0
}

// rerouted is a command that differs between the nodes which propose it for the same sender.
type rerouted interface{ asSent() Command }

// payload is the hash of what the sender asked for, whichever node proposed it.
func payload(env Envelope) []byte {
	sent := env.Command
	if r, ok := sent.(rerouted); ok {
		sent = r.asSent()
	}
	h := sha256.New()
	h.Write([]byte{byte(env.Actor.Kind)})
	h.Write([]byte(env.Actor.ID))
	h.Write([]byte{0})
	h.Write(EncodeCommand(nil, sent))
	return h.Sum(nil)
}
