// SPDX-License-Identifier: Apache-2.0

package query

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	w := func(s string) Clause { return Clause{Word, s, false} }
	for _, tc := range []struct {
		rule, in string
		want     Query
	}{
		{"nothing asks for nothing", " \t\x00 ", Query{}},
		{"words", "late  fee?", Query{Clauses: []Clause{w("late"), w("fee?")}}},
		{"a phrase, blanks squeezed", `"no   late fees"`, Query{Clauses: []Clause{{Phrase, "no late fees", false}}}},
		{"typographic quotes", "“late fee” «x y»", Query{Clauses: []Clause{{Phrase, "late fee", false}, {Phrase, "x y", false}}}},
		{"a quote left open is ignored", `late "fee today`, Query{Clauses: []Clause{w("late"), w("fee"), w("today")}}},
		{"an empty phrase is ignored", `"" "?!" x`, Query{Clauses: []Clause{w("x")}}},
		{"minus keeps out", `-fee -"late fee" -rene*`, Query{Clauses: []Clause{{Word, "fee", true}, {Phrase, "late fee", true}, {Prefix, "rene", true}}}},
		{"a lone minus is nothing", "late - fee", Query{Clauses: []Clause{w("late"), w("fee")}}},
		{"a hyphen inside is the word's own", "e-mail", Query{Clauses: []Clause{w("e-mail")}}},
		{"prefix from three letters", "renew* re* ab**", Query{Clauses: []Clause{{Prefix, "renew", false}, w("re*"), w("ab**")}}},
		{"slashes and brackets are text", "/x/ [a]", Query{Clauses: []Clause{w("/x/"), w("[a]")}}},
		{"filters", "tag:fines DEPT:law fee", Query{Clauses: []Clause{w("fee")}, Filters: []Filter{{Tag, "", "fines", false}, {Dept, "", "law", false}}}},
		{"a quoted value", `tag:"inter library" x`, Query{Clauses: []Clause{w("x")}, Filters: []Filter{{Tag, "", "inter library", false}}}},
		{"a filter kept out", "-is:Missed", Query{Filters: []Filter{{Is, "", "missed", true}}}},
		{"ratings", "rating:<3 rating:>=4 rating:5", Query{Filters: []Filter{{Rating, "<", "3", false}, {Rating, ">=", "4", false}, {Rating, "", "5", false}}}},
		{"times", "after:2026-09-01 before:2026-10 last:30D", Query{Filters: []Filter{{After, "", "2026-09-01", false}, {Before, "", "2026-10", false}, {Last, "", "30d", false}}}},
		{"an unknown key is text", "fee: http://x.org re:fine", Query{Clauses: []Clause{w("fee:"), w("http://x.org"), w("re:fine")}}},
		{"a value the key can't have is text", "before:soon has:fleas rating:9 last:d is:", Query{Clauses: []Clause{w("before:soon"), w("has:fleas"), w("rating:9"), w("last:d"), w("is:")}}},
		{"marks and other scripts are letters", "كتاب* 図書館 ŵyl", Query{Clauses: []Clause{{Prefix, "كتاب", false}, w("図書館"), w("ŵyl")}}},
		{"punctuation alone is nothing", "??? !!! *", Query{}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Parse(tc.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	if n := len(Parse(strings.Repeat("ab ", 500)).Clauses); n != MaxClauses {
		t.Errorf("%d clauses kept, want %d", n, MaxClauses)
	}
	if n := len(Parse(strings.Repeat("tag:a ", 500)).Filters); n != MaxFilters {
		t.Errorf("%d filters kept, want %d", n, MaxFilters)
	}
	long := Parse(strings.Repeat("é", MaxBytes))
	if len(long.Clauses) != 1 || len(long.Clauses[0].Text) > MaxBytes || strings.Trim(long.Clauses[0].Text, "é") != "" {
		t.Errorf("a long word was cut wrongly: %d clauses", len(long.Clauses))
	}
}

func TestSpan(t *testing.T) {
	loc := time.FixedZone("desk", 2*3600)
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, loc) }
	for _, tc := range []struct {
		rule, in string
		from, to time.Time
	}{
		{"before a day ends where it begins, in the desk's zone", "before:2026-02-01", time.Time{}, day(2026, 2, 1)},
		{"after a day begins where it ends", "after:2026-02-01", day(2026, 2, 2), time.Time{}},
		{"after a month", "after:2026-02", day(2026, 3, 1), time.Time{}},
		{"after a year", "after:2025", day(2026, 1, 1), time.Time{}},
		{"the last days", "last:30d", now.AddDate(0, 0, -30).In(loc), time.Time{}},
		{"the last hours", "last:12h", now.Add(-12 * time.Hour).In(loc), time.Time{}},
		{"the last weeks", "last:2w", now.AddDate(0, 0, -14).In(loc), time.Time{}},
		{"the last year", "last:1y", now.AddDate(-1, 0, 0).In(loc), time.Time{}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			from, to := Parse(tc.in).Filters[0].Span(now, loc)
			if !from.Equal(tc.from) || !to.Equal(tc.to) {
				t.Errorf("got %v – %v, want %v – %v", from, to, tc.from, tc.to)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`late "fee today" -x ren* tag:a`, `-"a`, `--"tag:x`, `tag:"a b`, `""tag:x "`, `- -"" -x`, "rating:<=3", "a\xffb\x00c", `-""-"b" c*`, "“a”b", `tag:«a»`,
		"last:+5d", "before:2026", `id:"-5"`, `is:"missed"`, "***", "abc**", `tag:"x y"z*`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := Parse(s)
		if len(q.Clauses) > MaxClauses || len(q.Filters) > MaxFilters {
			t.Fatalf("limits passed: %d clauses, %d filters", len(q.Clauses), len(q.Filters))
		}
		text := q.String()
		if len(text) > MaxBytes { // the canonical form may be longer by a few quotes; then it is cut
			return
		}
		if diff := cmp.Diff(q, Parse(text)); diff != "" {
			t.Fatalf("%q → %q is not canonical: %s", s, text, diff)
		}
		for _, x := range q.Filters {
			x.Span(time.Unix(1e9, 0), time.UTC)
		}
	})
}
