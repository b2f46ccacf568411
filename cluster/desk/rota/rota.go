// SPDX-License-Identifier: Apache-2.0

// Package rota turns a department's weekly hours, kept in its own time zone, into the UTC intervals that the domain
// works with. All time-zone work of the desk is done here.
package rota

import (
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // a desk knows its time zones on any machine

	"refdesk/cluster/desk"
)

// Weeks is how far ahead a calendar reaches.
const Weeks = 8

// Always is every hour of every day.
func Always() []desk.Opening {
	var week []desk.Opening
	for day := range uint8(7) {
		week = append(week, desk.Opening{Weekday: day, From: 0, To: 1440})
	}
	return week
}

// Expand lists a department's opening hours from the day before now to Weeks later, merged where they touch, in order.
// A wall-clock time that a change of the clocks skips counts as the moment it would have been an hour earlier or later;
// one that comes twice counts the first time. An unknown time zone is an error; an empty one is UTC.
func Expand(d desk.Department, now time.Time) (desk.Calendar, error) {
	zone, err := time.LoadLocation(d.TimeZone)
	if err != nil {
		return desk.Calendar{}, fmt.Errorf("department %s: time zone %q: %w", d.ID, d.TimeZone, err)
	}
	year, month, day := now.In(zone).Date()
	var open []desk.Interval
	for i := -1; i <= 7*Weeks; i++ {
		weekday := time.Date(year, month, day+i, 12, 0, 0, 0, zone).Weekday()
		for _, o := range d.Hours {
			if time.Weekday(o.Weekday) != weekday {
				continue
			}
			at := func(minutes uint16) desk.Time {
				return desk.At(time.Date(year, month, day+i, 0, int(minutes), 0, 0, zone))
			}
			if span := (desk.Interval{From: at(o.From), To: at(o.To)}); span.From < span.To {
				open = append(open, span)
			}
		}
	}
	return desk.Calendar{Department: d.ID, Open: merge(open)}, nil
}

// merge sorts intervals and joins those that touch or overlap.
func merge(spans []desk.Interval) []desk.Interval {
	slices.SortFunc(spans, func(a, b desk.Interval) int { return int(a.From - b.From) })
	var out []desk.Interval
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}
