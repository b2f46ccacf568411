// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"refdesk/cluster/desk"
	"refdesk/gateway"
)

// live is a library whose boards are live, on a server of its own. Staff ana, ben and the others have no XMPP client.
type live struct {
	*library
	srv    *httptest.Server
	hints  *whispers
	client *http.Client
	doors  sync.WaitGroup
}

// patronHash is the token hash of the n-th patron.
func patronHash(n string) desk.Actor { return desk.PatronActor("patron-" + n) }

func newLive(t testing.TB, edit ...func(*Config, *Deps)) *live {
	t.Helper()
	v := &live{hints: &whispers{subs: map[chan bool]uint64{}}}
	var dispatcher *gateway.Dispatcher
	v.library = newLibrary(t, append([]func(*Config, *Deps){func(c *Config, d *Deps) {
		dispatcher = gateway.New("n0", d.Store, slog.New(slog.DiscardHandler))
		d.Events, d.Hints = dispatcher, v.hints
		d.SeatGrace, d.BoardEvery = 150*time.Millisecond, 5*time.Millisecond
		c.URL = "http://staff.localhost"
	}}, edit...)...)
	v.srv = httptest.NewServer(v.frame.Handler())
	ctx, cancel := context.WithCancel(context.Background())
	v.doors.Go(func() {
		if err := dispatcher.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	v.doors.Go(func() {
		if err := v.door.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	v.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, v.srv.Listener.Addr().String())
	}}}
	t.Cleanup(func() {
		v.frame.Stop()
		cancel()
		v.doors.Wait()
		v.client.CloseIdleConnections()
		v.srv.CloseClientConnections()
		v.srv.Close()
	})
	return v
}

// session signs somebody in and returns the cookie's value.
func (v *live) session(account string) string {
	v.t.Helper()
	token, hash := newToken()
	v.do("", &desk.OpenWebSession{Hash: hash, Account: account})
	return token
}

// ask opens a chat of a patron and returns its number. Ben is there with an XMPP client, so that the desk is open.
func (v *library) ask(patron, name, question string) uint64 {
	v.t.Helper()
	if len(v.sessionsOf("ben")) == 0 {
		if err := v.store.Connect("ben"); err != nil {
			v.t.Fatal(err)
		}
	}
	r, err := v.store.Do(context.Background(), desk.Request{Actor: patronHash(patron), Command: &desk.OpenChat{
		ID: "q-" + patron, Department: "reference", Question: question, Name: name, Node: "n0", PageURL: "https://library.example/renew?x=1",
	}})
	if err != nil {
		v.t.Fatal(err)
	}
	return r.Chat
}

