// SPDX-License-Identifier: Apache-2.0

package search

import (
	"slices"
	"strings"
	"sync"
)

// synonyms are the sets of words that staff say mean the same, each as typed: "ILL", "document delivery".
type synonyms struct {
	mu   sync.Mutex
	sets [][]string
}

// Limits of the list.
const (
	maxSynonymSets  = 2000
	maxSynonymWords = 6
)

// SetSynonyms replaces the list. Each set is phrases that stand for one another; they are looked up when somebody
// searches, so nothing has to be indexed anew.
func (x *Index) SetSynonyms(sets [][]string) {
	kept := make([][]string, 0, min(len(sets), maxSynonymSets))
	for _, s := range sets[:min(len(sets), maxSynonymSets)] {
		kept = append(kept, slices.Clone(s))
	}
	x.synonyms.mu.Lock()
	x.synonyms.sets = kept
	x.synonyms.mu.Unlock()
}

// ParseSynonyms reads the list as staff edit it: a set a line, its phrases between equal signs or commas.
func ParseSynonyms(text string) [][]string {
	var out [][]string
	for line := range strings.Lines(text) {
		var set []string
		for _, p := range strings.FieldsFunc(line, func(r rune) bool { return r == '=' || r == ',' || r == '\n' || r == '\r' }) {
			if p = strings.TrimSpace(p); p != "" {
				set = append(set, p)
			}
		}
		if len(set) > 1 {
			out = append(out, set)
		}
	}
	return out
}

// addSynonyms lets the words of a query also stand for what the list says. said are its words in order.
func (p *planner) addSynonyms(said []string) error {
	if len(said) == 0 {
		return nil
	}
	p.x.synonyms.mu.Lock()
	sets := p.x.synonyms.sets
	p.x.synonyms.mu.Unlock()
	for _, set := range sets {
		forms := make([][]string, len(set))
		for i, s := range set {
			for _, t := range p.x.langs[0].Tokens(s) {
				forms[i] = append(forms[i], t.Term)
			}
		}
		for i, form := range forms {
			if len(form) == 0 || len(form) > maxSynonymWords || !within(said, form) {
				continue
			}
			for j, other := range set {
				if i != j {
					if err := p.alternative(form, other); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// within tells whether words contain a run.
func within(words, run []string) bool {
	for i := 0; i+len(run) <= len(words); i++ {
		if slices.Equal(words[i:i+len(run)], run) {
			return true
		}
	}
	return false
}

// alternative lets each concept of a form be met by another phrase. Together they score as the phrase does once.
func (p *planner) alternative(form []string, other string) error {
	var combo []*concept
	for _, tokens := range p.tokens(other) {
		c, err := p.concept(tokens)
		if err != nil {
			return err
		}
		if c.stop {
			continue
		}
		if len(c.terms) == 0 {
			return nil // a word of it is nowhere
		}
		for _, t := range c.terms {
			t.weight /= float64(len(form))
		}
		combo = append(combo, c)
	}
	if len(combo) == 0 {
		return nil
	}
	for _, word := range form {
		if c := p.known[word]; c != nil {
			c.combos = append(c.combos, combo)
		}
	}
	return nil
}
