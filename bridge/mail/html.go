// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// line is a line of a text that is looked through for quotes. Plain text and HTML become the same lines, so that one set
// of rules decides about both.
type line struct {
	text  string
	plain string // the same without unusual blanks and marks, for the rules to read
	depth int    // of quotation, marked by > or by the structure of the HTML
	asIs  bool   // the mark is part of the text
	sure  bool   // a client marked it as quoted, not just an indent
	intro bool   // a client marked it as the line above a quote
	cut   bool   // a client marked it as the start of the mail that is answered
	loud  bool   // in red or green: people answer so within a mail that they don't quote line by line
}

const (
	mostTokens = 400_000
	mostDepth  = 400
)

// renderer turns HTML into lines: a bounded tokenizer, no tree.
type renderer struct {
	lines   []line
	cur     strings.Builder
	size    int
	stack   []element
	skip    int // depth of elements whose text isn't shown
	pre     int
	depth   int
	sure    int  // how many of depth a client marked
	blank   bool // an empty line is due before the next text
	cutDue  bool
	pending bool // a blank is due within the line
	loud    bool // some of the line is in red or green
}

// element is an open element and what its end undoes.
type element struct {
	name                string
	skip, pre, quote    bool
	intro, loud, sure   bool
	container, quoteMet bool // around attribution and quote; whether the quote began
}

// htmlLines renders HTML.
func htmlLines(s string) []line {
	r := &renderer{}
	z := html.NewTokenizer(strings.NewReader(s))
	z.SetMaxBuf(4 << 20)
	for n := 0; n < mostTokens; n++ {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF {
				r.text(string(z.Raw()))
			}
			r.flush()
			return r.lines
		case html.TextToken:
			r.text(string(z.Text()))
		case html.StartTagToken:
			t := z.Token()
			r.start(t, false)
		case html.SelfClosingTagToken:
			t := z.Token()
			r.start(t, true)
		case html.EndTagToken:
			name, _ := z.TagName()
			r.finish(string(name))
		}
	}
	r.flush()
	return r.lines
}

// plain makes blanks ordinary, of which languages and clients have many, and drops marks of direction.
func plain(s string) string {
	ascii := true
	for i := 0; i < len(s) && ascii; i++ {
		ascii = s[i] < 0x80
	}
	if ascii {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0x80 && unicode.IsSpace(r):
			return ' '
		case isBidi(r) || r == 0x200b || r == 0xfeff:
			return -1
		}
		return r
	}, s)
}

// htmlText renders HTML as plain text, quotes marked with >.
func htmlText(s string) string { return joinLines(htmlLines(s)) }

func joinLines(lines []line) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		if l.depth > 0 && !l.asIs {
			b.WriteString(strings.TrimRight(strings.Repeat(">", min(l.depth, 20))+" "+l.text, " "))
			continue
		}
		b.WriteString(l.text)
	}
	return strings.Trim(b.String(), "\n")
}

func (r *renderer) text(s string) {
	if r.skip > 0 || s == "" {
		return
	}
	s = clean(s)
	r.loud = r.loud || strings.TrimSpace(s) != "" && slices.ContainsFunc(r.stack, func(e element) bool { return e.loud })
	if r.pre > 0 {
		for i, l := range strings.Split(s, "\n") {
			if i > 0 {
				r.newline()
			}
			r.cur.WriteString(l)
		}
		return
	}
	for _, c := range s {
		switch {
		case c == ' ' || c == '\n' || c == '\t' || c == '\f':
			r.pending = r.cur.Len() > 0
		case c == 0x200b || c == 0xfeff || c == 0xad: // unseen
		default:
			if r.pending {
				r.cur.WriteByte(' ')
				r.pending = false
			}
			if c == 0xa0 {
				c = ' '
			}
			r.cur.WriteRune(c)
		}
	}
}

// newline ends the line, be it empty.
func (r *renderer) newline() {
	text := strings.TrimRightFunc(r.cur.String(), unicode.IsSpace)
	r.cur.Reset()
	r.pending = false
	if r.size += len(text) + 1; r.size > 8<<20 {
		return
	}
	if strings.TrimSpace(text) == "" {
		text = ""
	}
	if r.blank && text != "" && len(r.lines) > 0 && r.lines[len(r.lines)-1].text != "" {
		r.lines = append(r.lines, line{depth: min(r.depth, r.lines[len(r.lines)-1].depth)})
	}
	l := line{text: text, plain: plain(text), depth: r.depth, loud: r.loud, sure: r.sure > 0}
	r.loud = false
	if text != "" {
		r.blank = false
		l.cut, r.cutDue = r.cutDue, false
		l.intro = r.introduces()
	}
	r.lines = append(r.lines, l)
}

// flush ends the line if there is something in it.
func (r *renderer) flush() {
	if strings.TrimSpace(r.cur.String()) != "" {
		r.newline()
		return
	}
	r.cur.Reset()
	r.pending = false
}

