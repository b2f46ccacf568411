// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// The groups of the contact list.
const (
	groupWaiting = "Waiting"
	groupMine    = "Mine"
	groupTickets = "Tickets"
	groupDesk    = "Desk"
	groupStaff   = "Staff"
)

// contact is one item of the contact list (RFC 6121 §2.1.2).
type contact struct {
	jid, name, subscription string
	groups                  []string
}

func (k contact) element() *element.Element {
	el := element.New(xmpp.NSRoster, "item").Set("jid", k.jid).Set("name", k.name).Set("subscription", k.subscription)
	for _, g := range k.groups {
		el.Add(element.Text(xmpp.NSRoster, "group", g))
	}
	return el
}

// hash stands for the item in comparisons: a whole list in XML for each member of staff would be much to keep.
func (k contact) hash() uint64 {
	h := fnv.New64a()
	h.Write(element.AppendXML(nil, k.element(), xmpp.NSClient))
	return h.Sum64()
}

// fixed are the contacts that stay: the bot, the departments, the colleagues, and what the account's clients added. A name
// or groups that the account gave one of them are kept.
func (m *member) fixed(r desk.Reader) ([]contact, error) {
	d := m.r.domains
	out := []contact{{d.Bot(), "Desk", "both", []string{groupDesk}}}
	rows := m.r.boards.all()
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		if jid, ok := d.DepartmentAddress(id); ok {
			out = append(out, contact{jid, rows[id].name, "to", []string{groupDesk}})
		}
	}
	staff, err := r.StaffList()
	if err != nil {
		return nil, err
	}
	for _, p := range staff {
		if p.Account != m.account && !p.Disabled {
			out = append(out, contact{d.Account(p.Account), p.Name, "both", []string{groupStaff}})
		}
	}
	own, err := r.AccountItems(xmpp.NSRoster)
	if err != nil {
		return nil, err
	}
	for _, x := range own {
		k, ok := decodeContact(x)
		if !ok {
			continue
		}
		if i := slices.IndexFunc(out, func(o contact) bool { return o.jid == k.jid }); i >= 0 {
			if k.name != "" {
				out[i].name = k.name
			}
			out[i].groups = k.groups
		} else {
			out = append(out, k)
		}
	}
	return out, nil
}

// chatContact is a chat as a contact; ok is false when it doesn't belong on the account's list.
func (m *member) chatContact(r desk.Reader, h *desk.Chat) (k contact, ok bool, err error) {
	group := ""
	switch {
	case h.State == desk.Waiting:
		group = groupWaiting
	case h.State == desk.Claimed && (h.Owner == m.account || slices.Contains(h.Joined, m.account) || slices.Contains(h.Watching, m.account)):
		group = groupMine
	case h.State == desk.Claimed && h.Offer.To == m.account:
		group = groupWaiting
	default:
		return contact{}, false, nil
	}
	d, err := r.Department(h.Department)
	if err != nil {
		return contact{}, false, err
	}
	return contact{m.r.domains.ChatAddress(h.Number), console.RosterName(h, d), "to", []string{group}}, true, nil
}

// chats are the chats on the account's list.
func (m *member) chats(r desk.Reader) ([]*desk.Chat, error) {
	waiting, err := r.Chats(desk.ChatFilter{State: desk.Waiting})
	if err != nil {
		return nil, err
	}
	claimed, err := r.Chats(desk.ChatFilter{State: desk.Claimed})
	return slices.Concat(waiting, claimed), err
}

// list is the whole contact list.
func (m *member) list(r desk.Reader) ([]contact, error) {
	out, err := m.fixed(r)
	if err != nil {
		return nil, err
	}
	chats, err := m.chats(r)
	for _, h := range chats {
		k, ok, kerr := m.chatContact(r, h)
		if kerr != nil {
			return nil, kerr
		}
		if ok {
			out = append(out, k)
		}
	}
	if err != nil {
		return nil, err
	}
	tickets, err := m.tickets(r)
	for _, k := range tickets {
		out = append(out, m.ticketContact(k))
	}
	return out, err
}

