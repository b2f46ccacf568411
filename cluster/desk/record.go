// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"
)

// recordVersion is the newest layout of records. A field is added at the end, under `if c.version >= N`.
const recordVersion = 1

// record is what a Table holds.
type record interface {
	coded
	table() Table
	key() key
	entries() []Entry
}

// pointer ties a record's struct type to its methods, so that get[Chat] can make one.
type pointer[T any] interface {
	*T
	record
}

// TableInfo declares a table and the indexes its records have.
type TableInfo struct {
	Table   Table
	Indexes []Index
}

// Tables lists every record type with its indexes. A store creates them in this order.
func Tables() []TableInfo {
	return []TableInfo{
		{metaTable, nil},
		{keyTable, []Index{byExpiry}},
		{eventTable, []Index{byTime, byChat, byAccount, byDepartment}},
		{dueTable, []Index{byTime}},
		{settingTable, nil},
		{nodeTable, nil},
		{departmentTable, nil},
		{calendarTable, nil},
		{staffTable, []Index{byDepartment}},
		{deviceTable, nil},
		{sessionTable, []Index{byAccount, byNode, byExpiry}},
		{accountDataTable, nil},
		{positionTable, nil},
		{heldTable, []Index{byTime}},
		{resendTable, []Index{byTime}},
		{messageTable, nil},
		{chatTable, []Index{byToken, byState, byOwner, byNode, byToTag, byEnd}},
		{lineTable, nil},
		{ticketTable, []Index{byState, byOwner, byChat, byEmail, byEnd}},
		{entryTable, []Index{byTime}},
		{pendingTable, nil},
		{draftTable, nil},
		{mailOutTable, []Index{byTime, byState, byChat, byMessage, byExpiry}},
		{mailInTable, nil},
		{mailIDTable, nil},
		{senderTable, []Index{byTime}},
		{faqTable, nil},
		{missTable, []Index{byTime}},
		{cannedTable, nil},
		{linkTable, []Index{byExpiry, byAccount}},
		{passwordTable, nil},
		{webTable, []Index{byExpiry, byAccount}},
		{dutyTable, nil},
		{waitTable, nil},
		{joinTokenTable, []Index{byExpiry}},
		{authorityTable, nil},
	}
}

// The indexes, named for what their values start with.
const (
	byExpiry     Index = "expiry"     // time
	byTime       Index = "time"       // time
	byChat       Index = "chat"       // chat number, seq
	byAccount    Index = "account"    // account, …
	byDepartment Index = "department" // department, …
	byNode       Index = "node"       // node
	byToken      Index = "token"      // token hash
	byState      Index = "state"      // state, department, time queued
	byOwner      Index = "owner"      // account of owner or joined
	byEmail      Index = "email"      // address in lower case, number
	byMessage    Index = "message"    // Message-ID
	byToTag      Index = "totag"      // owner of a closed chat without a tag, chat number
	byEnd        Index = "ended"      // department, when it ended; not yet masked
)

// load reads one record through a source.
func load[T any, P pointer[T]](src Source, k key) (P, error) {
	r := P(new(T))
	data, ok := src.Get(r.table(), string(k))
	if !ok {
		return nil, nil
	}
	return r, decode(data, recordVersion, r)
}

// scan reads the records of a range. It decodes all of them before it returns, so that the caller may write.
func scan[T any, P pointer[T]](src Source, r Range) ([]P, error) {
	var found []P
	for _, data := range src.Scan(P(new(T)).table(), r) {
		rec := P(new(T))
		if err := decode(data, recordVersion, rec); err != nil {
			return nil, err
		}
		found = append(found, rec)
	}
	return found, nil
}

// sum is the additive set hash of all records: the sum modulo 2^256 of sha-256(table, key, data), little-endian words.
type sum [4]uint64

func rowHash(t Table, k string, data []byte) sum {
	h := sha256.New()
	var n [8]byte
	for _, part := range [][]byte{[]byte(t), []byte(k), data} {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	var out [32]byte
	h.Sum(out[:0])
	var s sum
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(out[8*i:])
	}
	return s
}

func (s *sum) add(o sum) {
	var carry uint64
	for i := range s {
		s[i], carry = bits.Add64(s[i], o[i], carry)
	}
}

func (s *sum) subtract(o sum) {
	var borrow uint64
	for i := range s {
		s[i], borrow = bits.Sub64(s[i], o[i], borrow)
	}
}

// bytes returns the sum as 32 bytes.
func (s sum) bytes() []byte {
	var out []byte
	for _, w := range s {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

func (s *sum) code(c *coder) {
	for i := range s {
		c.u64(&s[i])
	}
}

// without returns the entries of a that are not in b.
func without(a, b []Entry) []Entry {
	var out []Entry
	for _, e := range a {
		if !slices.Contains(b, e) {
			out = append(out, e)
		}
	}
	return out
}
