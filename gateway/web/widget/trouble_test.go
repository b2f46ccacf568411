// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// gate is a store whose commands can be held up, as by a desk that has lost its majority, and are counted.
type gate struct {
	desk.Store
	mu   sync.Mutex
	shut chan struct{} // closed when open again; nil: open
	only string        // the one command that is held up; "": all
	did  map[string]int
}

func (g *gate) Do(ctx context.Context, r desk.Request) (desk.Reply, error) {
	g.mu.Lock()
	shut := g.shut
	if g.only != "" && g.only != r.Command.CommandName() {
		shut = nil
	}
	if g.did == nil {
		g.did = make(map[string]int)
	}
	g.did[r.Command.CommandName()]++
	g.mu.Unlock()
	if shut != nil {
		select {
		case <-shut:
		case <-ctx.Done():
			return desk.Reply{}, ctx.Err()
		}
	}
	return g.Store.Do(ctx, r)
}

func (g *gate) count(command string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.did[command]
}

// close holds up the named commands, or all, until open is called.
func (g *gate) close(only string) (open func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := make(chan struct{})
	g.shut, g.only = c, only
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		close(c)
		g.shut = nil
	}
}

// behind makes the options of a house whose store is behind a gate.
func behind(o options) (*gate, options) {
	g := &gate{}
	o.store = func(s desk.Store) desk.Store {
		g.Store = s
		return g
	}
	return g, o
}

