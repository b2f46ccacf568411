// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"refdesk/cluster/desk"
)

// draft adds what was typed in a ticket to the sender's draft. Nothing of it is mailed before !send.
func (t *turn) draft(ticket uint64, text string) (Answer, error) {
	if n := utf8.RuneCountInString(text); n > desk.MaxText {
		return t.tell("Not added to the draft: %s of %s characters; split it.", count(n), count(desk.MaxText))
	}
	a := ask{row: t.c.grammar.words["reply"], ticket: ticket}
	x := &desk.DraftLine{Ticket: ticket, Text: text, Resend: t.in.Resend}
	answer, ok, err := t.make(a, x, doing{not: "Not added to the draft"})
	answer.Command = ""
	if ok {
		answer.Ticket = answer.Reply.Ticket
		answer.Text = fmt.Sprintf("Draft line %d, not sent. %s mails it.", answer.Reply.Line, t.word("send", ticket))
	}
	return answer, err
}

// quotes reports whether a body is held for a quotation that may be a note. In a ticket a quotation is part of the answer.
func quotes(p parsed) bool {
	after, _ := marked(strings.TrimLeftFunc(p.text, unseen), '>')
	_, twice := marked(after, '>')
	return p.why == whyQuote && !twice
}

// ticketSlip says what looks like a command gone wrong in a ticket. Nothing is held: a held text is a line for a chat.
func (t *turn) ticketSlip(p parsed) (Answer, error) {
	const as = "!reply TEXT adds it as it is."
	switch p.why {
	case whyUnknown:
		return t.tell("%s Nothing was added to the draft: %s !help lists the commands.", t.unknown("!", p.word), as)
	case whyList, whyNumber:
		return t.tell("Nothing was added to the draft: !%d answers the list that was shown here. %s", p.number, as)
	case whyQuote:
		return t.tell("Quote or note? Nothing was added to the draft: !note TEXT writes a note, %s", as)
	case whyLater:
		if p.word != ">>" {
			p.word = "!" + p.word
		}
		return t.tell("Nothing was added to the draft: a later line starts with %s. Type a command in a message of its own; %s", p.word, as)
	}
	return t.tell("Nothing was added to the draft: this looks like !%s without its mark. Type !%s … for the command; %s", p.word, p.word, as)
}

// reply adds to the draft of a ticket's answer, or shows it.
func reply(t *turn, a ask) (Answer, error) {
	if text := strings.TrimRightFunc(a.rest, unseen); text != "" {
		return t.draft(a.ticket, text)
	}
	k, d, err := t.drafted(a)
	if err != nil {
		return Answer{}, err
	}
	switch {
	case k == nil:
		return t.unreadable(a)
	case d == nil:
		return t.tell("There is no draft in %s. What you type there becomes one.", ticketWord(k.Number))
	}
	return t.tell("Draft for %s, not sent. %s mails it, %s takes the last line off:\n%s",
		recipients(k), t.word("send", a.ticket), t.word("undo", a.ticket), cut(d.Text(), 4000))
}

// drafted reads a ticket with the sender's draft; nil where there is none.
func (t *turn) drafted(a ask) (k *desk.Ticket, d *desk.Draft, err error) {
	err = t.view(func(r desk.Reader) error {
		if k, _, err = t.ticketIn(r, a.ticket); k == nil || err != nil {
			return err
		}
		d, err = r.Draft(a.ticket)
		return missing(err)
	})
	return k, d, err
}

// recipients says whom an answer goes to.
func recipients(k *desk.Ticket) string {
	all := k.Recipients()
	if len(all) == 0 {
		return "nobody (there is no address)"
	}
	s := inline(all[0], 254)
	if len(all) > 1 {
		cc := make([]string, len(all)-1)
		for i, c := range all[1:] {
			cc[i] = inline(c, 254)
		}
		s += ", copies to " + and(cc)
	}
	return s
}

