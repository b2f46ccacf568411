// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/search/query"
)

// furnished is a desk with a little of everything.
func furnished(t testing.TB) *library {
	d := open(t)
	at := func(n int) time.Time { return day.Add(time.Duration(n) * time.Hour) }
	d.add(
		Doc{ID: "001", Kind: Line, Chat: 1, Time: at(1), Text: "How do I renew my books?", Dept: "reference", Staff: []string{"ana"}, Patron: "p1", Role: "patron", Tags: []string{"loans", "web"}, Is: []string{"closed"}, Rating: 5},
		Doc{ID: "002", Kind: Line, Chat: 1, Time: at(2), Text: "You can renew on the web", Dept: "reference", Staff: []string{"ana"}, Patron: "p1", Role: "staff", Tags: []string{"loans", "web"}, Is: []string{"closed"}, Rating: 5},
		Doc{ID: "003", Kind: Line, Chat: 2, Time: at(30), Text: "Is there a late fee for books?", Dept: "digital", Staff: []string{"ben"}, Role: "patron", Tags: []string{"Fines"}, Is: []string{"missed", "ticket"}, Has: []string{"email"}},
	)
	d.add(
		Doc{ID: "004", Kind: Line, Chat: 3, Time: at(60), Text: "no late fees, and the fee was small", Dept: "digital", Staff: []string{"ana", "ben"}, Role: "staff", Tags: []string{"fines", "inter library"}, Is: []string{"open"}, Has: []string{"file"}, Rating: 2},
		Doc{ID: "005", Kind: Chat, Chat: 1, Time: at(1), Text: "How do I renew my books? You can renew on the web", Dept: "reference", Is: []string{"closed"}, Bare: true},
		Doc{ID: "006", Kind: Ticket, Time: at(100), Title: "Fee for a lost book", Text: "The patron lost a book", Dept: "reference"},
	)
	return d
}

func TestQueries(t *testing.T) {
	d := furnished(t)
	for _, tc := range []struct {
		rule, q, want string
		o             Options
	}{
		{"all words", "late fee", "003 004", Options{}},
		{"a minus keeps out every form", "fee -books", "004", Options{}},
		{"a minus on a word of two parts wants both", "fee -late-small", "003 006", Options{}},
		{"a phrase is exact", `"late fee"`, "003", Options{}},
		{"a phrase may have stop words", `"renew my books"`, "001", Options{}},
		{"a phrase of stop words alone", `"how do i"`, "001", Options{}},
		{"a phrase kept out", `fee -"late fee"`, "004 006", Options{}},
		{"words are not a phrase the other way round", `"fee late"`, "", Options{}},
		{"a prefix", "ren*", "001 002 005", Options{}},
		{"a prefix longer than the stem", "books*", "001 003 005 006", Options{}},
		{"a prefix kept out", "fee -boo*", "004", Options{}},
		{"typing: the last word is a prefix", "late fe", "003 004", Options{Typing: true}},
		{"a tag, whatever its case", "fee tag:fines", "003 004", Options{}},
		{"tags all hold", "tag:loans tag:web", "001 002", Options{}},
		{"a tag of two words", `tag:"inter library"`, "004", Options{}},
		{"departments: either", "dept:digital dept:reference fee", "003 004 006", Options{}},
		{"a department kept out", "fee -dept:digital", "006", Options{}},
		{"whoever took part", "staff:ben", "003 004", Options{}},
		{"a patron", "patron:p1 web", "002", Options{}},
		{"has", "has:file", "004", Options{}},
		{"has a rating", "has:rating fee", "004", Options{}},
		{"is", "is:missed", "003", Options{}},
		{"ratings", "rating:<3", "004", Options{}},
		{"ratings from", "rating:>=2", "001 002 004", Options{}},
		{"before a day", "books before:2026-09-02", "001 005", Options{}},
		{"after a day", "fee after:2026-09-02", "004 006", Options{}},
		{"the last days", "fee last:5d", "006", Options{Now: day.Add(200 * time.Hour)}},
		{"a document by its ID", "id:004", "004", Options{}},
		{"a chat by its number", "id:#1", "001 002 005", Options{}},
		{"only the asker's departments", "fee", "003 004", Options{Depts: []string{"digital"}}},
		{"a filter can't widen them", "dept:reference fee", "", Options{Depts: []string{"digital"}}},
		{"nobody's departments", "fee", "", Options{Depts: []string{}}},
		{"one kind", "books", "006", Options{Kinds: []Kind{Ticket}}},
		{"an unknown key is text", "x:fee", "003 004 006", Options{Mode: Any}},
		{"nothing", "", "", Options{}},
		{"only marks", "?!", "", Options{}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			got := strings.Fields(d.find(tc.q, tc.o))
			slices.Sort(got)
			if diff := cmp.Diff(strings.Fields(tc.want), got); diff != "" {
				t.Errorf("%q: %s", tc.q, diff)
			}
		})
	}
}

