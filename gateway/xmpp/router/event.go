// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"slices"
	"strconv"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/c2s"
	"refdesk/gateway/xmpp/element"
)

// historyLines is how many of a chat's lines come with its introduction.
const historyLines = 50

// take does what one event asks for at the account's clients.
func (m *member) take(ctx context.Context, e desk.Event) {
	if touches(e.Kind) {
		m.r.boards.changed()
	}
	switch e.Kind {
	case desk.LinePosted:
		m.line(ctx, e)
	case desk.LineSeen:
		m.seen(e)
	case desk.ChatRang:
		m.rang(ctx, e)
	case desk.ChatClaimed:
		m.claimed(ctx, e)
	case desk.EntryAdded:
		m.entry(ctx, e)
	case desk.TicketAssigned:
		m.assigned(ctx, e)
	case desk.DraftChanged:
	case desk.MessageSent:
		m.message(ctx, e, m.reachable(), false)
	case desk.SessionOpened, desk.SessionClosed, desk.ShowChanged:
		m.colleague(ctx, e)
	case desk.StaffChanged, desk.StaffDisabled, desk.DepartmentChanged:
		m.pushFixed(ctx)
	case desk.AccountDataChanged:
		if e.Value == xmpp.NSRoster {
			m.pushFixed(ctx)
		}
	default:
		m.told(ctx, e)
	}
	if e.Chat != 0 && e.Kind != desk.LinePosted && e.Kind != desk.LineSeen { // a line changes nothing of a contact
		m.refresh(ctx, e.Chat)
	}
	if e.Ticket != 0 {
		m.refreshTicket(ctx, e.Ticket)
	}
}

// named reports whether an event names the account itself.
func (m *member) named(e desk.Event) bool { return slices.Contains(e.Audience.Staff, m.account) }

// line brings a line of a chat to those who have a part in it.
func (m *member) line(ctx context.Context, e desk.Event) {
	if !m.named(e) {
		return
	}
	var text string
	var l *desk.Line
	if m.view(ctx, func(r desk.Reader) (err error) {
		if l, err = r.Line(e.Chat, e.Line); err == nil && l.By != m.account {
			text = console.LineText(r, m.account, l)
		}
		return err
	}) != nil {
		return
	}
	if l.From == desk.FromPatron {
		m.r.typists.wrote(e.Chat)
	}
	if l.By == m.account {
		m.carbon(e.Session, l.Kind == desk.TextLine, m.r.domains.ChatAddress(e.Chat), l.ID, l.Text)
		return
	}
	m.deliver(m.reachable(), e, m.r.domains.ChatAddress(e.Chat), lineID(e.Seq), text, false)
}

// lineID is the id of the message that brings what an event tells. It is the same on every node and at every repeat.
func lineID(seq uint64) string { return "e" + strconv.FormatUint(seq, 10) }

// deliver brings a text to clients. late adds its time (XEP-0203).
func (m *member) deliver(to []*client, e desk.Event, from, id, text string, late bool) {
	for _, c := range to {
		msg := xmpp.Message(xmpp.Chat, from, c.s.Bare(), id, text)
		if late {
			msg.Add(xmpp.Delay(e.At.Std(), m.r.domains.Chat))
		}
		c.deliver(msg, delivery{e.Chat, e.Seq})
	}
}

// carbon shows the account's other clients what one of them has sent (XEP-0280 §7). It comes when the desk has it.
func (m *member) carbon(session string, plain bool, to, id, text string) {
	if !plain || text == "" {
		return
	}
	for _, c := range m.all() {
		if c.s.ID() == session || !c.wantsCarbons() {
			continue
		}
		c.send(xmpp.Carbon(xmpp.CarbonSent, xmpp.Message(xmpp.Chat, c.s.Bare(), to, id, text), c.s.Bare(), c.s.JID()))
	}
}

// message brings what a colleague wrote.
func (m *member) message(ctx context.Context, e desk.Event, to []*client, late bool) {
	var x *desk.Message
	if m.view(ctx, func(r desk.Reader) (err error) {
		x, err = r.Message(e.Ref)
		return err
	}) != nil {
		return
	}
	if x.From == m.account {
		if !late {
			m.carbon(e.Session, true, m.r.domains.Account(x.To), x.ID, x.Body)
		}
		if x.To != m.account {
			return
		}
	}
	id := x.ID
	if id == "" {
		id = lineID(e.Seq)
	}
	m.deliver(to, e, m.r.domains.Account(x.From), id, x.Body, late)
}

