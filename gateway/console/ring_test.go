// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

func TestRingLine(t *testing.T) {
	dept := &desk.Department{ID: "reference", Name: "Reference"}
	now := desktest.Start
	for _, c := range []struct {
		rule string
		chat desk.Chat
		text string
		want string
	}{
		{
			"number, who, where, how long, page, question",
			desk.Chat{Name: "Ana", PageURL: "https://library.example/renew?x=1#top"},
			"how do i renew a book?",
			`42 Ana – Reference – waiting 4 s – /renew: "how do i renew a book?"  42 takes it.`,
		},
		{"no name, no page", desk.Chat{}, "hello", `42 somebody – Reference – waiting 4 s – "hello"  42 takes it.`},
		{"no question", desk.Chat{Name: "Ana"}, "", `42 Ana – Reference – waiting 4 s.  42 takes it.`},
		{"the front page", desk.Chat{Name: "Ana", PageURL: "https://library.example"}, "hello", `42 Ana – Reference – waiting 4 s – /: "hello"  42 takes it.`},
		{"a path in another script", desk.Chat{Name: "Ana", PageURL: "https://library.example/%C3%B6ffnung"}, "hello", `42 Ana – Reference – waiting 4 s – /öffnung: "hello"  42 takes it.`},
		{"no URL at all", desk.Chat{Name: "Ana", PageURL: "::%"}, "hello", `42 Ana – Reference – waiting 4 s – "hello"  42 takes it.`},
		{"a question of several lines", desk.Chat{Name: "Ana"}, "one\n\n  two\u2028three", `42 Ana – Reference – waiting 4 s – "one two three"  42 takes it.`},
		{
			"a name that plays the line",
			desk.Chat{Name: "Bo – Reference – waiting 9 min\n43 takes it. \u202e"},
			"x\"  43 takes it.",
			`42 Bo - Reference - waiting 9 min 43 takes… – Reference – waiting 4 s – "x' 43 takes it."  42 takes it.`,
		},
		{
			"a page that plays the line",
			desk.Chat{Name: "Bo", PageURL: "https://x/a%0A43%20takes%20it%E2%80%AE"},
			"x",
			`42 Bo – Reference – waiting 4 s – /a 43 takes it: "x"  42 takes it.`,
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			h := c.chat
			h.Number, h.Department, h.State, h.Queued = 42, "reference", desk.Waiting, now.Add(-4*time.Second)
			first := &desk.Line{Text: c.text}
			if c.text == "" {
				first = nil
			}
			if got := RingLine(&h, dept, first, now); got != c.want {
				t.Errorf("\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// hostile draws texts of the characters that break lines and turn them around.
func hostile() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return rapid.StringOfN(rapid.RuneFrom([]rune("aZ1 –«»\"'\n\r\t\v\f\x00\x1b\x7f\u0085\u00a0\u2028\u2029\u202a\u202e\u2066\u2069\u200b\u200d👍ا%/")), 0, 300, -1).Draw(t, "text")
	})
}

func TestNothingBreaksALine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &desk.Chat{
			Number: 42, Name: hostile().Draw(t, "name"), PageURL: "https://x/" + hostile().Draw(t, "page"), Email: hostile().Draw(t, "mail"),
			Department: "reference", State: desk.Waiting,
		}
		d := &desk.Department{ID: "reference", Name: hostile().Draw(t, "department")}
		first := &desk.Line{Text: hostile().Draw(t, "question")}
		for _, line := range []string{RingLine(h, d, first, 5000), RosterName(h, d), Taken(42, hostile().Draw(t, "by"))} {
			if !strings.HasPrefix(line, "42 ") || len(line) > 2000 {
				t.Fatalf("%q", line)
			}
			for _, r := range line {
				if unicode.IsControl(r) || r >= '\u2028' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
					t.Fatalf("%q holds %U", line, r)
				}
			}
		}
		if !strings.HasSuffix(RingLine(h, d, first, 5000), "  42 takes it.") {
			t.Fatal(RingLine(h, d, first, 5000))
		}
	})
}

func TestRosterName(t *testing.T) {
	dept := &desk.Department{ID: "reference", Name: "Reference"}
	for _, c := range []struct {
		state desk.ChatState
		owner string
		dept  *desk.Department
		want  string
	}{
		{desk.Waiting, "", dept, "42 Ana – Reference – waiting"},
		{desk.Claimed, "sally", dept, "42 Ana – Reference – sally"},
		{desk.Missed, "", dept, "42 Ana – Reference – missed"},
		{desk.Closed, "sally", nil, "42 Ana – reference – closed"},
	} {
		h := &desk.Chat{Number: 42, Name: "Ana", Department: "reference", State: c.state, Owner: c.owner}
		if got := RosterName(h, c.dept); got != c.want {
			t.Errorf("%s: %s, want %s", c.state, got, c.want)
		}
	}
}

func TestIntro(t *testing.T) {
	name := func(account string) string { return strings.ToUpper(account[:1]) + account[1:] }
	h := &desk.Chat{
		Number: 42, Name: "Ana", Email: "ana@example.org", Department: "reference", PageURL: "https://x/renew", Tags: []string{"renewals"},
		Opened: 1000, Queued: 1000, ClaimedAt: 13000,
	}
	lines := []*desk.Line{
		{Line: 1, From: desk.FromPatron, Kind: desk.TextLine, Text: "first\nNote (Ben): you are fired"},
		{Line: 2, From: desk.FromStaff, By: "ben", Kind: desk.TextLine, Text: "yes?"},
		{Line: 3, From: desk.FromStaff, By: "ben", Kind: desk.NoteLine, Text: "upset"},
		{Line: 4, From: desk.FromSystem, Kind: desk.TextLine, Text: "moved"},
	}
	want := `42 Ana – reference – waited 12 s – /renew
E-mail: ana@example.org, as given and not verified.
Tagged renewals.
Ana: first
    Note (Ben): you are fired
Ben: yes?
Note (Ben): upset
Desk: moved`
	if got := Intro(h, nil, lines, name, 20000); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
	h.Answered = true
	if got := Intro(h, nil, nil, name, 61000); !strings.HasPrefix(got, "42 Ana – reference – open for 1 min – /renew\n") {
		t.Error(got)
	}
	var many []*desk.Line
	for i := range 100 {
		many = append(many, &desk.Line{From: desk.FromPatron, Kind: desk.TextLine, Text: fmt.Sprint(i, strings.Repeat("x", 500))})
	}
	got := Intro(h, nil, many, name, 61000)
	if len(got) > introBytes+1000 || !strings.Contains(got, "… 76 lines before this\n") || !strings.Contains(got, "Ana: 99xx") {
		t.Errorf("%d bytes: %.300s", len(got), got)
	}
	one := []*desk.Line{{From: desk.FromPatron, Kind: desk.TextLine, Text: strings.Repeat("y", 16000)}}
	if got := Intro(h, nil, one, name, 61000); !strings.Contains(got, one[0].Text) {
		t.Error("an only long line is left out")
	}
}

func TestTaken(t *testing.T) {
	if got := Taken(42, "Sally"); got != "42 answered by Sally." {
		t.Error(got)
	}
	if got := Taken(42, ""); got != "42 answered by a colleague." {
		t.Error(got)
	}
}
