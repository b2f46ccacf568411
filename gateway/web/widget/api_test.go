// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

func TestDepartments(t *testing.T) {
	h := newHouse(t, options{})
	var got []departmentView
	h.call("GET", "/api/v1/departments", "", nil).decode(t, &got)
	if len(got) != 2 || got[1].ID != "reference" || got[1].State != "online" || got[0].State != "closed" {
		t.Fatalf("departments: %+v", got)
	}
	if a := h.call("GET", "/api/v1/departments/reference.txt", "", nil); string(a.body) != "online\n" {
		t.Errorf("txt: %q", a.body)
	}
	a := h.call("GET", "/api/v1/departments/reference.svg", "", nil)
	if a.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(string(a.body), "Reference: online") {
		t.Errorf("svg: %s", a.body)
	}
	if a := h.call("GET", "/api/v1/departments/nowhere.txt", "", nil); a.status != 404 {
		t.Errorf("unknown department: %d", a.status)
	}
}

func TestOpenIsIdempotent(t *testing.T) {
	h := newHouse(t, options{})
	token := newToken()
	body := obj{"id": "q1", "token": token, "department": "reference", "question": "Where are the maps?"}
	first := h.call("POST", "/api/v1/chats", "", body)
	if first.status != 201 {
		t.Fatalf("open: %d %s", first.status, first.body)
	}
	var a, b opened
	first.decode(t, &a)
	if a.Chat == "" || a.Seq == 0 || a.Epoch == 0 || len(a.Nodes) != 1 {
		t.Errorf("answer: %s", first.body)
	}
	again := h.call("POST", "/api/v1/chats", "", body)
	again.decode(t, &b)
	if again.status != 200 || !cmp.Equal(a, b) {
		t.Errorf("same id, same body: %d %s", again.status, again.body)
	}
	body["question"] = "Something else"
	if c := h.call("POST", "/api/v1/chats", "", body); c.status != 422 || c.code() != web.CodeReused {
		t.Errorf("same id, other body: %d %s", c.status, c.body)
	}
	body["id"] = "q2"
	more := h.call("POST", "/api/v1/chats", "", body)
	more.decode(t, &b)
	if more.status != 200 || b.Chat != a.Chat || b.Seq <= a.Seq {
		t.Errorf("other id, same token: %d %s", more.status, more.body)
	}
	want := []string{"waiting", "message patron: Where are the maps?", "message patron: Something else"}
	if diff := cmp.Diff(want, story(h.history(a.Chat, token).Events)); diff != "" {
		t.Error(diff)
	}
}

