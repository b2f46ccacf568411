// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"fmt"
	"net/http"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
)

// missedRow is a missed chat as the page shows it.
type missedRow struct {
	desk.MissedChat
	Where   string // the department's name
	When    moment
	Took    string // how long the patron waited
	Email   string
	Pending bool // a ticket waits for an address
}

// missedPage is GET /missed: the chats that nobody took, the oldest first.
func (d *Door) missedPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	department := r.URL.Query().Get("department")
	data := struct {
		Rows        []missedRow
		Departments []desk.DepartmentView
		Department  string
	}{Department: department}
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		var err error
		if data.Departments, err = rd.Departments(d.now()); err != nil {
			return err
		}
		found, err := rd.MissedChats(department)
		if err != nil {
			return err
		}
		names := departmentNames(data.Departments)
		for _, m := range found {
			x := missedRow{MissedChat: m, Where: names(m.Department), When: d.moment(m.At), Took: lasted(m.Waited)}
			h, err := rd.Chat(m.Number)
			if err != nil {
				return err
			}
			p, err := rd.Pending(m.Number)
			if ignoreMissing(err) != nil {
				return err
			}
			x.Email, x.Pending = h.Email, p != nil
			data.Rows = append(data.Rows, x)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.page(w, r, who, "missed", Page{Title: "Missed chats", Section: "/missed", Data: data})
}

// departmentNames reads a department's name by its id.
func departmentNames(all []desk.DepartmentView) func(id string) string {
	return func(id string) string {
		for _, x := range all {
			if x.ID == id {
				return x.Name
			}
		}
		return id
	}
}

// missedClaim is POST /missed/{chat}/claim: somebody follows it up.
func (d *Door) missedClaim(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "chat")
	if err != nil {
		return err
	}
	r, cancel := d.soon(r)
	defer cancel()
	a, err := d.ask(r, n, who, func(in console.Input) (console.Answer, error) {
		return d.console.Submit(r.Context(), in, "claim", nil)
	})
	if err != nil {
		return err
	}
	if a.Refused != nil {
		d.warn(w, r, a.Text)
		redirect(w, r, "/missed")
		return nil
	}
	return d.done(w, r, chatURL(n), a.Text)
}

// missedTicket is POST /missed/{chat}/ticket: it goes on by mail.
func (d *Door) missedTicket(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "chat")
	if err != nil {
		return err
	}
	email := oneLine(r.PostFormValue("email"))
	reply, err := d.submit(r, who, &desk.OpenTicket{Chat: n, Email: email})
	if e := refusal(err, desk.Invalid, desk.NeedsEmail); e != nil && e.Field == "email" {
		d.warn(w, r, fmt.Sprintf("No ticket was made: «%s» can't be an e-mail address.", firstWords(email, 80)))
		redirect(w, r, "/missed")
		return nil
	}
	if err != nil {
		return err
	}
	if reply.Value == "pending" || reply.Ticket == 0 {
		d.warn(w, r, fmt.Sprintf("%d has no address yet. If the patron's page is still open, it asks for one now; the ticket makes itself when it comes.", n))
		redirect(w, r, "/missed")
		return nil
	}
	return d.done(w, r, ticketURL(reply.Ticket), fmt.Sprintf("Chat %d goes on as ticket %d.", n, reply.Ticket))
}

// missedDismiss is POST /missed/{chat}/dismiss: nobody needs to follow it up, and why.
func (d *Door) missedDismiss(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "chat")
	if err != nil {
		return err
	}
	r, cancel := d.soon(r)
	defer cancel()
	a, err := d.ask(r, n, who, func(in console.Input) (console.Answer, error) {
		return d.console.Submit(r.Context(), in, "dismiss", map[string][]string{"why": {r.PostFormValue("why")}})
	})
	if err != nil {
		return err
	}
	if a.Refused != nil || a.Reply.Seq == 0 {
		d.warn(w, r, a.Text)
	} else {
		d.say(w, r, a.Text)
	}
	redirect(w, r, "/missed")
	return nil
}
