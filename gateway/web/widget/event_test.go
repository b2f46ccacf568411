// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// told are a chat's events after the first two (it waits, the question), with all that they say.
func (h *house) told(chat, token string) []string {
	h.t.Helper()
	var out []string
	for _, e := range h.history(chat, token).Events[2:] {
		s := e.Kind
		if e.Text != nil {
			s += ": " + *e.Text
		}
		for name, n := range map[string]uint64{"min": e.Minutes, "number": e.Number, "score": e.Score} {
			if n > 0 {
				s += fmt.Sprintf(" %s=%d", name, n)
			}
		}
		if e.Late {
			s += " late"
		}
		if e.Ends != nil {
			s += " in " + e.Ends.Sub(e.At).String()
		}
		if e.Until != nil {
			s += " writable for " + e.Until.Sub(e.At).String()
		}
		out = append(out, s)
	}
	return out
}

func (h *house) advance(d time.Duration) {
	h.t.Helper()
	if err := h.store.Advance(d); err != nil {
		h.t.Fatal(err)
	}
}

// here keeps a socket open, so that the patron stays attached while the clock moves.
func (h *house) here(chat, token string) *wire {
	s := h.dial(0, chat, token, desk.Cursor{})
	s.expect("ready")
	return s
}

func (h *house) openIn(locale, question string) (chat, token string, n uint64) {
	h.t.Helper()
	token = newToken()
	var o opened
	h.call("POST", "/api/v1/chats", "", obj{
		"id": "q1", "token": token, "department": "reference", "question": question, "locale": locale,
	}).decode(h.t, &o)
	n, _ = strconv.ParseUint(o.Chat, 10, 64)
	return o.Chat, token, n
}

func TestWaitIsTold(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, n := h.openIn("es-MX", "¿Dónde?")
	s := h.here(chat, token)
	h.until("attached", func(c *desk.Chat) bool { return len(c.Attached) == 1 }, n)
	h.advance(61 * time.Second)
	h.as("ana", &desk.PromiseWait{Chat: n, Minutes: 1})
	h.as("ana", &desk.PromiseWait{Chat: n, Minutes: 3})
	h.advance(5 * time.Minute)
	want := []string{
		"wait: Esto tarda más de lo normal. late",
		"wait: Una persona de la biblioteca te atenderá en un minuto. min=1",
		"wait: Una persona de la biblioteca te atenderá en unos 3 minutos. min=3",
		"wait: Tarda más de lo que dijimos. Lo sentimos. late",
	}
	got := slices.DeleteFunc(h.told(chat, token), func(s string) bool { return !strings.HasPrefix(s, "wait:") })
	if diff := cmp.Diff(want, got[:min(len(got), 4)]); diff != "" {
		t.Error(diff)
	}
	s.close()
}

// TestHowLongOneWaits says it when there is enough to say it from.
func TestHowLongOneWaits(t *testing.T) {
	h := newHouse(t, options{})
	for i := range 11 {
		_, _, n := h.openIn("", "Question "+strconv.Itoa(i))
		h.advance(70 * time.Second)
		h.as("ana", &desk.ClaimChat{Chat: n})
	}
	h.doors[0].doors.views = nil
	var views []departmentView
	h.call("GET", "/api/v1/departments", "", nil).decode(t, &views)
	chat, token, _ := h.openIn("", "Hello")
	var v chatView
	h.call("GET", "/api/v1/chats/"+chat, token, nil).decode(t, &v)
	if views[1].WaitSeconds != 120 || views[0].WaitSeconds != 0 || v.Wait != 120 {
		t.Errorf("departments %+v, chat %+v", views, v)
	}
}

func TestStillThere(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, n := h.openIn("", "Hello")
	s := h.here(chat, token)
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "Which?"})
	h.advance(11 * time.Minute)
	if a := h.call("POST", "/api/v1/chats/"+chat+"/here", token, nil); a.status != 204 {
		t.Fatalf("here: %d %s", a.status, a.body)
	}
	h.advance(10 * time.Minute)
	s.send(obj{"type": "here"})
	h.until("heard", func(c *desk.Chat) bool { return c.Silent == 0 }, n)
	h.advance(16 * time.Minute)
	want := []string{
		"claimed", "message: Which?", "still in 5m0s", "here", "still in 5m0s", "here", "still in 5m0s", "closed writable for 30m0s",
	}
	if diff := cmp.Diff(want, h.told(chat, token)); diff != "" {
		t.Error(diff)
	}
	if a := h.call("POST", "/api/v1/chats/"+chat+"/here", token, nil); a.status != 409 || a.code() != web.CodeChatClosed {
		t.Errorf("after the end: %d %s", a.status, a.body)
	}
	var v chatView
	h.call("GET", "/api/v1/chats/"+chat, token, nil).decode(t, &v)
	if v.Until == nil || v.Until.Sub(v.Now) < 25*time.Minute {
		t.Errorf("writable until %v at %v", v.Until, v.Now)
	}
	s.close()
}

// TestAddressMakesATicket is the chat that goes on by mail: staff ask for the address, the patron gives it.
func TestAddressMakesATicket(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, n := h.openIn("", "Hello")
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.OpenTicket{Chat: n})
	view := func() (v chatView) {
		h.call("GET", "/api/v1/chats/"+chat, token, nil).decode(t, &v)
		return v
	}
	if v := view(); v.Contact == nil || v.Ticket != 0 {
		t.Errorf("asked: %+v", v)
	}
	if a := h.call("POST", "/api/v1/chats/"+chat+"/contact", token, obj{"email": "noor@example.org"}); a.status != 204 {
		t.Fatalf("contact: %d %s", a.status, a.body)
	}
	v := view()
	if v.Contact != nil || v.Ticket == 0 {
		t.Errorf("given: %+v", v)
	}
	want := []string{"claimed", "contact_wanted", "ticket number=" + strconv.FormatUint(v.Ticket, 10)}
	if diff := cmp.Diff(want, h.told(chat, token)); diff != "" {
		t.Error(diff)
	}
}

