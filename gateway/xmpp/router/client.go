// SPDX-License-Identifier: Apache-2.0

package router

import (
	"fmt"
	"sync"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/c2s"
	"refdesk/gateway/xmpp/element"
)

// client is one session of a member.
type client struct {
	r     *Router
	m     *member
	s     *c2s.Session
	actor desk.Actor

	unmanaged uint64 // stanzas numbered by us, for a client without stream management; the stream's goroutine

	mu         sync.Mutex
	over       bool
	interested bool // has asked for the contact list: gets pushes (RFC 6121 §2.1.6)
	available  bool // has sent presence
	carbons    bool
	shown      shown // as committed
	wanted     shown // as the client said last
	shownAt    time.Time
	showTimer  *time.Timer
	got        map[uint64]uint64 // by chat: highest seq that the client has
	rings      map[uint64]string // by chat: id of the newest ring
	sent       []sentLine        // lines that wait for what becomes of them at the patron's page
	forms      map[string]*form  // ad-hoc commands under way, by sessionid
}

// shown is a client's presence.
type shown struct {
	show     desk.Show
	status   bool
	priority int64
}

// delivery is the token of a stanza that brought something to a client.
type delivery struct{ chat, seq uint64 }

func newClient(m *member, s *c2s.Session) *client {
	return &client{
		r: m.r, m: m, s: s, actor: desk.StaffActor(m.account, s.ID()),
		got: map[uint64]uint64{}, rings: map[uint64]string{}, forms: map[string]*form{},
	}
}

// end stops what runs for the client.
func (c *client) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.showTimer != nil {
		c.showTimer.Stop()
	}
}

// takes reports whether messages are delivered to the client.
func (c *client) takes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.available && c.wanted.priority >= 0
}

// isAvailable reports whether the client has sent presence.
func (c *client) isAvailable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.available
}

func (c *client) isInterested() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.interested
}

func (c *client) wantsCarbons() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.carbons
}

// maxGot bounds the chats that a client's progress is kept of.
const maxGot = 500

// noteGot keeps how far the client has come in a chat.
func (c *client) noteGot(d delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.got) >= maxGot && c.got[d.chat] == 0 {
		clear(c.got)
	}
	c.got[d.chat] = max(c.got[d.chat], d.seq)
}

func (c *client) gotOf(chat uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got[chat]
}

// send queues a stanza. A session that is over is nobody's fault: what matters comes again after the next sign-in.
func (c *client) send(el *element.Element) { _ = c.s.Send(el, nil) }

// deliver queues a stanza that moves the account's position when the client has it.
func (c *client) deliver(el *element.Element, d delivery) { _ = c.s.Send(el, d) }

// fail answers a stanza with an error.
func (c *client) fail(el *element.Element, cond xmpp.Condition, text string) {
	if reply := xmpp.ErrorReply(el, &xmpp.StanzaError{Condition: cond, Text: text}); reply != nil {
		c.send(reply)
	}
}

// result answers an iq.
func (c *client) result(iq, payload *element.Element) { c.send(xmpp.Result(iq, payload)) }

// key is the idempotency key of a stanza. A client that counts with us can repeat it after a failure, on any node; without
// that the key serves our own repeats alone.
func (c *client) key(num uint32) desk.Key {
	if num != 0 {
		return desk.Key{Kind: desk.KeyStanza, Principal: c.s.ID(), ID: desk.StanzaID(num)}
	}
	c.unmanaged++
	return desk.Key{Kind: desk.KeySession, Principal: c.s.ID(), ID: fmt.Sprintf("stanza %d", c.unmanaged)}
}
