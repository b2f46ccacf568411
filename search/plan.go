// SPDX-License-Identifier: Apache-2.0

package search

import (
	"math"

	"github.com/RoaringBitmap/roaring/v2"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"refdesk/search/analysis"
	"refdesk/search/query"
)

// plan is a query made ready for one reading: concepts to rank by, and what has to be or must not be there.
type plan struct {
	concepts []*concept
	phrases  []*phrase
	not      []*concept
	filters  []query.Filter
	words    map[string]bool // terms to mark in excerpts
	changed  map[string]string
}

// concept is one thing that a document may speak of: any of its terms, or all of one of its combinations.
type concept struct {
	word   string
	times  float64 // that it was asked for
	stop   bool
	terms  []*term
	combos [][]*concept // synonyms of several words
}

// term is a term in one field.
type term struct {
	field  int
	text   string
	weight float64
	df     uint64
	idf    float64
	lists  []segment.PostingsList // by segment
}

// phrase is words that have to stand side by side.
type phrase struct {
	words []string // folded, not stemmed
	must  []*concept
	not   bool
}

// planner makes plans.
type planner struct {
	r     *reading
	x     *Index
	opts  Options
	plan  *plan
	known map[string]*concept // by first term, so that a repeated word counts once

	corrections int // words that may still be corrected
	expansions  int // terms that prefixes may still stand for
}

// lookup finds a term in the fields of its script.
func (p *planner) lookup(text string, s analysis.Script, weight float64) ([]*term, error) {
	var out []*term
	for name := range fieldNames {
		f := fieldOf(name, s)
		if p.r.stats[f].docs == 0 {
			continue
		}
		t := &term{field: f, text: text, weight: weight * fieldWeights[name], lists: make([]segment.PostingsList, len(p.r.segs))}
		for i, s := range p.r.segs {
			l, err := s.list(fieldName(f), text)
			if err != nil {
				return nil, err
			}
			if l != nil {
				t.lists[i] = l
				t.df += l.Count()
			}
		}
		if t.df > 0 {
			out = append(out, t)
		}
	}
	if len(out) > 0 {
		p.weigh(out)
	}
	return out, nil
}

// weigh gives a term the same weight in all its fields, by the number of documents that have it in any. A word that is
// common in texts is no rare find because few titles have it.
func (p *planner) weigh(fields []*term) {
	df := fields[0].df
	if len(fields) > 1 {
		df = 0
		for i := range p.r.segs {
			var sets []*roaring.Bitmap
			for _, t := range fields {
				if l := t.lists[i]; l != nil {
					sets = append(sets, bits(l))
				}
			}
			df += roaring.FastOr(sets...).GetCardinality()
		}
	}
	for _, t := range fields {
		t.df, t.idf = df, idf(df, p.r.most)
	}
}

// idf is the weight of a term that df of n documents have. A stop word may be in more documents than n, which counts
// those with other words.
func idf(df uint64, n int64) float64 {
	d := float64(df)
	return math.Log(1 + (max(float64(n)-d, 0)+0.5)/(d+0.5))
}

// tokens analyses a word in all languages that questions are asked in, the first one leading.
func (p *planner) tokens(text string) [][]analysis.Token {
	first := p.x.langs[0].Tokens(text)
	out := make([][]analysis.Token, len(first))
	for i, t := range first {
		out[i] = []analysis.Token{t}
	}
	for _, l := range p.x.langs[1:] {
		more := l.Tokens(text)
		if len(more) != len(first) {
			continue
		}
		for i, t := range more {
			out[i][0].Stop = out[i][0].Stop || t.Stop
			same := false
			for _, have := range out[i] {
				same = same || have.Term == t.Term
			}
			if !same {
				out[i] = append(out[i], t)
			}
		}
	}
	return out
}

// concept makes a concept of one token.
func (p *planner) concept(tokens []analysis.Token) (*concept, error) {
	c := &concept{word: tokens[0].Word, times: 1, stop: tokens[0].Stop}
	for _, t := range tokens {
		found, err := p.lookup(t.Term, t.Script, 1)
		if err != nil {
			return nil, err
		}
		c.terms = append(c.terms, found...)
	}
	return c, nil
}

// make turns a query into a plan.
func (p *planner) make(q query.Query) error {
	p.plan = &plan{filters: q.Filters, words: map[string]bool{}, changed: map[string]string{}}
	p.known = map[string]*concept{}
	p.corrections, p.expansions = maxCorrected, maxExpanded
	var said []string // the words in order, for synonyms
	for i, c := range q.Clauses {
		var err error
		switch {
		case c.Kind == query.Phrase:
			err = p.phrase(c)
		case c.Not:
			err = p.without(c)
		case c.Kind == query.Prefix || p.opts.Typing && i == len(q.Clauses)-1:
			err = p.prefix(c.Text)
		default:
			err = p.word(c.Text, &said)
		}
		if err != nil {
			return err
		}
	}
	p.dropStops()
	if err := p.addSynonyms(said); err != nil {
		return err
	}
	p.mark(p.plan.concepts)
	for _, ph := range p.plan.phrases {
		if !ph.not {
			p.mark(ph.must)
		}
	}
	return nil
}

// mark notes the terms to mark in excerpts.
func (p *planner) mark(all []*concept) {
	for _, c := range all {
		for _, t := range c.terms {
			p.plan.words[t.text] = true
		}
		for _, combo := range c.combos {
			p.mark(combo)
		}
	}
}

func (p *planner) word(text string, said *[]string) error {
	for _, tokens := range p.tokens(text) {
		*said = append(*said, tokens[0].Term)
		if have := p.known[tokens[0].Term]; have != nil {
			have.times++
			continue
		}
		c, err := p.concept(tokens)
		if err != nil {
			return err
		}
		if len(c.terms) == 0 && !c.stop {
			if err := p.correct(c, tokens[0]); err != nil {
				return err
			}
		}
		p.known[tokens[0].Term] = c
		p.plan.concepts = append(p.plan.concepts, c)
	}
	return nil
}

// without keeps out what has any form of a word; of a word of several parts, what has them all.
func (p *planner) without(c query.Clause) error {
	n := len(p.plan.concepts)
	var err error
	if c.Kind == query.Prefix {
		err = p.prefix(c.Text)
	} else {
		for _, tokens := range p.tokens(c.Text) {
			one, err := p.concept(tokens)
			if err != nil {
				return err
			}
			p.plan.concepts = append(p.plan.concepts, one)
		}
	}
	parts := p.plan.concepts[n:]
	p.plan.concepts = p.plan.concepts[:n:n]
	if len(parts) > 0 {
		p.plan.not = append(p.plan.not, &concept{combos: [][]*concept{parts}})
	}
	return err
}

func (p *planner) phrase(c query.Clause) error {
	ph := &phrase{not: c.Not}
	for _, tokens := range p.tokens(c.Text) {
		one, err := p.concept(tokens)
		if err != nil {
			return err
		}
		ph.words = append(ph.words, tokens[0].Word)
		ph.must = append(ph.must, one)
		if !c.Not {
			p.plan.concepts = append(p.plan.concepts, one)
		}
	}
	if len(ph.words) > 0 {
		p.plan.phrases = append(p.plan.phrases, ph)
	}
	return nil
}

// dropStops leaves the stop words out, unless there is nothing else.
func (p *planner) dropStops() {
	var kept []*concept
	for _, c := range p.plan.concepts {
		if !c.stop {
			kept = append(kept, c)
		}
	}
	if len(kept) > 0 {
		p.plan.concepts = kept
	}
}