// introduces reports whether the text stands where a client puts the line above a quote.
func (r *renderer) introduces() bool {
	for _, e := range r.stack {
		if e.intro || e.container && !e.quoteMet && r.depth == 0 {
			return true
		}
	}
	return false
}

func (r *renderer) start(t html.Token, closed bool) {
	name := t.Data
	if block(t.DataAtom) {
		r.flush()
	}
	switch t.DataAtom {
	case atom.Br:
		if r.skip == 0 {
			r.newline()
		}
		return
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.Ul, atom.Ol, atom.Table, atom.Pre:
		r.blank = true
	case atom.Li:
		r.text("- ")
		r.pending = r.cur.Len() > 0
		if r.cur.Len() > 0 {
			r.cur.WriteByte(' ')
			r.pending = false
		}
	case atom.Td, atom.Th:
		r.pending = r.cur.Len() > 0
	case atom.Hr:
		r.rule(t)
		return
	case atom.Img, atom.Input, atom.Meta, atom.Link, atom.Base, atom.Area, atom.Col, atom.Wbr, atom.Embed, atom.Source, atom.Track, atom.Param:
		return
	}
	if closed && !block(t.DataAtom) || len(r.stack) >= mostDepth {
		return
	}
	r.push(name, t)
}

func (r *renderer) push(name string, t html.Token) {
	e := element{name: name}
	switch t.DataAtom {
	case atom.Script, atom.Style, atom.Head, atom.Title, atom.Template, atom.Noscript, atom.Object, atom.Svg, atom.Select, atom.Textarea, atom.Math:
		e.skip = true
	case atom.Pre:
		e.pre = true
	}
	e.loud = loud.MatchString(attr(t, "color") + ";" + attr(t, "style"))
	mark := quoteMark(t)
	switch {
	case mark == markCut:
		r.cutDue = true
	case mark == markQuote:
		r.flush()
		e.quote = true
		e.sure = t.DataAtom != atom.Blockquote || attr(t, "type") != "" || attr(t, "cite") != "" || attr(t, "class") != ""
		for i := range r.stack {
			r.stack[i].quoteMet = true
		}
	case mark == markIntro:
		r.flush()
		e.intro = true
	case mark == markContainer:
		r.flush()
		e.container = true
	}
	r.stack = append(r.stack, e)
	r.count(e, 1)
}

func (r *renderer) count(e element, by int) {
	if e.skip {
		r.skip += by
	}
	if e.pre {
		r.pre += by
	}
	if e.quote {
		r.depth += by
	}
	if e.sure {
		r.sure += by
	}
}

// finish closes an element, and those inside that were never closed. An end without a start is ignored.
func (r *renderer) finish(name string) {
	if block(atom.Lookup([]byte(name))) {
		r.flush()
	}
	switch name {
	case "p", "h1", "h2", "h3", "h4", "ul", "ol", "table", "pre":
		r.blank = true
	}
	for i := len(r.stack) - 1; i >= 0; i-- {
		if r.stack[i].name != name {
			continue
		}
		for j := len(r.stack) - 1; j >= i; j-- {
			if e := r.stack[j]; e.quote || e.intro || e.container {
				r.flush()
			}
			r.count(r.stack[j], -1)
		}
		r.stack = r.stack[:i]
		return
	}
}

// rule renders a line across the page, which several clients put above the mail they answer.
func (r *renderer) rule(t html.Token) {
	switch attr(t, "id") {
	case "stopSpelling", "zwchr": // Hotmail; Zimbra
		r.cutDue = true
		return
	}
	if r.skip == 0 {
		r.cur.WriteString(strings.Repeat("_", 20))
		r.newline()
	}
}

func block(a atom.Atom) bool {
	switch a {
	case atom.Address, atom.Article, atom.Aside, atom.Blockquote, atom.Body, atom.Center, atom.Dd, atom.Div, atom.Dl, atom.Dt,
		atom.Fieldset, atom.Footer, atom.Form, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Header, atom.Hr, atom.Li,
		atom.Main, atom.Nav, atom.Ol, atom.P, atom.Pre, atom.Section, atom.Table, atom.Tbody, atom.Tr, atom.Ul:
		return true
	}
	return false
}

func attr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if strings.EqualFold(a.Key, name) {
			return a.Val
		}
	}
	return ""
}

var metaLabel = regexp.MustCompile(`(?i)<meta[^>]{0,200}charset\s*=\s*["']?\s*([a-z0-9_:.-]{2,40})`)

var loud = regexp.MustCompile(`(?i)^#?(red|ff0000|c00000|00b050|green);|(^|;)\s*color:\s*(red|#ff0000|#f00|#c00000|#00b050|green|rgb\(255, ?0, ?0\)|rgb\(192, ?0, ?0\)|rgb\(0, ?176, ?80\))`)

// metaCharset finds the charset that HTML names itself.
func metaCharset(b []byte) string {
	if len(b) > 4096 {
		b = b[:4096]
	}
	if m := metaLabel.FindSubmatch(bytes.ToLower(b)); m != nil && string(m[1]) != "utf-16" && string(m[1]) != "unicode" {
		return string(m[1])
	}
	return ""
}
