// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
)

// corpus reads the bodies of a file of testdata.
func corpus(t testing.TB, name string) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n"), "\n") {
		if line == "" || strings.HasPrefix(line, "// ") {
			continue
		}
		body, err := strconv.Unquote(`"` + strings.ReplaceAll(line, `"`, `\"`) + `"`)
		if err != nil {
			t.Fatalf("%s: %q: %v", name, line, err)
		}
		out = append(out, body)
	}
	return out
}

// claimed is a desk on which sally has chat 1, tagged printers, and chat 2 waits.
func claimed(t *testing.T) (*deskStore, *Console) {
	s := newDeskStore(t)
	s.library()
	s.opens("Mia", desk.OpenChat{Department: "reference", Question: "How do I renew?"})
	s.must(staff("sally"), &desk.ClaimChat{Chat: 1})
	s.must(staff("sally"), &desk.TagChat{Chat: 1, Tags: []string{"printers"}})
	s.admin(&desk.SetCanned{Canned: desk.Canned{Name: "greeting", Text: "Good morning{name|}!"}})
	s.opens("Noor", desk.OpenChat{Department: "reference", Question: "Hello?"})
	return s, New(s, func() desk.Time { return s.now }, Options{})
}

// chat reads a chat as the desk has it.
func (s *deskStore) chat(number uint64) (h *desk.Chat) {
	s.t.Helper()
	s.read(desk.NodeActor("n0"), func(r desk.Reader) (err error) {
		h, err = r.Chat(number)
		return err
	})
	return h
}

// held is the text that is kept back for an account in a chat, nil if there is none.
func (s *deskStore) held(account string, chat uint64) (h *desk.Held) {
	s.t.Helper()
	s.read(staff(account), func(r desk.Reader) (err error) {
		h, err = r.Held(chat)
		return missing(err)
	})
	return h
}

// at is a message at chat 1.
func at(account, body string, n int) Input {
	return Input{
		Actor: staff(account), Place: Place{Chat: 1}, Body: body, ID: fmt.Sprintf("m%d", n),
		Key: desk.Key{Kind: desk.KeyStanza, Principal: "sm-" + account, ID: desk.StanzaID(uint32(n))},
	}
}

func TestNoByteOfASlipReachesThePatron(t *testing.T) {
	s, c := claimed(t)
	before, waiting := s.chat(1), s.chat(2)
	slips := corpus(t, "slips")
	if len(slips) < 90 {
		t.Errorf("the corpus holds %d slips, want 90 at least", len(slips))
	}
	heldOnes := 0
	for i, body := range slips {
		t.Run(strconv.Quote(body), func(t *testing.T) {
			old, said := s.held("sally", 1), len(s.texts(1))
			a, err := c.Handle(context.Background(), at("sally", body, i))
			if err != nil {
				t.Fatal(err)
			}
			if got := s.texts(1)[said:]; len(got) > 0 || a.Posted {
				t.Fatalf("the patron got %q", got)
			}
			if diff := cmp.Diff(before, s.chat(1)) + cmp.Diff(waiting, s.chat(2)); diff != "" {
				t.Errorf("it did something:\n%s", diff)
			}
			if a.Text == "" {
				t.Error("the sender is told nothing")
			}
			now := s.held("sally", 1)
			switch {
			case a.Held && (now == nil || !strings.HasSuffix(cleaned(body), strings.TrimPrefix(now.Text, "!"))):
				t.Errorf("held %+v", now)
			case !a.Held && !cmp.Equal(old, now):
				t.Errorf("held %+v, and the answer doesn't say so", now)
			}
			if a.Held {
				heldOnes++
				s.forget("sally")
			}
		})
	}
	if heldOnes < 60 {
		t.Errorf("%d slips were held, want 60 at least", heldOnes)
	}
}

// forget lets what is held for an account at chat 1 grow too old to be sent, so that no later "!send" finds it.
func (s *deskStore) forget(account string) {
	s.t.Helper()
	s.must(staff(account), &desk.HoldText{Chat: 1, Text: "forget", Why: "slip"})
	s.now = s.now.Add(11 * 60e9)
}

