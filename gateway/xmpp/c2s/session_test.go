// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/gateway/account"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
	"refdesk/gateway/xmpp/xmpptest"
)

func TestBindIsAnsweredAfterTheHandler(t *testing.T) {
	h := newScript()
	errs := []error{
		errors.New("no quorum"),
		&xmpp.StanzaError{Condition: xmpp.NotAllowed, Text: "disabled"},
	}
	var ids []string
	h.bind = func(s *Session) error {
		ids = append(ids, s.ID())
		if len(errs) > 0 {
			err := errs[0]
			errs = errs[1:]
			return err
		}
		s.Grant(s.Resource() + "-2")
		return s.Send(xmpp.Presence("", s.Bare(), s.JID()), nil) // must come after the answer
	}
	r := start(t, h, nil)
	c := r.at("signed in")
	bind := "<iq type='set' id='b'><bind xmlns='" + xmpp.NSBind + "'><resource>x</resource></bind></iq>"
	for _, want := range []xmpp.Condition{xmpp.InternalServerError, xmpp.NotAllowed} {
		c.Send(bind)
		if iq := c.Expect(xmpp.NSClient, "iq"); xmpp.ReadError(iq) != want || iq.Attr("id") != "b" {
			t.Fatalf("got %s, want %s", iq, want)
		}
	}
	c.Send(bind)
	iq := c.Expect(xmpp.NSClient, "iq")
	if jid := iq.Child(xmpp.NSBind, "bind").ChildText(xmpp.NSBind, "jid"); jid != "ana@desk.example/x-2" {
		t.Errorf("bound as %s", jid)
	}
	c.Expect(xmpp.NSClient, "presence")
	if ids[0] != ids[2] {
		t.Error("a repeated request proposes another session")
	}
	s := h.session(t, 0)
	if r.srv.Session(s.ID()) != s || r.srv.Sessions() != 1 {
		t.Error("the session is not found")
	}
	c.Send("</stream:stream>")
	c.ExpectEnd()
	<-s.Done()
	if h.ended != 1 || r.srv.Sessions() != 0 {
		t.Errorf("ended %d, sessions %d", h.ended, r.srv.Sessions())
	}
}

func TestResources(t *testing.T) {
	r := start(t, newScript(), nil)
	for _, tt := range []struct{ ask, want string }{
		{"Büro PC", "Büro PC"}, {"a/b@c", "a/b@c"}, {"ａ", "ａ"}, {"", ""}, {string(make191()), ""},
	} {
		c := r.at("signed in")
		c.Bind(tt.ask)
		s := r.h.session(t, len(r.h.bound)-1)
		if tt.want != "" && c.JID != "ana@desk.example/"+tt.want || tt.want == "" && len(s.Resource()) != 12 || s.JID() != c.JID {
			t.Errorf("asked for %q, got %s", tt.ask, c.JID)
		}
	}
	c := r.at("signed in")
	c.Send("<iq type='set' id='b'><bind xmlns='" + xmpp.NSBind + "'><resource>a\u2028b</resource></bind></iq>")
	if iq := c.Expect(xmpp.NSClient, "iq"); xmpp.ReadError(iq) != xmpp.BadRequest {
		t.Errorf("got %s", iq)
	}
	c.Bind("good")
}

func make191() []byte {
	b := make([]byte, maxResource+1)
	for i := range b {
		b[i] = 'x'
	}
	return b
}

func TestStreamLayerAnswers(t *testing.T) {
	h := newScript()
	r := start(t, h, nil)
	c, s := r.login("x")
	for _, tt := range []struct{ send, kind, condition string }{
		{"<iq type='set' id='1'><session xmlns='" + xmpp.NSSession + "'/></iq>", "result", ""},
		{"<iq type='set' id='1'><bind xmlns='" + xmpp.NSBind + "'/></iq>", "error", "not-allowed"},
		{"<iq type='get' id='1'/>", "error", "bad-request"},
		{"<iq type='get' id='1'><a xmlns='x'/><b xmlns='x'/></iq>", "error", "bad-request"},
		{"<iq id='1'><a xmlns='x'/></iq>", "error", "bad-request"},
		{"<iq type='get'><a xmlns='x'/></iq>", "error", "bad-request"},
		{"<iq type='get' id='1' to='@@'><a xmlns='x'/></iq>", "error", "jid-malformed"},
		{"<message id='1' to='a b@@'><body>x</body></message>", "error", "jid-malformed"},
	} {
		c.Send(tt.send)
		el := c.Next()
		if el.Attr("type") != tt.kind || string(xmpp.ReadError(el)) != tt.condition {
			t.Errorf("%s: got %s", tt.send, el)
		}
	}
	c.Send("<iq type='result' id='" + pingPrefix + "1'/><active xmlns='urn:xmpp:csi:0'/>\n \n<message from='ana@desk.example' id='m'/>")
	c.Roundtrip("end")
	if d := cmp.Diff([]string{"m", "end"}, h.seen()); d != "" {
		t.Errorf("the handler saw: %s", d)
	}
	if !s.Secure() || s.RemoteNetwork().String() != "127.0.0.0/24" || s.Account() != "ana" || s.Device() != "laptop" || s.Domain() != domain || s.SMID() != "" {
		t.Error("what the session says of itself")
	}
}

