// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"cmp"
	"slices"
)

// TicketReader is the part of Reader that is about tickets and mail.
type TicketReader interface {
	// Ticket returns one ticket. A number that was merged gives the ticket that it goes on in: compare Number.
	Ticket(number uint64) (*Ticket, error)
	// TicketOf returns the ticket that a chat became, NotFound if it has none.
	TicketOf(chat uint64) (*Ticket, error)
	// Pending returns what waits for a chat's patron to give an address, NotFound if nothing does. Patrons may ask.
	Pending(chat uint64) (*PendingTicket, error)
	// Tickets lists tickets, the one that changed last first.
	Tickets(f TicketFilter) ([]*Ticket, error)
	// Entry returns one entry of a ticket, which need not be the one that its number leads to now.
	Entry(ticket, n uint64) (*TicketEntry, error)
	// Entries returns the entries of a ticket after a number, at most limit (0 = all). Those of merged tickets stay there.
	Entries(ticket, after uint64, limit int) ([]*TicketEntry, error)
	// Draft returns the actor's draft in a ticket, NotFound if there is none.
	Draft(ticket uint64) (*Draft, error)
	// Drafts lists the actor's drafts.
	Drafts() ([]*Draft, error)

	// MailsWanted lists entries whose mail is to be composed, the oldest first. Nodes only.
	MailsWanted(limit int) ([]*TicketEntry, error)
	// MailsDue lists mails that may be claimed at now, the one that is due longest first. Nodes only.
	MailsDue(now Time, limit int) ([]*MailOut, error)
	// MailsClaimed lists mails that a leader has claimed and not settled: a new one takes them over. Nodes only.
	MailsClaimed() ([]*MailOut, error)
	// MailOut returns one outgoing mail, with its bytes.
	MailOut(id uint64) (*MailOut, error)
	// MailsOf lists the mails of a ticket, in the order of their ids.
	MailsOf(ticket uint64) ([]*MailOut, error)
	// Outbox lists mails before an id (0 = from the newest), at most limit, the newest first.
	Outbox(before uint64, limit int) ([]*MailOut, error)
	// MailIn returns what became of a mail that was taken in, NotFound if it was not. Nodes only.
	MailIn(group, dedupe string) (*MailIn, error)
	// ByMessageID finds the tickets of stored Message-IDs of other mail programs, by id. Nodes only.
	ByMessageID(group string, ids []string) (map[string]uint64, error)
}

// TicketFilter says which tickets to list. Zero fields don't restrict.
type TicketFilter struct {
	State      TicketState
	Open       bool // all states but closed
	Department string
	Assignee   string
	Email      string // of who asked; newest number first, all states
	Unassigned bool
	Before     *Ticket // go on after this one, the last of the page before
	Limit      int     // 0 = 100
}

// maxTickets is the most that one list gives.
const maxTickets = 500

func (r *reader) handles(t *Ticket) (bool, error) {
	o, err := ticketObject(r.src, t)
	return err == nil && Can(r.who, ReadTicket, o), err
}

func (r *reader) Ticket(number uint64) (*Ticket, error) {
	t, err := followed(r.src, number)
	return r.shown(t, err)
}

