// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// toldOf are the events of some kinds that an account was told, as "kind value n".
func toldOf(t *testing.T, s *desktest.Store, account string, kinds ...desk.EventKind) []string {
	t.Helper()
	var out []string
	for b, err := range s.Follow(t.Context(), desk.NodeActor("n0"), desk.TopicAccount(account), desk.Cursor{}) {
		must(t, err)
		for _, e := range b.Events {
			if slices.Contains(kinds, e.Kind) {
				out = append(out, fmt.Sprintf("%s %s %d", e.Kind, e.Value, e.N))
			}
		}
		break
	}
	return out
}

// A broken connection is no absence: who is back within the operator's grace is told nothing twice, but what waits rings again.
func TestABrokenConnectionChangesNobodysDuty(t *testing.T) {
	for _, c := range []struct {
		rule string
		away time.Duration
		want []string
	}{
		{"back after ten seconds", 10 * time.Second, []string{"duty-changed on 0", "chat-rang  0", "chat-rang  0"}},
		{"back after an hour", time.Hour, []string{"duty-changed on 0", "chat-rang  0", "duty-changed on 0", "missed-list  1", "chat-rang  0"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := desktest.NewStore()
			must(t, s.Library())
			must(t, s.Connect("ana"))
			must(t, s.Admin(&desk.SetSetting{Setting: desk.Setting{Name: "clock.ring_repeat", Value: "10h"}}))
			must(t, s.Admin(&desk.SetSetting{Setting: desk.Setting{Name: "clock.ring_backup", Value: "10h"}}))
			must(t, s.Admin(&desk.SetSetting{Setting: desk.Setting{Name: "clock.claim_deadline", Value: "10h"}}))
			asked(t, s, 1, 0, true)
			must(t, s.Admin(&desk.CloseSession{ID: desktest.SessionID("ana")}))
			must(t, s.Connect("ben"))
			_, err := do(t, s, desk.Request{
				Actor: desk.PatronActor("p2"), Command: &desk.OpenChat{ID: "id", Department: "reference", Question: "Hello?", Node: "n0"},
			})
			must(t, err)
			must(t, s.Advance(c.away))
			must(t, s.Admin(&desk.OpenSession{ID: "another-session-01234", Account: "ana", Door: "xmpp", Node: "n1", Resource: "desk"}))
			must(t, s.Admin(&desk.SetShow{ID: "another-session-01234", Show: desk.ShowOnline}))
			got := toldOf(t, s, "ana", desk.DutyChanged, desk.MissedListTold, desk.ChatRang)
			for i := range got {
				got[i] = trimRing(got[i])
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// trimRing leaves out how often a chat has rung.
func trimRing(told string) string {
	if n := len("chat-rang"); len(told) > n && told[:n] == "chat-rang" {
		return "chat-rang  0"
	}
	return told
}

func TestDutyHasItsBounds(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Admin(&desk.SetStaff{New: true, Staff: desk.Staff{
		Account: "vera", Name: "Vera", PublicName: "Vera", Role: desk.RoleViewer, Departments: []string{"reference"},
	}}))
	for _, c := range []struct {
		rule  string
		actor desk.Actor
		x     desk.SetDuty
		code  desk.Code
	}{
		{"a day at most", desk.StaffActor("ana", ""), desk.SetDuty{For: 25 * time.Hour}, desk.Invalid},
		{"not backwards", desk.StaffActor("ana", ""), desk.SetDuty{For: -1}, desk.Invalid},
		{"not for viewers", desk.StaffActor("vera", ""), desk.SetDuty{On: true}, desk.NotAllowed},
		{"not for patrons", desk.PatronActor("ana"), desk.SetDuty{On: true}, desk.NotAllowed},
		{"not for strangers", desk.StaffActor("zoe", ""), desk.SetDuty{On: true}, desk.NotAllowed},
	} {
		if _, err := do(t, s, desk.Request{Actor: c.actor, Command: &c.x}); !errors.Is(err, &desk.Error{Code: c.code}) {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
	// Who is not connected may say it too; it holds when they come.
	_, err := do(t, s, desk.Request{Actor: desk.StaffActor("ana", ""), Command: &desk.SetDuty{}})
	must(t, err)
	must(t, s.Connect("ana"))
	must(t, s.View(context.Background(), desk.StaffActor("ben", ""), func(r desk.Reader) error {
		state, until, err := r.Duty("ana", s.Now())
		if state != desk.DutyOff || until != 0 {
			t.Errorf("%s until %d, want off without an end", state, until)
		}
		return err
	}))
	if err := s.View(context.Background(), desk.PatronActor("p1"), func(r desk.Reader) error {
		_, _, err := r.Duty("ana", s.Now())
		return err
	}); !errors.Is(err, &desk.Error{Code: desk.NotAllowed}) {
		t.Errorf("a patron reads it: %v", err)
	}
}
