// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// publish puts FAQs into the desk.
func (h *house) publish(list ...desk.FAQ) {
	h.t.Helper()
	for _, q := range list {
		if q.State == "" {
			q.State = desk.FAQPublished
		}
		if err := h.store.Admin(&desk.SetFAQ{FAQ: q}); err != nil {
			h.t.Fatalf("%s: %v", q.Slug, err)
		}
	}
	for _, d := range h.doors {
		d.faqList.mu.Lock()
		d.faqList.list = nil
		d.faqList.mu.Unlock()
	}
}

func mapFAQ() desk.FAQ {
	return desk.FAQ{
		Slug: "maps", Question: "Have you old maps of the town?", Also: []string{"Where is the map room?"}, Topics: []string{"Collections"},
		Answer: "We have **three**, the oldest from 1872.\n\n1. Ask at the desk.\n2. Look at <https://maps.example/>.",
	}
}

// shelf is a handful of FAQs.
func shelf() []desk.FAQ {
	return []desk.FAQ{
		mapFAQ(),
		{Slug: "borrow", Question: "How many books can I borrow?", Answer: "Twenty, for four weeks.", Topics: []string{"Borrowing"}},
		{Slug: "renew", Question: "How do I renew my books?", Answer: "They renew by themselves.", Topics: []string{"Borrowing"}},
		{Slug: "heures", Question: "Quelles sont vos heures d’ouverture ?", Answer: "De 8 h à 22 h.", Language: "fr"},
		{Slug: "secret", Question: "A draft about maps", Answer: "Not yet.", State: desk.FAQDraft},
	}
}

func (h *house) find(query string) found {
	h.t.Helper()
	a := h.call("GET", "/api/v1/faqs?"+query, "", nil)
	if a.status != http.StatusOK {
		h.t.Fatalf("%s: %d %s", query, a.status, a.body)
	}
	var f found
	a.decode(h.t, &f)
	return f
}

func TestFAQSearch(t *testing.T) {
	h := newHouse(t, options{})
	h.publish(shelf()...)
	for _, c := range []struct {
		name, query string
		good        bool
		want        []string
	}{
		{"whole words", "q=borrow+books", true, []string{"borrow", "renew"}},
		{"a plural, and case", "q=BOOK", true, []string{"borrow", "renew"}},
		{"the last word by its beginning", "q=old+ma", true, []string{"maps"}},
		{"the other wording", "q=map+room", true, []string{"maps"}},
		{"nothing good", "q=parking+for+bicycles", false, nil},
		{"a word that only an answer has is not enough", "q=parking+weeks", false, nil},
		{"one character", "q=b", false, nil},
		{"nothing", "q=", false, nil},
		{"small words alone", "q=how+do+i", false, nil},
		{"a draft is nobody's", "q=draft", false, nil},
		{"another language is left out", "q=heures+ouverture&lang=es", false, nil},
		{"its own is not", "q=heures+ouverture&lang=fr-CA", true, []string{"heures"}},
		{"a limit", "q=books&limit=1", true, []string{"borrow"}},
		{"signs of a query language are words", "q=%22maps%22+OR+title%3A%2F.*%2F", true, []string{"maps"}},
		{"longer than it may be", "q=maps+" + strings.Repeat("x", 5000), true, []string{"maps"}},
	} {
		f := h.find(c.query)
		var got []string
		for _, a := range f.Answers {
			got = append(got, a.Slug)
		}
		if f.Good != c.good || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v %v, want %v %v", c.name, f.Good, got, c.good, c.want)
		}
	}
	hit := h.find("q=maps").Answers[0]
	if want := "We have three, the oldest from 1872. Ask at the desk. Look at https://maps.example/."; hit.Snippet != want || hit.Score <= 0 {
		t.Errorf("hit: %+v", hit)
	}
	for _, bad := range []string{"q=maps&limit=x", "q=%ff", "q=maps&lang=" + strings.Repeat("x", 40)} {
		if a := h.call("GET", "/api/v1/faqs?"+bad, "", nil); a.status != 400 {
			t.Errorf("%s: %d", bad, a.status)
		}
	}
}

