// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"errors"
	"maps"
	"slices"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
	"refdesk/gateway/xmpp"
)

// arrive is what a client gets when it has sent its first presence: who is there, what its account has not got yet, and
// the chats that are ringing. It runs in the member's goroutine.
func (m *member) arrive(ctx context.Context, c *client) {
	if len(m.items) == 0 {
		if _, err := m.relist(ctx); err != nil {
			return
		}
	}
	m.showContacts(ctx, c)
	m.catchUp(ctx, c)
	m.ringWaiting(ctx, c)
}

// showContacts sends the presence of everything on the contact list.
func (m *member) showContacts(ctx context.Context, c *client) {
	to, about := c.s.JID(), m.r.about
	c.send(xmpp.Available(m.r.domains.Bot()+"/desk", to, "", "").Add(about.bot.caps))
	rows := m.r.boards.all()
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		if from, ok := m.r.domains.DepartmentAddress(id); ok {
			c.send(rows[id].presence(from+"/desk", to, about.bot.caps))
		}
	}
	for jid := range m.items {
		if m.isNumbered(jid) {
			c.send(xmpp.Available(jid+"/patron", to, "", "").Add(about.chat.caps))
		}
	}
	_ = m.view(ctx, func(r desk.Reader) error {
		sessions, err := r.EverySession()
		m.r.sightings.prune(sessions)
		for _, s := range sessions {
			if full, ok := m.r.sightings.appears(s); ok {
				c.send(m.colleaguePresence(s, full, to))
			}
		}
		return err
	})
}

// catchUp brings a client what the account's clients have not acknowledged, with its time (XEP-0160): lines of its chats
// and colleagues' messages.
func (m *member) catchUp(ctx context.Context, c *client) {
	if !c.takes() {
		return
	}
	var from desk.Cursor
	if m.view(ctx, func(r desk.Reader) (err error) {
		if from.Seq, err = r.Position(m.account); err != nil {
			return err
		}
		at, err := r.Cursor()
		from.Epoch, from.Seq = at.Epoch, min(from.Seq, at.Seq)
		return err
	}) != nil {
		return
	}
	to := []*client{c}
	for b, err := range m.r.store.Follow(ctx, m.actor, desk.TopicAccount(m.account), from) {
		if errors.Is(err, &desk.Error{Code: desk.TooOld}) {
			m.fromRecords(ctx, to)
		}
		if err != nil {
			return
		}
		for _, e := range b.Events {
			if e.Seq <= m.seq {
				m.missed(ctx, e, to)
			}
		}
		if b.Cursor.Seq >= m.seq {
			return
		}
	}
}

// missed brings one event that happened while nobody of the account was there.
func (m *member) missed(ctx context.Context, e desk.Event, to []*client) {
	switch e.Kind {
	case desk.MessageSent:
		m.message(ctx, e, to, true)
	case desk.LinePosted:
		if text, ok := m.lateLine(ctx, e); ok {
			m.deliver(to, e, m.r.domains.ChatAddress(e.Chat), lineID(e.Seq), text, true)
		}
	case desk.EntryAdded:
		m.lateEntry(ctx, e, to)
	case desk.TicketAssigned:
		if e.To == m.account && e.Staff != m.account && m.hasTicket(ctx, e.Ticket) {
			m.introduceTicket(ctx, e, to, true)
		}
	case desk.ChatClaimed:
		if e.Staff == m.account && m.has(ctx, e.Chat) {
			m.introduce(ctx, e, to, true)
		}
	}
}

// has reports whether the account has a part in a chat.
func (m *member) has(ctx context.Context, chat uint64) (part bool) {
	_ = m.view(ctx, func(r desk.Reader) error {
		h, err := r.Chat(chat)
		part = err == nil && partOf(h, m.account)
		return err
	})
	return part
}

// fromRecords introduces the account's chats, and its tickets with something unread, from their records: the events are too old.
func (m *member) fromRecords(ctx context.Context, to []*client) {
	var own []*desk.Chat
	var tickets []*desk.Ticket
	var at desk.Cursor
	_ = m.view(ctx, func(r desk.Reader) (err error) {
		if at, err = r.Cursor(); err != nil {
			return err
		}
		if own, err = r.Chats(desk.ChatFilter{Owner: m.account}); err == nil {
			tickets, err = m.tickets(r)
		}
		return err
	})
	for _, k := range tickets {
		if k.Unread > 0 && k.Assignee == m.account {
			m.introduceTicket(ctx, desk.Event{Kind: desk.TicketAssigned, Ticket: k.Number, Seq: at.Seq, At: k.Updated}, to, true)
		}
	}
	for _, h := range own {
		m.introduce(ctx, desk.Event{Kind: desk.ChatClaimed, Chat: h.Number, Seq: at.Seq, At: h.ClaimedAt, Staff: m.account}, to, true)
	}
}

// ringWaiting rings a client for the chats that are ringing, when the account was available before it came: else its
// presence makes the desk ring.
func (m *member) ringWaiting(ctx context.Context, c *client) {
	if !c.takes() {
		return
	}
	texts := map[uint64]string{}
	_ = m.view(ctx, func(r desk.Reader) error {
		reach, err := r.Reach(m.account, m.r.now())
		if err != nil || reach != desk.Available {
			return err
		}
		waiting, err := r.Chats(desk.ChatFilter{State: desk.Waiting})
		if err != nil {
			return err
		}
		for _, h := range waiting {
			available, _, err := r.Crew(h.Department, m.r.now())
			if err != nil {
				return err
			}
			if len(h.Attached) > 0 && slices.Contains(available, m.account) {
				if texts[h.Number], err = m.ringLine(r, h.Number); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for _, chat := range slices.Sorted(maps.Keys(texts)) {
		m.ring([]*client{c}, chat, "ring-"+pushID(), texts[chat])
	}
}

// lateLine is how a line reads to the account if somebody else wrote it and the account still has a part in its chat.
func (m *member) lateLine(ctx context.Context, e desk.Event) (text string, ok bool) {
	_ = m.view(ctx, func(r desk.Reader) error {
		h, err := r.Chat(e.Chat)
		if err != nil || !partOf(h, m.account) {
			return err
		}
		l, err := r.Line(e.Chat, e.Line)
		if err == nil && l.By != m.account {
			text, ok = console.LineText(r, m.account, l), true
		}
		return err
	})
	return text, ok
}
