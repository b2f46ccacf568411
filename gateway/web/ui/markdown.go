// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bytes"
	"html/template"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/html"
)

// renderer turns an FAQ's Markdown into HTML.
type renderer struct {
	md     goldmark.Markdown
	policy *bluemonday.Policy
}

// newRenderer makes one. Raw HTML in it is dropped by goldmark, and whatever comes out has to be on
// our own list: words and their structure, links to the web, mail and telephone; no images (they would tell a third party
// who reads), no ids, classes, styles or forms.
func newRenderer() renderer {
	md := goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify),
		goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(lowerHeadings{}, 500))),
	)
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h2", "h3", "h4", "strong", "em", "del", "code", "pre", "blockquote", "ul", "li")
	p.AllowElements("table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowElements("ol")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	return renderer{md, p}
}

// lowerHeadings makes room for the page's own h1: # becomes h2, and nothing is deeper than h4.
type lowerHeadings struct{}

// Transform does it on a parsed document.
func (lowerHeadings) Transform(doc *ast.Document, _ text.Reader, _ parser.Context) {
	// The walker returns no errors of its own.
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if h, ok := n.(*ast.Heading); ok && entering {
			h.Level = min(h.Level+1, 4)
		}
		return ast.WalkContinue, nil
	})
}

// Markdown renders the answer of an FAQ, which is hostile like any other text, as HTML that does nothing but show it.
func (p *Pages) Markdown(source string) template.HTML {
	var buf bytes.Buffer
	if err := p.markdown.md.Convert([]byte(source), &buf); err != nil {
		return template.HTML("<p>" + template.HTMLEscapeString(source) + "</p>") //nolint:gosec // escaped
	}
	return template.HTML(p.markdown.policy.SanitizeBytes(buf.Bytes())) //nolint:gosec // sanitised
}

// PlainText is what is left of Markdown without its marks: the words, on one line.
func (p *Pages) PlainText(source string) string {
	var out strings.Builder
	for z := html.NewTokenizer(strings.NewReader(string(p.Markdown(source)))); ; {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(strings.Fields(out.String()), " ")
		case html.TextToken:
			out.Write(z.Text())
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			if name, _ := z.TagName(); !inline(string(name)) {
				out.WriteByte(' ')
			}
		}
	}
}

func inline(tag string) bool {
	switch tag {
	case "a", "strong", "em", "del", "code":
		return true
	}
	return false
}
