// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"refdesk/cluster/desk"
)

// personForm is what a form says of somebody, as it was typed.
type personForm struct {
	Account, Name, PublicName, Email, Role, Limit string
	Departments                                   []string
	Invite                                        bool
}

// personRow is one line of the list of people.
type personRow struct {
	Account, Name, Role string
	Departments         []string // their names
	State               string   // "", "disabled", "invited", "invitation ran out"
}

// peopleData is the list with its form.
type peopleData struct {
	slip
	People      []personRow
	Form        personForm
	Roles       []choice
	Departments []choice
	Mails       bool // invitations go out by mail
}

// personData is the page of one person.
type personData struct {
	slip
	Account     string
	Form        personForm
	Roles       []choice
	Departments []choice
	Disabled    bool
	Self        bool
	State       string
	Mails       bool
	Link        string // shown once, when no mail could carry it
}

// roles lists them with what they may do.
func roles(chosen string) []choice {
	all := []choice{
		{Value: desk.RoleTrainee.String(), Name: "Trainee: claims chats, with somebody beside"},
		{Value: desk.RoleOperator.String(), Name: "Operator: chats and tickets"},
		{Value: desk.RoleLead.String(), Name: "Lead: also FAQs and shared replies"},
		{Value: desk.RoleAdmin.String(), Name: "Admin: also people and departments"},
		{Value: desk.RoleViewer.String(), Name: "Viewer: looks on"},
	}
	for i := range all {
		all[i].On = all[i].Value == chosen
	}
	return all
}

// departmentChoices lists the departments, those of on ticked.
func departmentChoices(rd desk.Reader, now desk.Time, on []string) ([]choice, error) {
	all, err := rd.Departments(now)
	var out []choice
	for _, v := range all {
		out = append(out, choice{v.ID, v.Name, slices.Contains(on, v.ID)})
	}
	return out, err
}

// peoplePage is GET /people.
func (d *Door) peoplePage(w http.ResponseWriter, r *http.Request, who *Who) error {
	return d.showPeople(w, r, who, http.StatusOK, peopleData{Form: personForm{Role: desk.RoleOperator.String(), Invite: true}})
}

func (d *Door) showPeople(w http.ResponseWriter, r *http.Request, who *Who, status int, data peopleData) error {
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		people, err := rd.StaffList()
		if err != nil {
			return err
		}
		views, err := rd.Departments(d.now())
		if err != nil {
			return err
		}
		for _, p := range people {
			row := personRow{Account: p.Account, Name: p.Name, Role: p.Role.String()}
			for _, v := range views {
				if slices.Contains(p.Departments, v.ID) {
					row.Departments = append(row.Departments, v.Name)
				}
			}
			if row.State, err = d.standing(rd, p); err != nil {
				return err
			}
			data.People = append(data.People, row)
		}
		data.Departments, err = departmentChoices(rd, d.now(), data.Form.Departments)
		return err
	})
	if err != nil {
		return err
	}
	data.Roles, data.Mails = roles(data.Form.Role), d.deps.Mailer != nil
	return d.page(w, r, who, "people", Page{Title: "People", Section: "/people", Status: status, Data: data})
}

// standing says what stands between somebody and the desk: nothing, as a rule.
func (d *Door) standing(rd desk.Reader, p *desk.Staff) (string, error) {
	if p.Disabled {
		return "disabled", nil
	}
	links, err := rd.Links(p.Account)
	for _, l := range links {
		if l.Kind == desk.LinkInvite && l.Used == 0 {
			if d.now() < l.Expires {
				return "invited", err
			}
			return "invitation ran out", err
		}
	}
	return "", err
}