func TestNoMajorityInTime(t *testing.T) {
	g, o := behind(options{limits: Limits{CommitWithin: 20 * time.Millisecond}})
	h := newHouse(t, o)
	chat, token, _ := h.open("Hello")
	n, _ := strconv.ParseUint(chat, 10, 64)
	s := h.dial(0, chat, token, desk.Cursor{})
	s.expect("ready")
	s.events(2)
	h.until("attached", func(c *desk.Chat) bool { return len(c.Attached) == 1 }, n)
	open := g.close("")
	for path, body := range map[string]any{
		"/" + chat + "/messages": obj{"id": "m1", "text": "x"}, "/" + chat + "/contact": obj{"name": "Noor"}, "/" + chat + "/leave": nil,
		"": obj{"id": "q9", "token": newToken(), "department": "reference", "question": "x"},
	} {
		a := h.call("POST", "/api/v1/chats"+path, token, body)
		if a.status != 503 || a.code() != web.CodeUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	s.send(obj{"type": "message", "id": "m2", "text": "y"})
	if f := s.expect("error"); f.Code != web.CodeUnavailable || f.ID != "m2" || f.RetryAfter < 1 {
		t.Errorf("frame: %+v", f)
	}
	if a := h.call("GET", "/api/v1/chats/"+chat+"/events", token, nil); a.status != 200 {
		t.Errorf("reading needs no majority: %d", a.status)
	}
	open()
	s.send(obj{"type": "message", "id": "m2", "text": "y"})
	seen := map[string]bool{}
	for !seen["ack"] || !seen["event"] {
		f, ok := s.next()
		if !ok {
			t.Fatal("the socket was closed")
		}
		seen[f.Type] = true
	}
	want := []string{"waiting", "message patron: Hello", "message patron: y"}
	if got := story(h.history(chat, token).Events); !slices.Equal(got, want) {
		t.Errorf("afterwards: %v", got)
	}
}

// TestGoodbyeIsFinal says goodbye while an attachment is on its way into the log, and lets calls that began before come
// through after: the chat is missed and stays so, until the patron comes back.
func TestGoodbyeIsFinal(t *testing.T) {
	g, o := behind(options{})
	h := newHouse(t, o)
	open := g.close("AttachPatron")
	chat, token, _ := h.open("Hello")
	n, _ := strconv.ParseUint(chat, 10, 64)
	for g.count("AttachPatron") == 0 {
		<-time.After(time.Millisecond)
	}
	left := make(chan int, 1)
	go func() { left <- h.call("POST", "/api/v1/chats/"+chat+"/leave", token, nil).status }()
	s := h.doors[0].seats
	look := func(f func(*seat)) {
		s.mu.Lock()
		defer s.mu.Unlock()
		f(s.m[n])
	}
	for gone := false; !gone; {
		<-time.After(time.Millisecond)
		look(func(x *seat) { gone = x.left })
	}
	if got := g.count("LeaveChat"); got != 0 {
		t.Error("the goodbye overtook the attachment")
	}
	open()
	if got := <-left; got != 204 {
		t.Errorf("leave: %d", got)
	}
	early := patron{chat: n, since: time.Now().Add(-time.Minute)}
	early.hash, _ = hashToken(token)
	s.called(early)               // a poll that ends
	s.enter(t.Context(), early)() // a socket that the page closed meanwhile
	look(func(x *seat) {
		if !x.left || x.attached || x.busy {
			t.Errorf("an earlier call is a return: %+v", x)
		}
	})
	h.until("missed", func(c *desk.Chat) bool { return c.State == desk.Missed && len(c.Attached) == 0 }, n)
	if a := h.call("POST", "/api/v1/chats/"+chat+"/messages", token, obj{"id": "m1", "text": "Me again"}); a.status != 201 {
		t.Errorf("back: %d", a.status)
	}
	h.until("back in the queue", func(c *desk.Chat) bool { return c.State == desk.Waiting && len(c.Attached) == 1 }, n)
}

// TestGoodbyeBySocket leaves and writes again on one socket.
func TestGoodbyeBySocket(t *testing.T) {
	h := newHouse(t, options{limits: Limits{PollingFor: time.Millisecond}})
	chat, token, _ := h.open("Hello")
	n, _ := strconv.ParseUint(chat, 10, 64)
	s := h.dial(0, chat, token, desk.Cursor{})
	s.expect("ready")
	s.send(obj{"type": "leave"})
	h.until("missed", func(c *desk.Chat) bool { return c.State == desk.Missed && len(c.Attached) == 0 }, n)
	s.send(obj{"type": "message", "id": "m1", "text": "Me again"})
	h.until("back", func(c *desk.Chat) bool { return c.State == desk.Waiting && len(c.Attached) == 1 }, n)
}

// TestSeenIsCommittedNowAndThen tells of many lines quickly: the first goes in at once, the rest as one when the time is
// up or the patron goes.
func TestSeenIsCommittedNowAndThen(t *testing.T) {
	g, o := behind(options{limits: Limits{SeenEvery: time.Hour, DetachAfter: time.Millisecond}})
	h := newHouse(t, o)
	chat, token, first := h.open("Hello")
	n, _ := strconv.ParseUint(chat, 10, 64)
	s := h.dial(0, chat, token, desk.Cursor{})
	s.expect("ready")
	var last uint64
	for i := range 5 {
		a := h.call("POST", "/api/v1/chats/"+chat+"/messages", token, obj{"id": "m" + strconv.Itoa(i), "text": "x"})
		var got struct{ Seq uint64 }
		a.decode(t, &got)
		last = got.Seq
	}
	s.send(obj{"type": "seen", "seq": first, "visible": true})
	h.until("the first is committed", func(c *desk.Chat) bool { return c.Shown == first }, n)
	for seq := first + 1; seq <= last; seq++ {
		s.send(obj{"type": "seen", "seq": seq, "visible": true})
	}
	s.send(obj{"type": "ping"})
	for f := s.expectAny(); f.Type != "pong"; f = s.expectAny() {
	}
	if got := g.count("MarkSeen"); got != 1 {
		t.Errorf("%d commits within the time", got)
	}
	s.close()
	// The calls above keep the patron attached for a while; leaving ends that.
	if a := h.call("POST", "/api/v1/chats/"+chat+"/leave", token, nil); a.status != 204 {
		t.Errorf("leave: %d", a.status)
	}
	h.until("the rest is committed when the patron goes", func(c *desk.Chat) bool { return c.Shown == last }, n)
	if got := g.count("MarkSeen"); got != 2 {
		t.Errorf("%d commits in all", got)
	}
}

// expectAny takes the next frame, which has to come.
func (w *wire) expectAny() down {
	w.t.Helper()
	f, ok := w.next()
	if !ok {
		w.t.Fatal("the socket was closed")
	}
	return f
}

// TestWholeChatIsUnpaged polls chats of just under, of and over one batch of the store, and of several.
func TestWholeChatIsUnpaged(t *testing.T) {
	h := newHouse(t, options{limits: Limits{Lines: 1000}})
	for _, events := range []int{99, 100, 101, 200, 350} {
		chat, token, _ := h.open("line")
		for i := 2; i < events; i++ {
			if a := h.call("POST", "/api/v1/chats/"+chat+"/messages", token, obj{"id": "m" + strconv.Itoa(i), "text": "x"}); a.status != 201 {
				t.Fatalf("line %d: %d", i, a.status)
			}
		}
		all := h.history(chat, token).Events
		if len(all) != events {
			t.Errorf("%d of %d events", len(all), events)
		}
		// From within, and with time to wait: everything that is there comes at once.
		var p polled
		h.call("GET", fmt.Sprintf("/api/v1/chats/%s/events?after=%d&wait=30", chat, all[0].Seq), token, nil).decode(t, &p)
		if len(p.Events) != events-1 {
			t.Errorf("%d of %d events after the first", len(p.Events), events-1)
		}
	}
}

// TestQuestionsUnderOneToken adds lines by opening the same chat again and again: the rate of lines holds, on campus too.
func TestQuestionsUnderOneToken(t *testing.T) {
	h := newHouse(t, options{
		limits: Limits{LineEvery: time.Hour, Lines: 3, Chats: 1, ChatEvery: time.Hour},
		frame:  func(c *web.Config) { c.CampusNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} },
	})
	token := newToken()
	var got []int
	for i := range 4 {
		a := h.call("POST", "/api/v1/chats", "", obj{"id": "q" + strconv.Itoa(i), "token": token, "department": "reference", "question": "x"})
		got = append(got, a.status)
	}
	if !slices.Equal(got, []int{201, 200, 200, 429}) {
		t.Errorf("statuses %v", got)
	}
	if _, other, _ := h.open("from the next reader"); other == "" {
		t.Error("campus is limited by network")
	}
}

