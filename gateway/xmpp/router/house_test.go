// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
	"refdesk/gateway"
	"refdesk/gateway/account"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/c2s"
	"refdesk/gateway/xmpp/element"
	"refdesk/gateway/xmpp/xmpptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	domain   = "desk.example"
	password = "k7mp-x2ua-9crd-hh4w"
	bot      = "desk@chat.desk.example"
)

// devices gives every account the same password.
type devices struct{ t testing.TB }

func (d devices) Devices(_ context.Context, name string) ([]*desk.Device, bool, error) {
	dev, err := account.Derive(name, "laptop", password, []byte("salt of "+name), 4096)
	return []*desk.Device{dev}, true, err
}

// typed is what the router passed on as typing.
type typed struct {
	mu  sync.Mutex
	got []bool
	ch  chan struct{}
}

func (y *typed) note(_ uint64, on bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.got = append(y.got, on)
	select {
	case y.ch <- struct{}{}:
	default:
	}
}

// house is a library whose staff can sign in, on one or more nodes with one store.
type house struct {
	*desktest.Store
	t       testing.TB
	routers []*Router
	servers []*c2s.Server
	ctx     context.Context
	client  *tls.Config
	typed   *typed
	serving sync.WaitGroup
}

func newHouse(t testing.TB, nodes int) *house {
	t.Helper()
	h := &house{Store: desktest.NewStore(), t: t, typed: &typed{ch: make(chan struct{}, 1)}}
	if err := h.Library(); err != nil {
		t.Fatal(err)
	}
	server, client := xmpptest.Certificate(t, domain)
	h.client = client
	ctx, cancel := context.WithCancel(context.Background())
	h.ctx = ctx
	var behind sync.WaitGroup
	stop, end := context.WithCancel(context.Background())
	for i := range nodes {
		node := "n" + string(rune('0'+i))
		events := gateway.New(node, h.Store, nil)
		r, err := New(Config{Domain: domain, Node: node, Version: "1", Now: func() time.Time { return h.Now().Std() }}, h.Store, events, h.typed.note)
		if err != nil {
			t.Fatal(err)
		}
		auth, err := account.New(account.Config{Domain: domain, Secret: make([]byte, 32)}, devices{t})
		if err != nil {
			t.Fatal(err)
		}
		srv, err := c2s.NewServer(c2s.Config{Domain: domain, TLS: server, Features: r.Features()}, auth, r)
		if err != nil {
			t.Fatal(err)
		}
		behind.Go(func() { _ = events.Run(stop) })
		behind.Go(func() { _ = r.Run(stop) })
		h.routers, h.servers = append(h.routers, r), append(h.servers, srv)
	}
	t.Cleanup(func() {
		cancel()
		h.serving.Wait()
		end()
		behind.Wait()
	})
	return h
}

// connect opens a connection to node i.
func (h *house) connect(node int) *xmpptest.Client {
	h.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	accepted := make(chan struct{})
	h.serving.Go(func() {
		conn, err := l.Accept()
		close(accepted)
		if err == nil {
			h.servers[node].Serve(h.ctx, conn, false)
		}
	})
	c := xmpptest.Dial(h.t, l.Addr().String(), domain)
	<-accepted // closing it before would reset the connection
	if err := l.Close(); err != nil {
		h.t.Fatal(err)
	}
	return c
}

// staffer is a member of staff on a scripted client.
type staffer struct {
	*xmpptest.Client
	t    testing.TB
	name string
	n    int
}

// signIn binds a client without presence.
func (h *house) signIn(name string, node int) *staffer {
	h.t.Helper()
	c := h.connect(node)
	c.Login(h.client, name, password, "pc")
	return &staffer{Client: c, t: h.t, name: name}
}

// arrive signs in, asks for the contact list, and is online.
func (h *house) arrive(name string, node int) *staffer {
	h.t.Helper()
	s := h.signIn(name, node)
	s.Send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
	s.answer("roster")
	s.Send("<presence/>")
	s.settle()
	return s
}

// settle waits until what was sent before has been handled, and what it caused has come.
func (s *staffer) settle() {
	s.t.Helper()
	s.n++
	s.Roundtrip("settle-" + string(rune('a'+s.n%26)))
}

// answer reads up to the answer to an iq.
func (s *staffer) answer(id string) *element.Element {
	s.t.Helper()
	for {
		if el := s.Next(); el.Local == "iq" && el.Attr("id") == id {
			return el
		}
	}
}

// ask sends a request and reads its answer.
func (s *staffer) ask(to, kind, payload string) *element.Element {
	s.t.Helper()
	s.n++
	id := "ask" + strings.Repeat("x", s.n)
	at := ""
	if to != "" {
		at = " to='" + to + "'"
	}
	s.Send("<iq type='" + kind + "'" + at + " id='" + id + "'>" + payload + "</iq>")
	return s.answer(id)
}

// write sends a chat message.
func (s *staffer) write(to, body string) {
	s.t.Helper()
	s.n++
	s.Send(xmpptest.Message(to, s.name+strings.Repeat("m", s.n), body))
}

// heard reads up to a message from an address whose body contains part.
func (s *staffer) heard(from, part string) *element.Element {
	s.t.Helper()
	for {
		el := s.Next()
		body, _ := xmpp.Body(el)
		if el.Local == "message" && xmpp.Bare(el.Attr("from")) == from && strings.Contains(body, part) {
			return el
		}
	}
}

// pushed reads up to a push of the contact list for an address.
func (s *staffer) pushed(jid string) *element.Element {
	s.t.Helper()
	for {
		el := s.Next()
		item := el.Child(xmpp.NSRoster, "query").Child(xmpp.NSRoster, "item")
		if el.Local == "iq" && el.Attr("type") == "set" && item.Attr("jid") == jid {
			return item
		}
	}
}

// presence reads up to a presence from an address, full or bare.
func (s *staffer) presence(from string) *element.Element {
	s.t.Helper()
	for {
		el := s.Next()
		if el.Local == "presence" && (el.Attr("from") == from || xmpp.Bare(el.Attr("from")) == from) {
			return el
		}
	}
}

// patron opens chat n (the n-th of the desk) and returns who wrote it.
func (h *house) patron(id, question string) desk.Actor {
	h.t.Helper()
	p := desk.PatronActor(id)
	h.do(p, &desk.OpenChat{ID: id, Department: "reference", Question: question, Node: "n0", Name: "Ida"})
	return p
}

func (h *house) do(who desk.Actor, c desk.Command) desk.Reply {
	h.t.Helper()
	reply, err := h.Do(context.Background(), desk.Request{Actor: who, Command: c})
	if err != nil {
		h.t.Fatal(err)
	}
	return reply
}

// say posts a patron's line.
func (h *house) say(p desk.Actor, chat uint64, text string) desk.Reply {
	h.t.Helper()
	return h.do(p, &desk.PostLine{Chat: chat, ID: text, Kind: desk.TextLine, Text: text})
}

// lines are the texts of a chat as its patron reads them.
func (h *house) lines(p desk.Actor, chat uint64) (out []string) {
	h.t.Helper()
	err := h.View(context.Background(), p, func(r desk.Reader) error {
		lines, err := r.Lines(chat, 0, 0)
		for _, l := range lines {
			out = append(out, l.Text)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}
