// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// openRequest is the body of POST /chats.
type openRequest struct {
	ID         string `json:"id"`
	Token      string `json:"token"`
	Department string `json:"department"`
	Question   string `json:"question"`
	Name       string `json:"name"`
	Email      string `json:"email"`
	Locale     string `json:"locale"`
	PageURL    string `json:"page_url"`
	PageTitle  string `json:"page_title"`

	Fields         map[string]string `json:"fields"`
	KeepTranscript *bool             `json:"keep_transcript"` // false: nothing is kept after the end
}

// opened is its answer.
type opened struct {
	Chat  string   `json:"chat"`
	Seq   uint64   `json:"seq"`
	Epoch uint64   `json:"epoch"`
	Nodes []string `json:"nodes"`
}

// command checks the request and makes the command of it. The node is left out: the same request on another node has to
// be the same command, so presence is told apart (seats).
func (o *openRequest) command(fields []chatField) (patron, *desk.OpenChat, error) {
	err := clientID(o.ID)
	if err != nil {
		return patron{}, nil, err
	}
	hash, ok := hashToken(o.Token)
	if !ok {
		return patron{}, nil, web.Invalid("token", "The token is 32 random bytes in base64url without padding.")
	}
	if o.Department == "" || len(o.Department) > 64 {
		return patron{}, nil, web.Invalid("department", "Name a department.")
	}
	c := &desk.OpenChat{ID: o.ID, Department: o.Department, PageURL: barePage(o.PageURL)}
	c.NoStore = o.KeepTranscript != nil && !*o.KeepTranscript
	c.PageTitle = cut(cleanLine(o.PageTitle), maxTitle)
	var errs [4]error
	c.Question, errs[0] = longText("question", o.Question)
	c.Name, errs[1] = shortText("name", o.Name, 100)
	c.Email, errs[2] = shortText("email", o.Email, 254)
	c.Locale, errs[3] = shortText("locale", o.Locale, 35)
	for _, err := range errs {
		if err != nil {
			return patron{}, nil, err
		}
	}
	if c.Question, err = withFields(c.Question, fields, o.Fields); err != nil {
		return patron{}, nil, err
	}
	return patron{hash: hash, since: time.Now()}, c, nil
}

// maxTitle is how much of a page's title is kept, in code points: the desk takes 300 bytes.
const maxTitle = 70

// barePage keeps of a page's address what can't tell more about its reader: origin and path.
func barePage(s string) string {
	u, err := url.Parse(cleanLine(s))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return ""
	}
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if s = bare.String(); len(s) > 1000 {
		return bare.Scheme + "://" + bare.Host
	}
	return s
}

// openChat is POST /chats.
func (d *Door) openChat(w http.ResponseWriter, r *http.Request) error {
	var body openRequest
	if err := readBody(r, &body); err != nil {
		return err
	}
	v, err := d.department(r.Context(), body.Department)
	if err != nil && !errors.Is(err, &desk.Error{Code: desk.NotFound}) {
		return err
	}
	p, command, err := body.command(v.Fields)
	if err != nil {
		return err
	}
	if !d.cfg.Titles {
		command.PageTitle = ""
	}
	if net := d.frame.NetworkOf(r); !net.Exempt {
		if ok, wait := d.opens.Take(net.Key); !ok {
			t := web.Throttled(wait, "Too many chats are being opened from this network.")
			t.Form = chatPath(body.Department)
			return t
		}
	}
	// Under a token that has a chat this adds a line, so it is held to the rate of lines, also on campus.
	if ok, wait := d.lines.Take("open " + p.hash); !ok {
		return web.Throttled(wait, "Too many questions at once; send this one again with the same id.")
	}
	reply, err := d.do(r.Context(), p, p.key(body.ID), command)
	if err != nil {
		return d.closedDoor(r.Context(), body.Department, err)
	}
	p.chat = reply.Chat
	d.seats.called(p)
	answer := opened{Chat: strconv.FormatUint(reply.Chat, 10), Seq: reply.Seq, Nodes: d.frame.Nodes()}
	if answer.Nodes == nil {
		answer.Nodes = []string{}
	}
	// The page will read its chat here next, so this node should have it; if it lags, the read waits itself.
	wait, cancel := context.WithTimeout(r.Context(), d.limits.CatchUpWithin)
	defer cancel()
	_ = d.store.WaitApplied(wait, reply.Seq)
	err = d.store.View(r.Context(), p.actor(), func(rd desk.Reader) error {
		c, err := rd.Cursor()
		answer.Epoch = c.Epoch
		return err
	})
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if reply.Again || !reply.Opened {
		status = http.StatusOK
	}
	return writeJSON(w, status, answer)
}

