// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"strings"
	"time"

	"refdesk/gateway/console"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// Bounds of the ad-hoc commands that a client has under way.
const (
	formLife = 10 * time.Minute
	maxForms = 20
)

// form is a command that waits for its form to come back.
type form struct {
	name  string
	place console.Place
	at    time.Time
}

// command handles one step of an ad-hoc command (XEP-0050). A sessionid is good for the full address that it was given to,
// since it is looked up among the client's own.
func command(ctx context.Context, q request) {
	node, id, action := q.query.Attr("node"), q.query.Attr("sessionid"), q.query.Attr("action")
	if id == "" {
		if action != "" && action != "execute" {
			q.badCommand("bad-action")
			return
		}
		q.begin(ctx, node)
		return
	}
	f := q.takeForm(id, node)
	switch {
	case f == nil:
		q.badCommand("session-expired")
	case action == "cancel":
		q.result(q.iq, q.step(node, id, "canceled"))
	case action == "" || action == "execute" || action == "complete" || action == "next":
		q.submit(ctx, f, id)
	default:
		q.badCommand("bad-action")
	}
}

// begin runs a command that needs nothing filled in, or sends its form.
func (q request) begin(ctx context.Context, node string) {
	asked, err := q.r.console.Form(ctx, q.actor, q.place(), node)
	if err != nil {
		if isNotFound(err) {
			q.fail(q.iq, xmpp.ItemNotFound, "that can't be done here now")
			return
		}
		q.fail(q.iq, xmpp.InternalServerError, "")
		return
	}
	id, f := pushID(), &form{node, q.place(), time.Now()}
	if len(asked.Fields) == 0 {
		q.submit(ctx, f, id)
		return
	}
	q.keepForm(id, f)
	actions := element.New(xmpp.NSCommands, "actions").Set("execute", "complete").Add(element.New(xmpp.NSCommands, "complete"))
	q.result(q.iq, q.step(node, id, "executing").Add(actions, formElement(asked)))
}

// submit runs a command with what was filled in.
func (q request) submit(ctx context.Context, f *form, id string) {
	values := formValues(q.query.Child(xmpp.NSForm, "x"))
	in := console.Input{Actor: q.actor, Key: q.key(q.num), Place: f.place, ID: q.iq.Attr("id"), Got: q.gotOf, Typing: q.r.typists.typing}
	var a console.Answer
	if !q.insist(ctx, func() (err error) {
		a, err = q.r.console.Submit(ctx, in, f.name, values)
		if err != nil && isNotFound(err) {
			a, err = console.Answer{Text: "That can't be done here now."}, nil
		}
		return err
	}, func() { q.late(q.iq) }) {
		return
	}
	if a.Open != 0 {
		q.m.await(ctx, func(work context.Context) { q.m.open(work, q.client, a.Open) })
	}
	note := element.Text(xmpp.NSCommands, "note", a.Text).Set("type", "info")
	if a.Refused != nil {
		note.Set("type", "error")
	}
	if a.Text == "" {
		note = nil
	}
	q.result(q.iq, q.step(f.name, id, "completed").Add(note))
}

func (q request) step(node, id, status string) *element.Element {
	return element.New(xmpp.NSCommands, "command").Set("node", node).Set("sessionid", id).Set("status", status)
}

// badCommand answers with one of the conditions of XEP-0050 §4.4.
func (q request) badCommand(condition string) {
	if reply := xmpp.ErrorReply(q.iq, &xmpp.StanzaError{
		Condition: xmpp.BadRequest, App: element.New(xmpp.NSCommands, condition),
	}); reply != nil {
		q.send(reply)
	}
}

func (c *client) keepForm(id string, f *form) {
	c.mu.Lock()
	defer c.mu.Unlock()
	oldest := ""
	for k, o := range c.forms {
		if time.Since(o.at) > formLife {
			delete(c.forms, k)
		} else if oldest == "" || o.at.Before(c.forms[oldest].at) {
			oldest = k
		}
	}
	if len(c.forms) >= maxForms {
		delete(c.forms, oldest)
	}
	c.forms[id] = f
}

func (c *client) takeForm(id, node string) *form {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.forms[id]
	if f == nil || f.name != node || time.Since(f.at) > formLife {
		return nil
	}
	delete(c.forms, id)
	return f
}

// formElement is a form as XEP-0004 has it.
func formElement(f console.Form) *element.Element {
	x := element.New(xmpp.NSForm, "x").Set("type", "form").Add(element.Text(xmpp.NSForm, "title", f.Title))
	if f.Instructions != "" {
		x.Add(element.Text(xmpp.NSForm, "instructions", f.Instructions))
	}
	for _, field := range f.Fields {
		el := element.New(xmpp.NSForm, "field").Set("var", field.Var).Set("label", field.Label).Set("type", string(field.Type))
		if field.Required {
			el.Add(element.New(xmpp.NSForm, "required"))
		}
		for _, v := range field.Values {
			el.Add(element.Text(xmpp.NSForm, "value", v))
		}
		for _, o := range field.Options {
			el.Add(element.New(xmpp.NSForm, "option").Set("label", o.Label).Add(element.Text(xmpp.NSForm, "value", o.Value)))
		}
		x.Add(el)
	}
	return x
}

// formValues reads a form that was filled in. The lines of a text come as values of their own and are put together again.
func formValues(x *element.Element) map[string][]string {
	out := map[string][]string{}
	for field := range x.Elements() {
		name := field.Attr("var")
		if !field.Is(xmpp.NSForm, "field") || name == "" {
			continue
		}
		var values []string
		for v := range field.Elements() {
			if v.Is(xmpp.NSForm, "value") {
				values = append(values, v.Content())
			}
		}
		if field.Attr("type") == string(console.TextMulti) {
			values = []string{strings.Join(values, "\n")}
		}
		out[name] = values
	}
	return out
}
