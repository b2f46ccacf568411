// SPDX-License-Identifier: Apache-2.0

package search

import (
	"math"

	"github.com/RoaringBitmap/roaring/v2"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// The constants of BM25, as in the literature. They are not tuned to any collection.
const (
	k1       = 1.2
	byLength = 0.75 // called b there
)

// scratch is the memory in which one segment is scored, reused from search to search and always left zeroed.
type scratch struct {
	score   []float32
	matched []uint8 // concepts that the document has
	mark    []uint8 // 1 + the last of them
}

func (s *scratch) fit(n uint64) {
	if uint64(len(s.score)) < n {
		s.score, s.matched, s.mark = make([]float32, n), make([]uint8, n), make([]uint8, n)
	}
}

// maxConcepts bounds a query; mark has to hold one more.
const maxConcepts = 64

// found is a document that matches.
type found struct {
	score float64
	time  int64
	at    int32 // segment
	doc   uint32
}

// score ranks the documents of a segment: the sum of each concept's BM25 in all fields, times √(concepts it has / all
// concepts), so that a document that answers the whole question beats one that harps on a part of it.
func (r *reading) score(m *matches, p *plan, mem *scratch, out []found) ([]found, error) {
	if m.set.IsEmpty() {
		return out, nil
	}
	mem.fit(m.seg.data.Count())
	var err error
	for i, c := range p.concepts {
		if err = r.scoreConcept(m, c, uint8(i+1), mem); err != nil {
			break
		}
	}
	all := float64(len(p.concepts))
	for it := m.set.Iterator(); it.HasNext(); {
		doc := it.Next()
		if err == nil {
			s := float64(mem.score[doc]) * math.Sqrt(float64(mem.matched[doc])/all)
			out = append(out, found{s, m.seg.cols.times[doc], int32(m.at), doc})
		}
		mem.score[doc], mem.matched[doc], mem.mark[doc] = 0, 0, 0
	}
	return out, err
}

func (r *reading) scoreConcept(m *matches, c *concept, mark uint8, mem *scratch) error {
	set := m.set
	if !m.narrowed {
		set = nil
	}
	for _, t := range c.terms {
		if err := r.scoreTerm(m, t, c.times, set, mark, mem); err != nil {
			return err
		}
	}
	for _, combo := range c.combos {
		rest := roaring.And(together(combo, m.at), m.set)
		for it := rest.Clone().Iterator(); it.HasNext(); {
			if doc := it.Next(); mem.mark[doc] == mark {
				rest.Remove(doc) // said in so many words already
			}
		}
		for _, word := range combo {
			for _, t := range word.terms {
				if err := r.scoreTerm(m, t, c.times, rest, mark, mem); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// scoreTerm adds what one term in one field is worth. A set limits it to some documents; nil means all.
func (r *reading) scoreTerm(m *matches, t *term, times float64, set *roaring.Bitmap, mark uint8, mem *scratch) error {
	list := t.lists[m.at]
	if list == nil {
		return nil
	}
	it := list.Iterator(true, false, false, nil)
	if set != nil {
		opt, ok := it.(segment.OptimizablePostingsIterator)
		if !ok {
			return nil
		}
		if doc, one := opt.DocNum1Hit(); one {
			if !set.Contains(uint32(doc)) {
				return nil
			}
		} else if have := opt.ActualBitmap(); have == nil {
			return nil
		} else {
			opt.ReplaceActual(roaring.And(have, set))
		}
	}
	st := r.stats[t.field]
	lengths := m.seg.cols.lengths[t.field]
	perWord := k1 * byLength * float64(st.docs) / float64(st.length)
	worth := t.weight * t.idf * times * (k1 + 1)
	for n := 1; ; n++ {
		post, err := it.Next()
		if err != nil {
			return err
		}
		if post == nil {
			return nil
		}
		if n%8192 == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		doc := post.Number()
		tf := float64(post.Frequency())
		length := 0.0
		if lengths != nil {
			length = float64(lengths[doc])
		}
		mem.score[doc] += float32(worth * tf / (tf + k1*(1-byLength) + perWord*length))
		if mem.mark[doc] != mark {
			mem.mark[doc] = mark
			mem.matched[doc]++
		}
	}
}
