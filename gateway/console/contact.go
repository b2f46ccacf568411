// SPDX-License-Identifier: Apache-2.0

package console

import (
	"slices"
	"strings"

	"refdesk/cluster/desk"
)

// setName notes what the patron is called.
func setName(t *turn, a ask) (Answer, error) {
	name := flat(a.rest)
	if name == "" {
		return t.tell("Nothing was noted: the name goes behind the word, %s NAME.", t.word("name", a.number()))
	}
	return t.contact(a, name, "")
}

// setEmail notes the patron's address. A ticket that waits for one makes itself.
func setEmail(t *turn, a ask) (Answer, error) {
	address := strings.TrimPrefix(flat(a.rest), "mailto:")
	if address == "" {
		return t.tell("Nothing was noted: the address goes behind the word, %s ADDRESS.", t.word("email", a.number()))
	}
	return t.contact(a, "", address)
}

func (t *turn) contact(a ask, name, address string) (Answer, error) {
	var x desk.Command = &desk.SetContact{Chat: a.chat, Name: name, Email: address}
	if a.ticket != 0 {
		x = &desk.SetTicketRequester{Ticket: a.ticket, Name: name, Email: address}
	}
	answer, ok, err := t.make(a, x, doing{not: "Nothing was noted"})
	switch {
	case !ok:
	case name != "":
		answer.Text = "Noted: the name is " + name + "."
	default:
		answer.Text = "Noted: the address is " + address + ", not verified."
		if k := answer.Reply.Ticket; k != 0 && a.chat != 0 {
			answer.Text += t.ticketNow(a.chat, k)
		}
	}
	return answer, err
}

// askContact has the page ask for an address.
func askContact(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.WantContact{Chat: a.chat}, doing{not: "Not asked"})
	if ok {
		answer.Text = "The page asks for an e-mail address. You are told when one comes."
	}
	return answer, err
}

// set fills in a field.
func set(t *turn, a ask) (Answer, error) {
	field, value, ok := strings.Cut(a.rest, "=")
	field, value = strings.ToLower(strings.TrimSpace(field)), flat(value)
	if !ok || field == "" {
		return t.tell("Nothing was set: %s FIELD=VALUE.%s", t.word("set", a.number()), t.fieldNames(a))
	}
	switch {
	case field == "name" && value != "":
		return t.contact(a, value, "")
	case field == "email" && value != "":
		return t.contact(a, "", value)
	case a.ticket != 0:
		return t.setTicket(a, field, value)
	}
	return t.setField(a, field, value)
}

func (t *turn) setTicket(a ask, field, value string) (Answer, error) {
	var x desk.Command
	switch field {
	case "subject":
		x = &desk.SetTicketSubject{Ticket: a.ticket, Subject: value}
	case "state":
		x = &desk.SetTicketState{Ticket: a.ticket, State: desk.TicketState(strings.ToLower(value))}
	default:
		return t.tell("Nothing was set: a ticket's fields are name, email, subject and state.")
	}
	answer, ok, err := t.make(a, x, doing{not: "Nothing was set"})
	if ok {
		answer.Text = capital(field) + " of " + ticketWord(a.ticket) + ": " + value + "."
	}
	return answer, err
}

// setField fills in a closing field.
func (t *turn) setField(a ask, field, value string) (Answer, error) {
	_, d, err := t.chat(a.chat)
	if err != nil {
		return Answer{}, err
	}
	if d == nil {
		return t.unreadable(a)
	}
	i := slices.IndexFunc(d.Fields, func(f desk.ClosingField) bool {
		return strings.EqualFold(f.Name, field) || strings.EqualFold(f.Label, field)
	})
	if i < 0 {
		return t.tell("Nothing was set: %s has no field %s.%s", departmentName(d, d.ID), cut(field, 40), t.fieldNames(a))
	}
	f := d.Fields[i]
	if len(f.Choices) > 0 && value != "" {
		one, many := matchOne(value, f.Choices)
		if one == "" {
			if len(many) == 0 {
				many = f.Choices
			}
			return t.tell("Nothing was set: %s is one of %s.", f.Name, tagWords(many))
		}
		value = one
	}
	x := &desk.TagChat{Chat: a.chat, Fields: []desk.Field{{Name: f.Name, Value: value}}}
	answer, ok, err := t.make(a, x, doing{not: "Nothing was set"})
	switch {
	case !ok:
	case value == "":
		answer.Text = f.Name + " is empty now."
	default:
		answer.Text = f.Name + " is " + value + "."
	}
	return answer, err
}

// fieldNames says which fields there are.
func (t *turn) fieldNames(a ask) string {
	names := []string{"name", "email"}
	if a.ticket != 0 {
		names = append(names, "subject", "state")
	}
	if _, d, err := t.chat(a.chat); err == nil && d != nil {
		for _, f := range d.Fields {
			names = append(names, f.Name)
		}
	}
	return " There are " + and(names) + "."
}

// scale notes the effort that a question took on the READ scale, in the department's closing field of that name.
func scale(t *turn, a ask) (Answer, error) {
	n, ok := number(a.rest)
	if !ok || n > 6 {
		return t.tell("Nothing was noted: the READ scale goes from 1 to 6, %s 3.", t.word("scale", a.number()))
	}
	_, d, err := t.chat(a.chat)
	if err != nil {
		return Answer{}, err
	}
	if d == nil {
		return t.unreadable(a)
	}
	for _, f := range d.Fields {
		if strings.EqualFold(f.Name, "read") || strings.EqualFold(f.Name, "scale") {
			return t.setField(a, f.Name, a.rest)
		}
	}
	return t.tell("Nothing was noted: %s keeps no READ scale. It needs a closing field called read.", departmentName(d, d.ID))
}
