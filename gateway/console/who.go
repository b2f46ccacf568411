// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"slices"
	"strings"

	"refdesk/cluster/desk"
)

// who says who the patron of a chat is, who a colleague is, or who is at the desk.
func who(t *turn, a ask) (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	switch {
	case a.rest != "":
		return t.whoColleague(s, a)
	case a.chat == 0:
		return t.whoIsHere(s)
	}
	return t.whoPatron(s, a)
}

// whoPatron tells what is known of a chat's patron, and whose the chat is.
func (t *turn) whoPatron(s *scene, a ask) (Answer, error) {
	h, d, err := t.chat(a.chat)
	if err != nil {
		return Answer{}, err
	}
	if h == nil {
		return t.unreadable(a)
	}
	out := []string{heading(h, d) + " – " + s.standing(h)}
	asked := "Asked " + ago(s.now, h.Opened)
	if page := pageOf(h); page != "" {
		asked += " on " + page
		if title := inline(h.PageTitle, 80); title != "" {
			asked += " (" + title + ")"
		}
	}
	out = append(out, asked+".")
	contact := "No e-mail address was given."
	if h.Email != "" {
		contact = fmt.Sprintf("E-mail: %s, as given and not verified.", inline(h.Email, 254))
	}
	if h.Locale != "" {
		contact += fmt.Sprintf(" Language of the page: %s.", inline(h.Locale, 35))
	}
	out = append(out, contact)
	if len(h.Joined) > 0 {
		names := make([]string, len(h.Joined))
		for i, a := range h.Joined {
			names[i] = s.name(a)
		}
		out = append(out, "Joined: "+and(names)+".")
	}
	if len(h.Tags) > 0 {
		out = append(out, "Tagged "+tagWords(h.Tags)+".")
	}
	switch {
	case h.State != desk.Waiting && h.State != desk.Claimed:
	case len(h.Attached) > 0:
		out = append(out, "The chat's page is open.")
	default:
		out = append(out, fmt.Sprintf("The chat's page has been closed for %s.", wait(s.now.Sub(h.Detached))))
	}
	return t.tell("%s", strings.Join(out, "\n"))
}

// whoColleague tells of a colleague.
func (t *turn) whoColleague(s *scene, a ask) (Answer, error) {
	m := matchTarget(a.rest, s.staff, s.views)
	switch {
	case m.staff != nil && m.why == "":
		p := m.staff
		line := fmt.Sprintf("%s – %s", s.person(p), p.Role)
		if len(p.Departments) > 0 {
			line += " in " + and(s.departmentNames(p.Departments))
		}
		if p.PublicName != p.Name {
			line += fmt.Sprintf(" – patrons read %s", flat(p.PublicName))
		}
		return t.tell("%s", line)
	case m.dept != nil && m.why == "":
		return t.tell("%s", s.atDepartment(*m.dept))
	case len(m.many) > 0:
		var out []string
		for _, p := range m.many {
			out = append(out, s.person(p))
		}
		return t.tell("Several fit:\n%s", strings.Join(out, "\n"))
	}
	return t.tell("There is no colleague called %s. who, typed at the desk's bot, lists who is here.", cut(flat(a.rest), 40))
}

func (s *scene) departmentNames(ids []string) []string {
	out := slices.Clone(ids)
	for i, id := range ids {
		out[i] = departmentName(s.depts[id], id)
	}
	return out
}

// whoIsHere lists who is at the desk, by department.
func (t *turn) whoIsHere(s *scene) (Answer, error) {
	var out []string
	for _, v := range s.views {
		out = append(out, s.atDepartment(v))
	}
	if len(out) == 0 {
		return t.tell("There are no departments yet.")
	}
	return t.tell("%s", strings.Join(out, "\n"))
}

// atDepartment says who answers a department's chats now.
func (s *scene) atDepartment(v desk.DepartmentView) string {
	d := s.depts[v.ID]
	var there, away []string
	for _, p := range s.staff {
		if d == nil || !slices.ContainsFunc(d.Crew(), func(id string) bool { return slices.Contains(p.Departments, id) }) {
			continue
		}
		switch s.reach[p.Account] {
		case desk.Available:
			there = append(there, s.name(p.Account))
		case desk.Away:
			away = append(away, s.name(p.Account))
		}
	}
	line := departmentName(d, v.ID)
	if len(there) == 0 && len(away) == 0 {
		line += " – nobody is here"
	}
	if len(there) > 0 {
		line += " – here: " + and(there)
	}
	if len(away) > 0 {
		line += " – away: " + and(away)
	}
	if v.State == desk.StateClosed {
		line += " – closed for patrons"
	}
	if v.Waiting > 0 {
		line += " – " + waiting(v.Waiting)
	}
	return line
}
