// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// Page is what a handler shows: a template of ui/templates/staff with its data.
type Page struct {
	Title   string
	Section string   // which entry of the navigation is the current one: its path
	Scripts []string // beside staff.js: "board.js"
	Status  int      // 0 means 200
	Wide    bool     // use the whole width
	Data    any
}

// entry is one link of the navigation.
type entry struct {
	Path, Name string
	Current    bool
}

// view is what the layout and the page's template get.
type view struct {
	Page
	Who   *Who
	Nav   []entry
	Flash *flash
	Key   string // makes the page's forms harmless to send twice
	Demo  bool
}

// sections lists the navigation with the least role of each entry.
func sections() []struct {
	path, name string
	least      desk.Role
} {
	return []struct {
		path, name string
		least      desk.Role
	}{
		{"/board", "Board", desk.RoleTrainee},
		{"/missed", "Missed chats", desk.RoleOperator},
		{"/tickets", "Tickets", desk.RoleOperator},
		{"/search", "Search", desk.RoleOperator},
		{"/figures", "Figures", desk.RoleViewer},
		{"/faqs", "FAQs", desk.RoleViewer},
		{"/replies", "Replies", desk.RoleTrainee},
		{"/outbox", "Outbox", desk.RoleOperator},
		{"/departments", "Departments", desk.RoleLead},
		{"/people", "People", desk.RoleAdmin},
		{"/nodes", "Nodes", desk.RoleAdmin},
	}
}

// page renders a template of ui/templates/staff, without its ".html", inside the layout.
func (d *Door) page(w http.ResponseWriter, r *http.Request, who *Who, name string, p Page) error {
	v := view{Page: p, Who: who, Key: formKey(), Demo: d.cfg.Demo, Flash: d.takeFlash(w, r)}
	if who != nil {
		for _, s := range sections() {
			if who.Role >= s.least {
				v.Nav = append(v.Nav, entry{Path: s.path, Name: s.name, Current: s.path == p.Section})
			}
		}
	}
	var buf bytes.Buffer
	if err := d.frame.Pages().Staff(&buf, name, v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if p.Status != 0 {
		w.WriteHeader(p.Status)
	}
	// The browser may be gone; there is nobody to tell.
	_, _ = w.Write(buf.Bytes())
	return nil
}

// trouble shows a problem to a person: what is the matter, and a way on.
func (d *Door) trouble(w http.ResponseWriter, r *http.Request, who *Who, p *web.Problem) {
	title := map[string]string{
		web.CodeNotFound: "Not here", web.CodeForbidden: "Not for your role", web.CodeUnavailable: "One moment",
		web.CodeThrottled: "One moment", web.CodeOrigin: "Not taken",
	}[p.Code]
	if title == "" {
		title = "That did not work"
	}
	if err := d.page(w, r, who, "trouble", Page{Title: title, Status: p.Status, Data: p.Detail}); err != nil {
		d.log.ErrorContext(r.Context(), "trouble page not rendered", "err", err)
		http.Error(w, p.Title, p.Status)
	}
}

// formKey is a fresh key for the forms of one page.
func formKey() string { return rand.Text() }

// moment is a time as a page shows it.
type moment struct {
	ISO  string // for the datetime attribute
	Text string // "today 14:05", "3 Nov 09:12", "3 Nov 2025"
}

// moment brings a time into the form for pages; the zero time is empty.
func (d *Door) moment(t desk.Time) moment {
	if t == 0 {
		return moment{}
	}
	at, now := t.Std().In(d.cfg.Zone), d.cfg.Now().In(d.cfg.Zone)
	m := moment{ISO: at.Format(time.RFC3339)}
	day := func(t time.Time) time.Time { y, m, d := t.Date(); return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	switch days := day(now).Sub(day(at)) / (24 * time.Hour); {
	case days == 0:
		m.Text = "today " + at.Format("15:04")
	case days == 1:
		m.Text = "yesterday " + at.Format("15:04")
	case days == -1:
		m.Text = "tomorrow " + at.Format("15:04")
	case at.Year() == now.Year():
		m.Text = at.Format("2 Jan 15:04")
	default:
		m.Text = at.Format("2 Jan 2006")
	}
	return m
}
