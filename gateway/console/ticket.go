// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"slices"
	"strings"

	"refdesk/cluster/desk"
)

func ticketWord(n uint64) string { return fmt.Sprintf("ticket %d", n) }

// makeTicket makes a ticket of a chat, or by hand. Every answer names the chat's number, so that nobody takes it for the
// ticket of another one.
func makeTicket(t *turn, a ask) (Answer, error) {
	x, why, err := t.ticketOrder(a)
	if err != nil {
		return Answer{}, err
	}
	if why != "" {
		return t.tell("No ticket was made: %s", why)
	}
	answer, ok, err := t.make(a, x, doing{not: "No ticket was made"})
	if !ok {
		return answer, err
	}
	k := answer.Reply.Ticket
	switch {
	case a.chat == 0:
		answer.Ticket = k
		answer.Text = fmt.Sprintf("Ticket %d is made.%s", k, t.ticketWhere(k))
	case answer.Reply.Value == "pending":
		answer.Text = fmt.Sprintf("Chat %d has no address yet: its page asks the patron for one. When it comes, the ticket makes itself; you can close %d meanwhile.", a.chat, a.chat)
	case answer.Reply.Value == "exists":
		answer.Text = fmt.Sprintf("Chat %d has ticket %d.", a.chat, k)
		if x.Subject != "" {
			answer.Text += fmt.Sprintf(" Its subject is now «%s».", x.Subject)
		}
		answer.Text += t.ticketWhere(k)
	default:
		answer.Text = fmt.Sprintf("Chat %d has ticket %d now.%s", a.chat, k, t.ticketWhere(k))
	}
	return answer, nil
}

// ticketNow says that a chat's ticket has made itself.
func (t *turn) ticketNow(chat, ticket uint64) string {
	return fmt.Sprintf(" Chat %d has ticket %d.%s", chat, ticket, t.ticketWhere(ticket))
}

// ticketWhere tells the way to a ticket from elsewhere.
func (t *turn) ticketWhere(ticket uint64) string {
	if ticket == t.in.Place.Ticket || t.c.opts.TicketAddress == nil {
		return ""
	}
	return fmt.Sprintf(" %d at the desk's bot opens it: %s.", ticket, t.c.opts.TicketAddress(ticket))
}

// ticketOrder reads "[#DEPARTMENT] [ADDRESS] [SUBJECT]".
func (t *turn) ticketOrder(a ask) (x *desk.OpenTicket, why string, err error) {
	x = &desk.OpenTicket{Chat: a.chat}
	rest := flat(a.rest)
	if strings.HasPrefix(rest, "#") {
		s, err := t.scene()
		if err != nil {
			return nil, "", err
		}
		m := matchDepartment(strings.Fields(rest), s.views)
		if m.dept == nil {
			return nil, fmt.Sprintf("there is no department called %s.", cut(m.word, 40)), nil
		}
		x.Department, rest = m.dept.ID, m.why
	}
	if first, more := token(rest); strings.Count(first, "@") == 1 && !strings.HasPrefix(first, "@") {
		x.Email, rest = strings.Trim(first, "<>,;"), more
	}
	x.Subject = rest
	if a.chat == 0 && (x.Department == "" || x.Subject == "") {
		return nil, fmt.Sprintf("%s 42 makes one of chat 42; %s #DEPARTMENT [ADDRESS] SUBJECT makes one by hand.", t.word("ticket", 0), t.word("ticket", 0)), nil
	}
	return x, "", nil
}

// ticketAgain answers a wish for a ticket in one, and sets its subject.
func ticketAgain(t *turn, a ask) (Answer, error) {
	if subject := flat(a.rest); subject != "" {
		return t.setTicket(a, "subject", subject)
	}
	k, _, err := t.ticket(a.ticket)
	if k == nil || err != nil {
		return t.tell("This is ticket %d.", a.ticket)
	}
	if k.Chat != 0 {
		return t.tell("This is ticket %d, of chat %d.", a.ticket, k.Chat)
	}
	return t.tell("This is ticket %d.", a.ticket)
}