func TestOpenRefusals(t *testing.T) {
	h := newHouse(t, options{})
	good := func() obj {
		return obj{"id": "q1", "token": newToken(), "department": "reference", "question": "Hello"}
	}
	for name, c := range map[string]struct {
		edit   func(obj)
		status int
		code   string
		field  string
	}{
		"no id":               {func(o obj) { delete(o, "id") }, 422, web.CodeInvalid, "id"},
		"id with spaces":      {func(o obj) { o["id"] = "a b" }, 422, web.CodeInvalid, "id"},
		"short token":         {func(o obj) { o["token"] = "c2hvcnQ" }, 422, web.CodeInvalid, "token"},
		"padded token":        {func(o obj) { o["token"] = o["token"].(string) + "=" }, 422, web.CodeInvalid, "token"},
		"no question":         {func(o obj) { o["question"] = " \n\u200b" }, 422, web.CodeInvalid, "question"},
		"long question":       {func(o obj) { o["question"] = strings.Repeat("é", 4001) }, 422, web.CodeInvalid, "question"},
		"bad address":         {func(o obj) { o["email"] = "nobody" }, 422, web.CodeInvalid, "email"},
		"wrong type":          {func(o obj) { o["question"] = 7 }, 422, web.CodeInvalid, "question"},
		"unknown department":  {func(o obj) { o["department"] = "nowhere" }, 422, web.CodeInvalid, "department"},
		"closed department":   {func(o obj) { o["department"] = "digital" }, 409, web.CodeDepartmentClosed, ""},
		"larger than allowed": {func(o obj) { o["fields"] = strings.Repeat("x", 70000) }, 413, web.CodeTooLarge, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := good()
			c.edit(o)
			a := h.call("POST", "/api/v1/chats", "", o)
			var p web.Problem
			a.decode(t, &p)
			if a.status != c.status || p.Code != c.code || p.Field != c.field {
				t.Errorf("%d %s, want %d %s %s", a.status, a.body, c.status, c.code, c.field)
			}
			if got := a.header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %q", got)
			}
		})
	}
	if a := h.call("POST", "/api/v1/chats", "", strings.Repeat("é", 4000)); a.status != 400 {
		t.Errorf("not JSON: %d", a.status)
	}
	if a := h.call("POST", "/api/v1/chats", "", "{\"id\":\"\xff\"}"); a.status != 400 || a.code() != web.CodeBadRequest {
		t.Errorf("invalid UTF-8: %d %s", a.status, a.body)
	}
	plain := func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }
	if a := h.call("POST", "/api/v1/chats", "", good(), plain); a.status != 415 || a.code() != web.CodeMediaType {
		t.Errorf("text/plain: %d %s", a.status, a.body)
	}
	if a := h.call("POST", "/api/v1/chats?token=x", "", good()); a.status != 400 || a.code() != web.CodeTokenInURL {
		t.Errorf("token in URL: %d %s", a.status, a.body)
	}
	if a := h.call("DELETE", "/api/v1/chats", "", nil); a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("DELETE: %d %v", a.status, a.header)
	}
}

func TestTokens(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, _ := h.open("Mine")
	other, _, _ := h.open("Theirs")
	for _, c := range []struct {
		name, chat, token string
		status            int
	}{
		{"the right one", chat, token, 200},
		{"none", chat, "", 401},
		{"garbage", chat, "abc", 401},
		{"another chat's", other, token, 403},
		{"nobody's", chat, newToken(), 403},
		{"no such chat", "99999", token, 404},
		{"no number", "0" + chat, token, 404},
	} {
		if a := h.call("GET", "/api/v1/chats/"+c.chat, c.token, nil); a.status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, a.status, a.body, c.status)
		}
	}
	if a := h.call("GET", "/api/v1/chats/"+chat+"/events?Access_Token="+token, token, nil); a.code() != web.CodeTokenInURL {
		t.Errorf("token in URL: %s", a.body)
	}
}

func TestMessages(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, _ := h.open("Hello")
	path := "/api/v1/chats/" + chat + "/messages"
	text := "Zażółć 😀 <b>مرحبا</b> &amp; \u2067isolated\u2069"
	first := h.call("POST", path, token, obj{"id": "m1", "text": text})
	again := h.call("POST", path, token, obj{"id": "m1", "text": text})
	if first.status != 201 || again.status != 200 || string(first.body) != string(again.body) {
		t.Errorf("%d %s, then %d %s", first.status, first.body, again.status, again.body)
	}
	if a := h.call("POST", path, token, obj{"id": "m1", "text": "other"}); a.status != 422 || a.code() != web.CodeReused {
		t.Errorf("same id, other text: %d %s", a.status, a.body)
	}
	if a := h.call("POST", path, token, obj{"id": "m2", "text": strings.Repeat("😀", 4000)}); a.status != 201 {
		t.Errorf("4,000 characters: %d %s", a.status, a.body)
	}
	if a := h.call("POST", path, token, obj{"id": "m3", "text": strings.Repeat("😀", 4001)}); a.status != 422 {
		t.Errorf("4,001 characters: %d", a.status)
	}
	h.call("POST", path, token, obj{"id": "m4", "text": "a\r\nb\x00\x07\u202ec\u2028d"})
	events := h.history(chat, token).Events
	if got := *events[2].Text; got != text || events[2].ID != "m1" {
		t.Errorf("text came back as %q", got)
	}
	if got := *events[4].Text; got != "a\nbc\nd" {
		t.Errorf("cleaned: %q", got)
	}
}

