// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Script is a stream of terms with rules of its own.
type Script uint8

// The scripts. Latin stands for every script that is written with spaces and isn't Arabic, CJK for those without.
const (
	Latin Script = iota
	CJK
	Arabic
	Scripts // how many there are
)

// Suffix is what the field of this script has after its name.
func (s Script) Suffix() string { return [...]string{"", "_cjk", "_ar"}[s] }

// Token is one term of a text.
type Token struct {
	Term       string
	Word       string // before stemming; of use for spelling
	Script     Script
	Stop       bool
	Position   int // counted over all scripts
	Start, End int // bytes of the original text
}

// maxTerm bounds a term in bytes; a longer word is known by its beginning.
const maxTerm = 64

// Tokens cuts a text into terms.
func (l *Language) Tokens(text string) []Token {
	return l.Append(make([]Token, 0, len(text)/5+1), text)
}

// Append is Tokens into a slice that is there already.
func (l *Language) Append(out []Token, text string) []Token {
	c := cutter{l: l, text: text, out: out}
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(text[i:])
		}
		c.rune(r, i, n)
		i += n
	}
	c.flush()
	return c.out
}

// cutter walks over a text. A word is open while script is set.
type cutter struct {
	l       *Language
	text    string
	out     []Token
	open    bool
	script  Script
	start   int // of the open word
	end     int // after its last letter
	pos     int
	complex bool // the word has a letter beyond ASCII
}

func (c *cutter) rune(r rune, at, n int) {
	script, letter := classify(r)
	switch {
	case letter && c.open && (script == c.script || unicode.IsMark(r)):
		c.end = at + n
	case letter:
		c.flush()
		c.open, c.script, c.start, c.end, c.complex = true, script, at, at+n, false
	case c.open && c.script == Latin && isApostrophe(r) && at == c.end:
		// Kept for now: the word may go on (don't, l'avion).
	case c.open && (r == '\u00ad' || r == '\u200c' || r == '\u200d'):
		// A soft hyphen or a joiner is inside the word.
	default:
		c.flush()
	}
	c.complex = c.complex || r >= utf8.RuneSelf
}

// classify tells letters and digits from the rest, and the script they go with.
func classify(r rune) (Script, bool) {
	if r < utf8.RuneSelf {
		return Latin, 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
		return Latin, false
	}
	switch {
	case r < 0x0590:
		return Latin, true
	case unicode.Is(unicode.Arabic, r):
		return Arabic, true
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar), r == 'ー':
		return CJK, true
	case 0xff66 <= r && r <= 0xff9f: // half-width katakana
		return CJK, true
	}
	return Latin, true
}

func isApostrophe(r rune) bool { return r == '\'' || r == '’' || r == 'ʼ' || r == '＇' }

// flush ends the open word.
func (c *cutter) flush() {
	if !c.open {
		return
	}
	c.open = false
	raw := c.text[c.start:c.end]
	switch c.script {
	case CJK:
		c.bigrams(raw)
	case Arabic:
		c.add(Arabic, arabicTerm(raw), raw, false)
	default:
		word := raw
		if c.complex || hasUpper(raw) {
			word = Fold(raw)
		}
		stop := c.l.stops[word]
		word = cut(c.l.bare(word))
		if word == "" {
			return
		}
		c.add(Latin, c.l.stem(word), word, stop || c.l.stops[word])
	}
}

func (c *cutter) add(s Script, term, word string, stop bool) {
	if term == "" {
		return
	}
	c.out = append(c.out, Token{Term: term, Word: word, Script: s, Stop: stop, Position: c.pos, Start: c.start, End: c.end})
	c.pos++
}

// bigrams makes overlapping pairs of a run; a single character stands for itself.
func (c *cutter) bigrams(raw string) {
	base := c.start
	prev, prevAt := "", 0
	pairs := 0
	for i, r := range raw {
		s := norm.NFKC.String(string(r))
		if prev != "" {
			c.start, c.end = base+prevAt, base+i+utf8.RuneLen(r)
			c.add(CJK, prev+s, prev+s, false)
			pairs++
		}
		prev, prevAt = s, i
	}
	if pairs == 0 && prev != "" {
		c.add(CJK, prev, prev, false)
	}
}

func hasUpper(s string) bool {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return true
		}
	}
	return false
}

// Fold brings a word into the form in which case, accents and compatibility variants don't count.
func Fold(s string) string {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	if ascii {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(norm.NFKC.String(s))) {
		switch {
		case isApostrophe(r):
			b.WriteByte('\'')
		case unicode.IsLetter(r), unicode.IsDigit(r):
			if t, ok := unfolded(r); ok {
				b.WriteString(t)
			} else {
				b.WriteRune(r)
			}
		case unicode.IsMark(r) && !unicode.Is(unicode.Mn, r):
			b.WriteRune(r) // vowel signs of Indic scripts are part of the word
		}
	}
	return norm.NFC.String(b.String())
}

// unfolded knows the letters that compatibility decomposition leaves whole.
func unfolded(r rune) (string, bool) {
	switch r {
	case 'ß':
		return "ss", true
	case 'æ':
		return "ae", true
	case 'œ':
		return "oe", true
	case 'ø':
		return "o", true
	case 'ł':
		return "l", true
	case 'đ', 'ð':
		return "d", true
	case 'þ':
		return "th", true
	case 'ı':
		return "i", true
	case 'ς':
		return "σ", true
	}
	return "", false
}

// cut bounds a term without tearing a character.
func cut(s string) string {
	if len(s) <= maxTerm {
		return s
	}
	s = s[:maxTerm]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

// Clip bounds a value that is kept whole, such as a tag.
func Clip(s string) string { return cut(strings.ToValidUTF8(s, "\ufffd")) }

// Occurring notes which scripts a text has.
func Occurring(text string, seen *[Scripts]bool) {
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(text[i:])
		} else if seen[Latin] {
			i++
			continue
		}
		if s, letter := classify(r); letter {
			seen[s] = true
		}
		i += n
	}
}
