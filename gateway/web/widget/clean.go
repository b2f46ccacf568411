// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"strings"
	"unicode"
)

// cleanText takes out of a text what can't be shown or deceives whoever reads it, and leaves everything else as it is:
//
//   - CR LF, CR, NEL, line and paragraph separators become LF;
//   - other control characters (C0 but tab, DEL, C1) go;
//   - bidirectional embeddings and overrides (U+202A–U+202E) go; marks and isolates stay, they can't reorder what is
//     outside of them.
func cleanText(s string) string {
	if strings.IndexFunc(s, suspicious) < 0 {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			return '\n'
		case suspicious(r):
			return -1
		}
		return r
	}, s)
}

// cleanLine is cleanText for what stands on one line: white space of any kind becomes single spaces.
func cleanLine(s string) string { return strings.Join(strings.Fields(cleanText(s)), " ") }

func suspicious(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r == '\u2028', r == '\u2029', r >= '\u202a' && r <= '\u202e':
		return true
	}
	return unicode.IsControl(r)
}

// isBlank reports whether nothing of a text would be seen.
func isBlank(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) }) < 0
}
