// SPDX-License-Identifier: Apache-2.0

// Package query reads what people type into a search box.
//
// The language is small: words, "exact phrases", -not, prefix*, and filters such as tag:fines or before:2026-09-01.
// No input is an error: whatever is not understood is searched for as plain text. String gives the canonical form, which
// parses to the same query, so a saved search can be kept as text.
package query

import (
	"strconv"
	"strings"
	"time"
)

// Kind says how a clause is matched.
type Kind uint8

// The kinds of clauses.
const (
	Word   Kind = iota // any form of the word
	Phrase             // these words, side by side
	Prefix             // words that begin so
)

// Clause is one thing to look for, or with Not to keep out.
type Clause struct {
	Kind Kind
	Text string // without quotes, star and minus
	Not  bool
}

// Key names what a filter looks at.
type Key string

// The keys. Each is also the word before the colon.
const (
	Tag    Key = "tag"
	Dept   Key = "dept"
	Staff  Key = "staff"
	Patron Key = "patron"
	Has    Key = "has"    // file, email, rating
	Is     Key = "is"     // missed, open, closed, ticket
	Rating Key = "rating" // 1 to 5, with <, <=, > or >=
	Before Key = "before"
	After  Key = "after"
	Last   Key = "last" // 12h, 30d, 4w, 6m, 1y
	ID     Key = "id"
)

// Filter narrows the search without a say in the ranking.
type Filter struct {
	Key   Key
	Op    string // of a rating: "<", "<=", ">", ">=" or ""
	Value string
	Not   bool
}

// Query is a parsed search. The zero Query asks for nothing.
type Query struct {
	Clauses []Clause
	Filters []Filter
}

// Limits of one query; what goes beyond is left out.
const (
	MaxBytes   = 4096
	MaxClauses = 64
	MaxFilters = 32
)

// Empty reports whether there is nothing to search for.
func (q Query) Empty() bool { return len(q.Clauses) == 0 && len(q.Filters) == 0 }

// String is the canonical form: the clauses, then the filters, one space between.
func (q Query) String() string {
	var parts []string
	for _, c := range q.Clauses {
		parts = append(parts, c.String())
	}
	for _, f := range q.Filters {
		parts = append(parts, f.String())
	}
	return strings.Join(parts, " ")
}

// String is the clause as it would be typed.
func (c Clause) String() string {
	s := c.Text
	switch c.Kind {
	case Phrase:
		s = `"` + s + `"`
	case Prefix:
		s += "*"
	}
	if c.Not {
		return "-" + s
	}
	return s
}

// String is the filter as it would be typed.
func (f Filter) String() string {
	s := string(f.Key) + ":" + f.Op + f.Value
	if strings.ContainsRune(f.Value, ' ') {
		s = string(f.Key) + `:"` + f.Value + `"`
	}
	if f.Not {
		return "-" + s
	}
	return s
}

// Span is the time that a date filter means, from included to excluded; a zero end is open. Dates are days of loc.
func (f Filter) Span(now time.Time, loc *time.Location) (from, to time.Time) {
	switch f.Key {
	case Last:
		n, unit, _ := lastValue(f.Value)
		return ago(now.In(loc), n, unit), time.Time{}
	case Before:
		from, _, _ = dateValue(f.Value, loc)
		return time.Time{}, from
	case After:
		_, to, _ = dateValue(f.Value, loc)
		return to, time.Time{}
	}
	return time.Time{}, time.Time{}
}

// Number is the value of a rating.
func (f Filter) Number() int {
	n, _ := strconv.Atoi(f.Value)
	return n
}

func ago(now time.Time, n int, unit byte) time.Time {
	switch unit {
	case 'h':
		return now.Add(-time.Duration(n) * time.Hour)
	case 'd':
		return now.AddDate(0, 0, -n)
	case 'w':
		return now.AddDate(0, 0, -7*n)
	case 'm':
		return now.AddDate(0, -n, 0)
	}
	return now.AddDate(-n, 0, 0)
}

// dateValue reads a day, month or year and returns where it begins and where the next begins.
func dateValue(s string, loc *time.Location) (from, next time.Time, ok bool) {
	for _, form := range []struct {
		layout  string
		y, m, d int
	}{{time.DateOnly, 0, 0, 1}, {"2006-01", 0, 1, 0}, {"2006", 1, 0, 0}} {
		if t, err := time.ParseInLocation(form.layout, s, loc); err == nil {
			return t, t.AddDate(form.y, form.m, form.d), true
		}
	}
	return time.Time{}, time.Time{}, false
}

// lastValue reads a length of time such as 30d.
func lastValue(s string) (n int, unit byte, ok bool) {
	if len(s) < 2 || len(s) > 5 || !strings.ContainsRune("hdwmy", rune(s[len(s)-1])) {
		return 0, 0, false
	}
	n, err := strconv.Atoi(s[:len(s)-1])
	if err != nil || n < 1 || s[0] == '+' {
		return 0, 0, false
	}
	return n, s[len(s)-1], true
}