// claimed opens a chat's address for its new owner, and tells those who were rung that it is taken.
func (m *member) claimed(ctx context.Context, e desk.Event) {
	if e.Staff == m.account {
		m.introduce(ctx, e, m.reachable(), false)
	} else if m.named(e) {
		m.told(ctx, e)
	}
	m.answered(ctx, e.Chat, e.Staff)
}

// introduce says at a chat's address who asks what, and what was said so far.
func (m *member) introduce(ctx context.Context, e desk.Event, to []*client, late bool) {
	var text string
	if m.view(ctx, func(r desk.Reader) error {
		h, err := r.Chat(e.Chat)
		if err != nil {
			return err
		}
		lines, err := r.Lines(h.Number, h.Lines-min(h.Lines, historyLines), 0)
		if err != nil {
			return err
		}
		d, err := r.Department(h.Department)
		if err == nil {
			text = console.Intro(h, d, lines, console.Names(r), m.r.now())
		}
		return err
	}) != nil || text == "" {
		return
	}
	m.refresh(ctx, e.Chat) // the contact comes before its first message
	m.deliver(to, e, m.r.domains.ChatAddress(e.Chat), lineID(e.Seq), text, late)
}

// told says an event in a sentence: at the chat's address to those who have a part in it, by the bot to all others.
func (m *member) told(ctx context.Context, e desk.Event) {
	if e.Kind == desk.StaffJoined && e.Staff == m.account {
		m.introduce(ctx, e, m.reachable(), false)
		return
	}
	text, from := m.sentence(ctx, e)
	if e.Kind == desk.ChatMissed {
		m.unrung(e.Chat, console.GaveUp(e.Chat))
	}
	if text == "" {
		return
	}
	if e.Kind == desk.DutyChanged { // true for the moment only
		for _, c := range m.reachable() {
			c.send(ephemeral(xmpp.Message(xmpp.Chat, from, c.s.Bare(), lineID(e.Seq), text)))
		}
		return
	}
	m.deliver(m.reachable(), e, from, lineID(e.Seq), text, false)
}

// sentence is what the console says of an event, "" for nothing, and the address that says it: that of the chat or the
// ticket if the account has a part in it, else the bot.
func (m *member) sentence(ctx context.Context, e desk.Event) (text, from string) {
	from = m.r.domains.Bot()
	err := m.view(ctx, func(r desk.Reader) error {
		if e.Ticket != 0 {
			k, err := r.Ticket(e.Ticket)
			if err == nil && k.Assignee == m.account {
				from = m.r.domains.TicketAddress(e.Ticket)
			}
			if err != nil && !isNotFound(err) {
				return err
			}
		}
		if e.Chat != 0 {
			h, err := r.Chat(e.Chat)
			if err == nil && partOf(h, m.account) {
				from = m.r.domains.ChatAddress(e.Chat)
			}
			if err != nil && (e.Ticket == 0 || !isNotFound(err)) {
				return err
			}
		}
		if t, ok := console.EventLine(r, m.account, e); ok {
			text = t
		}
		return nil
	})
	if err != nil {
		return "", from
	}
	return text, from
}

// partOf reports whether an account may follow a chat's lines.
func partOf(h *desk.Chat, account string) bool {
	owns := h.Owner == account && (h.State == desk.Claimed || h.State == desk.Closed)
	return owns || slices.Contains(h.Joined, account) || slices.Contains(h.Watching, account)
}

// patronTypes shows or takes away that the patron of a chat is writing (XEP-0085).
func (m *member) patronTypes(chat uint64, on bool) {
	if !m.mine[chat] {
		return
	}
	state := "active"
	if on {
		state = "composing"
	}
	for _, c := range m.reachable() {
		c.send(xmpp.Message(xmpp.Chat, m.r.domains.ChatAddress(chat), c.s.Bare(), "", "").
			Add(element.New(xmpp.NSChatStates, state), xmpp.Hint("no-store")))
	}
}

// ended closes the stream of a session that the desk has ended.
func (m *member) ended(e desk.Event) {
	for _, c := range m.all() {
		if c.s.ID() != e.Session {
			continue
		}
		switch e.Value {
		case "disabled":
			c.s.Close(c2s.NotAuthorized)
		case "lost": // this node was given up; it says that it is back, with its sessions
		default:
			c.s.Close(c2s.Conflict)
		}
	}
}
