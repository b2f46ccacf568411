// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"refdesk/cluster/desk"
)

// on lets chats ring for the sender.
func on(t *turn, a ask) (Answer, error) { return t.setDuty(a, true) }

// off lets none ring.
func off(t *turn, a ask) (Answer, error) { return t.setDuty(a, false) }

func (t *turn) setDuty(a ask, on bool) (Answer, error) {
	x := &desk.SetDuty{On: on}
	if a.rest != "" {
		d, ok := timeSpan(a.rest)
		if !ok || d > 24*time.Hour {
			return t.tell("Nothing was changed: a time is 30m, 2h or 1h30, at most 24h.")
		}
		x.For = d
	}
	var before desk.DutyState
	var until desk.Time
	read := func(state *desk.DutyState) error {
		return t.view(func(r desk.Reader) (err error) {
			*state, until, err = r.Duty(t.me(), t.now)
			return err
		})
	}
	if err := read(&before); err != nil {
		return Answer{}, err
	}
	answer, ok, err := t.make(a, x, doing{not: "Nothing was changed"})
	if !ok {
		return answer, err
	}
	if answer.Text = "Noted."; desk.DutyState(answer.Reply.Value) != before {
		return answer, nil // all of the sender's programs are told how they stand now
	}
	err = read(&before)
	answer.Text = dutyWords(desk.DutyState(answer.Reply.Value), until, t.now)
	return answer, err
}

// dutyWords tells somebody how they stand, and why.
func dutyWords(state desk.DutyState, until, now desk.Time) string {
	for_ := ""
	if until > now {
		for_ = " for " + wait(until.Sub(now))
	}
	switch state {
	case desk.DutyOn:
		return "You are on" + for_ + ": chats ring for you."
	case desk.DutyAway:
		return "You count as away, because your program says away or busy: chats ring for you only when nobody else takes them."
	case desk.DutyOff:
		return "You are off" + for_ + ", as you said: no chat rings for you. on at the desk's bot ends it."
	case desk.DutyOffShift:
		return "You are connected, but the rota does not have you on now: no chat rings for you. on 2h at the desk's bot puts you on."
	}
	return "You are not available: no program of yours is online."
}

// status says how the sender and the departments stand.
func status(t *turn, _ ask) (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	var out []string
	err = t.view(func(r desk.Reader) error {
		state, until, err := r.Duty(t.me(), t.now)
		if err != nil {
			return err
		}
		out = append(out, dutyWords(state, until, t.now))
		for _, v := range s.views {
			line, err := s.standingOf(r, v)
			if err != nil {
				return err
			}
			out = append(out, line)
		}
		return nil
	})
	n := 0
	for _, h := range s.chats {
		if mine(h, s.me) {
			n++
		}
	}
	out = append(out, fmt.Sprintf("You have %s and %s.", some(n, "chat"), some(len(s.tickets), "ticket")))
	if err != nil {
		return Answer{}, err
	}
	return t.tell("%s", strings.Join(out, "\n"))
}

// standingOf is a department in one line: its state, who waits, what patrons are told of waiting.
func (s *scene) standingOf(r desk.Reader, v desk.DepartmentView) (string, error) {
	state := map[desk.DepartmentState]string{desk.StateOnline: "online", desk.StateAway: "away", desk.StateClosed: "closed"}[v.State]
	line := departmentName(s.depts[v.ID], v.ID) + " – " + state
	if v.State == desk.StateClosed && v.NextOpen > s.now {
		line += ", opens in " + wait(v.NextOpen.Sub(s.now))
	}
	line += fmt.Sprintf(" – %d waiting", v.Waiting)
	n, err := r.WaitMinutes(v.ID, s.now)
	if n > 0 {
		line += fmt.Sprintf(" – a wait is up to %d min", n)
	}
	return line, err
}

// rota says who is on now, by department.
func rota(t *turn, _ ask) (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	states := map[string]desk.DutyState{}
	err = t.view(func(r desk.Reader) error {
		for _, p := range s.staff {
			state, _, err := r.Duty(p.Account, t.now)
			if err != nil {
				return err
			}
			states[p.Account] = state
		}
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	var out []string
	for _, v := range s.views {
		out = append(out, s.rotaLine(v, states))
	}
	if len(out) == 0 {
		return t.tell("There are no departments yet.")
	}
	return t.tell("%s", strings.Join(out, "\n"))
}

func (s *scene) rotaLine(v desk.DepartmentView, states map[string]desk.DutyState) string {
	line := departmentName(s.depts[v.ID], v.ID)
	for _, group := range []struct {
		state desk.DutyState
		word  string
	}{{desk.DutyOn, "on"}, {desk.DutyAway, "away"}, {desk.DutyOff, "off"}, {desk.DutyOffShift, "not on the rota"}} {
		var names []string
		for _, p := range s.staff {
			if slices.Contains(p.Departments, v.ID) && states[p.Account] == group.state {
				names = append(names, s.name(p.Account))
			}
		}
		if len(names) > 0 {
			line += fmt.Sprintf(" – %s: %s", group.word, and(names))
		}
	}
	if v.State == desk.StateClosed && v.NextOpen > s.now {
		line += " – opens in " + wait(v.NextOpen.Sub(s.now))
	} else if v.State == desk.StateClosed {
		line += " – closed for patrons"
	}
	return line
}
