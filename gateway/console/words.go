// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"refdesk/cluster/desk"
)

// span says a length of time as people do: "0.4 s", "12 s", "3 min", "2 h 5 min", "3 days".
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 10*time.Second:
		tenths := int64(d.Round(100*time.Millisecond) / (100 * time.Millisecond))
		if tenths%10 == 0 {
			return fmt.Sprintf("%d s", tenths/10)
		}
		return fmt.Sprintf("%d.%d s", tenths/10, tenths%10)
	}
	return wait(d)
}

// wait is span without tenths of a second.
func wait(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d < 48*time.Hour:
		if m := int(d/time.Minute) % 60; m > 0 {
			return fmt.Sprintf("%d h %d min", int(d/time.Hour), m)
		}
		return fmt.Sprintf("%d h", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
}

// ago says when something was.
func ago(now, at desk.Time) string {
	if d := now.Sub(at); d >= time.Second {
		return wait(d) + " ago"
	}
	return "just now"
}

// count writes a number with its thousands apart: 5,212.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// some is "1 line", "3 lines".
func some(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// flat makes one line of a text: white space and control characters become one space, and the characters that turn the
// direction of the text around are left out, so that nobody's name can rearrange the line it stands in.
func flat(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029':
			return ' '
		case r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// cut shortens a text to n code points, the last of them "…".
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)[:n-1]
	return strings.TrimRight(string(runes), " \u200d") + "…"
}

// and lists words: "a", "a and b", "a, b and c".
func and(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// tagWords lists tags.
func tagWords(tags []string) string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = flat(t)
	}
	return and(out)
}

// caller is how the patron of a chat is called.
func caller(h *desk.Chat) string {
	if name := cut(flat(h.Name), 40); name != "" {
		return name
	}
	return "somebody"
}

// patron is caller at the start of a sentence or where the name stands alone.
func patron(h *desk.Chat) string {
	if h.Name == "" {
		return "the patron"
	}
	return caller(h)
}

// capital makes the first letter a capital one.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(string(r)) + s[n:]
}

// departmentName is a department as people read it.
func departmentName(d *desk.Department, id string) string {
	if d == nil || d.Name == "" {
		return id
	}
	return flat(d.Name)
}
