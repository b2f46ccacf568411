// SPDX-License-Identifier: Apache-2.0

package console

import (
	"slices"

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
	return []Field{
		s.tagField(needs),
		{Var: varForce, Label: "Close also if the patron has just written", Type: Boolean, Values: []string{"0"}},
	}
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
