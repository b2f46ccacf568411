// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"html/template"
	"io"
	"strconv"
	"time"
)

// ChatPage is the patron's chat, as a page of its own or in the widget's frame.
type ChatPage struct {
	Locale     string
	Department string   // slug
	Name       string   // as patrons read it
	State      string   // online, away, closed; the page keeps it fresh
	NextOpen   string   // RFC 3339, "" if unknown
	Nodes      []string // base URLs of the desk's nodes
	Sites      []string // origins that may frame the page
	Embedded   bool     // in the widget's frame
	Titles     bool     // the desk keeps titles of pages

	WaitSeconds int // what one waits at most, 0 = not known
	Form        AskForm
}

// Chat renders the patron's chat page.
func (p *Pages) Chat(w io.Writer, d ChatPage) error {
	return p.render(w, "chat.html", struct {
		ChatPage
		T           Texts
		Query, Lang string // of the search for FAQs
	}{d, p.Texts(d.Locale), "", d.Locale})
}

// Door is one department on the index and demo pages.
type Door struct{ Department, Name string }

// DemoPage is the web page of the demo's made-up library.
type DemoPage struct {
	Department string // the one that the widget opens
	Doors      []Door
}

// Demo renders the made-up library's page with the widget on it.
func (p *Pages) Demo(w io.Writer, d DemoPage) error { return p.render(w, "demo.html", d) }

// Index renders a plain list of the departments that one can chat with; faqs says whether there are FAQs to read.
func (p *Pages) Index(w io.Writer, locale string, doors []Door, faqs bool) error {
	return p.render(w, "index.html", struct {
		Locale string
		Doors  []Door
		FAQs   bool
		T      Texts
	}{locale, doors, faqs, p.Texts(locale)})
}

// Notice is a page with one sentence: an error, or what is not here yet.
type Notice struct {
	Locale string
	Code   string // chooses the heading
	Detail string
}

// Notice renders it.
func (p *Pages) Notice(w io.Writer, d Notice) error {
	t := p.Texts(d.Locale)
	title, ok := t["notice."+d.Code]
	if !ok {
		title = t["notice.other"]
	}
	return p.render(w, "notice.html", struct {
		Notice
		Title string
		T     Texts
	}{d, title, t})
}

// AskField is one of a department's own fields on a form.
type AskField struct {
	Name, Label string
	Choices     []string
	Required    bool
	Value       string
}

// AskForm is the question form as browsers without scripts show it.
type AskForm struct {
	Department string // slug
	ID, Stamp  string // hidden values
	Question   string
	Person     string
	Email      string
	Fields     []AskField
	Problem    string // key of the sentence that says what is wrong, "" = nothing is
	Bad        string // the field that it is about
}

// AskPage is the question form as a page of its own, or the word that it arrived.
type AskPage struct {
	Locale     string
	Name       string // the department's, as patrons read it
	Department string // slug
	Form       AskForm
	Email      string // where the answer goes
	Number     uint64 // 0 = nothing arrived yet
}

// Ask renders it.
func (p *Pages) Ask(w io.Writer, d AskPage) error {
	t := p.Texts(d.Locale)
	return p.render(w, "ask.html", struct {
		AskPage
		T      Texts
		Thanks string
	}{d, t, t.Fill("ask.thanks", "number", strconv.FormatUint(d.Number, 10))})
}

// FAQLink leads to one FAQ.
type FAQLink struct {
	Slug, Question, Snippet string
	Lang                    string // "" = the page's
}

// FAQGroup is the FAQs of one topic; "" = without one.
type FAQGroup struct {
	Topic string
	Links []FAQLink
}

// FAQsPage is the list of all FAQs, or of those that were found.
type FAQsPage struct {
	Locale     string
	Lang       string // as wished for in the address, which a search keeps
	Department string // likewise
	Keep       string // the query that links carry for that, with its "?", or ""
	Query      string
	Searched   bool
	Found      []FAQLink
	Groups     []FAQGroup
	Ask        string // path of the page where a question can be asked
}

// FAQs renders it.
func (p *Pages) FAQs(w io.Writer, d FAQsPage) error {
	t := p.Texts(d.Locale)
	count := t["find.one"]
	if len(d.Found) != 1 {
		count = t.Fill("find.many", "n", strconv.Itoa(len(d.Found)))
	}
	return p.render(w, "faq.html", struct {
		FAQsPage
		T           Texts
		Count, None string
	}{d, t, count, t.Fill("faq.none", "query", d.Query)})
}

// FAQPage is one FAQ.
type FAQPage struct {
	Locale    string
	Slug      string
	Question  string
	Answer    template.HTML // of Markdown
	Lang      string        // of question and answer, "" = the page's
	Updated   time.Time
	Voted     string // "up", "down", "" = not yet
	ID, Stamp string // hidden values of the vote
	Keep      string // as in FAQsPage
	Ask       string
}

// FAQ renders it.
func (p *Pages) FAQ(w io.Writer, d FAQPage) error {
	return p.render(w, "answer.html", struct {
		FAQPage
		T Texts
	}{d, p.Texts(d.Locale)})
}
