// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// messageIn handles a message of a client.
func (c *client) messageIn(ctx context.Context, el *element.Element, num uint32) {
	if el.Attr("type") == xmpp.TypeError {
		return
	}
	to := el.Attr("to")
	if to == "" {
		to = c.s.Bare()
	}
	j, err := xmpp.ParseJID(to)
	if err != nil {
		c.fail(el, xmpp.JIDMalformed, "")
		return
	}
	target := c.r.domains.Target(j)
	switch target.Place {
	case xmpp.BotPlace, xmpp.ChatDomain, xmpp.ServerPlace, xmpp.DepartmentPlace:
		c.toDesk(ctx, el, console.Place{}, j.Bare().String(), num)
	case xmpp.ChatPlace:
		c.toDesk(ctx, el, console.Place{Chat: target.Chat}, j.Bare().String(), num)
	case xmpp.TicketPlace:
		c.toDesk(ctx, el, console.Place{Ticket: target.Ticket}, j.Bare().String(), num)
	case xmpp.AccountPlace:
		c.toColleague(ctx, el, target.Account, num)
	case xmpp.RoomsPlace:
		c.fail(el, xmpp.ServiceUnavailable, "rooms are not here yet")
	default:
		c.fail(el, xmpp.RemoteServerNotFound, "this desk exchanges no messages with other servers")
	}
}

// toDesk takes what was written to the bot or to a chat.
func (c *client) toDesk(ctx context.Context, el *element.Element, place console.Place, from string, num uint32) {
	if method, yes := xmpp.Encrypted(el); yes {
		c.fail(el, xmpp.NotAcceptable, "the desk can't read encrypted messages")
		c.say(from, "Not sent: your message was encrypted ("+method+") and the desk can't read it. "+unencrypted(c.s.Resource()))
		return
	}
	if what := afterwards(el); what != "" {
		c.fail(el, xmpp.NotImplemented, what)
		c.say(from, "Nothing was changed: "+what+".")
		return
	}
	body, reply := xmpp.Answered(el)
	if body == "" {
		c.silent(el, place)
		return
	}
	in := console.Input{
		Actor: c.actor, Key: c.key(num), Place: place, ID: el.Attr("id"), Resend: resend(el, from, body), Body: body, Reply: reply,
		Got: c.gotOf, Typing: c.r.typists.typing,
	}
	if at, ok := xmpp.ReadDelay(el); ok {
		in.Delayed = desk.At(at)
	}
	c.run(ctx, el, from, func() (console.Answer, error) { return c.r.console.Handle(ctx, in) })
}

// run gets an answer from the console and tells the client.
func (c *client) run(ctx context.Context, el *element.Element, from string, ask func() (console.Answer, error)) {
	var a console.Answer
	waited := false
	if !c.insist(ctx, func() (err error) {
		a, err = ask()
		return err
	}, func() { waited = true; c.late(el) }) {
		return
	}
	if waited && a.Posted {
		c.say(from, "Sent after all, once.")
	}
	if a.Refused != nil && a.Command == "" {
		c.fail(el, condition(a.Refused), a.Text)
	}
	if a.Open != 0 {
		c.m.await(ctx, func(work context.Context) { c.m.open(work, c, a.Open) })
	}
	c.say(from, a.Text)
	c.track(el, a)
}

// condition is the stanza error that a refusal of the desk amounts to.
func condition(refused *desk.Error) xmpp.Condition {
	switch refused.Code {
	case desk.Conflict:
		return xmpp.ConflictCondition
	case desk.NotFound:
		return xmpp.ItemNotFound
	case desk.Invalid, desk.NewerLine, desk.NeedsTag, desk.NeedsEmail:
		return xmpp.NotAcceptable
	case desk.Over:
		return xmpp.Gone
	case desk.Offline:
		return xmpp.RecipientUnavailable
	case desk.Busy:
		return xmpp.ResourceConstraint
	}
	return xmpp.NotAllowed
}