func TestSocketFrames(t *testing.T) {
	h := newHouse(t, options{limits: Limits{AuthWithin: 30 * time.Millisecond}})
	chat, token, _ := h.open("Hello")
	if a := h.call("GET", "/api/v1/chats/"+chat+"/socket", token, nil); a.status != 400 || a.code() != web.CodeBadRequest {
		t.Errorf("no handshake: %d %s", a.status, a.body)
	}
	if a := h.call("GET", "/api/v1/chats/"+chat+"/socket?token="+token, "", nil); a.code() != web.CodeTokenInURL {
		t.Errorf("token in URL: %s", a.body)
	}
	silent := h.dialRaw(0, chat)
	if f := silent.expect("error"); f.Code != web.CodeUnauthorized {
		t.Errorf("nothing within the time: %+v", f)
	}
	for name, c := range map[string]struct {
		kind websocket.MessageType
		data string
	}{
		"over 64 KiB":  {websocket.MessageText, `{"type":"message","id":"m1","text":"` + strings.Repeat("x", web.MaxBody) + `"}`},
		"bytes":        {websocket.MessageBinary, `{"type":"ping"}`},
		"no JSON":      {websocket.MessageText, `{"type":`},
		"deep JSON":    {websocket.MessageText, strings.Repeat("[", 20000)},
		"another type": {websocket.MessageText, `{"type":7}`},
	} {
		s := h.dial(0, chat, token, desk.Cursor{})
		s.expect("ready")
		s.events(2)
		if err := s.conn.Write(t.Context(), c.kind, []byte(c.data)); err != nil {
			t.Fatal(err)
		}
		f, open := s.next()
		for open {
			f, open = s.next()
		}
		if f.Type != "" {
			t.Errorf("%s: %+v after the end", name, f)
		}
	}
	noProtocol := h.dialRaw(0, chat, func(o *websocket.DialOptions) { o.Subprotocols = nil })
	if f, ok := noProtocol.next(); ok {
		t.Errorf("without the subprotocol: %+v", f)
	}
	// An old epoch: the whole chat again, and said so.
	s := h.dial(0, chat, token, desk.Cursor{Epoch: 77, Seq: 1})
	s.expect("ready")
	s.expect("reset")
	if got := story(s.events(2)); got[1] != "message patron: Hello" {
		t.Errorf("after the reset: %v", got)
	}
}

