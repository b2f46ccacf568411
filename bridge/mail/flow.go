// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// flow writes text as format=flowed (RFC 3676 §4): paragraphs in lines of at most 72 characters that end in a blank, so
// that phones can put them together again. Quoted lines and those that hold no blank stay as they are.
func flow(s string) string {
	var b strings.Builder
	for l := range strings.SplitSeq(strings.TrimRight(clean(s), "\n"), "\n") {
		if l != "-- " {
			l = strings.TrimRight(l, " \t")
		}
		if strings.HasPrefix(l, ">") || strings.HasPrefix(l, "--") {
			b.WriteString(l + "\n")
			continue
		}
		rest := l
		for utf8.RuneCountInString(rest) > 72 {
			at := breakAt(rest)
			if at <= 0 {
				break
			}
			b.WriteString(stuff(rest[:at]) + "\n")
			rest = rest[at:]
		}
		b.WriteString(stuff(rest) + "\n")
	}
	return b.String()
}

// breakAt finds the blank to break after.
func breakAt(s string) int {
	at, n := -1, 0
	for i, r := range s {
		if n++; n > 72 && at > 0 {
			break
		}
		if r == ' ' && i > 0 && i+1 < len(s) && s[i+1] != ' ' && s[i+1] != '>' && strings.TrimSpace(s[:i]) != "" {
			at = i + 1
		}
	}
	return at
}

// stuff protects the start of a line from being read as something else (RFC 3676 §4.4).
func stuff(l string) string {
	if strings.HasPrefix(l, " ") || strings.HasPrefix(l, ">") || strings.HasPrefix(l, "From ") {
		return " " + l
	}
	return l
}

// quotedPrintable encodes text (RFC 2045 §6.7): lines of at most 76 characters, CRLF.
func quotedPrintable(s string) []byte {
	var out []byte
	for l := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		n := 0
		for i := 0; i < len(l); i++ {
			c := l[i]
			plain := c >= '!' && c <= '~' && c != '=' || (c == ' ' || c == '\t') && i+1 < len(l)
			// "From " and a lone dot are safe on the way only when they are no longer themselves.
			if i == 0 && (c == '.' || strings.HasPrefix(l, "From ")) {
				plain = false
			}
			width := 3
			if plain {
				width = 1
			}
			if n+width > 75 {
				out = append(out, "=\r\n"...)
				n = 0
			}
			if plain {
				out = append(out, c)
			} else {
				out = fmt.Appendf(out, "=%02X", c)
			}
			n += width
		}
		out = append(out, "\r\n"...)
	}
	return out
}
