// SPDX-License-Identifier: Apache-2.0

package ui

import "io"

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
}

// Chat renders the patron's chat page.
func (p *Pages) Chat(w io.Writer, d ChatPage) error {
	return p.render(w, "chat.html", struct {
		ChatPage
		T Texts
	}{d, p.Texts(d.Locale)})
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

// Index renders a plain list of the departments that one can chat with.
func (p *Pages) Index(w io.Writer, locale string, doors []Door) error {
	return p.render(w, "index.html", struct {
		Locale string
		Doors  []Door
		T      Texts
	}{locale, doors, p.Texts(locale)})
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
