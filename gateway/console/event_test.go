// SPDX-License-Identifier: Apache-2.0

package console

import (
	"strings"
	"testing"

	"refdesk/cluster/desk"
)

func TestEventLine(t *testing.T) {
	s, _ := claimed(t) // sally has chat 1 of Mia
	s.must(staff("bella"), &desk.JoinChat{Chat: 1})
	for _, c := range []struct {
		e    desk.Event
		to   string
		want string
	}{
		{desk.Event{Kind: desk.ChatClaimed, Staff: "ben", To: "sally", Value: "transfer"}, "sally", "Ben has accepted 1; it is no longer yours."},
		{desk.Event{Kind: desk.ChatClaimed, Staff: "ben", To: "sally", Value: "transfer"}, "bella", "Ben has taken 1 over from Sally."},
		{desk.Event{Kind: desk.ChatClaimed, Staff: "ben", To: "sally", Value: "transfer"}, "ben", ""},
		{desk.Event{Kind: desk.ChatClaimed, Staff: "sally"}, "ben", ""},
		{desk.Event{Kind: desk.ChatReleased, Staff: "sally", Value: "operator-lost"}, "sally", "You were not connected, so 1 waits again. !claim 1 takes it back if nobody has."},
		{desk.Event{Kind: desk.ChatReleased, Staff: "sally", Value: "released"}, "sally", ""},
		{desk.Event{Kind: desk.ChatReleased, Staff: "sally", Value: "released"}, "bella", "Sally has put 1 back; it waits again."},
		{desk.Event{Kind: desk.ChatReleased, Staff: "sally", Value: "released"}, "ben", ""},
		{desk.Event{Kind: desk.ChatTransferred, Staff: "sally", Department: "digital"}, "bella", "Sally has handed 1 to Digital Learning; it waits there."},
		{desk.Event{Kind: desk.ChatTransferred, Staff: "sally", Department: "digital"}, "sally", ""},
		{desk.Event{Kind: desk.ChatMissed}, "ben", "1 went without an answer. It is on the list of missed chats; !claim 1 follows it up."},
		{desk.Event{Kind: desk.ChatMissed}, "tom", "1 went without an answer."},
		{desk.Event{Kind: desk.ChatMissed, Staff: "sally"}, "sally", ""},
		{desk.Event{Kind: desk.ChatMissed, Staff: "sally"}, "bella", "Sally has closed 1 without an answer; it is on the list of missed chats."},
		{desk.Event{Kind: desk.ChatClosed, Staff: "sally"}, "bella", "Sally has closed 1."},
		{desk.Event{Kind: desk.ChatClosed}, "bella", "1 is closed."},
		{desk.Event{Kind: desk.ChatClosed, Staff: "sally"}, "sally", ""},
		{desk.Event{Kind: desk.ChatReopened, Staff: "sally"}, "sally", "1 is open again and yours: Mia has written once more."},
		{desk.Event{Kind: desk.ChatReopened, Staff: "sally"}, "bella", "1 is open again: Mia has written once more."},
		{desk.Event{Kind: desk.ChatReopened, Staff: "sally"}, "ben", ""},
		{desk.Event{Kind: desk.ChatTagged, Staff: "bella", Value: "renewals"}, "sally", "Bella has tagged 1 renewals."},
		{desk.Event{Kind: desk.ChatUntagged, Staff: "bella", Value: "renewals"}, "sally", "Bella has taken the tag renewals off 1."},
		{desk.Event{Kind: desk.ChatTagged, Staff: "sally", Value: "renewals"}, "sally", ""},
		{desk.Event{Kind: desk.TransferOffered, Staff: "sally", To: "ben"}, "ben", "Sally offers you 1 Mia – Reference. !accept 1 takes it, !decline 1 leaves it with Sally."},
		{desk.Event{Kind: desk.TransferOffered, Staff: "sally", To: "ben"}, "sally", ""},
		{desk.Event{Kind: desk.TransferOffered, Staff: "sally", To: "dora"}, "dora", "Sally offers you 1. !accept 1 takes it, !decline 1 leaves it with Sally."},
		{desk.Event{Kind: desk.TransferDeclined, Staff: "sally", To: "ben"}, "sally", "Ben has declined 1; it stays with you."},
		{desk.Event{Kind: desk.TransferDeclined, Staff: "sally", To: "ben"}, "ben", ""},
		{desk.Event{Kind: desk.TransferLapsed, Staff: "sally", To: "ben"}, "sally", "Ben has not answered in time; 1 stays with you."},
		{desk.Event{Kind: desk.TransferLapsed, Staff: "sally", To: "ben"}, "ben", "1 is no longer offered to you; it stays with Sally."},
		{desk.Event{Kind: desk.StaffJoined, Staff: "bella"}, "sally", "Bella has joined 1."},
		{desk.Event{Kind: desk.StaffJoined, Staff: "bella"}, "bella", ""},
		{desk.Event{Kind: desk.StaffLeft, Staff: "ben"}, "sally", "Ben has left 1."},
		{desk.Event{Kind: desk.ContactChanged}, "sally", "The patron of 1 is now Mia, mia@example.org (as given, not verified)."},
		{desk.Event{Kind: desk.ContactChanged}, "ben", ""},
		{desk.Event{Kind: desk.PatronGone, Value: "left"}, "sally", "Mia has left 1. You can still write, and close it."},
		{desk.Event{Kind: desk.PatronGone, Value: "silent"}, "bella", "Mia is away from 1: the chat's page is closed or out of reach. You can still write, and close it."},
		{desk.Event{Kind: desk.PatronGone, Value: "left"}, "ben", ""},
		{desk.Event{Kind: desk.OperatorLost, Staff: "sally"}, "bella", "Sally is not connected any more; the patron of 1 is told that somebody will be back."},
		{desk.Event{Kind: desk.OperatorBack, Staff: "sally"}, "bella", "Sally is back in 1."},
		{desk.Event{Kind: desk.OperatorBack, Staff: "sally"}, "sally", ""},
	} {
		if c.e.Chat == 0 {
			c.e.Chat = 1
		}
		if c.e.Kind == desk.ContactChanged {
			s.must(patronActor("Mia"), &desk.SetContact{Chat: 1, Email: "mia@example.org"})
		}
		s.read(staff(c.to), func(r desk.Reader) error {
			if got, ok := EventLine(r, c.to, c.e); got != c.want || ok != (c.want != "") {
				t.Errorf("%s to %s:\n%q, want\n%q", c.e.Kind, c.to, got, c.want)
			}
			return nil
		})
	}
}

