// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
)

// How much of a long desk the board shows.
const (
	mostRows   = 200
	firstRunes = 140
)

// board is everything on the board's left side, at one moment. Times are milliseconds since 1970.
type board struct {
	Now         int64        `json:"now"`
	Me          self         `json:"me"`
	Waiting     []row        `json:"waiting"`
	Mine        []row        `json:"mine"`
	Offered     []row        `json:"offered"`
	Others      []row        `json:"others"`
	ToTag       []row        `json:"to_tag"`
	Missed      int          `json:"missed"`
	Colleagues  []colleague  `json:"colleagues"`
	Departments []department `json:"departments"`
}

// self is who looks at the board.
type self struct {
	Account string `json:"account"`
	Name    string `json:"name"`
	Role    string `json:"role"`
	Duty    string `json:"duty"`  // on, away, off, off-shift, gone
	Until   int64  `json:"until"` // of the duty, 0 = open
}

// row is a chat in one of the lists.
type row struct {
	Chat       uint64 `json:"chat"`
	Who        string `json:"who"` // as given, "" = nobody said
	Department string `json:"department"`
	State      string `json:"state"`
	Owner      string `json:"owner"` // public name
	Since      int64  `json:"since"` // waiting since, or with its owner since
	Text       string `json:"text"`  // the question, or the last line of one's own chat
	Page       string `json:"page"`
	Rings      uint64 `json:"rings"` // it rings for who looks: how often it has rung; 0 = it doesn't
	Lines      uint64 `json:"lines"`
	Gone       bool   `json:"gone"` // the patron is not attached
	By         string `json:"by"`   // offered by; promised by
	Why        string `json:"why"`
}

// colleague is one of the staff with how they stand.
type colleague struct {
	Account string `json:"account"`
	Name    string `json:"name"`
	Duty    string `json:"duty"`
	Chats   int    `json:"chats"`
}

// department is one of the desk's figures.
type department struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	State   string `json:"state"` // online, away, closed
	Waiting int    `json:"waiting"`
	On      int    `json:"on"`
}

// readBoard reads the board of a member of staff.
func readBoard(r desk.Reader, me string, now desk.Time) (*board, error) {
	v := &boardReading{r: r, me: me, now: now, name: console.Names(r), depts: map[string]string{}, chats: map[string]int{}}
	v.b = board{
		Now: int64(now), Waiting: []row{}, Mine: []row{}, Offered: []row{}, Others: []row{}, ToTag: []row{},
		Colleagues: []colleague{}, Departments: []department{},
	}
	for _, step := range []func() error{v.departments, v.waiting, v.claimed, v.toTag, v.missed, v.colleagues} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &v.b, nil
}

// boardReading is a board being read.
type boardReading struct {
	r     desk.Reader
	me    string
	now   desk.Time
	name  func(account string) string
	depts map[string]string // names by id
	chats map[string]int    // how many each account has
	b     board
}

func (v *boardReading) departments() error {
	views, err := v.r.Departments(v.now)
	if err != nil {
		return err
	}
	for _, d := range views {
		v.depts[d.ID] = d.Name
		available, _, err := v.r.Crew(d.ID, v.now)
		if err != nil {
			return err
		}
		v.b.Departments = append(v.b.Departments, department{
			ID: d.ID, Name: d.Name, State: string(d.State), Waiting: d.Waiting, On: len(available),
		})
	}
	return nil
}

// row makes a chat's row. Line numbers the text that it shows.
func (v *boardReading) row(h *desk.Chat, n uint64, since desk.Time) (row, error) {
	out := row{
		Chat: h.Number, Who: h.Name, Department: v.depts[h.Department], State: string(h.State), Since: int64(since), Page: pagePath(h.PageURL),
		Lines: h.Lines, Gone: len(h.Attached) == 0,
	}
	if out.Department == "" {
		out.Department = h.Department
	}
	if h.Owner != "" {
		out.Owner = v.name(h.Owner)
	}
	l, err := v.r.Line(h.Number, n)
	if err != nil {
		return out, ignoreMissing(err)
	}
	if out.Text = firstWords(l.Text, firstRunes); l.Kind == desk.NoteLine {
		out.Text = "Note: " + out.Text
	}
	return out, nil
}

