// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
	"refdesk/gateway/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a desk with one or more doors on one store, as nodes that never lag.
type house struct {
	t     testing.TB
	store *desktest.Store
	hints *whispers
	doors []*Door
	urls  []string

	servers  []*httptest.Server
	contract *openAPI
}

// options of a house; the zero value is what most tests want.
type options struct {
	nodes  int
	limits Limits
	frame  func(*web.Config)
	store  func(desk.Store) desk.Store
	demo   bool
	titles bool
	faqs   FAQs
}

func newHouse(t testing.TB, o options) *house {
	t.Helper()
	h := &house{t: t, store: desktest.NewStore(), hints: &whispers{}, contract: readContract(t)}
	if err := h.store.Library(); err != nil {
		t.Fatal(err)
	}
	if err := h.store.Connect("ana"); err != nil {
		t.Fatal(err)
	}
	servers := make([]*httptest.Server, max(o.nodes, 1))
	for i := range servers {
		servers[i] = httptest.NewUnstartedServer(nil)
		h.urls = append(h.urls, "http://"+servers[i].Listener.Addr().String())
	}
	h.servers = servers
	for i, srv := range servers {
		cfg := web.Config{
			PatronHosts: []string{"127.0.0.1", "localhost"}, StaffHosts: []string{"staff.localhost"}, FilesHosts: []string{"files.localhost"},
			Sites: []string{"https://library.example"}, Nodes: h.urls,
		}
		if o.frame != nil {
			o.frame(&cfg)
		}
		frame, err := web.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var store desk.Store = h.store
		if o.store != nil {
			store = o.store(store)
		}
		d := New(Config{
			Node: "n" + string(rune('0'+i)), Demo: o.demo, Titles: o.titles, Limits: o.limits, FAQs: o.faqs, Forms: []byte("the key of these tests"),
			Now: func() time.Time { return h.store.Now().Std() },
		}, frame, store, h.hints)
		h.doors = append(h.doors, d)
		srv.Config.Handler = frame.Handler()
		srv.Start()
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() {
			if err := d.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(func() {
			frame.Stop()
			cancel()
			run.Wait()
			srv.CloseClientConnections()
			srv.Close()
		})
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return h
}

// as does a command of a member of staff in the session that Connect made.
func (h *house) as(account string, c desk.Command) desk.Reply {
	h.t.Helper()
	r, err := h.store.Do(context.Background(), desk.Request{
		Actor: desk.StaffActor(account, desktest.SessionID(account)), Command: c,
	})
	if err != nil {
		h.t.Fatalf("%s by %s: %v", c.CommandName(), account, err)
	}
	return r
}

func newToken() string {
	b := make([]byte, tokenBytes)
	if _, err := rand.Read(b); err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// answer is what a call got.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) code() string {
	var p struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(a.body, &p) != nil {
		return ""
	}
	return p.Code
}

func (a answer) decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// call does one request on node 0. body may be nil, a string (sent as it is) or a value (sent as JSON).
func (h *house) call(method, path, token string, body any, edit ...func(*http.Request)) answer {
	h.t.Helper()
	var rd io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		rd = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			h.t.Fatal(err)
		}
		rd = bytes.NewReader(data)
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), 40*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, h.urls[0]+path, rd)
	if err != nil {
		h.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, f := range edit {
		f(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, data}
	h.contract.hold(h.t, method, path, a)
	return a
}

type obj = map[string]any

// open opens a chat and returns its number, token and seq.
func (h *house) open(question string) (chat, token string, seq uint64) {
	h.t.Helper()
	token = newToken()
	a := h.call("POST", "/api/v1/chats", "", obj{
		"id": "q-" + token[:8], "token": token, "department": "reference", "question": question,
	})
	if a.status != http.StatusCreated {
		h.t.Fatalf("open: %d %s", a.status, a.body)
	}
	var o opened
	a.decode(h.t, &o)
	return o.Chat, token, o.Seq
}

// history is the whole chat by one poll.
func (h *house) history(chat, token string) polled {
	h.t.Helper()
	a := h.call("GET", "/api/v1/chats/"+chat+"/events?after=0", token, nil)
	if a.status != http.StatusOK {
		h.t.Fatalf("events: %d %s", a.status, a.body)
	}
	var p polled
	a.decode(h.t, &p)
	return p
}

// story shortens events to lines like "message patron: hello".
func story(events []Event) []string {
	var out []string
	for _, e := range events {
		s := e.Kind
		if e.From != "" {
			s += " " + e.From
		}
		if e.By != "" {
			s += " " + e.By
		}
		if e.Text != nil {
			s += ": " + *e.Text
		}
		out = append(out, s)
	}
	return out
}

// whispers is Hints within one process.
type whispers struct {
	mu   sync.Mutex
	subs map[chan Typing]uint64
	said []Typing
}

func (w *whispers) Publish(t Typing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, t)
	for c, chat := range w.subs {
		if chat == t.Chat {
			select {
			case c <- t:
			default:
			}
		}
	}
}

func (w *whispers) Subscribe(chat uint64) (<-chan Typing, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.subs == nil {
		w.subs = make(map[chan Typing]uint64)
	}
	c := make(chan Typing, 4)
	w.subs[c] = chat
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.subs, c)
	}
}

// kill ends a node at once: its port is closed and its connections break.
func (h *house) kill(node int) {
	_ = h.servers[node].Listener.Close()
	h.servers[node].CloseClientConnections()
	h.doors[node].frame.Stop() // sockets are no longer the server's to close
}

// missed makes the newest waiting chat a missed one, as when its patron was silent for long.
func (h *house) missed() {
	h.t.Helper()
	n := h.lastChat(desk.Waiting)
	var hash string
	err := h.store.View(h.t.Context(), desk.NodeActor("test"), func(rd desk.Reader) error {
		c, err := rd.Chat(n)
		if err == nil {
			hash = c.Token
		}
		return err
	})
	if err == nil {
		_, err = h.store.Do(h.t.Context(), desk.Request{Actor: desk.PatronActor(hash), Command: &desk.LeaveChat{Chat: n}})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}
