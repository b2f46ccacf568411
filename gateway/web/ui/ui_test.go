// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

func newPages(t *testing.T) *Pages {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// hostile is a value that would break out of every place where a page can put it.
const hostile = `"></script><script>alert(1)</script>'<img src=x onerror=alert(2)>{{.}} javascript:alert(3) </p>` + "\u2028\x00"

// pages renders every template, with one value wherever strangers' words may stand.
func pages(t *testing.T, p *Pages, value string) map[string]string {
	t.Helper()
	out := map[string]string{}
	render := func(name string, f func(io.Writer) error) {
		var buf bytes.Buffer
		if err := f(&buf); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = buf.String()
	}
	chat := ChatPage{
		Locale: "en", Department: value, Name: value, State: "online", NextOpen: value,
		Nodes: []string{value}, Sites: []string{value}, Embedded: true, Titles: true, WaitSeconds: 60,
		Form: AskForm{
			Department: value, ID: value, Stamp: value, Question: value, Person: value, Email: value, Problem: "need.field", Bad: "email",
			Fields: []AskField{{Name: value, Label: value, Value: value}, {Name: value, Label: value, Choices: []string{value}, Required: true, Value: value}},
		},
	}
	render("chat", func(w io.Writer) error { return p.Chat(w, chat) })
	doors := []Door{{Department: value, Name: value}}
	render("demo", func(w io.Writer) error { return p.Demo(w, DemoPage{Department: value, Doors: doors}) })
	render("index", func(w io.Writer) error { return p.Index(w, "fr", doors, true) })
	render("ask", func(w io.Writer) error {
		return p.Ask(w, AskPage{Locale: "fr", Name: value, Department: value, Form: chat.Form})
	})
	render("asked", func(w io.Writer) error {
		return p.Ask(w, AskPage{Locale: "en", Name: value, Department: value, Email: value, Number: 57})
	})
	links := []FAQLink{{Slug: value, Question: value, Snippet: value, Lang: value}}
	list := FAQsPage{Locale: "en", Lang: value, Department: value, Keep: "?" + value, Query: value, Ask: "/chat/" + value}
	list.Groups = []FAQGroup{{Topic: value, Links: links}, {Links: links}}
	render("faqs", func(w io.Writer) error { return p.FAQs(w, list) })
	list.Searched = true
	render("faqs in vain", func(w io.Writer) error { return p.FAQs(w, list) })
	list.Found = links
	render("faqs found", func(w io.Writer) error { return p.FAQs(w, list) })
	render("faq", func(w io.Writer) error {
		return p.FAQ(w, FAQPage{
			Locale: "es", Slug: value, Question: value, Answer: p.Markdown("A *good* answer."), Lang: value, ID: value, Stamp: value,
			Keep: "?" + value, Ask: "/chat/" + value,
		})
	})
	render("notice", func(w io.Writer) error { return p.Notice(w, Notice{Locale: "es", Code: value, Detail: value}) })
	return out
}

// TestHostileValuesAreInert compares the elements and attributes of each page with those of a harmless value's: whatever
// the value, they are the same.
func TestHostileValuesAreInert(t *testing.T) {
	p := newPages(t)
	harmless, bad := pages(t, p, "reference"), pages(t, p, hostile)
	for name, page := range bad {
		if diff := cmp.Diff(markup(harmless[name]), markup(page)); diff != "" {
			t.Errorf("%s: other markup:\n%s", name, diff)
		}
		for _, link := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if !strings.HasPrefix(link[1], "/") && link[1] != "data:," {
				t.Errorf("%s links %s", name, link[1])
			}
		}
	}
	for name, page := range harmless {
		if strings.Contains(page, " style=") || strings.Contains(page, "<style") || regexp.MustCompile(`<script>|\son[a-z]+=`).MatchString(page) {
			t.Errorf("%s: inline script or style", name)
		}
		if strings.Contains(page, "https://") || strings.Contains(page, "http://") || strings.Contains(page, `src="//`) {
			t.Errorf("%s asks a third party", name)
		}
	}
}

