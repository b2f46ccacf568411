// SPDX-License-Identifier: Apache-2.0

package search

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// Holds reports whether a word stands anywhere in the index, whatever the case of its letters: in a term or in a text that is
// kept, also of documents that were deleted and whose bytes are still there. It reads everything; it is for a proof, not for
// a search.
func (x *Index) Holds(ctx context.Context, word string) (found bool, err error) {
	r, err := x.read(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	word = strings.ToLower(word)
	for _, s := range r.segs {
		for _, look := range []func(context.Context, segment.Segment, string) (bool, error){inTerms, inTexts} {
			if found, err := look(ctx, s.data, word); found || err != nil {
				return found, err
			}
		}
	}
	return false, nil
}

func inTerms(ctx context.Context, s segment.Segment, word string) (bool, error) {
	for _, field := range s.Fields() {
		d, err := s.Dictionary(field)
		if err != nil {
			return false, fmt.Errorf("read the terms of %s: %w", field, err)
		}
		it := d.AutomatonIterator(nil, nil, nil)
		for {
			e, err := it.Next()
			if err != nil {
				return false, fmt.Errorf("read the terms of %s: %w", field, err)
			}
			if e == nil {
				break
			}
			if strings.Contains(strings.ToLower(e.Term), word) {
				return true, nil
			}
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
	}
	return false, nil
}

func inTexts(ctx context.Context, s segment.Segment, word string) (found bool, err error) {
	want := []byte(word)
	for n := uint64(0); n < s.Count() && !found; n++ {
		if n%1000 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		err := s.VisitStoredFields(n, func(_ string, _ byte, value []byte, _ []uint64) bool {
			found = found || bytes.Contains(bytes.ToLower(value), want)
			return !found
		})
		if err != nil {
			return false, fmt.Errorf("read a text that is kept: %w", err)
		}
	}
	return found, nil
}
