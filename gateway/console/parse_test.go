// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"strings"
	"testing"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

func TestParse(t *testing.T) {
	g := newGrammar(table())
	for _, c := range []struct {
		rule, body string
		bot        bool
		kind       kind
		row, rest  string
		chat       uint64
		number     int
	}{
		{rule: "a mark and a word", body: "!close renewals", kind: isCommand, row: "close", rest: "renewals"},
		{rule: "case does not matter", body: "!CLOSE", kind: isCommand, row: "close"},
		{rule: "nor does what is not seen", body: "\ufeff \u200b!\u200bno\u00adte x", kind: isCommand, row: "note", rest: "x"},
		{rule: "nor a wide mark", body: "！note x", kind: isCommand, row: "note", rest: "x"},
		{rule: "nor a colon", body: "!note: x", kind: isCommand, row: "note", rest: "x"},
		{rule: "an alias", body: "!n x", kind: isCommand, row: "note", rest: "x"},
		{rule: "a word with the mark behind it, too", body: "!close! x", kind: isCommand, row: "close!", rest: "x"},
		{rule: "a note on several lines", body: "!note\nx\ny", kind: isCommand, row: "note", rest: "x\ny"},
		{rule: "a number", body: "!12", kind: isPick, number: 12},
		{rule: "a number too long to be one", body: "!1234567890", kind: isHeld},
		{rule: "no number at all", body: "!0", kind: isHeld},
		{rule: "a lone mark", body: " ! \n", kind: isMenu},
		{rule: "nothing", body: " \u200b\n", kind: isEmpty},
		{rule: "two marks are one", body: "!!note x", kind: isText},
		{rule: "a word of the bot", body: "queue", bot: true, kind: isCommand, row: "queue"},
		{rule: "a mark at the bot", body: "!queue", bot: true, kind: isCommand, row: "queue"},
		{rule: "a mark apart at the bot", body: "! queue", bot: true, kind: isCommand, row: "queue"},
		{rule: "two marks at the bot are no text", body: "!!queue", bot: true, kind: isHeld},
		{rule: "a number at the bot claims", body: "42", bot: true, kind: isCommand, row: "claim", chat: 42},
		{rule: "a number first at the bot", body: "42 tag renewals", bot: true, kind: isCommand, row: "tag", rest: "renewals", chat: 42},
		{rule: "a number and a marked word at the bot", body: "42 !tag renewals", bot: true, kind: isCommand, row: "tag", rest: "renewals", chat: 42},
		{rule: "a number and no command at the bot", body: "42 hello", bot: true, kind: isText, chat: 42},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p := g.parse(c.body, c.bot, false)
			row := ""
			if p.row != nil {
				row = p.row.name
			}
			if p.kind != c.kind || row != c.row || p.rest != c.rest || p.chat != c.chat || p.number != c.number {
				t.Errorf("%q: kind %d row %q rest %q chat %d number %d", c.body, p.kind, row, p.rest, p.chat, p.number)
			}
		})
	}
}

// marksCommand reports whether a body starts with the mark and not with two: such a body is never text.
func marksCommand(body string) bool {
	after, ok := strings.CutPrefix(strings.TrimLeftFunc(body, unseen), "!")
	if !ok {
		return false
	}
	next := strings.TrimLeftFunc(after, zeroWidth)
	_, twice := marked(next, '!')
	return !twice
}

func seeds(f *testing.F) {
	for _, name := range []string{"slips", "sentences"} {
		for _, body := range corpus(f, name) {
			f.Add(body, false)
		}
	}
	for _, row := range table() {
		f.Add("!"+row.name+" renewals, 1 ben", false)
		f.Add("!"+row.name, true)
	}
	f.Add("!\u200b!x", false)
	f.Add("\xff!x\x00", false)
}

