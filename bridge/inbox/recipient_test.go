// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseAddress(t *testing.T) {
	for s, want := range map[string]address{
		"help@desk.test":        {"help", ""},
		"Help+T1.Abc@DESK.TEST": {"help", "T1.Abc"},
		"a+b+c@desk.test":       {"a", "b+c"},
		"help@desk.test.":       {"help", ""},
		"büro@desk.test":        {"büro", ""},
	} {
		if a, ok := parseAddress(s, "desk.test"); !ok || a != want {
			t.Errorf("%s: got %+v, %v, want %+v", s, a, ok, want)
		}
	}
	for _, s := range []string{"", "@", "help", "@desk.test", "+x@desk.test", "a b@desk.test", "a@b@desk.test", "a\x00@desk.test", "<a@desk.test", "help@desk.test..", "a\xff@desk.test"} {
		if a, ok := parseAddress(s, "desk.test"); ok {
			t.Errorf("%q passes for %+v", s, a)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"help@desk.test", "help+t1.aabcdefghijklmnopq@desk.test", "bounce+1.aabcdefghijklmnopq@desk.test", "\"a b\"@desk.test", "@desk.test", "a@@desk.test", "ä+ö@desk.test"} {
		f.Add(s)
	}
	ring := keys(f)
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := parseAddress(s, "desk.test")
		id, named := departments{"reference", "digital"}.named(a, ring, s)
		switch {
		case !ok:
			return
		case a.local == "" || !utf8.ValidString(s) || len(s) > 320 || strings.ContainsAny(s, " \r\n\x00<>\""):
			t.Errorf("%q passes", s)
		case headerSafe(s) != s:
			t.Errorf("%q would break a header", s)
		case named && id != "reference" && id != "digital":
			t.Errorf("%q leads to %q", s, id)
		}
	})
}

// FuzzStrict compares with the rule: every CR is followed by LF, every LF follows a CR.
func FuzzStrict(f *testing.F) {
	for _, s := range []string{"a\r\nb\r\n", "a\nb", "a\rb", "\r\r\n", "\n", "\r"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, step int) {
		step = min(max(step, 1), 100)
		r := &strict{r: strings.NewReader(s)}
		buf := make([]byte, step)
		for {
			if _, err := r.Read(buf); err != nil {
				break
			}
		}
		bare := false
		for i := range len(s) {
			bare = bare || s[i] == '\n' && (i == 0 || s[i-1] != '\r') || s[i] == '\r' && i+1 < len(s) && s[i+1] != '\n'
		}
		if r.bare != bare {
			t.Errorf("%q: bare %v, want %v", s, r.bare, bare)
		}
	})
}
