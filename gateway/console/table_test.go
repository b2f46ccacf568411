// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

func TestEveryRowIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range table() {
		t.Run(row.name, func(t *testing.T) {
			for _, word := range append([]string{row.name}, row.aliases...) {
				if seen[word] {
					t.Errorf("%s is there twice", word)
				}
				seen[word] = true
			}
			switch {
			case row.label == "" || row.help == "" || row.run == nil && row.onTicket == nil || row.role == 0:
				t.Error("label, help, run or role is missing")
			case strings.HasSuffix(row.help, ".") || strings.ToLower(row.help[:1]) != row.help[:1]:
				t.Errorf("help %q is to be the end of a sentence without its stop", row.help)
			case row.run == nil && (row.onTicket == nil || row.fits != nil), row.onTicket == nil && (row.suits != nil || row.ticketFields != nil):
				t.Error("it says something of what it is not about")
			case row.onTicket != nil && row.args != "" && row.name != "who" && row.ticketFields == nil:
				t.Error("arguments, and no fields for a ticket")
			case row.about == thisChat && !row.hidden && row.name != "send" && row.run != nil && row.fits == nil:
				t.Error("nothing says to which chats it fits")
			case row.about == thisChat && !row.hidden && row.run != nil && (row.args != "") != (row.fields != nil && row.name != "send"):
				t.Errorf("arguments %q, and fields %t", row.args, row.fields != nil)
			case row.reads && row.late:
				t.Error("its marks contradict each other")
			}
		})
	}
	for _, word := range toCome() {
		if seen[word] {
			t.Errorf("%s is here, and still to come", word)
		}
	}
}

