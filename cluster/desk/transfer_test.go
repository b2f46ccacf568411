// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"context"
	"testing"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

func TestAChatThatIsMovedComesToTheFrontOfTheQueue(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Connect("ana"))
	must(t, s.Connect("dora"))
	open := func(token, department string) {
		_, err := do(t, s, desk.Request{
			Actor:   desk.PatronActor(token),
			Command: &desk.OpenChat{ID: token, Department: department, Question: "Hello?", Node: "n0"},
		})
		must(t, err)
		must(t, s.Advance(time.Second))
	}
	open("p1", "digital") // has waited longest
	open("p2", "digital")
	open("p3", "reference")
	ana := desk.StaffActor("ana", desktest.SessionID("ana"))
	_, err := do(t, s, desk.Request{Actor: ana, Command: &desk.ClaimChat{Chat: 3}})
	must(t, err)
	_, err = do(t, s, desk.Request{Actor: ana, Command: &desk.TransferChat{Chat: 3, Department: "digital"}})
	must(t, err)
	must(t, s.View(context.Background(), desk.StaffActor("dora", ""), func(r desk.Reader) error {
		for chat, want := range map[uint64]int{3: 1, 1: 2, 2: 3} {
			if place, err := r.Place(chat); place != want || err != nil {
				t.Errorf("chat %d has place %d, want %d: %v", chat, place, want, err)
			}
		}
		return nil
	}))
}
