// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"fmt"

	"refdesk/cluster/desk"
)

// Finder searches what an actor may read of chats and tickets; the search door does.
type Finder interface {
	Find(ctx context.Context, actor desk.Actor, query string, limit int) ([]FindHit, error)
}

// FindHit is one thing that was found. Chat or Ticket is set, and both may be 0 for what has no number.
type FindHit struct {
	Chat    uint64
	Ticket  uint64
	At      desk.Time
	Heading string // who, where
	Text    string // the words around what was found, without marks
}

// mostHits is how many hits find shows.
const mostHits = 8

// find searches chats and tickets.
func find(t *turn, a ask) (Answer, error) {
	query := flat(a.rest)
	switch {
	case t.c.opts.Find == nil:
		return t.tell("This desk has no search yet.")
	case query == "":
		return t.tell("What for? %s WORDS, for example find late fee tag:renewals.", t.word("find", 0))
	}
	hits, err := t.c.opts.Find.Find(t.ctx, t.in.Actor, cutBytes(query, 1000), mostHits)
	if err != nil {
		return Answer{}, err
	}
	if len(hits) == 0 {
		return t.tell("Nothing was found for «%s».", cut(query, 100))
	}
	l := &numbered{kind: menuList}
	for _, h := range hits {
		l.entries = append(l.entries, hitEntry(h, t.now))
	}
	return t.tell("%s; !1 shows the first:%s", some(len(hits), "hit"), t.keep(l))
}

// hitEntry is the line of a hit; its number shows the chat's patron, or opens the ticket.
func hitEntry(h FindHit, now desk.Time) entry {
	e := entry{named: true}
	switch {
	case h.Ticket != 0:
		e.label, e.run, e.open = fmt.Sprintf("ticket %d ", h.Ticket), fmt.Sprintf("claim %d", h.Ticket), true
	case h.Chat != 0:
		e.label, e.run = fmt.Sprintf("%d ", h.Chat), fmt.Sprintf("who %d", h.Chat)
	}
	e.label += inline(h.Heading, 80)
	if h.At != 0 {
		e.label += " – " + ago(now, h.At)
	}
	if h.Text != "" {
		e.label += ": " + quoted(h.Text, 160)
	}
	if e.run == "" {
		e.say = e.label
	}
	return e
}
