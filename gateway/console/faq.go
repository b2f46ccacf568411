// SPDX-License-Identifier: Apache-2.0

package console

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"refdesk/cluster/desk"
)

// FAQs searches the FAQs; the search door does. lang is the reader's language, "" if it isn't known.
type FAQs interface {
	Search(ctx context.Context, text, lang string, limit int) ([]FAQHit, error)
}

// FAQHit is an FAQ that a search has found.
type FAQHit struct{ Slug, Question string }

// mostFAQs is how many FAQs a search lists.
const mostFAQs = 6

// faq searches the FAQs, or shows, sends or links one of the newest list.
func faq(t *turn, a ask) (Answer, error) {
	if len(a.items) == 1 {
		return t.useFAQ(a, a.items[0], plainWord(a.rest))
	}
	words := strings.Fields(a.rest)
	if len(words) == 0 && t.bot() && a.number() != 0 { // "faq 2" at the bot: of its list, where there is one
		words = []string{fmt.Sprint(a.number())}
		a = ask{row: a.row}
	}
	how := ""
	if len(words) == 2 {
		how = plainWord(words[1])
	}
	n, isNumber := number(plainWord(strings.Join(words[:min(1, len(words))], "")))
	switch {
	case len(words) == 0:
		return t.tell("What about? %s WORDS searches the FAQs.", t.word("faq", a.number()))
	case isNumber && (len(words) == 1 || how == "show" || how == "link"):
		return t.listedFAQ(a, n, how)
	case t.bot() && a.number() != 0 && len(words) == 1 && (words[0] == "show" || words[0] == "link"): // "faq 2 show"
		return t.listedFAQ(ask{row: a.row}, int(a.number()), words[0])
	}
	return t.searchFAQs(a)
}

// listedFAQ uses an FAQ by its number in the newest list.
func (t *turn) listedFAQ(a ask, n int, how string) (Answer, error) {
	l, err := t.list()
	if err != nil {
		return Answer{}, err
	}
	if l == nil || l.kind != faqList || n > len(l.entries) {
		return t.tell("Nothing was sent: there is no list here with an FAQ %d. %s WORDS makes one.", n, t.word("faq", a.number()))
	}
	return t.useFAQ(a, l.entries[n-1].value, how)
}

// searchFAQs lists the FAQs that fit some words.
func (t *turn) searchFAQs(a ask) (Answer, error) {
	hits, err := t.foundFAQs(a)
	if err != nil {
		return Answer{}, err
	}
	if len(hits) == 0 {
		return t.tell("No FAQ fits «%s».", cut(flat(a.rest), 100))
	}
	word := t.word("faq", a.number())
	l := &numbered{kind: faqList, chat: a.number()}
	for _, h := range hits[:min(len(hits), mostFAQs)] {
		l.entries = append(l.entries, entry{label: inline(h.Question, 160), value: h.Slug, run: "faq", more: "show"})
	}
	if a.number() == 0 {
		return t.tell("FAQs; faq 1 shows the first, faq 42 1 sends it in chat 42:%s", t.keep(l))
	}
	return t.tell("FAQs; %s 1 sends the first answer, %s 1 show shows it, %s 1 link sends its page:%s", word, word, word, t.keep(l))
}

func (t *turn) foundFAQs(a ask) ([]FAQHit, error) {
	text := cutBytes(flat(a.rest), 400)
	lang := ""
	h, _, err := t.chat(a.chat)
	if h != nil {
		lang = h.Locale
	}
	if err != nil || t.c.opts.FAQs != nil {
		if err != nil {
			return nil, err
		}
		return t.c.opts.FAQs.Search(t.ctx, text, lang, mostFAQs)
	}
	var all []*desk.FAQ
	err = t.view(func(r desk.Reader) error {
		all, err = r.FAQs()
		return err
	})
	return wordMatch(all, text), err
}

// wordMatch finds published FAQs by the beginnings of their words: the question counts most, then its other wordings.
func wordMatch(all []*desk.FAQ, text string) []FAQHit {
	type scored struct {
		hit   FAQHit
		score int
	}
	var found []scored
	words := strings.FieldsFunc(strings.ToLower(text), noLetter)
	for _, q := range all {
		if q.State != desk.FAQPublished {
			continue
		}
		score := 0
		for _, part := range []struct {
			text   string
			weight int
		}{{q.Question, 4}, {strings.Join(slices.Concat(q.Also, q.Topics), " "), 3}, {q.Answer, 1}} {
			have := strings.FieldsFunc(strings.ToLower(part.text), noLetter)
			for _, w := range words {
				if len(w) > 2 && startsOneOf(have, w) {
					score += part.weight
				}
			}
		}
		if score > 0 {
			found = append(found, scored{FAQHit{q.Slug, q.Question}, score})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	out := make([]FAQHit, 0, mostFAQs)
	for _, f := range found[:min(len(found), mostFAQs)] {
		out = append(out, f.hit)
	}
	return out
}

func noLetter(r rune) bool {
	return strings.ContainsRune(" \t\n.,;:!?\"'()[]{}<>*_`#|/\\-–—«»“”‘’", r)
}

func startsOneOf(words []string, start string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, start) })
}

// useFAQ shows, sends or links an FAQ. Without a chat it can only be shown.
func (t *turn) useFAQ(a ask, slug, how string) (Answer, error) {
	var q *desk.FAQ
	err := t.view(func(r desk.Reader) (err error) {
		q, err = r.FAQ(slug)
		return missing(err)
	})
	if err != nil {
		return Answer{}, err
	}
	if q == nil || q.State != desk.FAQPublished {
		return t.tell("Nothing was sent: that FAQ is not there any more.")
	}
	link := ""
	if t.c.opts.FAQLink != nil {
		link = t.c.opts.FAQLink(slug)
	}
	text := plainText(q.Answer)
	switch {
	case how == "link" && link == "":
		return t.tell("Nothing was sent: the FAQs of this desk have no pages.")
	case a.number() == 0 && how == "link":
		return t.tell("%s – %s", inline(q.Question, 200), link)
	case a.number() == 0 || how == "show":
		if link != "" {
			text += "\n" + link
		}
		return t.tell("%s\n%s", flat(q.Question), cut(text, 3000))
	case how == "link":
		return t.publish(a, flat(q.Question)+" "+link)
	}
	return t.publish(a, text)
}