func TestOneAtATimeInOrder(t *testing.T) {
	h := newScript()
	var mu sync.Mutex
	running := 0
	h.stanza = func(_ context.Context, _ *Session, _ *element.Element, _ uint32) {
		mu.Lock()
		running++
		if running > 1 {
			t.Error("two at a time")
		}
		mu.Unlock()
		mu.Lock()
		running--
		mu.Unlock()
	}
	r := start(t, h, nil)
	c, _ := r.login("x")
	var want []string
	for i := range 300 {
		id := strconv.Itoa(i)
		want = append(want, id)
		c.Send(xmpptest.Message("c1@chat.desk.example", id, "x"))
	}
	c.Roundtrip("end")
	if d := cmp.Diff(append(want, "end"), h.seen()); d != "" {
		t.Error(d)
	}
}

func TestCleanEndHandlesWhatWasSent(t *testing.T) {
	h, g := newScript(), newGate()
	h.stanza = g.stanza
	r := start(t, h, nil)
	c, s := r.login("x")
	c.Send(xmpptest.Message("c1@chat.desk.example", "1", "x") + xmpptest.Message("c1@chat.desk.example", "2", "x") +
		"<iq type='get' id='3'><ping xmlns='urn:xmpp:ping'/></iq></stream:stream>")
	for range 2 {
		<-g.entered
		g.pass <- struct{}{}
	}
	if el := c.Next(); el.Attr("id") != "3" {
		t.Errorf("got %s", el)
	}
	c.ExpectEnd()
	<-s.Done()
	if d := cmp.Diff([]string{"1", "2", "3"}, h.seen()); d != "" {
		t.Error(d)
	}
}

func TestBrokenConnectionHandlesWhatWasSent(t *testing.T) {
	h, g := newScript(), newGate()
	h.stanza = g.stanza
	r := start(t, h, nil)
	c, s := r.login("x")
	c.Send(xmpptest.Message("c1@chat.desk.example", "1", "x") + xmpptest.Message("c1@chat.desk.example", "2", "x"))
	<-g.entered
	c.Send("<presence/>")
	c.Conn.Close()
	g.pass <- struct{}{}
	<-g.entered
	g.pass <- struct{}{}
	<-s.Done()
	if got := h.seen(); !slices.Equal(got, []string{"1", "2", ""}) {
		t.Errorf("handled %q", got)
	}
}

func TestCloseTellsAndEnds(t *testing.T) {
	h := newScript()
	r := start(t, h, nil)
	c, s := r.login("x")
	s.Send(xmpp.Message(xmpp.Chat, "c1@chat.desk.example", s.JID(), "last", "flushed before"), "t")
	s.Close(Conflict)
	s.Close(SystemShutdown) // too late
	if el := c.Next(); el.Attr("id") != "last" {
		t.Errorf("got %s", el)
	}
	c.ExpectStreamError(Conflict)
	<-s.Done()
	if !slices.Equal(h.acked, []any{"t"}) || h.ended != 1 || h.unacked != nil {
		t.Errorf("acked %v, unacked %v, ended %d", h.acked, h.unacked, h.ended)
	}
}

func TestShutdown(t *testing.T) {
	h := newScript()
	r := start(t, h, nil)
	c, s := r.login("x")
	waiting := r.at("encrypted")
	r.stop()
	c.ExpectStreamError(SystemShutdown)
	waiting.ExpectStreamError(SystemShutdown)
	<-s.Done()
	c.Conn.Close()
	waiting.Conn.Close()
	if err := <-r.stopped; err != nil {
		t.Error(err)
	}
}

func TestHandlerThatPanicsEndsOneSession(t *testing.T) {
	h := newScript()
	h.stanza = func(_ context.Context, _ *Session, el *element.Element, _ uint32) {
		if el.Attr("id") == "boom" {
			panic("boom")
		}
	}
	r := start(t, h, nil)
	c, s := r.login("x")
	c.Send(xmpptest.Message("c1@chat.desk.example", "boom", "x"))
	c.ExpectStreamError(InternalServerError)
	<-s.Done()
	r.works()
}