// index is a search that is not our own.
type index struct {
	hits []FAQHit
	good bool
	err  error
	got  []string
}

func (x *index) Answer(_ context.Context, text, lang string, _ int) ([]FAQHit, bool, error) {
	x.got = append(x.got, text+"|"+lang)
	return x.hits, x.good, x.err
}

func TestFAQIndexIsHeldToTheRecords(t *testing.T) {
	x := &index{good: true, hits: []FAQHit{
		{Slug: "gone", Question: "Deleted", Score: 3},
		{Slug: "secret", Score: 2},
		{Slug: "maps", Question: "An older wording", Snippet: "We \u202ehave\x00 <b>three</b>", Score: 1},
	}}
	h := newHouse(t, options{faqs: x})
	h.publish(shelf()...)
	f := h.find("q=++the%20%20maps&lang=es")
	want := []FAQHit{{Slug: "maps", Question: "Have you old maps of the town?", Snippet: "We have <b>three</b>", Score: 1}}
	if diff := cmp.Diff(want, f.Answers); diff != "" || !f.Good {
		t.Errorf("%v\n%s", f.Good, diff)
	}
	if !slices.Equal(x.got, []string{"the maps|es"}) {
		t.Errorf("asked for %q", x.got)
	}
	x.good = false
	if f := h.find("q=maps"); f.Good || len(f.Answers) > 0 {
		t.Errorf("junk is shown: %+v", f)
	}
	x.err = context.DeadlineExceeded
	if a := h.call("GET", "/api/v1/faqs?q=maps", "", nil); a.status != 500 && a.status != 503 {
		t.Errorf("the index fails: %d", a.status)
	}
}

