// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"errors"
	"strconv"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/web/ui"
)

// Event is what happened in a chat, as API v1 tells its patron. Kind says which of the other fields are there.
type Event struct {
	Seq        uint64     `json:"seq"`
	At         time.Time  `json:"at"`
	Kind       string     `json:"kind"`
	From       string     `json:"from,omitempty"`       // message: patron, staff, system
	By         string     `json:"by,omitempty"`         // public name of the member of staff
	ID         string     `json:"id,omitempty"`         // message: the client's own id of a patron's line
	Text       *string    `json:"text,omitempty"`       // message, edited: the line; wait: a sentence in the chat's language
	Place      int        `json:"place,omitempty"`      // waiting: 1 = next
	Minutes    uint64     `json:"minutes,omitempty"`    // wait: promised from now on
	Late       bool       `json:"late,omitempty"`       // wait: longer than it should be
	Of         uint64     `json:"of,omitempty"`         // edited, retracted: seq of the line
	Department string     `json:"department,omitempty"` // transferred: its name
	Until      *time.Time `json:"writable_until,omitempty"`
	Ends       *time.Time `json:"until,omitempty"`  // still: when the chat ends
	Number     uint64     `json:"number,omitempty"` // ticket
	Score      uint64     `json:"score,omitempty"`  // rated: 1–5
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
	kindWait         = "wait"
	kindStill        = "still"
	kindHere         = "here"
	kindWanted       = "contact_wanted"
	kindLapsed       = "contact_lapsed"
	kindTicket       = "ticket"
	kindRated        = "rated"
	kindEdited       = "edited"
	kindMissed       = "missed"
	kindClosed       = "closed"
	kindReopened     = "reopened"
)

// translate reads what a committed event means to the patron. ok is false if it means nothing.
func translate(rd desk.Reader, pages *ui.Pages, e desk.Event) (out Event, ok bool, err error) {
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
		clock := desk.ClockReopen
		if e.Value == string(desk.EndedSilent) {
			clock = desk.ClockResumable
		}
		var open time.Duration
		open, err = rd.Clock(clock)
		until := e.At.Add(open).Std()
		out.Until = &until
		out.By, err = publicName(rd, e.Staff, err)
	case desk.ChatReopened:
		out.Kind = kindReopened
		out.By, err = publicName(rd, e.Staff, nil)
	case desk.WaitPromised, desk.WaitLapsed, desk.AlarmRaised:
		out.Kind = kindWait
		err = sayWait(rd, pages, e, &out)
	case desk.StillThere:
		out.Kind = kindStill
		ends := desk.Time(e.Ref).Std()
		out.Ends = &ends
	case desk.PatronHere:
		out.Kind = kindHere
	case desk.ContactWanted:
		out.Kind = kindWanted
	case desk.TicketLapsed:
		out.Kind = kindLapsed
	case desk.TicketOpened:
		out.Kind, out.Number = kindTicket, e.Ticket
	case desk.Rated:
		out.Kind, out.Score = kindRated, e.N
	case desk.LineRedacted:
		return translateRedacted(rd, e)
	default:
		return out, false, nil
	}
	return out, err == nil, err
}

// sayWait writes how long it takes in the chat's language: what was promised, or that it takes longer.
func sayWait(rd desk.Reader, pages *ui.Pages, e desk.Event, out *Event) error {
	h, err := rd.Chat(e.Chat)
	if err != nil {
		return err
	}
	say := pages.Texts(pages.Locale(h.Locale))
	var text string
	switch {
	case e.Kind == desk.WaitPromised && e.N == 1:
		out.Minutes, text = e.N, say["wait.promised.one"]
	case e.Kind == desk.WaitPromised:
		out.Minutes, text = e.N, say.Fill("wait.promised", "minutes", strconv.FormatUint(e.N, 10))
	case e.Kind == desk.WaitLapsed:
		out.Late, text = true, say["wait.lapsed"]
	default:
		out.Late, text = true, say["wait.late"]
	}
	out.Text = &text
	return nil
}

// redactedLine is the text of a line that was taken out as a whole.
const redactedLine = "[redacted]"

// translateRedacted gives the text that a line has now, or says that it is gone.
func translateRedacted(rd desk.Reader, e desk.Event) (Event, bool, error) {
	out := Event{Seq: e.Seq, At: e.At.Std(), Kind: kindRetracted, Of: e.Ref}
	l, err := rd.Line(e.Chat, e.Line)
	if errors.Is(err, &desk.Error{Code: desk.NotFound}) {
		return out, true, nil
	}
	if err == nil && l.Text != redactedLine {
		out.Kind, out.Text = kindEdited, &l.Text
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

// writableUntil is until when a line of the patron reopens an ended chat, nil if none does.
func writableUntil(rd desk.Reader, chat uint64) (*time.Time, error) {
	until, err := rd.WritableUntil(chat)
	if err != nil || until == 0 {
		return nil, err
	}
	t := until.Std()
	return &t, nil
}

// fromRecords rebuilds a chat's events when the log no longer holds them all: the lines with their own seq, and what the
// record still knows of the rest, numbered between them.
func fromRecords(rd desk.Reader, number, ticket uint64) ([]Event, error) {
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
	case desk.Closed, desk.Dismissed, desk.Ticketed:
		e := Event{At: h.ClosedAt.Std(), Kind: kindClosed}
		if e.Until, err = writableUntil(rd, number); err == nil && h.State == desk.Closed {
			e.By, err = publicName(rd, h.ClosedBy, nil)
		}
		add(e)
	case desk.Missed:
		add(Event{At: h.MissedAt.Std(), Kind: kindMissed})
	}
	last := h.Opened.Std()
	if len(out) > 0 {
		last = out[len(out)-1].At
	}
	if h.ContactUntil > 0 {
		add(Event{At: last, Kind: kindWanted})
	}
	if ticket > 0 {
		add(Event{At: last, Kind: kindTicket, Number: ticket})
	}
	if h.Score > 0 {
		add(Event{At: last, Kind: kindRated, Score: h.Score})
	}
	return out, err
}
