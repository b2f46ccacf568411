// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"refdesk/cluster/desk"
)

// introBytes is how much of a chat's past its address says first.
const introBytes = 12 << 10

// RingLine is what rings: number first, who, where, how long, the page, the question, and what takes it. first may be
// nil.
func RingLine(h *desk.Chat, dept *desk.Department, first *desk.Line, now desk.Time) string {
	s := fmt.Sprintf("%s – waiting %s", heading(h, dept), wait(now.Sub(h.Queued)))
	page := pageOf(h)
	if page != "" {
		s += " – " + page
	}
	switch {
	case first == nil || flat(first.Text) == "":
		s += "."
	case page != "":
		s += ": " + quoted(first.Text, 160)
	default:
		s += " – " + quoted(first.Text, 160)
	}
	return fmt.Sprintf("%s  %d takes it.", s, h.Number)
}

// RosterName is a chat's name in a contact list: `42 Ana – Reference – waiting`, or its owner's account at the end.
func RosterName(h *desk.Chat, dept *desk.Department) string {
	state := string(h.State)
	if h.State == desk.Claimed && h.Owner != "" {
		state = h.Owner
	}
	return heading(h, dept) + " – " + state
}

// heading is number, who and where.
func heading(h *desk.Chat, dept *desk.Department) string {
	who := inline(h.Name, 40)
	if who == "" {
		who = "somebody"
	}
	return fmt.Sprintf("%d %s – %s", h.Number, who, inline(departmentName(dept, h.Department), 40))
}

// inline makes a part of a line of what others wrote: flat, cut, and without the marks that part such lines.
func inline(s string, n int) string {
	return cut(strings.NewReplacer("–", "-", "—", "-", "\"", "'", "«", "'", "»", "'").Replace(flat(s)), n)
}

// quoted is a text in quotes, as part of a line.
func quoted(s string, n int) string {
	return "\"" + inline(s, n) + "\""
}

// pageOf is the path of the page on which the patron asked.
func pageOf(h *desk.Chat) string {
	u, err := url.Parse(h.PageURL)
	if h.PageURL == "" || err != nil {
		return ""
	}
	path := u.EscapedPath()
	if path == "" && u.Host != "" {
		path = "/"
	}
	if decoded, err := url.PathUnescape(path); err == nil && utf8.ValidString(decoded) {
		path = decoded
	}
	return inline(path, 60)
}

// Intro is what a chat's address says first, after its claim: who, where, waited, and what was said so far. lines are
// the chat's lines; name gives the public name of an account (see Names).
func Intro(h *desk.Chat, dept *desk.Department, lines []*desk.Line, name func(account string) string, now desk.Time) string {
	head := heading(h, dept)
	if h.Answered || h.ClaimedAt < h.Queued {
		head += " – open for " + wait(now.Sub(h.Opened))
	} else {
		head += " – waited " + wait(h.ClaimedAt.Sub(h.Queued))
	}
	if page := pageOf(h); page != "" {
		head += " – " + page
	}
	out := []string{head}
	if h.Email != "" {
		out = append(out, fmt.Sprintf("E-mail: %s, as given and not verified.", inline(h.Email, 254)))
	}
	if len(h.Tags) > 0 {
		out = append(out, "Tagged "+tagWords(h.Tags)+".")
	}
	said, left := past(h, lines, name)
	if left > 0 {
		out = append(out, fmt.Sprintf("… %s before this", some(left, "line")))
	}
	return strings.Join(append(out, said...), "\n")
}

// past writes the newest lines of a chat that fit, oldest first, and counts those that don't.
func past(h *desk.Chat, lines []*desk.Line, name func(account string) string) (said []string, left int) {
	room := introBytes
	for i := len(lines) - 1; i >= 0; i-- {
		line := speaker(h, lines[i], name) + ": " + indented(lines[i].Text)
		if room -= len(line); room < 0 && len(said) > 0 {
			return said, i + 1
		}
		said = append([]string{line}, said...)
	}
	return said, 0
}

// indented sets a text's further lines in, so that none of them looks like somebody else's.
func indented(s string) string { return strings.Join(lines(s), "\n    ") }

// speaker is who wrote a line.
func speaker(h *desk.Chat, l *desk.Line, name func(account string) string) string {
	switch {
	case l.Kind == desk.NoteLine:
		return fmt.Sprintf("Note (%s)", inline(name(l.By), 40))
	case l.From == desk.FromStaff:
		return inline(name(l.By), 40)
	case l.From == desk.FromSystem:
		return "Desk"
	}
	if who := inline(h.Name, 40); who != "" {
		return who
	}
	return "Patron"
}

// Taken corrects a ring that somebody answered. It reads well as a second line too, as clients without XEP-0308 show it.
func Taken(number uint64, by string) string {
	if by == "" {
		by = "a colleague"
	}
	return fmt.Sprintf("%d answered by %s.", number, inline(by, 40))
}

// GaveUp corrects a ring for a chat that is missed; what became of it is told in a message of its own.
func GaveUp(number uint64) string { return fmt.Sprintf("%d waits no longer.", number) }
