// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"net/http"

	"refdesk/cluster/desk"
)

// cannedRow is one reply that is kept ready.
type cannedRow struct {
	Name, Text string
	Shared     bool
	MayChange  bool
}

// cannedData is the page of replies.
type cannedData struct {
	slip
	Replies []cannedRow
	Form    cannedRow
	Edit    bool // the form changes one that is there
	Lead    bool
}

// cannedPage is GET /replies; ?edit=NAME puts one into the form.
func (d *Door) cannedPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	return d.showCanned(w, r, who, http.StatusOK, cannedData{Form: cannedRow{Name: r.URL.Query().Get("edit")}})
}

func (d *Door) showCanned(w http.ResponseWriter, r *http.Request, who *Who, status int, data cannedData) error {
	data.Lead = who.Lead()
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		all, err := rd.Canned(who.Account)
		for _, k := range all {
			row := cannedRow{k.Name, k.Text, k.Owner == "", k.Owner != "" || data.Lead}
			data.Replies = append(data.Replies, row)
			if data.Error == "" && row.Name == data.Form.Name && row.MayChange {
				data.Form, data.Edit = row, true
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if !data.Edit && data.Error == "" {
		data.Form = cannedRow{}
	}
	return d.page(w, r, who, "replies", Page{Title: "Replies", Section: "/replies", Status: status, Data: data})
}

// owner is whose reply a form is about: one's own, or with "shared" everybody's.
func owner(r *http.Request, who *Who) string {
	if r.PostFormValue("shared") != "" {
		return ""
	}
	return who.Account
}

// setCanned is POST /replies.
func (d *Door) setCanned(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	k := desk.Canned{Owner: owner(r, who), Name: oneLine(r.PostFormValue("name")), Text: block(r.PostFormValue("text"))}
	_, err := d.submit(r, who, &desk.SetCanned{Canned: k})
	if e := refusal(err, desk.Invalid, desk.Busy); e != nil {
		data := cannedData{Form: cannedRow{Name: k.Name, Text: k.Text, Shared: k.Owner == ""}}
		switch {
		case e.Code == desk.Busy:
			data.slip = slip{"There are 500 replies already. Please delete one first.", "name"}
		case e.Field == "name":
			data.slip = slip{"The name is one word that is quick to type: letters a to z, digits, dots, dashes.", "name"}
		default:
			data.slip = slip{"Please write the reply, of at most 4,000 characters.", "text"}
		}
		return d.showCanned(w, r, who, http.StatusUnprocessableEntity, data)
	}
	if err != nil {
		return err
	}
	return d.done(w, r, "/replies", "“"+k.Name+"” is kept. In a chat, !c "+k.Name+" shows it.")
}

// deleteCanned is POST /replies/delete.
func (d *Door) deleteCanned(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	name := r.PostFormValue("name")
	_, err := d.submit(r, who, &desk.DeleteCanned{Owner: owner(r, who), Name: name})
	if err != nil && refusal(err, desk.NotFound) == nil {
		return err
	}
	return d.done(w, r, "/replies", "“"+name+"” was deleted.")
}
