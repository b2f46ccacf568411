// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"refdesk/cluster/desk"
)

// dayNames are the weekdays as hours are written, Sunday first as in package time.
func dayNames() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// ParseHours reads weekly opening hours, such as "mon-thu 8:00-22:00, fri 8:00-20:00, sat,sun 10:00-18:00", "always" or
// "never". A span that ends before it begins goes on into the next day.
func ParseHours(text string) ([]desk.Opening, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "always":
		return Always(), nil
	case "never", "":
		return nil, nil
	}
	var out []desk.Opening
	var days []int
	fresh := false // days were named since the last span
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return r == ' ' || r == ',' || r == ';' }) {
		if word[0] < '0' || word[0] > '9' {
			named, err := parseDays(word)
			if err != nil {
				return nil, err
			}
			if !fresh {
				days = nil
			}
			days, fresh = append(days, named...), true
			continue
		}
		from, to, err := parseSpan(word)
		if err != nil {
			return nil, err
		}
		if len(days) == 0 {
			return nil, fmt.Errorf("%q comes before any day; write mon-fri 9:00-17:00", word)
		}
		fresh = false
		for _, d := range days {
			out = append(out, spans(d, from, to)...)
		}
	}
	if fresh || len(out) == 0 {
		return nil, fmt.Errorf("%q has days without hours; write mon-fri 9:00-17:00", text)
	}
	slices.SortFunc(out, func(a, b desk.Opening) int {
		return (int(a.Weekday)*1440 + int(a.From)) - (int(b.Weekday)*1440 + int(b.From))
	})
	return slices.Compact(out), nil
}

// spans are the hours of a day from one minute to another, cut at midnight.
func spans(day, from, to int) []desk.Opening {
	if from < to {
		return []desk.Opening{{Weekday: uint8(day), From: uint16(from), To: uint16(to)}}
	}
	out := []desk.Opening{{Weekday: uint8(day), From: uint16(from), To: 1440}}
	if to > 0 {
		out = append(out, desk.Opening{Weekday: uint8((day + 1) % 7), From: 0, To: uint16(to)})
	}
	return out
}

// parseDays reads "mon", "monday" or "mon-fri".
func parseDays(word string) ([]int, error) {
	first, last, several := strings.Cut(word, "-")
	from, err := parseDay(first)
	if err != nil || !several {
		return []int{from}, err
	}
	to, err := parseDay(last)
	if err != nil {
		return nil, err
	}
	out := []int{from}
	for d := from; d != to; {
		d = (d + 1) % 7
		out = append(out, d)
	}
	return out, nil
}

func parseDay(word string) (int, error) {
	for i, name := range dayNames() {
		if strings.HasPrefix(word, name) && strings.HasPrefix(strings.ToLower(time.Weekday(i).String()), word) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%q is no day; write mon, tue, wed, thu, fri, sat or sun", word)
}

// parseSpan reads "9:00-17:30" or "9-17" as minutes after midnight; the end may be 24:00.
func parseSpan(word string) (from, to int, err error) {
	a, b, ok := strings.Cut(word, "-")
	from, good := parseMinute(a)
	to, fine := parseMinute(b)
	if !ok || !good || !fine || from == 1440 || from == to {
		return 0, 0, fmt.Errorf("%q is no span of hours; write 9:00-17:30", word)
	}
	return from, to, nil
}

func parseMinute(s string) (int, bool) {
	h, m, colon := strings.Cut(s, ":")
	hour, good := digits(h)
	minute, fine := digits(m)
	if !colon {
		minute, fine = 0, true
	}
	at := hour*60 + minute
	return at, good && fine && minute < 60 && at <= 1440
}

// digits reads one or two digits.
func digits(s string) (n int, ok bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(s) == 1 || len(s) == 2
}

// FormatHours writes opening hours so that ParseHours reads the same.
func FormatHours(hours []desk.Opening) string {
	if len(hours) == 0 {
		return "never"
	}
	var days [7][]string
	for _, o := range hours {
		days[o.Weekday%7] = append(days[o.Weekday%7], fmt.Sprintf("%d:%02d-%d:%02d", o.From/60, o.From%60, o.To/60, o.To%60))
	}
	var out []string
	week := []int{1, 2, 3, 4, 5, 6, 0}
	for i := 0; i < len(week); {
		j, text := i, strings.Join(days[week[i]], " ")
		for j+1 < len(week) && strings.Join(days[week[j+1]], " ") == text {
			j++
		}
		if name := dayNames()[week[i]]; text != "" {
			if j > i {
				name += "-" + dayNames()[week[j]]
			}
			out = append(out, name+" "+text)
		}
		i = j + 1
	}
	return strings.Join(out, ", ")
}