// closedDoor says of a refusal to open a chat when the department opens again and where a question can be left.
func (d *Door) closedDoor(ctx context.Context, department string, err error) error {
	var refusal *desk.Error
	if !errors.As(err, &refusal) {
		return err
	}
	if refusal.Code == desk.NotFound && refusal.Field == "department" {
		return web.Invalid("department", "There is no such department.")
	}
	if refusal.Code != desk.Offline {
		return err
	}
	p := web.AsProblem(refusal)
	p.Form = chatPath(department)
	views, viewErr := d.departmentViews(ctx)
	if viewErr != nil {
		return p
	}
	for _, v := range views {
		if v.ID == department {
			p.NextOpen = v.NextOpen
		}
	}
	return p
}

// chatView is the answer of GET /chats/{chat}.
type chatView struct {
	Chat       string     `json:"chat"`
	Department string     `json:"department"`
	State      string     `json:"state"` // waiting, claimed, missed, closed
	By         string     `json:"by,omitempty"`
	Place      int        `json:"place,omitempty"`
	Wait       int        `json:"wait_seconds,omitempty"`  // waiting: what four of five wait at most
	Ticket     uint64     `json:"ticket,omitempty"`        // it goes on by mail under this number
	Contact    *time.Time `json:"contact_until,omitempty"` // until then an address is asked for
	Opened     time.Time  `json:"opened"`
	Now        time.Time  `json:"now"` // by this node's clock
	Until      *time.Time `json:"writable_until,omitempty"`
	Seq        uint64     `json:"seq"`
	Epoch      uint64     `json:"epoch"`
}

// chat is GET /chats/{chat}.
func (d *Door) chat(w http.ResponseWriter, r *http.Request) error {
	p, err := d.authorise(r)
	if err != nil {
		return err
	}
	d.seats.called(p)
	var v chatView
	now := d.cfg.Now().UTC()
	err = d.store.View(r.Context(), p.actor(), func(rd desk.Reader) (err error) {
		v, err = standing(rd, p.chat, now)
		return err
	})
	if err != nil {
		return err
	}
	v.Ticket, err = d.ticketOf(r.Context(), p.chat)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, v)
}

// standing reads how a chat stands.
func standing(rd desk.Reader, number uint64, now time.Time) (chatView, error) {
	h, err := rd.Chat(number)
	if err != nil {
		return chatView{}, err
	}
	c, err := rd.Cursor()
	v := chatView{
		Chat: strconv.FormatUint(h.Number, 10), Department: h.Department, State: string(h.State),
		Opened: h.Opened.Std(), Now: now, Seq: c.Seq, Epoch: c.Epoch,
	}
	if h.ContactUntil > desk.At(now) {
		until := h.ContactUntil.Std()
		v.Contact = &until
	}
	if err != nil {
		return v, err
	}
	switch h.State {
	case desk.Waiting:
		if v.Place, err = rd.Place(h.Number); err != nil {
			return v, err
		}
		minutes, err := rd.WaitMinutes(h.Department, desk.At(now))
		v.Wait = 60 * minutes
		return v, err
	case desk.Claimed:
		v.By, err = publicName(rd, h.Owner, nil)
	case desk.Closed, desk.Dismissed, desk.Ticketed:
		v.State = string(desk.Closed)
		v.Until, err = writableUntil(rd, h.Number)
		if h.State == desk.Closed {
			v.By, err = publicName(rd, h.ClosedBy, err)
		}
	}
	return v, err
}

// ticketOf is the number of the ticket that a chat became, 0 if it has none. Patrons may not read tickets; the number of
// their own they may know.
func (d *Door) ticketOf(ctx context.Context, chat uint64) (uint64, error) {
	var number uint64
	err := d.store.View(ctx, desk.NodeActor(d.cfg.Node), func(rd desk.Reader) error {
		t, err := rd.TicketOf(chat)
		if errors.Is(err, &desk.Error{Code: desk.NotFound}) {
			return nil
		}
		if err == nil {
			number = t.Number
		}
		return err
	})
	return number, err
}
