// SPDX-License-Identifier: Apache-2.0

package router

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/xmpp"
)

func TestOnesEffectiveStateIsToldAtEachChange(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.signIn("ana", 0)
	ana.Send("<presence/>")
	if el := ana.heard(bot, "You are on"); el.Child(xmpp.NSHints, "no-store") == nil {
		t.Errorf("kept by clients: %s", el)
	}
	ana.write(bot, "off 1h")
	ana.heard(bot, "You are off for 1 h")
	if err := h.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	ana.heard(bot, "You are on")
	if err := h.Advance(showEvery); err != nil {
		t.Fatal(err)
	}
	ana.write(bot, "status")
	ana.heard(bot, "You have 0 chats")
}

func TestWhoComesOnIsToldOfMissedChats(t *testing.T) {
	h := newHouse(t, 1)
	h.do(desk.NodeActor("n0"), &desk.OpenSession{ID: lenasBoard, Account: "lena", Door: "web", Node: "n0", Resource: "board"})
	h.do(desk.NodeActor("n0"), &desk.SetShow{ID: lenasBoard, Show: desk.ShowOnline})
	p := h.patron("p1", "Hello?")
	h.do(p, &desk.LeaveChat{Chat: 1})
	ana := h.signIn("ana", 0)
	ana.Send("<presence/>")
	ana.heard(bot, "1 missed chat waits to be followed up")
}

const lenasBoard = "session-of-lena-0123456789"

func TestARingIsReceivedWhenItIsWritten(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	h.received(ana, "ana")
}

// received waits until the receipt is committed. It makes no event, so that the client's own requests are what is waited
// with.
func (h *house) received(s *staffer, account string) {
	h.t.Helper()
	for range 5000 {
		s.settle()
		if h.hasHeard(account) {
			return
		}
	}
	h.t.Fatal("the ring's receipt never came")
}

func (h *house) hasHeard(account string) (ok bool) {
	h.t.Helper()
	err := h.View(h.ctx, desk.NodeActor("n0"), func(r desk.Reader) error {
		c, err := r.Chat(1)
		ok = err == nil && slices.Contains(c.Heard, account)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return ok
}

func TestARingIsReceivedWhenItIsAcknowledged(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	ana.Send("<enable xmlns='urn:xmpp:sm:3'/>")
	ana.Skip(xmpp.NSSM, "enabled")
	h.patron("p1", "Hello?")
	n := 0
	for rung := false; !rung; {
		el := ana.Next()
		if el.Space == xmpp.NSSM {
			continue
		}
		n++
		body, _ := xmpp.Body(el)
		rung = strings.Contains(body, "1 Ida")
	}
	ana.write(bot, "queue")
	ana.heard(bot, "1 waits")
	if h.hasHeard("ana") {
		t.Error("received before the ack")
	}
	ana.Send("<a xmlns='urn:xmpp:sm:3' h='" + strconv.Itoa(n) + "'/>")
	h.received(ana, "ana")
}

func TestNoChatIsClosedOverSomebodysTyping(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	p := h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ana.write(bot, "1")
	ana.heard(c1, "Hello?")
	ana.write(c1, "Good morning.")
	h.routers[0].Typing(1, true)
	ana.write(c1, "!close renewals")
	ana.heard(c1, "Not closed: Ida is still typing.")
	h.say(p, 1, "Thanks")
	ana.heard(c1, "Thanks")
	ana.settle()
	ana.write(c1, "!close renewals")
	ana.heard(c1, "1 is closed")
	ana.write(c1, "!undo")
	ana.heard(c1, "1 is open again")
	h.routers[0].Typing(1, true)
	if err := h.Advance(typingFor + time.Second); err != nil {
		t.Fatal(err)
	}
	ana.write(c1, "!close renewals")
	ana.heard(c1, "1 is closed")
}

func TestADeclinedRingRingsNoMore(t *testing.T) {
	h := newHouse(t, 1)
	ana, ben := h.arrive("ana", 0), h.arrive("ben", 0)
	h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ben.heard(bot, "1 Ida")
	ana.write(bot, "decline 1")
	ana.heard(bot, "rings for you no more")
	if err := h.Advance(21 * time.Second); err != nil {
		t.Fatal(err)
	}
	ben.heard(bot, "1 Ida")
	ana.Send("<iq type='get' id='last'><ping xmlns='urn:xmpp:ping'/></iq>")
	for {
		el := ana.Next()
		if body, _ := xmpp.Body(el); el.Local == "message" && body != "" {
			t.Fatalf("got %s", el)
		}
		if el.Attr("id") == "last" {
			return
		}
	}
}

func TestTypistsAreForgotten(t *testing.T) {
	now := desk.Time(1_000_000)
	y := newTypists(func() desk.Time { return now })
	for n := range uint64(mostTypists + 5) {
		y.types(n)
	}
	if len(y.at) != mostTypists || !y.typing(1) || y.typing(mostTypists+1) {
		t.Errorf("%d kept", len(y.at))
	}
	now = now.Add(typingFor + time.Second)
	if y.typing(1) {
		t.Error("a hint outlives its time")
	}
	y.types(5000)
	if len(y.at) != 1 || !y.typing(5000) {
		t.Errorf("%d kept", len(y.at))
	}
	y.wrote(5000)
	if y.typing(5000) {
		t.Error("what was sent is typed still")
	}
}