// shiftEvents are the events of tickets, duty, promises and silence, and what is told of them. Ticket 3 is sally's, 4 is
// nobody's; both are reference's.
var shiftEvents = []struct {
	e    desk.Event
	to   string
	want string
}{
	{desk.Event{Kind: desk.DutyChanged, Staff: "sally", Value: "on"}, "sally", "You are on: chats ring for you."},
	{desk.Event{Kind: desk.DutyChanged, Staff: "sally", Value: "on"}, "ben", ""},
	{desk.Event{Kind: desk.DutyChanged, Staff: "sally", Value: "off", At: 1000, Ref: 601000}, "sally", "You are off for 10 min, as you said: no chat rings for you. on at the desk's bot ends it."},
	{desk.Event{Kind: desk.DutyChanged, Staff: "sally", Value: "off-shift"}, "sally", "You are connected, but the rota does not have you on now: no chat rings for you. on 2h at the desk's bot puts you on."},
	{desk.Event{Kind: desk.AlarmRaised, Chat: 2, N: 60}, "ben", "Nobody has taken 2 Noor – Reference for 1 min."},
	{desk.Event{Kind: desk.AlarmRaised, Chat: 1, N: 60}, "ben", ""},
	{desk.Event{Kind: desk.MissedListTold, Staff: "ben", N: 3}, "ben", "3 missed chats wait to be followed up; missed lists them."},
	{desk.Event{Kind: desk.MissedListTold, Staff: "ben", N: 3}, "sally", ""},
	{desk.Event{Kind: desk.PatronSilent, Chat: 1, Staff: "sally", N: 300}, "sally", "Mia has said nothing for 5 min. !still 1 asks whether they are there; otherwise 1 ends by itself."},
	{desk.Event{Kind: desk.PatronSilent, Chat: 1, Staff: "sally", N: 300}, "ben", ""},
	{desk.Event{Kind: desk.PatronHere, Chat: 1}, "sally", "Mia says that they are still in 1."},
	{desk.Event{Kind: desk.WaitPromised, Chat: 2, Staff: "ben", N: 3}, "sally", "Ben has promised the patron of 2 to be there in 3 min."},
	{desk.Event{Kind: desk.WaitPromised, Chat: 2, Staff: "ben", N: 3}, "ben", ""},
	{desk.Event{Kind: desk.WaitPromised, Chat: 1, Staff: "sally", N: 3}, "ben", ""},
	{desk.Event{Kind: desk.WaitDue, Chat: 1, Staff: "sally"}, "sally", "You have promised the patron of 1 to be there by now."},
	{desk.Event{Kind: desk.WaitLapsed, Chat: 2, Staff: "ben"}, "ben", "Your promise for 2 has lapsed; its patron reads so, and it rings again."},
	{desk.Event{Kind: desk.WaitLapsed, Chat: 1, Staff: "sally"}, "ben", ""},
	{desk.Event{Kind: desk.Rated, Chat: 1, N: 5}, "sally", "Mia rates 1 with 5 of 5."},
	{desk.Event{Kind: desk.LineRedacted, Chat: 1, Staff: "ben"}, "sally", "Ben has taken something out of 1."},
	{desk.Event{Kind: desk.LineRedacted, Chat: 1, Staff: "sally"}, "sally", ""},
	{desk.Event{Kind: desk.ChatClosed, Chat: 1, Value: "silent"}, "sally", "1 has ended, because its patron said nothing more."},
	{desk.Event{Kind: desk.ChatReopened, Chat: 1, Staff: "ben", Seq: 1 << 40}, "sally", "Ben has reopened 1."},
	{desk.Event{Kind: desk.ContactWanted, Chat: 1, Staff: "ben"}, "sally", "The page asks the patron of 1 for an e-mail address."},
	{desk.Event{Kind: desk.TicketLapsed, Chat: 1, Staff: "sally"}, "sally", "No ticket for chat 1: no address came."},
	{desk.Event{Kind: desk.TicketOpened, Ticket: 4}, "ben", "New ticket 4 tim@example.org – Scans – Reference. Its number opens it."},
	{desk.Event{Kind: desk.TicketOpened, Ticket: 4, Staff: "ben"}, "ben", ""},
	{desk.Event{Kind: desk.TicketOpened, Ticket: 4}, "dora", ""},
	{desk.Event{Kind: desk.TicketOpened, Ticket: 3}, "ben", ""},
	{desk.Event{Kind: desk.TicketOpened, Ticket: 3, Chat: 1}, "sally", "Chat 1 has ticket 3 now: Old maps."},
	{desk.Event{Kind: desk.TicketAssigned, Ticket: 3, Staff: "ben", To: "sally"}, "sally", "Ben gives you ticket 3 Mia – Old maps."},
	{desk.Event{Kind: desk.TicketAssigned, Ticket: 3, Staff: "sally", To: "sally"}, "sally", ""},
	{desk.Event{Kind: desk.TicketAssigned, Ticket: 3, Staff: "lena", To: "sally", Audience: desk.Audience{Staff: []string{"ben"}}}, "ben", "Ticket 3 is Sally's now."},
	{desk.Event{Kind: desk.TicketAssigned, Ticket: 3, Staff: "lena", To: "sally"}, "ben", ""},
	{desk.Event{Kind: desk.TicketAssigned, Ticket: 4, Staff: "dora", Value: "digital"}, "ben", "Ticket 4 tim@example.org – Scans is your department's now. Its number opens it."},
	{desk.Event{Kind: desk.TicketChanged, Ticket: 3, Staff: "ben", Value: "state", To: "closed"}, "sally", "Ben has made ticket 3 closed."},
	{desk.Event{Kind: desk.TicketChanged, Ticket: 3, Staff: "ben", Value: "subject"}, "sally", "Ticket 3 is about «Old maps» now."},
	{desk.Event{Kind: desk.TicketChanged, Ticket: 3, Staff: "ben", Value: "requester"}, "sally", "Answers in ticket 3 go to mia@example.org now."},
	{desk.Event{Kind: desk.TicketChanged, Ticket: 3, Staff: "ben", Value: "merged", Ref: 4}, "sally", "Ticket 3 goes on in 4."},
	{desk.Event{Kind: desk.TicketChanged, Ticket: 3, Value: "state", To: "open"}, "sally", ""},
	{desk.Event{Kind: desk.TicketChanged, Ticket: 3, Staff: "ben", Value: "state", To: "closed"}, "ben", ""},
	{desk.Event{Kind: desk.EntryAdded, Ticket: 4, Entry: 2, Value: "mail-in"}, "ben", "A mail for ticket 4 tim@example.org – Scans has come. Its number opens it."},
	{desk.Event{Kind: desk.EntryAdded, Ticket: 4, Entry: 2, Value: "mail-in", To: "unverified"}, "ben", "A mail for ticket 4 tim@example.org – Scans is held: somebody has to admit it on the desk's page."},
	{desk.Event{Kind: desk.EntryAdded, Ticket: 4, Entry: 2, Value: "mail-in", N: 1}, "ben", ""},
	{desk.Event{Kind: desk.EntryAdded, Ticket: 4, Entry: 1, Value: "mail-in"}, "ben", ""},
	{desk.Event{Kind: desk.EntryAdded, Ticket: 3, Entry: 2, Value: "mail-in"}, "ben", ""},
	{desk.Event{Kind: desk.MailStateChanged, Ticket: 3, Entry: 2, Value: "failed"}, "sally", "Not delivered: the mail of ticket 3 Mia – Old maps. Look at the address: who 3."},
	{desk.Event{Kind: desk.MailStateChanged, Ticket: 3, Entry: 2, Value: "deferred"}, "sally", "The mail of ticket 3 has not gone yet; it is tried again."},
	{desk.Event{Kind: desk.MailStateChanged, Ticket: 3, Entry: 2, Value: "sent"}, "sally", ""},
	{desk.Event{Kind: desk.MailStateChanged, Ticket: 3, Entry: 2, Value: "failed"}, "ben", ""},
}