// readPerson reads the fields of a person.
func readPerson(r *http.Request) personForm {
	f := personForm{
		Account: strings.ToLower(oneLine(r.PostFormValue("account"))), Name: oneLine(r.PostFormValue("name")),
		PublicName: oneLine(r.PostFormValue("public_name")), Email: oneLine(r.PostFormValue("email")),
		Role: r.PostFormValue("role"), Limit: r.PostFormValue("limit"), Invite: r.PostFormValue("invite") != "",
	}
	for _, id := range r.PostForm["departments"] {
		if !slices.Contains(f.Departments, id) {
			f.Departments = append(f.Departments, id)
		}
	}
	if f.PublicName == "" {
		f.PublicName, _, _ = strings.Cut(f.Name, " ")
	}
	return f
}

// fill writes a form's values into a record and finds what can't be right. The desk checks the rest.
func (f *personForm) fill(p *desk.Staff) slip {
	limit, ok := number(f.Limit, 50)
	switch {
	case !ok:
		return slip{"The number of chats at once is a number up to 50, or nothing for no limit.", "limit"}
	case f.Email != "" && !strings.Contains(f.Email, "@"):
		return slip{"An e-mail address has an @ in it.", "email"}
	case desk.RoleOf(f.Role) == 0:
		return slip{"Please choose a role.", "role"}
	}
	p.Name, p.PublicName, p.Email, p.Role, p.Departments, p.Limit = f.Name, f.PublicName, f.Email, desk.RoleOf(f.Role), f.Departments, limit
	return slip{}
}

// personSlip says what the desk didn't like about a person, in the form's words.
func personSlip(e *desk.Error) slip {
	switch {
	case e.Code == desk.Exists:
		return slip{"There is somebody with that account already.", "account"}
	case e.Field == "account":
		return slip{"An account has 1 to 64 of the letters a to z, digits, dots, dashes and underscores.", "account"}
	case e.Field == "name":
		return slip{"Please give a name, of at most 100 characters.", "name"}
	case e.Field == "public_name":
		return slip{"Please give the name that patrons read, of at most 100 characters.", "public_name"}
	case e.Field == "email":
		return slip{"That e-mail address is too long.", "email"}
	case e.Field == "department":
		return slip{"One of the departments is not there any more.", "departments"}
	}
	return slip{sentence(e), e.Field}
}

// addPerson is POST /people.
func (d *Door) addPerson(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	f := readPerson(r)
	p := desk.Staff{Account: f.Account}
	wrong := f.fill(&p)
	if name, ok := d.accounts.Normalise(f.Account); wrong.Error == "" && (!ok || name != f.Account) {
		wrong = personSlip(&desk.Error{Code: desk.Invalid, Field: "account"})
	}
	if wrong.Error == "" {
		_, err := d.submit(r, who, &desk.SetStaff{Staff: p, New: true})
		if e := refusal(err, desk.Exists, desk.Invalid, desk.NotFound); e != nil {
			wrong = personSlip(e)
		} else if err != nil {
			return err
		}
	}
	if wrong.Error != "" {
		return d.showPeople(w, r, who, http.StatusUnprocessableEntity, peopleData{slip: wrong, Form: f})
	}
	if !f.Invite {
		return d.done(w, r, "/people/"+p.Account, p.Name+" was added. Invite them when it is time.")
	}
	return d.sendInvitation(w, r, who, p.Account)
}

// personPage is GET /people/{account}.
func (d *Door) personPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	return d.showPerson(w, r, who, r.PathValue("account"), http.StatusOK, personData{})
}

// showPerson shows somebody, with the form as it was typed if data has one.
func (d *Door) showPerson(w http.ResponseWriter, r *http.Request, who *Who, account string, status int, data personData) error {
	var name string
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		p, err := rd.StaffMember(account)
		if err != nil {
			return err
		}
		name, data.Account, data.Disabled, data.Self = p.Name, p.Account, p.Disabled, p.Account == who.Account
		if data.Error == "" {
			data.Form = personForm{
				Name: p.Name, PublicName: p.PublicName, Email: p.Email, Role: p.Role.String(), Departments: p.Departments,
			}
			if p.Limit != 0 {
				data.Form.Limit = decimal(p.Limit)
			}
		}
		if data.State, err = d.standing(rd, p); err != nil {
			return err
		}
		data.Departments, err = departmentChoices(rd, d.now(), data.Form.Departments)
		return err
	})
	if err != nil {
		return err
	}
	data.Roles, data.Mails = roles(data.Form.Role), d.deps.Mailer != nil
	return d.page(w, r, who, "person", Page{Title: name, Section: "/people", Status: status, Data: data})
}

