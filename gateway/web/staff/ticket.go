// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"refdesk/cluster/desk"
)

// ticketData is a ticket's thread with all that can be done with it.
type ticketData struct {
	*desk.Ticket
	Asked       uint64 // the number that was asked for, if it leads to another ticket
	Where       string
	To          string // the assignee's public name
	When        moment // opened
	Entries     []entryView
	From        []uint64 // tickets that were merged into it
	Recipients  []string
	Draft       string
	States      []string
	Departments []desk.DepartmentView
	People      []person
	AllTags     []string // that it may get
	FreeTags    bool     // its department takes any tag
}

// person is one to whom a ticket can be given.
type person struct {
	Account, Name string
	Serves        bool // works for the ticket's department
}

// entryView is an entry as the thread shows it.
type entryView struct {
	*desk.TicketEntry
	Who     string
	Time    moment
	Held    string // why it was held, in words
	Mail    string // how its mail stands, in words
	Look    string // good, wait, bad: its colour
	What    string // what happened, of a system entry
	Until   moment
	CanUndo bool
	Resend  bool
	Staff   bool
	Note    bool
	System  bool

	Original string // address of the mail as it came
	Attached []attached
}

// attached is an attachment with the address that it is kept from, if it can be had.
type attached struct {
	desk.MailFile
	Link, Bytes string
}

// ticketPage is GET /tickets/{ticket}.
func (d *Door) ticketPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "ticket")
	if err != nil {
		return err
	}
	var t *ticketData
	err = d.view(r.Context(), who.Actor, func(rd desk.Reader) (err error) {
		t, err = d.readTicket(rd, n)
		return err
	})
	if err != nil {
		return err
	}
	// Whoever is responsible has seen it now. That it can't be noted at the moment is no reason to show nothing.
	if t.Unread > 0 && (t.Assignee == "" || t.Assignee == who.Account) {
		if _, err := d.do(r.Context(), who.Actor, desk.Key{}, &desk.SeeTicket{Ticket: t.Number}); err != nil {
			d.log.DebugContext(r.Context(), "ticket not marked as seen", "err", err)
		}
	}
	return d.page(w, r, who, "ticket", Page{
		Title: fmt.Sprintf("Ticket %d, %s", t.Number, firstWords(t.Subject, 80)), Section: "/tickets", Data: t,
	})
}

func (d *Door) readTicket(rd desk.Reader, n uint64) (*ticketData, error) {
	k, err := rd.Ticket(n)
	if err != nil {
		return nil, err
	}
	t := &ticketData{Ticket: k, Recipients: k.Recipients(), When: d.moment(k.Opened), States: []string{"new", "open", "pending", "closed"}}
	if n != k.Number {
		t.Asked = n
	}
	if err := d.readAround(rd, t); err != nil {
		return nil, err
	}
	// The entries of tickets that were merged into this one stand with it, in the order of time.
	numbers := []uint64{k.Number}
	for _, l := range k.Links {
		// What may not be read is not shown.
		if o, err := rd.Ticket(l); err == nil && o.Number == k.Number && l != k.Number {
			numbers = append(numbers, l)
			t.From = append(t.From, l)
		}
	}
	for _, number := range numbers {
		found, err := rd.Entries(number, 0, 0)
		if ignoreMissing(err) != nil {
			return nil, err
		}
		for _, e := range found {
			t.Entries = append(t.Entries, d.entryView(rd, t, e))
		}
	}
	slices.SortStableFunc(t.Entries, func(a, b entryView) int { return int(a.Seq) - int(b.Seq) })
	return t, nil
}

