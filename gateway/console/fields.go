// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"refdesk/cluster/desk"
)

// The names of the fields.
const (
	varChat  = "chat"
	varTo    = "to"
	varWhy   = "why"
	varTags  = "tags"
	varTag   = "tag"
	varText  = "text"
	varForce = "force"

	varName    = "name"
	varLink    = "link"
	varAddress = "address"
	varField   = "field." // and the field's name
)

func transferFields(s *scene) []Field {
	var options []Option
	chat := uint64(0)
	if len(s.picked) == 1 {
		chat = s.picked[0].Number
	}
	options = s.targets(chat)
	return []Field{
		{Var: varTo, Label: "To whom", Type: ListSingle, Options: options, Required: true},
		{Var: varWhy, Label: "Why (for the colleague)", Type: TextSingle},
	}
}

// tagField asks for tags: those of the departments of the chats that it may be about.
func (s *scene) tagField(required bool) Field {
	var names []string
	free := false
	for _, h := range s.picked {
		if d := s.depts[h.Department]; d != nil && len(d.Tags) > 0 {
			names = append(names, d.Tags...)
		} else {
			free = true
		}
	}
	f := Field{Var: varTags, Label: "Tags to put on it", Type: ListMulti, Required: required}
	if free {
		f.Type, f.Label = TextMulti, "Tags to put on it, one a line"
		return f
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		if len(s.picked) == 1 && slices.Contains(s.picked[0].Tags, n) {
			continue // it has that already
		}
		f.Options = append(f.Options, Option{Label: flat(n), Value: n})
	}
	return f
}

func closeFields(s *scene) []Field {
	needs := !slices.ContainsFunc(s.picked, func(h *desk.Chat) bool {
		d := s.depts[h.Department]
		return len(h.Tags) > 0 || d != nil && d.Untagged
	})
	out := []Field{s.tagField(needs)}
	if len(s.picked) == 1 {
		out = append(out, s.askedAtClose(s.picked[0])...)
	}
	return append(out, Field{Var: varForce, Label: "Close also if the patron has just written", Type: Boolean, Values: []string{"0"}})
}

func tagFields(s *scene) []Field {
	return []Field{s.tagField(true)}
}

func untagFields(s *scene) []Field {
	f := Field{Var: varTag, Label: "Tag to take off", Type: ListSingle, Required: true}
	var names []string
	for _, h := range s.picked {
		names = append(names, h.Tags...)
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		f.Options = append(f.Options, Option{Label: flat(n), Value: n})
	}
	return []Field{f}
}

func noteFields(*scene) []Field {
	return []Field{{Var: varText, Label: "Note (only staff see it)", Type: TextMulti, Required: true}}
}

func whyFields(*scene) []Field {
	return []Field{{Var: varWhy, Label: "Why (becomes a note)", Type: TextSingle, Required: true}}
}

func sendFields(s *scene) []Field {
	if s.held == nil {
		return nil
	}
	return []Field{{Var: varText, Label: "The held text", Type: Fixed, Values: []string{s.held.Text}}}
}

// askedAtClose are the closing fields of a chat's department.
func (s *scene) askedAtClose(h *desk.Chat) []Field {
	d := s.depts[h.Department]
	if d == nil {
		return nil
	}
	var out []Field
	for _, c := range d.Fields {
		f := Field{Var: varField + c.Name, Label: c.Label, Type: TextSingle, Required: c.Required}
		if f.Label == "" {
			f.Label = c.Name
		}
		if len(c.Choices) > 0 {
			f.Type = ListSingle
		}
		for _, v := range c.Choices {
			f.Options = append(f.Options, Option{Label: v, Value: v})
		}
		for _, has := range h.Fields {
			if has.Name == c.Name {
				f.Values = []string{has.Value}
			}
		}
		out = append(out, f)
	}
	return out
}

// closingFields are the answers to askedAtClose, those that were left empty left out.
func closingFields(values map[string][]string) []desk.Field {
	var out []desk.Field
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if field, ok := strings.CutPrefix(name, varField); ok && one(values, name) != "" {
			out = append(out, desk.Field{Name: field, Value: flat(cleaned(one(values, name)))})
		}
	}
	return out
}

// textField is a form of one line of text.
func textField(label string, required bool) []Field {
	return []Field{{Var: varText, Label: label, Type: TextSingle, Required: required}}
}

func nameFields(*scene) []Field  { return textField("Name", true) }
func emailFields(*scene) []Field { return textField("E-mail address", true) }
func askFields(*scene) []Field   { return textField("Question for colleagues", true) }
func redactFields(*scene) []Field {
	return textField("Word to take out, or last for the last line", true)
}
func waitFields(*scene) []Field { return textField("Minutes", true) }
func findFields(*scene) []Field { return textField("Words", true) }
func spanFields(*scene) []Field { return textField("For how long, as 2h (empty: open)", false) }

