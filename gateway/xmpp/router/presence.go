// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"slices"
	"strconv"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// showEvery is the shortest time between two commits of one session's presence.
const showEvery = 2 * time.Second

// presence handles a presence stanza.
func (c *client) presence(ctx context.Context, el *element.Element) {
	kind := el.Attr("type")
	switch to := el.Attr("to"); {
	case to == "" && (kind == "" || kind == xmpp.Unavailable):
		c.ownPresence(ctx, el)
	case to == "" || kind == xmpp.TypeError:
	default:
		c.directed(ctx, el, kind)
	}
}

// readShow reads what a presence says of its sender (RFC 6121 §4.7.2).
func readShow(el *element.Element) shown {
	if el.Attr("type") == xmpp.Unavailable {
		return shown{}
	}
	s := shown{show: desk.ShowOnline}
	switch show := desk.Show(el.ChildText(xmpp.NSClient, "show")); show {
	case desk.ShowChat, desk.ShowAway, desk.ShowXA, desk.ShowDND:
		s.show = show
	}
	s.status = el.ChildText(xmpp.NSClient, "status") != ""
	if p, err := strconv.ParseInt(el.ChildText(xmpp.NSClient, "priority"), 10, 8); err == nil {
		s.priority = p
	}
	return s
}

// ownPresence takes a client's own presence. The first one brings it everything that waits for it; then the desk learns of
// it, and rings.
func (c *client) ownPresence(ctx context.Context, el *element.Element) {
	now := readShow(el)
	c.mu.Lock()
	first := !c.available && now.show != desk.NoShow
	c.available, c.wanted = now.show != desk.NoShow, now
	wait := time.Until(c.shownAt.Add(showEvery))
	c.mu.Unlock()
	if first {
		c.m.await(ctx, func(work context.Context) { c.m.arrive(work, c) })
	}
	if wait > 0 && !first {
		c.showLater(wait)
		return
	}
	c.commitShow(ctx)
}

// showLater commits the presence that holds by then.
func (c *client) showLater(wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.showTimer != nil {
		c.showTimer.Stop()
	}
	if !c.over {
		c.showTimer = time.AfterFunc(wait, c.showNow)
	}
}

// showNow commits in a goroutine that Run waits for: a client whose session is over starts none any more.
func (c *client) showNow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.r.work.Go(func() { c.commitShow(c.r.ctx) })
	}
}

// commitShow tells the desk of the presence that the client said last, if that is news. Without a quorum it is tried again.
func (c *client) commitShow(ctx context.Context) {
	c.mu.Lock()
	now, news := c.wanted, c.wanted != c.shown && !c.over
	c.mu.Unlock()
	if !news {
		return
	}
	_, err := c.r.store.Do(ctx, desk.Request{Actor: c.actor, Command: &desk.SetShow{
		ID: c.s.ID(), Show: now.show, Status: now.status, Priority: now.priority,
	}})
	if err != nil && undecided(err) {
		if ctx.Err() == nil {
			c.showLater(showEvery)
		}
		return
	}
	if err != nil {
		c.r.log.Warn("presence refused", "staff", c.m.account, "err", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shown, c.shownAt = now, time.Now()
}

// directed answers presence that is for one address. Everything on the contact list may be seen by all staff, so that a
// subscription is granted at once and can't be taken back.
func (c *client) directed(ctx context.Context, el *element.Element, kind string) {
	j, err := xmpp.ParseJID(el.Attr("to"))
	if err != nil {
		return
	}
	target := c.r.domains.Target(j)
	bare := j.Bare().String()
	switch {
	case target.Place == xmpp.RoomsPlace || target.Place == xmpp.Elsewhere:
		if kind == "" || kind == xmpp.Subscribe {
			c.fail(el, xmpp.RemoteServerNotFound, "this desk exchanges nothing with other servers, and has no rooms yet")
		}
	case kind == xmpp.Subscribe:
		c.send(xmpp.Presence(xmpp.Subscribed, bare, c.s.Bare()))
		c.m.await(ctx, func(work context.Context) { c.m.showContacts(work, c) })
	case kind == xmpp.Probe:
		c.m.await(ctx, func(work context.Context) { c.m.showContacts(work, c) })
	case kind == xmpp.Unsubscribe:
		c.send(xmpp.Presence(xmpp.Unsubscribed, bare, c.s.Bare()))
	}
}

func (m *member) colleaguePresence(s *desk.Session, from, to string) *element.Element {
	show := string(s.Show)
	if s.Show == desk.ShowOnline {
		show = ""
	}
	p := xmpp.Available(from, to, show, "")
	if s.Priority != 0 {
		p.Add(element.Text(xmpp.NSClient, "priority", strconv.FormatInt(s.Priority, 10)))
	}
	return p
}

// colleague shows that somebody of the staff has come, gone, or changed what they show.
func (m *member) colleague(ctx context.Context, e desk.Event) {
	if e.Kind == desk.SessionClosed && e.Staff == m.account {
		m.ended(e)
	}
	if e.Kind == desk.SessionOpened || !slices.ContainsFunc(m.all(), (*client).isAvailable) {
		return // nothing is shown before its first presence, and to nobody who isn't there
	}
	x := m.r.sightings.of(ctx, e)
	for _, c := range m.all() {
		if !c.isAvailable() || c.s.ID() == e.Session && e.Kind == desk.SessionClosed {
			continue
		}
		if x.session != nil {
			if full, ok := m.r.sightings.appears(x.session); ok {
				c.send(m.colleaguePresence(x.session, full, c.s.JID()))
				continue
			}
		}
		if x.before != "" {
			c.send(xmpp.Presence(xmpp.Unavailable, x.before, c.s.JID()))
		}
	}
}
