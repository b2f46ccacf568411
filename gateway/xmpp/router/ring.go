// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"fmt"
	"slices"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

const (
	ringWindow  = time.Minute      // what Config.Rings counts over
	bundleEvery = 20 * time.Second // between two sentences that stand for the rings beyond it
)

// rang rings the account's clients for a waiting chat.
func (m *member) rang(ctx context.Context, e desk.Event) {
	if !m.named(e) {
		return
	}
	text := ""
	_ = m.view(ctx, func(r desk.Reader) (err error) {
		text, err = m.ringLine(r, e.Chat)
		return err
	})
	m.ring(m.reachable(), e.Chat, "ring-"+lineID(e.Seq), text)
}

// ringLine is what rings for a chat; "" when it doesn't wait any more.
func (m *member) ringLine(r desk.Reader, chat uint64) (string, error) {
	h, err := r.Chat(chat)
	if err != nil || h.State != desk.Waiting {
		return "", err
	}
	d, err := r.Department(h.Department)
	if err != nil {
		return "", err
	}
	first, err := r.Line(chat, 1)
	if err != nil {
		return "", err
	}
	return console.RingLine(h, d, first, m.r.now()), nil
}

// ring sends a ring and remembers its id for each client. Nothing of it is stored, and a client that has gone gets none.
func (m *member) ring(to []*client, chat uint64, id, text string) {
	if text == "" || len(to) == 0 {
		return
	}
	if m.tooOften() {
		m.bundle(to)
		return
	}
	for _, c := range to {
		c.mu.Lock()
		c.rings[chat] = id
		c.mu.Unlock()
		_ = c.s.Send(ephemeral(xmpp.Message(xmpp.Chat, m.r.domains.Bot(), c.s.Bare(), id, text)), rung{chat})
	}
}

// tooOften reports whether this ring is one too many.
func (m *member) tooOften() bool {
	now := m.r.now()
	m.recent = slices.DeleteFunc(m.recent, func(t desk.Time) bool { return now.Sub(t) > ringWindow })
	if len(m.recent) >= m.r.cfg.Rings {
		return true
	}
	m.recent = append(m.recent, now)
	return false
}

// bundle says once in a while what stands for all the rings that are too many.
func (m *member) bundle(to []*client) {
	now := m.r.now()
	if now.Sub(m.bundled) < bundleEvery {
		return
	}
	m.bundled = now
	for _, c := range to {
		c.send(ephemeral(xmpp.Message(xmpp.Chat, m.r.domains.Bot(), c.s.Bare(), fmt.Sprintf("rings-%d", now),
			"More chats are waiting than can ring one by one. queue lists them.")))
	}
}

// answered corrects the ring at each client that got one (XEP-0308).
func (m *member) answered(ctx context.Context, chat uint64, by string) {
	name := by
	_ = m.view(ctx, func(r desk.Reader) error {
		name = console.Names(r)(by)
		return nil
	})
	m.unrung(chat, console.Taken(chat, name))
}

// unrung replaces the newest ring for a chat by a text; "" only forgets it.
func (m *member) unrung(chat uint64, text string) {
	for _, c := range m.all() {
		c.mu.Lock()
		id := c.rings[chat]
		delete(c.rings, chat)
		c.mu.Unlock()
		if id == "" || text == "" || !c.takes() {
			continue
		}
		c.send(ephemeral(xmpp.Message(xmpp.Chat, m.r.domains.Bot(), c.s.Bare(), id+"-answered", text).Add(xmpp.Replaces(id))))
	}
}

// ephemeral marks a message that nobody needs later (XEP-0334).
func ephemeral(msg *element.Element) *element.Element {
	return msg.Add(xmpp.Hint("no-store"), xmpp.Hint("no-permanent-store"))
}
