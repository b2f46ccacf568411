// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// plain reports whether s is a word fit for a key: 1 to most bytes of UTF-8 without control characters.
func plain(s string, most int) bool {
	if s == "" || len(s) > most || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return true
}

// name reports whether s is fit for an id that people type: lower-case letters, digits, dot, dash, underscore.
func name(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

// checkText refuses an empty or over-long text and one that isn't UTF-8 or holds control characters but tab and newline.
func checkText(s, field string) error {
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > MaxText {
		return refuseField(Invalid, field)
	}
	for _, r := range s {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return refuseField(Invalid, field)
		}
	}
	return nil
}

// checkShort refuses a one-line text of more than most bytes; empty is allowed.
func checkShort(s, field string, most int) error {
	if s != "" && !plain(s, most) {
		return refuseField(Invalid, field)
	}
	return nil
}

// checkBody refuses a text of more than MaxBody bytes, one that isn't UTF-8 and control characters but tab and newline.
func checkBody(s, field string, empty bool) error {
	if s == "" && empty {
		return nil
	}
	if s == "" || len(s) > MaxBody || cleanText(s) != s {
		return refuseField(Invalid, field)
	}
	return nil
}

// cleanText drops what checkBody refuses, and makes newlines of all line ends.
func cleanText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r < ' ' && r != '\n' && r != '\t', r == 0x7f:
			return -1
		}
		return r
	}, s)
}

// cleanLine makes one line of a text, without control characters.
func cleanLine(s string) string {
	return strings.TrimSpace(strings.Join(strings.Fields(cleanText(s)), " "))
}

// StanzaID is the Key.ID of a stanza's number: fixed width, so that the newest is the last in order.
func StanzaID(n uint32) string { return fmt.Sprintf("%010d", n) }
