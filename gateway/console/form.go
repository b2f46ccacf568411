// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"refdesk/cluster/desk"
)

// CommandInfo is one command that is offered at a place. Name is its XEP-0050 node.
type CommandInfo struct{ Name, Label string }

// FieldType is the kind of a form's field, in the words of XEP-0004 §3.3.
type FieldType string

// The kinds of field.
const (
	TextSingle FieldType = "text-single"
	TextMulti  FieldType = "text-multi"
	ListSingle FieldType = "list-single"
	ListMulti  FieldType = "list-multi"
	Boolean    FieldType = "boolean" // "1" or "0"
	Hidden     FieldType = "hidden"
	Fixed      FieldType = "fixed" // only shown
)

// Option is one choice of a list.
type Option struct{ Label, Value string }

// Field is one question of a form.
type Field struct {
	Var      string
	Label    string
	Type     FieldType
	Values   []string // as filled in beforehand
	Options  []Option // of lists
	Required bool
}

// Form is what a command asks (XEP-0004). No fields: nothing needs filling in, submit at once.
type Form struct {
	Title        string
	Instructions string
	Fields       []Field
}

// Commands lists what may be done at a place by this actor now, in the order of the table.
func (c *Console) Commands(ctx context.Context, actor desk.Actor, place Place) []CommandInfo {
	s, err := c.sceneOf(ctx, actor, place)
	if err != nil {
		return nil
	}
	var out []CommandInfo
	for i := range c.grammar.table {
		if row := &c.grammar.table[i]; s.offers(row) {
			out = append(out, CommandInfo{Name: row.name, Label: row.label})
		}
	}
	return out
}

func (c *Console) sceneOf(ctx context.Context, actor desk.Actor, place Place) (*scene, error) {
	t := &turn{c: c, ctx: ctx, in: Input{Actor: actor, Place: place}, now: c.now()}
	return t.scene()
}

// Form returns a command's form as it is at a place. An unknown command, or one that isn't offered there, is a
// *desk.Error with the code NotFound.
func (c *Console) Form(ctx context.Context, actor desk.Actor, place Place, name string) (Form, error) {
	s, err := c.sceneOf(ctx, actor, place)
	if err != nil {
		return Form{}, err
	}
	row := c.row(name)
	if row == nil || !s.offers(row) {
		return Form{}, &desk.Error{Code: desk.NotFound, Field: "command"}
	}
	f := Form{Title: row.label, Instructions: capital(row.help) + "."}
	if err := c.readForForm(ctx, actor, s, row); err != nil {
		return Form{}, err
	}
	switch {
	case place.Ticket != 0:
		s.those = []*desk.Ticket{s.ticket}
	case place.Chat != 0:
		s.picked = []*desk.Chat{s.chat}
	case row.about == thisChat:
		s.picked, s.those = s.fitting(row), s.suiting(row)
		f.Fields = append(f.Fields, s.chatField(row))
	}
	fields := row.fields
	if len(s.picked) == 0 && len(s.those) > 0 {
		fields = row.ticketFields
	}
	if fields != nil {
		f.Fields = append(f.Fields, fields(s)...)
	}
	return f, nil
}

// readForForm reads what a form offers beside the scene.
func (c *Console) readForForm(ctx context.Context, actor desk.Actor, s *scene, row *command) error {
	if row.name != "faq" && row.name != "c" {
		return nil
	}
	return c.store.View(ctx, actor, func(r desk.Reader) (err error) {
		if row.name == "faq" {
			s.faqs, err = r.FAQs()
		} else {
			s.canned, err = r.Canned(actor.ID)
		}
		return missing(err)
	})
}

// row is a command by its own name.
func (c *Console) row(name string) *command {
	if row := c.grammar.words[name]; row != nil && row.name == name {
		return row
	}
	return nil
}

// chatField asks which chat, or which ticket, a command at the bot is about.
func (s *scene) chatField(row *command) Field {
	f := Field{Var: varChat, Label: "Chat", Type: ListSingle, Required: true}
	switch {
	case row.run == nil:
		f.Label = "Ticket"
	case row.onTicket != nil:
		f.Label = "Chat or ticket"
	}
	for _, h := range s.picked {
		n := strconv.FormatUint(h.Number, 10)
		f.Options = append(f.Options, Option{Label: s.summary(h), Value: n})
	}
	for _, k := range s.those {
		f.Options = append(f.Options, Option{Label: s.ticketLine(k), Value: strconv.FormatUint(k.Number, 10)})
	}
	if len(f.Options) == 1 {
		f.Values = []string{f.Options[0].Value}
	}
	return f
}

