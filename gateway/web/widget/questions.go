// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
	"refdesk/gateway/web/ui"
)

// askRequest is the body of POST /questions: a question that is answered by mail, whether anybody is there or not.
type askRequest struct {
	ID         string            `json:"id"`
	Department string            `json:"department"`
	Question   string            `json:"question"`
	Email      string            `json:"email"`
	Name       string            `json:"name"`
	Fields     map[string]string `json:"fields"`
	Locale     string            `json:"locale"`
}

func (q *askRequest) command(fields []chatField) (*desk.AskQuestion, error) {
	if err := clientID(q.ID); err != nil {
		return nil, err
	}
	if q.Department == "" || len(q.Department) > 64 {
		return nil, web.Invalid("department", "Name a department.")
	}
	c := &desk.AskQuestion{ID: q.ID, Department: q.Department}
	var errs [4]error
	c.Question, errs[0] = longText("question", q.Question)
	c.Email, errs[1] = shortText("email", q.Email, 254)
	c.Name, errs[2] = shortText("name", q.Name, 100)
	c.Locale, errs[3] = shortText("locale", q.Locale, 35)
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	if c.Email == "" {
		return nil, web.Invalid("email", "The answer needs an address to go to.")
	}
	var err error
	c.Question, err = withFields(c.Question, fields, q.Fields)
	return c, err
}

// ask commits a question: the one way in for the API and for the form without scripts.
func (d *Door) ask(ctx context.Context, net web.Network, q *askRequest) (desk.Reply, error) {
	v, err := d.department(ctx, q.Department)
	if err != nil && !errors.Is(err, &desk.Error{Code: desk.NotFound}) {
		return desk.Reply{}, err
	}
	c, err := q.command(v.Fields)
	if err != nil {
		return desk.Reply{}, err
	}
	if !net.Exempt {
		if ok, wait := d.asks.Take(net.Key); !ok {
			return desk.Reply{}, web.Throttled(wait, "Too many questions come from this network; send this one again with the same id.")
		}
	}
	key := desk.Key{Kind: desk.KeyQuestion, Principal: "form", ID: c.ID}
	reply, err := d.commit(ctx, desk.Actor{}, key, c)
	if errors.Is(err, &desk.Error{Code: desk.NotFound, Field: "department"}) {
		err = web.Invalid("department", "There is no such department.")
	}
	return reply, err
}

// asked is the answer of POST /questions.
type asked struct {
	Ticket string `json:"ticket"`
}

// postQuestion is POST /questions.
func (d *Door) postQuestion(w http.ResponseWriter, r *http.Request) error {
	var body askRequest
	if err := readBody(r, &body); err != nil {
		return err
	}
	reply, err := d.ask(r.Context(), d.frame.NetworkOf(r), &body)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if reply.Again {
		status = http.StatusOK
	}
	return writeJSON(w, status, asked{Ticket: strconv.FormatUint(reply.Ticket, 10)})
}

// emptyForm is the question form of a department as it is given out.
func (d *Door) emptyForm(v departmentView) ui.AskForm {
	f := ui.AskForm{Department: v.ID}
	f.ID, f.Stamp = d.forms.issue("ask " + v.ID)
	for _, x := range v.Fields {
		f.Fields = append(f.Fields, ui.AskField{Name: x.Name, Label: x.Label, Choices: x.Choices, Required: x.Required})
	}
	return f
}

// fieldPrefix is what the names of a form's own fields begin with.
const fieldPrefix = "field."

// askPage is POST /chat/{department}: the question form as browsers without scripts send it. Whatever is wrong with it, it
// comes back with all that was written.
func (d *Door) askPage(w http.ResponseWriter, r *http.Request) error {
	v, err := d.department(r.Context(), r.PathValue("department"))
	if err != nil {
		return err
	}
	if err := readForm(r); err != nil {
		return err
	}
	form := r.PostForm
	locale := d.frame.Pages().Locale(form.Get("lang"), r.Header.Get("Accept-Language"))
	q := &askRequest{
		ID: form.Get("id"), Department: v.ID, Question: form.Get("question"), Email: form.Get("email"), Name: form.Get("name"),
		Locale: locale, Fields: map[string]string{},
	}
	for name := range form {
		if own, ok := strings.CutPrefix(name, fieldPrefix); ok {
			q.Fields[own] = form.Get(name)
		}
	}
	p := ui.AskPage{Locale: locale, Name: v.Name, Department: v.ID}
	ok, hasty := d.forms.fresh("ask "+v.ID, q.ID, form.Get("stamp"))
	switch {
	case !ok:
		p.Form = d.emptyForm(v)
		p.Form.Problem = "form.again"
	case hasty:
		p.Form = d.emptyForm(v)
		p.Form.ID, p.Form.Stamp, p.Form.Problem = q.ID, form.Get("stamp"), "form.again"
	default:
		var reply desk.Reply
		if reply, err = d.ask(r.Context(), d.frame.NetworkOf(r), q); err == nil {
			p.Email, p.Number = cleanLine(q.Email), reply.Ticket
			return d.writeAsk(w, http.StatusOK, p)
		}
		p.Form = d.emptyForm(v)
		p.Form.ID, p.Form.Stamp = q.ID, form.Get("stamp")
	}
	status := http.StatusUnprocessableEntity
	if err != nil {
		problem := web.AsProblem(err)
		if problem.Code == web.CodeInternal {
			return err
		}
		status = problem.Status
		p.Form.Problem, p.Form.Bad = formProblem(problem), problem.Field
		if problem.Status == http.StatusUnprocessableEntity { // what is mended is another question, by its id
			p.Form.ID, p.Form.Stamp = d.forms.renew("ask "+v.ID, form.Get("stamp"))
		}
	}
	p.Form.Question, p.Form.Person, p.Form.Email = q.Question, q.Name, q.Email
	for i, f := range p.Form.Fields {
		p.Form.Fields[i].Value = q.Fields[f.Name]
	}
	return d.writeAsk(w, status, p)
}

// formProblem is the key of the sentence that says what is wrong.
func formProblem(p *web.Problem) string {
	switch {
	case p.Code == web.CodeThrottled:
		return "ask.throttled"
	case p.Code == web.CodeReused:
		return "form.again"
	case p.Field == "email":
		return "need.address"
	case p.Field == "question":
		return "need.question.fit"
	case strings.HasPrefix(p.Field, "fields."):
		return "need.field"
	}
	return "ask.failed"
}

func (d *Door) writeAsk(w http.ResponseWriter, status int, p ui.AskPage) error {
	var buf bytes.Buffer
	if err := d.frame.Pages().Ask(&buf, p); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return writePage(w, status, buf.Bytes())
}

// chatPath is the page of a department.
func chatPath(department string) string { return "/chat/" + url.PathEscape(department) }
