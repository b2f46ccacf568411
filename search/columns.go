// SPDX-License-Identifier: Apache-2.0

package search

import (
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// columns are the numbers of a segment's documents, by document: they are read once, since a segment never changes.
// Sixteen bytes a document buy exact lengths for the ranking, and order and limits by time without looking at
// documents.
type columns struct {
	times   []int64 // milliseconds; 0 means none
	chats   []uint32
	lengths [nFields][]uint32 // nil where the field doesn't occur
	totals  [nFields]fieldStat

	gone     uint64 // deleted documents that goneStat counts
	goneStat [nFields]fieldStat
}

// fieldStat is what BM25 has to know of a field.
type fieldStat struct{ docs, length int64 }

func (f *fieldStat) add(g fieldStat, sign int64) {
	f.docs += sign * g.docs
	f.length += sign * g.length
}

// columnsOf returns the numbers of a segment.
func (p *part) columnsOf(s *scorch.SegmentSnapshot) (*columns, error) {
	p.mu.Lock()
	c := p.cols[s.Id()]
	p.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := readColumns(s.Segment())
	if err != nil {
		return nil, fmt.Errorf("read search index %s: %w", p.name, err)
	}
	p.mu.Lock()
	p.cols[s.Id()] = c
	p.mu.Unlock()
	return c, nil
}

// forget drops the numbers of segments that have been merged away.
func (p *part) forget(live []*scorch.SegmentSnapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.cols) <= 2*len(live)+8 {
		return
	}
	keep := make(map[uint64]*columns, len(live))
	for _, s := range live {
		if c := p.cols[s.Id()]; c != nil {
			keep[s.Id()] = c
		}
	}
	p.cols = keep
}

func readColumns(s segment.Segment) (*columns, error) {
	dict, err := s.Dictionary(colField)
	if err != nil {
		return nil, err
	}
	n := s.Count()
	c := &columns{times: make([]int64, n), chats: make([]uint32, n)}
	if err := column(dict, timeTerm, func(doc uint64, v uint64) { c.times[doc] = int64(v) }); err != nil {
		return nil, err
	}
	if err := column(dict, chatTerm, func(doc uint64, v uint64) { c.chats[doc] = uint32(v) }); err != nil {
		return nil, err
	}
	for f := range nFields {
		err := column(dict, "len."+fieldName(f), func(doc uint64, v uint64) {
			if c.lengths[f] == nil {
				c.lengths[f] = make([]uint32, n)
			}
			c.lengths[f][doc] = uint32(v)
			c.totals[f].add(fieldStat{1, int64(v)}, 1)
		})
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// column visits a number of all documents that have it, deleted ones too.
func column(dict segment.TermDictionary, name string, visit func(doc, v uint64)) error {
	list, err := dict.PostingsList([]byte(name), nil, nil)
	if err != nil {
		return err
	}
	it := list.Iterator(true, false, false, nil)
	for {
		post, err := it.Next()
		if err != nil || post == nil {
			return err
		}
		visit(post.Number(), post.Frequency())
	}
}

// stats are the totals of the documents that aren't deleted, so they don't change when a merge drops the others.
func (p *part) stats(c *columns, deleted *roaring.Bitmap) [nFields]fieldStat {
	out := c.totals
	if deleted == nil || deleted.IsEmpty() {
		return out
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := deleted.GetCardinality(); n != c.gone {
		c.gone, c.goneStat = n, [nFields]fieldStat{}
		for f, lengths := range c.lengths {
			if lengths == nil {
				continue
			}
			for it := deleted.Iterator(); it.HasNext(); {
				if v := lengths[it.Next()]; v > 0 {
					c.goneStat[f].add(fieldStat{1, int64(v)}, 1)
				}
			}
		}
	}
	for f := range out {
		out[f].add(c.goneStat[f], -1)
	}
	return out
}
