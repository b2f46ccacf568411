// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
	"refdesk/gateway/xmpp/xmpptest"
)

const (
	enable  = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
	request = "<r xmlns='urn:xmpp:sm:3'/>"
)

func ack(h int) string { return fmt.Sprintf("<a xmlns='urn:xmpp:sm:3' h='%d'/>", h) }

// expectAck reads the next element, which must be an ack of h.
func expectAck(c *xmpptest.Client, h string) {
	c.T.Helper()
	if a := c.Expect(xmpp.NSSM, "a"); a.Attr("h") != h {
		c.T.Fatalf("got %s, want h=%s", a, h)
	}
}

// gate lets stanzas through one by one.
type gate struct{ entered, pass chan struct{} }

func newGate() gate { return gate{make(chan struct{}, 100), make(chan struct{})} }

func (g gate) stanza(ctx context.Context, _ *Session, el *element.Element, _ uint32) {
	if el.Local != "message" {
		return
	}
	g.entered <- struct{}{}
	select {
	case <-g.pass:
	case <-ctx.Done():
	}
}

func TestAcksSayWhatIsFinished(t *testing.T) {
	h, g := newScript(), newGate()
	h.stanza = g.stanza
	r := start(t, h, nil)
	c, s := r.login("x")
	c.Send(xmpptest.Message("c1@chat.desk.example", "before", "not counted"))
	<-g.entered
	c.Send(enable)
	en := c.Expect(xmpp.NSSM, "enabled")
	if en.Attr("id") != s.ID() || en.Attr("resume") != "true" || en.Attr("max") != "300" || s.SMID() != s.ID() {
		t.Fatalf("enabled: %s", en)
	}
	c.Send(xmpptest.Message("c1@chat.desk.example", "one", "1") + xmpptest.Message("c1@chat.desk.example", "two", "2") + request)
	expectAck(c, "0") // at once, though nothing is finished
	g.pass <- struct{}{}
	<-g.entered
	c.Send(request)
	expectAck(c, "0") // the one before <enable/> does not count
	g.pass <- struct{}{}
	expectAck(c, "1") // unasked
	<-g.entered
	g.pass <- struct{}{}
	expectAck(c, "2")
	c.Send(request + request)
	expectAck(c, "2")
	expectAck(c, "2")
	h.await(t, func() bool { return len(h.stanzas) == 3 })
	if d := cmp.Diff([]string{"before", "one", "two"}, h.stanzas); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]uint32{0, 1, 2}, h.nums); d != "" {
		t.Error(d)
	}
}

func TestHeldStanzaStopsThePrefix(t *testing.T) {
	h := newScript()
	h.stanza = func(_ context.Context, s *Session, el *element.Element, num uint32) {
		if el.Attr("id") == "lost" {
			s.Hold(num)
		}
	}
	r := start(t, h, nil)
	c, s := r.login("x")
	c.Send(enable)
	c.Expect(xmpp.NSSM, "enabled")
	c.Send(xmpptest.Message("c1@chat.desk.example", "a", "1"))
	expectAck(c, "1")
	c.Send(xmpptest.Message("c1@chat.desk.example", "lost", "2") + xmpptest.Message("c1@chat.desk.example", "b", "3"))
	h.await(t, func() bool { return len(h.stanzas) == 3 })
	c.Send(request)
	expectAck(c, "1")
	if s.Handled() != 1 {
		t.Errorf("handled %d", s.Handled())
	}
	s.Release(2)
	expectAck(c, "3")
}

func TestHIsModular(t *testing.T) {
	m := management{worked: 2, held: map[uint32]struct{}{1<<32 - 1: {}, 1: {}}}
	if m.h() != 1<<32-2 {
		t.Errorf("h = %d", m.h())
	}
	if m = (management{worked: 5, held: map[uint32]struct{}{6: {}}}); m.h() != 5 {
		t.Errorf("a later stanza held: h = %d", m.h())
	}
}

func TestAckedTokens(t *testing.T) {
	h := newScript()
	r := start(t, h, nil)
	c, s := r.login("x")
	msg := func(id string) *element.Element {
		return xmpp.Message(xmpp.Chat, "c1@chat.desk.example", s.JID(), id, "hello")
	}
	s.Send(msg("plain"), "plain") // without stream management: when it is written
	c.Expect(xmpp.NSClient, "message")
	h.await(t, func() bool { return slices.Equal(h.acked, []any{"plain"}) })

	c.Send(enable)
	c.Expect(xmpp.NSSM, "enabled")
	s.Send(msg("1"), 1)
	c.Expect(xmpp.NSClient, "message")
	c.Expect(xmpp.NSSM, "r")
	s.Send(xmpp.Presence("", s.Bare(), s.JID()), nil)
	c.Expect(xmpp.NSClient, "presence")
	c.Send(ack(2))
	h.await(t, func() bool { return slices.Equal(h.acked, []any{"plain", 1}) })

	for i := 2; i <= 5; i++ {
		if err := s.SendRaw(element.AppendXML(nil, msg("raw"), xmpp.NSClient), true, i); err != nil {
			t.Fatal(err)
		}
		c.Skip(xmpp.NSClient, "message")
	}
	c.Send(ack(4)) // 2 and 3
	h.await(t, func() bool { return slices.Equal(h.acked, []any{"plain", 1, 2, 3}) })
	c.Conn.Close()
	h.await(t, func() bool { return h.ended == 1 })
	if d := cmp.Diff([]any{4, 5}, h.unacked); d != "" {
		t.Error(d)
	}
	<-s.Done()
	if err := s.Send(msg("late"), 6); err != ErrClosed {
		t.Errorf("send after the end: %v", err)
	}
}

