// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"refdesk/cluster/desk"
)

// command does a command that was typed.
func (t *turn) command(p parsed) (Answer, error) {
	if below := secondLine(t.in.Body); below != "" && !p.row.owns {
		return t.oneLine(p.row, below)
	}
	a := ask{row: p.row, chat: p.chat, rest: p.rest, force: forces(p.row), bare: p.bare}
	return t.aimed(a)
}

// forces reports whether a command is a variant that does it all the same.
func forces(row *command) bool { return row.hidden && strings.HasSuffix(row.name, "!") }

// aimed finds out what a command is about, and does it.
func (t *turn) aimed(a ask) (Answer, error) {
	why := t.aim(&a)
	if why == "" {
		var err error
		if why, err = t.resolve(&a); err != nil {
			return Answer{}, err
		}
	}
	switch {
	case why != "":
		return t.tell("Nothing was done: %s", why)
	case a.number() == 0 && a.row.about == thisChat:
		return t.which(a)
	}
	return t.perform(a)
}

// secondLine is what stands below a body's first line.
func secondLine(body string) string {
	body = strings.TrimLeftFunc(body, unseen)
	i := strings.IndexFunc(body, endsLine)
	if i < 0 {
		return ""
	}
	return strings.TrimFunc(body[i:], unseen)
}

// oneLine refuses a command with something below it. What reads as text is held; a second command is not.
func (t *turn) oneLine(row *command, below string) (Answer, error) {
	word := t.word(row.name, 0)
	if t.bot() {
		return t.tell("Nothing was done: %s takes one line, and there was more below it. Type each command in a message of its own.", word)
	}
	p, err := t.judge(t.c.grammar.parse(below, false, false))
	if err != nil {
		return Answer{}, err
	}
	if p.kind != isText {
		return t.tell("Nothing was done and nothing was sent: %s takes one line. Type each command in a message of its own.", word)
	}
	if t.in.Place.Ticket != 0 {
		return t.tell("Nothing was done: %s takes one line. What stood below it was not added to the draft: «%s».", word, cut(p.text, 500))
	}
	return t.hold(p.text, whyLater, fmt.Sprintf(
		"Nothing was done: %s takes one line. What stood below it was not sent: «%s». !send sends that, %s alone does the command.", word, cut(p.text, 500), word))
}

// aim finds the chat that a typed command is about and cuts its number off the arguments. why says what is wrong.
func (t *turn) aim(a *ask) (why string) {
	first, more := token(a.rest)
	n, isNumber := number(strings.TrimPrefix(plainWord(first), "#"))
	switch {
	case a.row.about == noChat && a.chat != 0:
		return fmt.Sprintf("%s is not about one chat; type %s alone.", a.row.name, a.row.name)
	case a.row.about == noChat:
	case t.bot() && a.chat == 0 && isNumber:
		a.chat, a.rest = uint64(n), more
	case t.bot():
	case a.row.named && isNumber, a.row.shape == numberShape && isNumber && uint64(n) == t.in.Place.number():
		a.chat, a.rest = uint64(n), more
	default:
		a.chat = t.in.Place.number()
	}
	if a.rest == "" || a.row.args != "" {
		return ""
	}
	if _, isNumber := number(a.rest); isNumber && a.row.shape == numberShape {
		return fmt.Sprintf("here %s is about %d alone; type it at that chat's own address, or %s %s at the desk's bot.",
			t.word(a.row.name, 0), t.in.Place.number(), a.row.name, a.rest)
	}
	return fmt.Sprintf("%s takes nothing behind it.", t.word(a.row.name, a.chat))
}

// resolve finds out whether the number of an ask is a chat's or a ticket's; one counter numbers both. why says what is
// wrong.
func (t *turn) resolve(a *ask) (why string, err error) {
	if a.chat == 0 {
		return "", nil
	}
	n, typed := a.chat, a.rest
	err = t.view(func(r desk.Reader) error {
		h, _, err := t.chatIn(r, n)
		if err != nil {
			return err
		}
		if h != nil && a.row.run != nil {
			return nil
		}
		if h != nil { // a command about tickets, and a chat: its ticket
			k, err := r.TicketOf(n)
			if k != nil && err == nil {
				a.chat, a.ticket = 0, k.Number
				return nil
			}
			why = fmt.Sprintf("chat %d has no ticket; %s makes one.", n, t.word("ticket", n))
			return missing(err)
		}
		k, err := r.Ticket(n)
		switch {
		case missing(err) != nil:
			return err
		case k == nil && a.row.about == mayChat && a.row.shape == questionShape && t.bot():
			a.chat, a.rest = 0, strings.TrimSpace(fmt.Sprint(n, " ", typed)) // a text that starts with a number
		case k == nil && a.row.run == nil:
			why = fmt.Sprintf("there is no ticket %d that you may answer.", n)
		case k == nil:
		case a.row.onTicket == nil:
			why = fmt.Sprintf("%d is a ticket, and %s is about chats.", n, a.row.name)
		default:
			a.chat, a.ticket = 0, k.Number
		}
		return nil
	})
	return why, err
}