// shown returns a ticket that the actor may read.
func (r *reader) shown(t *Ticket, err error) (*Ticket, error) {
	if err == nil && t == nil {
		err = refuseField(NotFound, "ticket")
	}
	if err != nil {
		return nil, err
	}
	ok, err := r.handles(t)
	if err == nil && !ok {
		err = refuseField(NotFound, "ticket")
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (r *reader) TicketOf(chat uint64) (*Ticket, error) {
	t, err := ticketOf(r.src, chat)
	if t != nil && err == nil {
		t, err = followed(r.src, t.Number)
	}
	return r.shown(t, err)
}

func (r *reader) Pending(chat uint64) (*PendingTicket, error) {
	if _, err := r.Chat(chat); err != nil {
		return nil, err
	}
	p, err := one[PendingTicket](r, key("").num(chat), "pending")
	if err == nil && r.who.Kind == PatronKind {
		p = &PendingTicket{Chat: p.Chat, At: p.At}
	}
	return p, err
}

func (f *TicketFilter) fits(t *Ticket) bool {
	return (f.State == "" || f.State == t.State) && (!f.Open || t.State != TicketClosed) &&
		(f.Department == "" || f.Department == t.Department) && (f.Assignee == "" || f.Assignee == t.Assignee) &&
		(!f.Unassigned || t.Assignee == "")
}

func (f *TicketFilter) states() []TicketState {
	switch {
	case f.State != "":
		return []TicketState{f.State}
	case f.Open:
		return []TicketState{TicketNew, TicketOpen, TicketPending}
	}
	return ticketStates()
}

func (r *reader) Tickets(f TicketFilter) ([]*Ticket, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	f.Limit = min(f.Limit, maxTickets)
	runs, err := r.ticketRuns(f)
	if err != nil {
		return nil, err
	}
	var out []*Ticket
	for _, run := range runs {
		found, err := r.ticketRun(run, f)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if f.Email == "" {
		slices.SortFunc(out, func(a, b *Ticket) int {
			return -cmp.Or(cmp.Compare(a.Updated, b.Updated), cmp.Compare(a.Number, b.Number))
		})
	}
	return out[:min(len(out), f.Limit)], nil
}

// ticketRuns names the stretches of indexes that a filter's tickets lie in, each in the order of the list.
func (r *reader) ticketRuns(f TicketFilter) ([]Range, error) {
	var runs []Range
	add := func(x Index, k key) {
		run := Range{Index: x, Prefix: string(k), Desc: true}
		if b := f.Before; b != nil && x == byEmail {
			run.After = string(k.num(b.Number))
		} else if b != nil {
			run.After = string(k.num(uint64(b.Updated)).num(b.Number))
		}
		runs = append(runs, run)
	}
	if f.Email != "" {
		add(byEmail, key("").word(lower(f.Email)))
		return runs, nil
	}
	departments := []*Department{{ID: f.Department}}
	if f.Department == "" && f.Assignee == "" {
		var err error
		if departments, err = scan[Department](r.src, Range{}); err != nil {
			return nil, err
		}
	}
	for _, state := range f.states() {
		if f.Assignee != "" {
			add(byOwner, key("").word(f.Assignee).word(string(state)))
			continue
		}
		for _, d := range departments {
			add(byState, key("").word(string(state)).word(d.ID))
		}
	}
	return runs, nil
}

// ticketRun reads as many tickets of a stretch as the list may need.
func (r *reader) ticketRun(run Range, f TicketFilter) ([]*Ticket, error) {
	var out []*Ticket
	const page = 200
	for run.Limit = page; ; {
		found, err := scan[Ticket](r.src, run)
		if err != nil {
			return nil, err
		}
		for _, t := range found {
			ok, err := r.handles(t)
			if err != nil {
				return nil, err
			}
			if ok && f.fits(t) {
				if out = append(out, t); len(out) == f.Limit {
					return out, nil
				}
			}
		}
		if len(found) < page {
			return out, nil
		}
		last := found[len(found)-1]
		if run.Index == byEmail {
			run.After = string(key(run.Prefix).num(last.Number))
		} else {
			run.After = string(key(run.Prefix).num(uint64(last.Updated)).num(last.Number))
		}
	}
}

// ownTicket loads a ticket by its own number, whatever it was merged into.
func (r *reader) ownTicket(number uint64) (*Ticket, error) {
	t, err := load[Ticket](r.src, ticketKey(number))
	return r.shown(t, err)
}

func (r *reader) Entry(ticket, n uint64) (*TicketEntry, error) {
	if _, err := r.ownTicket(ticket); err != nil {
		return nil, err
	}
	return one[TicketEntry](r, entryKey(ticket, n), "entry")
}

func (r *reader) Entries(ticket, after uint64, limit int) ([]*TicketEntry, error) {
	if _, err := r.ownTicket(ticket); err != nil {
		return nil, err
	}
	return scan[TicketEntry](r.src, Range{Prefix: string(ticketKey(ticket)), After: string(entryKey(ticket, after)), Limit: limit})
}

func (r *reader) Draft(ticket uint64) (*Draft, error) {
	if r.who.Kind != StaffKind {
		return nil, refuseField(NotFound, "draft")
	}
	t, err := r.Ticket(ticket)
	if err != nil {
		return nil, err
	}
	return one[Draft](r, draftKey(r.who.ID, t.Number), "draft")
}

func (r *reader) Drafts() ([]*Draft, error) {
	if r.who.Kind != StaffKind {
		return nil, nil
	}
	return scan[Draft](r.src, Range{Prefix: string(staffKey(r.who.ID))})
}