func TestRelaxed(t *testing.T) {
	d := furnished(t)
	if r := d.search("late fee", Options{}); r.Relaxed {
		t.Error("all words were found, and the result says otherwise")
	}
	if r := d.search("renew fee", Options{}); !r.Relaxed || r.Total != 6 {
		t.Errorf("any word: relaxed %v, %d documents", r.Relaxed, r.Total)
	}
	if r := d.search("renew fee", Options{Mode: All}); r.Relaxed || r.Total != 0 {
		t.Errorf("all words demanded: relaxed %v, %d documents", r.Relaxed, r.Total)
	}
	if r := d.search(`renew "late fee"`, Options{}); !r.Relaxed || ids(r) != "003" {
		t.Errorf("a phrase is never relaxed: %q", ids(r))
	}
}

func TestOrderAndPages(t *testing.T) {
	d := open(t)
	docs := chatter(400, 9)
	docs = append(docs, Doc{ID: "next-year", Kind: Line, Text: docs[0].Text, Time: day.AddDate(1, 0, 0)}, Doc{ID: "no time", Kind: Line, Text: docs[0].Text})
	for i := 0; i < len(docs); i += 67 {
		d.add(docs[i:min(i+67, len(docs))]...)
	}
	if n := len(d.edition().all()); n != 3 {
		t.Errorf("%d parts, want one a year", n)
	}
	word := strings.Fields(docs[0].Text)[0]
	for _, order := range []Order{ByRelevance, ByDate} {
		o := Options{Mode: Any, Order: order, Limit: 200}
		all := d.search(word, o)
		if all.Next != "" || len(all.Hits) < 30 {
			t.Fatalf("%d hits, next %q: the test needs some pages", len(all.Hits), all.Next)
		}
		for i := 1; i < len(all.Hits); i++ {
			a, b := all.Hits[i-1], all.Hits[i]
			if order == ByDate && a.Time.Before(b.Time) || order == ByRelevance && a.Score < b.Score {
				t.Errorf("order %d: hits %d and %d are the wrong way round", order, i-1, i)
			}
		}
		var paged []Hit
		for o.Limit = 7; ; {
			r := d.search(word, o)
			paged = append(paged, r.Hits...)
			if o.After = r.Next; r.Next == "" {
				break
			}
		}
		if diff := cmp.Diff(all.Hits, paged); diff != "" {
			t.Errorf("order %d: pages differ from the whole:\n%s", order, diff)
		}
	}
}

func TestNewLinesDoNotShiftPagesByDate(t *testing.T) {
	d := open(t)
	d.lines("fee one", "fee two", "fee three", "fee four")
	o := Options{Order: ByDate, Limit: 2}
	first := d.search("fee", o)
	d.add(Doc{ID: "l9", Kind: Line, Text: "fee nine", Time: day.Add(time.Hour)})
	o.After = first.Next
	if got := ids(first) + " " + d.find("fee", o); got != "l4 l3 l2 l1" {
		t.Errorf("got %q", got)
	}
}