// markup lists a page's elements with the names of their attributes, as a browser reads them.
func markup(page string) []string {
	var out []string
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			s := token.Data
			for _, a := range token.Attr {
				s += " " + a.Key
			}
			out = append(out, s)
		}
	}
}

func TestTextsAreComplete(t *testing.T) {
	p := newPages(t)
	places := regexp.MustCompile(`\{\w+\}`)
	for _, lang := range []string{"en", "es", "fr"} {
		if p.texts[lang] == nil {
			t.Errorf("no %s", lang)
		}
	}
	for lang, table := range p.texts {
		keys := slices.Sorted(maps.Keys(table))
		if diff := cmp.Diff(slices.Sorted(maps.Keys(p.texts[base])), keys); diff != "" {
			t.Errorf("%s has other keys than %s:\n%s", lang, base, diff)
		}
		for _, k := range keys {
			if strings.TrimSpace(table[k]) == "" {
				t.Errorf("%s: %s is empty", lang, k)
			}
			want, got := places.FindAllString(p.texts[base][k], -1), places.FindAllString(table[k], -1)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("%s: %s has the places %v, not %v", lang, k, got, want)
			}
		}
		if d := table["dir"]; d != "ltr" && d != "rtl" {
			t.Errorf("%s is written in the direction %q", lang, d)
		}
	}
}

// TestTextsAreEasy holds the sentences to what somebody of twelve reads with ease: they are short, and so are their words.
func TestTextsAreEasy(t *testing.T) {
	ends := regexp.MustCompile(`[.!?:](?:\s|$)`)
	for lang, table := range newPages(t).texts {
		for k, text := range table {
			for _, sentence := range ends.Split(text, -1) {
				words, long := strings.Fields(sentence), 0
				for _, w := range words {
					if len([]rune(w)) > 13 {
						long++
					}
				}
				if len(words) > 18 || long > 1 {
					t.Errorf("%s: %s has a sentence of %d words, %d of them long: %s", lang, k, len(words), long, sentence)
				}
			}
		}
	}
}

// TestLocalesForTests are there for whoever names them, and for nobody else.
func TestLocalesForTests(t *testing.T) {
	p := newPages(t)
	for locale, dir := range map[string]string{pseudoLocale: "ltr", mirrorLocale: "rtl"} {
		if got := p.Locale(locale, "fr"); got != locale {
			t.Errorf("%s: %s", locale, got)
		}
		table := p.Texts(locale)
		if table["dir"] != dir {
			t.Errorf("%s is written %s", locale, table["dir"])
		}
		for k, text := range p.texts[base] {
			if k != "dir" && table[k] == text {
				t.Errorf("%s: %s is the same", locale, k)
			}
		}
		if got := table.Fill("ask.thanks", "number", "57"); !strings.Contains(got, "57") {
			t.Errorf("%s: %s", locale, got)
		}
	}
	if got := p.Locale("", "ar-EG,ar;q=0.9,en-XA;q=0.5"); got != base {
		t.Errorf("a reader of Arabic gets %s", got)
	}
}

// TestPatronsNeverReadOurWords holds the texts to the words for patrons.
func TestPatronsNeverReadOurWords(t *testing.T) {
	ours := regexp.MustCompile(`(?i)\b(patron|operator|ticket|desk|queue|claim|node|agent|guest|session|token)s?\b`)
	for lang, table := range newPages(t).texts {
		for k, text := range table {
			if w := ours.FindString(text); w != "" {
				t.Errorf("%s: %s says %q", lang, k, w)
			}
		}
	}
}