func TestOrdinarySentencesArriveByteForByte(t *testing.T) {
	s, c := claimed(t)
	sentences := corpus(t, "sentences")
	if len(sentences) < 60 {
		t.Errorf("the corpus holds %d sentences, want 60 at least", len(sentences))
	}
	for i, body := range sentences {
		t.Run(strconv.Quote(body), func(t *testing.T) {
			before := len(s.texts(1))
			a, err := c.Handle(context.Background(), at("sally", body, i))
			if err != nil {
				t.Fatal(err)
			}
			got := s.texts(1)[before:]
			if !a.Posted || a.Text != "" || len(got) != 1 || got[0] != body {
				t.Errorf("the patron got %q; answer %+v", got, a)
			}
		})
	}
}

// mails counts the mails that a ticket's answers want.
func (s *deskStore) mails(ticket uint64) (n int) {
	s.t.Helper()
	s.read(desk.NodeActor("n0"), func(r desk.Reader) error {
		all, err := r.Entries(ticket, 0, 0)
		for _, e := range all {
			if e.Purpose == desk.MailAnswer || e.Kind == desk.EntryPublic && e.From == desk.FromStaff {
				n++
			}
		}
		return err
	})
	return n
}

func TestNothingTypedInATicketIsMailedWithoutSend(t *testing.T) {
	s, c := claimed(t)
	ticket3(s)
	before := len(s.texts(1)) + len(s.texts(2))
	n := 5000
	for _, body := range slices.Concat(corpus(t, "slips"), corpus(t, "sentences"), []string{
		"!reply Dear Mia", "!mail now", "!c greeting", "!faq 1", "!ticket x", "!note x", ">>x", "!!send", "send", "! send", "/send", "1send", "x\n!send",
	}) {
		if body == "!send" {
			continue
		}
		n++
		in := at("sally", body, n)
		in.Place = Place{Ticket: 3}
		a := handle(t, c, in)
		if a.Command == "send" {
			t.Errorf("%q was taken for !send", body)
		}
		if a.Posted || a.Held || a.Text == "" {
			t.Errorf("%q: %+v", body, a)
		}
		if s.mails(3) > 0 {
			t.Fatalf("%q was mailed", body)
		}
	}
	if got := len(s.texts(1)) + len(s.texts(2)); got != before {
		t.Errorf("%d lines reached a patron", got-before)
	}
	in := at("sally", "!send", n+1)
	in.Place = Place{Ticket: 3}
	if a := handle(t, c, in); s.mails(3) != 1 {
		t.Errorf("!send: %+v", a)
	}
}

func TestANumberOfAListNeverPublishes(t *testing.T) {
	s, c := claimed(t)
	s.admin(&desk.SetFAQ{FAQ: desk.FAQ{Slug: "renew", Question: "How do I renew?", Answer: "So.", State: desk.FAQPublished}})
	n := 0
	for _, list := range []string{"!", "!c", "!faq renew", "!tags", "!queue", "!tickets", "!missed", "!transfer", "!assign b"} {
		n += 2
		handle(t, c, at("sally", list, n))
		if a := handle(t, c, at("sally", "!1", n+1)); a.Posted || a.Text == "" {
			t.Errorf("%s, then !1: %+v", list, a)
		}
		if got := s.texts(1); len(got) > 0 {
			t.Fatalf("%s, then !1: the patron got %q", list, got)
		}
	}
}

func TestEveryHeldTextArrivesWithSend(t *testing.T) {
	s, c := claimed(t)
	ctx := context.Background()
	n := 1000
	for _, body := range corpus(t, "slips") {
		n += 2
		a, err := c.Handle(ctx, at("sally", body, n))
		if err != nil {
			t.Fatal(err)
		}
		if !a.Held {
			continue
		}
		want := s.held("sally", 1).Text
		before := len(s.texts(1))
		if a, err = c.Handle(ctx, at("sally", "!send", n+1)); err != nil || a.Text != "Sent." {
			t.Errorf("%q: !send answers %q, %v", body, a.Text, err)
			continue
		}
		if got := s.texts(1)[before:]; len(got) != 1 || got[0] != want {
			t.Errorf("%q: the patron got %q, want %q", body, got, want)
		}
	}
}
