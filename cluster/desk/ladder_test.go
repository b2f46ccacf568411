// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// rings are the seconds after the opening at which chat 1 rang, and when its alarm was raised.
func rings(t *testing.T, clocks map[string]string) (at []time.Duration, alarm time.Duration) {
	t.Helper()
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Connect("ana"))
	for name, value := range clocks {
		must(t, s.Admin(&desk.SetSetting{Setting: desk.Setting{Name: "clock." + name, Value: value}}))
	}
	_, err := do(t, s, desk.Request{
		Actor: desk.PatronActor("p1"), Command: &desk.OpenChat{ID: "id", Department: "reference", Question: "Hello?", Node: "n0"},
	})
	must(t, err)
	must(t, s.Advance(time.Hour))
	for b, err := range s.Follow(t.Context(), desk.NodeActor("n0"), desk.TopicChat(1), desk.Cursor{}) {
		must(t, err)
		for _, e := range b.Events {
			switch e.Kind {
			case desk.ChatRang:
				at = append(at, e.At.Sub(desktest.Start))
			case desk.AlarmRaised:
				alarm = e.At.Sub(desktest.Start)
			}
		}
		return at, alarm
	}
	return nil, 0
}

func TestTheLadderFollowsItsClocksInAnyOrder(t *testing.T) {
	const sec = time.Second
	for _, c := range []struct {
		rule   string
		clocks map[string]string
		at     []time.Duration
		alarm  time.Duration
	}{
		{"as shipped", nil, []time.Duration{0, 20 * sec, 40 * sec, 60 * sec}, 60 * sec},
		{"a deadline before all", map[string]string{"claim_deadline": "10s"}, []time.Duration{0, 10 * sec, 20 * sec, 40 * sec}, 10 * sec},
		{"all at once", map[string]string{"claim_deadline": "5s", "ring_backup": "5s", "ring_repeat": "5s"}, []time.Duration{0, 5 * sec, 5 * sec, 5 * sec}, 5 * sec},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if at, alarm := rings(t, c.clocks); !slices.Equal(at, c.at) || alarm != c.alarm {
				t.Errorf("rang at %v, alarm at %v, want %v and %v", at, alarm, c.at, c.alarm)
			}
		})
	}
}

func TestABackupMustExist(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	for _, c := range []struct {
		backups []string
		ok      bool
	}{{[]string{"lena", "#digital"}, true}, {[]string{"digital"}, false}, {[]string{"#lena"}, false}, {[]string{""}, false}} {
		err := s.Admin(&desk.SetDepartment{Department: desk.Department{ID: "reference", Name: "Reference", Backups: c.backups}})
		if c.ok && err != nil || !c.ok && !errors.Is(err, &desk.Error{Code: desk.NotFound, Field: "backups"}) {
			t.Errorf("%q: %v", c.backups, err)
		}
	}
}

// A node may confirm a ring for a session; a colleague may not.
func TestWhoConfirmsARing(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Connect("ana"))
	_, err := do(t, s, desk.Request{
		Actor: desk.PatronActor("p1"), Command: &desk.OpenChat{ID: "id", Department: "reference", Question: "Hello?", Node: "n0"},
	})
	must(t, err)
	ring := &desk.RingReceived{Chat: 1, Session: desktest.SessionID("ana")}
	if _, err := do(t, s, desk.Request{Actor: desk.StaffActor("ben", "x"), Command: ring}); !errors.Is(err, &desk.Error{Code: desk.NotAllowed}) {
		t.Errorf("a colleague: %v", err)
	}
	for _, a := range []desk.Actor{desk.NodeActor("n1"), desk.StaffActor("ana", "x")} {
		if _, err := do(t, s, desk.Request{Actor: a, Command: ring}); err != nil {
			t.Errorf("%s: %v", a.ID, err)
		}
	}
}
