// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

const mostAddresses = 1000

var bareAddress = regexp.MustCompile(`[^\s<>()\[\]",;:@]+@[^\s<>()",;:@]+`)

// addresses reads an address list. Lists that break RFC 5322 are split by hand: at commas and semicolons outside quotes,
// comments and brackets.
func addresses(values []string) []Address {
	var all []Address
	for _, v := range values {
		for _, piece := range splitAddresses(v) {
			if len(all) == mostAddresses {
				return all
			}
			if a, ok := address(piece); ok {
				all = append(all, a)
			}
		}
	}
	return all
}

func splitAddresses(v string) []string {
	var pieces []string
	start, comment := 0, 0
	quoted, angle := false, false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '\\':
			i++
		case c == '"' && comment == 0:
			quoted = !quoted && strings.IndexByte(v[i+1:], '"') >= 0 // one that never ends is no quote
		case quoted:
		case c == '(':
			comment++
		case c == ')' && comment > 0:
			comment--
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case (c == ',' || c == ';') && comment == 0 && !angle:
			pieces = append(pieces, v[start:i])
			start = i + 1
		case c == ':' && !angle && comment == 0 && !strings.Contains(v[start:i], "@"):
			start = i + 1 // the name of a group
		}
	}
	return append(pieces, v[start:])
}

// address reads one mailbox.
func address(s string) (Address, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Address{}, false
	}
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		inner, _, _ := strings.Cut(s[open+1:], ">")
		if i := strings.LastIndexByte(inner, ':'); i >= 0 && (strings.HasPrefix(inner, "@") || strings.HasPrefix(inner, "mailto:")) {
			inner = inner[i+1:] // a source route, or a link
		}
		name := phrase(s[:open])
		addr := cleanAddress(inner)
		if addr == "" {
			// "<>" is the null sender, and "name@example.org <>" is seen too.
			addr = cleanAddress(bareAddress.FindString(s[:open]))
		}
		return Address{name, addr}, name != "" || addr != ""
	}
	addr := bareAddress.FindString(s)
	name := ""
	if open := strings.IndexByte(s, '('); open >= 0 { // RFC 822: address (Name)
		inner, _, _ := strings.Cut(s[open+1:], ")")
		name = phrase(inner)
	}
	if addr == "" {
		if strings.ContainsAny(s, " \t") || strings.HasPrefix(s, "=?") {
			return Address{Name: phrase(s)}, true
		}
		return Address{Addr: cleanAddress(s)}, true // a local address, such as "root"
	}
	return Address{name, cleanAddress(addr)}, true
}

// phrase reads a display name: quotes, escapes and encoded words undone.
func phrase(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			out.WriteByte(s[i])
		case s[i] == '"':
		default:
			out.WriteByte(s[i])
		}
	}
	return clip(oneLine(decodeWords(out.String())), 200)
}

func cleanAddress(s string) string {
	s = strings.Join(strings.Fields(oneLine(toUTF8(s))), "")
	return clip(strings.Trim(s, `<>"'`), 320) // RFC 3696, erratum 1690: 254 and some
}

// clip shortens a text to a number of characters.
func clip(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}

// local and domain give the halves of an address, the domain in lower case.
func (a Address) split() (local, domain string) {
	i := strings.LastIndexByte(a.Addr, '@')
	if i < 0 {
		return a.Addr, ""
	}
	return a.Addr[:i], strings.ToLower(a.Addr[i+1:])
}

// Same reports whether two addresses reach the same mailbox, as far as one can tell from outside.
func (a Address) Same(addr string) bool { return a.Addr != "" && strings.EqualFold(a.Addr, addr) }

// parseDate reads a date, in the forms that are seen besides RFC 5322's. A date that makes no sense is the zero time.
func parseDate(s string) time.Time {
	s = oneLine(s)
	if t, err := mail.ParseDate(s); err == nil {
		return sensible(t)
	}
	s, _, _ = strings.Cut(s, " (")
	for _, layout := range []string{
		"Mon, 2 Jan 2006 15:04:05", "Mon, 2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05", "Mon 2 Jan 2006 15:04:05 -0700",
		"Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 MST 2006", "Mon, 2 Jan 2006 15:04 -0700", "Mon, 2 Jan 06 15:04:05 -0700",
		time.RFC3339, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "Mon, 2 January 2006 15:04:05 -0700",
		"Monday, 2 January 2006 15:04:05 -0700", "Mon, 02-Jan-2006 15:04:05 -0700",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return sensible(t)
		}
	}
	return time.Time{}
}

func sensible(t time.Time) time.Time {
	if t.Year() < 1980 || t.Year() > 2200 {
		return time.Time{}
	}
	return t
}
