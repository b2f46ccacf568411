// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"slices"
	"strings"

	"refdesk/cluster/desk"
)

// mostTags is how many tags a list shows.
const mostTags = 60

// tagger is a chat or a ticket with what it can be tagged with.
type tagger struct {
	on    []string // its tags
	where string   // its department
	tags  []string // the department's; none = any
	dept  *desk.Department
}

// tagger reads a chat or a ticket for tagging; nil if it may not be read.
func (t *turn) tagger(a ask) (g *tagger, err error) {
	err = t.view(func(r desk.Reader) error {
		h, d, err := t.chatIn(r, a.chat)
		if err != nil {
			return err
		}
		if h != nil {
			g = &tagger{on: h.Tags, where: departmentName(d, h.Department), dept: d}
		}
		if k, dept, err := t.ticketIn(r, a.ticket); err != nil {
			return err
		} else if k != nil {
			d, g = dept, &tagger{on: k.Tags, where: departmentName(dept, k.Department), dept: dept}
		}
		if g != nil && d != nil {
			g.tags = d.Tags
		}
		return nil
	})
	return g, err
}

// list is the numbered list of the department's tags; "!N" runs the command with the N-th.
func (g *tagger) list(command string, chat uint64) *numbered {
	return tagsList(command, chat, g.tags, g.on)
}

func tagsList(command string, chat uint64, tags, on []string) *numbered {
	l := &numbered{kind: tagList, chat: chat}
	for _, tag := range tags[:min(len(tags), mostTags)] {
		label := flat(tag)
		if slices.Contains(on, tag) && command != "untag" {
			label += " – is on it"
		}
		l.entries = append(l.entries, entry{label: label, run: command, value: tag})
	}
	return l
}

// tagsOf reads the tags that a command names. nil with an answer: it could not be told which.
func (t *turn) tagsOf(a ask, g *tagger) (*tagsFound, Answer, error) {
	if a.items != nil || a.rest == "" {
		return &tagsFound{tags: a.items}, Answer{}, nil
	}
	entryOf, err := t.entryOf(a.number())
	if err != nil {
		return nil, Answer{}, err
	}
	var found tagsFound
	if len(g.tags) == 0 {
		found = freeTags(a.rest, entryOf)
	} else {
		found = splitTags(a.rest, g.tags, entryOf)
	}
	if found.ok() {
		return &found, Answer{}, nil
	}
	answer, err := t.noTag(a, g, found)
	return nil, answer, err
}

// entryOf reads tags by their number in the newest list, if that is one of a chat's tags.
func (t *turn) entryOf(chat uint64) (func(int) (string, bool), error) {
	l, err := t.list()
	return func(n int) (string, bool) {
		if l == nil || l.kind != tagList || l.chat != chat || n > len(l.entries) {
			return "", false
		}
		return l.entries[n-1].value, true
	}, err
}

// noTag says which word is no tag, or asks which of several was meant.
func (t *turn) noTag(a ask, g *tagger, found tagsFound) (Answer, error) {
	if len(found.many) > 0 {
		return t.tell("Nothing was done: %s may be any of these. !1 takes the first:%s",
			cut(flat(found.unknown), 40), t.keep(tagsList(a.row.name, a.number(), found.many, g.on)))
	}
	lists := t.word("tags", a.number()) + " lists them."
	if _, isNumber := number(found.unknown); isNumber {
		return t.tell("Nothing was done: the newest list here has no tag %s; %s", found.unknown, lists)
	}
	return t.tell("Nothing was done: %s has no tag «%s»; %s", g.where, cut(flat(found.unknown), 40), lists)
}

