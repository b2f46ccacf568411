// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"

	"refdesk/cluster/desk"
)

// transfer offers a chat to a colleague, or moves it to a department.
func transfer(t *turn, a ask) (Answer, error) {
	if a.items == nil && a.rest == "" {
		return t.whoIsThere(a)
	}
	x, answer, err := t.transferOf(a)
	if x == nil {
		return answer, err
	}
	answer, ok, err := t.make(a, x, doing{not: "Not handed on"})
	if !ok {
		return answer, err
	}
	return answer, t.view(func(r desk.Reader) error {
		if x.To != "" {
			answer.Text = fmt.Sprintf("%d is offered to %s. It stays yours until they accept.", a.chat, Names(r)(x.To))
			return nil
		}
		d, err := r.Department(x.Department)
		answer.Text = fmt.Sprintf("%d waits in %s now, where its age puts it.", a.chat, departmentName(d, x.Department))
		return missing(err)
	})
}

// transferOf reads whom a chat goes to; nil with an answer where that is not clear.
func (t *turn) transferOf(a ask) (*desk.TransferChat, Answer, error) {
	x := &desk.TransferChat{Chat: a.chat, Why: flat(a.rest)}
	to, picked, err := t.pickedTarget(&a)
	if err != nil {
		return nil, Answer{}, err
	}
	if picked {
		x.Why = flat(a.rest)
		if dept, ok := strings.CutPrefix(to, "#"); ok {
			x.Department = dept
			return x, Answer{}, nil
		}
		x.To = to
		return x, Answer{}, nil
	}
	s, err := t.scene()
	if err != nil {
		return nil, Answer{}, err
	}
	m := matchTarget(a.rest, s.staff, s.views)
	x.Why = flat(m.why)
	switch {
	case m.dept != nil:
		x.Department = m.dept.ID
		return x, Answer{}, nil
	case m.staff != nil && m.staff.Account == t.me():
		answer, err := t.tell("That is you: %d stays as it is.", a.chat)
		return nil, answer, err
	case m.staff != nil:
		x.To = m.staff.Account
		return x, Answer{}, nil
	case len(m.many) > 0:
		l := &numbered{kind: toList, chat: a.chat}
		for _, p := range m.many {
			l.entries = append(l.entries, entry{label: s.person(p), run: "transfer", value: p.Account, more: x.Why})
		}
		answer, err := t.tell("Whom do you mean? Nothing was done yet; !1 offers it to the first.%s", t.keep(l))
		return nil, answer, err
	}
	if n, isNumber := number(m.word); isNumber {
		answer, err := t.tell("Not handed on: the newest list here has no line %d to hand it to. %s alone lists who is there.",
			n, t.word("transfer", a.chat))
		return nil, answer, err
	}
	answer, err := t.tell("Not handed on: there is nobody and no department called %s. %s alone lists who is there.",
		cut(flat(m.word), 40), t.word("transfer", a.chat))
	return nil, answer, err
}

// pickedTarget is a target that was chosen in a form or by its number in the newest list.
func (t *turn) pickedTarget(a *ask) (to string, ok bool, err error) {
	if len(a.items) > 0 {
		return a.items[0], true, nil
	}
	first, more := token(a.rest)
	n, isNumber := number(plainWord(first))
	if !isNumber {
		return "", false, nil
	}
	l, err := t.list()
	if err != nil || l == nil || l.kind != toList || l.chat != a.chat || n > len(l.entries) {
		return "", false, err
	}
	a.rest = more
	return l.entries[n-1].value, true, nil
}

// whoIsThere lists whom a chat can be handed to.
func (t *turn) whoIsThere(a ask) (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	l := &numbered{kind: toList, chat: a.chat}
	for _, o := range s.targets(a.chat) {
		l.entries = append(l.entries, entry{label: o.Label, run: "transfer", value: o.Value})
	}
	if len(l.entries) == 0 {
		return t.tell("Nobody else is connected, and no other department has anybody there now.")
	}
	return t.tell("Hand %d to whom? %s NAME says it; !1 takes the first of these:%s", a.chat, t.word("transfer", a.chat), t.keep(l))
}

// targets are the colleagues who are connected and the departments that have somebody there.
func (s *scene) targets(chat uint64) []Option {
	var out []Option
	for _, p := range s.staff {
		if p.Account != s.me && s.reach[p.Account] != desk.Gone {
			out = append(out, Option{Label: s.person(p), Value: p.Account})
		}
	}
	for _, v := range s.views {
		if v.State == desk.StateClosed || s.isIn(chat, v.ID) {
			continue
		}
		label := fmt.Sprintf("#%s – %s", v.ID, flat(v.Name))
		if v.Waiting > 0 {
			label += fmt.Sprintf(" – %d waiting", v.Waiting)
		}
		out = append(out, Option{Label: label, Value: "#" + v.ID})
	}
	return out
}

func (s *scene) isIn(chat uint64, department string) bool {
	for _, h := range s.chats {
		if h.Number == chat {
			return h.Department == department
		}
	}
	return false
}

// person is a colleague in one line.
func (s *scene) person(p *desk.Staff) string {
	how := map[desk.Reach]string{desk.Gone: "not connected", desk.Away: "away", desk.Available: "there"}[s.reach[p.Account]]
	line := fmt.Sprintf("%s (%s) – %s", flat(p.Name), p.Account, how)
	n := 0
	for _, h := range s.chats {
		if mine(h, p.Account) {
			n++
		}
	}
	if n > 0 {
		line += " – has " + some(n, "chat")
	}
	return line
}