// posts are the same doings, typed at the chat, typed at the bot, and filled in at both; each at a desk of its own.
var posts = []struct {
	name   string
	typed  string
	rest   string // behind the chat's number at the bot
	values map[string][]string
	by     string
	before func(*deskStore)
	ticket bool // at ticket 3, which is sally's, not at chat 1
}{
	{name: "claim", typed: "!claim", by: "ben", before: func(s *deskStore) { s.must(staff("sally"), &desk.ReleaseChat{Chat: 1}) }},
	{name: "release", typed: "!release"},
	{name: "transfer", typed: "!transfer ben knows dogs", rest: "ben knows dogs", values: map[string][]string{"to": {"ben"}, "why": {"knows dogs"}}},
	{name: "transfer", typed: "!transfer #archive", rest: "#archive", values: map[string][]string{"to": {"#archive"}}},
	{name: "accept", typed: "!accept", by: "ben", before: offerToBen},
	{name: "decline", typed: "!decline", by: "ben", before: offerToBen},
	{name: "join", typed: "!join", by: "ben"},
	{name: "leave", typed: "!leave", by: "ben", before: func(s *deskStore) { s.must(staff("ben"), &desk.JoinChat{Chat: 1}) }},
	{name: "close", typed: "!close renewals, printing", rest: "renewals, printing", values: map[string][]string{"tags": {"renewals", "printing"}}},
	{name: "close", typed: "!close! renew", rest: "!", values: map[string][]string{"tags": {"renewals"}, "force": {"1"}}},
	{name: "dismiss", typed: "!dismiss only a test", rest: "only a test", values: map[string][]string{"why": {"only a test"}}, before: func(s *deskStore) {
		s.must(staff("sally"), &desk.ReleaseChat{Chat: 1})
		s.must(patronActor("Mia"), &desk.LeaveChat{Chat: 1})
	}},
	{name: "note", typed: "!note upset\nvery", rest: "upset\nvery", values: map[string][]string{"text": {"upset", "very"}}},
	{name: "tag", typed: "!tag opening hours renewals", rest: "opening renew", values: map[string][]string{"tags": {"opening hours", "renewals"}}},
	{name: "untag", typed: "!untag printers", rest: "printers", values: map[string][]string{"tag": {"printers"}}},
	{name: "decline", typed: "!decline", before: func(s *deskStore) { s.must(staff("sally"), &desk.ReleaseChat{Chat: 1}) }},
	{name: "watch", typed: "!watch", by: "ben"},
	{name: "wait", typed: "!wait 3", rest: "3", values: map[string][]string{"text": {"3"}}},
	{name: "still", typed: "!still"},
	{name: "form", typed: "!form"},
	{name: "name", typed: "!name Mia Okafor", rest: "Mia Okafor", values: map[string][]string{"text": {"Mia Okafor"}}},
	{name: "email", typed: "!email mia@example.org", rest: "mia@example.org", values: map[string][]string{"text": {"mia@example.org"}}},
	{name: "set", typed: "!set course=Biology", rest: "course = bio", values: map[string][]string{"name": {"course"}, "text": {"biology"}}, before: withFields},
	{name: "scale", typed: "!scale 4", rest: "4", values: map[string][]string{"text": {"4"}}, before: withFields},
	{name: "redact", typed: "!redact renew", rest: "renew", values: map[string][]string{"text": {"renew"}}},
	{name: "redact", typed: "!redact last", rest: "last", values: map[string][]string{"text": {"last"}}},
	{name: "undo", typed: "!undo"},
	{name: "reopen", typed: "!reopen", before: func(s *deskStore) {
		s.must(staff("sally"), &desk.PostLine{Chat: 1, Kind: desk.TextLine, Text: "Done."})
		s.must(staff("sally"), &desk.CloseChat{Chat: 1})
	}},
	{name: "mail", typed: "!mail", values: map[string][]string{"text": {""}}},
	{name: "claim", typed: "!claim", ticket: true, by: "ben"},
	{name: "release", typed: "!release", ticket: true},
	{name: "assign", typed: "!assign ben knows maps", rest: "ben knows maps", values: map[string][]string{"to": {"ben"}, "why": {"knows maps"}}, ticket: true},
	{name: "assign", typed: "!assign #archive", rest: "#archive", values: map[string][]string{"to": {"#archive"}}, ticket: true},
	{name: "transfer", typed: "!transfer ben", rest: "ben", values: map[string][]string{"to": {"ben"}}, ticket: true},
	{name: "reply", typed: "!reply Dear Mia,\nyes.", rest: "Dear Mia,\nyes.", values: map[string][]string{"text": {"Dear Mia,", "yes."}}, ticket: true},
	{name: "send", typed: "!send", ticket: true, before: drafts},
	{name: "undo", typed: "!undo", ticket: true, before: drafts},
	{name: "undo", typed: "!undo", ticket: true, before: func(s *deskStore) {
		drafts(s)
		s.must(staff("sally"), &desk.DraftSend{Ticket: 3})
	}},
	{name: "note", typed: "!note upset\nvery", rest: "upset\nvery", values: map[string][]string{"text": {"upset", "very"}}, ticket: true},
	{name: "tag", typed: "!tag opening hours renewals", rest: "opening renew", values: map[string][]string{"tags": {"opening hours", "renewals"}}, ticket: true},
	{name: "untag", typed: "!untag printers", rest: "printers", values: map[string][]string{"tag": {"printers"}}, ticket: true, before: func(s *deskStore) {
		s.must(staff("sally"), &desk.TagTicket{Ticket: 3, Tags: []string{"printers"}})
	}},
	{name: "close", typed: "!close", values: map[string][]string{"tags": nil}, ticket: true},
	{name: "reopen", typed: "!reopen", ticket: true, before: func(s *deskStore) {
		s.must(staff("sally"), &desk.SetTicketState{Ticket: 3, State: desk.TicketClosed})
	}},
	{name: "name", typed: "!name Mia", rest: "Mia", values: map[string][]string{"text": {"Mia"}}, ticket: true},
	{name: "email", typed: "!email m@example.org", rest: "m@example.org", values: map[string][]string{"text": {"m@example.org"}}, ticket: true},
	{name: "set", typed: "!set subject=Maps", rest: "subject=Maps", values: map[string][]string{"name": {"subject"}, "text": {"Maps"}}, ticket: true},
	{name: "set", typed: "!set state=pending", rest: "state=pending", values: map[string][]string{"name": {"state"}, "text": {"pending"}}, ticket: true},
	{name: "send", typed: "!send", before: func(s *deskStore) { s.must(staff("sally"), &desk.HoldText{Chat: 1, Text: "x", Why: "slip"}) }},
}

func offerToBen(s *deskStore) { s.must(staff("sally"), &desk.TransferChat{Chat: 1, To: "ben"}) }

// withFields lets reference ask for a course and the READ scale.
func withFields(s *deskStore) {
	s.admin(&desk.SetDepartment{Department: desk.Department{
		ID: "reference", Name: "Reference", Default: true, Tags: []string{"renewals", "printing", "opening hours", "printers"},
		Fields: []desk.ClosingField{{Name: "course", Choices: []string{"biology", "law"}}, {Name: "read"}},
	}})
}

// ticket3 makes ticket 3 and gives it to sally.
func ticket3(s *deskStore) {
	s.must(staff("sally"), &desk.OpenTicket{Department: "reference", Subject: "Old maps", Name: "Mia", Email: "mia@example.org"})
	s.must(staff("sally"), &desk.AssignTicket{Ticket: 3, To: "sally"})
}

func drafts(s *deskStore) { s.must(staff("sally"), &desk.DraftLine{Ticket: 3, Text: "Dear Mia,"}) }

