// SPDX-License-Identifier: Apache-2.0

package faqfile

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
)

func TestReadText(t *testing.T) {
	got, err := ReadText(strings.NewReader("\ufeff\n# How many books?\r\nalso: limit; loans at once\ntopics: loans\nTwenty.\n\n also: not a head\n # Longer?\n\n# Où imprimer ?\nslug: imprimer\nlanguage: fr\nstate: draft\n\nAu sous-sol.\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []desk.FAQ{
		{Question: "How many books?", Slug: "how-many-books", Also: []string{"limit", "loans at once"}, Topics: []string{"loans"}, State: desk.FAQPublished, Answer: "Twenty.\n\n also: not a head\n# Longer?"},
		{Question: "Où imprimer ?", Slug: "imprimer", Language: "fr", State: desk.FAQDraft, Answer: "Au sous-sol."},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhatIsWrongIsNamedWithItsLine(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"text before the first question": {"Hello\n# Q?\nA", "line 1"},
		"no answer":                      {"# Q?\n\n# R?\nA", "line 1: «Q?» has no answer"},
		"no slug":                        {"# 何冊？\n二十", "line 1: «何冊？» makes no short name"},
		"a state of its own":             {"\n# Q?\nstate: hidden\nA", "line 2: «Q?» has the state"},
		"another encoding":               {"# Q\xe9?\nA", "UTF-8"},
	} {
		if _, err := ReadText(strings.NewReader(tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadCSV(t *testing.T) {
	got, unknown, err := ReadCSV(strings.NewReader("Question,Answer,Topics,Views,Published\n\"How many\n books?\",\"Twenty, for\nfour weeks.\",loans;limits,12,1\nDraft?,Yes.,,,0\n,,,,\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []desk.FAQ{
		{Question: "How many books?", Slug: "how-many-books", Topics: []string{"loans", "limits"}, State: desk.FAQPublished, Answer: "Twenty, for\nfour weeks."},
		{Question: "Draft?", Slug: "draft", State: desk.FAQDraft, Answer: "Yes."},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"Views"}, unknown); d != "" {
		t.Error(d)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"no answer column": {"Question,Body\nQ,A\n", `no column "answer"`},
		"no answer":        {"Question,Answer\nQ,A\nR,\n", "line 3"},
		"empty":            {"", "names the columns"},
		"a quote too many": {"question,answer\n\"a,b\n", "quote"},
	} {
		if _, _, err := ReadCSV(strings.NewReader(tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, _, err := ReadCSV(strings.NewReader("question;answer\nQ?;A, b\n")); err != nil || len(got) != 1 || got[0].Answer != "A, b" {
		t.Errorf("semicolons: %v %v", got, err)
	}
}

// What was read can be written and read again, whatever it is.
func FuzzText(f *testing.F) {
	f.Add("# Q?\nalso: a; b\n\nA\n # B\n  # C\n")
	f.Add("# also: x\nslug: s\nstate: draft\n\nalso: y")
	f.Fuzz(func(t *testing.T, text string) {
		first, err := ReadText(strings.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := WriteText(&b, first); err != nil {
			t.Fatal(err)
		}
		second, err := ReadText(&b)
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		if d := cmp.Diff(first, second); d != "" {
			t.Error(d)
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add("question,answer\nQ,A\n")
	f.Add("question;answer;topics\n\"Q\";\"A\";a|b\n")
	f.Fuzz(func(t *testing.T, text string) {
		faqs, _, err := ReadCSV(strings.NewReader(text))
		for _, q := range faqs {
			if err == nil && (q.Question == "" || q.Answer == "" || q.Slug == "") {
				t.Errorf("%+v", q)
			}
		}
	})
}
