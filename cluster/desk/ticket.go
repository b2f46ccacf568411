// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"strings"
	"time"
)

// TicketState is where a ticket stands.
type TicketState string

// The states of a ticket. A patron's mail brings Pending, and lately Closed, back to Open.
const (
	TicketNew     TicketState = "new"     // nobody has answered yet
	TicketOpen    TicketState = "open"    // staff's turn
	TicketPending TicketState = "pending" // the patron's turn
	TicketClosed  TicketState = "closed"
)

// ticketStates are all of them, in the order in which lists show them.
func ticketStates() []TicketState {
	return []TicketState{TicketNew, TicketOpen, TicketPending, TicketClosed}
}

// Ticket is a question that is answered by mail. It shares its counter of numbers with the chats.
type Ticket struct {
	Number     uint64
	Department string
	State      TicketState
	Subject    string
	Name       string   // of who asked, as given
	Email      string   // of who asked; "" = nobody can be answered yet
	Verified   bool     // mail from that address was authenticated, or answered one of ours
	Cc         []string // further addresses that answers go to, and that may write
	Locale     string
	Assignee   string // account
	Chat       uint64 // the chat it came from
	Tags       []string
	Merged     uint64   // the ticket that goes on in place of this one
	Links      []uint64 // tickets that have to do with it
	Failed     []string // addresses that mail could not be delivered to
	By         string   // account of who opened it for the patron
	Opened     Time
	Updated    Time   // last entry or change
	ClosedAt   Time   // 0 again once its term is over and it is masked
	Entries    uint64 // number of the last entry
	Unread     uint64 // what came in since staff answered or looked
	Acked      bool   // an acknowledgement went out
}

// The bounds of a ticket.
const (
	MaxBody      = 32 << 10 // bytes of text that an entry holds; the rest is in a blob
	MaxCc        = 20       // addresses
	maxLinks     = 50
	maxRedirects = 8
)

// How long a closed ticket is reopened by its patron's mail, and how long a number in a subject counts.
const (
	reopenTicket = 30 * 24 * time.Hour
	subjectLife  = 180 * 24 * time.Hour
)

const ticketTable Table = "ticket"

func (t *Ticket) table() Table { return ticketTable }
func (t *Ticket) key() key     { return ticketKey(t.Number) }
func ticketKey(n uint64) key   { return key("").num(n) }

func (t *Ticket) entries() []Entry {
	var out []Entry
	at := func(k key) string { return string(k.num(uint64(t.Updated)).num(t.Number)) }
	if t.Merged == 0 {
		out = append(out, Entry{byState, at(key("").word(string(t.State)).word(t.Department))})
	}
	if t.Merged == 0 && t.Assignee != "" {
		out = append(out, Entry{byOwner, at(key("").word(t.Assignee).word(string(t.State)))})
	}
	if t.Chat != 0 {
		out = append(out, Entry{byChat, string(key("").num(t.Chat))})
	}
	if t.Email != "" {
		out = append(out, Entry{byEmail, string(key("").word(lower(t.Email)).num(t.Number))})
	}
	if t.State == TicketClosed && t.ClosedAt != 0 {
		out = append(out, Entry{byEnd, string(key("").word(t.Department).num(uint64(t.ClosedAt)).num(t.Number))})
	}
	return out
}

func (t *Ticket) code(c *coder) {
	c.u64(&t.Number)
	c.str(&t.Department)
	word(c, &t.State)
	c.str(&t.Subject)
	c.str(&t.Name)
	c.str(&t.Email)
	c.flag(&t.Verified)
	c.strs(&t.Cc)
	c.str(&t.Locale)
	c.str(&t.Assignee)
	c.u64(&t.Chat)
	c.strs(&t.Tags)
	c.u64(&t.Merged)
	list(c, &t.Links, (*coder).u64)
	c.strs(&t.Failed)
	c.str(&t.By)
	c.time(&t.Opened)
	c.time(&t.Updated)
	c.time(&t.ClosedAt)
	c.u64(&t.Entries)
	c.u64(&t.Unread)
	c.flag(&t.Acked)
}

// Recipients are the addresses that an answer goes to: who asked first, then the Cc.
func (t *Ticket) Recipients() []string {
	if t.Email == "" {
		return nil
	}
	return append([]string{t.Email}, t.Cc...)
}

// Participant reports whether an address is one of those who have a part in the ticket.
func (t *Ticket) Participant(addr string) bool { return contains(t.Recipients(), addr) }

// contains reports whether an address is in a list. Case is no difference: too many mail programs change it.
func contains(list []string, addr string) bool {
	return addr != "" && slices.ContainsFunc(list, func(a string) bool { return strings.EqualFold(a, addr) })
}

