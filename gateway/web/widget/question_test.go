// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// askedFor lists the tickets of a department: subject, address and first text.
func (h *house) askedFor(department string) []string {
	h.t.Helper()
	var out []string
	err := h.store.View(h.t.Context(), desk.NodeActor("test"), func(rd desk.Reader) error {
		list, err := rd.Tickets(desk.TicketFilter{Department: department})
		for _, t := range list {
			entries, err := rd.Entries(t.Number, 0, 1)
			if err != nil || len(entries) != 1 {
				return errors.Join(errors.New("no entry"), err)
			}
			out = append(out, t.Name+" <"+t.Email+"> "+entries[0].Text)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// fields sets what a department asks for.
func (h *house) fields(department, list string) {
	h.t.Helper()
	err := h.store.Admin(&desk.SetSetting{Setting: desk.Setting{Name: FieldsSetting + department, Value: list}})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, d := range h.doors {
		d.doors.mu.Lock()
		d.doors.views = nil
		d.doors.mu.Unlock()
	}
}

const twoFields = `[{"name":"faculty","label":"Faculty","choices":["Arts","Law"],"required":true},{"name":"card","label":"Library card"}]`

func TestQuestions(t *testing.T) {
	h := newHouse(t, options{nodes: 2})
	body := obj{
		"id": "a1", "department": "digital", "question": "Can I read at home?\r\nThe newspapers.", "email": "noor@example.org", "name": "Noor\nB",
	}
	first := h.call("POST", "/api/v1/questions", "", body)
	again := h.call("POST", "/api/v1/questions", "", body)
	h.urls[0], h.urls[1] = h.urls[1], h.urls[0]
	other := h.call("POST", "/api/v1/questions", "", body)
	var a asked
	first.decode(t, &a)
	if first.status != 201 || again.status != 200 || other.status != 200 || string(again.body) != string(first.body) ||
		string(other.body) != string(first.body) || a.Ticket == "" {
		t.Errorf("%d %s, %d %s, %d %s", first.status, first.body, again.status, again.body, other.status, other.body)
	}
	body["question"] = "Something else"
	if c := h.call("POST", "/api/v1/questions", "", body); c.status != 422 || c.code() != web.CodeReused {
		t.Errorf("same id, other question: %d %s", c.status, c.body)
	}
	want := []string{"Noor B <noor@example.org> Can I read at home?\nThe newspapers."}
	if diff := cmp.Diff(want, h.askedFor("digital")); diff != "" {
		t.Error(diff)
	}
}

func TestQuestionRefusals(t *testing.T) {
	h := newHouse(t, options{limits: Limits{Questions: 40}})
	h.fields("digital", twoFields)
	for name, c := range map[string]struct {
		edit  func(obj)
		field string
	}{
		"no id":               {func(o obj) { delete(o, "id") }, "id"},
		"no address":          {func(o obj) { delete(o, "email") }, "email"},
		"blank address":       {func(o obj) { o["email"] = " \t" }, "email"},
		"no such address":     {func(o obj) { o["email"] = "nobody" }, "email"},
		"two addresses":       {func(o obj) { o["email"] = "a@b.example, c@d.example" }, "email"},
		"blank question":      {func(o obj) { o["question"] = "\u200b\n" }, "question"},
		"long question":       {func(o obj) { o["question"] = strings.Repeat("é", 4001) }, "question"},
		"unknown department":  {func(o obj) { o["department"] = "nowhere" }, "department"},
		"a field is missing":  {func(o obj) { o["fields"] = obj{"card": "7"} }, "fields.faculty"},
		"no such choice":      {func(o obj) { o["fields"] = obj{"faculty": "Magic"} }, "fields.faculty"},
		"long answer":         {func(o obj) { o["fields"] = obj{"faculty": "Law", "card": strings.Repeat("7", 201)} }, "fields.card"},
		"fields are a list":   {func(o obj) { o["fields"] = []string{"Law"} }, "fields"},
		"a field is a number": {func(o obj) { o["fields"] = obj{"faculty": 7} }, "fields.faculty"},
		"too many fields": {func(o obj) {
			o["fields"] = obj{"1": "", "2": "", "3": "", "4": "", "5": "", "6": "", "7": "", "8": "", "9": "", "10": "", "11": ""}
		}, "fields"},
	} {
		t.Run(name, func(t *testing.T) {
			// The desk remembers refusals by their id, so each has its own.
			id := strings.ReplaceAll(name, " ", "-")
			body := obj{"id": id, "department": "digital", "question": "Hello", "email": "a@b.example", "fields": obj{"faculty": "Law"}}
			c.edit(body)
			a := h.call("POST", "/api/v1/questions", "", body)
			var p web.Problem
			a.decode(t, &p)
			if a.status != 422 || p.Field != c.field && !(c.field == "fields.faculty" && p.Field == "fields") {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	if got := h.askedFor("digital"); len(got) != 0 {
		t.Errorf("asked: %q", got)
	}
	h.store.Refuse(&desk.Error{Code: desk.NoQuorum})
	a := h.call("POST", "/api/v1/questions", "", obj{"id": "a1", "department": "reference", "question": "Hello", "email": "a@b.example"})
	if a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("without a majority: %d", a.status)
	}
	h.store.Refuse(nil)
}

func TestQuestionFlood(t *testing.T) {
	h := newHouse(t, options{limits: Limits{Questions: 1, QuestionEvery: time.Hour}})
	ask := func(id string) answer {
		return h.call("POST", "/api/v1/questions", "", obj{"id": id, "department": "digital", "question": "Hello", "email": "a@b.example"})
	}
	if a := ask("a1"); a.status != 201 {
		t.Fatal(a.status)
	}
	if a := ask("a2"); a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestFields asks for a department's own fields and puts the answers under the question, also those nobody asked for.
func TestFields(t *testing.T) {
	h := newHouse(t, options{})
	h.fields("reference", twoFields)
	var views []departmentView
	h.call("GET", "/api/v1/departments", "", nil).decode(t, &views)
	want := []chatField{{Name: "faculty", Label: "Faculty", Choices: []string{"Arts", "Law"}, Required: true}, {Name: "card", Label: "Library card"}}
	if diff := cmp.Diff(want, views[1].Fields); diff != "" {
		t.Error(diff)
	}
	token := newToken()
	body := obj{"id": "q1", "token": token, "department": "reference", "question": "Hello", "fields": obj{"card": "7\n\u202e8", "Shelf": "B 2", "faculty": "Law"}}
	var o opened
	h.call("POST", "/api/v1/chats", "", body).decode(t, &o)
	if got := *h.history(o.Chat, token).Events[1].Text; got != "Hello\n\nFaculty: Law\nLibrary card: 7 8\nShelf: B 2" {
		t.Errorf("question: %q", got)
	}
	if a := h.call("POST", "/api/v1/chats", "", body); a.status != 200 {
		t.Errorf("again: %d %s", a.status, a.body)
	}
	body["id"], body["token"], body["fields"] = "q2", newToken(), obj{}
	if a := h.call("POST", "/api/v1/chats", "", body); a.status != 422 {
		t.Errorf("without what has to be there: %d", a.status)
	}
	h.fields("reference", `{"not":"a list"}`)
	if a := h.call("POST", "/api/v1/chats", "", body); a.status != 201 {
		t.Errorf("a setting that is broken closes nothing: %d %s", a.status, a.body)
	}
}

func TestWhatIsKeptOfAChat(t *testing.T) {
	for _, titles := range []bool{false, true} {
		h := newHouse(t, options{titles: titles})
		var o opened
		h.call("POST", "/api/v1/chats", "", obj{
			"id": "q1", "token": newToken(), "department": "reference", "question": "Hello", "keep_transcript": titles,
			"page_title": "Maps\n<b>" + strings.Repeat("é", 300), "page_url": "https://library.example/maps?q=illness#x",
		}).decode(t, &o)
		h.until("kept as wished", func(c *desk.Chat) bool {
			return c.NoStore == !titles && (c.PageTitle != "") == titles && c.PageURL == "https://library.example/maps"
		}, h.lastChat(desk.Waiting))
	}
}

// TestQuestionWithoutScript sends the form of the chat page as a browser without scripts does.
func TestQuestionWithoutScript(t *testing.T) {
	h := newHouse(t, options{})
	h.fields("digital", twoFields)
	page := h.call("GET", "/chat/digital?lang=es", "", nil)
	for _, want := range []string{`<noscript>`, `action="/faq"`, `action="/chat/digital" method="post"`, `name="field.faculty"`, `name="lang" value="es"`} {
		if !strings.Contains(string(page.body), want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if page.header.Get("Cache-Control") != "no-store" {
		t.Error("a form for one reader may be kept by others")
	}
	form := hiddenOf(t, page.body)
	for k, v := range map[string]string{
		"lang": "es", "question": `¿Dónde? <script>alert(1)</script>`, "email": "noor@example.org", "name": "Noor", "field.faculty": "Law", "field.card": "",
	} {
		form.Set(k, v)
	}
	post := func(v url.Values, edit ...func(*http.Request)) answer {
		return h.call("POST", "/chat/digital", "", v.Encode(), append([]func(*http.Request){asForm}, edit...)...)
	}
	// At once: nobody types that fast. It comes back with all that was written, and the next press sends it.
	if a := post(form); a.status != 422 || !strings.Contains(string(a.body), "Revísalo") || !strings.Contains(string(a.body), "&lt;script&gt;") ||
		hiddenOf(t, a.body).Get("id") != form.Get("id") {
		t.Errorf("hasty: %d %s", a.status, a.body)
	}
	if err := h.store.Advance(3 * time.Second); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ field, value, want string }{
		"bad address":        {"email", "nobody", "Escribe una dirección"},
		"no address":         {"email", "", "Escribe una dirección"},
		"no question":        {"question", " ", "4.000 caracteres"},
		"a field is missing": {"field.faculty", "", "campos necesarios"},
		"forged stamp":       {"stamp", "zzzz.AAAA", "Revísalo"},
		"another's id":       {"id", "x", "Revísalo"},
	} {
		was := form.Get(c.field)
		form.Set(c.field, c.value)
		a := post(form)
		if a.status != 422 || !strings.Contains(string(a.body), c.want) || hiddenOf(t, a.body) == nil {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		next := hiddenOf(t, a.body)
		if c.field != "question" && !strings.Contains(string(a.body), "¿Dónde? &lt;script&gt;") {
			t.Errorf("%s: the question is lost", name)
		}
		form.Set(c.field, was)
		if c.field != "stamp" && c.field != "id" { // mended, it goes on under the id that came back
			form.Set("id", next.Get("id"))
			form.Set("stamp", next.Get("stamp"))
		}
	}
	if got := h.askedFor("digital"); len(got) != 0 {
		t.Fatalf("asked: %q", got)
	}
	for range 2 { // pressed twice
		a := post(form)
		if a.status != 200 || !strings.Contains(string(a.body), "Tu pregunta tiene el número 1") || !strings.Contains(string(a.body), ">noor@example.org</p>") {
			t.Errorf("sent: %d %s", a.status, a.body)
		}
	}
	want := []string{"Noor <noor@example.org> ¿Dónde? <script>alert(1)</script>\n\nFaculty: Law"}
	if diff := cmp.Diff(want, h.askedFor("digital")); diff != "" {
		t.Error(diff)
	}
	// Sent, gone back, changed: that is another question, and says so first.
	form.Set("question", "And another")
	a := post(form)
	if next := hiddenOf(t, a.body); a.status != 422 || next.Get("id") == form.Get("id") {
		t.Errorf("changed: %d %s", a.status, a.body)
	}
	if err := h.store.Advance(13 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if a := post(form); a.status != 422 || !strings.Contains(string(a.body), "And another") {
		t.Errorf("stale: %d", a.status)
	}
	elsewhere := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	if a := post(form, elsewhere); a.status != 403 {
		t.Errorf("from another site: %d", a.status)
	}
	if a := h.call("POST", "/chat/digital", "", obj{"id": "x"}); a.status != 415 {
		t.Errorf("JSON: %d", a.status)
	}
	if a := h.call("POST", "/chat/nowhere", "", "a=b", asForm); a.status != 404 {
		t.Errorf("no such department: %d", a.status)
	}
	if a := h.call("POST", "/chat/digital", "", "question=%ff", asForm); a.status != 400 {
		t.Errorf("no UTF-8: %d", a.status)
	}
}

// FuzzForm posts forms of any shape: none of them is an error of ours, and none without our stamp is a question.
func FuzzForm(f *testing.F) {
	f.Add("id=x&stamp=0.AAAA&question=hello&email=a%40b.example")
	f.Add("field.=&field.a=b&lang=%ff&=&&&")
	f.Add(strings.Repeat("a=b&", 2000))
	h := newHouse(f, options{limits: Limits{Questions: 1 << 30}})
	f.Fuzz(func(t *testing.T, body string) {
		r, err := http.NewRequestWithContext(t.Context(), "POST", h.urls[0]+"/chat/digital", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		asForm(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode < 400 || resp.StatusCode >= 500 {
			t.Errorf("%q: %d", body, resp.StatusCode)
		}
	})
}
