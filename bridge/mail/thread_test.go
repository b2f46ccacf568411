// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTokensComeBack(t *testing.T) {
	keys := testKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		ticket, entry := rapid.Uint64Range(1, 1<<53).Draw(t, "ticket"), rapid.Uint64Range(1, 1<<53).Draw(t, "entry")
		turn := strings.ToUpper
		if rapid.Bool().Draw(t, "lower") {
			turn = strings.ToLower // some servers do
		}
		if got, ok := keys.ParseReplyAddress(turn(WithTag("help@library.example", keys.ReplyTag(ticket)))); !ok || got != (Token{Ticket: ticket}) {
			t.Errorf("reply: %+v %v", got, ok)
		}
		if got, ok := keys.ParseReplyAddress(turn(WithTag("help@library.example", keys.StaffTag(ticket, entry)))); !ok || got != (Token{Ticket: ticket, Staff: entry}) {
			t.Errorf("staff: %+v %v", got, ok)
		}
		if got, ok := keys.ParseBounceAddress(turn(keys.BounceAddress(ticket, "library.example"))); !ok || got != ticket {
			t.Errorf("bounce: %d %v", got, ok)
		}
		if got, ok := keys.ParseMessageID(turn(keys.MessageID(ticket, entry, "Library.example"))); !ok || got.Ticket != ticket || got.Entry != entry {
			t.Errorf("id: %+v %v", got, ok)
		}
	})
}

func TestTokensOfOthersAreRefused(t *testing.T) {
	keys := testKeys(t)
	tag := keys.ReplyTag(57)
	other, err := NewKeyring(Key{'b', []byte("a secret of another desk, not us")})
	if err != nil {
		t.Fatal(err)
	}
	_, seal, _ := strings.Cut(tag, ".")
	for name, addr := range map[string]string{
		"another ticket":              "help+t58." + seal + "@library.example",
		"another desk's":              WithTag("help@library.example", other.ReplyTag(57)),
		"a reply's seal for staff":    "help+s57.1." + seal + "@library.example",
		"a bounce's seal for a reply": "help+t57." + strings.TrimSuffix(strings.SplitN(keys.BounceAddress(57, "x"), ".", 2)[1], "@x") + "@library.example",
		"cut short":                   "help+t57." + seal[:16] + "@library.example",
		"no seal":                     "help+t57@library.example",
		"an unknown key":              "help+t57.z" + seal[1:] + "@library.example",
		"a leading zero":              "help+t057." + seal + "@library.example",
		"a number without end":        "help+t" + strings.Repeat("9", 30) + "." + seal + "@library.example",
		"nothing":                     "",
	} {
		if got, ok := keys.ParseReplyAddress(addr); ok {
			t.Errorf("%s: %s gave %+v", name, addr, got)
		}
	}
	if _, ok := (Keyring{}).ParseReplyAddress(WithTag("help@library.example", tag)); ok {
		t.Error("no keys, and yet verified")
	}
	if _, ok := keys.ParseMessageID(strings.Replace(keys.MessageID(57, 7, "library.example"), "library", "archive", 1)); ok {
		t.Error("a Message-ID moved to another domain")
	}
}

func TestOldKeysStillVerify(t *testing.T) {
	old, err := NewKeyring(Key{'a', []byte("the first secret of the desk 001")})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := testKeys(t).ParseReplyAddress(WithTag("help@library.example", old.ReplyTag(57))); !ok {
		t.Error("refused")
	}
}

func TestKeysAreChecked(t *testing.T) {
	for name, keys := range map[string][]Key{
		"none": nil, "a capital": {{'A', make([]byte, 32)}}, "twice": {{'a', make([]byte, 32)}, {'a', make([]byte, 32)}}, "short": {{'a', make([]byte, 8)}},
	} {
		if _, err := NewKeyring(keys...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCandidates(t *testing.T) {
	own := testOwn(t)
	k := own.Keys
	id := k.MessageID(57, 7, "library.example")
	in := "From: ann@reader.example\nDelivered-To: " + WithTag("help@library.example", k.ReplyTag(58)) + "\nTo: help@library.example\n" +
		"In-Reply-To: <x@reader.example>\nReferences: <y@reader.example> " + id + "\nSubject: Re: x [#60]\n\nok\n> " + k.RefTag(59) + "\n"
	m := parse(t, in)
	want := []Candidate{
		{Rule: RuleToken, Ticket: 58},
		{Rule: RuleOwnID, Ticket: 57, Entry: 7},
		{Rule: RuleForeign, MessageID: "<x@reader.example>"},
		{Rule: RuleForeign, MessageID: "<y@reader.example>"},
		{Rule: RuleRef, Ticket: 59},
		{Rule: RuleTag, Ticket: 60},
	}
	if diff := cmp.Diff(want, Candidates(m, Classify(m, own), own)); diff != "" {
		t.Error(diff)
	}
}

func TestCandidatesOfABounce(t *testing.T) {
	own := testOwn(t)
	in := strings.Replace(dsn("Final-Recipient: rfc822; ann@reader.example\nAction: failed\nStatus: 5.1.1\n"), "<x@library.example>", own.Keys.MessageID(57, 7, "library.example"), 1)
	in = "Delivered-To: " + own.Keys.BounceAddress(9, "library.example") + "\n" + in
	m := parse(t, in)
	got := Candidates(m, Classify(m, own), own)
	if diff := cmp.Diff([]Candidate{{Rule: RuleBounce, Out: 9}, {Rule: RuleBounce, Ticket: 57, Entry: 7}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCandidatesAreBounded(t *testing.T) {
	own := testOwn(t)
	in := "References: " + strings.Repeat("<a@x> <b@x>\n <"+strings.Repeat("c", 50)+"@x>\n ", 200) + "\n"
	for i := range 3000 {
		in += "Cc: " + WithTag("help@library.example", own.Keys.ReplyTag(uint64(i+1))) + "\n"
	}
	m := parse(t, in+"\nx\n")
	if got := Candidates(m, Classify(m, own), own); len(got) > mostCandidates {
		t.Errorf("%d candidates", len(got))
	}
}

func FuzzToken(f *testing.F) {
	keys := testKeys(f)
	f.Add(WithTag("help@library.example", keys.ReplyTag(57)))
	f.Add(keys.MessageID(57, 7, "library.example"))
	f.Add(keys.BounceAddress(57, "library.example"))
	f.Add("help+t57.b@x")
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := keys.ParseReplyAddress(s); ok {
			want := keys.ReplyTag(got.Ticket)
			if got.Staff != 0 {
				want = keys.StaffTag(got.Ticket, got.Staff)
			}
			local, _, _ := strings.Cut(strings.ToLower(s), "@")
			if _, tag, _ := strings.Cut(local, "+"); len(tag) != len(want) {
				t.Errorf("%q verified as %+v", s, got)
			}
		}
		keys.ParseMessageID(s)
		keys.ParseBounceAddress(s)
	})
}
