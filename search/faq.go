// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"refdesk/search/query"
)

// Answers is the result of a FAQ search.
type Answers struct {
	Result
	Good       bool    // the first hit is likely to answer the question
	Confidence float64 // 0 to 1: how much of the question the first hit answers
}

// goodAnswer is the confidence from which a hit counts as an answer. It was learned from the scores of questions with
// and without an answer; the test beside it learns it anew and compares.
const goodAnswer = 0.29

// Words makes a query of plain words: patrons don't know the query language, so nothing in their text is special.
func Words(text string) query.Query {
	if len(text) > query.MaxBytes {
		text = strings.ToValidUTF8(text[:query.MaxBytes], "")
	}
	var q query.Query
	for _, w := range strings.Fields(text) {
		if len(q.Clauses) == query.MaxClauses {
			break
		}
		q.Clauses = append(q.Clauses, query.Clause{Text: w})
	}
	return q
}

// Answer searches FAQs for what a patron asks in his own words. Fewer than two characters ask nothing. Hits are there
// even when none is good, for staff; patrons are shown them only if Good.
func (x *Index) Answer(ctx context.Context, text string, opts Options) (Answers, error) {
	opts.Mode, opts.Order, opts.Kinds = Any, ByRelevance, []Kind{FAQ}
	opts = opts.withDefaults()
	if utf8.RuneCountInString(strings.TrimSpace(text)) < 2 {
		return Answers{}, nil
	}
	inner, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	r, err := x.read(inner)
	if err != nil {
		return Answers{}, err
	}
	s := &searching{x: x, r: r, opts: opts}
	var out Answers
	out.Result, err = s.run(Words(text))
	if ctx.Err() == nil && inner.Err() != nil && errors.Is(err, inner.Err()) {
		err, out.Partial = nil, true
	}
	if err == nil && len(out.Hits) > 0 && opts.After == "" {
		out.Confidence = s.confidence(out.Hits[0].Score)
		out.Good = out.Confidence >= goodAnswer
	}
	err = errors.Join(err, r.close())
	if err != nil {
		return Answers{}, fmt.Errorf("search FAQs: %w", err)
	}
	return out, nil
}

// confidence compares the score of a hit with what a document would get that has every word of the question once in its
// title. A word that the index doesn't know weighs as if one document had it.
func (s *searching) confidence(score float64) float64 {
	var whole float64
	for _, c := range s.plan.concepts {
		worth := idf(1, s.r.most)
		for i, t := range c.terms {
			if i == 0 || t.idf < worth {
				worth = t.idf
			}
		}
		whole += worth * c.times * fieldWeights[0]
	}
	if whole == 0 {
		return 0
	}
	return min(1, score/whole)
}
