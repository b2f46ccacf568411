// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"strings"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// request is an iq that wants an answer.
type request struct {
	*client
	iq     *element.Element
	query  *element.Element
	target xmpp.Target
	num    uint32
}

// service answers one kind of request.
type service struct {
	ns, local string
	kinds     string // "get", "set" or both
	on        xmpp.Entity
	run       func(ctx context.Context, q request)
}

// services is the table of what the server, the accounts, the bot and the chats answer. Everything else is
// service-unavailable, at once (RFC 6120 §8.4).
func services() []service {
	everywhere := xmpp.OnServer | xmpp.OnAccount | xmpp.OnBot | xmpp.OnChat
	own := xmpp.OnServer | xmpp.OnAccount
	return []service{
		{xmpp.NSRoster, "query", "get", own, func(ctx context.Context, q request) { q.getRoster(ctx, q.iq) }},
		{xmpp.NSRoster, "query", "set", own, func(ctx context.Context, q request) { q.setRoster(ctx, q.iq, q.num) }},
		{xmpp.NSDiscoInfo, "query", "get", everywhere, discoInfo},
		{xmpp.NSDiscoItems, "query", "get", everywhere, discoItems},
		{xmpp.NSPing, "ping", "get", everywhere, func(_ context.Context, q request) { q.result(q.iq, nil) }},
		{xmpp.NSVersion, "query", "get", xmpp.OnServer | xmpp.OnBot, version},
		{xmpp.NSTime, "time", "get", xmpp.OnServer | xmpp.OnBot, timeOfDay},
		{xmpp.NSVCard, "vCard", "get", everywhere, getVCard},
		{xmpp.NSVCard, "vCard", "set", own, setVCard},
		{xmpp.NSPrivate, "query", "get", own, getPrivate},
		{xmpp.NSPrivate, "query", "set", own, setPrivate},
		{xmpp.NSBlocking, "blocklist", "get", own, func(_ context.Context, q request) { q.result(q.iq, element.New(xmpp.NSBlocking, "blocklist")) }},
		{xmpp.NSBlocking, "block", "set", own, func(_ context.Context, q request) { q.fail(q.iq, xmpp.NotAllowed, "nobody of the desk can be blocked") }},
		{xmpp.NSBlocking, "unblock", "set", own, func(_ context.Context, q request) { q.result(q.iq, nil) }},
		{xmpp.NSCarbons, "enable", "set", own, carbons(true)},
		{xmpp.NSCarbons, "disable", "set", own, carbons(false)},
		{xmpp.NSCommands, "command", "set", xmpp.OnServer | xmpp.OnBot | xmpp.OnChat, command},
	}
}

// iq handles an iq of a client.
func (c *client) iq(ctx context.Context, el *element.Element, num uint32) {
	to := el.Attr("to")
	if to == "" {
		to = c.s.Bare()
	}
	j, err := xmpp.ParseJID(to)
	if err != nil {
		c.fail(el, xmpp.JIDMalformed, "")
		return
	}
	target := c.r.domains.Target(j)
	if target.Place == xmpp.AccountPlace && j.Resourcepart() != "" {
		c.relay(el, j.String())
		return
	}
	if !xmpp.IsRequest(el) {
		return
	}
	entity := c.entity(ctx, target)
	if entity == 0 {
		c.fail(el, noEntity(target), "")
		return
	}
	q := request{client: c, iq: el, query: el.First(), target: target, num: num}
	for _, s := range services() {
		if q.query.Is(s.ns, s.local) && strings.Contains(s.kinds, el.Attr("type")) && s.on&entity != 0 {
			s.run(ctx, q)
			return
		}
	}
	c.fail(el, xmpp.ServiceUnavailable, "")
}

// entity says what an address is to this client; 0 when there is nothing that it may see.
func (c *client) entity(ctx context.Context, t xmpp.Target) xmpp.Entity {
	switch t.Place {
	case xmpp.ServerPlace:
		return xmpp.OnServer
	case xmpp.AccountPlace:
		if t.Account == c.m.account {
			return xmpp.OnAccount
		}
		if c.colleague(ctx, t.Account) {
			return xmpp.OnBot // of another one's address the same may be asked
		}
	case xmpp.ChatDomain, xmpp.BotPlace:
		return xmpp.OnBot
	case xmpp.DepartmentPlace:
		if _, ok := c.r.boards.all()[t.Department]; ok {
			return xmpp.OnBot
		}
	case xmpp.ChatPlace:
		if c.mayRead(ctx, t.Chat) {
			return xmpp.OnChat
		}
	case xmpp.TicketPlace:
		if c.mayReadTicket(ctx, t.Ticket) {
			return xmpp.OnChat
		}
	}
	return 0
}

func noEntity(t xmpp.Target) xmpp.Condition {
	switch t.Place {
	case xmpp.Elsewhere:
		return xmpp.RemoteServerNotFound
	case xmpp.RoomsPlace, xmpp.AccountPlace:
		return xmpp.ServiceUnavailable // RFC 6121 §8.5.1: the same for those who don't exist
	}
	return xmpp.ItemNotFound
}

func (c *client) colleague(ctx context.Context, account string) bool {
	found := false
	_ = c.m.view(ctx, func(r desk.Reader) error {
		_, err := r.StaffMember(account)
		found = err == nil
		return nil
	})
	return found
}

func (c *client) mayRead(ctx context.Context, chat uint64) bool {
	found := false
	_ = c.m.view(ctx, func(r desk.Reader) error {
		_, err := r.Chat(chat)
		found = err == nil
		return nil
	})
	return found
}

func (c *client) mayReadTicket(ctx context.Context, ticket uint64) bool {
	found := false
	_ = c.m.view(ctx, func(r desk.Reader) error {
		_, err := r.Ticket(ticket)
		found = err == nil
		return nil
	})
	return found
}

// relay hands an iq to a session of this node. One that isn't here can't be asked.
func (c *client) relay(el *element.Element, full string) {
	for _, m := range c.r.all() {
		for _, other := range m.all() {
			if other.s.JID() == full {
				other.send(el.Copy())
				return
			}
		}
	}
	if xmpp.IsRequest(el) {
		c.fail(el, xmpp.ServiceUnavailable, "")
	}
}

func carbons(on bool) func(context.Context, request) {
	return func(_ context.Context, q request) {
		q.mu.Lock()
		q.carbons = on
		q.mu.Unlock()
		q.result(q.iq, nil)
	}
}

// version answers XEP-0092.
func version(_ context.Context, q request) {
	q.result(q.iq, element.New(xmpp.NSVersion, "query").Add(
		element.Text(xmpp.NSVersion, "name", "refdesk"), element.Text(xmpp.NSVersion, "version", q.r.cfg.Version)))
}

// timeOfDay answers XEP-0202.
func timeOfDay(_ context.Context, q request) {
	q.result(q.iq, element.New(xmpp.NSTime, "time").Add(
		element.Text(xmpp.NSTime, "tzo", "+00:00"),
		element.Text(xmpp.NSTime, "utc", q.r.cfg.Now().UTC().Format(time.RFC3339))))
}