func TestEventsOfTicketsAndShifts(t *testing.T) {
	s, _ := claimed(t)
	ticket3(s)
	s.must(staff("ben"), &desk.OpenTicket{Department: "reference", Subject: "Scans", Email: "tim@example.org"})
	for _, c := range shiftEvents {
		s.read(staff(c.to), func(r desk.Reader) error {
			if got, ok := EventLine(r, c.to, c.e); got != c.want || ok != (c.want != "") {
				t.Errorf("%s to %s:\n%q, want\n%q", c.e.Kind, c.to, got, c.want)
			}
			return nil
		})
	}
}

func TestWatchersReadAlong(t *testing.T) {
	s, _ := claimed(t)
	s.must(staff("ben"), &desk.JoinChat{Chat: 1, Watch: true})
	s.read(staff("sally"), func(r desk.Reader) error {
		if got, _ := EventLine(r, "sally", desk.Event{Kind: desk.StaffJoined, Chat: 1, Staff: "ben"}); got != "Ben reads along in 1." {
			t.Error(got)
		}
		return nil
	})
}

func TestNothingIsSaidOfWhatHasItsOwnText(t *testing.T) {
	s, _ := claimed(t)
	for _, kind := range []desk.EventKind{
		desk.ChatOpened, desk.ChatRang, desk.LinePosted, desk.LineSeen, desk.MessageSent, desk.TextHeld, desk.PatronAttached,
		desk.PatronDetached, desk.SessionOpened, desk.SessionClosed, desk.ShowChanged, desk.AccountDataChanged, desk.NodeIsUp, "unknown",
	} {
		s.read(staff("sally"), func(r desk.Reader) error {
			if got, ok := EventLine(r, "sally", desk.Event{Kind: kind, Chat: 1, Staff: "ben", To: "sally"}); ok || got != "" {
				t.Errorf("%s: %q", kind, got)
			}
			return nil
		})
	}
}

