// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"refdesk/cluster/desk"
)

func handle(t *testing.T, c *Console, in Input) Answer {
	t.Helper()
	a, err := c.Handle(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestALineThatIsTooLongIsHeldAndNotSent(t *testing.T) {
	s, c := claimed(t)
	a := handle(t, c, at("sally", strings.Repeat("ä", desk.MaxText+1212), 1))
	if !a.Held || a.Text != "Not sent: 5,212 of 4,000 characters; split it." {
		t.Errorf("answer %+v", a)
	}
	if a = handle(t, c, at("sally", "!send", 2)); a.Text != "Not sent: 5,212 of 4,000 characters; split it." {
		t.Errorf("!send answers %q", a.Text)
	}
	if a = handle(t, c, at("sally", strings.Repeat("x", maxHeld+1), 3)); a.Held || !strings.Contains(a.Text, "too long to be kept") {
		t.Errorf("answer %+v", a)
	}
	if a = handle(t, c, at("sally", "!note "+strings.Repeat("ä", desk.MaxText+1), 4)); a.Note || a.Held || !strings.Contains(a.Text, "4,001 of 4,000") {
		t.Errorf("answer %+v", a)
	}
	if a = handle(t, c, at("sally", strings.Repeat("ä", desk.MaxText), 5)); !a.Posted {
		t.Errorf("answer %+v", a)
	}
	if got := s.texts(1); len(got) != 1 {
		t.Errorf("the patron got %d lines", len(got))
	}
}

func TestWhatCannotBeSentIsHeldInWords(t *testing.T) {
	s, c := claimed(t)
	a := handle(t, c, at("sally", "bell \a", 1))
	if a.Posted || !a.Held || a.Refused == nil || !strings.HasPrefix(a.Text, "Not sent: it holds a character that can't be sent") {
		t.Errorf("answer %+v", a)
	}
	if a = handle(t, c, at("sally", "bad \xff UTF-8\r\nand\rlines", 2)); !a.Posted {
		t.Errorf("answer %+v", a)
	}
	if got := s.texts(1); len(got) != 1 || got[0] != "bad \ufffd UTF-8\nand\nlines" {
		t.Errorf("the patron got %q", got)
	}
}

func TestARepeatThatWasALineIsALineAgain(t *testing.T) {
	s, c := claimed(t)
	in := at("sally", "2 is a fine number", 1)
	in.Body = "3"
	if a := handle(t, c, in); !a.Posted { // nobody waits in 3
		t.Fatalf("answer %+v", a)
	}
	s.opens("Pat", desk.OpenChat{Department: "reference", Question: "Hello?"}) // now 3 waits
	if a := handle(t, c, in); !a.Posted || a.Held {
		t.Errorf("answer %+v", a)
	}
	if got := s.texts(1); len(got) != 1 {
		t.Errorf("the patron got %q", got)
	}
}

func TestALateRepeatOfALineIsNotHeld(t *testing.T) {
	s, c := claimed(t)
	handle(t, c, at("sally", "Hello", 1))
	in := at("sally", "Hello", 2) // after a fresh session: another key, the same id
	in.ID, in.Delayed = "m1", s.now
	s.now = s.now.Add(10 * time.Minute)
	if a := handle(t, c, in); !a.Posted || a.Text != "" {
		t.Errorf("answer %+v", a)
	}
	if got := s.texts(1); len(got) != 1 {
		t.Errorf("the patron got %q", got)
	}
}

func TestWhatIsUndecidedIsAnError(t *testing.T) {
	for _, code := range []desk.Code{desk.NoQuorum, desk.Stopping} {
		s, c := claimed(t)
		s.refusal = &desk.Error{Code: code}
		for _, body := range []string{"hello", "!foo", "!close renewals", "!note x", "!send", "!1 x"} {
			if a, err := c.Handle(context.Background(), at("sally", body, 1)); !errors.Is(err, s.refusal) || a != (Answer{}) {
				t.Errorf("%s: %+v, %v", body, a, err)
			}
		}
		if _, err := c.Submit(context.Background(), at("sally", "", 1), "release", nil); !errors.Is(err, s.refusal) {
			t.Error(err)
		}
	}
	_, c := claimed(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, body := range []string{"hello", "!close renewals", "!who", "!help", "!"} {
		if _, err := c.Handle(ctx, at("sally", body, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestAStrangerReadsAndDoesNothing(t *testing.T) {
	s, c := claimed(t)
	for i, body := range []string{"hello", "!close renewals", "!who", "!queue", "!help", "!", "!1", "!note x", ">>x"} {
		a := handle(t, c, at("nobody", body, i))
		if a.Text == "" || a.Posted || a.Note || strings.Contains(a.Text, "Mia") {
			t.Errorf("%s: %+v", body, a)
		}
	}
	if c.Commands(context.Background(), staff("nobody"), Place{}) != nil {
		t.Error("commands are offered")
	}
	if got := s.texts(1); len(got) > 0 {
		t.Errorf("the patron got %q", got)
	}
}

func TestLongBodiesAreReadInTime(t *testing.T) {
	_, c := claimed(t)
	const size = 256 << 10
	began := time.Now()
	for i, body := range []string{
		"!tag " + strings.Repeat("a ", size/2), "!tag " + strings.Repeat("renewals ", size/9), "!tag " + strings.Repeat("a,", size/2),
		"tag " + strings.Repeat("a ", size/2), "!transfer " + strings.Repeat("a ", size/2), "!transfer #" + strings.Repeat("a ", size/2),
		"transfer " + strings.Repeat("b ", size/2), strings.Repeat("\n", size), strings.Repeat(">\n", size/2), strings.Repeat("x\n!", size/3),
		"!" + strings.Repeat("\u200b", size/3), "! " + strings.Repeat("9 ", size/2), "!1 " + strings.Repeat("9 ", size/2),
		"!" + strings.Repeat("x", size), "!help " + strings.Repeat("x", size), "!close\n" + strings.Repeat("x", size),
		"!who " + strings.Repeat("a ", size/2), "!untag " + strings.Repeat("a,", size/2), "!dismiss " + strings.Repeat("a ", size/2),
	} {
		a := handle(t, c, at("sally", body, i))
		if a.Posted || a.Text == "" {
			t.Errorf("%.20q: posted %t, %d bytes of answer", body, a.Posted, len(a.Text))
		}
		if len(a.Text) > 4096 {
			t.Errorf("%.20q: %d bytes of answer", body, len(a.Text))
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("that took %s", took)
	}
}

func TestSentenceNamesTheTextThatWasNotSent(t *testing.T) {
	s, _ := claimed(t)
	conflict := &desk.Error{Code: desk.Conflict, Staff: "sally", At: s.now, Chat: 1}
	for _, c := range []struct{ body, want string }{
		{"hello", "Not sent: Sally took 1 0.4 s before you. Your text: «hello». !join helps, then !send sends it."},
		{"!!hello", "Not sent: Sally took 1 0.4 s before you. Your text: «!hello». !join helps, then !send sends it."},
		{"!close", "Sally took 1 0.4 s before you. !join helps."},
	} {
		s.read(staff("ben"), func(r desk.Reader) error {
			if got := Sentence(r, conflict, at("ben", c.body, 1), s.now.Add(400*time.Millisecond)); got != c.want {
				t.Errorf("%s:\n%s\nwant\n%s", c.body, got, c.want)
			}
			return nil
		})
	}
}

func TestEveryRefusalHasWords(t *testing.T) {
	s, _ := claimed(t)
	seen := map[string]bool{}
	for _, code := range []desk.Code{
		desk.NotFound, desk.Conflict, desk.NotAllowed, desk.Invalid, desk.NeedsEmail, desk.NeedsTag, desk.NewerLine, desk.Over,
		desk.Offline, desk.Busy, desk.Exists, desk.NoQuorum, desk.TooOld, desk.Stopping,
	} {
		for _, field := range []string{"", "chat", "held", "offer", "joined", "tag", "to", "department", "claim", "missed", "text", "why", "key"} {
			s.read(staff("ben"), func(r desk.Reader) error {
				text := Sentence(r, &desk.Error{Code: code, Field: field, Staff: "sally", At: s.now}, at("ben", "!close", 1), s.now)
				if !strings.HasSuffix(text, ".") || strings.Contains(text, "desk:") || text[:1] != strings.ToUpper(text[:1]) {
					t.Errorf("%s %s: %q", code, field, text)
				}
				seen[text] = true
				return nil
			})
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d different sentences", len(seen))
	}
}
