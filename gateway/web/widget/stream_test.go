// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// wire is a test's socket.
type wire struct {
	t    testing.TB
	conn *websocket.Conn
	down chan down
}

// dialRaw opens a socket without sending anything.
func (h *house) dialRaw(node int, chat string, edit ...func(*websocket.DialOptions)) *wire {
	h.t.Helper()
	o := &websocket.DialOptions{Subprotocols: []string{subprotocol}}
	for _, f := range edit {
		f(o)
	}
	url := strings.Replace(h.urls[node], "http", "ws", 1) + "/api/v1/chats/" + chat + "/socket"
	conn, _, err := websocket.Dial(h.t.Context(), url, o)
	if err != nil {
		h.t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	w := &wire{t: h.t, conn: conn, down: make(chan down, 1000)}
	go func() {
		defer close(w.down)
		for {
			_, data, err := conn.Read(context.Background())
			if err != nil {
				return
			}
			h.contract.holdJSON(h.t, "frame", named("ServerFrame"), data)
			var f down
			if json.Unmarshal(data, &f) != nil {
				return
			}
			w.down <- f
		}
	}()
	h.t.Cleanup(w.close)
	return w
}

// dial opens a socket and authenticates.
func (h *house) dial(node int, chat, token string, after desk.Cursor) *wire {
	h.t.Helper()
	w := h.dialRaw(node, chat)
	w.send(obj{"type": "auth", "token": token, "after": after.Seq, "epoch": after.Epoch})
	return w
}

func (w *wire) send(v any) {
	w.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.conn.Write(w.t.Context(), websocket.MessageText, data); err != nil {
		w.t.Fatal(err)
	}
}

// next is the next frame; ok is false when the socket was closed.
func (w *wire) next() (f down, ok bool) {
	w.t.Helper()
	select {
	case f, ok = <-w.down:
		return f, ok
	case <-time.After(10 * time.Second):
		w.t.Fatal("no frame came")
		return f, false
	}
}

// expect takes the next frame, which has to be of the type.
func (w *wire) expect(kind string) down {
	w.t.Helper()
	f, ok := w.next()
	if !ok || f.Type != kind {
		w.t.Fatalf("got %+v (%v), want %s", f, ok, kind)
	}
	return f
}

// events takes n event frames.
func (w *wire) events(n int) []Event {
	w.t.Helper()
	var out []Event
	for range n {
		out = append(out, *w.expect("event").Event)
	}
	return out
}

func (w *wire) close() {
	_ = w.conn.CloseNow()
	for range w.down { // until the reader is through
	}
}

func TestSocket(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, _ := h.open("Hello")
	n, _ := strconv.ParseUint(chat, 10, 64)
	s := h.dial(0, chat, token, desk.Cursor{})
	ready := s.expect("ready")
	if ready.Epoch == 0 || ready.Seq == nil || *ready.Seq == 0 {
		t.Errorf("ready: %+v", ready)
	}
	if got := h.doors[0].Attached(); !slices.Equal(got, []uint64{n}) {
		t.Errorf("attached: %v", got)
	}
	s.events(2)
	s.send(obj{"type": "ping"})
	s.expect("pong")
	s.send(obj{"type": "message", "id": "m1", "text": "Second"})
	both := map[string]down{}
	for range 2 {
		f, _ := s.next()
		both[f.Type] = f
	}
	if both["ack"].ID != "m1" || *both["ack"].Seq != both["event"].Event.Seq || both["event"].Event.ID != "m1" {
		t.Errorf("ack and event: %+v", both)
	}
	s.send(obj{"type": "message", "id": "m1", "text": "Other"})
	if f := s.expect("error"); f.Code != web.CodeReused || f.ID != "m1" {
		t.Errorf("reused: %+v", f)
	}
	s.send(obj{"type": "what"})
	if f := s.expect("error"); f.Code != web.CodeBadRequest {
		t.Errorf("unknown frame: %+v", f)
	}
	h.hints.Publish(Typing{Chat: n, On: true})
	if f := s.expect("typing"); !*f.On {
		t.Errorf("typing: %+v", f)
	}
	s.send(obj{"type": "seen", "seq": *both["ack"].Seq, "visible": true})
	h.until("seen", func(c *desk.Chat) bool { return c.Shown == *both["ack"].Seq }, n)
	s.send(obj{"type": "leave"})
	h.until("missed", func(c *desk.Chat) bool { return c.State == desk.Missed }, n)
	if got := s.events(1); got[0].Kind != kindMissed {
		t.Errorf("after leaving: %v", got)
	}
}

func TestSocketRefusals(t *testing.T) {
	h := newHouse(t, options{limits: Limits{LineEvery: time.Hour, Lines: 1}})
	chat, token, _ := h.open("Hello")
	for name, c := range map[string]struct {
		first any
		code  string
	}{
		"wrong token":    {obj{"type": "auth", "token": newToken()}, web.CodeForbidden},
		"garbage token":  {obj{"type": "auth", "token": "x"}, web.CodeUnauthorized},
		"no auth":        {obj{"type": "ping"}, web.CodeUnauthorized},
		"after too high": {obj{"type": "auth", "token": token, "after": 1 << 40}, web.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			h := *h
			h.t = t
			h.doors[0].limits.CatchUpWithin = 20 * time.Millisecond
			s := h.dialRaw(0, chat)
			s.send(c.first)
			if f := s.expect("error"); f.Code != c.code {
				t.Errorf("%+v", f)
			}
			if f, ok := s.next(); ok {
				t.Errorf("still open: %+v", f)
			}
		})
	}
	s := h.dial(0, chat, token, desk.Cursor{})
	s.expect("ready")
	s.events(2)
	s.send(obj{"type": "message", "id": "m1", "text": "one"})
	s.send(obj{"type": "message", "id": "m2", "text": "two"})
	var throttled down
	for throttled.Type != "error" {
		throttled, _ = s.next()
	}
	if throttled.Code != web.CodeThrottled || throttled.ID != "m2" || throttled.RetryAfter < 1 {
		t.Errorf("throttled: %+v", throttled)
	}
	if err := s.conn.Write(t.Context(), websocket.MessageText, []byte("{\"type\":\"message\",\"id\":\"m3\",\"text\":\"\xff\"}")); err != nil {
		t.Fatal(err)
	}
	last, open := s.next()
	for open && last.Type == "event" { // the first line's may come only now
		last, open = s.next()
	}
	if last.Code != web.CodeBadRequest {
		t.Errorf("invalid UTF-8: %+v", last)
	}
	if f, ok := s.next(); ok {
		t.Errorf("still open after invalid UTF-8: %+v", f)
	}
	_, resp, err := websocket.Dial(t.Context(), strings.Replace(h.urls[0], "http", "ws", 1)+"/api/v1/chats/"+chat+"/socket",
		&websocket.DialOptions{Subprotocols: []string{subprotocol}, HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("foreign origin: %v %v", resp, err)
	}
}

// sseRead reads n events of an event stream: pairs of id and JSON.
func sseRead(t *testing.T, sc *bufio.Scanner, n int) (ids []string, kinds []string) {
	t.Helper()
	for len(ids) < n && sc.Scan() {
		line := sc.Text()
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			ids = append(ids, id)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			if data != `{"reset":true}` {
				readContract(t).holdJSON(t, "stream", named("Event"), []byte(data))
			}
			var e Event
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, strings.Join(story([]Event{e}), ""))
		}
	}
	if len(kinds) < len(ids) && sc.Scan() {
		var e Event
		if err := json.Unmarshal([]byte(strings.TrimPrefix(sc.Text(), "data: ")), &e); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, strings.Join(story([]Event{e}), ""))
	}
	return ids, kinds
}

