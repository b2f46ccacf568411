// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"refdesk/cluster/desk"
)

// faqRow is one line of the list of FAQs.
type faqRow struct {
	Slug, Question  string
	Draft           bool
	Topics          []string
	Up, Down, Views uint64
	Updated         moment
}

// missRow is a question that was searched for in vain.
type missRow struct {
	Query string
	Count uint64
	Last  moment
}

// faqsData is the list of FAQs.
type faqsData struct {
	Query  string
	Show   string // "", "draft", "unhelpful"
	FAQs   []faqRow
	Total  int
	Misses []missRow
}

// faqForm is an FAQ as it stands in the form.
type faqForm struct {
	Slug, Question, Answer, Also, Topics, Language string
	Published                                      bool
	Updated                                        string // what the form was made from: a change since then is not overwritten
}

// faqData is the page of one FAQ.
type faqData struct {
	slip
	New      bool
	Slug     string
	Form     faqForm
	Preview  bool
	Answer   template.HTML // rendered and cleaned
	MayWrite bool
	Draft    bool
	By       string
	Changed  moment
	Up, Down uint64
	Views    uint64
	Public   string // where patrons read it, "" while it is a draft
}

const missesShown = 20

// faqsPage is GET /faqs.
func (d *Door) faqsPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	data := faqsData{Query: oneLine(r.URL.Query().Get("q")), Show: r.URL.Query().Get("show")}
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		all, err := rd.FAQs()
		if err != nil {
			return err
		}
		data.Total = len(all)
		for _, q := range all {
			if faqFits(q, strings.ToLower(data.Query), data.Show) {
				data.FAQs = append(data.FAQs, faqRow{
					q.Slug, q.Question, q.State == desk.FAQDraft, q.Topics, q.Up, q.Down, q.Views, d.moment(q.Updated),
				})
			}
		}
		misses, err := rd.FAQMisses(missesShown)
		for _, m := range misses {
			data.Misses = append(data.Misses, missRow{m.Query, m.Count, d.moment(m.Last)})
		}
		return err
	})
	if err != nil {
		return err
	}
	return d.page(w, r, who, "faqs", Page{Title: "FAQs", Section: "/faqs", Data: data})
}

// faqFits filters the list: all words have to be there somewhere.
func faqFits(q *desk.FAQ, words, show string) bool {
	switch {
	case show == "draft" && q.State != desk.FAQDraft, show == "unhelpful" && q.Down <= q.Up:
		return false
	}
	text := strings.ToLower(q.Slug + "\n" + q.Question + "\n" + q.Answer + "\n" + strings.Join(q.Also, "\n") + "\n" + strings.Join(q.Topics, "\n"))
	return !slices.ContainsFunc(strings.Fields(words), func(w string) bool { return !strings.Contains(text, w) })
}

// faqPage is GET /faqs/{slug}: the answer as patrons read it, and for leads the form.
func (d *Door) faqPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	q, err := d.faq(r, who)
	if err != nil {
		return err
	}
	data := faqData{Slug: q.Slug, Form: formOf(q)}
	return d.showFAQ(w, r, who, http.StatusOK, data, q)
}

func (d *Door) faq(r *http.Request, who *Who) (q *desk.FAQ, err error) {
	err = d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		q, err = rd.FAQ(r.PathValue("slug"))
		return err
	})
	return q, err
}

func formOf(q *desk.FAQ) faqForm {
	return faqForm{
		Slug: q.Slug, Question: q.Question, Answer: q.Answer, Also: strings.Join(q.Also, "\n"), Topics: strings.Join(q.Topics, "\n"),
		Language: q.Language, Published: q.State == desk.FAQPublished, Updated: strconv.FormatInt(int64(q.Updated), 10),
	}
}

// showFAQ shows the form; q is what the desk has, nil for a new one.
func (d *Door) showFAQ(w http.ResponseWriter, r *http.Request, who *Who, status int, data faqData, q *desk.FAQ) error {
	data.MayWrite, data.New = who.Lead(), q == nil
	title := "New FAQ"
	if q != nil {
		title, data.Slug, data.Draft, data.By = q.Question, q.Slug, q.State == desk.FAQDraft, q.By
		if q.By != "" {
			err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
				data.By = publicName(rd, q.By)
				return nil
			})
			if err != nil {
				return err
			}
		}
		data.Changed, data.Up, data.Down, data.Views = d.moment(q.Updated), q.Up, q.Down, q.Views
		if nodes := d.frame.Nodes(); !data.Draft && len(nodes) > 0 {
			data.Public = strings.TrimSuffix(nodes[0], "/") + "/faq/" + q.Slug
		}
	}
	if data.Preview || !data.MayWrite {
		data.Answer = d.frame.Pages().Markdown(data.Form.Answer)
	}
	return d.page(w, r, who, "faq", Page{Title: title, Section: "/faqs", Status: status, Data: data})
}

// newFAQPage is GET /faqs/new, with the question of somebody who searched in vain.
func (d *Door) newFAQPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	return d.showFAQ(w, r, who, http.StatusOK, faqData{Form: faqForm{Question: oneLine(r.URL.Query().Get("question"))}}, nil)
}

