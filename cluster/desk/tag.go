// SPDX-License-Identifier: Apache-2.0

package desk

import "slices"

// MaxTags is how many tags a chat may bear.
const MaxTags = 20

// TagChat puts tags on a chat, also on one that is closed, and fills in closing fields. Where a department lists its tags,
// only those. With its first tag a chat leaves the list of those to tag.
type TagChat struct {
	Chat   uint64
	Tags   []string
	Fields []Field
}

// CommandName is the word for the command in the log.
func (*TagChat) CommandName() string { return "TagChat" }

func (x *TagChat) code(c *coder) {
	c.u64(&x.Chat)
	c.strs(&x.Tags)
	codeFields(c, &x.Fields)
}

func (x *TagChat) apply(s *state) error {
	h, err := s.chat(x.Chat, AnnotateChat)
	if err != nil {
		return err
	}
	s.reply.Chat = h.Number
	if err := s.fill(h, x.Fields); err != nil {
		return err
	}
	added, err := s.tag(h, x.Tags)
	if err == nil && len(added) > 0 {
		s.undoable(h, undoTag, added)
		put(s, h)
	}
	return err
}

// tag adds tags to a chat and puts it. It returns those that are new.
func (s *state) tag(h *Chat, tags []string) (added []string, err error) {
	d := get[Department](s, departmentKey(h.Department))
	for _, t := range tags {
		if !plain(t, 64) || d != nil && len(d.Tags) > 0 && !slices.Contains(d.Tags, t) {
			return nil, &Error{Code: Invalid, Field: "tag", Chat: h.Number}
		}
		if slices.Contains(h.Tags, t) {
			continue
		}
		if len(h.Tags) >= MaxTags {
			return nil, &Error{Code: Busy, Field: "tag", Chat: h.Number}
		}
		h.Tags, added = append(h.Tags, t), append(added, t)
		h.ToTag = false
		s.tell(h, false, Event{Kind: ChatTagged, Staff: s.env.Actor.ID, Value: t})
	}
	put(s, h)
	return added, nil
}

// UntagChat takes one tag off.
type UntagChat struct {
	Chat uint64
	Tag  string
}

// CommandName is the word for the command in the log.
func (*UntagChat) CommandName() string { return "UntagChat" }

func (x *UntagChat) code(c *coder) {
	c.u64(&x.Chat)
	c.str(&x.Tag)
}

func (x *UntagChat) apply(s *state) error {
	h, err := s.chat(x.Chat, AnnotateChat)
	if err != nil {
		return err
	}
	if !slices.Contains(h.Tags, x.Tag) {
		return refuseField(NotFound, "tag")
	}
	h.Tags = without1(h.Tags, x.Tag)
	put(s, h)
	s.tell(h, false, Event{Kind: ChatUntagged, Staff: s.env.Actor.ID, Value: x.Tag})
	return nil
}
