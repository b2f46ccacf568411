// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"refdesk/cluster/desk"
)

// Bounds of the search page.
const (
	maxQuery   = 1000 // bytes of a query that are looked at
	hitsOnPage = 20
)

// searchData is the search page.
type searchData struct {
	Query    string
	ByDate   bool
	Asked    bool // something was asked for
	Here     bool // this desk has a search
	Found    Findings
	Hits     []hitView
	Facets   []facet
	Examples []string
	Next     string
	Again    string // the first page
}

// hitView is a chat or ticket that was found, as the page shows it.
type hitView struct {
	FindHit
	Link  string
	Where string
	When  moment
	Head  []piece
	Lines []lineView
}

// lineView is a line that was found.
type lineView struct {
	When  moment
	Parts []piece
}

// piece is a part of a text. The template escapes it.
type piece struct {
	Text string
	Mark bool
}

// facet is one of the filters beside the results.
type facet struct {
	Name   string
	Values []facetValue
}

// facetValue is one of a filter's values.
type facetValue struct {
	Name string
	Docs uint64
	Link string
	On   bool // the query has it
}

// searchPage is GET /search?q=…&sort=date&after=….
func (d *Door) searchPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	q := r.URL.Query()
	s := searchData{
		Query: cleanQuery(q.Get("q")), ByDate: q.Get("sort") == "date", Here: d.deps.Finder != nil,
		Examples: []string{
			"late fee", `"interlibrary loan"`, "renew* -printing", "tag:renewals last:30d", "is:missed", "has:rating rating:<3", "patron:lima", "before:2026-09-01 scanner",
		},
	}
	if s.Asked = s.Query != ""; s.Asked && s.Here {
		if err := d.find(r, who, &s, q.Get("after")); err != nil {
			return err
		}
	}
	title := "Search"
	if s.Asked {
		title = firstWords(s.Query, 60) + ", search"
	}
	return d.page(w, r, who, "search", Page{Title: title, Section: "/search", Data: s})
}

// cleanQuery keeps what may be shown again in a box and given to the search.
func cleanQuery(s string) string {
	s = strings.ToValidUTF8(s, "")
	for len(s) > maxQuery {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s))
}

func (d *Door) find(r *http.Request, who *Who, s *searchData, after string) error {
	if len(after) > 200 {
		after = ""
	}
	var err error
	s.Found, err = d.deps.Finder.Find(r.Context(), who.Actor, s.Query, FindOptions{
		After: after, ByDate: s.ByDate, Limit: hitsOnPage, Facets: after == "",
	})
	if err != nil {
		return err
	}
	var departments []desk.DepartmentView
	staff := map[string]string{}
	err = d.view(r.Context(), who.Actor, func(rd desk.Reader) (err error) {
		if departments, err = rd.Departments(d.now()); err != nil {
			return err
		}
		people, err := rd.StaffList()
		for _, p := range people {
			staff[p.Account] = p.Name
		}
		return err
	})
	if err != nil {
		return err
	}
	names := departmentNames(departments)
	for _, h := range s.Found.Hits {
		s.Hits = append(s.Hits, d.hit(h, names))
	}
	s.Facets = s.facets(names, staff)
	if s.Found.Next != "" {
		s.Next = s.link(s.Query, s.Found.Next)
	}
	if after != "" {
		s.Again = s.link(s.Query, "")
	}
	return nil
}

func (d *Door) hit(h FindHit, names func(string) string) hitView {
	x := hitView{FindHit: h, Link: chatURL(h.Number), Where: names(h.Department), When: d.moment(desk.At(h.At)), Head: pieces(h.Title)}
	if h.Ticket {
		x.Link = ticketURL(h.Number)
	}
	for _, l := range h.Lines {
		if parts := pieces(l.Text); len(parts) > 0 {
			v := lineView{When: d.moment(desk.At(l.At)), Parts: parts}
			if v.When.Text == x.When.Text {
				v.When = moment{} // it stands above already
			}
			x.Lines = append(x.Lines, v)
		}
	}
	return x
}

// pieces cuts a text at its marks. Marks that don't fit the text are left out.
func pieces(t FindText) []piece {
	var out []piece
	add := func(s string, mark bool) {
		if s != "" {
			out = append(out, piece{Text: s, Mark: mark})
		}
	}
	at := 0
	if t.Cut {
		add("… ", false)
	}
	for _, m := range t.Marks {
		if m.Start < at || m.End <= m.Start || m.End > len(t.Text) || !utf8.RuneStart(t.Text[m.Start]) ||
			m.End < len(t.Text) && !utf8.RuneStart(t.Text[m.End]) {
			continue
		}
		add(t.Text[at:m.Start], false)
		add(t.Text[m.Start:m.End], true)
		at = m.End
	}
	add(t.Text[at:], false)
	if t.More {
		add(" …", false)
	}
	return out
}

// link is this page with another query, or further down.
func (s *searchData) link(query, after string) string {
	q := url.Values{"q": {query}}
	if s.ByDate {
		q.Set("sort", "date")
	}
	if after != "" {
		q.Set("after", after)
	}
	return "/search?" + q.Encode()
}

// Sorted is this page in the other order.
func (s searchData) Sorted(date bool) string {
	s.ByDate = date
	return s.link(s.Query, "")
}

// Try is the page of an example.
func (s searchData) Try(query string) string {
	s.ByDate = false
	return s.link(query, "")
}

// facets are the filters beside the results, each a link that adds it to the query or takes it off.
func (s *searchData) facets(names func(string) string, staff map[string]string) []facet {
	var out []facet
	for _, f := range []struct{ key, name string }{
		{"dept", "Department"}, {"tag", "Tag"}, {"staff", "Colleague"}, {"is", "State"}, {"has", "With"},
	} {
		x := facet{Name: f.name}
		for _, c := range s.Found.Facets[f.key] {
			if len(x.Values) == 12 {
				break
			}
			v := facetValue{Name: c.Value, Docs: c.Docs}
			switch name := staff[c.Value]; {
			case f.key == "dept":
				v.Name = names(c.Value)
			case f.key == "staff" && name != "":
				v.Name = name
			}
			clause := f.key + ":" + c.Value
			if strings.ContainsRune(c.Value, ' ') {
				clause = f.key + `:"` + strings.ReplaceAll(c.Value, `"`, "") + `"`
			}
			with := s.Query + " " + clause
			if rest, found := without(s.Query, clause); found {
				v.On, with = true, rest
			}
			v.Link = s.link(strings.TrimSpace(with), "")
			x.Values = append(x.Values, v)
		}
		if len(x.Values) > 0 {
			out = append(out, x)
		}
	}
	return out
}

// without takes a clause out of a query.
func without(query, clause string) (rest string, found bool) {
	i := strings.Index(" "+query+" ", " "+clause+" ")
	if i < 0 {
		return query, false
	}
	return strings.Join(slices.DeleteFunc([]string{strings.TrimSpace(query[:i]), strings.TrimSpace(query[min(len(query), i+len(clause)):])},
		func(s string) bool { return s == "" }), " "), true
}
