// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"regexp"
	"strings"
	"unicode"
)

// What stands in the place of what was taken out.
const (
	cardMask     = "[card number]"
	personalMask = "[masked]"
	redactedMask = "[redacted]"
)

// digits is a group of ASCII digits in a text.
type digits struct{ from, to int }

// maskCards takes the numbers of payment cards out of a text (ISO/IEC 7812: 13–19 digits with Luhn's check digit, groups
// parted by a space or a dash, the first of four or more, the others of three or more but the last), and reports whether
// there were any. Telephone numbers are left alone, and so are a library's own numbers: ISBNs, and the barcodes of patrons
// and items, which have fourteen digits and the same check digit.
func maskCards(text string) (string, bool) {
	groups := digitGroups(text)
	var out strings.Builder
	done := 0
	for i := 0; i < len(groups); i++ {
		last := cardFrom(text, groups, i)
		if last < 0 {
			continue
		}
		out.WriteString(text[done:groups[i].from])
		out.WriteString(cardMask)
		done = groups[last].to
		i = last
	}
	if done == 0 {
		return text, false
	}
	out.WriteString(text[done:])
	return out.String(), true
}

func digitGroups(text string) []digits {
	var out []digits
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			continue
		}
		from := i
		for i < len(text) && text[i] >= '0' && text[i] <= '9' {
			i++
		}
		out = append(out, digits{from, i})
	}
	return out
}

// cardFrom returns the last group of the longest card number that begins with group i, -1 if there is none.
func cardFrom(text string, groups []digits, i int) int {
	number, found := "", -1
	if first := groups[i]; first.to-first.from < 4 || first.from > 0 && text[first.from-1] == '+' {
		return -1
	}
	for j := i; j < len(groups); j++ {
		if j > i {
			before := groups[j-1]
			if gap := text[before.to:groups[j].from]; gap != " " && gap != "-" || before.to-before.from < 3 {
				break
			}
		}
		if number += text[groups[j].from:groups[j].to]; len(number) > 19 {
			break
		}
		if issued(number) && luhn(number) {
			found = j
		}
	}
	return found
}

// issued reports whether a number can be that of a payment card by its length and first digits.
func issued(n string) bool {
	if len(n) < 13 {
		return false
	}
	switch {
	case len(n) == 14: // Diners Club; all others are barcodes
		return n[0] == '3' && (n[1] == '6' || n[1] == '8' || n[1] == '9' || n[:3] >= "300" && n[:3] <= "305")
	case n[0] == '2':
		return len(n) == 16 && n[:4] >= "2221" && n[:4] <= "2720"
	}
	return n[0] >= '3' && n[0] <= '6'
}

func luhn(n string) bool {
	sum := 0
	for i := range n {
		d := int(n[len(n)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// personal matches e-mail addresses, and what may be a telephone or a card number: a run of digits with what people put
// between them.
var personal = regexp.MustCompile(`[^\s@<>"(),;:]+@[^\s@<>"(),;:]+\.[^\s@<>"(),;:]+|\+?\p{Nd}(?:[ ().\-/]{0,2}\p{Nd}){6,}`)

// maskPersonal takes addresses and long numbers out of a text.
func maskPersonal(text string) string { return personal.ReplaceAllString(text, personalMask) }

// redactWord takes a word out of a text wherever it stands, in capitals or not.
func redactWord(text, w string) (string, bool) {
	hay, needle := []rune(text), []rune(w)
	var out []rune
	found := false
	for i := 0; i < len(hay); {
		if !sameRunes(hay[i:], needle) {
			out = append(out, hay[i])
			i++
			continue
		}
		out = append(out, []rune(redactedMask)...)
		i, found = i+len(needle), true
	}
	return string(out), found
}

func sameRunes(hay, needle []rune) bool {
	if len(hay) < len(needle) {
		return false
	}
	for i, r := range needle {
		if unicode.ToLower(hay[i]) != unicode.ToLower(r) {
			return false
		}
	}
	return true
}
