// SPDX-License-Identifier: Apache-2.0

package desktest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"refdesk/cluster/desk"
)

// chatDoing turns the further doings about chats into commands; nil if it is none of them. The actor "desk" is the
// administrator.
func chatDoing(r desk.Actor, verb, rest string) desk.Command {
	first, text, _ := strings.Cut(rest, " ")
	chat, _ := strconv.ParseUint(first, 10, 64)
	number, _ := strconv.ParseUint(text, 10, 64)
	if r.Kind == desk.PatronKind {
		switch verb {
		case "here":
			return &desk.PatronIsHere{Chat: chat}
		case "rate": // CHAT SCORE [COMMENT]
			score, comment, _ := strings.Cut(text, " ")
			n, _ := strconv.ParseUint(score, 10, 64)
			return &desk.RateChat{Chat: chat, Score: n, Comment: comment}
		case "name":
			return &desk.SetContact{Chat: chat, Name: text}
		}
		return nil
	}
	switch verb {
	case "received": // CHAT: the ring
		return &desk.RingReceived{Chat: chat, Session: r.Session}
	case "no": // CHAT
		return &desk.DeclineRing{Chat: chat}
	case "on", "off": // [DURATION]
		d, _ := time.ParseDuration(rest)
		return &desk.SetDuty{On: verb == "on", For: d}
	case "still":
		return &desk.AskStill{Chat: chat}
	case "ask-contact":
		return &desk.WantContact{Chat: chat}
	case "promise": // CHAT MINUTES
		return &desk.PromiseWait{Chat: chat, Minutes: number}
	case "claim!":
		return &desk.ClaimChat{Chat: chat, Force: true}
	case "reopen":
		return &desk.ReopenChat{Chat: chat}
	case "undo":
		return &desk.UndoChat{Chat: chat}
	case "redact": // CHAT LINE|WORD
		if number > 0 {
			return &desk.RedactLine{Chat: chat, Line: number}
		}
		return &desk.RedactLine{Chat: chat, Word: text}
	case "close-typing": // CHAT TAG
		return &desk.CloseChat{Chat: chat, Tags: words(text), Typing: true}
	case "close-with": // CHAT TAG NAME=VALUE
		tag, field, _ := strings.Cut(text, " ")
		name, value, _ := strings.Cut(field, "=")
		return &desk.CloseChat{Chat: chat, Tags: words(tag), Fields: []desk.Field{{Name: name, Value: value}}}
	}
	return adminDoing(verb, first, text)
}

// adminDoing changes the library of Store.Library. Departments and people are changed from what they were there.
func adminDoing(verb, first, text string) desk.Command {
	switch verb {
	case "department": // ID NAME=VALUE …
		for _, c := range libraryCommands() {
			if x, ok := c.(*desk.SetDepartment); ok && x.Department.ID == first {
				for _, part := range strings.Fields(text) {
					setDepartment(&x.Department, part)
				}
				return x
			}
		}
	case "person": // ACCOUNT LIMIT
		for _, c := range libraryCommands() {
			if x, ok := c.(*desk.SetStaff); ok && x.Staff.Account == first {
				x.New = false
				x.Staff.Limit, _ = strconv.ParseUint(text, 10, 64)
				return x
			}
		}
	case "shifts": // DEPARTMENT ACCOUNT FROM TO, hours after Start
		x := &desk.SetCalendar{Calendar: desk.Calendar{
			Department: first, Open: []desk.Interval{{From: Start.Add(-24 * time.Hour), To: Start.Add(8 * 7 * 24 * time.Hour)}},
		}}
		for shift := range strings.SplitSeq(text, ", ") {
			part := strings.Fields(shift)
			from, _ := time.ParseDuration(part[1])
			to, _ := time.ParseDuration(part[2])
			x.Calendar.Shifts = append(x.Calendar.Shifts, desk.Shift{
				Staff: part[0], Interval: desk.Interval{From: Start.Add(from), To: Start.Add(to)},
			})
		}
		return x
	case "clock": // NAME VALUE
		return &desk.SetSetting{Setting: desk.Setting{Name: "clock." + first, Value: text}}
	}
	return nil
}

func setDepartment(d *desk.Department, part string) {
	name, value, _ := strings.Cut(part, "=")
	switch name {
	case "backups":
		d.Backups = strings.Split(value, ",")
	case "untagged":
		d.Untagged = true
	case "nostore":
		d.NoStore = true
	case "retention":
		d.Retention, _ = strconv.ParseUint(value, 10, 64)
	case "deadline":
		d.Deadline, _ = strconv.ParseUint(value, 10, 64)
	case "field": // NAME:CHOICE|CHOICE, required
		name, choices, _ := strings.Cut(value, ":")
		d.Fields = append(d.Fields, desk.ClosingField{Name: name, Choices: strings.Split(choices, "|"), Required: true})
	}
}

// see prints what a member of staff reads: "missed ana", "totag ana", "duty ana", "wait reference", "lines 1", "writable 1".
func (c *cast) see(t *testing.T, out *strings.Builder, what string) {
	kind, name, _ := strings.Cut(what, " ")
	fmt.Fprintf(out, "see %s\n", what)
	say := func(format string, args ...any) { fmt.Fprintf(out, "   "+format+"\n", args...) }
	who := desk.NodeActor("n0")
	if kind == "missed" || kind == "totag" || kind == "duty" {
		who = desk.StaffActor(name, SessionID(name))
	}
	err := c.store.View(t.Context(), who, func(r desk.Reader) error {
		n, _ := strconv.ParseUint(name, 10, 64)
		switch kind {
		case "missed":
			rows, err := r.MissedChats("")
			for _, m := range rows {
				say("%d %s waited %s contact=%v name=%q %q", m.Number, m.Department, m.Waited, m.Contact, m.Name, m.First)
			}
			return err
		case "totag":
			chats, err := r.ToTag(name)
			for _, h := range chats {
				say("%d", h.Number)
			}
			return err
		case "duty":
			state, until, err := r.Duty(name, c.store.Now())
			say("%s until %s", state, clock(until))
			return err
		case "wait":
			minutes, err := r.WaitMinutes(name, c.store.Now())
			say("%d min", minutes)
			return err
		case "writable":
			until, err := r.WritableUntil(n)
			say("until %s", clock(until))
			return err
		case "lines":
			h, err := r.Chat(n)
			if err != nil {
				return err
			}
			say("%s name=%q email=%q", h.State, h.Name, h.Email)
			lines, err := r.Lines(n, 0, 0)
			for _, l := range lines {
				say("%d %s: %s", l.Line, l.From, l.Text)
			}
			return err
		}
		return fmt.Errorf("there is nothing like that to see")
	})
	if err != nil {
		say("%v", err)
	}
}

// clock is a moment as scenarios print it.
func clock(t desk.Time) string {
	if t == 0 {
		return "-"
	}
	return t.Std().Format("15:04:05")
}
