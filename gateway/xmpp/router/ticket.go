// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"strconv"
	"strings"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
)

// Bounds of tickets as contacts.
const (
	mostTickets   = 100 // contacts of an account's own
	mostOpened    = 50  // contacts of others' that it has opened
	ticketEntries = 30  // entries that come with a ticket's introduction
)

// tickets are the tickets on the account's list: its own open ones, and those that it has opened.
func (m *member) tickets(r desk.Reader) ([]*desk.Ticket, error) {
	out, err := r.Tickets(desk.TicketFilter{Assignee: m.account, Open: true, Limit: mostTickets})
	if err != nil {
		return nil, err
	}
	for n := range m.opened {
		k, err := r.Ticket(n)
		if err == nil && k.Number == n && k.Assignee != m.account {
			out = append(out, k)
		} else if err != nil && !isNotFound(err) {
			return nil, err
		}
	}
	return out, nil
}

func (m *member) ticketContact(k *desk.Ticket) contact {
	return contact{m.r.domains.TicketAddress(k.Number), console.TicketName(k), "to", []string{groupTickets}}
}

// ticketOf is the number of the ticket that has an address.
func (m *member) ticketOf(jid string) (uint64, bool) {
	local, ok := strings.CutSuffix(jid, "@"+m.r.domains.Chat)
	if !ok || !strings.HasPrefix(local, "t") {
		return 0, false
	}
	n, err := strconv.ParseUint(local[1:], 10, 64)
	return n, err == nil
}

// refreshTicket brings a ticket's contact up to date.
func (m *member) refreshTicket(ctx context.Context, number uint64) {
	var k contact
	listed := false
	if m.view(ctx, func(r desk.Reader) error {
		t, err := r.Ticket(number)
		if err != nil {
			if isNotFound(err) {
				return nil
			}
			return err
		}
		own := t.Assignee == m.account && t.State != desk.TicketClosed
		if t.Number == number && (own || m.opened[number]) {
			k, listed = m.ticketContact(t), true
		}
		return nil
	}) != nil {
		return
	}
	if !listed {
		delete(m.opened, number)
	}
	m.update(m.r.domains.TicketAddress(number), k, listed)
}

// open shows a ticket as a contact and introduces it to the client that asked for it.
func (m *member) open(ctx context.Context, c *client, number uint64) {
	if len(m.opened) >= mostOpened {
		for n := range m.opened { // any: it can be opened again
			delete(m.opened, n)
			m.refreshTicket(ctx, n)
			break
		}
	}
	m.opened[number] = true
	m.introduceTicket(ctx, desk.Event{Ticket: number}, []*client{c}, false)
}

// setTicketItem answers a client that edits the item of a ticket: one that is not the account's own may be taken off the
// list.
func (m *member) setTicketItem(ctx context.Context, number uint64, remove bool) {
	if remove {
		delete(m.opened, number)
	}
	if remove && !m.hasTicket(ctx, number) {
		m.refreshTicket(ctx, number)
		return
	}
	delete(m.items, m.r.domains.TicketAddress(number)) // the desk's own contact comes back as it is
	m.refreshTicket(ctx, number)
}

// introduceTicket says at a ticket's address what it is about and what was written so far.
func (m *member) introduceTicket(ctx context.Context, e desk.Event, to []*client, late bool) {
	text := ""
	if m.view(ctx, func(r desk.Reader) error {
		k, err := r.Ticket(e.Ticket)
		if err != nil {
			return err
		}
		entries, err := r.Entries(k.Number, k.Entries-min(k.Entries, ticketEntries), 0)
		if err != nil {
			return err
		}
		d, err := r.Department(k.Department)
		if err == nil {
			text = console.TicketIntro(k, d, entries, console.Names(r))
		}
		return err
	}) != nil || text == "" {
		return
	}
	m.refreshTicket(ctx, e.Ticket) // the contact comes before its first message
	id := "ticket-" + pushID()
	if e.Seq != 0 {
		id = lineID(e.Seq)
	}
	m.deliver(to, e, m.r.domains.TicketAddress(e.Ticket), id, text, late)
}

// entry shows what was written in a ticket at its address, to those who have it as a contact; others may be told by the
// bot. What a program wrote disturbs nobody.
func (m *member) entry(ctx context.Context, e desk.Event) {
	if text, ok := m.entryText(ctx, e); ok {
		if text != "" && e.Staff != m.account && e.N == 0 {
			m.deliver(m.reachable(), e, m.r.domains.TicketAddress(e.Ticket), lineID(e.Seq), text, false)
		}
		return
	}
	m.told(ctx, e)
}

// entryText is how an entry reads; ok is false if the account doesn't have the ticket as a contact.
func (m *member) entryText(ctx context.Context, e desk.Event) (text string, ok bool) {
	_ = m.view(ctx, func(r desk.Reader) error {
		k, err := r.Ticket(e.Ticket)
		if err != nil {
			return err
		}
		x, err := r.Entry(e.Ticket, e.Entry)
		if err != nil {
			return err
		}
		if k.Assignee == m.account || m.opened[e.Ticket] {
			text, ok = console.EntryText(r, m.account, x), true
		}
		return nil
	})
	return text, ok
}

// lateEntry brings what came in to the account's tickets while nobody of it was there.
func (m *member) lateEntry(ctx context.Context, e desk.Event, to []*client) {
	if text, ok := m.entryText(ctx, e); ok && text != "" && e.Staff != m.account && e.N == 0 {
		m.deliver(to, e, m.r.domains.TicketAddress(e.Ticket), lineID(e.Seq), text, true)
	}
}

// assigned tells who has a ticket now, and introduces it to its new assignee.
func (m *member) assigned(ctx context.Context, e desk.Event) {
	m.refreshTicket(ctx, e.Ticket)
	m.told(ctx, e)
	if e.To == m.account && e.Staff != m.account {
		m.introduceTicket(ctx, e, m.reachable(), false)
	}
}

// hasTicket reports whether a ticket is the account's.
func (m *member) hasTicket(ctx context.Context, number uint64) (own bool) {
	_ = m.view(ctx, func(r desk.Reader) error {
		k, err := r.Ticket(number)
		own = err == nil && k.Assignee == m.account
		return err
	})
	return own
}
