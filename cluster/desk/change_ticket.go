// SPDX-License-Identifier: Apache-2.0

package desk

import "slices"

// AssignTicket gives a ticket to a person, or to a department and, with both, to a person there. To "" with no department
// takes it from its assignee.
type AssignTicket struct {
	Ticket     uint64
	To         string // account
	Department string
	Why        string // for the one who gets it: a note
}

// CommandName is the word for the command in the log.
func (*AssignTicket) CommandName() string { return "AssignTicket" }

func (x *AssignTicket) code(c *coder) {
	c.u64(&x.Ticket)
	c.str(&x.To)
	c.str(&x.Department)
	c.str(&x.Why)
}

func (x *AssignTicket) apply(s *state) error {
	if err := checkBody(x.Why, "why", true); err != nil {
		return err
	}
	t, err := s.ticket(x.Ticket)
	if err != nil {
		return err
	}
	if x.To != "" {
		if p := get[Staff](s, staffKey(x.To)); p == nil || p.Disabled || p.Role < RoleOperator {
			return refuseField(NotFound, "to")
		}
	}
	if x.Department != "" && get[Department](s, departmentKey(x.Department)) == nil {
		return refuseField(NotFound, "department")
	}
	if x.Why != "" {
		s.addEntry(t, TicketEntry{Kind: EntryNote, From: FromStaff, By: s.staffActor(), Text: x.Why})
	}
	s.assign(t, x.To, x.Department)
	return nil
}

// assign moves a ticket and tells those who had it as well as those who have it now.
func (s *state) assign(t *Ticket, to, department string) {
	e := Event{Kind: TicketAssigned, Staff: s.staffActor(), To: to}
	if t.Assignee != "" {
		e.Audience.Staff = append(e.Audience.Staff, t.Assignee)
	}
	if department != "" && department != t.Department {
		if d := get[Department](s, departmentKey(t.Department)); d != nil {
			e.Audience.Departments = d.Crew()
		}
		e.Value = t.Department
		t.Department = department
	}
	t.Assignee, t.Updated = to, s.now
	put(s, t)
	s.tellTicket(t, e)
}

// unassign takes the tickets that aren't closed from somebody who works here no more.
func (s *state) unassign(account string) {
	for _, state := range ticketStates() {
		if state == TicketClosed {
			continue
		}
		for _, t := range find[Ticket](s, Range{Index: byOwner, Prefix: string(key("").word(account).word(string(state)))}) {
			s.assign(t, "", "")
		}
	}
}

// SetTicketState closes, reopens or parks a ticket.
type SetTicketState struct {
	Ticket uint64
	State  TicketState
}

// CommandName is the word for the command in the log.
func (*SetTicketState) CommandName() string { return "SetTicketState" }

func (x *SetTicketState) code(c *coder) {
	c.u64(&x.Ticket)
	word(c, &x.State)
}

func (x *SetTicketState) apply(s *state) error {
	if !slices.Contains(ticketStates(), x.State) {
		return refuseField(Invalid, "state")
	}
	t, err := s.ticket(x.Ticket)
	if err != nil || t.State == x.State {
		return err
	}
	t.setState(x.State, s.now)
	s.changed(t, "state", string(x.State))
	return nil
}

// TagTicket puts tags on a ticket and takes others off. Where a department lists its tags, only those.
type TagTicket struct {
	Ticket uint64
	Tags   []string
	Untag  []string
}

// CommandName is the word for the command in the log.
func (*TagTicket) CommandName() string { return "TagTicket" }

func (x *TagTicket) code(c *coder) {
	c.u64(&x.Ticket)
	c.strs(&x.Tags)
	c.strs(&x.Untag)
}

