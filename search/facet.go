// SPDX-License-Identifier: Apache-2.0

package search

import (
	"cmp"
	"slices"

	index "github.com/blevesearch/bleve_index_api"
)

// facets counts the values of the keys that are asked for: for each value, how many documents it shares with the
// matches.
func (s *searching) facets() (map[string][]Count, error) {
	if len(s.opts.Facets) == 0 {
		return nil, nil
	}
	out := map[string][]Count{}
	for _, key := range s.opts.Facets {
		var values []string
		err := s.r.words(keyField, key+"=", 0, func(e *index.DictEntry, _ int) bool {
			values = append(values, e.Term)
			return len(values) < 100_000
		})
		if err != nil {
			return nil, err
		}
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			n, err := s.share(v)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				out[key] = append(out[key], Count{v[len(key)+1:], n})
			}
		}
		if all := out[key]; all != nil {
			slices.SortStableFunc(all, func(a, b Count) int { return cmp.Compare(b.Docs, a.Docs) })
			out[key] = all[:min(len(all), facetValues)]
		}
	}
	return out, nil
}

func (s *searching) share(term string) (uint64, error) {
	var n uint64
	for _, m := range s.sets {
		if m.set.IsEmpty() {
			continue
		}
		b, err := m.seg.keyBits(term)
		if err != nil {
			return 0, err
		}
		n += b.AndCardinality(m.set)
	}
	return n, s.r.ctx.Err()
}
