// SPDX-License-Identifier: Apache-2.0

package console

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"unicode/utf8"

	"refdesk/cluster/desk"
)

// askAround asks the colleagues who are connected. In a chat the question becomes a note first, under the stanza's own key;
// the messages to the colleagues have keys made from it, so that a repeat sends none of them twice.
func askAround(t *turn, a ask) (Answer, error) {
	question := flat(a.rest)
	if question == "" {
		return t.tell("Nobody was asked: the question goes behind the word, %s QUESTION.", t.word("ask", a.number()))
	}
	text, to, err := t.around(a, question)
	if err != nil {
		return Answer{}, err
	}
	if n := utf8.RuneCountInString(text); n > desk.MaxText {
		return t.tell("Nobody was asked: %s of %s characters.", count(n), count(desk.MaxText))
	}
	if len(to) == 0 {
		return t.tell("Nobody was asked: no colleague is connected.")
	}
	answer := Answer{Chat: a.chat, Ticket: a.ticket, Command: a.row.name}
	if a.number() != 0 {
		note := "Asked colleagues: " + question
		var x desk.Command = &desk.PostLine{Chat: a.chat, ID: cutBytes(t.in.ID, 256), Kind: desk.NoteLine, Text: note}
		if a.ticket != 0 {
			x = &desk.NoteTicket{Ticket: a.ticket, Text: note}
		}
		var ok bool
		if answer, ok, err = t.make(a, x, doing{not: "Nobody was asked"}); !ok {
			return answer, err
		}
	}
	var asked []string
	for _, p := range to {
		_, refused, err := t.propose(&desk.SendMessage{To: p.Account, Body: text}, t.keyFor("ask", p.Account))
		if err != nil {
			return Answer{}, err
		}
		if refused == nil {
			asked = append(asked, flat(p.PublicName))
		}
	}
	answer.Text = fmt.Sprintf("Asked %s; they answer you.", and(asked))
	return answer, nil
}

// around is what colleagues are asked, and who they are: those connected who answer the chat's department, or share one
// with the sender.
func (t *turn) around(a ask, question string) (text string, to []*desk.Staff, err error) {
	s, err := t.scene()
	if err != nil {
		return "", nil, err
	}
	text = question
	var crew []string
	h, d, err := t.chat(a.chat)
	if err != nil {
		return "", nil, err
	}
	if h != nil && d != nil {
		crew = d.Crew()
		text = fmt.Sprintf("About %s: %s", heading(h, d), question)
	}
	k, dept, err := t.ticket(a.ticket)
	if err != nil {
		return "", nil, err
	}
	if k != nil && dept != nil {
		crew = dept.Crew()
		text = fmt.Sprintf("About ticket %s: %s", s.ticketLine(k), question)
	}
	for _, p := range s.staff {
		if p.Account == t.me() && crew == nil {
			crew = p.Departments
		}
	}
	for _, p := range s.staff {
		serves := slices.ContainsFunc(p.Departments, func(id string) bool { return slices.Contains(crew, id) })
		if p.Account != t.me() && s.reach[p.Account] != desk.Gone && serves {
			to = append(to, p)
		}
	}
	return text, to, nil
}

// keyFor is a key for one of several commands of a call, made from the stanza's own.
func (t *turn) keyFor(what, whom string) desk.Key {
	k := t.in.Key
	if k == (desk.Key{}) {
		return k
	}
	sum := sha256.Sum256([]byte(k.Kind + "\x00" + k.ID + "\x00" + what + "\x00" + whom))
	return desk.Key{Kind: desk.KeySession, Principal: k.Principal, ID: hex.EncodeToString(sum[:24])}
}

// handover offers all of the sender's chats to a colleague.
func handover(t *turn, a ask) (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	to := a.rest
	if len(a.items) == 1 {
		to = a.items[0]
	}
	m := matchTarget(to, s.staff, nil)
	switch {
	case to == "":
		return t.tell("Nothing was handed over: whom to? %s NAME.", t.word("handover", 0))
	case len(m.many) > 0:
		return t.tell("Nothing was handed over: %s may be several colleagues.", cut(flat(m.word), 40))
	case m.staff == nil:
		return t.tell("Nothing was handed over: there is nobody called %s.", cut(flat(to), 40))
	case m.staff.Account == t.me():
		return t.tell("That is you.")
	}
	var own, kept []string
	for _, h := range s.chats {
		if !mine(h, t.me()) {
			continue
		}
		x := &desk.TransferChat{Chat: h.Number, To: m.staff.Account, Why: "handed over"}
		_, refused, err := t.propose(x, t.keyFor("handover", fmt.Sprint(h.Number)))
		switch {
		case err != nil:
			return Answer{}, err
		case refused != nil && refused.Code == desk.Offline:
			return t.tell("Nothing was handed over: %s is not connected.", flat(m.staff.PublicName))
		case refused != nil:
			kept = append(kept, fmt.Sprint(h.Number))
		default:
			own = append(own, fmt.Sprint(h.Number))
		}
	}
	left := ""
	if n := len(s.tickets); n > 0 {
		left = fmt.Sprintf(" Your %s stay yours; assign hands one on.", some(n, "ticket"))
	}
	if len(kept) > 0 {
		left = fmt.Sprintf(" Not offered: %s.", and(kept)) + left
	}
	if len(own) == 0 {
		return t.tell("You have no chats to hand over.%s", left)
	}
	return t.tell("Offered to %s: %s. Each stays yours until they accept.%s", flat(m.staff.PublicName), and(own), left)
}