// tag puts tags on a chat.
func tag(t *turn, a ask) (Answer, error) {
	g, err := t.tagger(a)
	if err != nil {
		return Answer{}, err
	}
	if g == nil {
		return t.unreadable(a)
	}
	if a.items == nil && a.rest == "" {
		return tags(t, a)
	}
	found, answer, err := t.tagsOf(a, g)
	if found == nil {
		return answer, err
	}
	if len(found.tags) == 0 {
		return t.tell("Nothing was done: no tag was named.")
	}
	var x desk.Command = &desk.TagChat{Chat: a.chat, Tags: found.tags}
	if a.ticket != 0 {
		x = &desk.TagTicket{Ticket: a.ticket, Tags: found.tags}
	}
	answer, ok, err := t.make(a, x, doing{not: "Not tagged"})
	switch {
	case !ok:
	case answer.Reply.Seq == 0:
		answer.Text = fmt.Sprintf("%d was tagged %s already.", a.number(), tagWords(found.tags))
	default:
		answer.Text = fmt.Sprintf("%d is tagged %s.", a.number(), tagWords(found.tags))
	}
	return answer, err
}

// untag takes one tag off a chat.
func untag(t *turn, a ask) (Answer, error) {
	g, err := t.tagger(a)
	if err != nil {
		return Answer{}, err
	}
	if g == nil {
		return t.unreadable(a)
	}
	if a.items == nil && a.rest == "" {
		if len(g.on) == 0 {
			return t.tell("%d has no tags.", a.number())
		}
		return t.tell("Which tag comes off %d? !1 takes the first off:%s", a.number(), t.keep(tagsList("untag", a.number(), g.on, nil)))
	}
	// The chat's own tags first, then the department's: a message that comes twice names the same tag again.
	on := *g
	if on.tags = g.on; len(on.tags) == 0 || a.items == nil && !splitTags(a.rest, on.tags, nil).ok() {
		on.tags = slices.Concat(g.on, g.tags)
	}
	found, answer, err := t.tagsOf(a, &on)
	switch {
	case found == nil:
		return answer, err
	case len(found.tags) != 1:
		return t.tell("Nothing was done: one tag at a time comes off.")
	}
	var x desk.Command = &desk.UntagChat{Chat: a.chat, Tag: found.tags[0]}
	if a.ticket != 0 {
		x = &desk.TagTicket{Ticket: a.ticket, Untag: found.tags}
	}
	answer, ok, err := t.make(a, x, doing{not: "Nothing was done"})
	if ok {
		answer.Text = fmt.Sprintf("%s is off %d.", flat(found.tags[0]), a.number())
	}
	return answer, err
}

// tags lists the tags, numbered for one chat.
func tags(t *turn, a ask) (Answer, error) {
	if a.number() == 0 {
		return t.allTags()
	}
	g, err := t.tagger(a)
	switch {
	case err != nil:
		return Answer{}, err
	case g == nil:
		return t.unreadable(a)
	}
	word := t.word("tag", a.number())
	on := "It has none yet."
	if len(g.on) > 0 {
		on = fmt.Sprintf("It is tagged %s.", tagWords(g.on))
	}
	if len(g.tags) == 0 {
		return t.tell("%s takes any tag: %s TAG puts one on %d. %s", g.where, word, a.number(), on)
	}
	more := ""
	if n := len(g.tags) - mostTags; n > 0 {
		more = fmt.Sprintf("\nand %s more; the beginning of a tag is enough", count(n))
	}
	return t.tell("Tags of %s; %s 1 puts the first on %d. %s%s%s", g.where, word, a.number(), on, t.keep(g.list("tag", a.number())), more)
}

// allTags lists every department's tags.
func (t *turn) allTags() (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	var out []string
	for _, v := range s.views {
		if d := s.depts[v.ID]; len(d.Tags) > 0 {
			out = append(out, fmt.Sprintf("%s: %s", flat(d.Name), strings.Join(d.Tags[:min(len(d.Tags), mostTags)], ", ")))
		} else {
			out = append(out, flat(d.Name)+": any")
		}
	}
	return t.tell("tag 42 TAG tags a chat, tags 42 numbers them.\n%s", strings.Join(out, "\n"))
}
