// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	index "github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// reading is one consistent view of the index for one search.
type reading struct {
	ctx   context.Context
	ed    *edition
	snaps []*scorch.IndexSnapshot
	segs  []*seg
	stats [nFields]fieldStat
	most  int64 // documents that have the field that most have
}

// seg is a segment of a part with what the search has looked up in it.
type seg struct {
	part  *part
	data  segment.Segment
	gone  *roaring.Bitmap
	cols  *columns
	dicts map[string]segment.TermDictionary
}

// read opens a view. The caller closes it.
func (x *Index) read(ctx context.Context) (*reading, error) {
	e := x.edition()
	e.use.RLock()
	if e.isClosed() { // swapped away meanwhile, or shut
		e.use.RUnlock()
		if e == x.edition() {
			return nil, ErrClosed
		}
		return x.read(ctx)
	}
	r := &reading{ctx: ctx, ed: e}
	for _, p := range e.all() {
		if err := r.add(p); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	for _, st := range r.stats {
		r.most = max(r.most, st.docs)
	}
	return r, nil
}

func (r *reading) add(p *part) error {
	snap, err := p.snapshot()
	if err != nil {
		return err
	}
	r.snaps = append(r.snaps, snap)
	for _, s := range snap.Segments() {
		c, err := p.columnsOf(s)
		if err != nil {
			return err
		}
		for f, st := range p.stats(c, s.Deleted()) {
			r.stats[f].add(st, 1)
		}
		r.segs = append(r.segs, &seg{part: p, data: s.Segment(), gone: s.Deleted(), cols: c, dicts: map[string]segment.TermDictionary{}})
	}
	p.forget(snap.Segments())
	return nil
}

func (r *reading) close() error {
	var err error
	for _, s := range r.snaps {
		err = errors.Join(err, s.Close())
	}
	r.ed.use.RUnlock()
	return err
}

// list returns the postings of a term in a segment, nil if it isn't there.
func (s *seg) list(field, term string) (segment.PostingsList, error) {
	d := s.dicts[field]
	if d == nil {
		var err error
		if d, err = s.data.Dictionary(field); err != nil {
			return nil, fmt.Errorf("read search index %s: %w", s.part.name, err)
		}
		s.dicts[field] = d
	}
	l, err := d.PostingsList([]byte(term), s.gone, nil)
	if err != nil {
		return nil, fmt.Errorf("read search index %s: %w", s.part.name, err)
	}
	if l.Count() == 0 {
		return nil, nil
	}
	return l, nil
}

// bits returns the documents of a postings list. The caller may not change them.
func bits(l segment.PostingsList) *roaring.Bitmap {
	it, ok := l.Iterator(false, false, false, nil).(segment.OptimizablePostingsIterator)
	if !ok {
		return roaring.New()
	}
	if doc, one := it.DocNum1Hit(); one {
		return roaring.BitmapOf(uint32(doc))
	}
	if b := it.ActualBitmap(); b != nil {
		return b
	}
	return roaring.New()
}

// live are all documents of a segment, the tombstone apart.
func (s *seg) live() (*roaring.Bitmap, error) {
	b := roaring.New()
	b.AddRange(0, s.data.Count())
	if s.gone != nil {
		b.AndNot(s.gone)
	}
	stone, err := s.data.DocNumbers([]string{tombstone})
	if err != nil {
		return nil, fmt.Errorf("read search index %s: %w", s.part.name, err)
	}
	b.AndNot(stone)
	return b, nil
}

// keyBits are the documents that have a key.
func (s *seg) keyBits(term string) (*roaring.Bitmap, error) {
	l, err := s.list(keyField, term)
	if err != nil || l == nil {
		return roaring.New(), err
	}
	return bits(l), nil
}

// words calls visit for the terms of a field that begin with a prefix, or with fuzz > 0 for those within so many edits
// of it, until visit says stop. A term may come once per part.
func (r *reading) words(field, text string, fuzz int, visit func(e *index.DictEntry, distance int) bool) error {
	for _, snap := range r.snaps {
		var dict index.FieldDict
		var err error
		var match index.FuzzyAutomaton
		if fuzz > 0 {
			dict, match, err = snap.FieldDictFuzzyAutomaton(field, text, fuzz, "")
		} else {
			dict, err = snap.FieldDictPrefix(field, []byte(text))
		}
		if err != nil {
			return fmt.Errorf("read search index: %w", err)
		}
		for {
			e, err := dict.Next()
			if err != nil {
				return errors.Join(fmt.Errorf("read search index: %w", err), dict.Close())
			}
			if e == nil {
				break
			}
			distance := 0
			if match != nil {
				_, d := match.MatchAndDistance(e.Term)
				distance = int(d)
			}
			if !visit(e, distance) {
				break
			}
		}
		if err := dict.Close(); err != nil {
			return fmt.Errorf("read search index: %w", err)
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// stored loads what a result shows of a document.
func (s *seg) stored(doc uint32) (stored, error) {
	var out stored
	err := s.data.VisitStoredFields(uint64(doc), func(field string, _ byte, value []byte, _ []uint64) bool {
		if field == storedField {
			out = unpack(value)
		}
		return true
	})
	if err != nil {
		return out, fmt.Errorf("read search index %s: %w", s.part.name, err)
	}
	return out, nil
}

// id is the document's own.
func (s *seg) id(doc uint32) string {
	b, err := s.data.DocID(uint64(doc))
	if err != nil {
		return ""
	}
	return string(b)
}
