// SPDX-License-Identifier: Apache-2.0

package desk

// Canned is a reply kept ready. Its variables stand as {name} or {name|fallback}; whoever sends it fills them in.
type Canned struct {
	Owner string // account; "" = everybody's
	Name  string
	Text  string
}

// maxCanned bounds one owner's replies.
const maxCanned = 500

const cannedTable Table = "canned"

func (k *Canned) table() Table     { return cannedTable }
func (k *Canned) key() key         { return key("").word(k.Owner).word(k.Name) }
func (k *Canned) entries() []Entry { return nil }

func (k *Canned) code(c *coder) {
	c.str(&k.Owner)
	c.str(&k.Name)
	c.str(&k.Text)
}

// SetCanned makes or changes a canned reply: one's own, or as lead everybody's.
type SetCanned struct{ Canned Canned }

// CommandName is the word for the command in the log.
func (*SetCanned) CommandName() string { return "SetCanned" }

func (x *SetCanned) code(c *coder) { x.Canned.code(c) }

func (x *SetCanned) apply(s *state) error {
	k := x.Canned
	if err := s.may(WriteCanned, Object{Owner: k.Owner}); err != nil {
		return err
	}
	if !name(k.Name) {
		return refuseField(Invalid, "name")
	}
	if err := checkText(k.Text, "text"); err != nil {
		return err
	}
	if k.Owner != "" && get[Staff](s, staffKey(k.Owner)) == nil {
		return refuseField(NotFound, "owner")
	}
	if get[Canned](s, k.key()) == nil {
		if n := len(find[Canned](s, Range{Prefix: string(key("").word(k.Owner)), Limit: maxCanned})); n >= maxCanned {
			return refuseField(Busy, "name")
		}
	}
	put(s, &k)
	s.cannedChanged(&k)
	return nil
}

func (s *state) cannedChanged(k *Canned) {
	e := Event{Kind: CannedChanged, Staff: k.Owner, Value: k.Name}
	if k.Owner != "" {
		e.Audience.Staff = []string{k.Owner}
	}
	s.emit(e)
}

// DeleteCanned removes a canned reply.
type DeleteCanned struct{ Owner, Name string }

// CommandName is the word for the command in the log.
func (*DeleteCanned) CommandName() string { return "DeleteCanned" }

func (x *DeleteCanned) code(c *coder) {
	c.str(&x.Owner)
	c.str(&x.Name)
}

func (x *DeleteCanned) apply(s *state) error {
	if err := s.may(WriteCanned, Object{Owner: x.Owner}); err != nil {
		return err
	}
	k := get[Canned](s, (&Canned{Owner: x.Owner, Name: x.Name}).key())
	if k == nil {
		return refuseField(NotFound, "name")
	}
	remove(s, k)
	s.cannedChanged(k)
	return nil
}