// Submit runs a command with a filled-in form: values by Field.Var. Of in, Body and Reply are not used. Errors are as
// with Handle.
func (c *Console) Submit(ctx context.Context, in Input, name string, values map[string][]string) (Answer, error) {
	in.Body, in.Reply = "", false
	t := &turn{c: c, ctx: ctx, in: in, now: c.now()}
	row := c.row(name)
	if row == nil || row.hidden {
		return t.settle(Answer{}, &desk.Error{Code: desk.NotFound, Field: "command"})
	}
	a := ask{row: row, form: true, chat: in.Place.number()}
	if row.about == thisChat && in.Place.bot() {
		n, ok := number(strings.TrimSpace(one(values, varChat)))
		if !ok {
			return t.tell("Nothing was done: no chat was chosen.")
		}
		a.chat = uint64(n)
	}
	if row.about == noChat {
		a.chat = 0
	}
	if why, err := t.resolve(&a); err != nil || why != "" {
		answer, _ := t.tell("Nothing was done: %s", why)
		return t.settle(answer, err)
	}
	a.read(values)
	if why := a.lacks(); why != "" {
		return t.tell("Nothing was done: %s.", why)
	}
	return t.perform(a)
}

// read takes the answers that a command's fields ask for.
func (a *ask) read(values map[string][]string) {
	switch a.row.name {
	case "note", "reply", "mail", "ask", "name", "email", "scale", "wait", "redact", "on", "off":
		a.rest = cleaned(strings.Join(values[varText], "\n"))
	case "find":
		a.rest = flat(cleaned(one(values, varText)))
	case "dismiss":
		a.rest = cleaned(one(values, varWhy))
	case "transfer", "assign":
		a.items, a.rest = chosen(values[varTo]), cleaned(one(values, varWhy))
	case "handover":
		a.items = chosen(values[varTo])
	case "tag":
		a.items = chosen(values[varTags])
	case "untag":
		a.items = chosen(values[varTag])
	case "close":
		a.items = chosen(values[varTags])
		a.force = yes(values, varForce)
		a.fields = closingFields(values)
	case "c":
		a.items = chosen(values[varName])
	case "faq":
		a.rest = flat(cleaned(one(values, varText)))
		if a.items = chosen(values[varName]); len(a.items) == 1 {
			a.rest = map[bool]string{true: "link"}[yes(values, varLink)]
		}
	case "set":
		a.rest = flat(one(values, varName)) + "=" + flat(cleaned(one(values, varText)))
	case "ticket":
		a.rest = ticketWords(values)
	}
}

func yes(values map[string][]string, name string) bool {
	return slices.Contains([]string{"1", "true"}, one(values, name))
}

// ticketWords puts the answers of the form for a ticket in the order of its command.
func ticketWords(values map[string][]string) string {
	var out []string
	if d := one(values, varTo); d != "" {
		out = append(out, "#"+strings.TrimPrefix(flat(d), "#"))
	}
	if address := flat(one(values, varAddress)); address != "" {
		out = append(out, address)
	}
	return strings.Join(append(out, flat(cleaned(one(values, varText)))), " ")
}

// lacks says what a form needed and didn't get.
func (a *ask) lacks() string {
	switch a.row.name {
	case "transfer", "handover":
		if len(a.items) != 1 {
			return "choose to whom it goes"
		}
	case "assign":
		if len(a.items) != 1 {
			return "choose who gets the ticket"
		}
	case "tag":
		if len(a.items) == 0 {
			return "choose at least one tag"
		}
	case "untag":
		if len(a.items) != 1 {
			return "choose the tag that comes off"
		}
	case "c":
		if len(a.items) != 1 {
			return "choose a reply"
		}
	}
	return ""
}

func one(values map[string][]string, name string) string {
	if v := values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// chosen is what was chosen of a list, or typed one a line. It is never nil, so that nothing chosen is an answer, too.
func chosen(values []string) []string {
	out := []string{}
	for _, v := range values {
		for _, line := range lines(cleaned(v)) {
			if line = strings.TrimSpace(line); line != "" && !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	return out
}
