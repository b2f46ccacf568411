// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"slices"
	"strings"
	"testing"
)

func TestParseHours(t *testing.T) {
	for text, want := range map[string]string{
		"mon-thu 8:00-22:00, Friday 8-20; sat,sun 10:00-18:00": "mon-thu 8:00-22:00, fri 8:00-20:00, sat-sun 10:00-18:00",
		"tue 9:00-12:30 14:00-17:00":                           "tue 9:00-12:30 14:00-17:00",
		"fri-mon 10-12":                                        "mon 10:00-12:00, fri-sun 10:00-12:00",
		"sat 22:00-2:00":                                       "sat 22:00-24:00, sun 0:00-2:00",
		"never":                                                "never",
		"wed 0:00-24:00":                                       "wed 0:00-24:00",
	} {
		got, err := ParseHours(text)
		if err != nil || FormatHours(got) != want {
			t.Errorf("%q: %q %v", text, FormatHours(got), err)
		}
	}
	if got, err := ParseHours("always"); err != nil || !slices.Equal(Always(), got) {
		t.Errorf("always: %v %v", got, err)
	}
	for text, want := range map[string]string{
		"9:00-17:00": "before any day", "mon": "without hours", "mon 9:00": "no span", "mon 9:00-25:00": "no span", "mo 9-17": "no day",
		"mon 9:60-10:00": "no span", "mon-xyz 9-17": "no day", "mon 9-9": "no span", "mon 24:00-2:00": "no span", "mon 9-17 tue": "without hours",
	} {
		if _, err := ParseHours(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzHours(f *testing.F) {
	f.Add("mon-thu 8:00-22:00, fri 8-20")
	f.Add("sat 22:00-2:00")
	f.Fuzz(func(t *testing.T, text string) {
		first, err := ParseHours(text)
		if err != nil {
			return
		}
		for _, o := range first {
			if o.Weekday > 6 || o.From >= o.To || o.To > 1440 {
				t.Fatalf("%q: %+v", text, o)
			}
		}
		second, err := ParseHours(FormatHours(first))
		if err != nil || !slices.Equal(first, second) {
			t.Errorf("%q: %v, %v, %v", text, first, second, err)
		}
	})
}
