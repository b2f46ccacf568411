// SPDX-License-Identifier: Apache-2.0

package search

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"refdesk/search/query"
)

// matches are the documents of one segment that a plan lets through.
type matches struct {
	seg      *seg
	at       int // its place among the segments
	concepts []*roaring.Bitmap
	set      *roaring.Bitmap
	narrowed bool // the set leaves out documents that some concept has
}

// bits are the documents of segment i that speak of a concept.
func (c *concept) bits(i int) *roaring.Bitmap {
	var sets []*roaring.Bitmap
	for _, t := range c.terms {
		if l := t.lists[i]; l != nil {
			sets = append(sets, bits(l))
		}
	}
	for _, combo := range c.combos {
		sets = append(sets, together(combo, i))
	}
	if len(sets) == 1 {
		return sets[0]
	}
	return roaring.FastOr(sets...)
}

// together are the documents of segment i that speak of every concept.
func together(all []*concept, i int) *roaring.Bitmap {
	sets := make([]*roaring.Bitmap, len(all))
	for n, c := range all {
		if sets[n] = c.bits(i); sets[n].IsEmpty() {
			return roaring.New()
		}
	}
	return roaring.FastAnd(sets...)
}

// match finds the documents that have all concepts; if there are none anywhere and any is allowed, those that have
// any of them. relaxed says that it came to that.
func (r *reading) match(p *plan, mode Mode, f *filtering) (out []*matches, relaxed bool, err error) {
	for i, s := range r.segs {
		m := &matches{seg: s, at: i}
		for _, c := range p.concepts {
			m.concepts = append(m.concepts, c.bits(i))
		}
		out = append(out, m)
	}
	total := uint64(0)
	if mode != Any {
		for _, m := range out {
			if err := r.restrict(m, p, f, false); err != nil {
				return nil, false, err
			}
			total += m.set.GetCardinality()
		}
	}
	if total > 0 || mode == All || mode == AllOrAny && len(p.concepts) < 2 {
		return out, false, nil
	}
	for _, m := range out {
		if err := r.restrict(m, p, f, true); err != nil {
			return nil, false, err
		}
	}
	return out, mode != Any, nil
}

// restrict makes the set of a segment.
func (r *reading) restrict(m *matches, p *plan, f *filtering, any bool) error {
	switch {
	case len(p.concepts) == 0:
		var err error
		if m.set, err = m.seg.live(); err != nil {
			return err
		}
	case any:
		m.set = roaring.FastOr(m.concepts...)
	default:
		m.set = roaring.FastAnd(m.concepts...)
	}
	m.narrowed = !any || len(p.phrases)+len(p.not)+len(p.filters) > 0 || f.kinds != nil
	for _, ph := range p.phrases {
		if !ph.not {
			m.set.And(together(ph.must, m.at))
		}
	}
	for _, c := range p.not {
		m.set.AndNot(c.bits(m.at))
	}
	if len(f.kinds) > 0 {
		var kinds []*roaring.Bitmap
		for _, k := range f.kinds {
			b, err := m.seg.keyBits("kind=" + string(k))
			if err != nil {
				return err
			}
			kinds = append(kinds, b)
		}
		m.set.And(roaring.FastOr(kinds...))
	}
	if err := f.apply(m, p.filters); err != nil {
		return err
	}
	return r.ctx.Err()
}

// filtering is what filters need to know of the time and place of the search.
type filtering struct {
	now   time.Time
	loc   *time.Location
	kinds []Kind
	only  func(set *roaring.Bitmap, s *seg) error // a caller's own limit, such as departments
}

// apply narrows a set by filters. Filters of different keys all hold; of the same key any does, tags apart: a document
// has several of those, so all hold.
func (f *filtering) apply(m *matches, filters []query.Filter) error {
	either := map[query.Key]*roaring.Bitmap{}
	for _, x := range filters {
		if m.set.IsEmpty() {
			return nil
		}
		b, err := f.one(m, x)
		switch {
		case err != nil:
			return err
		case x.Not:
			m.set.AndNot(b)
		case x.Key == query.Dept || x.Key == query.Staff || x.Key == query.Patron || x.Key == query.ID || x.Key == query.Is:
			if either[x.Key] == nil {
				either[x.Key] = roaring.New()
			}
			either[x.Key].Or(b)
		default:
			m.set.And(b)
		}
	}
	for _, b := range either {
		m.set.And(b)
	}
	if f.only != nil {
		return f.only(m.set, m.seg)
	}
	return nil
}

// one returns the documents that a filter means.
func (f *filtering) one(m *matches, x query.Filter) (*roaring.Bitmap, error) {
	switch x.Key {
	case query.Before, query.After, query.Last:
		from, to := x.Span(f.now, f.loc)
		return m.between(from, to), nil
	case query.ID:
		return m.named(x.Value)
	case query.Rating:
		b := roaring.New()
		for n := 1; n <= 5; n++ {
			if !rated(n, x) {
				continue
			}
			k, err := m.seg.keyBits(keyTerm("rating", strconv.Itoa(n)))
			if err != nil {
				return nil, err
			}
			b.Or(k)
		}
		return b, nil
	case query.Has:
		if x.Value == "rating" {
			return f.one(m, query.Filter{Key: query.Rating, Op: ">=", Value: "1"})
		}
	}
	return m.seg.keyBits(keyTerm(string(x.Key), x.Value))
}

func rated(n int, x query.Filter) bool {
	switch x.Op {
	case "<":
		return n < x.Number()
	case "<=":
		return n <= x.Number()
	case ">":
		return n > x.Number()
	case ">=":
		return n >= x.Number()
	}
	return n == x.Number()
}

// between are the documents of the set from one time (included) to another.
func (m *matches) between(from, to time.Time) *roaring.Bitmap {
	lo, hi := from.UnixMilli(), to.UnixMilli()
	var in []uint32
	for it := m.set.Iterator(); it.HasNext(); {
		doc := it.Next()
		t := m.seg.cols.times[doc]
		if t != 0 && (from.IsZero() || t >= lo) && (to.IsZero() || t < hi) {
			in = append(in, doc)
		}
	}
	return roaring.BitmapOf(in...)
}

// named are the documents with an ID, or of the chat with that number.
func (m *matches) named(id string) (*roaring.Bitmap, error) {
	b, err := m.seg.data.DocNumbers([]string{id})
	if err != nil {
		return nil, err
	}
	b = b.Clone()
	n, err := strconv.ParseUint(strings.TrimPrefix(id, "#"), 10, 32)
	if err != nil || n == 0 {
		return b, nil
	}
	for it := m.set.Iterator(); it.HasNext(); {
		if doc := it.Next(); m.seg.cols.chats[doc] == uint32(n) {
			b.Add(doc)
		}
	}
	return b, nil
}

// limited limits a search to documents that have one of the values of a key, whatever is asked.
func limited(key string, values []string) func(*roaring.Bitmap, *seg) error {
	values = slices.Clone(values)
	return func(set *roaring.Bitmap, s *seg) error {
		allowed := roaring.New()
		for _, v := range values {
			b, err := s.keyBits(keyTerm(key, v))
			if err != nil {
				return err
			}
			allowed.Or(b)
		}
		set.And(allowed)
		return nil
	}
}