// faq reads one FAQ's record.
func (h *house) faq(slug string) (out desk.FAQ) {
	h.t.Helper()
	err := h.store.View(h.t.Context(), desk.NodeActor("test"), func(rd desk.Reader) error {
		q, err := rd.FAQ(slug)
		if err == nil {
			out = *q
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func TestVotes(t *testing.T) {
	h := newHouse(t, options{limits: Limits{Votes: 4, VoteEvery: time.Hour}})
	h.publish(shelf()...)
	vote := func(slug string, body any) answer { return h.call("POST", "/api/v1/faqs/"+slug+"/vote", "", body) }
	for _, body := range []obj{{"up": true, "id": "v1"}, {"up": true, "id": "v1"}, {"up": false}} {
		if a := vote("maps", body); a.status != 204 {
			t.Errorf("%v: %d %s", body, a.status, a.body)
		}
	}
	if q := h.faq("maps"); q.Up != 1 || q.Down != 1 {
		t.Errorf("up %d, down %d", q.Up, q.Down)
	}
	if a := vote("maps", obj{"up": false, "id": "v1"}); a.status != 422 || a.code() != web.CodeReused {
		t.Errorf("other vote, same id: %d %s", a.status, a.body)
	}
	if a := vote("maps", obj{"up": true}); a.status != 429 {
		t.Errorf("too many: %d", a.status)
	}
	for name, c := range map[string]struct {
		slug   string
		body   any
		status int
	}{
		"a draft":     {"secret", obj{"up": true}, 404},
		"no such":     {"nowhere", obj{"up": true}, 404},
		"no vote":     {"renew", obj{}, 422},
		"bad id":      {"renew", obj{"up": true, "id": "a b"}, 422},
		"endless":     {strings.Repeat("x", 300), obj{"up": true}, 404},
		"not a voter": {"renew", "[]", 400},
	} {
		if a := vote(c.slug, c.body); a.status != c.status {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestFAQPages(t *testing.T) {
	h := newHouse(t, options{})
	h.publish(shelf()...)
	page := func(path string) string {
		a := h.call("GET", path, "", nil)
		if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			t.Fatalf("%s: %d", path, a.status)
		}
		if strings.Contains(string(a.body), "<script") {
			t.Errorf("%s needs a script", path)
		}
		return string(a.body)
	}
	list := page("/faq")
	for _, want := range []string{`>Borrowing</h2>`, `href="/faq/maps"`, `lang="fr"`, `>More questions</h2>`, `href="/chat/reference"`} {
		if !strings.Contains(list, want) {
			t.Errorf("/faq has no %s", want)
		}
	}
	if strings.Contains(list, "draft") {
		t.Error("/faq shows a draft")
	}
	hits := page("/faq?q=books&lang=es&department=digital")
	if !strings.Contains(hits, "2 respuestas") || !strings.Contains(hits, `href="/faq/renew?department=digital&amp;lang=es"`) ||
		!strings.Contains(hits, `href="/chat/digital?department=digital&amp;lang=es"`) || !strings.Contains(hits, `value="books"`) {
		t.Errorf("found: %s", hits)
	}
	if none := page("/faq?q=bicycles"); !strings.Contains(none, "no good answer to “bicycles”") {
		t.Errorf("none: %s", none)
	}
	one := page("/faq/maps")
	for _, want := range []string{
		"<strong>three</strong>", "<ol>", `<a href="https://maps.example/" rel="noreferrer noopener" target="_blank">`, `action="/faq/maps"`,
	} {
		if !strings.Contains(one, want) {
			t.Errorf("/faq/maps has no %s in %s", want, one)
		}
	}
	for _, path := range []string{"/faq/secret", "/faq/nowhere", "/faq/" + strings.Repeat("x", 200), "/faq/%00"} {
		if a := h.call("GET", path, "", nil); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

// TestFAQFigures counts what was read and what was searched for in vain, and nothing about persons.
func TestFAQFigures(t *testing.T) {
	h := newHouse(t, options{})
	h.publish(shelf()...)
	for _, path := range []string{
		"/faq/maps", "/faq/maps", "/faq/maps?voted=up", "/faq?q=Bicycle+parking", "/faq?q=bicycle++PARKING", "/faq?q=maps",
		"/faq?q=my+mail+is+noor%40example.org", "/faq?q=card+1234-567", "/faq?q=zz",
	} {
		h.call("GET", path, "", nil)
	}
	h.doors[0].commitTallies(t.Context())
	if got := h.faq("maps").Views; got != 3 {
		t.Errorf("%d views", got)
	}
	var got []string
	err := h.store.View(t.Context(), desk.NodeActor("test"), func(rd desk.Reader) error {
		list, err := rd.FAQMisses(0)
		for _, m := range list {
			got = append(got, m.Query)
			if m.Count != 2 {
				t.Errorf("%s: %d", m.Query, m.Count)
			}
		}
		return err
	})
	if err != nil || !slices.Equal(got, []string{"bicycle parking"}) {
		t.Errorf("in vain: %q (%v)", got, err)
	}
}

var hidden = regexp.MustCompile(`name="(id|stamp)" value="([^"]*)"`)

// hiddenOf reads the hidden values of the one form of a page.
func hiddenOf(t *testing.T, page []byte) url.Values {
	t.Helper()
	v := url.Values{}
	for _, m := range hidden.FindAllSubmatch(page, -1) {
		v.Set(string(m[1]), string(m[2]))
	}
	if v.Get("id") == "" || v.Get("stamp") == "" {
		t.Fatalf("no hidden values in %s", page)
	}
	return v
}

func asForm(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }

func TestVoteWithoutScript(t *testing.T) {
	h := newHouse(t, options{})
	h.publish(shelf()...)
	form := hiddenOf(t, h.call("GET", "/faq/maps?lang=es", "", nil).body)
	form.Set("up", "0")
	for range 2 { // a second press counts once
		a := h.call("POST", "/faq/maps?lang=es", "", form.Encode(), asForm)
		if a.status != 200 || !strings.Contains(string(a.body), "Gracias. Eso nos ayuda.") {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	form.Set("stamp", "0."+form.Get("stamp"))
	h.call("POST", "/faq/maps", "", form.Encode(), asForm) // forged: thanked, not counted
	if q := h.faq("maps"); q.Up != 0 || q.Down != 1 {
		t.Errorf("up %d, down %d", q.Up, q.Down)
	}
	elsewhere := func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }
	if a := h.call("POST", "/faq/maps", "", form.Encode(), asForm, elsewhere); a.status != 403 {
		t.Errorf("from elsewhere: %d", a.status)
	}
}
