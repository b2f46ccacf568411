// SPDX-License-Identifier: Apache-2.0

package console

import (
	"strings"
	"testing"

	"refdesk/cluster/desk"
)

func TestEntryText(t *testing.T) {
	name := func(account string) string { return capital(account) }
	for _, c := range []struct {
		rule string
		e    desk.TicketEntry
		want string
	}{
		{"a question", desk.TicketEntry{Kind: desk.EntryPublic, From: desk.FromPatron, Text: "Where?"}, "Patron: Where?"},
		{"an answer", desk.TicketEntry{Kind: desk.EntryPublic, From: desk.FromStaff, By: "ben", Text: "Here."}, "Ben (by mail): Here."},
		{"an answer taken back", desk.TicketEntry{Kind: desk.EntryPublic, From: desk.FromStaff, By: "ben", Text: "Here.", Mail: desk.OutUndone}, "Ben (taken back, not sent): Here."},
		{"a note", desk.TicketEntry{Kind: desk.EntryNote, From: desk.FromStaff, By: "ben", Text: "upset"}, "Note of Ben, only staff see it: upset"},
		{"one's own note", desk.TicketEntry{Kind: desk.EntryNote, From: desk.FromStaff, By: "sally", Text: "upset"}, "Note, only staff see it: upset"},
		{"a mail", desk.TicketEntry{Kind: desk.EntryMailIn, From: desk.FromPatron, Name: "Mia", Email: "mia@example.org", Text: "Thanks"}, "Mia <mia@example.org>: Thanks"},
		{"a program's mail", desk.TicketEntry{Kind: desk.EntryMailIn, From: desk.FromPatron, Email: "mia@example.org", Text: "Away", Auto: true}, "mia@example.org (a program): Away"},
		{
			"a name that is an address stands beside the real one",
			desk.TicketEntry{Kind: desk.EntryMailIn, From: desk.FromPatron, Name: "boss@library.example\nx", Email: "mia@example.org", Text: "Pay"},
			"boss@library.example x <mia@example.org>: Pay",
		},
		{
			"a mail with files",
			desk.TicketEntry{Kind: desk.EntryMailIn, Email: "m@x", Text: "See", Truncated: true, Files: []desk.MailFile{{Name: "map\n.pdf"}}},
			"m@x: See\n(the desk's page has the rest)\n[file: map .pdf, on the desk's page]",
		},
		{
			"a held mail keeps its text to itself",
			desk.TicketEntry{Kind: desk.EntryMailIn, Email: "m@x", Text: "secret", Held: desk.HeldUnverified},
			"A mail from m@x is held, because its sender may not be who they say. Nothing happens with it until somebody admits it on the desk's page.",
		},
		{"what happened", desk.TicketEntry{Kind: desk.EntrySystem, What: "merged"}, ""},
		{"the desk's own mail", desk.TicketEntry{Kind: desk.EntryMailOut, Text: "x"}, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := entryText(&c.e, "sally", name); got != c.want {
				t.Errorf("%q, want\n%q", got, c.want)
			}
		})
	}
}

func TestATicketsIntroductionIsBounded(t *testing.T) {
	k := &desk.Ticket{Number: 57, Name: "Ana – 58", Subject: "old\nmaps", Email: "ana@example.org", Cc: []string{"b@example.org"}, State: desk.TicketOpen, Department: "reference"}
	if got := TicketName(k); got != "Mail 57 – Ana - 58 – old maps" {
		t.Error(got)
	}
	var entries []*desk.TicketEntry
	for range 50 {
		entries = append(entries, &desk.TicketEntry{Kind: desk.EntryPublic, From: desk.FromPatron, Text: strings.Repeat("x", 1000)})
	}
	got := TicketIntro(k, nil, entries, func(a string) string { return a })
	if len(got) > introBytes+2000 || !strings.Contains(got, "… more before this") || !strings.Contains(got, "Answers go to ana@example.org, copies to b@example.org.") {
		t.Errorf("%d bytes: %.200s", len(got), got)
	}
}
