// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql/driver"
	"slices"

	"refdesk/cluster/desk"
)

// cacheSize is how many bytes of records the writing side remembers from one transaction to the next.
const cacheSize = 4 << 20

// cache is what the writing connection knows of records: those read lately, and those written in this transaction. The
// counters of the desk and an active chat are read and written by one command after the other; this way they cost one
// statement a transaction. Index rows are not in it.
type cache struct {
	rows  map[row]*cached
	dirty []row // in the order of their first change
	size  int
}

type row struct {
	table desk.Table
	key   string
}

type cached struct {
	data  []byte
	ok    bool // the record exists
	dirty bool // the database doesn't know it yet
}

func newCache() *cache { return &cache{rows: map[row]*cached{}} }

// learn remembers what the database says.
func (k *cache) learn(at row, data []byte, ok bool) {
	k.rows[at] = &cached{data: data, ok: ok}
	k.size += len(at.key) + len(data)
}

// change remembers what the transaction says.
func (k *cache) change(at row, data []byte, ok bool) {
	c := k.rows[at]
	if c == nil {
		c = &cached{}
		k.rows[at] = c
	}
	if !c.dirty {
		c.dirty = true
		k.dirty = append(k.dirty, at)
	}
	c.data, c.ok = slices.Clone(data), ok
	k.size += len(at.key) + len(data)
}

// trim forgets everything when it has become too much. Nothing in it is dirty then.
func (k *cache) trim() {
	if k.size > cacheSize {
		*k = *newCache()
	}
}

// Get returns a record's encoding.
func (t *Tx) Get(tb desk.Table, key string) ([]byte, bool) {
	if t.err != nil {
		return nil, false
	}
	at := row{tb, key}
	if c := t.s.cache.rows[at]; c != nil {
		return c.data, c.ok
	}
	data, ok := t.source.Get(tb, key)
	if t.err == nil {
		t.s.cache.learn(at, data, ok)
	}
	return data, ok
}

// flush writes the changes of one table, or of all with "".
func (t *Tx) flush(only desk.Table) {
	k := t.s.cache
	k.dirty = slices.DeleteFunc(k.dirty, func(at row) bool {
		if only != "" && at.table != only {
			return false
		}
		c := k.rows[at]
		c.dirty = false
		if c.ok {
			t.exec("INSERT INTO "+table(at.table)+" (key, data) VALUES (?,?) ON CONFLICT (key) DO UPDATE SET data=excluded.data",
				blob(1, at.key), blob(2, c.data))
		} else {
			t.exec("DELETE FROM "+table(at.table)+" WHERE key=?", blob(1, at.key))
		}
		return true
	})
}

func (t *Tx) exec(text string, args ...driver.NamedValue) {
	if t.err == nil {
		t.fail(t.c.exec(text, args...))
	}
}
