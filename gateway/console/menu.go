// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"

	"refdesk/cluster/desk"
)

// menuSize is how many things a bare "!" lists.
const menuSize = 5

// menu answers a bare "!": the things that are possible now, the likeliest first.
func (t *turn) menu() (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	l := &numbered{kind: menuList, chat: t.in.Place.number()}
	if t.bot() {
		l.entries = t.c.botMenu(s)
	} else {
		l.entries = t.c.chatMenu(s)
	}
	l.entries = l.entries[:min(menuSize, len(l.entries))]
	if len(l.entries) == 0 {
		return t.tell("Nothing can be done here now; %s lists the commands.", t.word("help", 0))
	}
	return t.tell("Possible now; !1 does the first:%s", t.keep(l))
}

// likeliest is the order of a menu.
func likeliest() []string {
	return []string{
		"send", "accept", "claim", "decline", "reply", "close", "tag", "transfer", "note", "leave", "join", "assign", "who", "dismiss",
		"ticket", "faq", "wait", "reopen", "undo", "release", "untag",
	}
}

// chatMenu lists what can be done at a chat's address.
func (c *Console) chatMenu(s *scene) []entry {
	var out []entry
	for _, name := range likeliest() {
		row := c.grammar.words[name]
		if !s.offers(row) {
			continue
		}
		help := row.helpAt(s.place)
		e := entry{label: "!" + name + " – " + help, run: name}
		if row.shape == anyShape || row.shape == faqShape || row.needs || name == "send" {
			word := strings.TrimSpace("!" + name + " " + row.args)
			e = entry{label: word + " – " + help, say: fmt.Sprintf("Type %s: it %s.", word, help)}
		}
		out = append(out, e)
	}
	for _, name := range []string{"queue", "mine", "missed", "help"} {
		if row := c.grammar.words[name]; s.role >= row.role {
			out = append(out, entry{label: "!" + name + " – " + row.help, run: name})
		}
	}
	return out
}

// botMenu lists what can be done at the bot: chats that are offered or wait, then what looks around.
func (c *Console) botMenu(s *scene) []entry {
	var out []entry
	add := func(row *command, chats []*desk.Chat, most int) {
		if s.role < row.role {
			return
		}
		for _, h := range chats[:min(most, len(chats))] {
			out = append(out, entry{label: row.name + " " + s.summary(h), run: fmt.Sprintf("%s %d", row.name, h.Number)})
		}
	}
	add(c.grammar.words["accept"], s.fitting(c.grammar.words["accept"]), 1)
	add(c.grammar.words["claim"], s.inState(desk.Waiting), 2)
	if s.role >= desk.RoleOperator {
		for _, k := range s.tickets[:min(1, len(s.tickets))] {
			out = append(out, entry{label: "ticket " + s.ticketLine(k), run: fmt.Sprintf("claim %d", k.Number), open: true, named: true})
		}
	}
	for _, name := range []string{"queue", "mine", "missed", "tickets", "who", "help"} {
		if row := c.grammar.words[name]; s.role >= row.role {
			out = append(out, entry{label: name + " – " + row.help, run: name})
		}
	}
	return out
}

// pick answers "!N": it does what the newest list of this place has at N. It never publishes: that needs its word.
func (t *turn) pick(p parsed) (Answer, error) {
	picked, ok := numbersOnly(p.rest)
	if !ok || secondLine(t.in.Body) != "" {
		if t.bot() {
			return t.tell("Nothing was done: !%d answers a list, and then nothing may follow it.", p.number)
		}
		if t.in.Place.Ticket != 0 {
			return t.tell("Nothing was done and nothing was added to the draft: !%d answers a list, and then nothing may follow it.", p.number)
		}
		return t.hold(p.text, whyUnknown, fmt.Sprintf(
			"Not sent: !%d answers a list, and then nothing may follow it. !send sends your text as it is.", p.number))
	}
	l, err := t.list()
	if err != nil {
		return Answer{}, err
	}
	if l == nil {
		return t.tell("That list is gone, and nothing was done. ! lists what is possible now.")
	}
	picked = append([]int{p.number}, picked...)
	if len(picked) > 1 && l.kind != tagList {
		return t.tell("Nothing was done: one number at a time.")
	}
	var e entry
	a := ask{}
	for _, n := range picked {
		if n > len(l.entries) {
			return t.tell("The newest list here has no line %d; nothing was done. ! lists what is possible now.", n)
		}
		if e = l.entries[n-1]; e.value != "" {
			a.items = append(a.items, e.value)
		}
	}
	return t.entry(l, e, a)
}

// entry runs a line of a list.
func (t *turn) entry(l *numbered, e entry, a ask) (Answer, error) {
	if e.run == "" {
		return t.tell("%s", e.say)
	}
	word, rest, _ := strings.Cut(e.run, " ")
	a.row, a.rest, a.chat = t.c.grammar.words[word], rest, l.chat
	a.force, a.bare = forces(a.row), e.open
	switch {
	case a.items != nil:
		a.rest = e.more
	case a.row.about == noChat:
		a.chat = 0
	case e.named || t.bot():
		a.chat = 0
		first, more := token(a.rest)
		if n, ok := number(first); ok {
			a.chat, a.rest = uint64(n), more
		}
	}
	if why, err := t.resolve(&a); err != nil || why != "" {
		answer, _ := t.tell("Nothing was done: %s", why)
		return answer, err
	}
	if a.number() == 0 && a.row.about == thisChat {
		return t.which(a)
	}
	return t.perform(a)
}