func (h *house) sse(chat, token, lastID string) (*bufio.Scanner, func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.urls[0]+"/api/v1/chats/"+chat+"/events?after=0", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+token)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		h.t.Fatalf("content type %q, status %d", got, resp.StatusCode)
	}
	return bufio.NewScanner(resp.Body), func() {
		cancel()
		_ = resp.Body.Close()
	}
}

func TestStream(t *testing.T) {
	h := newHouse(t, options{limits: Limits{CommentEvery: 10 * time.Millisecond}})
	chat, token, _ := h.open("Hello")
	n, _ := strconv.ParseUint(chat, 10, 64)
	sc, stop := h.sse(chat, token, "")
	ids, kinds := sseRead(t, sc, 2)
	if diff := cmp.Diff([]string{"waiting", "message patron: Hello"}, kinds); diff != "" {
		t.Error(diff)
	}
	h.as("ana", &desk.ClaimChat{Chat: n})
	if _, kinds = sseRead(t, sc, 1); !slices.Equal(kinds, []string{"claimed Ana"}) {
		t.Errorf("then: %v", kinds)
	}
	comment := false
	for !comment && sc.Scan() {
		comment = strings.HasPrefix(sc.Text(), ": ")
	}
	if !comment {
		t.Error("no comment on an idle stream")
	}
	stop()
	// Last-Event-ID wins over after=0.
	sc, stop = h.sse(chat, token, ids[1])
	if _, kinds = sseRead(t, sc, 1); !slices.Equal(kinds, []string{"claimed Ana"}) {
		t.Errorf("resumed: %v", kinds)
	}
	stop()
	// An id of another epoch begins anew.
	sc, stop = h.sse(chat, token, "77-5")
	if ids, _ = sseRead(t, sc, 4); len(ids) != 4 || !strings.HasSuffix(ids[0], "-0") {
		t.Errorf("reset: %v", ids)
	}
	stop()
	r := func(r *http.Request) { r.Header.Set("Last-Event-ID", "nonsense") }
	if a := h.call("GET", "/api/v1/chats/"+chat+"/events", token, nil, r); a.status != 400 {
		t.Errorf("bad Last-Event-ID: %d", a.status)
	}
}

