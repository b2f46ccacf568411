// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"refdesk/cluster/desk"
	"refdesk/gateway/web/ui"
)

// faqsPage is GET /faq: all FAQs by topic, or with ?q= those that answer it. It needs no script.
func (d *Door) faqsPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := ui.FAQsPage{
		Locale: d.frame.Pages().Locale(q.Get("lang"), r.Header.Get("Accept-Language")), Lang: q.Get("lang"),
		Department: q.Get("department"), Keep: kept(q),
		Query: cut(cleanLine(strings.ToValidUTF8(q.Get("q"), "")), maxQuery),
	}
	list, err := d.published(r.Context())
	if err != nil {
		return err
	}
	if p.Ask, err = d.askPath(r.Context(), q.Get("department")); err != nil {
		return err
	}
	if p.Query == "" {
		p.Groups = byTopic(list)
	} else {
		if err := d.maySearch(r); err != nil {
			return err
		}
		hits, good, err := d.answer(r.Context(), p.Query, "", maxHits)
		if err != nil {
			return err
		}
		p.Searched = true
		for _, h := range hits {
			p.Found = append(p.Found, ui.FAQLink{Slug: h.Slug, Question: h.Question, Snippet: h.Snippet})
		}
		if !good {
			d.tallies.missed(p.Query)
		}
	}
	var buf bytes.Buffer
	if err := d.frame.Pages().FAQs(&buf, p); err != nil {
		return err
	}
	return writePage(w, http.StatusOK, buf.Bytes())
}

// byTopic groups the FAQs by their first topic, in the order of the alphabet; those without one come last.
func byTopic(list []*desk.FAQ) []ui.FAQGroup {
	var out []ui.FAQGroup
	for _, q := range list {
		topic := ""
		if len(q.Topics) > 0 {
			topic = q.Topics[0]
		}
		i := slices.IndexFunc(out, func(g ui.FAQGroup) bool { return g.Topic == topic })
		if i < 0 {
			i = len(out)
			out = append(out, ui.FAQGroup{Topic: topic})
		}
		out[i].Links = append(out[i].Links, ui.FAQLink{Slug: q.Slug, Question: q.Question, Lang: q.Language})
	}
	slices.SortFunc(out, func(a, b ui.FAQGroup) int {
		return cmp.Or(cmp.Compare(btoi(a.Topic == ""), btoi(b.Topic == "")), cmp.Compare(strings.ToLower(a.Topic), strings.ToLower(b.Topic)))
	})
	for _, g := range out {
		slices.SortFunc(g.Links, func(a, b ui.FAQLink) int {
			return cmp.Compare(strings.ToLower(a.Question), strings.ToLower(b.Question))
		})
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// askPath is the page where a question can be asked: the department's that was named, or the default one's.
func (d *Door) askPath(ctx context.Context, department string) (string, error) {
	views, err := d.departmentViews(ctx)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(views, func(v departmentView) bool { return v.ID == department }) {
		department = d.defaultDepartment(views)
	}
	if department == "" {
		return "", nil
	}
	return chatPath(department), nil
}

// faqOf reads one published FAQ.
func (d *Door) faqOf(ctx context.Context, slug string) (*desk.FAQ, error) {
	if len(slug) > 64 || strings.ContainsRune(slug, 0) {
		return nil, &desk.Error{Code: desk.NotFound, Field: "faq"}
	}
	var q *desk.FAQ
	err := d.store.View(ctx, desk.Actor{}, func(rd desk.Reader) (err error) {
		q, err = rd.FAQ(slug)
		return err
	})
	return q, err
}

// faqPage is GET /faq/{slug}: one FAQ, to bookmark.
func (d *Door) faqPage(w http.ResponseWriter, r *http.Request) error {
	q, err := d.faqOf(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	if r.Method == http.MethodGet {
		d.tallies.viewed(q.Slug)
	}
	voted := r.URL.Query().Get("voted")
	if voted != "up" && voted != "down" {
		voted = ""
	}
	return d.writeFAQ(w, r, q, voted)
}

func (d *Door) writeFAQ(w http.ResponseWriter, r *http.Request, q *desk.FAQ, voted string) error {
	wish := r.URL.Query()
	p := ui.FAQPage{
		Locale: d.frame.Pages().Locale(wish.Get("lang"), r.Header.Get("Accept-Language")), Slug: q.Slug, Question: q.Question,
		Keep: kept(wish), Answer: d.frame.Pages().Markdown(q.Answer), Lang: q.Language, Voted: voted, Updated: q.Updated.Std(),
	}
	var err error
	if p.Ask, err = d.askPath(r.Context(), wish.Get("department")); err != nil {
		return err
	}
	p.ID, p.Stamp = d.forms.issue("vote " + q.Slug)
	var buf bytes.Buffer
	if err := d.frame.Pages().FAQ(&buf, p); err != nil {
		return err
	}
	return writePage(w, http.StatusOK, buf.Bytes())
}

// votePage is POST /faq/{slug}: a vote by a form, which sends back to the page.
func (d *Door) votePage(w http.ResponseWriter, r *http.Request) error {
	q, err := d.faqOf(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	if err := readForm(r); err != nil {
		return err
	}
	up, id := r.PostForm.Get("up") == "1", r.PostForm.Get("id")
	voted := "up"
	if !up {
		voted = "down"
	}
	// A stale form's vote is not worth asking again for; a quick one is a reader who knows the page.
	if ok, _ := d.forms.fresh("vote "+q.Slug, id, r.PostForm.Get("stamp")); ok {
		if err := d.vote(r, q.Slug, id, up); err != nil {
			return err
		}
	}
	back := r.URL.Query()
	back.Set("voted", voted)
	http.Redirect(w, r, "/faq/"+url.PathEscape(q.Slug)+"?"+back.Encode(), http.StatusSeeOther)
	return nil
}

// kept is what links of the pages about FAQs carry on: the language and the department that were asked for.
func kept(q url.Values) string {
	keep := url.Values{}
	for _, name := range []string{"lang", "department"} {
		if v := q.Get(name); v != "" && len(v) <= 64 {
			keep.Set(name, v)
		}
	}
	if len(keep) == 0 {
		return ""
	}
	return "?" + keep.Encode()
}
