// SPDX-License-Identifier: Apache-2.0

package desk

import "iter"

// Table names one record type. Tables lists them all; a store makes room for each.
type Table string

// Index names one order of a table other than that of its keys.
type Index string

// ByKey is the order of the keys themselves.
const ByKey Index = ""

// Entry is one row of an index: the value under which a record is found.
type Entry struct {
	Index Index
	Value string
}

// Range says what Scan returns: the records whose index value (or key, with ByKey) starts with Prefix and lies beyond
// After in the direction of the scan. Limit 0 means all.
type Range struct {
	Index  Index
	Prefix string
	After  string // exclusive; "" = from the start
	Limit  int
	Desc   bool
}

// Source is the reading half of a transaction. Keys and index values are byte strings, ordered bytewise.
//
// Its methods return no error: an implementation keeps the first one, answers "nothing" from then on and gives it to
// whoever began the transaction, which then ends without effect (see Tx).
type Source interface {
	// Get returns a record's encoding. The caller must not change it.
	Get(t Table, key string) (data []byte, ok bool)
	// Scan yields (index value, data) pairs, or (key, data) with ByKey, in bytewise order. Records with the same index
	// value come in the order of their keys. The table must not be written while a scan runs.
	Scan(t Table, r Range) iter.Seq2[string, []byte]
}

// Tx is the transaction that Apply works in. A failing write makes the whole transaction fail, and with it the node
// (fail-stop): Apply never sees a half-written state.
type Tx interface {
	Source
	// Put stores a record, taking the drop rows out of its indexes and adding the add rows.
	Put(t Table, key string, data []byte, drop, add []Entry)
	// Delete removes a record with its index rows. Deleting what is not there does nothing.
	Delete(t Table, key string, drop []Entry)
}
