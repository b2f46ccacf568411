// SPDX-License-Identifier: Apache-2.0

package search

import (
	"container/heap"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
)

// Order is how results are sorted.
type Order uint8

// The orders. Equal scores go by time, equal times by ID, the later first.
const (
	ByRelevance Order = iota
	ByDate
)

// queue hands out documents in order. Only as much is sorted as is asked for.
type queue struct {
	r     *reading
	order Order
	all   []found
}

func newQueue(r *reading, order Order, all []found) *queue {
	q := &queue{r, order, all}
	heap.Init(q)
	return q
}

func (q *queue) Len() int           { return len(q.all) }
func (q *queue) Less(i, j int) bool { return q.before(&q.all[i], &q.all[j]) }
func (q *queue) Swap(i, j int)      { q.all[i], q.all[j] = q.all[j], q.all[i] }
func (q *queue) Push(x any)         { q.all = append(q.all, x.(found)) }

// Pop is for package heap.
func (q *queue) Pop() any {
	last := q.all[len(q.all)-1]
	q.all = q.all[:len(q.all)-1]
	return last
}

func (q *queue) next() (found, bool) {
	if len(q.all) == 0 {
		return found{}, false
	}
	f := q.all[0]
	last := len(q.all) - 1
	q.all[0] = q.all[last]
	q.all = q.all[:last]
	if last > 0 {
		heap.Fix(q, 0)
	}
	return f, true
}

func (q *queue) before(a, b *found) bool {
	if q.order == ByRelevance && a.score != b.score {
		return a.score > b.score
	}
	if a.time != b.time {
		return a.time > b.time
	}
	return q.id(a) > q.id(b)
}

func (q *queue) id(f *found) string { return q.r.segs[f.at].id(f.doc) }

// after tells whether a document comes behind a place.
func (q *queue) after(f *found, c *place) bool {
	if q.order == ByRelevance && f.score != c.score {
		return f.score < c.score
	}
	if f.time != c.time {
		return f.time < c.time
	}
	return q.id(f) < c.id
}

// place is where a page ended. It names the last document, not a count, so what comes in meanwhile shifts nothing.
type place struct {
	score float64
	time  int64
	id    string
}

// String is the cursor that callers hold.
func (c place) String() string {
	b := binary.BigEndian.AppendUint64(nil, math.Float64bits(c.score))
	b = binary.BigEndian.AppendUint64(b, uint64(c.time))
	return base64.RawURLEncoding.EncodeToString(append(b, c.id...))
}

// readPlace reads a cursor. One that isn't ours means the beginning.
func readPlace(s string) *place {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < 16 || len(b) > 16+maxID {
		return nil
	}
	c := place{math.Float64frombits(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:])), strings.Clone(string(b[16:]))}
	if math.IsNaN(c.score) {
		return nil
	}
	return &c
}