// sendDraft mails the sender's draft, and says to whom and what.
func sendDraft(t *turn, a ask) (Answer, error) {
	k, d, err := t.drafted(a)
	if err != nil {
		return Answer{}, err
	}
	if k == nil {
		return t.unreadable(a)
	}
	answer, ok, err := t.make(a, &desk.DraftSend{Ticket: a.ticket}, doing{not: "Not sent"})
	if !ok {
		return answer, err
	}
	held, first := "", ""
	err = t.view(func(r desk.Reader) error {
		hold, err := r.Clock(desk.ClockMailHold)
		if hold > 0 {
			held = fmt.Sprintf(" It leaves in %s; %s takes it back until then.", wait(hold), t.word("undo", a.ticket))
		}
		return err
	})
	if d != nil {
		first = ": " + quotedText(d.Text(), 100)
		if n := len(lines(d.Text())); n > 1 {
			first += fmt.Sprintf(" (%s)", some(n, "line"))
		}
	}
	answer.Text = fmt.Sprintf("Mail to %s%s.%s", recipients(k), first, held)
	return answer, err
}

// quotedText is the first line of a text in quotes.
func quotedText(text string, n int) string {
	for _, l := range lines(text) {
		if l = flat(l); l != "" {
			return "«" + cut(l, n) + "»"
		}
	}
	return "«»"
}

// undoTicket takes back the sender's newest mail while it is held; else the last line of the draft.
func undoTicket(t *turn, a ask) (Answer, error) {
	var entry uint64
	err := t.view(func(r desk.Reader) error {
		k, _, err := t.ticketIn(r, a.ticket)
		if k == nil || err != nil {
			return err
		}
		all, err := r.Entries(a.ticket, k.Entries-min(k.Entries, 50), 0)
		for _, e := range all {
			if e.Purpose == desk.MailAnswer && e.By == t.me() && e.HoldUntil > t.now && (e.Mail == desk.OutWanted || e.Mail == desk.OutQueued) {
				entry = e.N
			}
		}
		return err
	})
	if err != nil {
		return Answer{}, err
	}
	if entry == 0 {
		return t.undoDraft(a)
	}
	answer, ok, err := t.make(a, &desk.UndoReply{Ticket: a.ticket, Entry: entry}, doing{not: "Not taken back"})
	if ok {
		answer.Text = fmt.Sprintf("The mail does not go out; its text is your draft again. %s shows it.", t.word("reply", a.ticket))
	}
	return answer, err
}

// undoDraft takes the draft's last line off. It is shown, so that nothing typed is lost: it may be a whole mail that was
// taken back.
func (t *turn) undoDraft(a ask) (Answer, error) {
	_, d, err := t.drafted(a)
	if err != nil {
		return Answer{}, err
	}
	answer, ok, err := t.make(a, &desk.DraftDrop{Ticket: a.ticket, Last: true}, doing{not: "Nothing was taken back"})
	if !ok {
		return answer, err
	}
	answer.Text = fmt.Sprintf("The last line is off the draft; it has %s.", some(int(answer.Reply.Line), "line"))
	if d != nil && len(d.Lines) > 0 {
		answer.Text += fmt.Sprintf(" It was: «%s»", d.Lines[len(d.Lines)-1])
	}
	return answer, nil
}

// noteTicket writes a note on a ticket.
func noteTicket(t *turn, a ask) (Answer, error) { return t.ticketNote(a.ticket, a.rest) }

func (t *turn) ticketNote(ticket uint64, text string) (Answer, error) {
	text = strings.TrimRightFunc(text, unseen)
	if text == "" {
		return t.tell("No note was written: its text goes behind the word, %s TEXT.", t.word("note", ticket))
	}
	a := ask{row: t.c.grammar.words["note"], ticket: ticket}
	answer, ok, err := t.make(a, &desk.NoteTicket{Ticket: ticket, Text: text, Resend: t.in.Resend}, doing{not: "No note was written"})
	if ok {
		answer.Note = true
		answer.Text = "Note, only staff see it: " + text
		if ticket != t.in.Place.Ticket {
			answer.Text = fmt.Sprintf("Note on %d, only staff see it: %s", ticket, text)
		}
	}
	return answer, err
}
