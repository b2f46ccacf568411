// SPDX-License-Identifier: Apache-2.0

package router

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
	"refdesk/gateway/xmpp"
)

const c1 = "c1@chat.desk.example"

func TestAChatFromTheRingToTheClose(t *testing.T) {
	h := newHouse(t, 1)
	ana, ben := h.arrive("ana", 0), h.arrive("ben", 0)
	ana.presence("ben@desk.example/pc")
	p := h.patron("p1", "How do I renew a book?")
	for _, s := range []*staffer{ana, ben} {
		if ring := s.heard(bot, "1 Ida – Reference"); ring.Child(xmpp.NSHints, "no-store") == nil {
			t.Errorf("%s's ring is kept by clients: %s", s.name, ring)
		}
	}
	ana.write(bot, "1")
	if item := ana.pushed(c1); item.ChildText(xmpp.NSRoster, "group") != groupMine {
		t.Errorf("ana's contact: %s", item)
	}
	ana.heard(c1, "How do I renew a book?")
	correction := ben.heard(bot, "1 answered by Ana")
	if _, ok := xmpp.Replaced(correction); !ok {
		t.Errorf("no correction: %s", correction)
	}
	if item := ben.pushed(c1); item.Attr("subscription") != "remove" {
		t.Errorf("ben's contact: %s", item)
	}
	ben.write(bot, "1")
	ben.heard(bot, "Ana took 1")

	h.say(p, 1, "It is due today. 👋 <b>&amp;</b> مرحبا")
	if got, _ := xmpp.Body(ana.heard(c1, "due today")); got != "It is due today. 👋 <b>&amp;</b> مرحبا" {
		t.Errorf("ana reads %q", got)
	}
	ana.write(c1, "Renewed. 👩‍🏫 <b>&amp;</b>")
	ana.write(c1, "!tag renewals")
	ana.heard(c1, "renewals")
	ana.write(c1, "!close")
	if item := ana.pushed(c1); item.Attr("subscription") != "remove" {
		t.Errorf("after the close: %s", item)
	}
	want := []string{"How do I renew a book?", "It is due today. 👋 <b>&amp;</b> مرحبا", "Renewed. 👩‍🏫 <b>&amp;</b>"}
	if diff := cmp.Diff(want, h.lines(p, 1)); diff != "" {
		t.Errorf("the patron reads (-want +got):\n%s", diff)
	}
}

func TestOnTwoNodesNobodyHasToKnowWhoIsWhere(t *testing.T) {
	h := newHouse(t, 2)
	ana, ben := h.arrive("ana", 0), h.arrive("ben", 1)
	p := h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ben.heard(bot, "1 Ida")
	ben.write(bot, "1")
	ben.heard(c1, "Hello?")
	ana.heard(bot, "1 answered by Ben")
	h.say(p, 1, "Are you there?")
	ben.heard(c1, "Are you there?")
	ana.write("ben@desk.example", "Need a hand?")
	if msg := ben.heard("ana@desk.example", "Need a hand?"); msg.Child(xmpp.NSDelay, "delay") != nil {
		t.Errorf("a message that came at once bears a delay: %s", msg)
	}
}

func TestALineForAChatOfSomebodyElseIsHeld(t *testing.T) {
	h := newHouse(t, 1)
	ana, ben := h.arrive("ana", 0), h.arrive("ben", 0)
	p := h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ana.write(bot, "1")
	ana.heard(c1, "Hello?")
	ben.write(c1, "I can take that.")
	ben.heard(c1, "Not sent: Ana ")
	ben.settle()
	if diff := cmp.Diff([]string{"Hello?"}, h.lines(p, 1)); diff != "" {
		t.Errorf("the patron reads (-want +got):\n%s", diff)
	}
}

