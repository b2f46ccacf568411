// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
)

func TestSpans(t *testing.T) {
	for _, c := range []struct {
		d          time.Duration
		span, wait string
	}{
		{-time.Second, "0 s", "0 s"},
		{0, "0 s", "0 s"},
		{400 * time.Millisecond, "0.4 s", "0 s"},
		{2 * time.Second, "2 s", "2 s"},
		{9900 * time.Millisecond, "9.9 s", "9 s"},
		{59 * time.Second, "59 s", "59 s"},
		{119 * time.Second, "1 min", "1 min"},
		{125 * time.Minute, "2 h 5 min", "2 h 5 min"},
		{2 * time.Hour, "2 h", "2 h"},
		{72 * time.Hour, "3 days", "3 days"},
	} {
		if span(c.d) != c.span || wait(c.d) != c.wait {
			t.Errorf("%s: %q and %q", c.d, span(c.d), wait(c.d))
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range [][2]string{
		{count(5212), "5,212"},
		{count(999), "999"},
		{count(1234567), "1,234,567"},
		{some(1, "line"), "1 line"},
		{some(3, "line"), "3 lines"},
		{and(nil), ""},
		{and([]string{"a"}), "a"},
		{and([]string{"a", "b"}), "a and b"},
		{and([]string{"a", "b", "c"}), "a, b and c"},
		{cut("abc", 3), "abc"},
		{cut("ab cd", 4), "ab…"},
		{cut("äöüß", 3), "äö…"},
		{flat(" a\n\tb\u202e\x00c "), "a b c"},
		{capital("über"), "Über"},
		{ago(5000, 4500), "just now"},
		{ago(5000, 2000), "3 s ago"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
}

func TestSplitTags(t *testing.T) {
	tags := []string{"renewals", "printing", "printers", "opening hours", "opening", "a, b", "7"}
	entry := func(n int) (string, bool) { return "tag " + fmt.Sprint(n), n <= 3 }
	for _, c := range []struct {
		text    string
		want    []string
		unknown string
		many    []string
	}{
		{text: "renewals", want: []string{"renewals"}},
		{text: "RENEW", want: []string{"renewals"}},
		{text: "renewals printing", want: []string{"renewals", "printing"}},
		{text: "renewals, printing, renewals", want: []string{"renewals", "printing"}},
		{text: "opening hours renew", want: []string{"opening hours", "renewals"}},
		{text: "opening  hours", want: []string{"opening hours"}},
		{text: "opening", want: []string{"opening"}},
		{text: "a, b", want: []string{"a, b"}},
		{text: "1 3", want: []string{"tag 1", "tag 3"}},
		{text: "7", want: []string{"7"}},
		{text: "9", unknown: "9"},
		{text: "print", unknown: "print", many: []string{"printing", "printers"}},
		{text: "renewals nothing", want: []string{"renewals"}, unknown: "nothing"},
		{text: " , "},
	} {
		f := splitTags(c.text, tags, entry)
		if !cmp.Equal(f.tags, c.want) || f.unknown != c.unknown || !cmp.Equal(f.many, c.many) {
			t.Errorf("%q: %+v", c.text, f)
		}
	}
}

func TestMatchTarget(t *testing.T) {
	staff := []*desk.Staff{
		{Account: "ben", Name: "Ben Okoro", PublicName: "Ben"},
		{Account: "bella", Name: "Bella Ferri", PublicName: "Bella"},
		{Account: "mo.ali", Name: "Mo Ali Khan", PublicName: "Mo"},
	}
	depts := []desk.DepartmentView{{ID: "digital", Name: "Digital Learning"}, {ID: "disputes", Name: "Disputes"}}
	for _, c := range []struct{ text, staff, dept, why, word string }{
		{text: "ben", staff: "ben"},
		{text: "Ben Okoro she asks for you", staff: "ben", why: "she asks for you"},
		{text: "to @ben: please", staff: "ben", why: "please"},
		{text: "bel", staff: "bella"},
		{text: "mo ali khan", staff: "mo.ali"},
		{text: "to", word: "to"},
		{text: "nobody x", word: "nobody", why: "x"},
		{text: "#digital why not", dept: "digital", why: "why not"},
		{text: "# digital", dept: "digital"},
		{text: "#Digital Learning why", dept: "digital", why: "why"},
		{text: "#digi", dept: "digital"},
		{text: "#di", word: "#di"},
		{text: "#", word: "#"},
	} {
		m := matchTarget(c.text, staff, depts)
		got := [4]string{"", "", m.why, m.word}
		if m.staff != nil {
			got[0], got[3] = m.staff.Account, ""
		}
		if m.dept != nil {
			got[1] = m.dept.ID
		}
		if got != [4]string{c.staff, c.dept, c.why, c.word} {
			t.Errorf("%q: %q", c.text, got)
		}
	}
	if m := matchTarget("be", staff, depts); len(m.many) != 2 {
		t.Errorf("be: %+v", m)
	}
}

func TestTheShelfIsBounded(t *testing.T) {
	s := newShelf(3)
	for i := range 10 {
		s.keep(fmt.Sprint(i), Place{}, &numbered{at: desk.Time(i)})
	}
	if len(s.rows) != 3 {
		t.Errorf("%d lists are kept", len(s.rows))
	}
	if s.newest("9", Place{}, 10, time.Minute) == nil || s.newest("6", Place{}, 10, time.Minute) != nil {
		t.Error("not the oldest went")
	}
	if s.newest("9", Place{}, desk.Time(9).Add(61*time.Second), time.Minute) != nil {
		t.Error("a list outlives its time")
	}
}

func TestOneSlip(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"clsoe", "close", true},
		{"clos", "close", true},
		{"closse", "close", true},
		{"clase", "close", true},
		{"close", "close", false},
		{"cls", "close", false},
		{"", "close", false},
	} {
		if got := oneSlip(c.a, c.b); got != c.want {
			t.Errorf("%s %s: %t", c.a, c.b, got)
		}
	}
}
