// SPDX-License-Identifier: Apache-2.0

package console

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// slipMarks are what fingers hit instead of "!": the key without shift first.
const slipMarks = "1¡.,;:?§$%&#@\\|~+=-^´`'*_/"

// plain reads a body at a chat's address that has no mark: text for the patron, unless it looks like a slip.
func (g *grammar) plain(body, seen string, reply bool) parsed {
	if after, ok := marked(seen, '>'); ok {
		return quote(body, seen, after, reply)
	}
	if after, ok := marked(seen, '/'); ok {
		return g.slash(body, after)
	}
	p := parsed{kind: isText, text: body}
	tok, rest := token(seen)
	word := plainWord(tok)
	if n, ok := number(word); ok && rest == "" {
		return parsed{kind: isDoubtful, text: body, number: n}
	}
	bare := strings.ReplaceAll(word, "!", "")
	under := strings.TrimLeft(bare, slipMarks)
	switch {
	case under == "": // "1 note he …": a mark that stands alone
		next, more := token(rest)
		if row := g.words[plainWord(next)]; row != nil && utf8.RuneCountInString(bare) == 1 {
			return parsed{kind: isDoubtful, text: body, row: row, rest: more, word: row.name}
		}
	case bare != word && g.words[bare] != nil: // "note! he …", but "Wait! I have it."
		return parsed{kind: isDoubtful, text: body, row: g.words[bare], rest: rest, word: bare}
	case under != bare && g.words[under] != nil: // "1note", ".close"
		return parsed{kind: isDoubtful, text: body, row: g.words[under], rest: rest, word: under}
	case under != bare && g.later[under]:
		p.kind, p.why, p.word = isHeld, whySlip, under
	case g.words[word] != nil && opensPublicly(word, rest):
	case g.words[word] != nil:
		colon := strings.HasSuffix(tok, ":") && rest != ""
		p = parsed{kind: isDoubtful, text: body, row: g.words[word], rest: rest, word: g.words[word].name}
		if colon && p.row.shape == anyShape {
			p.kind, p.why = isHeld, whySlip
		}
	}
	return p
}

// opensPublicly reports whether a command's word is a common start of a sentence for the patron: "Note that we close at 5".
func opensPublicly(word, rest string) bool {
	next, _ := token(rest)
	return word == "note" && plainWord(next) == "that"
}

// quote reads a body that starts with ">". A lone ">>text" is a note; what quotes and says nothing is held.
func quote(body, seen, after string, reply bool) parsed {
	p := parsed{kind: isHeld, text: body, why: whyQuote, word: ">"}
	all := lines(seen)
	if note, twice := marked(after, '>'); twice {
		_, thrice := marked(note, '>')
		note = strings.TrimFunc(note, unseen)
		if len(all) == 1 && !reply && !thrice && note != "" {
			return parsed{kind: isCommand, rest: note, word: ">>"}
		}
		return p
	}
	silent := !slices.ContainsFunc(all, func(l string) bool {
		l = strings.TrimLeftFunc(l, unseen)
		_, quoted := marked(l, '>')
		return l != "" && !quoted
	})
	if silent {
		return p
	}
	return parsed{kind: isText, text: body}
}

// slash reads a body that starts with "/": "/me" is text, another word was meant for a client, a path is text.
func (g *grammar) slash(body, after string) parsed {
	tok, rest := token(after)
	word := plainWord(tok)
	if tok == "" {
		next, _ := token(rest)
		word = plainWord(next)
		if !g.known(word) {
			return parsed{kind: isText, text: body}
		}
	}
	if word == "me" || word == "" || strings.Trim(strings.TrimRight(word, "!"), "abcdefghijklmnopqrstuvwxyz") != "" {
		return parsed{kind: isText, text: body}
	}
	return parsed{kind: isHeld, text: body, why: whySlash, word: strings.TrimRight(word, "!")}
}

// laterCommand finds a command at the start of a line after the first, or a ">>" below a line that quotes nothing.
func (g *grammar) laterCommand(text string) (string, bool) {
	quoting := false
	for i, l := range lines(text) {
		l = strings.TrimLeftFunc(l, unseen)
		after, quoted := marked(l, '>')
		if i == 0 {
			quoting = quoted
			continue
		}
		if _, twice := marked(after, '>'); quoted && twice && !quoting {
			return ">>", true
		}
		rest, bang := marked(l, '!')
		if !bang {
			if rest, bang = marked(l, '/'); !bang {
				rest, bang = marked(l, '1')
			}
			if bang && strings.TrimLeftFunc(rest, unseen) != rest {
				continue // "1 note" is a list, not a slip
			}
		}
		tok, _ := token(strings.TrimLeftFunc(rest, unseen))
		if word := plainWord(tok); bang && (g.known(word) || g.known(strings.Trim(word, "!"))) {
			return strings.Trim(word, "!"), true
		}
	}
	return "", false
}
