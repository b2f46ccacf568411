// SPDX-License-Identifier: Apache-2.0

package router

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
	"refdesk/gateway/xmpp"
)

// gone ends a client's connection without a word and waits until the desk knows.
func (h *house) gone(s *staffer) {
	h.t.Helper()
	s.Conn.Close()
	h.until(func(r desk.Reader) bool {
		sessions, err := r.Sessions(s.name)
		return err == nil && len(sessions) == 0
	})
}

// until waits for the desk's state to fulfil cond.
func (h *house) until(cond func(desk.Reader) bool) {
	h.t.Helper()
	var at desk.Cursor
	for b, err := range h.Follow(h.ctx, desk.NodeActor("n0"), desk.TopicAll(), at) {
		if err != nil {
			h.t.Fatal(err)
		}
		ok := false
		_ = h.View(h.ctx, desk.NodeActor("n0"), func(r desk.Reader) error {
			ok = cond(r)
			return nil
		})
		if ok {
			return
		}
		at = b.Cursor
	}
}

func TestWhatCameMeanwhileComesWithItsTime(t *testing.T) {
	h := newHouse(t, 2)
	ana, ben := h.arrive("ana", 0), h.arrive("ben", 1)
	p := h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ana.write(bot, "1")
	ana.heard(c1, "Hello?")
	ana.settle()
	h.positioned("ana")
	h.gone(ana)

	h.say(p, 1, "Are you still there?")
	ben.write("ana@desk.example", "Your chat is waiting.")
	ben.settle()
	again := h.arrive2("ana", 1)
	var got []string
	for len(got) < 2 {
		el := again.Skip(xmpp.NSClient, "message")
		body, _ := xmpp.Body(el)
		if el.Child(xmpp.NSDelay, "delay") == nil {
			t.Errorf("without its time: %s", el)
		}
		got = append(got, body)
	}
	if diff := cmp.Diff([]string{"Are you still there?", "Your chat is waiting."}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again.write(c1, "Yes, here I am.")
	again.settle()
	want := []string{"Hello?", "Are you still there?", "Yes, here I am."}
	if diff := cmp.Diff(want, h.lines(p, 1)); diff != "" {
		t.Errorf("the patron reads (-want +got):\n%s", diff)
	}
}

// arrive2 signs in and sends presence without reading what comes.
func (h *house) arrive2(name string, node int) *staffer {
	h.t.Helper()
	s := h.signIn(name, node)
	s.Send("<presence/>")
	return s
}

// positioned waits until what an account's client was sent is known to have come.
func (h *house) positioned(account string) {
	h.t.Helper()
	h.until(func(r desk.Reader) bool {
		n, err := r.Position(account)
		return err == nil && n > 0
	})
}

// A second client rings for what is ringing, although the desk rings only at the first.
func TestASecondClientIsRungToo(t *testing.T) {
	h := newHouse(t, 1)
	pc := h.arrive("ana", 0)
	h.patron("p1", "Hello?")
	pc.heard(bot, "1 Ida")
	phone := h.connect(0)
	phone.Login(h.client, "ana", password, "phone")
	s := &staffer{Client: phone, t: t, name: "ana"}
	s.Send("<presence/>")
	s.heard(bot, "1 Ida")
}

func TestANegativePriorityTakesNoMessages(t *testing.T) {
	h := newHouse(t, 1)
	ben := h.arrive("ben", 0)
	ana := h.signIn("ana", 0)
	ana.Send("<presence><priority>-1</priority></presence>")
	ana.settle()
	h.patron("p1", "Hello?")
	ben.heard(bot, "1 Ida")
	ana.Send("<iq type='get' id='last'><ping xmlns='urn:xmpp:ping'/></iq>")
	for {
		el := ana.Next()
		if el.Local == "message" {
			t.Fatalf("got %s", el)
		}
		if el.Attr("id") == "last" {
			return
		}
	}
}

// The stream breaks in the middle; on another node the client learns how far it got and sends the rest again.
func TestResumingOnAnotherNodeDoublesNothing(t *testing.T) {
	h := newHouse(t, 2)
	ana := h.arrive("ana", 0)
	p := h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ana.write(bot, "1")
	ana.heard(c1, "Hello?")
	ana.Send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
	id := ana.Skip(xmpp.NSSM, "enabled").Attr("id")
	ana.Send("<message type='chat' id='a' to='" + c1 + "'><body>one</body></message>" +
		"<message type='chat' id='b' to='" + c1 + "'><body>two</body></message><r xmlns='urn:xmpp:sm:3'/>")
	for ana.Skip(xmpp.NSSM, "a").Attr("h") != "2" {
	}
	ana.Conn.Close()

	again := h.connect(1)
	again.Open()
	again.StartTLS(h.client)
	again.Open()
	again.Plain("ana", password)
	again.Restart()
	again.Send("<resume xmlns='urn:xmpp:sm:3' previd='" + id + "' h='0'/>")
	failed := again.Skip(xmpp.NSSM, "failed")
	if failed.Attr("h") != "2" {
		t.Errorf("handled: %s", failed)
	}
	again.Bind("pc")
	if again.JID != "ana@desk.example/pc" {
		t.Errorf("the dead session kept its resource: %s", again.JID)
	}
	s := &staffer{Client: again, t: t, name: "ana"}
	s.Send("<message type='chat' id='c' to='" + c1 + "'><body>three</body></message>")
	s.settle()
	if diff := cmp.Diff([]string{"Hello?", "one", "two", "three"}, h.lines(p, 1)); diff != "" {
		t.Errorf("the patron reads (-want +got):\n%s", diff)
	}
}

// A client without stream management sends its line again after a broken connection, with the same id.
func TestALineSentAgainAfterABreakIsNotDoubled(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	p := h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ana.write(bot, "1")
	ana.heard(c1, "Hello?")
	line := "<message type='chat' id='same' to='" + c1 + "'><body>one</body></message>"
	ana.Send(line)
	ana.settle()
	h.gone(ana)
	again := h.arrive("ana", 0)
	again.Send(line)
	again.settle()
	if diff := cmp.Diff([]string{"Hello?", "one"}, h.lines(p, 1)); diff != "" {
		t.Errorf("the patron reads (-want +got):\n%s", diff)
	}
}

// Without a majority the ack stands still; when there is one again, the line is there once.
func TestWithoutAMajorityTheAckStandsStill(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	p := h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ana.write(bot, "1")
	ana.heard(c1, "Hello?")
	ana.Send("<enable xmlns='urn:xmpp:sm:3'/>")
	ana.Skip(xmpp.NSSM, "enabled")
	h.Refuse(&desk.Error{Code: desk.NoQuorum})
	ana.Send("<message type='chat' id='a' to='" + c1 + "'><body>one</body></message><r xmlns='urn:xmpp:sm:3'/>")
	if a := ana.Skip(xmpp.NSSM, "a"); a.Attr("h") != "0" {
		t.Errorf("acknowledged before the commit: %s", a)
	}
	h.Refuse(nil)
	for ana.Skip(xmpp.NSSM, "a").Attr("h") != "1" {
	}
	if diff := cmp.Diff([]string{"Hello?", "one"}, h.lines(p, 1)); diff != "" {
		t.Errorf("the patron reads (-want +got):\n%s", diff)
	}
}

func TestADisabledPersonsStreamEnds(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	h.do(desk.Actor{Kind: desk.AdminKind, ID: "x"}, &desk.DisableStaff{Account: "ana"})
	ana.ExpectStreamError("not-authorized")
}

func TestACarbonShowsWhatTheOtherClientSent(t *testing.T) {
	h := newHouse(t, 1)
	pc := h.arrive("ana", 0)
	c := h.connect(0)
	c.Login(h.client, "ana", password, "phone")
	phone := &staffer{Client: c, t: t, name: "ana"}
	phone.Send("<presence/>")
	phone.ask("", "set", "<enable xmlns='urn:xmpp:carbons:2'/>")
	h.patron("p1", "Hello?")
	pc.heard(bot, "1 Ida")
	pc.write(bot, "1")
	pc.heard(c1, "Hello?")
	pc.write(c1, "!note he has the blue card")
	pc.write(c1, "Good morning.")
	for {
		sent := phone.Skip(xmpp.NSClient, "message").Child(xmpp.NSCarbons, "sent")
		if sent == nil {
			continue
		}
		body, _ := xmpp.Body(sent.Child(xmpp.NSForward, "forwarded").Child(xmpp.NSClient, "message"))
		if body != "Good morning." {
			t.Errorf("carbon of %q", body)
		}
		return
	}
}

func TestRingsBeyondTheLimitAreBundled(t *testing.T) {
	h := newHouse(t, 1)
	h.routers[0].cfg.Rings = 2
	ana := h.arrive("ana", 0)
	for _, id := range []string{"p1", "p2", "p3", "p4"} {
		h.patron(id, "Hello?")
	}
	ana.heard(bot, "1 Ida")
	ana.heard(bot, "2 Ida")
	ana.heard(bot, "More chats are waiting")
	ana.settle()
	if err := h.Advance(bundleEvery); err != nil {
		t.Fatal(err)
	}
	ana.heard(bot, "More chats are waiting")
}

// What happened too long ago for the events is told from the records.
func TestAChatIsIntroducedWhenItsEventsAreGone(t *testing.T) {
	h := newHouse(t, 1)
	pc, ben := h.arrive("ana", 0), h.arrive("ben", 0)
	p := h.patron("p1", "Hello?")
	pc.heard(bot, "1 Ida")
	pc.write(bot, "1")
	pc.heard(c1, "Hello?")
	pc.settle()
	h.positioned("ana")
	pc.Send("<presence type='unavailable'/>")
	pc.settle()
	h.say(p, 1, "Still there?")
	h.do(desk.StaffActor("lena", ""), &desk.SendMessage{To: "ben", Body: "Good night."})
	ben.heard("lena@desk.example", "Good night.") // so far the events were handed out
	if err := h.Advance(8 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	h.do(desk.NodeActor("n0"), &desk.Expire{})
	h.do(desk.NodeActor("n0"), &desk.SetSetting{Setting: desk.Setting{Name: "desk.name", Value: "x"}}) // an event that is kept
	c := h.connect(0)
	c.Login(h.client, "ana", password, "phone")
	phone := &staffer{Client: c, t: t, name: "ana"}
	phone.Send("<presence/>")
	if el := phone.heard(c1, "Still there?"); el.Child(xmpp.NSDelay, "delay") == nil {
		t.Errorf("without its time: %s", el)
	}
}