func FuzzParse(f *testing.F) {
	seeds(f)
	g := newGrammar(table())
	v := vocabulary{tags: []string{"renewals", "opening hours"}, people: []string{"ben", "ben okoro"}, waits: func(n uint64) bool { return n == 2 }}
	f.Fuzz(func(t *testing.T, body string, reply bool) {
		body = cleaned(body)
		p := g.parse(body, false, reply)
		if marksCommand(body) && (p.kind == isText || p.kind == isDoubtful) {
			t.Errorf("%q became text", body)
		}
		if p.kind == isText && p.text != body && "!"+p.text != strings.TrimLeftFunc(body, unseen) && !strings.HasPrefix(p.text, "!") {
			t.Errorf("%q became %q", body, p.text)
		}
		if p.kind == isHeld && p.why == "" {
			t.Errorf("%q is held and doesn't say why", body)
		}
		if p.row != nil {
			g.shaped(p.row, p.rest, v)
		}
		if q := g.parse(body, true, reply); q.kind == isText && q.text != "" {
			t.Errorf("%q at the bot became text", body)
		}
		splitTags(p.rest, v.tags, func(n int) (string, bool) { return "renewals", n == 1 })
		freeTags(p.rest, nil)
		matchTarget(p.rest, []*desk.Staff{{Account: "ben", Name: "Ben Okoro"}}, []desk.DepartmentView{{ID: "digital", Name: "Digital Learning"}})
	})
}

func FuzzHandle(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body string, reply bool) {
		s := desktest.NewStore()
		if err := s.Library(); err != nil {
			t.Fatal(err)
		}
		if err := s.Connect("ana"); err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		ana := desk.StaffActor("ana", desktest.SessionID("ana"))
		for _, r := range []desk.Request{
			{Actor: patronActor("Mia"), Command: &desk.OpenChat{ID: "q", Department: "reference", Question: "?", Node: "n0"}},
			{Actor: ana, Command: &desk.ClaimChat{Chat: 1}},
			{Actor: ana, Command: &desk.OpenTicket{Department: "reference", Subject: "Maps", Email: "mia@example.org"}},
		} {
			if _, err := s.Do(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		c := New(s, s.Now, Options{})
		a, err := c.Handle(ctx, Input{Actor: ana, Place: Place{Chat: 1}, Body: body, Reply: reply})
		if err != nil {
			t.Fatal(err)
		}
		got := said(t, s)
		switch {
		case a.Posted != (len(got) == 1), len(got) > 1:
			t.Errorf("%q: answer %+v, the patron got %q", body, a, got)
		case a.Posted && marksCommand(cleaned(body)):
			t.Errorf("%q became the line %q", body, got)
		case a.Posted && got[0] != cleaned(body) && !strings.HasSuffix(cleaned(body), got[0][1:]):
			t.Errorf("%q became the line %q", body, got)
		case !a.Posted && a.Text == "":
			t.Errorf("%q: the sender is told nothing", body)
		}
		bot, err := c.Handle(ctx, Input{Actor: ana, Body: body})
		if err != nil || bot.Posted || bot.Held || len(said(t, s)) != len(got) && bot.Command != "send" {
			t.Errorf("%q at the bot: %+v, %v", body, bot, err)
		}
		in, err := c.Handle(ctx, Input{Actor: ana, Place: Place{Ticket: 2}, Body: body, Reply: reply})
		if err != nil || in.Posted || in.Held || in.Text == "" || mailed(t, s) && in.Command != "send" && bot.Command != "send" && a.Command != "send" {
			t.Errorf("%q in a ticket: %+v, %v", body, in, err)
		}
	})
}

// mailed reports whether an answer in ticket 2 waits to be mailed.
func mailed(t *testing.T, s *desktest.Store) (found bool) {
	err := s.View(context.Background(), desk.NodeActor("n0"), func(r desk.Reader) error {
		all, err := r.Entries(2, 0, 0)
		for _, e := range all {
			found = found || e.Purpose == desk.MailAnswer
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// said are the lines of chat 1 that staff wrote to the patron.
func said(t *testing.T, s *desktest.Store) (out []string) {
	err := s.View(context.Background(), patronActor("Mia"), func(r desk.Reader) error {
		all, err := r.Lines(1, 0, 0)
		for _, l := range all {
			if l.From == desk.FromStaff {
				out = append(out, l.Text)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
