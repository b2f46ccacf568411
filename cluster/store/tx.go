// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"database/sql/driver"
	"iter"

	"refdesk/cluster/desk"
)

// source reads through one connection, within one transaction. It keeps the first error.
type source struct {
	c   *conn
	err error

	shared *shared // of a View; nil for the writing side, which has its own
	begun  bool    // at is known
	at     uint64  // index of the last log entry in what is read
}

func (s *source) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Get returns a record's encoding.
func (s *source) Get(t desk.Table, key string) (data []byte, ok bool) {
	if s.err != nil {
		return nil, false
	}
	if s.shared == nil {
		return s.ask(t, key)
	}
	if !s.begun {
		at, err := s.c.snapshot()
		s.fail(err)
		s.begun, s.at = true, at
	}
	data, ok, known := s.shared.get(row{t, key}, s.at)
	if known || s.err != nil {
		return data, ok && s.err == nil
	}
	if data, ok = s.ask(t, key); s.err == nil {
		s.shared.learn(row{t, key}, data, ok, s.at)
	}
	return data, ok
}

// ask returns what the database says of a record.
func (s *source) ask(t desk.Table, key string) (data []byte, ok bool) {
	s.fail(s.c.each("SELECT data FROM "+table(t)+" WHERE key=?", []driver.NamedValue{blob(1, key)}, func(row []driver.Value) {
		data, ok = row[0].([]byte), true
	}))
	return data, ok && s.err == nil
}

// Scan yields the records of a range. They are read before the first is yielded.
func (s *source) Scan(t desk.Table, r desk.Range) iter.Seq2[string, []byte] {
	type found struct {
		value string
		data  []byte
	}
	return func(yield func(string, []byte) bool) {
		if s.err != nil {
			return
		}
		var all []found
		text, args := scanQuery(t, r)
		s.fail(s.c.each(text, args, func(row []driver.Value) {
			all = append(all, found{string(row[0].([]byte)), row[1].([]byte)})
		}))
		if s.err != nil {
			return
		}
		for _, f := range all {
			if !yield(f.value, f.data) {
				return
			}
		}
	}
}

// scanQuery turns a range into the half-open interval low ≤ value < high of one statement.
func scanQuery(t desk.Table, r desk.Range) (string, []driver.NamedValue) {
	low, high := []byte(r.Prefix), beyond(r.Prefix)
	if r.After != "" {
		if after := []byte(r.After); r.Desc && (high == nil || bytes.Compare(after, high) < 0) {
			high = after
		} else if next := append(after, 0); !r.Desc && bytes.Compare(next, low) > 0 {
			low = next
		}
	}
	text := "SELECT key, data FROM " + table(t) + " WHERE key>=?"
	order, way, column := " ORDER BY key", "", "key"
	if r.Desc {
		way = " DESC"
	}
	order += way
	if r.Index != desk.ByKey {
		column = "i.value"
		text = "SELECT i.value, t.data FROM " + index(t, r.Index) + " i CROSS JOIN " + table(t) + " t ON t.key=i.key WHERE i.value>=?"
		order = " ORDER BY i.value" + way + ", i.key" + way
	}
	args := []driver.NamedValue{blob(1, low)}
	if high != nil {
		text += " AND " + column + "<?"
		args = append(args, blob(2, high))
	}
	limit := int64(-1)
	if r.Limit > 0 {
		limit = int64(r.Limit)
	}
	return text + order + " LIMIT ?", append(args, num(len(args)+1, limit))
}

// beyond returns the first byte string after all those that start with prefix; nil if there is none.
func beyond(prefix string) []byte {
	b := []byte(prefix)
	for len(b) > 0 && b[len(b)-1] == 0xff { // not bytes.TrimRight: its cutset is of runes, and 0x80 to 0xff are the same broken one
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return nil
	}
	b[len(b)-1]++
	return b
}

// Tx is the transaction in which a run of log entries is applied. Only one is open at a time.
type Tx struct {
	source
	s       *Store
	done    bool
	now     Applied
	changed []row
}

// Begin opens the transaction.
func (s *Store) Begin() (*Tx, error) {
	if s.closed {
		return nil, ErrClosed
	}
	if err := s.write.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, s.explain(err)
	}
	return &Tx{source: source{c: s.write}, s: s, now: s.Applied()}, nil
}

// Scan yields the records of a range.
func (t *Tx) Scan(tb desk.Table, r desk.Range) iter.Seq2[string, []byte] {
	t.flush(tb)
	return t.source.Scan(tb, r)
}

// Put stores a record and changes its index rows.
func (t *Tx) Put(tb desk.Table, key string, data []byte, drop, add []desk.Entry) {
	t.s.cache.change(row{tb, key}, data, true)
	t.changed = append(t.changed, row{tb, key})
	t.drop(tb, key, drop)
	for _, e := range add {
		t.exec("INSERT OR IGNORE INTO "+index(tb, e.Index)+" (value, key) VALUES (?,?)", blob(1, e.Value), blob(2, key))
	}
}

// Delete removes a record and its index rows.
func (t *Tx) Delete(tb desk.Table, key string, drop []desk.Entry) {
	t.s.cache.change(row{tb, key}, nil, false)
	t.changed = append(t.changed, row{tb, key})
	t.drop(tb, key, drop)
}

func (t *Tx) drop(tb desk.Table, key string, entries []desk.Entry) {
	for _, e := range entries {
		t.exec("DELETE FROM "+index(tb, e.Index)+" WHERE value=? AND key=?", blob(1, e.Value), blob(2, key))
	}
}

// SetApplied says that the log is applied up to an entry.
func (t *Tx) SetApplied(index, term uint64) { t.now.Index, t.now.Term = index, term }

// SetConfig notes the list of members that the log entry with this index made.
func (t *Tx) SetConfig(index uint64, config []byte) { t.now.ConfigIndex, t.now.Config = index, config }

// Unapply says that no log has been applied: the records are those that a new log begins with.
func (t *Tx) Unapply() { t.now = Applied{Config: []byte{}} }

// Err is the first error of a read or write, in words.
func (t *Tx) Err() error {
	if t.err == nil {
		return nil
	}
	return t.s.explain(t.err)
}

// Commit makes the transaction take effect, unless a read or write failed: then it takes it back and returns that error.
func (t *Tx) Commit() error {
	if t.done {
		return t.Err()
	}
	t.flush("")
	t.exec("UPDATE applied SET idx=?, term=?, config_idx=?, config=?",
		num(1, int64(t.now.Index)), num(2, int64(t.now.Term)), num(3, int64(t.now.ConfigIndex)), blob(4, t.now.Config))
	t.s.shared.prepare(t.now.Index)
	t.exec("COMMIT")
	if t.err != nil {
		t.Rollback()
		return t.Err()
	}
	t.done = true
	t.s.shared.publish(t.now.Index, t.changed, t.s.cache)
	t.s.cache.trim()
	t.s.mu.Lock()
	t.s.applied = t.now
	t.s.mu.Unlock()
	return nil
}

// Rollback takes the transaction back. After Commit it does nothing.
func (t *Tx) Rollback() {
	if t.done {
		return
	}
	t.done = true
	t.s.cache = newCache()
	if err := t.c.exec("ROLLBACK"); err != nil {
		t.fail(err)
	}
}
