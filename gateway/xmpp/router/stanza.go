// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"errors"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/c2s"
	"refdesk/gateway/xmpp/element"
)

// patience is how long a sender waits for the desk without a word.
const patience = 8 * time.Second

// retryEvery is the pause between two tries of what the desk could not decide.
const retryEvery = 500 * time.Millisecond

// Stanza handles one stanza of a client.
func (r *Router) Stanza(ctx context.Context, s *c2s.Session, el *element.Element, num uint32) {
	c := r.client(s)
	if c == nil {
		return
	}
	switch el.Local {
	case "message":
		c.messageIn(ctx, el, num)
	case "presence":
		c.presence(ctx, el)
	case "iq":
		c.iq(ctx, el, num)
	}
}

// insist calls try until the desk has decided: with the same key, so that repeats do no harm. Meanwhile nothing that the
// client sent later is handled, and the ack stands still. When the sender's patience is over, late is called once. It
// returns false when the session ended before.
func (c *client) insist(ctx context.Context, try func() error, late func()) bool {
	began, told := time.Now(), false
	for {
		err := try()
		if err == nil {
			return true
		}
		if !told && time.Since(began) >= patience {
			told = true
			late()
		}
		pause := time.NewTimer(retryEvery)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return false
		}
	}
}

// say sends the client a sentence from a bare address of the desk.
func (c *client) say(from, text string) {
	if text != "" {
		c.send(xmpp.Message(xmpp.Chat, from, c.s.JID(), pushID(), text))
	}
}

// store keeps something for the account and answers the iq if it can't be kept.
func (c *client) store(ctx context.Context, iq *element.Element, x *desk.SetAccountData, num uint32) bool {
	key, refused := c.key(num), (*desk.Error)(nil)
	ok := c.insist(ctx, func() error {
		_, err := c.r.store.Do(ctx, desk.Request{Actor: c.actor, Key: key, Command: x})
		if err != nil && !undecided(err) {
			errors.As(err, &refused)
			return nil
		}
		return err
	}, func() { c.late(iq) })
	switch {
	case !ok:
		return false
	case refused != nil && refused.Code == desk.Busy:
		c.fail(iq, xmpp.ResourceConstraint, "the account keeps too many items")
	case refused != nil:
		c.fail(iq, xmpp.NotAcceptable, "that is too much, or not of the form that can be kept")
	default:
		return true
	}
	return false
}

// late tells a sender that nothing can be confirmed at the moment.
func (c *client) late(el *element.Element) {
	if reply := xmpp.ErrorReply(el, &xmpp.StanzaError{
		Condition: xmpp.ResourceConstraint, Type: "wait", Text: "the desk can't confirm this now; it goes on trying",
	}); reply != nil {
		c.send(reply)
	}
}

func isNotFound(err error) bool { return errors.Is(err, &desk.Error{Code: desk.NotFound}) }
