// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"encoding/base64"
	"regexp"
	"strings"
	"unicode"
)

// RFC 2047 §2, and what is sent in its place: blanks inside the text, and a language after the charset (RFC 2231 §5).
var encodedWord = regexp.MustCompile(`=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=`)

// decodeWords decodes the encoded words of a field. Neighbours of the same charset are joined before decoding, because
// many senders cut a character in two.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return toUTF8(s)
	}
	var out strings.Builder
	var pending []byte
	label := ""
	flush := func() {
		if len(pending) > 0 {
			text, _ := decodeCharset(pending, label)
			out.WriteString(text)
			pending = nil
		}
	}
	at := 0
	for _, m := range encodedWord.FindAllStringSubmatchIndex(s, -1) {
		between := s[at:m[0]]
		charset, _, _ := strings.Cut(strings.ToLower(s[m[2]:m[3]]), "*")
		if strings.TrimSpace(between) != "" || at == 0 {
			flush()
			out.WriteString(toUTF8(between))
		} else if charset != label {
			flush()
		}
		label = charset
		pending = append(pending, decodeWord(s[m[4]:m[5]], s[m[6]:m[7]])...)
		at = m[1]
	}
	flush()
	out.WriteString(toUTF8(s[at:]))
	return out.String()
}

func decodeWord(encoding, text string) []byte {
	if strings.EqualFold(encoding, "b") {
		return decodeBase64([]byte(text))
	}
	return decodeQuoted([]byte(strings.ReplaceAll(text, "_", " ")))
}

// decodeBase64 decodes what can be decoded: foreign characters are skipped, and padding may stand anywhere.
func decodeBase64(b []byte) []byte {
	var out []byte
	var group []byte
	flush := func() {
		if len(group) > 1 {
			dst := make([]byte, 3)
			n, _ := base64.RawStdEncoding.Decode(dst, group)
			out = append(out, dst[:n]...)
		}
		group = group[:0]
	}
	for _, c := range b {
		switch {
		case c == '=':
			flush()
		case inBase64(c):
			group = append(group, c)
			if len(group) == 4 {
				flush()
			}
		}
	}
	flush()
	return out
}

func inBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}

// decodeQuoted undoes =XX; whatever isn't one stays.
func decodeQuoted(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '=' && i+2 < len(b) {
			hi, ok1 := unhex(b[i+1])
			lo, ok2 := unhex(b[i+2])
			if ok1 && ok2 {
				out = append(out, hi<<4|lo)
				i += 2
				continue
			}
		}
		out = append(out, b[i])
	}
	return out
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// oneLine makes a value fit for one line of a page or a header: no controls, no bidi controls, blanks single.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || isBidi(r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// isBidi knows the characters that make text read in another order than it is written (UAX #9 §2).
func isBidi(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x061c
}
