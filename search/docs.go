// SPDX-License-Identifier: Apache-2.0

package search

import (
	"fmt"
	"strings"

	"refdesk/cluster/desk"
)

// maxWhole bounds the text of a chat or a ticket as a whole, in bytes.
const maxWhole = 256 << 10

func lineID(seq uint64) string      { return fmt.Sprintf("l%016x", seq) }
func entryID(seq uint64) string     { return fmt.Sprintf("e%016x", seq) }
func chatID(number uint64) string   { return fmt.Sprintf("c%016x", number) }
func ticketID(number uint64) string { return fmt.Sprintf("t%016x", number) }
func faqID(slug string) string      { return "f" + slug[:min(len(slug), maxID-1)] }

// Slug is that of the FAQ that was hit, "" for anything else.
func (h Hit) Slug() string {
	if h.Kind != FAQ || h.ID == "" {
		return ""
	}
	return h.ID[1:]
}

// states says what is: finds of a chat.
func states(h *desk.Chat) []string {
	switch h.State {
	case desk.Missed:
		return []string{"missed"}
	case desk.Ticketed:
		return []string{"missed", "ticket", "closed"}
	case desk.Dismissed:
		return []string{"missed", "closed"}
	case desk.Closed:
		return []string{"closed"}
	}
	return []string{"open"}
}

// has says what has: finds of a chat.
func has(h *desk.Chat) (out []string) {
	if h.Email != "" {
		out = append(out, "email")
	}
	if h.Score > 0 {
		out = append(out, "rating")
	}
	return out
}

func staffOf(h *desk.Chat) (out []string) {
	if h.Owner != "" {
		out = append(out, h.Owner)
	}
	return append(append(out, h.Joined...), h.Watching...)
}

func about(h *desk.Chat) Doc {
	return Doc{
		Chat: h.Number, Dept: h.Department, Staff: staffOf(h), Patron: h.Name, Tags: h.Tags, Has: has(h), Is: states(h), Rating: int(h.Score),
	}
}

func lineDoc(h *desk.Chat, l *desk.Line) Doc {
	d := about(h)
	d.ID, d.Kind, d.Time, d.Text, d.Role = lineID(l.Seq), Line, l.At.Std(), l.Text, string(l.From)
	if l.Kind == desk.NoteLine {
		d.Role = "note"
	}
	return d
}

// chatDoc is a chat as a whole, so that words in different lines meet. Its text stands in its lines already.
func chatDoc(h *desk.Chat, lines []*desk.Line) Doc {
	d := about(h)
	d.ID, d.Kind, d.Time, d.Bare = chatID(h.Number), Chat, h.Opened.Std(), true
	var b strings.Builder
	for _, l := range lines {
		if b.Len()+len(l.Text) > maxWhole {
			break
		}
		b.WriteString(l.Text)
		b.WriteByte('\n')
	}
	d.Text = b.String()
	return d
}

func aboutTicket(t *desk.Ticket) Doc {
	d := Doc{Chat: t.Number, Dept: t.Department, Patron: t.Name, Tags: t.Tags, Is: []string{"ticket", "open"}, Has: []string{"email"}}
	if t.State == desk.TicketClosed {
		d.Is[1] = "closed"
	}
	if t.Assignee != "" {
		d.Staff = []string{t.Assignee}
	}
	if t.Email == "" {
		d.Has = nil
	}
	return d
}

func entryDoc(t *desk.Ticket, e *desk.TicketEntry) Doc {
	d := aboutTicket(t)
	d.ID, d.Kind, d.Time, d.Text, d.Role = entryID(e.Seq), Entry, e.At.Std(), e.Text, string(e.From)
	if e.Kind == desk.EntryNote {
		d.Role = "note"
	}
	if len(e.Files) > 0 {
		d.Has = append(d.Has, "file")
	}
	return d
}

func ticketDoc(t *desk.Ticket, entries []*desk.TicketEntry) Doc {
	d := aboutTicket(t)
	d.ID, d.Kind, d.Time, d.Title, d.Bare = ticketID(t.Number), Ticket, t.Opened.Std(), t.Subject, true
	var b strings.Builder
	for _, e := range entries {
		if b.Len()+len(e.Text) > maxWhole {
			break
		}
		b.WriteString(e.Text)
		b.WriteByte('\n')
	}
	d.Text = b.String()
	return d
}

func faqDoc(q *desk.FAQ) Doc {
	return Doc{ID: faqID(q.Slug), Kind: FAQ, Time: q.Made.Std(), Title: q.Question, Also: q.Also, Text: q.Answer, Tags: q.Topics, Lang: q.Language}
}