func TestPolls(t *testing.T) {
	h := newHouse(t, options{limits: Limits{CatchUpWithin: 20 * time.Millisecond}})
	chat, token, seq := h.open("Hello")
	n, _ := strconv.ParseUint(chat, 10, 64)
	path := "/api/v1/chats/" + chat + "/events"
	got := make(chan polled, 1)
	go func() {
		var p polled
		h.call("GET", fmt.Sprintf("%s?after=%d&wait=30", path, seq), token, nil).decode(t, &p)
		got <- p
	}()
	h.until("attached", func(c *desk.Chat) bool { return len(c.Attached) == 1 }, n)
	h.as("ana", &desk.ClaimChat{Chat: n})
	if p := <-got; !slices.Equal(story(p.Events), []string{"claimed Ana"}) || p.Epoch == 0 {
		t.Errorf("long poll: %+v", p)
	}
	a := h.call("GET", path+"?after=99999&wait=1", token, nil)
	if a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("beyond this node: %d %s", a.status, a.body)
	}
	var p polled
	h.call("GET", path+"?after=3&epoch=99", token, nil).decode(t, &p)
	if !p.Reset || len(p.Events) != 3 {
		t.Errorf("other epoch: %+v", p)
	}
	h.call("GET", fmt.Sprintf("%s?after=%d&epoch=%d", path, p.Events[1].Seq, p.Epoch), token, nil).decode(t, &p)
	if a := h.call("GET", path+"?after=-1", token, nil); a.status != 400 {
		t.Errorf("after=-1: %d", a.status)
	}
}