func TestConversation(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, _ := h.open("Do you have maps?")
	n, _ := strconv.ParseUint(chat, 10, 64)
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.NoteLine, Text: "regular"})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "We do"})
	var v chatView
	h.call("GET", "/api/v1/chats/"+chat, token, nil).decode(t, &v)
	if v.State != "claimed" || v.By != "Ana" || v.Department != "reference" {
		t.Errorf("chat: %+v", v)
	}
	h.as("ana", &desk.CloseChat{Chat: n, Tags: []string{"printing"}})
	want := []string{"waiting", "message patron: Do you have maps?", "claimed Ana", "message staff Ana: We do", "closed Ana"}
	events := h.history(chat, token).Events
	if diff := cmp.Diff(want, story(events)); diff != "" {
		t.Error(diff)
	}
	last := events[len(events)-1]
	if last.Until == nil || last.Until.Sub(last.At) != 2*time.Minute {
		t.Errorf("closed: %+v", last)
	}
	a := h.call("POST", "/api/v1/chats/"+chat+"/messages", token, obj{"id": "m1", "text": "One more thing"})
	if a.status != 201 {
		t.Fatalf("within the time: %d %s", a.status, a.body)
	}
	h.as("ana", &desk.CloseChat{Chat: n})
	if err := h.store.Advance(3 * time.Minute); err != nil {
		t.Fatal(err)
	}
	a = h.call("POST", "/api/v1/chats/"+chat+"/messages", token, obj{"id": "m2", "text": "Too late"})
	if a.status != 409 || a.code() != web.CodeChatClosed {
		t.Errorf("after the time: %d %s", a.status, a.body)
	}
}

