// SPDX-License-Identifier: Apache-2.0

// Package desktest holds what tests of the desk share: a transaction and a store in memory, the contract that every
// transaction keeps, builders for a small library, and the runner of scenario files.
package desktest

import (
	"iter"
	"slices"
	"strings"

	"refdesk/cluster/desk"
)

// Memory is a desk.Tx that keeps its rows in ordered slices. Its writes take effect at once.
type Memory struct {
	rows    map[desk.Table]map[string][]byte
	indexes map[desk.Table]map[desk.Index]*[]row
}

// row is one entry of an index: found under value, belongs to the record with key.
type row struct{ value, key string }

func compare(a, b row) int {
	if c := strings.Compare(a.value, b.value); c != 0 {
		return c
	}
	return strings.Compare(a.key, b.key)
}

// NewMemory returns an empty state.
func NewMemory() *Memory {
	m := &Memory{rows: map[desk.Table]map[string][]byte{}, indexes: map[desk.Table]map[desk.Index]*[]row{}}
	for _, t := range desk.Tables() {
		m.rows[t.Table] = map[string][]byte{}
		m.indexes[t.Table] = map[desk.Index]*[]row{desk.ByKey: {}}
		for _, x := range t.Indexes {
			m.indexes[t.Table][x] = &[]row{}
		}
	}
	return m
}

// Clone returns a copy that shares nothing with m: a snapshot.
func (m *Memory) Clone() *Memory {
	c := NewMemory()
	for t, rows := range m.rows {
		for k, data := range rows {
			c.rows[t][k] = slices.Clone(data)
		}
		for x, list := range m.indexes[t] {
			*c.indexes[t][x] = slices.Clone(*list)
		}
	}
	return c
}

// Get returns a record's encoding.
func (m *Memory) Get(t desk.Table, key string) ([]byte, bool) {
	data, ok := m.rows[t][key]
	return data, ok
}

// Put stores a record and changes its index rows.
func (m *Memory) Put(t desk.Table, key string, data []byte, drop, add []desk.Entry) {
	if _, had := m.rows[t][key]; !had {
		m.insert(t, desk.ByKey, row{key, key})
	}
	m.rows[t][key] = slices.Clone(data)
	for _, e := range drop {
		m.drop(t, e.Index, row{e.Value, key})
	}
	for _, e := range add {
		m.insert(t, e.Index, row{e.Value, key})
	}
}

// Delete removes a record and its index rows.
func (m *Memory) Delete(t desk.Table, key string, drop []desk.Entry) {
	if _, had := m.rows[t][key]; !had {
		return
	}
	delete(m.rows[t], key)
	m.drop(t, desk.ByKey, row{key, key})
	for _, e := range drop {
		m.drop(t, e.Index, row{e.Value, key})
	}
}

func (m *Memory) insert(t desk.Table, x desk.Index, r row) {
	list := m.indexes[t][x]
	if i, found := slices.BinarySearchFunc(*list, r, compare); !found {
		*list = slices.Insert(*list, i, r)
	}
}

func (m *Memory) drop(t desk.Table, x desk.Index, r row) {
	list := m.indexes[t][x]
	if i, found := slices.BinarySearchFunc(*list, r, compare); found {
		*list = slices.Delete(*list, i, i+1)
	}
}

// Scan yields the records of a range.
func (m *Memory) Scan(t desk.Table, r desk.Range) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		n := 0
		for _, x := range m.within(t, r) {
			if r.Limit > 0 && n == r.Limit {
				return
			}
			n++
			if !yield(x.value, m.rows[t][x.key]) {
				return
			}
		}
	}
}

// within returns the index rows of a range in the order of the scan, without its limit.
func (m *Memory) within(t desk.Table, r desk.Range) []row {
	var out []row
	for _, x := range *m.indexes[t][r.Index] {
		beyond := r.After == "" || !r.Desc && x.value > r.After || r.Desc && x.value < r.After
		if strings.HasPrefix(x.value, r.Prefix) && beyond {
			out = append(out, x)
		}
	}
	if r.Desc {
		slices.Reverse(out)
	}
	return out
}