// person loads a record to change.
func (d *Door) person(ctx context.Context, who *Who, account string) (p *desk.Staff, err error) {
	err = d.view(ctx, who.Actor, func(rd desk.Reader) error {
		p, err = rd.StaffMember(account)
		return err
	})
	return p, err
}

// setPerson is POST /people/{account}. It also lets somebody in again who was disabled.
func (d *Door) setPerson(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	p, err := d.person(r.Context(), who, r.PathValue("account"))
	if err != nil {
		return err
	}
	f := readPerson(r)
	changed := *p
	changed.Disabled = false
	wrong := f.fill(&changed)
	if wrong.Error == "" && p.Account == who.Account && changed.Role != p.Role {
		wrong = slip{"You can't take your own role away. Another admin can.", "role"}
	}
	if wrong.Error == "" {
		_, err := d.submit(r, who, &desk.SetStaff{Staff: changed})
		if e := refusal(err, desk.Invalid, desk.NotFound); e != nil {
			wrong = personSlip(e)
		} else if err != nil {
			return err
		}
	}
	if wrong.Error != "" {
		return d.showPerson(w, r, who, p.Account, http.StatusUnprocessableEntity, personData{slip: wrong, Form: f})
	}
	text := changed.Name + " was changed."
	if p.Disabled {
		text = changed.Name + " may sign in again."
	}
	return d.done(w, r, "/people/"+p.Account, text)
}

// disable is POST /people/{account}/disable.
func (d *Door) disable(w http.ResponseWriter, r *http.Request, who *Who) error {
	p, err := d.person(r.Context(), who, r.PathValue("account"))
	if err != nil {
		return err
	}
	if p.Account == who.Account {
		d.warn(w, r, "You can't shut yourself out. Another admin can.")
		redirect(w, r, "/people/"+p.Account)
		return nil
	}
	if _, err := d.submit(r, who, &desk.DisableStaff{Account: p.Account}); err != nil {
		return err
	}
	return d.done(w, r, "/people/"+p.Account, p.Name+" is signed out everywhere and can't sign in. Their chats wait for somebody else.")
}

// invite is POST /people/{account}/invite: a link to begin with, or with kind=reset one to a new password.
func (d *Door) invite(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	return d.sendInvitation(w, r, who, r.PathValue("account"))
}

func (d *Door) sendInvitation(w http.ResponseWriter, r *http.Request, who *Who, account string) error {
	p, err := d.person(r.Context(), who, account)
	if err != nil {
		return err
	}
	kind, what := desk.LinkInvite, "An invitation"
	if r.PostFormValue("kind") == "reset" {
		kind, what = desk.LinkReset, "A link to a new password"
	}
	if p.Disabled {
		d.warn(w, r, p.Name+" may not sign in. Let them in again first.")
		redirect(w, r, "/people/"+account)
		return nil
	}
	link, sent, err := d.sendLink(r.Context(), who.Actor, account, kind)
	switch {
	case err != nil && refusal(err, desk.NoQuorum, desk.Stopping, desk.NotAllowed, desk.NotFound) == nil:
		d.log.ErrorContext(r.Context(), "link not mailed", "staff", account, "err", err)
		d.warn(w, r, what+" could not be put into the outbox. Nothing was sent to "+p.Email+"; please try again.")
		redirect(w, r, "/people/"+account)
		return nil
	case err != nil:
		return err
	case sent:
		return d.done(w, r, "/people/"+account, what+" is on its way to "+p.Email+".")
	}
	return d.showPerson(w, r, who, account, http.StatusOK, personData{Link: link})
}