// patron writes a line of a patron.
func (v *library) patron(patron string, chat uint64, id, text string) desk.Reply {
	v.t.Helper()
	r, err := v.store.Do(context.Background(), desk.Request{
		Actor: patronHash(patron), Command: &desk.PostLine{Chat: chat, ID: id, Kind: desk.TextLine, Text: text},
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return r
}

// chat reads a chat as the node.
func (v *library) chat(n uint64) (h *desk.Chat) {
	v.t.Helper()
	v.read(func(rd desk.Reader) (err error) {
		h, err = rd.Chat(n)
		return err
	})
	return h
}

// texts are a chat's lines, notes marked.
func (v *library) texts(n uint64) (out []string) {
	v.t.Helper()
	v.read(func(rd desk.Reader) error {
		lines, err := rd.Lines(n, 0, 0)
		for _, l := range lines {
			s := string(l.From) + ": " + l.Text
			if l.Kind == desk.NoteLine {
				s = "note: " + l.Text
			}
			out = append(out, s)
		}
		return err
	})
	return out
}

// sessionsOf are somebody's desk sessions.
func (v *library) sessionsOf(account string) (out []*desk.Session) {
	v.t.Helper()
	v.read(func(rd desk.Reader) (err error) {
		out, err = rd.Sessions(account)
		return err
	})
	return out
}

// client is a board's socket, as the page would use it.
type boardClient struct {
	t    testing.TB
	conn *websocket.Conn
	past []map[string]any // frames that were read and not asked for
}

type obj = map[string]any

// dial opens a socket without a word.
func (v *live) dial(token string, edit ...func(*websocket.DialOptions)) (*websocket.Conn, *http.Response, error) {
	o := &websocket.DialOptions{
		HTTPClient: v.client, Subprotocols: []string{subprotocol},
		HTTPHeader: http.Header{"Origin": {"http://staff.localhost"}, "Cookie": {"refdesk-staff=" + token}},
	}
	for _, f := range edit {
		f(o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return websocket.Dial(ctx, "ws://staff.localhost/board/socket", o)
}

// board opens somebody's board, says hello and waits, as the page does, until the desk is ready for more.
func (v *live) board(token string, hello obj) *boardClient {
	v.t.Helper()
	conn, _, err := v.dial(token)
	if err != nil {
		v.t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	b := &boardClient{t: v.t, conn: conn}
	v.t.Cleanup(func() { _ = conn.CloseNow() })
	frame := obj{"type": "hello", "page": "page-0123456789"}
	for k, x := range hello {
		frame[k] = x
	}
	b.send(frame)
	for {
		f, err := b.frame()
		if err != nil { // what refuses the page is for the test to look at
			return b
		}
		if b.past = append(b.past, f); f["type"] == "ready" || f["type"] == "error" {
			return b
		}
	}
}

func (b *boardClient) send(f obj) {
	b.t.Helper()
	data, err := json.Marshal(f)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := b.conn.Write(ctx, websocket.MessageText, data); err != nil {
		b.t.Fatal(err)
	}
}

// frame reads the next frame.
func (b *boardClient) frame() (obj, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, data, err := b.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	var f obj
	return f, json.Unmarshal(data, &f)
}

// until reads until a frame fits, and keeps the others.
func (b *boardClient) until(kind string, fits ...func(obj) bool) obj {
	b.t.Helper()
	ok := func(f obj) bool {
		if f["type"] != kind {
			return false
		}
		for _, g := range fits {
			if !g(f) {
				return false
			}
		}
		return true
	}
	for i, f := range b.past {
		if ok(f) {
			b.past = append(b.past[:i], b.past[i+1:]...)
			return f
		}
	}
	for {
		f, err := b.frame()
		if err != nil {
			b.t.Fatalf("no %s: %v; before: %v", kind, err, b.past)
		}
		if ok(f) {
			return f
		}
		b.past = append(b.past, f)
	}
}

// answer reads the answer to a request.
func (b *boardClient) answer(id string) obj {
	b.t.Helper()
	f := b.until("answer", func(f obj) bool { return f["id"] == id })
	a, _ := f["answer"].(obj)
	return a
}

// closed reads to the end and returns its code.
func (b *boardClient) closed() websocket.StatusCode {
	b.t.Helper()
	for {
		f, err := b.frame()
		if errors.Is(err, context.DeadlineExceeded) {
			b.t.Fatal("the socket stays open")
		}
		if err != nil {
			return websocket.CloseStatus(err)
		}
		b.past = append(b.past, f)
	}
}

func has(key string, want any) func(obj) bool { return func(f obj) bool { return f[key] == want } }

// whispers is Hints within the test.
type whispers struct {
	mu   sync.Mutex
	subs map[chan bool]uint64
	said []bool
}

func (w *whispers) StaffTypes(_ uint64, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, on)
}

func (w *whispers) PatronTypes(chat uint64) (<-chan bool, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := make(chan bool, 4)
	w.subs[c] = chat
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.subs, c)
	}
}

// patron types in a chat.
func (w *whispers) patron(chat uint64, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, n := range w.subs {
		if n == chat {
			c <- on
		}
	}
}

// eventually waits until something holds.
func (v *live) eventually(what string, f func() bool) {
	v.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if f() {
			return
		}
	}
	v.t.Fatalf("never: %s", what)
}

// guarded holds commands up, to see what comes before their commit.
type guarded struct {
	desk.Store
	mu   sync.Mutex
	name string
	gate chan struct{}
	came chan struct{}
}

// Do waits at the gate with commands of the guarded name.
func (g *guarded) Do(ctx context.Context, r desk.Request) (desk.Reply, error) {
	g.mu.Lock()
	gate := g.gate
	if r.Command.CommandName() != g.name {
		gate = nil
	}
	g.mu.Unlock()
	if gate != nil {
		select {
		case g.came <- struct{}{}:
		default:
		}
		select {
		case <-gate:
		case <-ctx.Done():
			return desk.Reply{}, ctx.Err()
		}
	}
	return g.Store.Do(ctx, r)
}

func code(err error, resp *http.Response) string {
	if resp != nil {
		return resp.Status
	}
	return err.Error()
}