func TestSmallCalls(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, seq := h.open("Hello")
	n, _ := strconv.ParseUint(chat, 10, 64)
	post := func(what string, body any) answer { return h.call("POST", "/api/v1/chats/"+chat+"/"+what, token, body) }
	for what, body := range map[string]any{
		"typing": obj{"on": true}, "seen": obj{"seq": seq, "visible": true}, "contact": obj{"email": "a@b.example", "name": "A\nB"},
	} {
		if a := post(what, body); a.status != 204 {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	if a := post("contact", obj{"email": "nobody"}); a.status != 422 {
		t.Errorf("bad address: %d", a.status)
	}
	if a := post("seen", obj{"seq": seq + 1000}); a.status != 422 {
		t.Errorf("seen of the future: %d", a.status)
	}
	h.until("seen is committed", func(c *desk.Chat) bool { return c.Shown == seq && c.Received == seq }, n)
	h.until("contact is kept", func(c *desk.Chat) bool { return c.Email == "a@b.example" && c.Name == "A B" }, n)
	if got := h.hints.said; len(got) != 1 || got[0] != (Typing{Chat: n, FromPatron: true, On: true}) {
		t.Errorf("hints: %+v", got)
	}
	if a := post("leave", nil); a.status != 204 {
		t.Errorf("leave: %d %s", a.status, a.body)
	}
	h.until("the chat is missed", func(c *desk.Chat) bool { return c.State == desk.Missed && len(c.Attached) == 0 }, n)
	for _, c := range [][2]string{
		{"POST", "/api/v1/chats/" + chat + "/files"},
		{"POST", "/api/v1/chats/" + chat + "/transcript"},
	} {
		if a := h.call(c[0], c[1], token, nil); a.status != 501 || a.code() != web.CodeNotHereYet {
			t.Errorf("%s %s: %d %s", c[0], c[1], a.status, a.body)
		}
	}
}

// until polls the record of a chat until it is as wanted.
func (h *house) until(what string, ok func(*desk.Chat) bool, chat uint64) {
	h.t.Helper()
	var last *desk.Chat
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		err := h.store.View(h.t.Context(), desk.NodeActor("test"), func(rd desk.Reader) (err error) {
			last, err = rd.Chat(chat)
			return err
		})
		if err == nil && ok(last) {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	h.t.Fatalf("never: %s (%+v)", what, last)
}

func TestFloods(t *testing.T) {
	h := newHouse(t, options{limits: Limits{LineEvery: time.Hour, ChatEvery: time.Hour, Chats: 3, Sockets: 1}})
	chat, token, _ := h.open("Hello")
	for i := range 21 {
		a := h.call("POST", "/api/v1/chats/"+chat+"/messages", token, obj{"id": "m" + strconv.Itoa(i), "text": "x"})
		if want := 201; i < 20 && a.status != want {
			t.Fatalf("line %d: %d", i, a.status)
		}
		if i == 20 && (a.status != 429 || a.code() != web.CodeThrottled || a.header.Get("Retry-After") == "") {
			t.Errorf("line 21: %d %s %v", a.status, a.body, a.header)
		}
	}
	if got := len(h.history(chat, token).Events); got != 22 {
		t.Errorf("%d events", got)
	}
	h.open("two")
	h.open("three")
	a := h.call("POST", "/api/v1/chats", "", obj{"id": "q", "token": newToken(), "department": "reference", "question": "four"})
	var p web.Problem
	a.decode(t, &p)
	if a.status != 429 || p.Form != "/chat/reference" || a.header.Get("Retry-After") == "" {
		t.Errorf("fourth chat: %d %s", a.status, a.body)
	}
	s := h.dial(0, chat, token, desk.Cursor{})
	s.expect("ready")
	if a := h.call("GET", "/api/v1/chats/"+chat+"/events?wait=1", token, nil); a.status != 429 {
		t.Errorf("second connection: %d", a.status)
	}
	s.close()
}

func TestNoQuorum(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, _ := h.open("Hello")
	h.store.Refuse(&desk.Error{Code: desk.NoQuorum})
	a := h.call("POST", "/api/v1/chats/"+chat+"/messages", token, obj{"id": "m1", "text": "x"})
	if a.status != 503 || a.code() != web.CodeUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	h.store.Refuse(errors.New("disk on fire"))
	a = h.call("POST", "/api/v1/chats/"+chat+"/messages", token, obj{"id": "m1", "text": "x"})
	if a.status != 500 || strings.Contains(string(a.body), "fire") {
		t.Errorf("%d %s", a.status, a.body)
	}
	h.store.Refuse(nil)
}

func TestPages(t *testing.T) {
	h := newHouse(t, options{demo: true})
	for path, want := range map[string]string{
		"/":               `src="/widget.js" data-department="reference"`,
		"/chat/reference": `"department":"reference"`,
		"/chat/digital":   "Digital Learning",
		"/widget.js":      "sessionStorage",
	} {
		a := h.call("GET", path, "", nil)
		if a.status != 200 || !strings.Contains(string(a.body), want) {
			t.Errorf("%s: %d, no %q", path, a.status, want)
		}
		if strings.Contains(string(a.body), "<script>") || strings.Contains(string(a.body), " style=") {
			t.Errorf("%s: inline script or style", path)
		}
	}
	es := h.call("GET", "/chat/reference?lang=es", "", nil)
	if !strings.Contains(string(es.body), `lang="es" dir="ltr"`) || !strings.Contains(string(es.body), "Tu pregunta") {
		t.Error("no Spanish page")
	}
	if a := h.call("GET", "/chat/nowhere", "", nil); a.status != 404 {
		t.Errorf("unknown department: %d", a.status)
	}
	csp := h.call("GET", "/chat/reference", "", nil).header.Get("Content-Security-Policy")
	for _, want := range []string{"script-src 'self'", "frame-ancestors 'self' http://127.0.0.1", "https://library.example", "connect-src 'self'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("no %q in %q", want, csp)
		}
	}
}
