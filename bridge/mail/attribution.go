// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// strength says how sure it is that a line was written by a mail client.
type strength uint8

const (
	notAtAll strength = iota
	weak              // a quote has to follow
	strong            // has what only clients write: an address, or a full date with the time
)

var (
	hasAddress = regexp.MustCompile(`[^\s<>()\[\]:;,"]+@[^\s<>()\[\]:;,"]+\.[^\s<>()\[\]:;,"]+`)
	hasTime    = regexp.MustCompile(`\d{1,2}\s?[:.hH時时시]\s?\d{2}|\d{1,2}\s?[ap]\.?m\.?\b`)
	hasYear    = regexp.MustCompile(`\b(19|20)\d\d\b|(19|20)\d\d[年년-]|\b\d{1,2}[./]\d{1,2}[./]\d{2}\b`)
	hasDigit   = regexp.MustCompile(`\d`)
	// A date at the start, by itself or after a short word ("On", "Le", "Am", "W dniu") and perhaps a weekday.
	dateStart = regexp.MustCompile(`^(\p{L}{1,4}\.? (\p{L}{4,6} )?)?((\p{L}{2,14}\.?,? )?\d{1,4}([./-]\d{1,2}|\.? (de )?\p{L}{3,10}|年|년|\.)|\p{L}{2,14}\.?,? \p{L}{2,10}\.? \d{1,2}(st|nd|rd|th)?\b|\p{L}{2,10}\.? \d{1,2},)`)
	// What Gmail wrote for languages it had no words for.
	gmailPlain = regexp.MustCompile(`^\d{4}[-/]\d{1,2}[-/]\d{1,2}( \d{1,2}:\d{2} (GMT|UTC)([+-]\d{1,2}(:\d{2})?)?)? \S.{0,100}$`)
	edges      = "-*_~ \t\u00a0\u200e\u200f\u202a\u202b\u202c"
)

// attribution looks at the line that ends at index last: is it, with up to five above it, the line that a client puts above
// a quote? It gives the first line of it. Lines are joined, because they are wrapped wherever it pleases.
func attribution(lines []line, last int) (first int, s strength) {
	end := strings.Trim(lines[last].plain, edges)
	if end == "" || utf8.RuneCountInString(end) > 300 || !mayEnd(end) {
		return 0, notAtAll
	}
	joined := ""
	deepest := last - 6
	if strings.HasSuffix(end, ">") { // only a form of one line, perhaps broken once, ends so
		deepest = last - 2
	}
	for first = last; first >= 0 && first > deepest; first-- {
		text := strings.TrimSpace(lines[first].plain)
		if text == "" || lines[first].depth > 0 {
			break
		}
		joined = strings.Trim(text+" "+joined, edges)
		if utf8.RuneCountInString(joined) > 400 {
			return 0, notAtAll
		}
		if s = judge(joined); s != notAtAll {
			return extend(lines, first, joined, s)
		}
	}
	return 0, notAtAll
}

// mayEnd is a cheap look at the end of a line.
func mayEnd(end string) bool {
	if strings.HasSuffix(end, ":") || strings.HasSuffix(end, "：") {
		return true
	}
	if strings.HasSuffix(end, "<") || strings.HasSuffix(end, ",") {
		return false // broken in the middle
	}
	return strings.HasSuffix(end, ">") && len(end) < 80 || gmailPlain.MatchString(end) || wrote(tail(end, 60))
}

func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[len(s)-n:], "")
}

// wrote reports whether one of the verbs stands in a text as a word. A pattern of them all would be several times slower.
func wrote(s string) bool {
	s = strings.ToLower(s)
	for _, w := range wroteWords {
		for at := 0; ; {
			i := strings.Index(s[at:], w)
			if i < 0 {
				break
			}
			from, to := at+i, at+i+len(w)
			if (from == 0 || strings.IndexByte(" \t>\"',;)]*_", s[from-1]) >= 0) && (to == len(s) || strings.IndexByte(" \t:;,<.\"'*_-(/", s[to]) >= 0) {
				return true
			}
			at = to
		}
	}
	for _, w := range wroteSigns {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// judge weighs a joined line.
func judge(s string) strength {
	colon := strings.HasSuffix(s, ":") || strings.HasSuffix(s, "：")
	verb, address := wrote(s), hasAddress.MatchString(s)
	clock := hasTime.MatchString(s)
	dated := hasDigit.MatchString(s) && (clock || hasYear.MatchString(s) || dateStart.MatchString(s))
	endsWithVerb := verb && wrote(tail(s, 24))
	switch {
	case verb && address && (colon || endsWithVerb):
		return strong
	case verb && clock && hasYear.MatchString(s) && (colon || endsWithVerb):
		return strong
	case colon && address && dated && startsDated(s):
		return strong // "26.06.2014, 14:41, "Ann" <ann@example.org>:"
	case gmailPlain.MatchString(s) && strings.Contains(s, "GMT"):
		return strong
	case verb && dated && (colon || endsWithVerb):
		return weak
	case gmailPlain.MatchString(s) && strings.HasSuffix(s, ">") && address:
		return weak
	}
	return notAtAll
}

func startsDated(s string) bool {
	head := s
	if len(head) > 60 {
		head = head[:60]
	}
	return dateStart.MatchString(s) || hasTime.MatchString(head)
}

// extend takes in the lines above that belong to a wrapped line: without a date it has not begun yet.
func extend(lines []line, first int, joined string, s strength) (int, strength) {
	if startsDated(joined) || dateStart.MatchString(joined) || hasYear.MatchString(joined) {
		return first, s
	}
	at, gap := first, false
	for n := 0; n < 4 && at > 0; n++ {
		at--
		text := strings.TrimSpace(lines[at].plain)
		if text == "" && strings.HasPrefix(joined, "<") && !gap { // one client breaks its line so
			gap = true
			continue
		}
		if text == "" || lines[at].depth > 0 {
			break
		}
		if dateStart.MatchString(strings.Trim(text, edges)) && (hasTime.MatchString(text) || hasYear.MatchString(text)) {
			return at, s
		}
		joined = text
	}
	return first, s
}
