// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample is a question with the FAQ that answers it, "" if none does.
type sample struct{ text, answer string }

func readFAQs(t testing.TB) (docs []Doc, samples []sample) {
	t.Helper()
	text, err := os.ReadFile("testdata/faqs.txt")
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for line := range strings.Lines(string(text)) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch kind {
		case "F":
			part := strings.Split(rest, " | ")
			id = part[0]
			docs = append(docs, faq(id, part[0], part[2], strings.Split(part[1], ", ")...))
		case "Q":
			samples = append(samples, sample{rest, id})
		case "N":
			samples = append(samples, sample{rest, ""})
		}
	}
	return docs, samples
}

func (d *library) answer(text string, o Options) Answers {
	d.t.Helper()
	a, err := d.Answer(context.Background(), text, o)
	if err != nil {
		d.t.Fatalf("%q: %v", text, err)
	}
	return a
}

// right counts the samples that a threshold judges rightly, each side as a share of its own.
func right(t float64, yes, no []float64) float64 {
	above, below := 0, 0
	for _, c := range yes {
		if c >= t {
			above++
		}
	}
	for _, c := range no {
		if c < t {
			below++
		}
	}
	return (float64(above)/float64(len(yes)) + float64(below)/float64(len(no))) / 2
}

// TestThreshold learns from the samples where to draw the line between answers and junk: in the middle of where the
// line judges best. The one that is shipped has to be that.
func TestThreshold(t *testing.T) {
	d := open(t)
	docs, samples := readFAQs(t)
	d.add(docs...)
	var yes, no []float64
	first := 0
	for _, s := range samples {
		a := d.answer(s.text, Options{})
		if s.answer == "" {
			no = append(no, a.Confidence)
			if a.Good {
				t.Logf("junk shown for %q: %s (%.2f)", s.text, a.Hits[0].ID, a.Confidence)
			}
			continue
		}
		yes = append(yes, a.Confidence)
		if len(a.Hits) > 0 && a.Hits[0].ID == s.answer {
			first++
		}
		if !a.Good {
			t.Logf("no answer to %q (%.2f)", s.text, a.Confidence)
		}
	}
	best, lines := 0.0, []float64(nil)
	for line := 0.05; line <= 1; line += 0.01 {
		switch r := right(line, yes, no); {
		case r > best+1e-9:
			best, lines = r, []float64{line}
		case math.Abs(r-best) < 1e-9:
			lines = append(lines, line)
		}
	}
	learned := (slices.Min(lines) + slices.Max(lines)) / 2
	t.Logf("learned %.3f (%.2f to %.2f), judging %.1f %% rightly; shipped %.3f judges %.1f %%; the right FAQ is first for %d of %d",
		learned, slices.Min(lines), slices.Max(lines), 100*best, goodAnswer, 100*right(goodAnswer, yes, no), first, len(yes))
	if math.Abs(learned-goodAnswer) > 0.03 {
		t.Errorf("shipped %.3f, learned %.3f", goodAnswer, learned)
	}
	if right(goodAnswer, yes, no) < 0.9 {
		t.Error("fewer than nine in ten are judged rightly")
	}
	if first*100 < 85*len(yes) {
		t.Errorf("the right FAQ is first for only %d of %d", first, len(yes))
	}
}

func TestAnswerAsYouType(t *testing.T) {
	d := open(t)
	docs, _ := readFAQs(t)
	d.add(docs...)
	d.add(line("l", "how many books can I borrow"))
	for _, tc := range []struct{ text, want string }{
		{"h", ""},
		{"pr", "Where can I print and copy?"},
		{"wif", "How do I connect to the wifi?"},
		{"how many boo", "How many books can I borrow?"},
		{"opening ho", "When is the library open?"},
		{"tag:fines", "What happens if I bring a book back late?"}, // patrons know no filters
		{"interlibary", "How do I get an article or book that you don't have?"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			got := ""
			if a := d.answer(tc.text, Options{Typing: true, Limit: 5}); len(a.Hits) > 0 {
				got = a.Hits[0].ID
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAnswerWithoutFAQs(t *testing.T) {
	d := open(t)
	if a := d.answer("anything", Options{Timeout: time.Minute}); a.Good || len(a.Hits) > 0 {
		t.Errorf("an empty index answers: %+v", a)
	}
}