func TestTooHighAnAck(t *testing.T) {
	for name, send := range map[string]string{"too high": enable + ack(1), "not enabled": ack(0)} {
		t.Run(name, func(t *testing.T) {
			r := start(t, newScript(), nil)
			c, _ := r.login("x")
			c.Send(send)
			e := c.ExpectStreamError(UndefinedCondition)
			if e.Child(xmpp.NSSM, "handled-count-too-high") == nil {
				t.Errorf("got %s", e)
			}
			r.works()
		})
	}
}

func TestStreamManagementOutOfPlace(t *testing.T) {
	r := start(t, newScript(), nil)
	c := r.at("signed in")
	unexpected := func() {
		t.Helper()
		if f := c.Expect(xmpp.NSSM, "failed"); f.Child(xmpp.NSStanzas, "unexpected-request") == nil {
			t.Fatalf("got %s", f)
		}
	}
	c.Send(enable) // before bind
	unexpected()
	c.Bind("x")
	c.Send(request) // before enable
	unexpected()
	c.Send("<resume xmlns='urn:xmpp:sm:3' h='0' previd='x'/>")
	unexpected()
	c.Send(enable)
	c.Expect(xmpp.NSSM, "enabled")
	c.Send(enable)
	unexpected()
	c.Send("<a xmlns='urn:xmpp:sm:3' h='nonsense'/>")
	c.ExpectStreamError(BadFormat)
	r.works()
}

func TestResumeSaysWhatWasHandled(t *testing.T) {
	h, g := newScript(), newGate()
	h.stanza = g.stanza
	r := start(t, h, nil)
	c, s := r.login("x")
	h.resume = map[string]uint32{"ana " + s.ID(): 7}
	c.Send(enable + xmpptest.Message("c1@chat.desk.example", "one", "1") + xmpptest.Message("c1@chat.desk.example", "two", "2"))
	<-g.entered

	again := r.at("signed in")
	again.Send("<resume xmlns='urn:xmpp:sm:3' h='0' previd='" + s.ID() + "'/>")
	c.ExpectStreamError(Conflict) // the old stream is over …
	g.pass <- struct{}{}
	f := again.Expect(xmpp.NSSM, "failed")
	if f.Attr("h") != "7" || f.Child(xmpp.NSStanzas, "item-not-found") == nil {
		t.Errorf("got %s", f)
	}
	h.mu.Lock()
	if h.ended != 1 || !slices.Equal(h.stanzas, []string{"one"}) { // … before the answer: "two" is not begun any more
		t.Errorf("ended %d, stanzas %q", h.ended, h.stanzas)
	}
	h.mu.Unlock()
	again.Send("<resume xmlns='urn:xmpp:sm:3' h='0' previd='unknown'/>")
	if f := again.Expect(xmpp.NSSM, "failed"); f.Attr("h") != "" || f.Child(xmpp.NSStanzas, "item-not-found") == nil {
		t.Errorf("got %s", f)
	}
	again.Bind("x")
}

func TestNobodyResumesForAnother(t *testing.T) {
	h := newScript()
	r := start(t, h, nil)
	_, s := r.login("x")
	c := r.at("encrypted")
	c.Plain("ben", password)
	c.Restart()
	c.Send("<resume xmlns='urn:xmpp:sm:3' h='0' previd='" + s.ID() + "'/>")
	if f := c.Expect(xmpp.NSSM, "failed"); f.Attr("h") != "" {
		t.Errorf("got %s", f)
	}
	if err := s.Send(xmpp.Presence("", s.Bare(), s.JID()), nil); err != nil {
		t.Errorf("ana's session: %v", err)
	}
}

func TestUnacknowledgedIsBounded(t *testing.T) {
	h := newScript()
	r := start(t, h, func(c *Config) { c.QueueStanzas = 8 })
	c, s := r.login("x")
	c.Send(enable)
	c.Expect(xmpp.NSSM, "enabled")
	p := xmpp.Presence("", s.Bare(), s.JID())
	for range unackedFactor * 8 {
		if err := s.Send(p, nil); err != nil {
			t.Fatal(err)
		}
		c.Expect(xmpp.NSClient, "presence")
	}
	s.Send(p, nil)
	c.ExpectStreamError(PolicyViolation)
	r.works()
}