// relist reads the whole list and remembers it as what the clients have.
func (m *member) relist(ctx context.Context) ([]contact, error) {
	var all []contact
	err := m.view(ctx, func(r desk.Reader) (err error) {
		all, err = m.list(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	clear(m.items)
	clear(m.mine)
	for _, k := range all {
		m.remember(k)
	}
	return all, nil
}

func (m *member) remember(k contact) {
	m.items[k.jid] = k.hash()
	if n, ok := m.chatOf(k.jid); ok && slices.Contains(k.groups, groupMine) {
		m.mine[n] = true
	}
}

// chatOf is the number of the chat that has an address.
func (m *member) chatOf(jid string) (uint64, bool) {
	local, ok := strings.CutSuffix(jid, "@"+m.r.domains.Chat)
	if !ok || !strings.HasPrefix(local, "c") {
		return 0, false
	}
	n, err := strconv.ParseUint(local[1:], 10, 64)
	return n, err == nil
}

// isNumbered reports whether an address is that of a chat or a ticket.
func (m *member) isNumbered(jid string) bool {
	_, chat := m.chatOf(jid)
	_, ticket := m.ticketOf(jid)
	return chat || ticket
}

// refresh brings a chat's contact up to date: pushed when it is new or has changed, taken away when it doesn't belong on
// the list any more.
func (m *member) refresh(ctx context.Context, chat uint64) {
	var k contact
	var listed bool
	if m.view(ctx, func(r desk.Reader) error {
		h, err := r.Chat(chat)
		if err != nil {
			if isNotFound(err) {
				return nil
			}
			return err
		}
		k, listed, err = m.chatContact(r, h)
		return err
	}) != nil {
		return
	}
	delete(m.mine, chat)
	m.update(m.r.domains.ChatAddress(chat), k, listed)
}

// update pushes a chat's or a ticket's contact if it is new or has changed, and takes it away when it isn't listed.
func (m *member) update(jid string, k contact, listed bool) {
	before, had := m.items[jid]
	switch {
	case listed:
		m.remember(k)
		if m.items[jid] == before {
			return
		}
		m.push(k)
		if !had {
			m.show(jid+"/patron", m.r.about.chat.caps, "")
		}
	case had:
		delete(m.items, jid)
		for _, c := range m.all() {
			if c.isAvailable() {
				c.send(xmpp.Presence(xmpp.Unavailable, jid+"/patron", c.s.JID()))
			}
		}
		m.push(contact{jid: jid, subscription: "remove"})
	}
}

// show tells the account's clients that a contact is there.
func (m *member) show(from string, caps *element.Element, status string) {
	for _, c := range m.all() {
		if c.isAvailable() {
			c.send(xmpp.Available(from, c.s.JID(), "", status).Add(caps))
		}
	}
}

// pushFixed brings the contacts that stay up to date.
func (m *member) pushFixed(ctx context.Context) {
	var now []contact
	if m.view(ctx, func(r desk.Reader) (err error) {
		now, err = m.fixed(r)
		return err
	}) != nil {
		return
	}
	there := map[string]bool{}
	for _, k := range now {
		there[k.jid] = true
		if k.hash() != m.items[k.jid] {
			m.remember(k)
			m.push(k)
		}
	}
	for jid := range m.items {
		if !m.isNumbered(jid) && !there[jid] {
			delete(m.items, jid)
			m.push(contact{jid: jid, subscription: "remove"})
		}
	}
}

// push sends a change of the list to every client that has asked for it (RFC 6121 §2.1.6).
func (m *member) push(k contact) {
	for _, c := range m.all() {
		if c.isInterested() {
			c.send(xmpp.IQ(xmpp.Set, c.s.Bare(), c.s.JID(), pushID(), element.New(xmpp.NSRoster, "query").Add(k.element())))
		}
	}
}

// getRoster answers a client's question for the list; from then on it gets the changes.
func (c *client) getRoster(ctx context.Context, iq *element.Element) {
	c.m.await(ctx, func(work context.Context) {
		all, err := c.m.relist(work)
		if err != nil {
			c.fail(iq, xmpp.InternalServerError, "")
			return
		}
		q := element.New(xmpp.NSRoster, "query")
		for _, k := range all {
			q.Add(k.element())
		}
		c.mu.Lock()
		c.interested = true
		c.mu.Unlock()
		c.result(iq, q)
	})
}

// setRoster keeps a name and groups that the account gave to a contact, or a contact of its own. The desk's contacts can't
// be removed: taking one off only forgets its name and groups.
func (c *client) setRoster(ctx context.Context, iq *element.Element, num uint32) {
	item := iq.Child(xmpp.NSRoster, "query").First()
	j, err := xmpp.ParseJID(item.Attr("jid"))
	if err != nil || !item.Is(xmpp.NSRoster, "item") || j.Resourcepart() != "" {
		c.fail(iq, xmpp.BadRequest, "a roster set holds one item with a bare address")
		return
	}
	if n, chat := c.m.chatOf(j.String()); chat {
		c.result(iq, nil)
		c.m.post(func(work context.Context) {
			delete(c.m.items, j.String())
			c.m.refresh(work, n)
		})
		if item.Attr("subscription") == "remove" {
			c.say(c.r.domains.Bot(), "Chats stay on the list as long as they wait or are yours: release, close or decline takes them off.")
		}
		return
	}
	if n, ticket := c.m.ticketOf(j.String()); ticket {
		c.result(iq, nil)
		c.m.post(func(work context.Context) { c.m.setTicketItem(work, n, item.Attr("subscription") == "remove") })
		return
	}
	x := &desk.SetAccountData{Namespace: xmpp.NSRoster, Item: j.String()}
	if item.Attr("subscription") != "remove" {
		x.Data = encodeContact(item)
	}
	if !c.store(ctx, iq, x, num) {
		return
	}
	c.result(iq, nil)
	c.m.post(func(work context.Context) { // the desk's own contacts come back as they are
		delete(c.m.items, j.String())
		c.m.pushFixed(work)
	})
}

// maxContact bounds the name and the groups of a contact, in bytes.
const maxContact = 4 << 10

// encodeContact keeps what an account says of a contact.
func encodeContact(item *element.Element) []byte {
	el := element.New("", "item").Set("name", item.Attr("name"))
	for g := range item.Elements() {
		if g.Is(xmpp.NSRoster, "group") && g.Content() != "" {
			el.Add(element.Text("", "group", g.Content()))
		}
	}
	data := element.AppendXML(nil, el, "")
	if len(data) > maxContact {
		return []byte("<item/>")
	}
	return data
}

func decodeContact(x *desk.AccountData) (contact, bool) {
	el, err := element.Parse(x.Data, element.DefaultLimits())
	if err != nil {
		return contact{}, false
	}
	k := contact{jid: x.Item, name: el.Attr("name"), subscription: "none"}
	for g := range el.Elements() {
		k.groups = append(k.groups, g.Content())
	}
	return k, true
}
