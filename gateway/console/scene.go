// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"slices"

	"refdesk/cluster/desk"
)

// scene is what a member of staff sees of the desk at one moment: enough to say what is possible, and to fill in forms.
type scene struct {
	me     string
	place  Place
	now    desk.Time
	role   desk.Role
	chat   *desk.Chat // the place's; nil at the bot, or if it may not be read
	held   *desk.Held // kept back at this place, nil if nothing is
	chats  []*desk.Chat
	depts  map[string]*desk.Department
	views  []desk.DepartmentView
	staff  []*desk.Staff // those who may work at the desk
	reach  map[string]desk.Reach
	public func(account string) string

	ticket  *desk.Ticket   // the place's; nil elsewhere, or if it may not be read
	tickets []*desk.Ticket // the sender's open ones, the one that changed last first
	faqs    []*desk.FAQ    // read for forms only
	canned  []*desk.Canned // read for forms only

	picked []*desk.Chat   // of a form: the chats that it may be about
	those  []*desk.Ticket // of a form: the tickets that it may be about
}

// scene reads the sender's scene.
func (t *turn) scene() (*scene, error) {
	s := &scene{me: t.me(), place: t.in.Place, now: t.now}
	return s, t.view(s.read)
}

func (s *scene) read(r desk.Reader) error {
	p, err := r.StaffMember(s.me)
	if err != nil {
		return err
	}
	s.role, s.depts, s.reach = p.Role, map[string]*desk.Department{}, map[string]desk.Reach{}
	names := map[string]string{}
	s.public = func(account string) string {
		if name := names[account]; name != "" {
			return name
		}
		return account
	}
	if err := s.readPeople(r, names); err != nil {
		return err
	}
	if s.views, err = r.Departments(s.now); err != nil {
		return err
	}
	for _, v := range s.views {
		if s.depts[v.ID], err = r.Department(v.ID); err != nil {
			return err
		}
	}
	for _, state := range []desk.ChatState{desk.Waiting, desk.Claimed, desk.Missed} {
		found, err := r.Chats(desk.ChatFilter{State: state})
		if err != nil {
			return err
		}
		s.chats = append(s.chats, found...)
	}
	if s.role >= desk.RoleOperator {
		if s.tickets, err = r.Tickets(desk.TicketFilter{Assignee: s.me, Open: true, Limit: 50}); err != nil {
			return err
		}
	}
	if s.place.Ticket != 0 {
		s.ticket, err = r.Ticket(s.place.Ticket)
		return missing(err)
	}
	if s.place.Chat == 0 {
		return nil
	}
	if s.chat, err = r.Chat(s.place.Chat); missing(err) != nil {
		return err
	}
	return s.readHeld(r)
}

func (s *scene) readPeople(r desk.Reader, names map[string]string) error {
	all, err := r.StaffList()
	if err != nil {
		return err
	}
	for _, p := range all {
		names[p.Account] = flat(p.PublicName)
		if p.Disabled || p.Role < desk.RoleTrainee {
			continue
		}
		s.staff = append(s.staff, p)
		if s.reach[p.Account], err = r.Reach(p.Account, s.now); err != nil {
			return err
		}
	}
	return nil
}

// readHeld reads what is held at this place and can still be sent.
func (s *scene) readHeld(r desk.Reader) error {
	held, err := r.Held(s.place.Chat)
	if err != nil {
		return missing(err)
	}
	most, err := r.Clock(desk.ClockHeld)
	if s.now.Sub(held.At) <= most {
		s.held = held
	}
	return err
}

// name is a colleague's public name, "you" for oneself.
func (s *scene) name(account string) string {
	if account == s.me {
		return "you"
	}
	return s.public(account)
}

// suiting lists the sender's tickets for which a command would do something now.
func (s *scene) suiting(row *command) []*desk.Ticket {
	var out []*desk.Ticket
	for _, k := range s.tickets {
		if row.onTicket != nil && (row.suits == nil || row.suits(k, s.me)) {
			out = append(out, k)
		}
	}
	return out
}

// fitting lists the chats for which a command would do something now, the longest waiting first.
func (s *scene) fitting(row *command) []*desk.Chat {
	var out []*desk.Chat
	for _, h := range s.chats {
		if row.run != nil && (row.fits == nil || row.fits(h, s.me)) {
			out = append(out, h)
		}
	}
	return out
}

// offers reports whether a command would do something at this place now.
func (s *scene) offers(row *command) bool {
	switch {
	case row.hidden || s.role < row.role:
		return false
	case s.place.bot():
		return row.about != thisChat || row.fits != nil && len(s.fitting(row)) > 0 || len(s.suiting(row)) > 0
	case s.place.Ticket != 0:
		return row.about != noChat && s.ticket != nil && row.onTicket != nil && (row.suits == nil || row.suits(s.ticket, s.me))
	case row.about == noChat || s.chat == nil || row.run == nil:
		return false
	case row.name == "send":
		return s.held != nil
	}
	return row.fits == nil || row.fits(s.chat, s.me)
}

func (s *scene) inState(state desk.ChatState) []*desk.Chat {
	return slices.DeleteFunc(slices.Clone(s.chats), func(h *desk.Chat) bool { return h.State != state })
}

// missedHint tells of missed chats where nobody waits.
func (s *scene) missedHint() string {
	if n := len(s.inState(desk.Missed)); n > 0 && s.role >= desk.RoleOperator {
		return fmt.Sprintf(" %s: missed lists them.", some(n, "missed chat"))
	}
	return ""
}

// summary is a chat in one line: number first, who, where, how it stands.
func (s *scene) summary(h *desk.Chat) string {
	return fmt.Sprintf("%s – %s", heading(h, s.depts[h.Department]), s.standing(h))
}

// standing says how a chat stands.
func (s *scene) standing(h *desk.Chat) string {
	switch h.State {
	case desk.Waiting:
		return "waiting " + wait(s.now.Sub(h.Queued))
	case desk.Claimed:
		if h.Owner == s.me {
			return "yours for " + wait(s.now.Sub(h.ClaimedAt))
		}
		return fmt.Sprintf("with %s for %s", s.public(h.Owner), wait(s.now.Sub(h.ClaimedAt)))
	case desk.Missed:
		return "missed " + ago(s.now, h.MissedAt)
	case desk.Ticketed:
		return "goes on as a ticket"
	case desk.Dismissed:
		return fmt.Sprintf("dismissed %s by %s", ago(s.now, h.ClosedAt), s.name(h.ClosedBy))
	}
	if h.ClosedBy == "" {
		return "closed " + ago(s.now, h.ClosedAt)
	}
	return fmt.Sprintf("closed %s by %s", ago(s.now, h.ClosedAt), s.name(h.ClosedBy))
}
