// SPDX-License-Identifier: Apache-2.0

package search

import (
	"strings"
	"unicode/utf8"
)

// Excerpt is a piece of a text as it was written, with the places to mark. Whoever shows it escapes it.
type Excerpt struct {
	Text  string
	Marks []Mark
	Cut   bool // there is more before
	More  bool // there is more behind
}

// Mark is a matching word: bytes of the excerpt.
type Mark struct{ Start, End int }

// maxMarked bounds the text in which words are looked for.
const maxMarked = 32 << 10

// excerpt cuts the piece of about size characters that has the most different words that were asked for.
func (s *searching) excerpt(text string, size int) Excerpt {
	head := text
	if len(head) > maxMarked {
		head = strings.ToValidUTF8(head[:maxMarked], "")
	}
	var marks []Mark
	var terms []string
	seen := map[Mark]bool{}
	for _, l := range s.x.langs {
		for _, t := range l.Tokens(head) {
			m := Mark{t.Start, t.End}
			if s.plan.words[t.Term] && !seen[m] {
				seen[m] = true
				marks = append(marks, m)
				terms = append(terms, t.Term)
			}
		}
	}
	from, to := window(head, marks, terms, size)
	out := Excerpt{Text: text[from:to], Cut: from > 0, More: to < len(text)}
	end := 0
	for _, m := range marks {
		if m.Start < from || m.End > to {
			continue
		}
		m = Mark{m.Start - from, m.End - from}
		if n := len(out.Marks); n > 0 && m.Start < end { // bigrams overlap
			out.Marks[n-1].End = max(out.Marks[n-1].End, m.End)
		} else {
			out.Marks = append(out.Marks, m)
		}
		end = max(end, m.End)
	}
	return out
}

// window chooses where the excerpt begins and ends, at blanks where it can.
func window(text string, marks []Mark, terms []string, size int) (from, to int) {
	if utf8.RuneCountInString(text) <= size {
		return 0, len(text)
	}
	best := -1
	for i := range marks {
		end := marks[i].Start + size
		distinct := map[string]bool{}
		for j := i; j < len(marks) && marks[j].End <= end; j++ {
			distinct[terms[j]] = true
		}
		if len(distinct) > best {
			best, from = len(distinct), marks[i].Start
		}
	}
	from = max(0, from-size/4)
	if i := strings.IndexByte(text[from:], ' '); from > 0 && i >= 0 && i < size/4 {
		from += i + 1
	}
	for from > 0 && from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	to = from
	for n := 0; n < size && to < len(text); n++ {
		_, w := utf8.DecodeRuneInString(text[to:])
		to += w
	}
	if to < len(text) {
		if i := strings.LastIndexByte(text[from:to], ' '); i > size/2 {
			to = from + i
		}
	}
	return from, to
}

// Highlight marks the words of a query in a text that the index doesn't keep.
func (x *Index) Highlight(text string, words []string) []Mark {
	want := map[string]bool{}
	for _, l := range x.langs {
		for _, w := range words {
			for _, t := range l.Tokens(w) {
				want[t.Term] = !t.Stop || want[t.Term]
			}
		}
	}
	var out []Mark
	for _, t := range x.langs[0].Tokens(text[:min(len(text), maxMarked)]) {
		if want[t.Term] && (len(out) == 0 || out[len(out)-1].End <= t.Start) {
			out = append(out, Mark{t.Start, t.End})
		}
	}
	return out
}