func TestGroups(t *testing.T) {
	d := open(t)
	var docs []Doc
	for i := range 60 {
		docs = append(docs, Doc{ID: fmt.Sprintf("%03d", i), Kind: Line, Chat: uint64(i%12 + 1), Time: day.Add(time.Duration(i) * time.Minute), Text: "fee " + strings.Repeat("word ", i%7)})
	}
	docs = append(docs, Doc{ID: "sum", Kind: Chat, Chat: 5, Time: day, Text: "fee", Bare: true}, Doc{ID: "alone", Kind: Ticket, Time: day, Text: "fee"})
	d.add(docs...)
	seen := map[uint64]bool{}
	o := Options{Group: true, Limit: 5}
	hits := 0
	for {
		r := d.search("fee", o)
		for _, h := range r.Hits {
			hits++
			if h.Chat != 0 && seen[h.Chat] {
				t.Errorf("chat %d comes twice", h.Chat)
			}
			seen[h.Chat] = true
			if h.Chat != 0 && len(h.Lines) != linesPerChat {
				t.Errorf("chat %d has %d lines", h.Chat, len(h.Lines))
			}
			for i, l := range h.Lines {
				if l.Chat != h.Chat || l.Kind != Line || i > 0 && l.Time.Before(h.Lines[i-1].Time) {
					t.Errorf("chat %d: line %+v", h.Chat, l)
				}
			}
		}
		if o.After = r.Next; r.Next == "" {
			break
		}
	}
	if hits != 13 {
		t.Errorf("%d groups, want 12 chats and a ticket", hits)
	}
}

func TestFacets(t *testing.T) {
	d := furnished(t)
	r := d.search("fee", Options{Facets: []string{"dept", "tag", "nonsense"}})
	want := map[string][]Count{"dept": {{"digital", 2}, {"reference", 1}}, "tag": {{"fines", 2}, {"inter library", 1}}}
	if diff := cmp.Diff(want, r.Facets); diff != "" {
		t.Error(diff)
	}
	if r := d.search(`"late fee"`, Options{Facets: []string{"dept"}}); r.Total != 1 || r.AtMost || r.Facets["dept"][0].Docs != 1 {
		t.Errorf("phrases are not counted exactly: %+v", r)
	}
	if r := d.search("fee", Options{}); r.Facets != nil {
		t.Error("facets that nobody asked for")
	}
}

func TestExcerpts(t *testing.T) {
	d := open(t)
	long := strings.Repeat("filler words that say nothing at all ", 40) + "then the overdue <b>fine</b> is five pounds " + strings.Repeat("and more of the filler text follows ", 40)
	d.add(line("a", long), line("b", "Café fines & überfällige fines"), line("c", "图书馆 opening"))
	marked := func(e Excerpt) (out []string) {
		for _, m := range e.Marks {
			out = append(out, e.Text[m.Start:m.End])
		}
		return out
	}
	a := d.search("overdue fine -café", Options{}).Hits[0].Text
	if diff := cmp.Diff([]string{"overdue", "fine"}, marked(a)); diff != "" {
		t.Error(diff)
	}
	if len(a.Text) > 220 || !a.Cut || !a.More || !strings.Contains(long, a.Text) || !strings.Contains(a.Text, "<b>fine</b>") {
		t.Errorf("a bad piece: %+v", a)
	}
	if diff := cmp.Diff([]string{"Café", "fines", "fines"}, marked(d.search("cafe fine", Options{}).Hits[0].Text)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"图书馆"}, marked(d.search("图书馆", Options{}).Hits[0].Text)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Mark{{3, 8}}, d.Highlight("My books", []string{"the", "book"})); diff != "" {
		t.Error(diff)
	}
}

func TestScriptsAndLanguages(t *testing.T) {
	d := open(t, "en", "es", "cy")
	d.add(
		line("zh", "我想续借图书馆的书"), line("ar", "كيف أجدد الكتب في المكتبة"), Doc{ID: "es", Kind: Line, Text: "Quiero renovar los préstamos", Lang: "es", Time: day},
		Doc{ID: "cy", Kind: Line, Text: "Mae’r llyfrgell ar gau yn yr ŵyl", Lang: "cy", Time: day}, line("mix", "library 図書館 مكتبة"), line("en", "The libraries are closed"),
	)
	for _, tc := range []struct{ q, want string }{
		{"图书馆", "zh"}, {"图书", "zh"}, {"مكتبة", "mix ar"}, {"préstamo", "es"}, {"prestamos", "es"}, {"llyfrgell", "cy"}, {"wyl", "cy"}, {"ŵyl", "cy"}, {"LIBRARY", "mix en"}, {`"想续借"`, "zh"}, {"図書館 library", "mix"},
	} {
		got := strings.Fields(d.find(tc.q, Options{}))
		want := strings.Fields(tc.want)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", tc.q, diff)
		}
	}
}