func (v *boardReading) waiting() error {
	found, err := v.r.Chats(desk.ChatFilter{State: desk.Waiting, Limit: mostRows})
	if err != nil {
		return err
	}
	for _, h := range found {
		x, err := v.row(h, 1, h.Since)
		if err != nil {
			return err
		}
		if slices.Contains(h.Rung, v.me) && !slices.Contains(h.Declined, v.me) && len(h.Attached) > 0 {
			x.Rings = max(h.Rings, 1)
		}
		if h.Promise.By != "" {
			x.By = v.name(h.Promise.By)
		}
		v.b.Waiting = append(v.b.Waiting, x)
	}
	return nil
}

// claimed sorts the chats that somebody has: own ones, those that are offered, and the colleagues'.
func (v *boardReading) claimed() error {
	found, err := v.r.Chats(desk.ChatFilter{State: desk.Claimed, Limit: mostRows})
	if err != nil {
		return err
	}
	own, err := v.r.Chats(desk.ChatFilter{Owner: v.me})
	if err != nil {
		return err
	}
	for _, h := range own {
		if !slices.ContainsFunc(found, func(o *desk.Chat) bool { return o.Number == h.Number }) {
			found = append(found, h)
		}
	}
	for _, h := range found {
		v.chats[h.Owner]++
		x, err := v.row(h, h.Lines, h.ClaimedAt)
		if err != nil {
			return err
		}
		switch {
		case h.Owner == v.me || slices.Contains(h.Joined, v.me):
			v.b.Mine = append(v.b.Mine, x)
		case h.Offer.To == v.me:
			x.By, x.Why, x.Since = v.name(h.Offer.By), h.Offer.Why, int64(h.Offer.At)
			v.b.Offered = append(v.b.Offered, x)
		default:
			v.b.Others = append(v.b.Others, x)
		}
	}
	return nil
}

func (v *boardReading) toTag() error {
	found, err := v.r.ToTag(v.me)
	if err != nil {
		return ignoreMissing(err)
	}
	for _, h := range found[:min(len(found), mostRows)] {
		x, err := v.row(h, 1, h.ClosedAt)
		if err != nil {
			return err
		}
		v.b.ToTag = append(v.b.ToTag, x)
	}
	return nil
}

// missed counts what is on the list of missed chats; who may not see it finds none.
func (v *boardReading) missed() error {
	found, err := v.r.MissedChats("")
	v.b.Missed = len(found)
	return ignoreMissing(err)
}

func (v *boardReading) colleagues() error {
	staff, err := v.r.StaffList()
	if err != nil {
		return err
	}
	for _, p := range staff {
		if p.Disabled {
			continue
		}
		duty, until, err := v.r.Duty(p.Account, v.now)
		if err != nil {
			return err
		}
		if p.Account == v.me {
			v.b.Me = self{Account: p.Account, Name: p.PublicName, Role: p.Role.String(), Duty: string(duty), Until: int64(until)}
			continue
		}
		if p.Role >= desk.RoleTrainee {
			v.b.Colleagues = append(v.b.Colleagues, colleague{Account: p.Account, Name: p.PublicName, Duty: string(duty), Chats: v.chats[p.Account]})
		}
	}
	return nil
}

// pagePath is the path of the page on which a patron asked.
func pagePath(raw string) string {
	u, err := url.Parse(raw)
	if raw == "" || err != nil {
		return ""
	}
	path := u.EscapedPath()
	if decoded, err := url.PathUnescape(path); err == nil && utf8.ValidString(decoded) {
		path = decoded
	}
	if path == "" && u.Host != "" {
		path = "/"
	}
	return firstWords(path, 80)
}

// firstWords is a text on one line, cut where it is long.
func firstWords(text string, runes int) string {
	text = strings.Join(strings.Fields(text), " ")
	n := 0
	for i := range text {
		if n++; n > runes {
			return text[:i] + "…"
		}
	}
	return text
}