// which asks for the chat of a command at the bot. An only chat that waits, or is offered, needs no naming.
func (t *turn) which(a ask) (Answer, error) {
	what := "chat"
	if a.row.run == nil {
		what = "ticket"
	}
	if a.rest != "" {
		return t.tell("Which %s? Its number comes first: %s 42 %s. Nothing was done.", what, a.row.name, cut(flat(a.rest), 60))
	}
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	if a.row.run == nil {
		return t.whichTicket(s, a)
	}
	found := s.fitting(a.row)
	if a.row.name == "claim" {
		found = slices.DeleteFunc(found, func(h *desk.Chat) bool { return h.State != desk.Waiting })
	}
	only := slices.Contains([]string{"claim", "accept", "decline"}, a.row.name)
	switch {
	case len(found) == 0 && a.row.name == "claim":
		return t.tell("Nobody waits.%s", s.missedHint())
	case len(found) == 0:
		return t.tell("There is no chat now for which %s would do anything.", a.row.name)
	case len(found) == 1 && only:
		a.chat = found[0].Number
		return t.perform(a)
	}
	l := &numbered{kind: menuList}
	for _, h := range found {
		l.entries = append(l.entries, chatEntry(a.row, h, s.summary(h)))
	}
	return t.tell("Which chat? %s %d names it; !1 takes the first of these:%s", a.row.name, found[0].Number, t.keep(l))
}

// whichTicket is which for a command about tickets.
func (t *turn) whichTicket(s *scene, a ask) (Answer, error) {
	found := s.suiting(a.row)
	if len(found) == 0 {
		return t.tell("You have no ticket for which %s would do anything. tickets lists those that are open.", a.row.name)
	}
	l := &numbered{kind: menuList}
	for _, k := range found {
		word := fmt.Sprintf("%s %d", a.row.name, k.Number)
		e := entry{label: s.ticketLine(k), run: word}
		if a.row.args != "" {
			e.run, e.say = "", fmt.Sprintf("Type %s %s: it %s.", word, a.row.args, a.row.help)
		}
		l.entries = append(l.entries, e)
	}
	return t.tell("Which ticket? %s %d names it:%s", a.row.name, found[0].Number, t.keep(l))
}

// chatEntry is the line of a list that does a command to a chat. One that needs words can't be run so.
func chatEntry(row *command, h *desk.Chat, label string) entry {
	word := fmt.Sprintf("%s %d", row.name, h.Number)
	if row.shape == anyShape || row.needs {
		return entry{label: label, say: fmt.Sprintf("Type %s %s: it %s.", word, row.args, row.help)}
	}
	return entry{label: label, run: word}
}

// perform does a command whose chat is known.
func (t *turn) perform(a ask) (Answer, error) {
	why, err := t.barred(a)
	if err != nil {
		return Answer{}, err
	}
	if why != "" {
		return Answer{Text: why, Chat: a.chat, Ticket: a.ticket, Command: a.row.name}, nil
	}
	run := a.row.run
	if a.ticket != 0 {
		run = a.row.onTicket
	}
	answer, err := run(t, a)
	answer.Command = a.row.name
	if a.number() != 0 {
		answer.Chat = a.chat
		if a.ticket != 0 {
			answer.Ticket = a.ticket
		}
	}
	return t.settle(answer, err)
}

// barred says why a command isn't even tried: the sender's role, or that it came late.
func (t *turn) barred(a ask) (why string, err error) {
	var role desk.Role
	err = t.view(func(r desk.Reader) error {
		p, err := r.StaffMember(t.me())
		if err == nil {
			role = p.Role
		}
		return err
	})
	switch {
	case err != nil:
		return "", err
	case role < a.row.role:
		return fmt.Sprintf("Nothing was done: %s is not for %s.", t.word(a.row.name, 0), withArticle(role)), nil
	case t.in.Delayed == 0 || a.row.reads || a.row.late:
		return "", nil
	}
	if t.now.Sub(t.in.Delayed) > liveFor {
		why = "you wrote it " + ago(t.now, t.in.Delayed) + " and it came only now"
	} else if !a.row.named {
		if why, _, err = t.late(a.chat, ""); err != nil {
			return "", err
		}
	}
	if why != "" {
		why = fmt.Sprintf("Not done now: %s. Type %s again if it is still wanted.", why, t.word(a.row.name, a.number()))
	}
	return why, nil
}

// make does the one command of a run. ok is false where the answer is a refusal already; not is what did not happen.
func (t *turn) make(a ask, x desk.Command, d doing) (answer Answer, ok bool, err error) {
	d.chat, d.ticket, d.command = a.chat, a.ticket, a.row.name
	reply, refused, err := t.do(x)
	switch {
	case err != nil:
		return Answer{}, false, err
	case refused != nil:
		answer, err = t.refused(refused, d)
		return answer, false, err
	}
	return Answer{Chat: a.chat, Ticket: a.ticket, Command: a.row.name, Reply: reply}, true, nil
}

// unreadable is the answer where a chat is none that the sender may read.
func (t *turn) unreadable(a ask) (Answer, error) {
	field := "chat"
	if a.ticket != 0 {
		field = "ticket"
	}
	return t.refused(&desk.Error{Code: desk.NotFound, Field: field}, doing{chat: a.chat, ticket: a.ticket, command: a.row.name})
}

// numbersOnly reads a text of nothing but numbers.
func numbersOnly(text string) (out []int, ok bool) {
	for w := range strings.FieldsFuncSeq(text, func(r rune) bool { return unicode.IsSpace(r) || r == ',' }) {
		n, ok := number(w)
		if !ok {
			return nil, false
		}
		out = append(out, n)
	}
	return out, true
}