// TestExactlyOnce reads one long chat in turns by socket, stream and poll, on two nodes, each turn cut off at any place,
// and has to see every event once and in order.
func TestExactlyOnce(t *testing.T) {
	h := newHouse(t, options{nodes: 2, limits: Limits{Lines: 1000}})
	chat, token, _ := h.open("line 0")
	const lines = 240 // more than one batch
	for i := 1; i < lines; i++ {
		a := h.call("POST", "/api/v1/chats/"+chat+"/messages", token, obj{"id": "m" + strconv.Itoa(i), "text": "line " + strconv.Itoa(i)})
		if a.status != 201 {
			t.Fatalf("line %d: %d", i, a.status)
		}
	}
	whole := h.history(chat, token)
	if len(whole.Events) != lines+1 {
		t.Fatalf("the whole chat has %d events", len(whole.Events))
	}
	var seen []Event
	cursor := desk.Cursor{Epoch: whole.Epoch}
	for turn := 0; len(seen) < lines+1; turn++ {
		take := min(1+turn*7%40, lines+1-len(seen))
		switch turn % 3 {
		case 0:
			s := h.dial(turn%2, chat, token, cursor)
			s.expect("ready")
			seen = append(seen, s.events(take)...)
			s.close()
		case 1:
			sc, stop := h.sse(chat, token, fmt.Sprintf("%d-%d", cursor.Epoch, cursor.Seq))
			ids, _ := sseRead(t, sc, take)
			stop()
			for _, id := range ids {
				_, s, _ := strings.Cut(id, "-")
				seq, _ := strconv.ParseUint(s, 10, 64)
				i := slices.IndexFunc(whole.Events, func(e Event) bool { return e.Seq == seq })
				seen = append(seen, whole.Events[i])
			}
		case 2:
			var p polled
			h.call("GET", fmt.Sprintf("/api/v1/chats/%s/events?after=%d&epoch=%d", chat, cursor.Seq, cursor.Epoch), token, nil).decode(t, &p)
			seen = append(seen, p.Events[:min(take, len(p.Events))]...)
		}
		cursor.Seq = seen[len(seen)-1].Seq
	}
	if diff := cmp.Diff(story(whole.Events), story(seen)); diff != "" {
		t.Error(diff)
	}
}

func TestPresence(t *testing.T) {
	h := newHouse(t, options{nodes: 2, limits: Limits{DetachAfter: 30 * time.Millisecond, PollingFor: 60 * time.Millisecond}})
	chat, token, _ := h.open("Hello")
	n, _ := strconv.ParseUint(chat, 10, 64)
	h.until("attached by the call", func(c *desk.Chat) bool { return slices.Equal(c.Attached, []string{"n0"}) }, n)
	h.until("detached when silent", func(c *desk.Chat) bool { return len(c.Attached) == 0 }, n)
	a := h.dial(0, chat, token, desk.Cursor{})
	a.expect("ready")
	b := h.dial(1, chat, token, desk.Cursor{})
	b.expect("ready")
	h.until("attached twice", func(c *desk.Chat) bool { return slices.Equal(c.Attached, []string{"n0", "n1"}) }, n)
	a.close()
	h.until("detached from the first", func(c *desk.Chat) bool { return slices.Equal(c.Attached, []string{"n1"}) }, n)
	before := h.history(chat, token).Events
	h.doors[1].Reattach()
	h.until("still there", func(c *desk.Chat) bool { return slices.Contains(c.Attached, "n1") }, n)
	if got := h.history(chat, token).Events; len(got) != len(before) {
		t.Errorf("attaching again told the patron something: %v", story(got))
	}
	b.close()
	h.until("detached", func(c *desk.Chat) bool { return len(c.Attached) == 0 }, n)
}

func TestWholeChatFromRecords(t *testing.T) {
	h := newHouse(t, options{})
	chat, token, _ := h.open("Hello")
	n, _ := strconv.ParseUint(chat, 10, 64)
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "Hi"})
	h.as("ana", &desk.CloseChat{Chat: n, Tags: []string{"printing"}})
	logged := h.history(chat, token).Events
	var rebuilt []Event
	hash, _ := hashToken(token)
	err := h.store.View(t.Context(), desk.PatronActor(hash), func(rd desk.Reader) (err error) {
		rebuilt, err = fromRecords(rd, n, 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(story(logged), story(rebuilt)); diff != "" {
		t.Error(diff)
	}
	for i := 1; i < len(rebuilt); i++ {
		if rebuilt[i].Seq <= rebuilt[i-1].Seq {
			t.Errorf("seq does not rise: %+v", rebuilt)
		}
	}
}
