// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"refdesk/cluster/desk"
)

// mostCanned is how many canned replies a list shows.
const mostCanned = 40

// canned lists the canned replies, shows one, or sends it.
func canned(t *turn, a ask) (Answer, error) {
	var all []*desk.Canned
	if err := t.view(func(r desk.Reader) (err error) {
		all, err = r.Canned(t.me())
		return err
	}); err != nil {
		return Answer{}, err
	}
	name, more := token(a.rest)
	if len(a.items) == 1 { // of a form, or by "!N": then show follows
		name, more = a.items[0], a.rest
	}
	if a.number() == 0 || name == "" {
		return t.listCanned(all, a, name)
	}
	k, answer, err := t.pickCanned(all, a, name)
	if k == nil {
		return answer, err
	}
	text, lacks, err := t.filled(k.Text, a)
	switch {
	case err != nil:
		return Answer{}, err
	case len(lacks) > 0:
		return t.tell("Not sent: nothing fills in {%s} of %s. Its text: «%s».", strings.Join(lacks, "}, {"), k.Name, cut(text, 1000))
	case plainWord(more) == "show":
		return t.tell("%s says: «%s». %s sends it.", k.Name, text, t.word("c", a.number())+" "+k.Name)
	case more != "":
		return t.tell("Nothing was sent: %s takes a name, and show behind it to see it first.", t.word("c", 0))
	}
	return t.publish(a, text)
}

// publish says a prepared text to a chat's patron, or adds it to a ticket's draft.
func (t *turn) publish(a ask, text string) (Answer, error) {
	if a.ticket != 0 {
		return t.draft(a.ticket, text)
	}
	if n := utf8.RuneCountInString(text); n > desk.MaxText {
		return t.tell("%s", tooLong(n))
	}
	x := &desk.PostLine{Chat: a.chat, ID: cutBytes(t.in.ID, 256), Kind: desk.TextLine, Text: text, Resend: t.in.Resend}
	answer, ok, err := t.make(a, x, doing{not: "Not sent"})
	if ok {
		answer.Text = "Sent: «" + text + "»"
	}
	return answer, err
}

// listCanned lists those whose name starts with start.
func (t *turn) listCanned(all []*desk.Canned, a ask, start string) (Answer, error) {
	start = strings.ToLower(start)
	all = slices.DeleteFunc(slices.Clone(all), func(k *desk.Canned) bool { return !strings.HasPrefix(k.Name, start) })
	if len(all) == 0 {
		return t.tell("There is no canned reply%s.", behindWord(" called ", start))
	}
	l := &numbered{kind: cannedList, chat: a.number()}
	for _, k := range all[:min(len(all), mostCanned)] {
		e := entry{label: k.Name + " – " + quoted(k.Text, 80), value: k.Name, run: "c", more: "show"}
		if a.number() == 0 {
			e.run, e.say = "", fmt.Sprintf("%s says: «%s». c 42 %s sends it in chat 42.", k.Name, k.Text, k.Name)
		}
		l.entries = append(l.entries, e)
	}
	how := "c 42 NAME sends one in chat 42"
	if a.number() != 0 {
		how = t.word("c", a.number()) + " 1 sends the first"
	}
	return t.tell("Canned replies; %s, !1 shows it:%s", how, t.keep(l))
}

func behindWord(before, word string) string {
	if word == "" {
		return ""
	}
	return before + cut(flat(word), 40)
}

// pickCanned finds a reply by its name, its beginning, or its number in the newest list.
func (t *turn) pickCanned(all []*desk.Canned, a ask, name string) (*desk.Canned, Answer, error) {
	if n, ok := number(name); ok {
		l, err := t.list()
		if err != nil {
			return nil, Answer{}, err
		}
		if l == nil || l.kind != cannedList || l.chat != a.number() || n > len(l.entries) {
			answer, err := t.tell("Nothing was sent: the newest list here has no canned reply %d; %s lists them.", n, t.word("c", a.number()))
			return nil, answer, err
		}
		name = l.entries[n-1].value
	}
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = k.Name
	}
	one, many := matchOne(name, names)
	if one == "" && len(many) > 0 {
		answer, err := t.listCanned(all, a, name)
		return nil, answer, err
	}
	i := slices.Index(names, one)
	if i < 0 {
		answer, err := t.tell("Nothing was sent: there is no canned reply called %s; %s lists them.", cut(flat(name), 40), t.word("c", a.number()))
		return nil, answer, err
	}
	return all[i], Answer{}, nil
}

// gap is a variable of a canned reply: {name} or {name|fallback}.
var gap = regexp.MustCompile(`\{([a-z][a-z0-9._-]*)(\|[^{}]*)?\}`)

// filled fills the gaps of a canned reply with what is known. lacks are those that have neither value nor fallback.
func (t *turn) filled(text string, a ask) (out string, lacks []string, err error) {
	values, err := t.values(a)
	if err != nil {
		return "", nil, err
	}
	out = gap.ReplaceAllStringFunc(text, func(g string) string {
		m := gap.FindStringSubmatch(g)
		switch v := values[m[1]]; {
		case v != "":
			return v
		case m[2] != "":
			return m[2][1:]
		}
		lacks = append(lacks, m[1])
		return g
	})
	slices.Sort(lacks)
	return out, slices.Compact(lacks), nil
}

// values are what the gaps of a canned reply may be called, with what fills them.
func (t *turn) values(a ask) (map[string]string, error) {
	v := map[string]string{"number": fmt.Sprint(a.number())}
	err := t.view(func(r desk.Reader) error {
		h, d, err := t.chatIn(r, a.chat)
		if err != nil {
			return err
		}
		if h != nil {
			v["name"], v["email"], v["page"] = flat(h.Name), h.Email, flat(h.PageTitle)
			for _, f := range h.Fields {
				v[f.Name] = flat(f.Value)
			}
		}
		if k, dept, err := t.ticketIn(r, a.ticket); err != nil {
			return err
		} else if k != nil {
			d = dept
			v["name"], v["email"], v["subject"] = flat(k.Name), k.Email, flat(k.Subject)
		}
		if d != nil {
			v["department"] = flat(d.Name)
		}
		if v["library"], err = r.Setting("desk.name"); err != nil {
			return err
		}
		v["me"] = Names(r)(t.me())
		return nil
	})
	return v, err
}
