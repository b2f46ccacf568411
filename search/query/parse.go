// SPDX-License-Identifier: Apache-2.0

package query

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Parse reads a query. It never fails.
func Parse(input string) Query {
	p := parser{rest: clean(input)}
	for p.next() {
	}
	return p.q
}

type parser struct {
	rest string
	q    Query
}

// clean cuts the input to size and makes every blank and control character a space.
func clean(s string) string {
	if len(s) > MaxBytes {
		s = s[:MaxBytes]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		if len(s) > 0 && s[len(s)-1] >= utf8.RuneSelf {
			s = s[:len(s)-1]
		}
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case isQuote(r):
			return '"'
		}
		return r
	}, s)
}

// isQuote knows the quotation marks that keyboards and word processors put around a phrase.
func isQuote(r rune) bool { return strings.ContainsRune("\"\u201c\u201d\u201e\u201f\u00ab\u00bb", r) }

// next takes one clause or filter off the input.
func (p *parser) next() bool {
	p.rest = strings.TrimLeft(p.rest, " ")
	if p.rest == "" {
		return false
	}
	body, not := strings.CutPrefix(p.rest, "-")
	if text, after, ok := quoted(body); ok {
		p.rest = after
		p.clause(Clause{Phrase, text, not})
		return true
	}
	if bare, open := strings.CutPrefix(body, `"`); open { // a quote that is never closed stands for nothing
		p.rest = bare
		if not {
			p.rest = "-" + strings.TrimLeft(bare, `" -`)
		}
		return true
	}
	if f, after, ok := filter(body); ok {
		p.rest = after
		f.Not = not
		if len(p.q.Filters) < MaxFilters {
			p.q.Filters = append(p.q.Filters, f)
		}
		return true
	}
	token, after := cutToken(body)
	p.rest = after
	kind := Word
	if head, star := strings.CutSuffix(token, "*"); star && letters(head) >= 3 && !strings.HasSuffix(head, "*") {
		kind, token = Prefix, head
	}
	p.clause(Clause{kind, token, not})
	return true
}

// clause keeps what has a letter or digit in it.
func (p *parser) clause(c Clause) {
	if len(p.q.Clauses) < MaxClauses && letters(c.Text) > 0 {
		p.q.Clauses = append(p.q.Clauses, c)
	}
}

// quoted reads "…" and squeezes the blanks in it.
func quoted(s string) (text, after string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", s, false
	}
	text, after, ok = strings.Cut(s[1:], `"`)
	return strings.Join(strings.Fields(text), " "), after, ok
}

func cutToken(s string) (token, after string) {
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// letters counts letters and digits.
func letters(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			n++
		}
	}
	return n
}

// filter reads key:value. An unknown key or a value that the key can't have makes it plain text.
func filter(s string) (f Filter, after string, ok bool) {
	name, value, found := strings.Cut(s, ":")
	key := Key(strings.ToLower(name))
	if !found || !slices.Contains([]Key{Tag, Dept, Staff, Patron, Has, Is, Rating, Before, After, Last, ID}, key) {
		return Filter{}, s, false
	}
	text, after, quotes := quoted(value)
	if !quotes {
		text, after = cutToken(value)
	}
	if strings.HasPrefix(text, `"`) || letters(text) == 0 {
		return Filter{}, s, false
	}
	f, ok = judge(key, text)
	return f, after, ok
}

func judge(key Key, text string) (Filter, bool) {
	f := Filter{Key: key, Value: text}
	ok := true
	switch key {
	case Has:
		f.Value = strings.ToLower(text)
		ok = slices.Contains([]string{"file", "email", "rating"}, f.Value)
	case Is:
		f.Value = strings.ToLower(text)
		ok = slices.Contains([]string{"missed", "open", "closed", "ticket"}, f.Value)
	case Rating:
		for _, op := range []string{"<=", ">=", "<", ">"} {
			if v, has := strings.CutPrefix(text, op); has {
				f.Op, f.Value = op, v
				break
			}
		}
		ok = len(f.Value) == 1 && f.Value[0] >= '1' && f.Value[0] <= '5'
	case Before, After:
		_, _, ok = dateValue(text, time.UTC)
	case Last:
		f.Value = strings.ToLower(text)
		_, _, ok = lastValue(f.Value)
	}
	return f, ok
}