// lower is the form in which addresses are looked up.
func lower(addr string) string { return strings.ToLower(addr) }

// addCc adds addresses that aren't participants yet, as far as there is room.
func (t *Ticket) addCc(addrs []string) {
	for _, a := range addrs {
		if len(t.Cc) < MaxCc && a != "" && !t.Participant(a) {
			t.Cc = append(t.Cc, a)
		}
	}
}

// link notes that two tickets have to do with each other.
func (t *Ticket) link(n uint64) {
	if n != t.Number && n != 0 && !slices.Contains(t.Links, n) && len(t.Links) < maxLinks {
		t.Links = append(t.Links, n)
	}
}

// setState changes the state and what hangs on it.
func (t *Ticket) setState(to TicketState, now Time) {
	t.State, t.ClosedAt = to, 0
	if to == TicketClosed {
		t.ClosedAt, t.Unread = now, 0
	}
}

// ticketObject is what Can asks about a ticket.
func ticketObject(src Source, t *Ticket) (Object, error) {
	o := Object{Owner: t.Assignee}
	d, err := load[Department](src, departmentKey(t.Department))
	if d != nil {
		o.Crew = d.Crew()
	}
	return o, err
}

// followed finds the ticket of a number, or the one it was merged into.
func followed(src Source, number uint64) (*Ticket, error) {
	for range maxRedirects + 1 {
		t, err := load[Ticket](src, ticketKey(number))
		if err != nil || t == nil || t.Merged == 0 {
			return t, err
		}
		number = t.Merged
	}
	return nil, nil
}

func (s *state) followed(number uint64) *Ticket {
	t, err := followed(s.tx, number)
	if s.fail(err) {
		return nil
	}
	return t
}

// ticket loads a ticket that the actor may do this to, following merges. What he may not read does not exist for him.
func (s *state) ticket(number uint64) (*Ticket, error) {
	t := s.followed(number)
	if t == nil {
		return nil, refuseField(NotFound, "ticket")
	}
	o, err := ticketObject(s.tx, t)
	if s.fail(err) {
		return nil, err
	}
	if s.may(HandleTicket, o) != nil {
		return nil, refuseField(NotFound, "ticket")
	}
	s.reply.Ticket = t.Number
	return t, nil
}

// tellTicket emits an event about a ticket to its assignee and to the departments that answer it.
func (s *state) tellTicket(t *Ticket, e Event) uint64 {
	e.Ticket, e.Department = t.Number, t.Department
	if t.Assignee != "" {
		e.Audience.Staff = append(e.Audience.Staff, t.Assignee)
	}
	e.Audience.Staff = unique(e.Audience.Staff)
	if d := get[Department](s, departmentKey(t.Department)); d != nil {
		e.Audience.Departments = append(e.Audience.Departments, d.Crew()...)
	}
	e.Audience.Departments = unique(e.Audience.Departments)
	s.reply.Ticket = t.Number
	return s.emit(e)
}

// changed stores a ticket and tells what about it is different.
func (s *state) changed(t *Ticket, what, to string) {
	t.Updated = s.now
	put(s, t)
	s.tellTicket(t, Event{Kind: TicketChanged, Staff: s.staffActor(), Value: what, To: to})
}

// staffActor is the account of a member of staff who acts, "" for all others.
func (s *state) staffActor() string {
	if s.env.Actor.Kind == StaffKind {
		return s.env.Actor.ID
	}
	return ""
}

// newTicket makes a ticket and tells of it. The caller adds its entries.
func (s *state) newTicket(t Ticket) *Ticket {
	s.meta.Number++
	t.Number, t.State, t.Opened, t.Updated = s.meta.Number, TicketNew, s.now, s.now
	if t.Subject, _ = maskCards(t.Subject); t.Subject == "" {
		t.Subject = "?"
	}
	put(s, &t)
	e := Event{Kind: TicketOpened, Chat: t.Chat, Staff: t.By}
	e.Audience.Patron = t.Chat != 0
	s.tellTicket(&t, e)
	return &t
}

// ticketOf finds the ticket that a chat became.
func ticketOf(src Source, chat uint64) (*Ticket, error) {
	found, err := scan[Ticket](src, Range{Index: byChat, Prefix: string(key("").num(chat)), Limit: 1})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// firstWords is the beginning of a text, fit for a subject.
func firstWords(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	out, n := "", 0
	for _, r := range line {
		if n++; n > 100 {
			return strings.TrimSpace(out) + "…"
		}
		if r == '\t' {
			r = ' '
		}
		out += string(r)
	}
	return out
}
