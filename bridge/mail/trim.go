// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Shown says what a Reply shows of its mail.
type Shown string

// What is shown.
const (
	ShownWhole  Shown = "whole"  // nothing is quoted, or nothing else is there
	ShownTop    Shown = "top"    // what stands above the quote
	ShownBottom Shown = "bottom" // what stands below it
	ShownInline Shown = "inline" // everything: answers stand among the quotes, or may
)

// Reply is what the writer wrote, as far as it can be told without hiding any of it.
type Reply struct {
	Text  string
	Shown Shown
}

// TrimOptions tell more about a mail.
type TrimOptions struct {
	From       []string // names of the writer: "[Ann Lee] yes" is an answer in Outlook's manner
	Separators []string // lines that our own mails hold above their text
}

// Reply finds what the writer of a message wrote.
func (m *Message) Reply(o TrimOptions) Reply {
	for _, a := range m.From {
		if a.Name != "" {
			o.From = append(o.From, a.Name)
		}
	}
	html := m.HTML
	if !m.HTMLWhole {
		html = ""
	}
	return Trim(m.Text, html, o)
}

// mostTrimmed is the longest text that is looked through. Nobody writes as much; it is shown whole.
const mostTrimmed = 512 << 10

// Trim finds the reply in a text, with the help of the HTML that says the same, if there is any. HTML tells quotes from
// text by structure, so where its structure shows a quote it decides.
func Trim(text, html string, o TrimOptions) Reply {
	if len(text) > mostTrimmed {
		return Reply{strings.Trim(clean(text), "\n"), ShownWhole}
	}
	if html != "" && len(html) <= 4*mostTrimmed {
		lines := htmlLines(html)
		if structured(lines) || strings.TrimSpace(text) == "" {
			return trimLines(lines, o)
		}
	}
	return trimLines(textLines(text), o)
}

func structured(lines []line) bool {
	for _, l := range lines {
		if l.cut || l.depth > 0 || l.intro {
			return true
		}
	}
	return false
}

// otherMark is another mark than >: a bar, or the writer's name or initials before the >. It counts below a client's line
// only; elsewhere it may be anything.
var otherMark = regexp.MustCompile(`^(\||\p{L}{1,12}>)`)

// textLines splits plain text; > at the start of a line quotes it.
func textLines(text string) []line {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	split := strings.Split(text, "\n")
	lines := make([]line, len(split))
	afterIntro := false
	for i, t := range split {
		lines[i].text, lines[i].plain = t, plain(t)
		trimmed := strings.TrimLeft(t, " \t")
		switch {
		case strings.HasPrefix(trimmed, ">") && !brokenIntro(trimmed):
			lines[i].depth, lines[i].asIs = 1, true
		case afterIntro && otherMark.MatchString(trimmed):
			lines[i].depth, lines[i].asIs = 1, true
		}
		if trimmed != "" {
			_, s := attribution(lines, i)
			afterIntro = s != notAtAll || afterIntro && lines[i].depth > 0
		}
	}
	return lines
}

// brokenIntro knows the end of an address that was broken so that its bracket starts a line: "> wrote:".
func brokenIntro(t string) bool {
	t = strings.TrimSpace(strings.TrimPrefix(t, ">"))
	return len(t) < 40 && !strings.HasPrefix(t, ">") && (t == ":" || strings.HasSuffix(t, ":") && wrote(" "+t) && len(strings.Fields(t)) <= 3)
}

// stretch is a run of lines of one kind.
type stretch struct {
	kind     kind
	from, to int
}

type kind uint8

const (
	kindText     kind = iota
	kindQuote         // marked line by line
	kindIntro         // the client's line above a quote
	kindEmbedded      // a mail that isn't marked: it goes on to the end
)

// trimLines decides. The rules are those of the design: text between or after quotes means that everything is shown,
// except that a lone quote above the answer is folded; and so does a reply without text.
func trimLines(lines []line, o TrimOptions) Reply {
	if r := decide(lines, o); r.Text != "" {
		return r
	}
	return Reply{text(lines), ShownWhole}
}

func decide(lines []line, o TrimOptions) Reply {
	lines = lines[:withoutFooter(lines)]
	parts := stretches(lines, o.Separators)
	whole := func(s Shown) Reply { return Reply{text(lines[:withoutSignature(lines, 0, len(lines))]), s} }
	var before, after, quotes, later int
	introduced := false
	var top, bottom stretch
	for i, p := range parts {
		switch {
		case p.kind != kindText:
			quotes++
			if p.kind == kindIntro && quotes == 1 {
				introduced = true
			}
			if after > 0 {
				later++
			}
		case quotes == 0:
			before++
			top = p
		default:
			if withoutSignature(lines, p.from, p.to) == p.from && i == len(parts)-1 {
				continue // nothing but a signature
			}
			after++
			bottom = p
		}
	}
	if quotes > 0 && hidesAnswers(lines, parts, o.From) {
		return whole(ShownInline)
	}
	switch {
	case quotes == 0:
		return whole(ShownWhole)
	case before > 0 && after == 0 && len(parts) == 2 && parts[1].kind == kindQuote && cited(lines, parts[1]):
		return whole(ShownWhole)
	case before > 0 && after == 0:
		r := text(lines[top.from:withoutSignature(lines, top.from, top.to)])
		if r == "" {
			r = text(lines[top.from:top.to])
		}
		return Reply{r, ShownTop}
	case before == 0 && after == 1 && later == 0 && introduced:
		return Reply{text(lines[bottom.from:withoutSignature(lines, bottom.from, bottom.to)]), ShownBottom}
	case before == 0 && len(parts) == 2 && parts[0].kind == kindIntro && parts[1].kind == kindEmbedded && intros(lines, parts[0]):
		return Reply{text(lines[parts[1].from:withoutSignature(lines, parts[1].from, parts[1].to)]), ShownWhole} // the line above says nothing by itself
	case before == 0 && after == 0, before == 0 && !introduced && after == 1 && later == 0:
		return whole(ShownWhole)
	}
	return whole(ShownInline)
}

