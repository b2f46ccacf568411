// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"errors"
	"time"

	"refdesk/cluster/desk"
)

// Event is what happened in a chat, as API v1 tells its patron. Kind says which of the other fields are there.
type Event struct {
	Seq        uint64     `json:"seq"`
	At         time.Time  `json:"at"`
	Kind       string     `json:"kind"`
	From       string     `json:"from,omitempty"`       // message: patron, staff, system
	By         string     `json:"by,omitempty"`         // public name of the member of staff
	ID         string     `json:"id,omitempty"`         // message: the client's own id of a patron's line
	Text       *string    `json:"text,omitempty"`       // message
	Place      int        `json:"place,omitempty"`      // waiting: 1 = next
	Of         uint64     `json:"of,omitempty"`         // retracted: seq of the line
	Department string     `json:"department,omitempty"` // transferred: its name
	Until      *time.Time `json:"writable_until,omitempty"`
}

// The kinds of event that this release sends.
const (
	kindWaiting      = "waiting"
	kindClaimed      = "claimed"
	kindJoined       = "joined"
	kindLeft         = "left"
	kindMessage      = "message"
	kindRetracted    = "retracted"
	kindTransferred  = "transferred"
	kindReconnecting = "reconnecting"
	kindMissed       = "missed"
	kindClosed       = "closed"
	kindReopened     = "reopened"
)

// translate reads what a committed event means to the patron. ok is false if it means nothing.
func translate(rd desk.Reader, e desk.Event) (out Event, ok bool, err error) {
	out = Event{Seq: e.Seq, At: e.At.Std()}
	switch e.Kind {
	case desk.ChatOpened, desk.ChatReleased:
		out.Kind = kindWaiting
		// The place is that of now. A chat that no longer waits has none.
		out.Place, err = rd.Place(e.Chat)
	case desk.ChatTransferred:
		out.Kind = kindTransferred
		var d *desk.Department
		if d, err = rd.Department(e.Department); err == nil {
			out.Department = d.Name
		}
		out.By, err = publicName(rd, e.Staff, err)
	case desk.ChatClaimed, desk.OperatorBack:
		out.Kind = kindClaimed
		out.By, err = publicName(rd, e.Staff, nil)
	case desk.StaffJoined:
		out.Kind = kindJoined
		out.By, err = publicName(rd, e.Staff, nil)
	case desk.StaffLeft:
		out.Kind = kindLeft
		out.By, err = publicName(rd, e.Staff, nil)
	case desk.LinePosted:
		return translateLine(rd, e)
	case desk.OperatorLost:
		out.Kind = kindReconnecting
	case desk.ChatMissed:
		out.Kind = kindMissed
	case desk.ChatClosed:
		out.Kind = kindClosed
		out.Until, err = writableUntil(rd, e.At)
		out.By, err = publicName(rd, e.Staff, err)
	case desk.ChatReopened:
		out.Kind = kindReopened
		out.By, err = publicName(rd, e.Staff, nil)
	default:
		return out, false, nil
	}
	return out, err == nil, err
}

// translateLine reads a line's text. A line that is gone leaves a tombstone.
func translateLine(rd desk.Reader, e desk.Event) (Event, bool, error) {
	l, err := rd.Line(e.Chat, e.Line)
	if errors.Is(err, &desk.Error{Code: desk.NotFound}) {
		return Event{Seq: e.Seq, At: e.At.Std(), Kind: kindRetracted, Of: e.Seq}, true, nil
	}
	if err != nil {
		return Event{}, false, err
	}
	out, err := lineEvent(rd, l)
	return out, err == nil, err
}

func lineEvent(rd desk.Reader, l *desk.Line) (Event, error) {
	out := Event{Seq: l.Seq, At: l.At.Std(), Kind: kindMessage, From: string(l.From), Text: &l.Text}
	if l.From == desk.FromPatron {
		out.ID = l.ID
		return out, nil
	}
	var err error
	out.By, err = publicName(rd, l.By, nil)
	return out, err
}

// publicName is an account's name as patrons read it; nobody has none. It passes on an error that was there before.
func publicName(rd desk.Reader, account string, before error) (string, error) {
	if account == "" || before != nil {
		return "", before
	}
	name, err := rd.PublicName(account)
	if errors.Is(err, &desk.Error{Code: desk.NotFound}) {
		return "", nil
	}
	return name, err
}

// writableUntil is until when a line of the patron reopens a chat that was closed at at.
func writableUntil(rd desk.Reader, at desk.Time) (*time.Time, error) {
	d, err := rd.Clock(desk.ClockReopen)
	t := at.Add(d).Std()
	return &t, err
}

// fromRecords rebuilds a chat's events when the log no longer holds them all: the lines with their own seq, and what the
// record still knows of the rest, numbered between them.
func fromRecords(rd desk.Reader, number uint64) ([]Event, error) {
	h, err := rd.Chat(number)
	if err != nil {
		return nil, err
	}
	lines, err := rd.Lines(number, 0, 0)
	if err != nil {
		return nil, err
	}
	owner, err := publicName(rd, h.Owner, nil)
	if err != nil {
		return nil, err
	}
	var out []Event
	add := func(e Event) {
		if len(out) > 0 && e.Seq <= out[len(out)-1].Seq {
			e.Seq = out[len(out)-1].Seq + 1
		}
		out = append(out, e)
	}
	claimed := h.ClaimedAt == 0
	for i, l := range lines {
		if i == 0 && l.Seq > 0 {
			add(Event{Seq: l.Seq - 1, At: h.Opened.Std(), Kind: kindWaiting})
		}
		if !claimed && (l.At > h.ClaimedAt || l.From == desk.FromStaff) {
			claimed = true
			add(Event{At: h.ClaimedAt.Std(), Kind: kindClaimed, By: owner})
		}
		e, err := lineEvent(rd, l)
		if err != nil {
			return nil, err
		}
		add(e)
	}
	if !claimed {
		add(Event{At: h.ClaimedAt.Std(), Kind: kindClaimed, By: owner})
	}
	switch h.State {
	case desk.Closed, desk.Dismissed:
		e := Event{At: h.ClosedAt.Std(), Kind: kindClosed}
		if e.Until, err = writableUntil(rd, h.ClosedAt); err == nil {
			e.By, err = publicName(rd, h.ClosedBy, nil)
		}
		add(e)
	case desk.Missed:
		add(Event{At: h.MissedAt.Std(), Kind: kindMissed})
	}
	return out, err
}