func TestWhatIsNoLineReachesNoPatron(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	p := h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ana.write(bot, "1")
	ana.heard(c1, "Hello?")
	for name, tc := range map[string]struct{ inside, condition, says string }{
		"OMEMO":        {"<body>I sent you an OMEMO encrypted message</body><encrypted xmlns='eu.siacs.conversations.axolotl'/>", "not-acceptable", "encrypted"},
		"a correction": {"<body>Renewed yesterday</body><replace xmlns='urn:xmpp:message-correct:0' id='x'/>", "feature-not-implemented", "corrected"},
		"a retraction": {"<body>I took back a message</body><retract xmlns='urn:xmpp:message-retract:1' id='x'/>", "feature-not-implemented", "taken back"},
		"a reaction":   {"<body>👍</body><reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>👍</reaction></reactions>", "feature-not-implemented", "reactions"},
	} {
		t.Run(name, func(t *testing.T) {
			ana.Send("<message type='chat' id='" + name + "' to='" + c1 + "'>" + tc.inside + "</message>")
			for {
				el := ana.Skip(xmpp.NSClient, "message")
				if el.Attr("type") == "error" {
					if got := string(xmpp.ReadError(el)); got != tc.condition {
						t.Errorf("got %s", el)
					}
					break
				}
			}
			ana.heard(c1, tc.says)
		})
	}
	ana.Send("<message type='error' id='e' to='" + c1 + "'><body>bounced</body></message>")
	ana.Send("<message type='chat' id='r' to='" + c1 + "'><received xmlns='urn:xmpp:receipts' id='x'/></message>")
	ana.settle()
	if diff := cmp.Diff([]string{"Hello?"}, h.lines(p, 1)); diff != "" {
		t.Errorf("the patron reads (-want +got):\n%s", diff)
	}
}

// A reply carries a quotation for clients that don't know replies; patrons get the answer alone.
func TestTheQuotationOfAReplyIsTakenOff(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	p := h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ana.write(bot, "1")
	ana.heard(c1, "Hello?")
	ana.Send("<message type='chat' id='r' to='" + c1 + "'><body>&gt; Hello?\nGood morning.</body>" +
		"<reply xmlns='urn:xmpp:reply:0' to='" + c1 + "' id='x'/>" +
		"<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='9'/></fallback></message>")
	ana.settle()
	if diff := cmp.Diff([]string{"Hello?", "Good morning."}, h.lines(p, 1)); diff != "" {
		t.Errorf("the patron reads (-want +got):\n%s", diff)
	}
}

func TestReceiptsFollowThePatronsPage(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	p := h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ana.write(bot, "1")
	ana.heard(c1, "Hello?")
	ana.Send("<message type='chat' id='line' to='" + c1 + "'><body>Good morning.</body><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>")
	ana.settle()
	var seq uint64
	err := h.View(h.ctx, p, func(r desk.Reader) error {
		lines, err := r.Lines(1, 0, 0)
		seq = lines[len(lines)-1].Seq
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h.do(p, &desk.MarkSeen{Chat: 1, Seq: seq})
	for {
		if id, ok := xmpp.Receipt(ana.Skip(xmpp.NSClient, "message")); ok {
			if id != "line" {
				t.Errorf("receipt for %q", id)
			}
			break
		}
	}
	h.do(p, &desk.MarkSeen{Chat: 1, Seq: seq, Shown: true})
	for {
		if el := ana.Skip(xmpp.NSClient, "message").Child(xmpp.NSMarkers, "displayed"); el != nil {
			if el.Attr("id") != "line" {
				t.Errorf("displayed: %s", el)
			}
			break
		}
	}
}

func TestTypingPassesBothWays(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ana.write(bot, "1")
	ana.heard(c1, "Hello?")
	ana.Send("<message type='chat' to='" + c1 + "'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
	<-h.typed.ch
	h.routers[0].Typing(1, true)
	for ana.Skip(xmpp.NSClient, "message").Child(xmpp.NSChatStates, "composing") == nil {
	}
	h.routers[0].Typing(2, true) // of somebody else's chat
	ana.settle()
}
