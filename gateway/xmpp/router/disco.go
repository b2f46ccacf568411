// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// uri names the program in entity capabilities (XEP-0115 §4).
const uri = "https://refdesk.example/caps"

// entityInfo is what an entity answers to disco#info, with the element that announces it.
type entityInfo struct {
	info xmpp.Info
	caps *element.Element
}

// about holds what the entities of a desk say of themselves.
type about struct{ server, account, bot, chat entityInfo }

func newAbout(version string) about {
	entity := func(on xmpp.Entity, category, kind, name string) entityInfo {
		i := xmpp.Info{Identities: []xmpp.Identity{{Category: category, Type: kind, Name: name}}, Features: xmpp.Features(on)}
		return entityInfo{i, i.Caps(uri)}
	}
	return about{
		server:  entity(xmpp.OnServer, "server", "im", "refdesk "+version),
		account: entity(xmpp.OnAccount, "account", "registered", ""),
		bot:     entity(xmpp.OnBot, "client", "bot", "Desk"),
		chat:    entity(xmpp.OnChat, "client", "web", "Patron"),
	}
}

// Features are announced to clients when they have signed in (RFC 6120 §4.3.2, XEP-0115 §6.3).
func (r *Router) Features() []*element.Element { return []*element.Element{r.about.server.caps} }

func (q request) entityInfo() entityInfo {
	switch q.target.Place {
	case xmpp.ServerPlace:
		return q.r.about.server
	case xmpp.AccountPlace:
		return q.r.about.account
	case xmpp.ChatPlace, xmpp.TicketPlace:
		return q.r.about.chat
	}
	return q.r.about.bot
}

// place is where commands are asked for at this address.
func (q request) place() console.Place {
	return console.Place{Chat: q.target.Chat, Ticket: q.target.Ticket}
}

// discoInfo answers XEP-0030 §3. A node is that of the capabilities, the list of commands, or a command.
func discoInfo(ctx context.Context, q request) {
	node, e := q.query.Attr("node"), q.entityInfo()
	info := e.info
	switch {
	case node == "" || node == uri+"#"+e.caps.Attr("ver"):
	case node == xmpp.NSCommands:
		info = xmpp.Info{Identities: []xmpp.Identity{{Category: "automation", Type: "command-list", Name: "Commands"}}}
	default:
		name, ok := q.commandName(ctx, node)
		if !ok {
			q.fail(q.iq, xmpp.ItemNotFound, "")
			return
		}
		info = xmpp.Info{
			Identities: []xmpp.Identity{{Category: "automation", Type: "command-node", Name: name}},
			Features:   []string{xmpp.NSCommands, xmpp.NSForm},
		}
	}
	q.result(q.iq, info.Element(node))
}

func (q request) commandName(ctx context.Context, node string) (string, bool) {
	for _, info := range q.r.console.Commands(ctx, q.actor, q.place()) {
		if info.Name == node {
			return info.Label, true
		}
	}
	return "", false
}

// discoItems answers XEP-0030 §4: the server has the chats' domain, that has the bot and the chats on the contact list; the
// node of XEP-0050 §2.2 lists the commands.
func discoItems(ctx context.Context, q request) {
	node := q.query.Attr("node")
	var items []xmpp.Item
	switch {
	case node == xmpp.NSCommands && q.target.Place != xmpp.AccountPlace:
		for _, info := range q.r.console.Commands(ctx, q.actor, q.place()) {
			items = append(items, xmpp.Item{JID: q.iq.Attr("to"), Node: info.Name, Name: info.Label})
		}
	case node != "":
	case q.target.Place == xmpp.ServerPlace:
		items = []xmpp.Item{{JID: q.r.domains.Chat, Name: "Chats"}, {JID: q.r.domains.Bot(), Name: "Desk"}}
	case q.target.Place == xmpp.ChatDomain:
		items = q.chatItems(ctx)
	}
	q.result(q.iq, xmpp.Items(node, items))
}

func (q request) chatItems(ctx context.Context) []xmpp.Item {
	items := []xmpp.Item{{JID: q.r.domains.Bot(), Name: "Desk"}}
	_ = q.m.view(ctx, func(r desk.Reader) error {
		chats, err := q.m.chats(r)
		if err != nil {
			return err
		}
		for _, h := range chats {
			if k, ok, err := q.m.chatContact(r, h); err == nil && ok {
				items = append(items, xmpp.Item{JID: k.jid, Name: k.name})
			}
		}
		tickets, err := q.m.tickets(r)
		for _, k := range tickets {
			items = append(items, xmpp.Item{JID: q.r.domains.TicketAddress(k.Number), Name: console.TicketName(k)})
		}
		if err != nil && !isNotFound(err) {
			return err
		}
		return nil
	})
	return items
}