func TestHostileText(t *testing.T) {
	d := open(t)
	for i, s := range []string{
		"", "\x00", "late\x00fee", "\xff\xfe\xfd", strings.Repeat("x", 10<<10), strings.Repeat("ab\x00", 9000), strings.Repeat("é", 10<<10), "<script>alert(1)</script>", "' OR 1=1 --", strings.Repeat("🙂", 999), "col\x00time len.text key=1", "\u202efee",
	} {
		id := fmt.Sprintf("h%02d", i)
		d.add(Doc{ID: id, Kind: Line, Title: s, Also: []string{s, s}, Text: s, Dept: s, Staff: []string{s}, Tags: []string{s}, Patron: s, Lang: "xx", Time: time.Unix(-1<<40, 0)})
		if got := d.find("id:"+id, Options{}); got != id {
			t.Errorf("%.20q is not in the index: %q", s, got)
		}
		d.search(s, Options{Facets: []string{"dept", "tag", "staff"}, Group: true})
	}
	if got := d.find("late fee", Options{Mode: All}); got != "h02" {
		t.Errorf("a nul byte swallowed words: %q", got)
	}
	for _, id := range []string{"", strings.Repeat("x", maxID+1), tombstone} {
		if err := d.Put(context.Background(), []Doc{{ID: id}}, 99); err == nil {
			t.Errorf("the id %.20q was taken", id)
		}
	}
}

func TestTimeIsUp(t *testing.T) {
	d := open(t)
	d.add(chatter(500, 2)...)
	r := d.search("ban den gin", Options{Timeout: 1})
	if !r.Partial {
		t.Errorf("a search that had no time is said to be whole: %+v", r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.Search(ctx, query.Parse("ban"), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a search that was called off: %v", err)
	}
}

func TestBadCursorsStartAtTheBeginning(t *testing.T) {
	d := open(t)
	d.lines("fee one", "fee two")
	for _, c := range []string{"x", "!!!", strings.Repeat("A", 4000), "f_gAAAAAAAAAAAAAAAAAAA"} {
		if got := d.search("fee", Options{After: c}); len(got.Hits) != 2 {
			t.Errorf("%.20q: %d hits", c, len(got.Hits))
		}
	}
	if p := readPlace(place{1.5, 77, "id"}.String()); p == nil || *p != (place{1.5, 77, "id"}) {
		t.Errorf("a cursor comes back as %v", p)
	}
}

func FuzzSearch(f *testing.F) {
	for _, s := range []string{`late "fee for" -web tag:fines`, "ren* -boo*", "is:open rating:<3 last:30d", "图书 مكتبة", "\x00\xff", "a-b-c -d-e", `-"how do i"`, "boks fes"} {
		f.Add(s)
	}
	d := furnished(f)
	f.Fuzz(func(t *testing.T, s string) {
		for _, o := range []Options{{Facets: []string{"tag"}}, {Group: true, Mode: Any, Order: ByDate}, {Typing: true}} {
			r, err := d.Search(context.Background(), query.Parse(s), o)
			if err != nil || r.Partial {
				t.Fatalf("%q: %v, partial %v", s, err, r.Partial)
			}
			for _, h := range r.Hits {
				for _, e := range []Excerpt{h.Title, h.Text} {
					for _, m := range e.Marks {
						if m.Start < 0 || m.Start >= m.End || m.End > len(e.Text) {
							t.Fatalf("%q: mark %v in %q", s, m, e.Text)
						}
					}
				}
			}
		}
		if _, err := d.Answer(context.Background(), s, Options{Typing: true}); err != nil {
			t.Fatal(err)
		}
	})
}