func (x *TagTicket) apply(s *state) error {
	t, err := s.ticket(x.Ticket)
	if err != nil {
		return err
	}
	d := get[Department](s, departmentKey(t.Department))
	for _, tag := range x.Untag {
		if !slices.Contains(t.Tags, tag) {
			return refuseField(NotFound, "tag")
		}
		t.Tags = without1(t.Tags, tag)
	}
	for _, tag := range x.Tags {
		if !plain(tag, 64) || d != nil && len(d.Tags) > 0 && !slices.Contains(d.Tags, tag) {
			return refuseField(Invalid, "tag")
		}
		if !slices.Contains(t.Tags, tag) {
			t.Tags = append(t.Tags, tag)
		}
	}
	if len(t.Tags) > MaxTags {
		return refuseField(Busy, "tag")
	}
	s.changed(t, "tags", "")
	return nil
}

// SetTicketSubject changes what a ticket is about.
type SetTicketSubject struct {
	Ticket  uint64
	Subject string
}

// CommandName is the word for the command in the log.
func (*SetTicketSubject) CommandName() string { return "SetTicketSubject" }

func (x *SetTicketSubject) code(c *coder) {
	c.u64(&x.Ticket)
	c.str(&x.Subject)
}

func (x *SetTicketSubject) apply(s *state) error {
	if !plain(x.Subject, maxSubject) {
		return refuseField(Invalid, "subject")
	}
	t, err := s.ticket(x.Ticket)
	if err != nil {
		return err
	}
	t.Subject = x.Subject
	s.changed(t, "subject", "")
	return nil
}

// SetTicketRequester corrects who asked; an empty field stays as it is. Mail that had failed goes out with ResendEntry.
type SetTicketRequester struct {
	Ticket      uint64
	Name, Email string
	Cc          []string // added
	Uncc        []string // taken off
}

// CommandName is the word for the command in the log.
func (*SetTicketRequester) CommandName() string { return "SetTicketRequester" }

func (x *SetTicketRequester) code(c *coder) {
	c.u64(&x.Ticket)
	c.str(&x.Name)
	c.str(&x.Email)
	c.strs(&x.Cc)
	c.strs(&x.Uncc)
}

func (x *SetTicketRequester) apply(s *state) error {
	if err := firstError(checkShort(x.Name, "name", 200), checkEmail(x.Email)); err != nil {
		return err
	}
	for _, a := range x.Cc {
		if a == "" || checkEmail(a) != nil {
			return refuseField(Invalid, "cc")
		}
	}
	t, err := s.ticket(x.Ticket)
	if err != nil {
		return err
	}
	t.Cc = slices.DeleteFunc(slices.Clone(t.Cc), func(a string) bool { return contains(x.Uncc, a) })
	t.addCc(x.Cc)
	name, email := t.Name, t.Email
	if x.Name != "" {
		name = x.Name
	}
	if x.Email != "" {
		email = x.Email
	}
	s.setRequester(t, name, email)
	return nil
}

// setRequester changes who a ticket is answered to. A new address has proved nothing yet.
func (s *state) setRequester(t *Ticket, name, email string) {
	if !contains([]string{t.Email}, email) {
		t.Verified = false
		t.Cc = slices.DeleteFunc(slices.Clone(t.Cc), func(a string) bool { return contains([]string{email}, a) })
	}
	t.Name, t.Email = name, email
	s.changed(t, "requester", "")
}

// SeeTicket says that whoever is responsible has read what came in.
type SeeTicket struct{ Ticket uint64 }

// CommandName is the word for the command in the log.
func (*SeeTicket) CommandName() string { return "SeeTicket" }

func (x *SeeTicket) code(c *coder) { c.u64(&x.Ticket) }

func (x *SeeTicket) apply(s *state) error {
	t, err := s.ticket(x.Ticket)
	if err != nil || t.Unread == 0 || t.Assignee != "" && t.Assignee != s.env.Actor.ID {
		return err
	}
	t.Unread = 0
	put(s, t)
	s.tellTicket(t, Event{Kind: TicketChanged, Staff: s.staffActor(), Value: "seen"})
	return nil
}
