// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"refdesk/search/query"
)

// Search answers a query.
func (x *Index) Search(ctx context.Context, q query.Query, opts Options) (Result, error) {
	opts = opts.withDefaults()
	inner, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	r, err := x.read(inner)
	if err != nil {
		return Result{}, err
	}
	s := &searching{x: x, r: r, opts: opts}
	res, err := s.run(q)
	if ctx.Err() == nil && inner.Err() != nil && errors.Is(err, inner.Err()) {
		err, res.Partial = nil, true
	}
	err = errors.Join(err, r.close())
	if err != nil {
		return Result{}, fmt.Errorf("search: %w", err)
	}
	return res, nil
}

// searching is one search on its way.
type searching struct {
	x    *Index
	r    *reading
	opts Options
	plan *plan
	sets []*matches
	sure bool // phrases have been looked for in all documents
}

func (s *searching) run(q query.Query) (Result, error) {
	var res Result
	if q.Empty() {
		return res, nil
	}
	p := &planner{r: s.r, x: s.x, opts: s.opts}
	if err := p.make(q); err != nil {
		return res, err
	}
	s.plan = p.plan
	s.plan.concepts = s.plan.concepts[:min(len(s.plan.concepts), maxConcepts)]
	if len(s.plan.concepts)+len(s.plan.filters)+len(s.plan.not)+len(s.plan.phrases) == 0 {
		return res, nil // words without a letter of any script
	}
	res.Corrected = s.plan.changed
	f := &filtering{now: s.opts.Now, loc: s.opts.Zone, kinds: s.opts.Kinds}
	if s.opts.Depts != nil {
		f.only = limited("dept", s.opts.Depts)
	}
	var err error
	if s.sets, res.Relaxed, err = s.r.match(s.plan, s.opts.Mode, f); err != nil {
		return res, err
	}
	if len(s.opts.Facets) > 0 {
		if err := s.verifyAll(); err != nil {
			return res, err
		}
	}
	for _, m := range s.sets {
		res.Total += m.set.GetCardinality()
	}
	res.AtMost = len(s.plan.phrases) > 0 && !s.sure
	if res.Facets, err = s.facets(); err != nil {
		return res, err
	}
	all, err := s.rank(res.Total)
	if err != nil {
		return res, err
	}
	return res, s.page(&res, all)
}

// rank scores what matches, or when the order is by date only lists it.
func (s *searching) rank(total uint64) ([]found, error) {
	all := make([]found, 0, total)
	if s.opts.Order == ByDate || len(s.plan.concepts) == 0 {
		for _, m := range s.sets {
			for it := m.set.Iterator(); it.HasNext(); {
				doc := it.Next()
				all = append(all, found{0, m.seg.cols.times[doc], int32(m.at), doc})
			}
		}
		return all, s.r.ctx.Err()
	}
	mem, _ := s.x.memory.Get().(*scratch)
	if mem == nil {
		mem = &scratch{}
	}
	defer s.x.memory.Put(mem)
	var err error
	for _, m := range s.sets {
		if all, err = s.r.score(m, s.plan, mem, all); err != nil {
			return all, err
		}
	}
	return all, nil
}

// page takes documents off the queue until the page is full.
func (s *searching) page(res *Result, all []found) error {
	q := newQueue(s.r, s.opts.Order, all)
	from := readPlace(s.opts.After)
	chats := map[uint32]int{} // their place among the hits; -1 on an earlier page
	var last found
	for {
		f, ok := q.next()
		if !ok {
			break
		}
		chat := s.r.segs[f.at].cols.chats[f.doc]
		past := from == nil || q.after(&f, from)
		if !past && (!s.opts.Group || chat == 0) {
			continue
		}
		if ok, err := s.verified(&f); err != nil {
			return err
		} else if !ok {
			continue
		}
		if s.opts.Group && chat != 0 {
			if i, known := chats[chat]; known {
				if i >= 0 {
					if err := s.line(&res.Hits[i], &f); err != nil {
						return err
					}
				}
				continue
			}
			if !past {
				chats[chat] = -1
				continue
			}
		}
		if len(res.Hits) == s.opts.Limit {
			res.Next = place{last.score, last.time, q.id(&last)}.String()
			if s.opts.Group {
				return s.rest(res, q, chats)
			}
			return nil
		}
		h, err := s.hit(&f)
		if err != nil {
			return err
		}
		if s.opts.Group && chat != 0 {
			chats[chat] = len(res.Hits)
			if h.Kind != Chat {
				h.Lines = []Hit{h}
			}
		}
		res.Hits = append(res.Hits, h)
		last = f
	}
	s.sortLines(res)
	return nil
}

// rest finds further lines of the page's chats among the documents that rank below it.
func (s *searching) rest(res *Result, q *queue, chats map[uint32]int) error {
	below := slices.DeleteFunc(q.all, func(f found) bool {
		i, known := chats[s.r.segs[f.at].cols.chats[f.doc]]
		return !known || i < 0 || len(res.Hits[i].Lines) >= linesPerChat
	})
	q = newQueue(s.r, s.opts.Order, below)
	for f, ok := q.next(); ok; f, ok = q.next() {
		h := &res.Hits[chats[s.r.segs[f.at].cols.chats[f.doc]]]
		if len(h.Lines) >= linesPerChat {
			continue
		}
		if ok, err := s.verified(&f); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		if err := s.line(h, &f); err != nil {
			return err
		}
	}
	s.sortLines(res)
	return nil
}

// line adds a line to the hit of its chat.
func (s *searching) line(h *Hit, f *found) error {
	if len(h.Lines) >= linesPerChat {
		return nil
	}
	l, err := s.hit(f)
	if err == nil && l.Kind != Chat {
		h.Lines = append(h.Lines, l)
	}
	return err
}

func (s *searching) sortLines(res *Result) {
	for _, h := range res.Hits {
		slices.SortFunc(h.Lines, func(a, b Hit) int { return a.Time.Compare(b.Time) })
	}
}

// hit loads what is shown of a document.
func (s *searching) hit(f *found) (Hit, error) {
	sg := s.r.segs[f.at]
	d, err := sg.stored(f.doc)
	if err != nil {
		return Hit{}, err
	}
	h := Hit{
		ID: sg.id(f.doc), Kind: d.kind, Chat: uint64(sg.cols.chats[f.doc]), Score: f.score,
		Title: s.excerpt(d.title, len(d.title)), Text: s.excerpt(d.text, s.opts.Excerpt),
	}
	if f.time != 0 {
		h.Time = time.UnixMilli(f.time).UTC()
	}
	return h, nil
}
