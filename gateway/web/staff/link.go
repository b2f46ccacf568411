// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"net/http"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// linkData is the page that a one-time link opens.
type linkData struct {
	slip
	Kind    desk.LinkKind
	Account string
	Name    string
	Expires moment
}

// linkPage is GET /link/{token}. Looking at it uses nothing up: mail programs open links too.
func (d *Door) linkPage(w http.ResponseWriter, r *http.Request, _ *Who) error {
	data, err := d.link(r)
	if err != nil {
		return err
	}
	return d.showLink(w, r, http.StatusOK, data)
}

func (d *Door) showLink(w http.ResponseWriter, r *http.Request, status int, data *linkData) error {
	title := map[desk.LinkKind]string{
		desk.LinkInvite: "Welcome to the desk", desk.LinkReset: "A new password", desk.LinkBoard: "Open the board",
	}[data.Kind]
	return d.page(w, r, nil, "link", Page{Title: title, Status: status, Data: data})
}

// link finds the link of a request. One that opens nothing is a problem that says why.
func (d *Door) link(r *http.Request) (*linkData, error) {
	gone := func(detail string) error { return web.NewProblem(http.StatusNotFound, web.CodeNotFound, detail) }
	hash := hashOf(r.PathValue("token"))
	if hash == "" {
		return nil, gone("This link is not whole. Please copy it from the mail once more, from https to its last letter.")
	}
	var l *desk.Link
	var p *desk.Staff
	err := d.view(r.Context(), d.node(), func(rd desk.Reader) error {
		var err error
		if l, err = rd.Link(hash); err == nil {
			p, err = rd.StaffMember(l.Account)
		}
		return err
	})
	switch {
	case refusal(err, desk.NotFound) != nil:
		return nil, gone("This link opens nothing. If you were sent a newer mail, the link in that one works.")
	case err != nil:
		return nil, err
	case p.Disabled || l.Kind != desk.LinkInvite && l.Kind != desk.LinkReset && l.Kind != desk.LinkBoard:
		return nil, gone("This link opens nothing.")
	case l.Used != 0:
		return nil, gone("This link was used " + d.moment(l.Used).Text + ". If that was you, sign in with the password that you chose; if not, ask an admin of the desk for a new link at once.")
	case d.now() >= l.Expires:
		return nil, gone("This link held until " + d.moment(l.Expires).Text + ". Ask an admin of the desk for a new one.")
	}
	return &linkData{Kind: l.Kind, Account: l.Account, Name: p.Name, Expires: d.moment(l.Expires)}, nil
}

// useLink is POST /link/{token}: the link is used up and the password set in one step, then the browser is signed in.
func (d *Door) useLink(w http.ResponseWriter, r *http.Request, _ *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	data, err := d.link(r)
	if err != nil {
		return err
	}
	c := &desk.UseLink{Hash: hashOf(r.PathValue("token")), Kind: data.Kind}
	if data.Kind != desk.LinkBoard {
		phc, wrong := newPassword(r.PostFormValue("password"), r.PostFormValue("again"))
		if wrong.Error != "" {
			data.slip = wrong
			return d.showLink(w, r, http.StatusUnprocessableEntity, data)
		}
		c.Password = phc
	}
	reply, err := d.do(r.Context(), d.node(), desk.Key{}, c)
	if refusal(err, desk.Over, desk.NotFound) != nil {
		_, err = d.link(r) // says why
	}
	if err != nil {
		return err
	}
	if err := d.open(r.Context(), w, r, reply.Staff); err != nil {
		return err
	}
	switch data.Kind {
	case desk.LinkBoard:
		redirect(w, r, "/")
		return nil
	case desk.LinkReset:
		return d.done(w, r, "/", "Your new password is set, and you are signed in.")
	}
	to := "/welcome"
	err = d.view(r.Context(), d.node(), func(rd desk.Reader) error {
		p, err := rd.StaffMember(reply.Staff)
		if err == nil && p.Role >= desk.RoleAdmin && len(p.Departments) == 0 {
			to = "/setup" // whoever looks after the desk, and answers no chats
		}
		return err
	})
	if err != nil {
		return err
	}
	redirect(w, r, to)
	return nil
}

// welcomeData is the first page after an invitation.
type welcomeData struct {
	Chats   bool // their role answers chats
	Clients []client
	Address string
}

// welcome is GET /welcome: begin in the browser, or set up a chat program.
func (d *Door) welcome(w http.ResponseWriter, r *http.Request, who *Who) error {
	return d.page(w, r, who, "welcome", Page{Title: "Welcome, " + who.Name, Section: "/welcome", Data: welcomeData{
		Chats: who.Role >= desk.RoleTrainee, Clients: clients(), Address: who.Account + "@" + d.cfg.Connect.Domain,
	}})
}
