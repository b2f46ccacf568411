// SPDX-License-Identifier: Apache-2.0

package console

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// kind is what a body was taken for.
type kind uint8

const (
	isEmpty    kind = iota // nothing to be seen in it
	isText                 // goes to the patron
	isCommand              // row and rest
	isPick                 // !N
	isMenu                 // a bare !
	isHeld                 // a slip: why says which
	isDoubtful             // starts like a command without its mark: its shape decides between isHeld and isText
)

// why a text is held; also desk.HoldText.Why.
const (
	whyUnknown = "unknown" // !foo
	whySlip    = "slip"    // a command without its mark
	whyLater   = "later"   // a command in a later line
	whyQuote   = "quote"   // > or >> that may be a note
	whySlash   = "slash"   // /word
	whyNumber  = "number"  // the number of a chat that waits
	whyList    = "list"    // a number of the newest list
	whyLate    = "late"    // came late, and things have changed
	whyLong    = "long"    // over desk.MaxText
	whyRefused = "refused" // the desk refused the line
)

// parsed is a body as the grammar sees it.
type parsed struct {
	kind   kind
	text   string   // what would be published; "" at the bot
	row    *command // isCommand, isDoubtful
	rest   string   // what followed the command's word
	chat   uint64   // at the bot: the chat named before the command, "42 tag renewals"
	bare   bool     // at the bot: nothing but a number
	number int      // isPick; isDoubtful without row: a lone number
	why    string   // isHeld
	word   string   // the word that was taken for a command, or should have been
}

// grammar knows the words of the table.
type grammar struct {
	table []command
	words map[string]*command
	later map[string]bool // words of commands that are still to come
}

func newGrammar(table []command) *grammar {
	g := &grammar{table: table, words: map[string]*command{}, later: map[string]bool{}}
	for i := range table {
		g.words[table[i].name] = &table[i]
		for _, a := range table[i].aliases {
			g.words[a] = &table[i]
		}
	}
	for _, w := range toCome() {
		g.later[w] = true
	}
	return g
}

// known reports whether a word is a command's, now or later.
func (g *grammar) known(word string) bool { return g.words[word] != nil || g.later[word] }

// parse takes a body apart. It reads no state: what depends on it comes back as isDoubtful.
func (g *grammar) parse(body string, bot, reply bool) parsed {
	seen := strings.TrimLeftFunc(body, unseen)
	if seen == "" {
		return parsed{kind: isEmpty}
	}
	if after, ok := marked(seen, '!'); ok {
		return g.marked(body, after, bot)
	}
	if bot {
		return g.atBot(seen)
	}
	p := g.plain(body, seen, reply)
	if word, ok := g.laterCommand(seen); ok && p.kind != isCommand && p.kind != isHeld {
		return parsed{kind: isHeld, text: body, why: whyLater, word: word}
	}
	return p
}

// marked reads what follows a "!".
func (g *grammar) marked(body, after string, bot bool) parsed {
	if rest, ok := marked(strings.TrimLeftFunc(after, zeroWidth), '!'); ok && !bot { // !!text sends "!text"
		p := parsed{kind: isText, text: "!" + rest}
		if word, ok := g.laterCommand(p.text); ok {
			p.kind, p.why, p.word = isHeld, whyLater, word
		}
		return p
	}
	if strings.TrimFunc(after, unseen) == "" {
		return parsed{kind: isMenu}
	}
	tok, rest := token(strings.TrimLeftFunc(after, zeroWidth))
	word := plainWord(tok)
	if n, ok := number(word); ok {
		return parsed{kind: isPick, number: n, rest: rest, text: body}
	}
	if row := g.words[word]; row != nil && tok != "" {
		return parsed{kind: isCommand, row: row, rest: rest}
	}
	if tok == "" { // "! note"
		next, _ := token(rest)
		if word = plainWord(next); g.known(word) && !bot {
			return parsed{kind: isHeld, text: body, why: whySlip, word: word}
		}
		if row := g.words[word]; bot && row != nil {
			_, rest = token(rest)
			return parsed{kind: isCommand, row: row, rest: rest}
		}
	}
	return parsed{kind: isHeld, text: body, why: whyUnknown, word: word}
}

// atBot reads a body at the bot, where words are commands without a mark and a number names a chat.
func (g *grammar) atBot(seen string) parsed {
	tok, rest := token(seen)
	word := plainWord(tok)
	if row := g.words[word]; row != nil {
		return parsed{kind: isCommand, row: row, rest: rest, word: word}
	}
	n, ok := number(word)
	if !ok {
		return parsed{kind: isText, word: word}
	}
	next, more := token(rest)
	row := g.words[strings.TrimLeft(plainWord(next), "!")]
	switch {
	case rest == "":
		return parsed{kind: isCommand, row: g.words["claim"], chat: uint64(n), bare: true}
	case row != nil:
		return parsed{kind: isCommand, row: row, rest: more, chat: uint64(n)}
	}
	return parsed{kind: isText, chat: uint64(n), word: word}
}

// token cuts the first word off. rest starts with something visible.
func token(s string) (tok, rest string) {
	i := strings.IndexFunc(s, unicode.IsSpace)
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeftFunc(s[i:], unseen)
}

// plainWord is a word as the table has it: lower case, nothing invisible, no stop behind it.
func plainWord(tok string) string {
	tok = strings.Map(func(r rune) rune {
		if unseen(r) {
			return -1
		}
		return unicode.ToLower(folded(r))
	}, tok)
	return strings.TrimRight(tok, ":,.;")
}

// number reads a plain positive number of at most nine digits.
func number(word string) (int, bool) {
	if word == "" || len(word) > 9 || strings.Trim(word, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(word)
	return n, err == nil && n > 0
}

// marked cuts a mark off the start of s, wide forms folded.
func marked(s string, mark rune) (string, bool) {
	for i, r := range s {
		if i > 0 {
			return s[i:], true
		}
		if folded(r) != mark {
			return "", false
		}
	}
	return "", s != ""
}

// folded turns the wide and small forms of the marks into the plain ones.
func folded(r rune) rune {
	switch r {
	case '！', '﹗', '︕':
		return '!'
	case '＞', '﹥':
		return '>'
	case '／':
		return '/'
	}
	return r
}

// unseen reports whether nothing is seen of a character at the start of a line: white space, byte order marks,
// zero-width and direction characters, fillers.
func unseen(r rune) bool { return unicode.IsSpace(r) || zeroWidth(r) }

func zeroWidth(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) || r == '\u2800'
}

// lines splits a text at everything that a client may show as the end of a line.
func lines(s string) []string { return strings.FieldsFunc(s, endsLine) }

func endsLine(r rune) bool {
	return slices.Contains([]rune{'\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029'}, r)
}
