// SPDX-License-Identifier: Apache-2.0

package search

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	index "github.com/blevesearch/bleve_index_api"

	"refdesk/search/analysis"
)

// Limits of what words may stand for, so that no query takes long.
const (
	maxCorrections = 3   // terms for one unknown word
	maxCorrected   = 12  // unknown words of a query
	maxExpansions  = 48  // terms for one prefix
	maxExpanded    = 192 // terms for all prefixes of a query
)

// candidate is a term of the index that a word may mean.
type candidate struct {
	term     string
	distance int
	first    bool // begins with another letter
	count    uint64
	found    []*term
}

// correct finds what an unknown word was meant to be. Words that the index knows are never touched: that costs
// more good results than it brings.
func (p *planner) correct(c *concept, t analysis.Token) error {
	letters := utf8.RuneCountInString(t.Word)
	if t.Script != analysis.Latin || letters < 4 || strings.ContainsAny(t.Word, "0123456789") || p.corrections == 0 {
		return nil
	}
	p.corrections--
	far := 1
	if letters >= 7 {
		far = 2
	}
	found := map[string]*candidate{}
	for name := range fieldNames {
		for _, form := range slices.Compact([]string{t.Term, t.Word}) {
			err := p.r.words(fieldName(fieldOf(name, t.Script)), form, far, func(e *index.DictEntry, distance int) bool {
				if known := found[e.Term]; known != nil {
					known.distance = min(known.distance, distance)
					known.count += e.Count
				} else {
					found[e.Term] = &candidate{term: e.Term, distance: distance, first: e.Term[0] != t.Word[0], count: e.Count}
				}
				return true
			})
			if err != nil {
				return err
			}
		}
	}
	best, err := p.nearest(found, t.Script)
	if err != nil || len(best) == 0 {
		return err
	}
	for i, b := range best {
		for _, found := range b.found {
			found.weight /= float64(i + 1)
		}
		c.terms = append(c.terms, b.found...)
	}
	p.plan.changed[t.Word] = best[0].term
	return nil
}

// nearest chooses by distance, then those with the same first letter, then the commonest. The dictionary still counts
// deleted documents, so what comes near the top is looked up and sorted again.
func (p *planner) nearest(found map[string]*candidate, s analysis.Script) ([]*candidate, error) {
	var all []*candidate
	for _, c := range found {
		all = append(all, c)
	}
	slices.SortFunc(all, nearer)
	var live []*candidate
	for _, c := range all[:min(len(all), 8*maxCorrections)] {
		var err error
		if c.found, err = p.lookup(c.term, s, 1); err != nil {
			return nil, err
		}
		if len(c.found) > 0 {
			c.count = c.found[0].df
			live = append(live, c)
		}
	}
	slices.SortFunc(live, nearer)
	return live[:min(len(live), maxCorrections)], nil
}

func nearer(a, b *candidate) int {
	return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(truth(a.first), truth(b.first)), cmp.Compare(b.count, a.count), cmp.Compare(a.term, b.term))
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// prefix adds a concept of the words that begin so. What stands before the last word of it are ordinary words.
func (p *planner) prefix(text string) error {
	all := p.tokens(text)
	if len(all) == 0 {
		return nil
	}
	var said []string
	last := all[len(all)-1][0]
	if head := text[:last.Start]; head != "" {
		if err := p.word(head, &said); err != nil {
			return err
		}
	}
	c, err := p.concept(all[len(all)-1])
	if err != nil {
		return err
	}
	c.stop = false
	if err := p.expand(c, last); err != nil {
		return err
	}
	if len(c.terms) == 0 {
		if err := p.correct(c, last); err != nil {
			return err
		}
	}
	p.plan.concepts = append(p.plan.concepts, c)
	return nil
}

// expand adds the commonest terms that begin with a word. Those that it is the whole of are there already.
func (p *planner) expand(c *concept, t analysis.Token) error {
	if p.expansions == 0 {
		return nil
	}
	found := map[string]*candidate{}
	for name := range fieldNames {
		err := p.r.words(fieldName(fieldOf(name, t.Script)), t.Word, 0, func(e *index.DictEntry, _ int) bool {
			if known := found[e.Term]; known != nil {
				known.count += e.Count
			} else if e.Term != t.Term {
				found[e.Term] = &candidate{term: e.Term, count: e.Count}
			}
			return len(found) < 20000
		})
		if err != nil {
			return err
		}
	}
	var all []*candidate
	for _, f := range found {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *candidate) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.term, b.term)) })
	all = all[:min(len(all), maxExpansions, p.expansions)]
	p.expansions -= len(all)
	for _, f := range all {
		terms, err := p.lookup(f.term, t.Script, 1)
		if err != nil {
			return err
		}
		c.terms = append(c.terms, terms...)
	}
	return nil
}