func TestAFormMakesTheCommandThatItsWordMakes(t *testing.T) {
	covered := map[string]bool{}
	s, _ := claimed(t)
	m := newMould(t, s)
	for _, p := range posts {
		covered[p.name] = true
		t.Run(p.typed, func(t *testing.T) {
			if p.by == "" {
				p.by = "sally"
			}
			number, before := "1", p.before
			here := func(in Input) Input { return in }
			if p.ticket {
				number = "3"
				before = func(s *deskStore) {
					ticket3(s)
					if p.before != nil {
						p.before(s)
					}
				}
				here = func(in Input) Input {
					in.Place = Place{Ticket: 3}
					return in
				}
			}
			typed := commandOf(t, m, before, func(ctx context.Context, c *Console) (Answer, error) {
				return c.Handle(ctx, here(at(p.by, p.typed, 1)))
			})
			bot := at(p.by, fmt.Sprintf("%s %s %s", p.name, number, p.rest), 1)
			if p.rest == "!" {
				bot.Body = "close! 1 renewals"
			}
			bot.Place = Place{}
			ways := map[string]func(context.Context, *Console) (Answer, error){
				"typed at the bot": func(ctx context.Context, c *Console) (Answer, error) { return c.Handle(ctx, bot) },
				"filled in at its address": func(ctx context.Context, c *Console) (Answer, error) {
					return c.Submit(ctx, here(at(p.by, "", 1)), p.name, p.values)
				},
				"filled in at the bot": func(ctx context.Context, c *Console) (Answer, error) {
					values := map[string][]string{"chat": {number}}
					for k, v := range p.values {
						values[k] = v
					}
					return c.Submit(ctx, Input{Actor: bot.Actor, Key: bot.Key, ID: bot.ID}, p.name, values)
				},
			}
			for way, do := range ways {
				if diff := cmp.Diff(typed, commandOf(t, m, before, do)); diff != "" {
					t.Errorf("%s:\n%s", way, diff)
				}
			}
		})
	}
	for _, row := range table() {
		if row.about == thisChat && !row.hidden && !covered[row.name] {
			t.Errorf("no case for %s", row.name)
		}
	}
}

// commandOf runs a doing on a desk of its own and returns the one command that it made, which was not refused.
func commandOf(t *testing.T, m *mould, before func(*deskStore), do func(context.Context, *Console) (Answer, error)) desk.Request {
	t.Helper()
	s, c := m.copy(t)
	if before != nil {
		before(s)
	}
	n := len(s.done)
	a, err := do(context.Background(), c)
	if err != nil || a.Refused != nil || len(s.done) != n+1 || a.Reply.At == 0 {
		t.Fatalf("%d commands, answer %+v, %v", len(s.done)-n, a, err)
	}
	if a.Chat+a.Ticket != 1 && a.Ticket != 3 || a.Command == "" || a.Text == "" {
		t.Errorf("answer %+v", a)
	}
	return s.done[n]
}

func TestEveryOfferedCommandHasAForm(t *testing.T) {
	ctx := context.Background()
	offered := map[string]bool{}
	filled, _ := claimed(t)
	m := newMould(t, filled)
	for i, p := range posts {
		s, c := m.copy(t)
		if p.ticket {
			ticket3(s)
		}
		if p.before != nil {
			p.before(s)
		}
		accounts, places := []string{"sally", "ben"}, []Place{{}, {Chat: 1}}
		if p.ticket {
			places[1] = Place{Ticket: 3}
		}
		if i == 0 {
			accounts = append(accounts, "tom", "vera", "dora", "nobody")
			places = append(places, Place{Chat: 2}, Place{Chat: 9}, Place{Ticket: 3})
		}
		for _, account := range accounts {
			for _, place := range places {
				for _, i := range c.Commands(ctx, staff(account), place) {
					offered[i.Name] = true
					f, err := c.Form(ctx, staff(account), place, i.Name)
					if err != nil || f.Title != i.Label || f.Instructions == "" {
						t.Errorf("%s at %v: %s: %+v, %v", account, place, i.Name, f, err)
					}
					if row := c.row(i.Name); row.fields != nil && place.Ticket == 0 && len(f.Fields) == 0 {
						t.Errorf("%s: no fields", i.Name)
					}
				}
			}
		}
	}
	for _, row := range table() {
		if offered[row.name] == row.hidden && !(row.about == noChat && row.hidden) {
			t.Errorf("%s: offered %t, hidden %t", row.name, offered[row.name], row.hidden)
		}
	}
}

func TestHandleMayBeCalledConcurrently(t *testing.T) {
	s := desktest.NewStore()
	if err := s.Library(); err != nil {
		t.Fatal(err)
	}
	c := New(s, s.Now, Options{Lists: 4})
	var all sync.WaitGroup
	for _, account := range []string{"ana", "ben", "lena", "dora"} {
		for place := range uint64(4) {
			all.Go(func() {
				for _, body := range []string{"!", "!1", "!tags", "!2", "!help", "!queue", "!note x", "hello", "close"} {
					in := Input{Actor: desk.StaffActor(account, "s"), Place: Place{Chat: place}, Body: body}
					if _, err := c.Handle(context.Background(), in); err != nil {
						t.Error(err)
					}
				}
				c.Commands(context.Background(), desk.StaffActor(account, "s"), Place{Chat: place})
			})
		}
	}
	all.Wait()
}