// intros reports whether a stretch is a line such as "Ann wrote:", rather than the header of a forwarded mail.
func intros(lines []line, p stretch) bool {
	first, s := attribution(lines, p.to-1)
	return s != notAtAll && first == p.from
}

func text(lines []line) string {
	return strings.Trim(strings.TrimRight(joinLines(lines), " \t\n"), "\n")
}

// stretches takes a text apart; empty lines go with what is around them.
func stretches(lines []line, own []string) []stretch {
	var parts []stretch
	add := func(k kind, from, to int) {
		if n := len(parts); n > 0 && parts[n-1].kind == k {
			parts[n-1].to = to
			return
		}
		parts = append(parts, stretch{k, from, to})
	}
	intros := introductions(lines)
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		if strings.TrimSpace(l.text) == "" {
			continue
		}
		if l.depth > 0 {
			add(kindQuote, i, i+1)
			continue
		}
		if in, ok := intros[i]; ok {
			if k, ok := follows(lines, in.to, in.s); ok {
				add(kindIntro, i, in.to)
				if k == kindEmbedded {
					add(kindEmbedded, in.to, len(lines))
					return parts
				}
				i = in.to - 1
				continue
			}
		}
		if end, ok := separator(lines, i, own); ok {
			if k, _ := follows(lines, end, strong); k == kindQuote {
				add(kindIntro, i, end)
				i = max(i, end-1)
				continue
			}
			add(kindEmbedded, i, len(lines))
			return parts
		}
		add(kindText, i, i+1)
	}
	return parts
}

// introduction is a client's line above a quote; it may be wrapped.
type introduction struct {
	to int
	s  strength
}

// introductions finds them all, by the line they begin at.
func introductions(lines []line) map[int]introduction {
	found := map[int]introduction{}
	for i, l := range lines {
		if l.depth > 0 || strings.TrimSpace(l.text) == "" {
			continue
		}
		if first, s := attribution(lines, i); s != notAtAll {
			if have, ok := found[first]; !ok || have.s <= s {
				found[first] = introduction{i + 1, s}
			}
		} else if l.intro {
			if _, ok := found[i]; !ok {
				found[i] = introduction{i + 1, weak}
			}
		}
	}
	return found
}

// follows says what comes after a client's line: a marked quote, or a mail without marks, for which the line has to be a
// strong one.
func follows(lines []line, at int, s strength) (kind, bool) {
	for end := at + 40; at < len(lines); at++ { // nothing is as far from its introduction
		if at == end {
			return kindText, false
		}
		switch l := lines[at]; {
		case strings.TrimSpace(l.text) == "", l.intro:
			continue
		case l.depth > 0:
			return kindQuote, true
		case s == strong:
			return kindEmbedded, true
		}
		return kindText, false
	}
	return kindEmbedded, s == strong
}

// hidesAnswers reports whether there may be answers in what would be folded: the writer says so, or marks them by name
// or colour.
func hidesAnswers(lines []line, parts []stretch, names []string) bool {
	for i, p := range parts {
		for _, l := range lines[p.from:p.to] {
			if p.kind == kindText {
				if i == 0 && inlineHints.MatchString(l.plain[:min(len(l.plain), 4096)]) {
					return true
				}
				continue
			}
			if l.loud || signed(l.plain, names) {
				return true
			}
		}
		if p.kind == kindEmbedded && interleaved(lines[p.from:p.to]) {
			return true
		}
	}
	return false
}

// interleaved reports whether text follows a marked quote within a mail that isn't marked itself. It may be part of the old
// mail; it may be an answer as well.
func interleaved(lines []line) bool {
	quoted := false
	for i, l := range lines[:withoutSignature(lines, 0, len(lines))] {
		switch {
		case l.depth > 0:
			quoted = true
		case !quoted || strings.TrimSpace(l.text) == "":
		default:
			if k, ok := follows(lines, i+1, weak); ok && k == kindQuote {
				quoted = false // perhaps an introduction
				continue
			}
			return true
		}
	}
	return false
}

// signed knows Outlook's "[Ann Lee] yes", also with the first name or the initials.
func signed(text string, names []string) bool {
	inner, _, ok := strings.Cut(strings.TrimLeft(text, "> \t"), "]")
	inner, open := strings.CutPrefix(inner, "[")
	if !ok || !open || inner == "" {
		return false
	}
	for _, n := range names {
		words := strings.Fields(n)
		initials := ""
		for _, w := range words {
			r, _ := utf8.DecodeRuneInString(w)
			initials += string(r)
		}
		if strings.EqualFold(inner, n) || len(words) > 0 && strings.EqualFold(inner, words[0]) || len(words) > 1 && strings.EqualFold(inner, initials) {
			return true
		}
	}
	return false
}

// cited reports whether a quote at the end may have been put there by hand: a few lines that nothing introduces, neither
// above nor within.
func cited(lines []line, q stretch) bool {
	full := 0
	for i := q.from; i < q.to; i++ {
		t := strings.TrimSpace(strings.TrimLeft(lines[i].plain, "> \t"))
		if t == "" {
			continue
		}
		if lines[i].sure {
			return false
		}
		if l, _ := labelOf(t); l != labelNone || forwardWords.MatchString(t) || originalWords.MatchString(t) || wrote(t) && hasDigit.MatchString(t) || hasAddress.MatchString(t) {
			return false
		}
		if full++; full > 5 {
			return false
		}
	}
	return true
}
