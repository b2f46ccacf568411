// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"

	"refdesk/cluster/desk"
)

// claimTicket takes a ticket; a bare number only opens it.
func claimTicket(t *turn, a ask) (Answer, error) {
	if a.bare {
		return t.open(a)
	}
	answer, ok, err := t.make(a, &desk.AssignTicket{Ticket: a.ticket, To: t.me()}, doing{not: "Not taken"})
	if ok {
		answer.Text = fmt.Sprintf("Ticket %d is yours.%s", a.ticket, t.ticketWhere(a.ticket))
		answer.Open = a.ticket
	}
	return answer, err
}

// open shows a ticket at its own address. Its assignee has seen then what came in.
func (t *turn) open(a ask) (Answer, error) {
	k, _, err := t.ticket(a.ticket)
	if err != nil {
		return Answer{}, err
	}
	if k == nil {
		return t.unreadable(a)
	}
	if k.Unread > 0 && k.Assignee == t.me() {
		if _, _, err := t.propose(&desk.SeeTicket{Ticket: k.Number}, desk.Key{}); err != nil {
			return Answer{}, err
		}
	}
	answer := Answer{Ticket: k.Number, Open: k.Number}
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	answer.Text = s.ticketLine(k)
	if t.c.opts.TicketAddress != nil {
		answer.Text += fmt.Sprintf(". Write to %s: what you type there is a draft until !send.", t.c.opts.TicketAddress(k.Number))
	}
	return answer, nil
}

// releaseTicket takes a ticket from its assignee: it is the department's again.
func releaseTicket(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.AssignTicket{Ticket: a.ticket}, doing{not: "Not released"})
	if ok {
		answer.Text = fmt.Sprintf("Ticket %d is nobody's now; its department sees it. %s takes it back.", a.ticket, t.word("claim", a.ticket))
	}
	return answer, err
}

// assign gives a ticket to a colleague or a department.
func assign(t *turn, a ask) (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	if a.items == nil && a.rest == "" {
		return t.tell("Assign %d to whom? %s NAME, %s #DEPARTMENT or %s me.", a.ticket,
			t.word("assign", a.ticket), t.word("assign", a.ticket), t.word("assign", a.ticket))
	}
	x := &desk.AssignTicket{Ticket: a.ticket, Why: flat(a.rest)}
	first, more := token(a.rest)
	switch {
	case len(a.items) == 1 && strings.HasPrefix(a.items[0], "#"):
		x.Department = a.items[0][1:]
	case len(a.items) == 1:
		x.To = a.items[0]
	case plainWord(first) == "me":
		x.To, x.Why = t.me(), flat(more)
	default:
		m := matchTarget(a.rest, s.staff, s.views)
		x.Why = flat(m.why)
		switch {
		case m.dept != nil:
			x.Department = m.dept.ID
		case m.staff != nil:
			x.To = m.staff.Account
		case len(m.many) > 0:
			l := &numbered{kind: toList, chat: a.ticket}
			for _, p := range m.many {
				l.entries = append(l.entries, entry{label: s.person(p), run: "assign", value: p.Account, more: x.Why})
			}
			return t.tell("Whom do you mean? Nothing was done yet; !1 takes the first.%s", t.keep(l))
		default:
			return t.tell("Not assigned: there is nobody and no department called %s.", cut(flat(m.word), 40))
		}
	}
	answer, ok, err := t.make(a, x, doing{not: "Not assigned"})
	if !ok {
		return answer, err
	}
	whose := "yours"
	switch {
	case x.To == "":
		whose = "with " + departmentName(s.depts[x.Department], x.Department)
	case x.To != t.me():
		whose = s.public(x.To) + "'s"
	}
	answer.Text = fmt.Sprintf("Ticket %d is %s now.", a.ticket, whose)
	return answer, nil
}

// closeTicket ends a ticket, with tags on the way. The tags go first: to put them on twice does no harm.
func closeTicket(t *turn, a ask) (Answer, error) {
	g, err := t.tagger(a)
	if err != nil {
		return Answer{}, err
	}
	if g == nil {
		return t.unreadable(a)
	}
	found, answer, err := t.tagsOf(a, g)
	if found == nil {
		return answer, err
	}
	if len(found.tags) > 0 {
		_, refused, err := t.propose(&desk.TagTicket{Ticket: a.ticket, Tags: found.tags}, desk.Key{})
		if err != nil {
			return Answer{}, err
		}
		if refused != nil {
			return t.refused(refused, doing{ticket: a.ticket, command: a.row.name, not: "Not closed"})
		}
	}
	answer, ok, err := t.make(a, &desk.SetTicketState{Ticket: a.ticket, State: desk.TicketClosed}, doing{not: "Not closed"})
	if ok {
		answer.Text = fmt.Sprintf("Ticket %d is closed. The patron's mail reopens it.", a.ticket)
	}
	return answer, err
}

// reopenTicket goes on with a closed ticket.
func reopenTicket(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.SetTicketState{Ticket: a.ticket, State: desk.TicketOpen}, doing{not: "Not reopened"})
	if ok {
		answer.Text = fmt.Sprintf("Ticket %d is open again.", a.ticket)
	}
	return answer, err
}

// whoTicket tells what is known of a ticket's patron, and whose the ticket is.
func whoTicket(t *turn, a ask) (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	if a.rest != "" {
		return t.whoColleague(s, a)
	}
	k, _, err := t.ticket(a.ticket)
	if err != nil {
		return Answer{}, err
	}
	if k == nil {
		return t.unreadable(a)
	}
	out := []string{s.ticketLine(k)}
	if k.Email == "" {
		out = append(out, "No e-mail address: it can't be answered yet.")
	} else {
		how := "as given and not verified"
		if k.Verified {
			how = "verified"
		}
		out = append(out, fmt.Sprintf("Answers go to %s; the address is %s.", recipients(k), how))
	}
	line := "Opened " + ago(s.now, k.Opened)
	if k.Chat != 0 {
		line += fmt.Sprintf(" from chat %d", k.Chat)
	}
	out = append(out, line+", last changed "+ago(s.now, k.Updated)+".")
	if len(k.Tags) > 0 {
		out = append(out, "Tagged "+tagWords(k.Tags)+".")
	}
	return t.tell("%s", strings.Join(out, "\n"))
}