func TestLineText(t *testing.T) {
	s, _ := claimed(t)
	for _, c := range []struct {
		line desk.Line
		want string
	}{
		{desk.Line{From: desk.FromPatron, Kind: desk.TextLine, Text: "a\nb"}, "a\nb"},
		{desk.Line{From: desk.FromStaff, By: "sally", Kind: desk.TextLine, Text: "a"}, "a"},
		{desk.Line{From: desk.FromStaff, By: "ben", Kind: desk.TextLine, Text: "a"}, "Ben: a"},
		{desk.Line{From: desk.FromStaff, By: "gone", Kind: desk.TextLine, Text: "a"}, "gone: a"},
		{desk.Line{From: desk.FromStaff, By: "ben", Kind: desk.NoteLine, Text: "a"}, "Note of Ben, only staff see it: a"},
		{desk.Line{From: desk.FromStaff, By: "sally", Kind: desk.NoteLine, Text: "a"}, "Note, only staff see it: a"},
		{desk.Line{From: desk.FromSystem, Kind: desk.TextLine, Text: "a"}, "a"},
	} {
		s.read(staff("sally"), func(r desk.Reader) error {
			if got := LineText(r, "sally", &c.line); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			return nil
		})
	}
}

func TestNoSentenceSpeaksOfPatronsByNoName(t *testing.T) {
	s := newDeskStore(t)
	s.library()
	s.opens("", desk.OpenChat{Department: "reference", Question: "?"})
	s.must(staff("sally"), &desk.ClaimChat{Chat: 1})
	for kind := range tellers() {
		s.read(staff("sally"), func(r desk.Reader) error {
			text, _ := EventLine(r, "sally", desk.Event{Kind: kind, Chat: 1, Staff: "ben", To: "sally", Value: "left"})
			if strings.Contains(text, "  ") || strings.HasPrefix(text, " ") || text != "" && text[:1] != strings.ToUpper(text[:1]) {
				t.Errorf("%s: %q", kind, text)
			}
			return nil
		})
	}
}