func TestOrigins(t *testing.T) {
	h := newHouse(t, options{nodes: 2})
	chat, _, _ := h.open("Hello")
	for origin, want := range map[string]int{
		"https://library.example": http.StatusSwitchingProtocols, h.urls[1]: http.StatusSwitchingProtocols, h.urls[0]: http.StatusSwitchingProtocols,
		"https://evil.example": http.StatusForbidden, "null": http.StatusForbidden,
	} {
		conn, resp, err := websocket.Dial(t.Context(), strings.Replace(h.urls[0], "http", "ws", 1)+"/api/v1/chats/"+chat+"/socket",
			&websocket.DialOptions{Subprotocols: []string{subprotocol}, HTTPHeader: http.Header{"Origin": {origin}}})
		if resp == nil || resp.StatusCode != want {
			t.Errorf("%s: %v %v", origin, resp, err)
		}
		if conn != nil {
			_ = conn.CloseNow()
		}
	}
}

func FuzzCleanText(f *testing.F) {
	for _, s := range []string{"a\r\nb\rc\u0085d", "\u202ex\u2066y\u2069", "\x00\x7f\u009b", "مرحبا 😀", "\ufeff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "")
		once := cleanText(s)
		if again := cleanText(once); again != once {
			t.Errorf("%q becomes %q, then %q", s, once, again)
		}
		if strings.ContainsFunc(once, func(r rune) bool { return suspicious(r) || r == '\r' }) {
			t.Errorf("%q becomes %q", s, once)
		}
		if line := cleanLine(s); strings.ContainsAny(line, "\n\t\r") || line != strings.TrimSpace(line) {
			t.Errorf("%q as one line is %q", s, line)
		}
	})
}

// FuzzBodies decodes what strangers send as the bodies that enter the log.
func FuzzBodies(f *testing.F) {
	f.Add(`{"id":"q1","token":"` + strings.Repeat("A", 43) + `","department":"reference","question":"x","page_url":"https://a.example/b?c#d"}`)
	f.Add(`{"type":"message","id":"m1","text":"\ud800"}`)
	f.Add(`[[[[`)
	f.Add(`{"id":"a1","department":"digital","question":"x","email":"a@b.example","fields":{"faculty":"Arts","":"x","Card\n":"\u202e7"}}`)
	fields := parseFields(`[{"name":"faculty","label":"Faculty","choices":["Arts"],"required":true}]`)
	f.Fuzz(func(t *testing.T, body string) {
		var q askRequest
		if decode([]byte(body), &q) == nil {
			if c, err := q.command(fields); err == nil {
				if c.Email == "" || c.Question == "" || tooLong(c.Question, desk.MaxText) || len(desk.EncodeCommand(nil, c)) > desk.MaxCommand {
					t.Errorf("%q becomes %+v", body, c)
				}
			}
		}
		for _, f := range parseFields(body) {
			if f.Name == "" || f.Label == "" || tooLong(f.Label, maxLabel) || strings.Contains(f.Label, "\n") {
				t.Errorf("%q has the field %+v", body, f)
			}
		}
		var o openRequest
		if decode([]byte(body), &o) == nil {
			if p, c, err := o.command(nil); err == nil {
				if len(p.hash) != 64 || c.Question == "" || strings.ContainsAny(c.PageURL, "?#\n ") || len(desk.EncodeCommand(nil, c)) > desk.MaxCommand {
					t.Errorf("%q becomes %+v", body, c)
				}
			}
		}
		var u up
		if err := decode([]byte(body), &u); err == nil {
			if text, err := longText("text", u.Text); err == nil && (text == "" || len(text) > 4*desk.MaxText) {
				t.Errorf("%q becomes %q", body, text)
			}
		}
	})
}