func TestOverflowEndsThatSessionAlone(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"stanzas": func(c *Config) { c.QueueStanzas = 64 },
		"bytes":   func(c *Config) { c.QueueBytes = 256 << 10 },
	} {
		t.Run(name, func(t *testing.T) {
			h := newScript()
			r := start(t, h, func(c *Config) {
				c.Write = time.Hour
				change(c)
			})
			_, slow := r.login("slow") // it never reads
			c, fast := r.login("fast")
			big := xmpp.Message(xmpp.Chat, "c1@chat.desk.example", slow.JID(), "big", string(make191())+string(make([]byte, 16<<10)))
			var err error
			sent := 0
			for err == nil && sent < 100_000 {
				if err = slow.Send(big, sent); err == nil {
					sent++
				}
			}
			if err != ErrOverflow {
				t.Fatalf("%v after %d", err, sent)
			}
			<-slow.Done()
			if got := len(h.acked) + len(h.unacked); got != sent {
				t.Errorf("%d acked and %d unacked of %d", len(h.acked), len(h.unacked), sent)
			}
			if err := fast.Send(xmpp.Message(xmpp.Chat, "c1@chat.desk.example", fast.JID(), "m", "x"), nil); err != nil {
				t.Error(err)
			}
			c.Skip(xmpp.NSClient, "message")
		})
	}
}

// pipe runs the server's side of an in-memory connection inside a synctest bubble, without TLS.
func pipe(t *testing.T, h Handler, change func(*Config)) *xmpptest.Client {
	t.Helper()
	cfg := Config{Domain: domain, PlainSASL: true}
	if change != nil {
		change(&cfg)
	}
	auth, err := account.New(account.Config{Domain: domain, Secret: []byte("0123456789abcdef")}, newDevices(t, "ana"))
	if err != nil {
		t.Fatal(err)
	}
	srv, err := NewServer(cfg, auth, h)
	if err != nil {
		t.Fatal(err)
	}
	here, there := net.Pipe()
	go srv.Serve(t.Context(), there, false)
	c := xmpptest.New(t, here, domain)
	here.SetDeadline(time.Time{})
	return c
}

func (h *script) pipeLogin(t *testing.T, change func(*Config)) (*xmpptest.Client, *Session) {
	t.Helper()
	c := pipe(t, h, change)
	c.Open()
	c.Plain("ana", password)
	c.Restart()
	c.Bind("x")
	synctest.Wait()
	return c, h.bound[0]
}

func TestNegotiationHasItsTime(t *testing.T) {
	for name, steps := range map[string]func(*xmpptest.Client){
		"silent":     func(c *xmpptest.Client) {},
		"opened":     func(c *xmpptest.Client) { c.Open() },
		"half a tag": func(c *xmpptest.Client) { c.Open(); c.Send("<auth") },
		"signed in":  func(c *xmpptest.Client) { c.Open(); c.Plain("ana", password); c.Restart() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				c := pipe(t, newScript(), nil)
				steps(c)
				if name == "silent" {
					c.ReadHeader()
				}
				c.ExpectStreamError(ConnectionTimeout)
				if took := time.Since(begin); took != 30*time.Second {
					t.Errorf("after %v", took)
				}
			})
		})
	}
}

func TestKeepalivesDoNotProlongNegotiation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pipe(t, newScript(), nil)
		c.Open()
		ticks, stopped := time.NewTicker(time.Second), make(chan struct{})
		defer func() { <-stopped }()
		go func() {
			defer close(stopped)
			for range ticks.C {
				if _, err := c.Conn.Write([]byte(" ")); err != nil {
					return
				}
			}
		}()
		begin := time.Now()
		c.ExpectStreamError(ConnectionTimeout)
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("after %v", took)
		}
	})
}

func TestSilentClientIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newScript().pipeLogin(t, nil)
		for range 3 { // one that answers stays
			ping := c.Expect(xmpp.NSClient, "iq")
			if ping.Child(xmpp.NSPing, "ping") == nil {
				t.Fatalf("got %s", ping)
			}
			c.Send(xmpp.Result(ping, nil).String())
		}
		begin := time.Now()
		c.Expect(xmpp.NSClient, "iq")
		c.ExpectStreamError(ConnectionTimeout)
		if took := time.Since(begin); took < 90*time.Second || took > 100*time.Second {
			t.Errorf("after %v", took)
		}
	})
}

func TestMissingAckIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newScript()
		c, s := h.pipeLogin(t, nil)
		c.Send(enable)
		c.Expect(xmpp.NSSM, "enabled")
		begin := time.Now()
		time.Sleep(time.Second)
		s.Send(xmpp.Message(xmpp.Chat, "c1@chat.desk.example", s.JID(), "m", "x"), "m")
		c.Expect(xmpp.NSClient, "message")
		c.Expect(xmpp.NSSM, "r")
		c.ExpectStreamError(ConnectionTimeout)
		if took := time.Since(begin); took < 30*time.Second || took > 42*time.Second {
			t.Errorf("after %v", took)
		}
		<-s.Done()
		if !slices.Equal(h.unacked, []any{"m"}) {
			t.Errorf("unacked %v", h.unacked)
		}
	})
}

func TestStuckSocketIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newScript()
		_, s := h.pipeLogin(t, nil)
		begin := time.Now()
		s.Send(xmpp.Message(xmpp.Chat, "c1@chat.desk.example", s.JID(), "m", "x"), "m")
		<-s.Done() // the pipe takes nothing that isn't read
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("after %v", took)
		}
		if !slices.Equal(h.unacked, []any{"m"}) || h.acked != nil {
			t.Errorf("unacked %v, acked %v", h.unacked, h.acked)
		}
	})
}

func TestStuckHandlerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newScript()
		h.stanza = func(ctx context.Context, _ *Session, _ *element.Element, _ uint32) { <-ctx.Done() }
		c, s := h.pipeLogin(t, nil)
		c.Send(xmpptest.Message("c1@chat.desk.example", "m", "x"))
		begin := time.Now()
		c.Conn.Close()
		<-s.Done()
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("after %v", took)
		}
	})
}

func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newScript()
		c, _ := h.pipeLogin(t, func(c *Config) { c.StanzaRate, c.StanzaBurst = 10, 20 })
		begin := time.Now()
		for i := range 50 {
			c.Send(xmpptest.Message("c1@chat.desk.example", strconv.Itoa(i), "x"))
		}
		synctest.Wait()
		if took := time.Since(begin); took < 2*time.Second || took > 4*time.Second {
			t.Errorf("50 stanzas took %v", took)
		}
		c.Conn.Close()
	})
}

func TestDirectTLS(t *testing.T) {
	r := start(t, newScript(), nil)
	for name, protos := range map[string][]string{"without ALPN": nil, "xmpp-client": {"xmpp-client"}, "one of several": {"h2", "xmpp-client"}} {
		t.Run(name, func(t *testing.T) {
			cfg := r.client.Clone()
			cfg.NextProtos = protos
			c := xmpptest.Dial(t, r.direct, domain)
			c.Handshake(cfg)
			if f := c.Open(); f.Child(xmpp.NSStartTLS, "starttls") != nil || f.Child(xmpp.NSSASL, "mechanisms") == nil {
				t.Errorf("features %s", f)
			}
			c.Plain("ana", password)
			c.Restart()
			c.Bind("x")
		})
	}
	cfg := r.client.Clone()
	cfg.NextProtos = []string{"h2"}
	if conn, err := tls.Dial("tcp", r.direct, cfg); err == nil {
		conn.Close()
		t.Error("another protocol was let in")
	}
	plain := xmpptest.Dial(t, r.direct, domain)
	plain.Send(xmpptest.Header(domain))
	if n, err := plain.Conn.Read(make([]byte, 100)); err == nil && n > 7 { // at most a TLS alert
		t.Errorf("%d bytes to a client without TLS", n)
	}
	r.works()
}

func TestTooManyStrangers(t *testing.T) {
	r := start(t, newScript(), func(c *Config) { c.MaxStreams = 2 })
	a, b := r.dial(), r.dial()
	a.Open()
	b.Open()
	c := r.dial()
	if _, err := c.Conn.Read(make([]byte, 1)); err == nil {
		t.Error("a third stream was opened")
	}
	a.Conn.Close()
	b.Conn.Close()
}

func TestManyLogins(t *testing.T) {
	h := newScript()
	r := start(t, h, nil)
	const clients = 200
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			c := r.dial()
			c.Login(r.client, "ana", password, fmt.Sprintf("r%d", i))
			c.Send(enable)
			c.Expect(xmpp.NSSM, "enabled")
			c.Send(xmpptest.Message("c1@chat.desk.example", c.JID, "hello"))
			expectAck(c, "1")
			c.Send("</stream:stream>")
			c.ExpectEnd()
		})
	}
	wg.Wait()
	h.await(t, func() bool { return h.ended == clients })
	slices.Sort(h.stanzas)
	if got := len(slices.Compact(h.stanzas)); got != clients {
		t.Errorf("%d of %d messages", got, clients)
	}
}
