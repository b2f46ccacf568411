// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/blevesearch/bleve/v2/index/scorch/mergeplan"
	index "github.com/blevesearch/bleve_index_api"
	"github.com/google/go-cmp/cmp"

	"refdesk/search/query"
)

func TestRanking(t *testing.T) {
	filler := []Doc{faq("z1", "Printing", "We print paper"), faq("z2", "Parking", "Cars stand behind"), faq("z3", "Rooms", "Rooms for groups"), faq("z4", "Shop", "We sell paper")}
	for _, tc := range []struct {
		rule string
		docs []Doc
		q    string
		want string
	}{
		{
			"all words beat some", []Doc{faq("a", "x", "late late late late"), faq("b", "y", "late fee for long waits and other things that people ask about")}, "late fee", "b a",
		},
		{
			"rare beats common", []Doc{faq("a", "x", "borrow paper"), faq("b", "y", "borrow microfilm"), faq("c", "w", "borrow paper")}, "paper microfilm", "b",
		},
		{
			"title beats body", []Doc{faq("a", "Opening hours", "We say when"), faq("b", "When we are there", "Opening hours")}, "opening hours", "a b",
		},
		{
			"other wordings count as the title", []Doc{faq("a", "When are you there", "We say", "opening hours"), faq("b", "When we are there", "Opening hours")}, "opening hours", "a b",
		},
		{
			"often beats once", []Doc{faq("a", "x", "a scanner, a printer, a toner"), faq("b", "y", "a scanner, a scanner, a toner")}, "scanner", "b a",
		},
		{
			"short beats long", []Doc{faq("a", "x", "a scanner "+strings.Repeat("among many other wonderful machines ", 9)), faq("b", "y", "a scanner is there")}, "scanner", "b a",
		},
		{
			"any form of a word", []Doc{faq("a", "Renewals", "Renew it")}, "renewing", "a",
		},
		{
			"nothing for what is nowhere", []Doc{faq("a", "Renewals", "Renew it")}, "zzzzzzzz", "",
		},
		{
			"a query of stop words alone", []Doc{faq("a", "Who are you", "A library")}, "who are you", "a",
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			d := open(t)
			d.add(append(tc.docs, filler...)...)
			got := d.find(tc.q, Options{Mode: Any, Limit: strings.Count(tc.want, " ") + 1})
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestScoreIsBM25 works out one score by hand.
func TestScoreIsBM25(t *testing.T) {
	d := open(t)
	d.add(line("a", "scanner scanner printer"), line("b", "printer"), line("c", "the toner of the printer is empty"))
	got := d.search("scanner", Options{}).Hits[0].Score
	// tf 2, length 3; lengths 3, 1, 3 (stop words don't count); one of three documents.
	want := math.Log(1+2.5/1.5) * 2 * 2.2 / (2 + 1.2*(0.25+0.75*3/(7.0/3)))
	if math.Abs(got-want) > 1e-6 {
		t.Errorf("score %v, want %v", got, want)
	}
}

// merge brings every part into one segment.
func (d *library) merge() {
	d.t.Helper()
	ctx := context.Background()
	for _, p := range d.edition().all() {
		if err := p.settle(ctx, index.NewBatch(), p.noted); err != nil {
			d.t.Fatal(err)
		}
		for {
			if err := p.ix.ForceMerge(ctx, &mergeplan.SingleSegmentMergePlanOptions); err != nil {
				d.t.Fatal(err)
			}
			snap, err := p.snapshot()
			if err != nil {
				d.t.Fatal(err)
			}
			n := len(snap.Segments())
			if err := snap.Close(); err != nil {
				d.t.Fatal(err)
			}
			if n == 1 {
				break
			}
		}
	}
}

func TestRanksSurviveMergesAndDeletions(t *testing.T) {
	d := open(t)
	docs := chatter(600, 3)
	for i := 0; i < len(docs); i += 25 {
		d.add(docs[i : i+25]...)
	}
	var gone []string
	for i := 0; i < len(docs); i += 3 {
		gone = append(gone, docs[i].ID)
	}
	if err := d.Delete(context.Background(), gone, 100); err != nil {
		t.Fatal(err)
	}
	look := func() (out []string) {
		for i := range 40 {
			words := strings.Fields(docs[i*7].Text)
			for _, h := range d.search(strings.Join(words[:3], " "), Options{Mode: Any, Limit: 10}).Hits {
				out = append(out, fmt.Sprintf("%s %.9f", h.ID, h.Score))
			}
		}
		return out
	}
	before := look()
	if len(before) < 200 {
		t.Fatalf("only %d hits: the test asks for nothing", len(before))
	}
	d.merge()
	if diff := cmp.Diff(before, look()); diff != "" {
		t.Errorf("ranks changed with the merge:\n%s", diff)
	}
}

func TestSpelling(t *testing.T) {
	d := open(t)
	d.add(faq("a", "Interlibrary loans", "We borrow for you"), faq("b", "Borrowing limits", "Ten books"), faq("c", "Harrow campus", "A bus"), faq("d", "Fine art", "fines"))
	for _, tc := range []struct{ rule, q, want string }{
		{"one letter off", "borow", "b a"},
		{"two swapped", "lonas", "a"},
		{"two off from seven letters", "interlibary", "a"},
		{"two off in a short word is another word", "hurruw", ""},
		{"the same first letter first", "barrow", "b c a"},
		{"short words stay", "fin", ""},
		{"numbers stay", "te10", ""},
		{"known words stay", "fines", "d"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			if got := d.find(tc.q, Options{}); got != tc.want {
				t.Errorf("%q: got %q, want %q", tc.q, got, tc.want)
			}
		})
	}
	if got := d.search("borow", Options{}).Corrected; got["borow"] != "borrow" {
		t.Errorf("what was corrected is not told: %v", got)
	}
}

func TestSynonyms(t *testing.T) {
	d := open(t)
	d.add(faq("a", "Document delivery", "We send copies"), faq("b", "ILL", "From elsewhere"), faq("c", "Delivery of parcels", "The document is signed"), faq("d", "Reserve", "x"))
	if got := d.find("ill", Options{}); got != "b" {
		t.Fatalf("without a list: %q", got)
	}
	d.SetSynonyms(ParseSynonyms("ILL = document delivery, interlibrary loan\n\nlonely\nhold = reserve\n"))
	for _, tc := range []struct{ rule, q, want string }{
		{"a word stands for several", "ill", "a b c"},
		{"several stand for a word", "document delivery", "a b c"},
		{"in the middle of others", "my ill copies", "a b c"},
		{"a part of several doesn't", "document", "a c"},
		{"one for one", "holds", "d"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			got := map[string]bool{}
			for _, id := range strings.Fields(d.find(tc.q, Options{Mode: Any})) {
				got[id] = true
			}
			want := map[string]bool{}
			for _, id := range strings.Fields(tc.want) {
				want[id] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNoQueryTakesLong(t *testing.T) {
	d := open(t)
	docs := chatter(3000, 5)
	d.add(docs...)
	for _, q := range []string{
		strings.Repeat("qxqxqxq1 ", 60), strings.Repeat("zqzqzqzx ", 900), strings.Repeat("ban* den* ", 40), strings.Repeat("a-", 2000), strings.Repeat(`"ban den" `, 64),
		strings.Repeat("-x ", 64), strings.Repeat("x", 10<<10), strings.Repeat("is:open ", 99), "\x00\x00", strings.Repeat("図", 1300), `"` + strings.Repeat("the ", 900) + `"`,
	} {
		d.search(q, Options{Facets: []string{"dept", "tag"}, Group: true})
		if _, err := d.Answer(context.Background(), q, Options{Typing: true}); err != nil {
			t.Errorf("%.20q: %v", q, err)
		}
	}
	for _, c := range query.Parse(strings.Repeat("word ", 5)).Clauses {
		if c.Text != "word" {
			t.Errorf("clause %q", c.Text)
		}
	}
}
