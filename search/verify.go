// SPDX-License-Identifier: Apache-2.0

package search

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// Positions are not in the index: they would make it half as large again. That the words of a phrase stand side by
// side is looked up in the kept text, and only for documents that get onto the page.

// verified tells whether a document has the phrases that it must have, and none that it must not.
func (s *searching) verified(f *found) (bool, error) {
	if s.sure || len(s.plan.phrases) == 0 {
		return true, nil
	}
	return s.verify(s.r.segs[f.at], f.doc)
}

func (s *searching) verify(sg *seg, doc uint32) (bool, error) {
	if err := s.r.ctx.Err(); err != nil {
		return false, err
	}
	d, err := sg.stored(doc)
	if err != nil {
		return false, err
	}
	var texts [][]string
	for _, v := range d.values() {
		var words []string
		for _, t := range s.x.langs[0].Tokens(v) {
			words = append(words, t.Word)
		}
		texts = append(texts, words)
	}
	for _, ph := range s.plan.phrases {
		has := slices.ContainsFunc(texts, func(words []string) bool { return within(words, ph.words) })
		if has == ph.not {
			return false, nil
		}
	}
	return true, nil
}

// verifyAll looks for the phrases in every document, for exact counts.
func (s *searching) verifyAll() error {
	if len(s.plan.phrases) == 0 {
		return nil
	}
	for _, m := range s.sets {
		kept := roaring.New()
		for it := m.set.Iterator(); it.HasNext(); {
			doc := it.Next()
			ok, err := s.verify(m.seg, doc)
			if err != nil {
				return err
			}
			if ok {
				kept.Add(doc)
			}
		}
		m.set = kept
	}
	s.sure = true
	return nil
}
