// SPDX-License-Identifier: Apache-2.0

package router

import (
	"refdesk/cluster/desk"
	"refdesk/gateway/console"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// maxSent bounds the lines of a client that wait for their receipts.
const maxSent = 200

// sentLine is a line of a client whose fate at the patron's page it wants to know.
type sentLine struct {
	chat, seq uint64
	id        string
	receipt   bool // XEP-0184: the page has it
	displayed bool // XEP-0333: the page showed it
}

// track remembers what a message asks to be told of. What the bot was told, it has.
func (c *client) track(el *element.Element, a console.Answer) {
	id := el.Attr("id")
	receipt, displayed := xmpp.WantsReceipt(el), el.Child(xmpp.NSMarkers, "markable") != nil
	if id == "" || !receipt && !displayed {
		return
	}
	if !a.Posted {
		if receipt && a.Refused == nil && !a.Held {
			c.send(xmpp.Message(xmpp.Chat, xmpp.Bare(el.Attr("to")), c.s.JID(), "", "").Add(xmpp.Received(id)))
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sent) >= maxSent {
		c.sent = c.sent[1:]
	}
	c.sent = append(c.sent, sentLine{a.Chat, a.Reply.Seq, id, receipt, displayed})
}

// seen tells the account's clients how far the patron's page has come.
func (m *member) seen(e desk.Event) {
	if !m.named(e) {
		return
	}
	for _, c := range m.all() {
		for _, el := range c.reached(e, m.r.domains.ChatAddress(e.Chat)) {
			c.send(el)
		}
	}
}

// reached takes what the page has come past and returns the messages that say so.
func (c *client) reached(e desk.Event, from string) []*element.Element {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*element.Element
	kept := c.sent[:0]
	for _, l := range c.sent {
		if l.chat != e.Chat || l.seq > e.Ref {
			kept = append(kept, l)
			continue
		}
		if l.receipt {
			out = append(out, xmpp.Message(xmpp.Chat, from, c.s.JID(), "", "").Add(xmpp.Received(l.id)))
			l.receipt = false
		}
		if l.displayed && e.Value == "shown" {
			out = append(out, xmpp.Message(xmpp.Chat, from, c.s.JID(), "", "").Add(xmpp.Displayed(l.id)))
			l.displayed = false
		}
		if l.displayed {
			kept = append(kept, l)
		}
	}
	c.sent = kept
	return out
}