// goOnByMail makes a chat's ticket and puts what was typed, or what is held, into the draft of its answer.
func goOnByMail(t *turn, a ask) (Answer, error) {
	text := strings.TrimRightFunc(a.rest, unseen)
	if text == "" {
		err := t.view(func(r desk.Reader) error {
			held, err := r.Held(a.chat)
			if held != nil {
				text = held.Text
			}
			return missing(err)
		})
		if err != nil {
			return Answer{}, err
		}
	}
	answer, err := makeTicket(t, ask{row: a.row, chat: a.chat})
	if err != nil || answer.Refused != nil || answer.Reply.Ticket == 0 || text == "" {
		if text != "" && err == nil && answer.Reply.Value == "pending" {
			answer.Text += fmt.Sprintf(" Your text was not kept: «%s».", cut(text, 500))
		}
		return answer, err
	}
	k := answer.Reply.Ticket
	_, refused, err := t.propose(&desk.DraftLine{Ticket: k, Text: text}, t.keyFor("draft", fmt.Sprint(k)))
	if err != nil {
		return Answer{}, err
	}
	if refused != nil {
		return t.refused(refused, doing{ticket: k, command: a.row.name, not: "Not drafted"})
	}
	answer.Text += fmt.Sprintf(" Your text is its draft, not sent: send %d at the desk's bot mails it.", k)
	return answer, nil
}

// listTickets lists tickets: the sender's own and those that nobody has; or all, or those of a department.
func listTickets(t *turn, a ask) (Answer, error) {
	f := desk.TicketFilter{Open: true, Limit: mostChats + 1}
	word := plainWord(a.rest)
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	own := word == "" || word == "mine"
	switch {
	case own, word == "all":
	case word == "closed":
		f.Open, f.State = false, desk.TicketClosed
	case strings.HasPrefix(word, "#"):
		m := matchDepartment(strings.Fields(word), s.views)
		if m.dept == nil {
			return t.tell("There is no department called %s.", cut(m.word, 40))
		}
		f.Department = m.dept.ID
	default:
		return t.tell("%s lists your tickets and those that nobody has; all, closed and #DEPARTMENT list others.", t.word("tickets", 0))
	}
	var found []*desk.Ticket
	if err := t.view(func(r desk.Reader) (err error) {
		if own {
			f.Unassigned = true
		}
		found, err = r.Tickets(f)
		return err
	}); err != nil {
		return Answer{}, err
	}
	if own {
		found = append(slices.Clone(s.tickets), found...)
	}
	if len(found) == 0 {
		return t.tell("No tickets.")
	}
	l := &numbered{kind: menuList}
	for _, k := range found[:min(len(found), mostChats)] {
		l.entries = append(l.entries, entry{label: s.ticketLine(k), run: fmt.Sprintf("claim %d", k.Number), open: true, named: true})
	}
	more := ""
	if len(found) > mostChats {
		more = "\nand more; the desk's page lists them all"
	}
	return t.tell("%s; a ticket's number at the desk's bot opens it:%s%s", some(min(len(found), mostChats), "ticket"), t.keep(l), more)
}

// ticketLine is a ticket in one line: number first, who, where, how it stands, what about.
func (s *scene) ticketLine(k *desk.Ticket) string {
	line := fmt.Sprintf("%d %s – %s – %s", k.Number, ticketCaller(k), inline(departmentName(s.depts[k.Department], k.Department), 40), k.State)
	switch k.Assignee {
	case "":
		line += " – nobody's"
	case s.me:
	default:
		line += " – " + s.public(k.Assignee) + "'s"
	}
	line += " – " + inline(k.Subject, 60)
	if k.Unread > 0 {
		line += fmt.Sprintf(" – %d unread", k.Unread)
	}
	return line
}

func ticketCaller(k *desk.Ticket) string {
	if who := inline(k.Name, 40); who != "" {
		return who
	}
	if who := inline(k.Email, 60); who != "" {
		return who
	}
	return "somebody"
}
