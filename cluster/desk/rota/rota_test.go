// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"slices"
	"testing"
	"time"

	"refdesk/cluster/desk"
)

func TestAlwaysIsOneInterval(t *testing.T) {
	now := time.Date(2026, 9, 7, 10, 0, 0, 0, time.UTC)
	for _, zone := range []string{"", "Europe/Lisbon", "America/New_York", "Asia/Kathmandu"} {
		k, err := Expand(desk.Department{ID: "d", TimeZone: zone, Hours: Always()}, now)
		if err != nil {
			t.Fatal(err)
		}
		if len(k.Open) != 1 || !k.OpenAt(desk.At(now)) || !k.OpenAt(desk.At(now.AddDate(0, 0, 7*Weeks))) {
			t.Errorf("%q: always open gives %v", zone, k.Open)
		}
	}
}

func TestHoursFollowTheClocks(t *testing.T) {
	// In Lisbon the clocks go back on 25 October 2026: nine o'clock is 08:00 UTC before and 09:00 after.
	d := desk.Department{ID: "d", TimeZone: "Europe/Lisbon", Hours: []desk.Opening{{Weekday: 6, From: 540, To: 600}, {Weekday: 0, From: 540, To: 600}}}
	k, err := Expand(d, time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2026-10-24T08:00:00Z", "2026-10-25T09:00:00Z"} {
		at, _ := time.Parse(time.RFC3339, want)
		if !slices.ContainsFunc(k.Open, func(i desk.Interval) bool { return i.From == desk.At(at) }) {
			t.Errorf("no opening at %s in %v", want, k.Open[:3])
		}
	}
}

func TestASkippedHourIsNoOpening(t *testing.T) {
	// On 28 March 2027 in Lisbon the hour from one to two does not exist.
	d := desk.Department{ID: "d", TimeZone: "Europe/Lisbon", Hours: []desk.Opening{{Weekday: 0, From: 60, To: 120}}}
	k, err := Expand(d, time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range k.Open {
		if i.From >= i.To {
			t.Errorf("an opening of no length: %v", i)
		}
	}
}

func TestUnknownZoneIsAnError(t *testing.T) {
	if _, err := Expand(desk.Department{ID: "d", TimeZone: "Mars/Olympus"}, time.Now()); err == nil {
		t.Fatal("no error for a time zone that doesn't exist")
	}
}

func TestMergeJoinsWhatTouches(t *testing.T) {
	got := merge([]desk.Interval{{From: 5, To: 6}, {From: 1, To: 3}, {From: 2, To: 4}, {From: 4, To: 5}, {From: 8, To: 9}})
	if want := []desk.Interval{{From: 1, To: 6}, {From: 8, To: 9}}; !slices.Equal(got, want) {
		t.Errorf("merge = %v, want %v", got, want)
	}
}
