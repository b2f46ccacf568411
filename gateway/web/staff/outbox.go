// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"refdesk/cluster/desk"
)

// Replier answers a mail of the outbox as its patron would, through the same door that real mail comes in by. The demo
// has it, so that a thread can be tried without a mail server.
type Replier interface {
	Reply(ctx context.Context, mailID uint64, text string) error
}

// mailRow is one line of the outbox.
type mailRow struct {
	ID      uint64
	Subject string
	To      []string
	Ticket  uint64
	Notice  bool
	At      moment
	State   mailState
}

// mailState says in words where a mail stands.
type mailState struct {
	Word  string // "sent", "not sent yet", …
	Kind  string // good, wait, bad: its colour
	Until moment // until when it can be undone, or when it is tried again
	Why   string // what the mail server said last
	Late  bool
}

// outboxData is the list of outgoing mails.
type outboxData struct {
	Mails   []mailRow
	Before  uint64 // where the next page begins, 0 if there is none
	Older   bool   // this is not the first page
	Waiting int    // of those shown, not sent yet
	Capture bool   // the demo's mails end here
}

// mailData is one outgoing mail.
type mailData struct {
	slip
	mailRow
	From     string
	Text     string
	Apart    bool // its bytes are a file, not in the record
	Attached []string
	MayReply bool
	Soon     bool // the patron can answer it when it has gone
	Draft    string
}

const (
	mailsPerPage = 50
	lateAfter    = 2 * time.Minute
)

// stateOf puts a mail's state into words.
func (d *Door) stateOf(m *desk.MailOut) mailState {
	s := mailState{Why: m.LastError, Kind: "wait", Word: "not sent yet"}
	switch m.State {
	case desk.OutSent:
		s.Kind, s.Word = "good", "sent"
	case desk.OutFailed:
		s.Kind, s.Word = "bad", "refused for good"
	case desk.OutUndone:
		s.Word = "taken back"
	case desk.OutUnsure:
		s.Word = "perhaps sent: being looked for"
	case desk.OutClaimed, desk.OutDot:
		s.Word = "being sent"
	case desk.OutDeferred:
		s.Until = d.moment(m.NotBefore)
	case desk.OutQueued:
		if m.HoldUntil > d.now() {
			s.Word, s.Until = "held, can be undone", d.moment(m.HoldUntil)
		}
	}
	s.Late = s.Kind == "wait" && m.State != desk.OutUndone && d.now().Sub(max(m.QueuedAt, m.HoldUntil)) > lateAfter
	return s
}

func (d *Door) mailRow(m *desk.MailOut) mailRow {
	row := mailRow{ID: m.ID, To: m.To, Ticket: m.Ticket, Notice: m.Purpose == desk.MailNotice, At: d.moment(m.QueuedAt), State: d.stateOf(m)}
	if m.SentAt != 0 {
		row.At = d.moment(m.SentAt)
	}
	if row.Subject = mailSubject(m.Body); row.Subject == "" {
		row.Subject = "Mail " + strconv.FormatUint(m.ID, 10)
	}
	return row
}

// outboxPage is GET /outbox; ?before=ID goes on.
func (d *Door) outboxPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	before, _ := number(r.URL.Query().Get("before"), 1<<62)
	data := outboxData{Older: before != 0, Capture: d.cfg.Demo && d.deps.Replier != nil}
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		all, err := rd.Outbox(before, mailsPerPage+1)
		if len(all) > mailsPerPage {
			all = all[:mailsPerPage]
			data.Before = all[mailsPerPage-1].ID
		}
		for _, m := range all {
			row := d.mailRow(m)
			if row.State.Kind == "wait" && m.State != desk.OutUndone {
				data.Waiting++
			}
			data.Mails = append(data.Mails, row)
		}
		return err
	})
	if err != nil {
		return err
	}
	return d.page(w, r, who, "outbox", Page{Title: "Outbox", Section: "/outbox", Data: data})
}

// mailPage is GET /outbox/{mail}.
func (d *Door) mailPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	return d.showMail(w, r, who, http.StatusOK, mailData{})
}

func (d *Door) showMail(w http.ResponseWriter, r *http.Request, who *Who, status int, data mailData) error {
	m, err := d.mail(r, who)
	if err != nil {
		return err
	}
	data.mailRow = d.mailRow(m)
	data.Apart = len(m.Body) == 0
	data.From, data.Text, data.Attached = mailText(m.Body)
	data.MayReply = d.mayReply(m) && m.State == desk.OutSent
	data.Soon = d.mayReply(m) && m.State != desk.OutSent
	return d.page(w, r, who, "mail", Page{Title: data.Subject, Section: "/outbox", Status: status, Data: data})
}

// mail loads the mail that a request names.
func (d *Door) mail(r *http.Request, who *Who) (m *desk.MailOut, err error) {
	id, err := strconv.ParseUint(r.PathValue("mail"), 10, 64)
	if err != nil {
		return nil, &desk.Error{Code: desk.NotFound, Field: "mail"}
	}
	err = d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		m, err = rd.MailOut(id)
		return err
	})
	return m, err
}

func (d *Door) mayReply(m *desk.MailOut) bool {
	return d.cfg.Demo && d.deps.Replier != nil && m.Purpose != desk.MailNotice && len(m.Body) > 0
}

// replyAsPatron is POST /outbox/{mail}/reply, in the demo only.
func (d *Door) replyAsPatron(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	m, err := d.mail(r, who)
	if err != nil {
		return err
	}
	if !d.mayReply(m) {
		return &desk.Error{Code: desk.NotFound, Field: "mail"}
	}
	text := block(r.PostFormValue("text"))
	if m.State != desk.OutSent { // the page is older than the mail's fate, or the mail can still be taken back
		return d.showMail(w, r, who, http.StatusConflict, mailData{})
	}
	if text == "" || len(text) > desk.MaxBody {
		data := mailData{Draft: text, slip: slip{"Please write what the patron answers, of at most 32,000 characters.", "text"}}
		return d.showMail(w, r, who, http.StatusUnprocessableEntity, data)
	}
	if err := d.deps.Replier.Reply(r.Context(), m.ID, text); err != nil {
		return err
	}
	return d.done(w, r, "/tickets/"+strconv.FormatUint(m.Ticket, 10), "The patron's answer has arrived by mail.")
}