func replyFields(*scene) []Field {
	return []Field{{Var: varText, Label: "Text", Type: TextMulti}}
}

func scaleFields(*scene) []Field {
	f := Field{Var: varText, Label: "Effort on the READ scale", Type: ListSingle, Required: true}
	for _, n := range []string{"1", "2", "3", "4", "5", "6"} {
		f.Options = append(f.Options, Option{Label: n, Value: n})
	}
	return []Field{f}
}

func setFields(s *scene) []Field {
	f := Field{Var: varName, Label: "Field", Type: ListSingle, Required: true}
	add := func(names ...string) {
		for _, n := range names {
			f.Options = append(f.Options, Option{Label: n, Value: n})
		}
	}
	add("name", "email")
	if len(s.picked) == 0 && len(s.those) > 0 {
		add("subject", "state")
	}
	if len(s.picked) == 1 {
		if d := s.depts[s.picked[0].Department]; d != nil {
			for _, c := range d.Fields {
				add(c.Name)
			}
		}
	}
	return append([]Field{f}, textField("Value", false)...)
}

func cannedFields(s *scene) []Field {
	f := Field{Var: varName, Label: "Reply", Type: ListSingle, Required: true}
	for _, k := range s.canned {
		f.Options = append(f.Options, Option{Label: k.Name + " – " + inline(k.Text, 80), Value: k.Name})
	}
	return []Field{f}
}

// mostOptions bounds the list of FAQs in a form.
const mostOptions = 100

// faqFields asks for words at the bot; at a chat or a ticket also for an FAQ to use.
func faqFields(s *scene) []Field {
	if s.place.bot() {
		return textField("Words", true)
	}
	f := Field{Var: varName, Label: "FAQ to send", Type: ListSingle}
	for _, q := range s.faqs {
		if q.State == desk.FAQPublished && len(f.Options) < mostOptions {
			f.Options = append(f.Options, Option{Label: inline(q.Question, 160), Value: q.Slug})
		}
	}
	return append([]Field{f, {Var: varLink, Label: "Send its page only", Type: Boolean, Values: []string{"0"}}},
		textField("Or words to search for", false)...)
}

// ticketFields asks what a ticket needs; at the bot it is made by hand.
func ticketFields(s *scene) []Field {
	f := Field{Var: varTo, Label: "Department", Type: ListSingle, Required: s.place.bot()}
	for _, v := range s.views {
		f.Options = append(f.Options, Option{Label: flat(v.Name), Value: v.ID})
	}
	return append([]Field{f, {Var: varAddress, Label: "E-mail address of the patron", Type: TextSingle}}, textField("Subject", s.place.bot())...)
}

func subjectFields(*scene) []Field { return textField("Subject", true) }

// assignFields offers every colleague who answers tickets, connected or not, and every department.
func assignFields(s *scene) []Field {
	f := Field{Var: varTo, Label: "To whom", Type: ListSingle, Required: true}
	for _, p := range s.staff {
		if p.Role >= desk.RoleOperator {
			f.Options = append(f.Options, Option{Label: s.person(p), Value: p.Account})
		}
	}
	for _, v := range s.views {
		f.Options = append(f.Options, Option{Label: fmt.Sprintf("#%s – %s", v.ID, flat(v.Name)), Value: "#" + v.ID})
	}
	return []Field{f, {Var: varWhy, Label: "Why (becomes a note)", Type: TextSingle}}
}

func handoverFields(s *scene) []Field {
	f := Field{Var: varTo, Label: "To whom", Type: ListSingle, Required: true}
	for _, p := range s.staff {
		if p.Account != s.me && s.reach[p.Account] != desk.Gone {
			f.Options = append(f.Options, Option{Label: s.person(p), Value: p.Account})
		}
	}
	return []Field{f}
}

// ticketTagFields asks for tags of the departments of the tickets that it may be about.
func ticketTagFields(s *scene) []Field {
	f := Field{Var: varTags, Label: "Tags to put on it", Type: ListMulti}
	var names []string
	for _, k := range s.those {
		d := s.depts[k.Department]
		if d == nil || len(d.Tags) == 0 {
			return []Field{{Var: varTags, Label: "Tags to put on it, one a line", Type: TextMulti}}
		}
		names = append(names, d.Tags...)
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		f.Options = append(f.Options, Option{Label: flat(n), Value: n})
	}
	return []Field{f}
}

func ticketUntagFields(s *scene) []Field {
	f := Field{Var: varTag, Label: "Tag to take off", Type: ListSingle, Required: true}
	var names []string
	for _, k := range s.those {
		names = append(names, k.Tags...)
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		f.Options = append(f.Options, Option{Label: flat(n), Value: n})
	}
	return []Field{f}
}
