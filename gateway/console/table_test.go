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
			case row.label == "" || row.help == "" || row.run == nil || row.role == 0:
				t.Error("label, help, run or role is missing")
			case strings.HasSuffix(row.help, ".") || strings.ToLower(row.help[:1]) != row.help[:1]:
				t.Errorf("help %q is to be the end of a sentence without its stop", row.help)
			case row.about == thisChat && !row.hidden && row.name != "send" && row.fits == nil:
				t.Error("nothing says to which chats it fits")
			case row.about == thisChat && !row.hidden && (row.args != "") != (row.fields != nil && row.name != "send"):
				t.Errorf("arguments %q, and fields %t", row.args, row.fields != nil)
			case row.owns && row.shape != anyShape, row.reads && row.late:
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
	{name: "send", typed: "!send", before: func(s *deskStore) { s.must(staff("sally"), &desk.HoldText{Chat: 1, Text: "x", Why: "slip"}) }},
}

func offerToBen(s *deskStore) { s.must(staff("sally"), &desk.TransferChat{Chat: 1, To: "ben"}) }

func TestAFormMakesTheCommandThatItsWordMakes(t *testing.T) {
	covered := map[string]bool{}
	for _, p := range posts {
		covered[p.name] = true
		t.Run(p.typed, func(t *testing.T) {
			if p.by == "" {
				p.by = "sally"
			}
			typed := commandOf(t, p.before, func(ctx context.Context, c *Console) (Answer, error) {
				return c.Handle(ctx, at(p.by, p.typed, 1))
			})
			bot := at(p.by, fmt.Sprintf("%s 1 %s", p.name, p.rest), 1)
			if p.rest == "!" {
				bot.Body = "close! 1 renewals"
			}
			bot.Place = Place{}
			ways := map[string]func(context.Context, *Console) (Answer, error){
				"typed at the bot": func(ctx context.Context, c *Console) (Answer, error) { return c.Handle(ctx, bot) },
				"filled in at the chat": func(ctx context.Context, c *Console) (Answer, error) {
					return c.Submit(ctx, at(p.by, "", 1), p.name, p.values)
				},
				"filled in at the bot": func(ctx context.Context, c *Console) (Answer, error) {
					values := map[string][]string{"chat": {"1"}}
					for k, v := range p.values {
						values[k] = v
					}
					return c.Submit(ctx, Input{Actor: bot.Actor, Key: bot.Key, ID: bot.ID}, p.name, values)
				},
			}
			for way, do := range ways {
				if diff := cmp.Diff(typed, commandOf(t, p.before, do)); diff != "" {
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
func commandOf(t *testing.T, before func(*deskStore), do func(context.Context, *Console) (Answer, error)) desk.Request {
	t.Helper()
	s, c := claimed(t)
	if before != nil {
		before(s)
	}
	n := len(s.done)
	a, err := do(context.Background(), c)
	if err != nil || a.Refused != nil || len(s.done) != n+1 || a.Reply.At == 0 {
		t.Fatalf("%d commands, answer %+v, %v", len(s.done)-n, a, err)
	}
	if a.Chat != 1 || a.Command == "" || a.Text == "" {
		t.Errorf("answer %+v", a)
	}
	return s.done[n]
}

func TestEveryOfferedCommandHasAForm(t *testing.T) {
	ctx := context.Background()
	offered := map[string]bool{}
	for _, p := range posts {
		s, c := claimed(t)
		if p.before != nil {
			p.before(s)
		}
		for _, account := range []string{"sally", "ben", "tom", "vera", "dora", "nobody"} {
			for _, place := range []Place{{}, {Chat: 1}, {Chat: 2}, {Chat: 9}} {
				for _, i := range c.Commands(ctx, staff(account), place) {
					offered[i.Name] = true
					f, err := c.Form(ctx, staff(account), place, i.Name)
					if err != nil || f.Title != i.Label || f.Instructions == "" {
						t.Errorf("%s at %v: %s: %+v, %v", account, place, i.Name, f, err)
					}
					if row := c.row(i.Name); row.fields != nil && len(f.Fields) == 0 {
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