// resend is what a line is known by when its client sends it again after a broken connection (3-staff, SM).
func resend(el *element.Element, to, body string) string {
	id := xmpp.OriginID(el)
	if id == "" {
		id = el.Attr("id")
	}
	if id == "" {
		return ""
	}
	h := sha256.New()
	for _, part := range []string{id, to, body} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:24])
}

// afterwards says what a message would change of an earlier one, if it does: a correction (XEP-0308), a retraction
// (XEP-0424), a reaction (XEP-0444). Their fallback bodies are for people and must reach nobody as a line.
func afterwards(el *element.Element) string {
	for child := range el.Elements() {
		switch child.Space {
		case xmpp.NSCorrect:
			return "a line that was sent can't be corrected here yet; write another one"
		case xmpp.NSRetract:
			return "a line that was sent can't be taken back here yet"
		case xmpp.NSReactions:
			return "reactions are not passed on"
		}
	}
	return ""
}

// silent takes a message without a body: typing passes as a hint, all else needs no answer.
func (c *client) silent(el *element.Element, place console.Place) {
	if place.Chat == 0 {
		return
	}
	for child := range el.Elements() {
		if child.Space == xmpp.NSChatStates {
			c.m.post(func(context.Context) {
				if c.m.mine[place.Chat] {
					c.r.typing(place.Chat, child.Local == "composing")
				}
			})
		}
	}
}

// toColleague keeps a message for a colleague. What has no body concerns only who is connected here.
func (c *client) toColleague(ctx context.Context, el *element.Element, to string, num uint32) {
	body, _ := xmpp.Body(el)
	if body == "" {
		c.pass(el, to)
		return
	}
	key := c.key(num)
	var refused *desk.Error
	x := &desk.SendMessage{To: to, ID: strings.ToValidUTF8(el.Attr("id")[:min(len(el.Attr("id")), 256)], ""), Body: body, Resend: resend(el, to, body)}
	if !c.insist(ctx, func() error {
		_, err := c.r.store.Do(ctx, desk.Request{Actor: c.actor, Key: key, Command: x})
		if err != nil && !undecided(err) {
			errors.As(err, &refused)
			return nil
		}
		return err
	}, func() { c.late(el) }) {
		return
	}
	if refused != nil {
		text := ""
		if refused.Code == desk.Invalid {
			text = "a message is at most 4,000 characters, without control characters"
		}
		c.fail(el, condition(refused), text)
	}
}

// pass hands a message without text (typing, a receipt) to a colleague's clients on this node.
func (c *client) pass(el *element.Element, to string) {
	c.r.mu.Lock()
	m := c.r.members[to]
	c.r.mu.Unlock()
	if m == nil || m == c.m {
		return
	}
	copied := el.Copy()
	for _, other := range m.reachable() {
		other.send(copied)
	}
}

// unencrypted says where a client's encryption is turned off for one conversation. Clients name themselves in the resource
// that they ask for.
func unencrypted(resource string) string {
	resource = strings.ToLower(resource)
	for _, known := range []struct{ name, how string }{
		{"conversations", "In Conversations: tap the lock above the text and choose “Clear text”."},
		{"dino", "In Dino: click the lock beside the text and choose “Unencrypted”."},
		{"gajim", "In Gajim: click the lock beside the text and choose “Disabled”."},
		{"monal", "In Monal: open the contact's details and turn the lock off."},
		{"profanity", "In Profanity: type /omemo end."},
		{"psi", "In Psi: click the lock above the text until it is open."},
		{"pidgin", "In Pidgin: choose OTR, “End private conversation”."},
	} {
		if strings.Contains(resource, known.name) {
			return known.how + " Then write it again."
		}
	}
	return "Turn encryption off for this contact in your program, then write it again."
}

// pushID is an id for a stanza of ours.
func pushID() string { return strings.ToLower(rand.Text()[:12]) }