// readAround reads what the forms offer.
func (d *Door) readAround(rd desk.Reader, t *ticketData) error {
	var err error
	if t.Departments, err = rd.Departments(d.now()); err != nil {
		return err
	}
	t.Where = departmentNames(t.Departments)(t.Department)
	dept, err := rd.Department(t.Department)
	if ignoreMissing(err) != nil {
		return err
	}
	if dept != nil {
		t.FreeTags = len(dept.Tags) == 0
		t.AllTags = slices.DeleteFunc(slices.Clone(dept.Tags), func(x string) bool { return slices.Contains(t.Tags, x) })
	}
	staff, err := rd.StaffList()
	if err != nil {
		return err
	}
	for _, p := range staff {
		if !p.Disabled && p.Role >= desk.RoleOperator {
			t.People = append(t.People, person{Account: p.Account, Name: p.Name, Serves: slices.Contains(p.Departments, t.Department)})
		}
		if p.Account == t.Assignee {
			t.To = p.PublicName
		}
	}
	slices.SortStableFunc(t.People, func(a, b person) int {
		if a.Serves != b.Serves {
			if a.Serves {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	draft, err := rd.Draft(t.Number)
	if draft != nil {
		t.Draft = draft.Text()
	}
	return ignoreMissing(err)
}

func (d *Door) entryView(rd desk.Reader, t *ticketData, e *desk.TicketEntry) entryView {
	x := entryView{
		TicketEntry: e, Time: d.moment(e.At), Look: mailLook(e.Mail), Mail: mailWords(e), Until: d.moment(e.HoldUntil),
		Staff: e.From == desk.FromStaff, Note: e.Kind == desk.EntryNote, System: e.Kind == desk.EntrySystem || e.Kind == desk.EntryMailOut,
	}
	switch {
	case e.By != "" && e.From == desk.FromStaff:
		x.Who = publicName(rd, e.By)
	case e.Kind == desk.EntryMailOut:
		x.What = "The desk confirmed by mail that the question has arrived."
	case x.System:
		x.What = happening(e)
		if e.By != "" {
			x.Who = publicName(rd, e.By)
		}
	case e.Email != "" && e.Name != "":
		x.Who = e.Name + " <" + e.Email + ">"
	case e.Email != "":
		x.Who = e.Email
	case t.Name != "":
		x.Who = t.Name
	default:
		x.Who = "Patron"
	}
	switch e.Held {
	case desk.HeldUnverified:
		x.Held = "Sender not verified: the address may be forged. Nothing was changed and nobody was told."
	case desk.HeldSomeoneNew:
		x.Held = "Sender not verified: this address has had no part in the ticket so far."
	}
	at := fmt.Sprintf("/tickets/%d/entries/%d", e.Ticket, e.N)
	have := e.Blob != "" && d.deps.Originals != nil
	if have {
		x.Original = at + "/mail"
	}
	for i, f := range e.Files {
		a := attached{MailFile: f, Bytes: size(f.Size)}
		a.Name = fileName(f.Name)
		if a.Name == "" {
			a.Name = "without a name"
		}
		if have {
			a.Link = fmt.Sprintf("%s/files/%d", at, i+1)
		}
		x.Attached = append(x.Attached, a)
	}
	x.CanUndo = e.Purpose == desk.MailAnswer && (e.Mail == desk.OutWanted || e.Mail == desk.OutQueued) && d.now() < e.HoldUntil
	x.Resend = e.Mail == desk.OutFailed || e.Mail == desk.OutUndone
	return x
}

// mailWords says how the mail of an entry stands.
func mailWords(e *desk.TicketEntry) string {
	switch e.Mail {
	case desk.OutNone:
		return ""
	case desk.OutWanted, desk.OutQueued, desk.OutClaimed, desk.OutDot:
		return "Mail is on its way"
	case desk.OutSent:
		return "Mail sent"
	case desk.OutDeferred:
		return "Mail delayed; it is tried again"
	case desk.OutFailed:
		return "Mail was not delivered"
	case desk.OutUnsure:
		return "Mail may have been sent; the connection broke at the end"
	case desk.OutUndone:
		return "Mail was taken back, it was not sent"
	}
	return string(e.Mail)
}

// mailLook is the colour of a mail's state.
func mailLook(s desk.MailState) string {
	switch s {
	case desk.OutSent:
		return "good"
	case desk.OutFailed, desk.OutUnsure:
		return "bad"
	}
	return "wait"
}

// happening says what a system entry tells.
func happening(e *desk.TicketEntry) string {
	switch e.What {
	case "merged":
		return fmt.Sprintf("Merged into ticket %d.", e.Ref)
	case "merged-from":
		return fmt.Sprintf("Ticket %d was merged into this one.", e.Ref)
	case "bounced":
		return "A mail could not be delivered."
	case "delayed":
		return "A mail is delayed on its way."
	case "mail-failed":
		return "A mail was refused for good."
	}
	return firstWords(strings.ReplaceAll(e.What, "-", " "), 80)
}

// back leads to a ticket again, with what was done.
func (d *Door) ticketDone(w http.ResponseWriter, r *http.Request, n uint64, text string, err error) error {
	if e := refusal(err, desk.Invalid, desk.NeedsEmail, desk.NotFound, desk.Conflict, desk.Over, desk.Busy); e != nil {
		if e.Code == desk.NotFound && e.Field == "ticket" {
			return err
		}
		d.warn(w, r, ticketRefused(e))
		redirect(w, r, ticketURL(n))
		return nil
	}
	if err != nil {
		return err
	}
	return d.done(w, r, ticketURL(n), text)
}

// ticketRefused says why something was not done with a ticket.
func ticketRefused(e *desk.Error) string {
	switch {
	case e.Code == desk.NeedsEmail:
		return "Not sent: the ticket has no address yet. Give one below «Who asked»."
	case e.Code == desk.Over && e.Field == "entry":
		return "Too late: that mail has left already."
	case e.Code == desk.Conflict && e.Field == "into":
		return "That is this ticket itself."
	case e.Code == desk.NotFound && (e.Field == "tag" || e.Field == "to" || e.Field == "department"):
		return "Nothing was changed: that is not here any more."
	case e.Code == desk.Invalid && e.Field == "tag":
		return "That is no tag of the ticket's department."
	case e.Code == desk.Invalid && e.Field == "cc":
		return "Not sent: one of the further addresses can't be an e-mail address."
	case e.Code == desk.Invalid && e.Field == "text":
		return "Nothing was sent: the text is empty, too long, or holds a character that can't be sent."
	}
	return sentence(e)
}

// size is a number of bytes for people.
func size(n uint64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}