func readFAQ(r *http.Request) faqForm {
	return faqForm{
		Slug: oneLine(r.PostFormValue("slug")), Question: oneLine(r.PostFormValue("question")), Answer: block(r.PostFormValue("answer")),
		Also: block(r.PostFormValue("also")), Topics: block(r.PostFormValue("topics")), Language: oneLine(r.PostFormValue("language")),
		Published: r.PostFormValue("state") == string(desk.FAQPublished), Updated: r.PostFormValue("updated"),
	}
}

// previewFAQ is POST /faqs/preview: the form as it was, with the answer as patrons would read it. Nothing is stored.
func (d *Door) previewFAQ(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	data := faqData{Form: readFAQ(r), Preview: true}
	if r.PostFormValue("old") == "" {
		return d.showFAQ(w, r, who, http.StatusOK, data, nil)
	}
	r.SetPathValue("slug", r.PostFormValue("old"))
	q, err := d.faq(r, who)
	if err != nil {
		return err
	}
	return d.showFAQ(w, r, who, http.StatusOK, data, q)
}

// newFAQ is POST /faqs/new.
func (d *Door) newFAQ(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	f := readFAQ(r)
	if f.Slug == "" {
		f.Slug = slug(f.Question)
	}
	return d.putFAQ(w, r, who, f, nil)
}

// setFAQ is POST /faqs/{slug}.
func (d *Door) setFAQ(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	q, err := d.faq(r, who)
	if err != nil {
		return err
	}
	f := readFAQ(r)
	f.Slug = q.Slug
	if now := formOf(q); f.Updated != now.Updated && f.Updated != "" {
		f.Updated = now.Updated
		data := faqData{Form: f, slip: slip{
			q.By + " has changed this FAQ meanwhile. Your words are still here: look at the FAQ in another tab, then save again to replace it.", "answer",
		}}
		return d.showFAQ(w, r, who, http.StatusConflict, data, q)
	}
	return d.putFAQ(w, r, who, f, q)
}

func (d *Door) putFAQ(w http.ResponseWriter, r *http.Request, who *Who, f faqForm, old *desk.FAQ) error {
	x := desk.FAQ{
		Slug: f.Slug, Question: f.Question, Answer: f.Answer, Also: eachLine(f.Also), Topics: eachLine(f.Topics),
		Language: f.Language, State: desk.FAQDraft,
	}
	if f.Published {
		x.State = desk.FAQPublished
	}
	var err error
	if reservedSlug(x.Slug) {
		err = &desk.Error{Code: desk.Exists, Field: "slug"}
	} else {
		_, err = d.submit(r, who, &desk.SetFAQ{FAQ: x, New: old == nil})
	}
	if e := refusal(err, desk.Invalid, desk.Exists); e != nil {
		return d.showFAQ(w, r, who, http.StatusUnprocessableEntity, faqData{Form: f, slip: faqSlip(e)}, old)
	}
	if err != nil {
		return err
	}
	text := "The FAQ was saved as a draft: only staff see it."
	if f.Published {
		text = "The FAQ is published: patrons find it."
	}
	return d.done(w, r, "/faqs/"+x.Slug, text)
}

// reservedSlug names the addresses that are pages of ours.
func reservedSlug(s string) bool { return s == "new" || s == "preview" }

// faqSlip says what the desk didn't like about an FAQ, in the form's words.
func faqSlip(e *desk.Error) slip {
	switch e.Field {
	case "slug":
		if e.Code == desk.Exists {
			return slip{"There is an FAQ with that short name already. Please choose another.", "slug"}
		}
		return slip{"A short name has 1 to 64 of the letters a to z, digits, dots, dashes and underscores.", "slug"}
	case "question":
		return slip{"Please write the question, of at most 500 characters.", "question"}
	case "answer":
		return slip{"Please write an answer, of at most 32,000 characters.", "answer"}
	case "also", "topics":
		return slip{"At most 20 lines, of at most 500 characters each.", e.Field}
	case "language":
		return slip{"A language is a short code such as en or fr.", "language"}
	}
	return slip{sentence(e), e.Field}
}

// deleteFAQ is POST /faqs/{slug}/delete.
func (d *Door) deleteFAQ(w http.ResponseWriter, r *http.Request, who *Who) error {
	_, err := d.submit(r, who, &desk.DeleteFAQ{Slug: r.PathValue("slug")})
	if err != nil && refusal(err, desk.NotFound) == nil {
		return err
	}
	return d.done(w, r, "/faqs", "The FAQ was deleted.")
}

// slug makes a short name out of a sentence: letters without their marks, dashes between words.
func slug(s string) string {
	plain, _, err := transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), strings.ToLower(s))
	if err != nil {
		plain = strings.ToLower(s)
	}
	words := strings.FieldsFunc(plain, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	out := ""
	for _, w := range words {
		if len(out)+len(w) > 50 {
			break
		}
		out += "-" + w
	}
	return strings.TrimPrefix(out, "-")
}