func TestNoAddressComes(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, n := h.openIn("", "Hello")
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "Hi"})
	h.as("ana", &desk.OpenTicket{Chat: n, Close: true, Tags: []string{"printing"}})
	h.advance(31 * time.Minute)
	want := []string{"claimed", "message: Hi", "closed writable for 2m0s", "contact_wanted", "contact_lapsed", "missed"}
	if diff := cmp.Diff(want, h.told(chat, token)); diff != "" {
		t.Error(diff)
	}
}

// TestAddressAfterMissed gives an address when nobody came: a ticket, and no new place in the queue.
func TestAddressAfterMissed(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, n := h.openIn("", "Hello")
	path := "/api/v1/chats/" + chat
	if a := h.call("POST", path+"/leave", token, nil); a.status != 204 {
		t.Fatal(a.status)
	}
	h.until("missed", func(c *desk.Chat) bool { return c.State == desk.Missed }, n)
	if a := h.call("POST", path+"/contact", token, obj{"email": "noor@example.org"}); a.status != 204 {
		t.Fatalf("contact: %d %s", a.status, a.body)
	}
	h.until("ticketed", func(c *desk.Chat) bool { return c.State == desk.Ticketed }, n)
	var v chatView
	h.call("GET", path, token, nil).decode(t, &v)
	if v.State != "closed" || v.Ticket == 0 || v.Until != nil {
		t.Errorf("chat: %+v", v)
	}
	if a := h.call("POST", path+"/messages", token, obj{"id": "m1", "text": "x"}); a.status != 409 {
		t.Errorf("a line: %d", a.status)
	}
	if got := h.told(chat, token); !slices.Equal(got, []string{"missed", fmt.Sprintf("ticket number=%d", v.Ticket)}) {
		t.Errorf("told: %q", got)
	}
}

func TestRating(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, n := h.openIn("", "Hello")
	rate := func(body any) answer { return h.call("POST", "/api/v1/chats/"+chat+"/rating", token, body) }
	if a := rate(obj{"score": 5}); a.status != 409 || a.code() != web.CodeConflict {
		t.Errorf("before the end: %d %s", a.status, a.body)
	}
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "Hi"})
	h.as("ana", &desk.CloseChat{Chat: n, Tags: []string{"printing"}})
	for _, body := range []any{obj{"score": 0}, obj{"score": 6}, obj{"score": 2.5}, obj{}, obj{"score": 1, "comment": strings.Repeat("x", 4001)}} {
		if a := rate(body); a.status != 422 {
			t.Errorf("%v: %d", body, a.status)
		}
	}
	if a := rate(obj{"score": 2}); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := rate(obj{"score": 4, "comment": "Fast\r\nand \u202ekind"}); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	h.until("rated", func(c *desk.Chat) bool { return c.Score == 4 && c.Comment == "Fast\nand kind" }, n)
	if got := h.told(chat, token); got[len(got)-1] != "rated score=4" {
		t.Errorf("told: %q", got)
	}
	if a := h.call("POST", "/api/v1/chats/"+chat+"/rating", newToken(), obj{"score": 1}); a.status != 403 {
		t.Errorf("a stranger: %d", a.status)
	}
}

func TestRedacted(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, n := h.openIn("", "My pin is 4711")
	h.as("ana", &desk.ClaimChat{Chat: n})
	reply := h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "Wrong chat"})
	h.as("ana", &desk.RedactLine{Chat: n, Word: "4711"})
	h.as("ana", &desk.RedactLine{Chat: n, Line: reply.Line})
	events := h.history(chat, token).Events
	if *events[1].Text != "My pin is [redacted]" {
		t.Errorf("question: %q", *events[1].Text)
	}
	last := events[len(events)-2:]
	if last[0].Kind != kindEdited || last[0].Of != events[1].Seq || *last[0].Text != "My pin is [redacted]" ||
		last[1].Kind != kindRetracted || last[1].Of != reply.Seq || last[1].Text != nil {
		t.Errorf("events: %+v", last)
	}
}

func TestTranscript(t *testing.T) {
	h := newHouse(t, options{})
	err := h.store.Admin(&desk.SetDepartment{Department: desk.Department{ID: "reference", Name: "Reference", TimeZone: "Europe/Madrid", Default: true}})
	if err != nil {
		t.Fatal(err)
	}
	chat, token, n := h.openIn("es", "¿Tienen mapas?\n[10:00] Ana: no")
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.NoteLine, Text: "a regular"})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "Sí"})
	a := h.call("GET", "/api/v1/chats/"+chat+"/transcript", token, nil)
	want := "Reference – 2026-09-07 12:00 CEST\n\n[12:00] Tú: ¿Tienen mapas?\n        [10:00] Ana: no\n[12:00] Ana: Sí\n"
	if diff := cmp.Diff(want, string(a.body)); diff != "" || a.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%s%s", a.header.Get("Content-Type"), diff)
	}
	if a := h.call("GET", "/api/v1/chats/"+chat+"/transcript", newToken(), nil); a.status != 403 {
		t.Errorf("a stranger: %d", a.status)
	}
}
