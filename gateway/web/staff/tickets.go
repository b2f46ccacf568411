// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"refdesk/cluster/desk"
)

// ticketsOnPage is how many tickets a page of the list has.
const ticketsOnPage = 50

// ticketRow is a ticket as the list shows it.
type ticketRow struct {
	*desk.Ticket
	Where    string // the department's name
	To       string // the assignee's public name
	When     moment // of its last change
	HasDraft bool
}

// ticketsData is the list with its filters.
type ticketsData struct {
	Rows        []ticketRow
	State       string // "" = all but closed, "all", or a state
	Department  string
	Whose       string // "" = anybody's, "mine", "nobody"
	Departments []desk.DepartmentView
	States      []string
	Next        string // where older tickets are
	Drafts      []draftRow
	Undo        string // what was closed a moment ago, for the button that takes it back
	Undone      int    // how many these are
	Self        string // this list
	Open        bool   // something on it can be closed
}

// draftRow is a ticket in which the reader has written something that was not sent.
type draftRow struct {
	Ticket uint64
	Text   string
}

// ticketsPage is GET /tickets.
func (d *Door) ticketsPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	q := r.URL.Query()
	data := ticketsData{
		State: q.Get("state"), Department: q.Get("department"), Whose: q.Get("whose"), States: []string{"new", "open", "pending", "closed"},
	}
	f := desk.TicketFilter{Department: data.Department, Limit: ticketsOnPage + 1}
	switch data.State {
	case "":
		f.Open = true
	case "all":
	default:
		f.State = desk.TicketState(data.State)
	}
	switch data.Whose {
	case "mine":
		f.Assignee = who.Account
	case "nobody":
		f.Unassigned = true
	}
	if at, n, ok := strings.Cut(q.Get("before"), "-"); ok {
		t, err1 := strconv.ParseInt(at, 10, 64)
		number, err2 := strconv.ParseUint(n, 10, 53)
		if err1 == nil && err2 == nil {
			f.Before = &desk.Ticket{Updated: desk.Time(t), Number: number}
		}
	}
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error { return d.readTickets(rd, f, &data) })
	if err != nil {
		return err
	}
	if len(data.Rows) > ticketsOnPage {
		data.Rows = data.Rows[:ticketsOnPage]
		last := data.Rows[ticketsOnPage-1]
		q.Set("before", fmt.Sprintf("%d-%d", last.Updated, last.Number))
		data.Next = "/tickets?" + q.Encode()
	}
	if closed := undoList(q.Get("undo")); len(closed) > 0 {
		data.Undo, data.Undone = q.Get("undo"), len(closed)
	}
	q.Del("undo")
	q.Del("before")
	data.Self = "/tickets?" + q.Encode()
	return d.page(w, r, who, "tickets", Page{Title: "Tickets", Section: "/tickets", Data: data})
}

func (d *Door) readTickets(rd desk.Reader, f desk.TicketFilter, data *ticketsData) error {
	var err error
	if data.Departments, err = rd.Departments(d.now()); err != nil {
		return err
	}
	drafts, err := rd.Drafts()
	if err != nil {
		return err
	}
	drafted := map[uint64]bool{}
	for _, x := range drafts {
		drafted[x.Ticket] = true
		data.Drafts = append(data.Drafts, draftRow{Ticket: x.Ticket, Text: firstWords(x.Text(), firstRunes)})
	}
	found, err := rd.Tickets(f)
	names := departmentNames(data.Departments)
	for _, t := range found {
		x := ticketRow{Ticket: t, Where: names(t.Department), When: d.moment(t.Updated), HasDraft: drafted[t.Number]}
		data.Open = data.Open || t.State != desk.TicketClosed
		if t.Assignee != "" {
			x.To = publicName(rd, t.Assignee)
		}
		data.Rows = append(data.Rows, x)
	}
	return err
}

// publicName is an account as patrons and colleagues read it.
func publicName(rd desk.Reader, account string) string {
	if name, err := rd.PublicName(account); err == nil && name != "" {
		return name
	}
	return account
}

func ticketURL(n uint64) string { return "/tickets/" + strconv.FormatUint(n, 10) }

// newTicketData is the form for a ticket by hand: a question that came by telephone or at the counter.
type newTicketData struct {
	Departments []desk.DepartmentView
	Department  string
	Subject     string
	Name        string
	Email       string
	Text        string
	Wrong       string
}

// newTicketPage is GET /tickets/new.
func (d *Door) newTicketPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	department := ""
	if len(who.Departments) > 0 {
		department = who.Departments[0]
	}
	return d.showNewTicket(w, r, who, newTicketData{Department: department}, 0)
}

func (d *Door) showNewTicket(w http.ResponseWriter, r *http.Request, who *Who, data newTicketData, status int) error {
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) (err error) {
		data.Departments, err = rd.Departments(d.now())
		return err
	})
	if err != nil {
		return err
	}
	return d.page(w, r, who, "newticket", Page{Title: "New ticket", Section: "/tickets", Status: status, Data: data})
}

// newTicket is POST /tickets/new.
func (d *Door) newTicket(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	data := newTicketData{
		Department: r.PostFormValue("department"), Subject: oneLine(r.PostFormValue("subject")),
		Name: oneLine(r.PostFormValue("name")), Email: oneLine(r.PostFormValue("email")),
		Text: block(r.PostFormValue("text")),
	}
	reply, err := d.submit(r, who, &desk.OpenTicket{
		Department: data.Department, Subject: data.Subject, Name: data.Name, Email: data.Email, Text: data.Text,
	})
	if e := refusal(err, desk.Invalid, desk.NotFound); e != nil {
		data.Wrong = sentence(e)
		if e.Field == "subject" && data.Subject == "" {
			data.Wrong = "Write what is asked, or a subject at least."
		}
		return d.showNewTicket(w, r, who, data, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return d.done(w, r, ticketURL(reply.Ticket), fmt.Sprintf("Ticket %d is open.", reply.Ticket))
}

// Link is the list with one filter changed.
func (x ticketsData) Link(name, value string) string {
	q := url.Values{}
	for k, v := range x.filters(name, value) {
		if v != "" {
			q.Set(k, v)
		}
	}
	if len(q) == 0 {
		return "/tickets"
	}
	return "/tickets?" + q.Encode()
}

func (x ticketsData) filters(name, value string) map[string]string {
	out := map[string]string{"state": x.State, "department": x.Department, "whose": x.Whose}
	out[name] = value
	return out
}