func TestLocale(t *testing.T) {
	p := newPages(t)
	for _, c := range []struct {
		name   string
		wishes []string
		want   string
	}{
		{"none", nil, "en"},
		{"the first that there is", []string{"de-DE,de;q=0.9,fr;q=0.8,en;q=0.7"}, "fr"},
		{"a region", []string{"es-MX"}, "es"},
		{"the page's wish before the browser's", []string{"fr", "es"}, "fr"},
		{"a wish that there is not", []string{"de", "es"}, "es"},
		{"garbage", []string{"\x00;;q=;", "<script>"}, "en"},
	} {
		if got := p.Locale(c.wishes...); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func zipped(t *testing.T, data []byte) int {
	t.Helper()
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Len()
}

func TestSizeBudgets(t *testing.T) {
	p := newPages(t)
	if n := zipped(t, p.assets["/widget.js"].data); n > 6<<10 {
		t.Errorf("widget.js has %d bytes, the limit is %d", n, 6<<10)
	}
	if n := zipped(t, p.assets["/faq.js"].data); n > 6<<10 {
		t.Errorf("faq.js has %d bytes, the limit is %d", n, 6<<10)
	}
	linked := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`)
	for lang := range p.texts {
		var buf bytes.Buffer
		if err := p.Chat(&buf, ChatPage{Locale: lang, Department: "reference", Name: "Reference", State: "online"}); err != nil {
			t.Fatal(err)
		}
		sum := zipped(t, buf.Bytes())
		files := linked.FindAllStringSubmatch(buf.String(), -1)
		for _, m := range files {
			a, ok := p.assets[m[1]]
			if !ok {
				t.Errorf("%s: the page links %s, which is not there", lang, m[1])
			}
			sum += zipped(t, a.data)
		}
		if len(files) != 2 || sum > 60<<10 {
			t.Errorf("%s: the chat page has %d bytes with its %d files, the limit is %d", lang, sum, len(files), 60<<10)
		}
	}
}

func TestAssets(t *testing.T) {
	p := newPages(t)
	get := func(path string, headers ...string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		p.Assets().ServeHTTP(w, r)
		return w.Result()
	}
	for plain, mime := range map[string]string{"app.css": "text/css; charset=utf-8", "chat.js": "text/javascript; charset=utf-8", "widget.js": "text/javascript; charset=utf-8", "faq.js": "text/javascript; charset=utf-8"} {
		path, err := p.asset(plain)
		if err != nil {
			t.Fatal(err)
		}
		whole := get(path)
		packed := get(path, "Accept-Encoding", "gzip, br")
		if whole.StatusCode != 200 || whole.Header.Get("Content-Type") != mime || whole.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d %v", path, whole.StatusCode, whole.Header)
		}
		if hashed := plain != "widget.js" && plain != "faq.js"; strings.Contains(whole.Header.Get("Cache-Control"), "immutable") != hashed {
			t.Errorf("%s: Cache-Control %q", path, whole.Header.Get("Cache-Control"))
		}
		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		a, err1 := io.ReadAll(z)
		b, err2 := io.ReadAll(whole.Body)
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) || whole.Header.Get("ETag") == packed.Header.Get("ETag") {
			t.Errorf("%s: packed it is something else, or has the same tag (%v, %v)", path, err1, err2)
		}
		if again := get(path, "If-None-Match", whole.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", path, again.StatusCode)
		}
	}
	if _, err := p.asset("no.js"); err == nil {
		t.Error("an asset that is not there has a URL")
	}
	for _, path := range []string{"/assets/", "/assets/../texts.json", "/texts.json", "/dist/widget.js"} {
		if got := get(path).StatusCode; got != 404 {
			t.Errorf("%s: %d", path, got)
		}
	}
}

func TestFill(t *testing.T) {
	texts := Texts{"a": "{n} of {max}: {n}"}
	if got := texts.Fill("a", "n", "{max}", "max", "9"); got != "{max} of 9: {max}" {
		t.Errorf("filled: %q", got)
	}
	if got := texts.Fill("missing"); got != "" {
		t.Errorf("a key that is not there: %q", got)
	}
}
