// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"slices"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
)

// head is how a chat stands, without its lines.
type head struct {
	Chat       uint64    `json:"chat"`
	Who        string    `json:"who"`
	Email      string    `json:"email"`
	Department string    `json:"department"`
	State      string    `json:"state"`
	Owner      string    `json:"owner"` // public name
	Mine       bool      `json:"mine"`
	Writable   bool      `json:"writable"` // the person's lines go to the patron
	Joined     []string  `json:"joined"`   // public names of who else is there
	Tags       []string  `json:"tags"`
	Page       string    `json:"page"`
	PageURL    string    `json:"page_url"` // "" unless it is an address of the web
	PageTitle  string    `json:"page_title"`
	Opened     int64     `json:"opened"`
	Since      int64     `json:"since"`    // when it began to wait
	Claimed    int64     `json:"claimed"`  // when it was claimed last, 0 = never
	Ended      int64     `json:"ended"`    // 0 = it goes on
	Gone       bool      `json:"gone"`     // the patron is not attached
	Received   uint64    `json:"received"` // highest seq that the patron's page has
	Shown      uint64    `json:"shown"`    // and that it showed
	OfferTo    string    `json:"offer_to"` // public name of who is asked to take it over
	Ticket     uint64    `json:"ticket"`   // 0 = it has none
	Pending    bool      `json:"pending"`  // a ticket waits for the patron's address
	Held       string    `json:"held"`     // the person's own text that was kept back
	Lines      uint64    `json:"lines"`
	Commands   []command `json:"commands"`
}

// command is something that can be done with a chat now.
type command struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

// line is one line of a chat.
type line struct {
	N        uint64 `json:"n"`
	Seq      uint64 `json:"seq"`
	At       int64  `json:"at"`
	From     string `json:"from"` // patron, staff, system
	By       string `json:"by"`   // public name
	Mine     bool   `json:"mine"`
	Note     bool   `json:"note"`
	ID       string `json:"id"` // an own line's client id
	Text     string `json:"text"`
	Redacted bool   `json:"redacted"`
}

func lineOf(l *desk.Line, me string, name func(string) string) line {
	x := line{
		N: l.Line, Seq: l.Seq, At: int64(l.At), From: string(l.From), Mine: l.By == me && me != "", Note: l.Kind == desk.NoteLine,
		Text: l.Text, Redacted: l.Redacted,
	}
	if l.By != "" {
		x.By = name(l.By)
	}
	if x.Mine {
		x.ID = l.ID
	}
	return x
}

// readLines reads the lines of a chat after one, the newest of them if there are many.
func readLines(r desk.Reader, chat, after uint64, me string) ([]line, error) {
	h, err := r.Chat(chat)
	if err != nil {
		return nil, err
	}
	if h.Lines > mostLines {
		after = max(after, h.Lines-mostLines)
	}
	found, err := r.Lines(chat, after, 0)
	name := console.Names(r)
	out := make([]line, 0, len(found))
	for _, l := range found {
		out = append(out, lineOf(l, me, name))
	}
	return out, err
}

// readHead reads how a chat stands for somebody. The commands are not part of it yet.
func readHead(r desk.Reader, chat uint64, who *Who, now desk.Time) (*head, error) {
	h, err := r.Chat(chat)
	if err != nil {
		return nil, err
	}
	name := console.Names(r)
	x := &head{
		Chat: h.Number, Who: h.Name, Email: h.Email, Department: h.Department, State: string(h.State), Mine: h.Owner == who.Account,
		Tags: append([]string{}, h.Tags...), Joined: []string{}, Page: pagePath(h.PageURL), PageURL: webURL(h.PageURL), PageTitle: h.PageTitle,
		Opened: int64(h.Opened), Since: int64(h.Since), Claimed: int64(h.ClaimedAt), Ended: int64(max(h.ClosedAt, h.MissedAt)),
		Gone: len(h.Attached) == 0, Received: h.Received, Shown: h.Shown, Lines: h.Lines,
	}
	x.Writable = h.State == desk.Claimed && (x.Mine || slices.Contains(h.Joined, who.Account))
	if h.State == desk.Waiting || h.State == desk.Claimed {
		x.Ended = 0
	}
	if h.Owner != "" {
		x.Owner = name(h.Owner)
	}
	for _, a := range slices.Concat(h.Joined, h.Watching) {
		if a != who.Account {
			x.Joined = append(x.Joined, name(a))
		}
	}
	if h.Offer.To != "" {
		x.OfferTo = name(h.Offer.To)
	}
	return x, x.readRest(r, h, now)
}

// readRest reads what other records say of a chat.
func (x *head) readRest(r desk.Reader, h *desk.Chat, now desk.Time) error {
	if d, err := r.Department(h.Department); err == nil {
		x.Department = d.Name
	} else if ignoreMissing(err) != nil {
		return err
	}
	t, err := r.TicketOf(h.Number)
	if ignoreMissing(err) != nil {
		return err
	}
	if t != nil {
		x.Ticket = t.Number
	}
	p, err := r.Pending(h.Number)
	if ignoreMissing(err) != nil {
		return err
	}
	x.Pending = p != nil
	held, err := r.Held(h.Number)
	if held == nil || err != nil {
		return ignoreMissing(err)
	}
	most, err := r.Clock(desk.ClockHeld)
	if now.Sub(held.At) <= most {
		x.Held = held.Text
	}
	return err
}
