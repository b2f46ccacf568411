// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// Each Expire masks a bounded number; the leader goes on while there are more, and nothing is forgotten.
func TestManyChatsAreMaskedInTurns(t *testing.T) {
	const many = 120
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Connect("ana"))
	for i := range many {
		token := fmt.Sprintf("token-%d", i)
		patron := desk.PatronActor(token)
		reply, err := do(t, s, desk.Request{Actor: patron, Command: &desk.OpenChat{
			ID: token, Department: "reference", Question: "Write to ada@example.org", Name: "Ada", Email: "ada@example.org", Node: "n0",
		}})
		must(t, err)
		_, err = do(t, s, desk.Request{Actor: patron, Command: &desk.LeaveChat{Chat: reply.Chat}})
		must(t, err)
		_, err = do(t, s, desk.Request{
			Actor: desk.StaffActor("ana", "x"), Command: &desk.DismissChat{Chat: reply.Chat, Why: "an exercise"},
		})
		must(t, err)
	}
	expire := func() (turns int) {
		for {
			reply, err := do(t, s, desk.Request{Actor: desk.NodeActor("n0"), Command: &desk.Expire{}})
			must(t, err)
			if turns++; reply.Value != "more" {
				return turns
			}
		}
	}
	left := func() (n int) {
		must(t, s.View(t.Context(), desk.NodeActor("n0"), func(r desk.Reader) error {
			for i := range many {
				h, err := r.Chat(uint64(i + 1))
				if err != nil {
					return err
				}
				l, err := r.Line(h.Number, 1)
				if err != nil {
					return err
				}
				if h.Name != "" || h.Email != "" || l.Text != "Write to [masked]" {
					n++
				}
			}
			return nil
		}))
		return n
	}
	must(t, s.Advance(89*24*time.Hour))
	expire()
	if n := left(); n != many {
		t.Fatalf("after 89 days %d are whole, want %d", n, many)
	}
	must(t, s.Advance(24*time.Hour))
	if turns := expire(); turns < 3 {
		t.Errorf("masked in %d turns, want at least 3", turns)
	}
	if n := left(); n != 0 {
		t.Errorf("%d chats are still whole", n)
	}
}

func TestADepartmentSaysHowLongItKeeps(t *testing.T) {
	s := claimed(t)
	must(t, s.Admin(&desk.SetDepartment{Department: desk.Department{ID: "reference", Name: "Reference", Retention: 3, Default: true}}))
	if err := s.Admin(&desk.SetDepartment{Department: desk.Department{ID: "reference", Name: "Reference", Retention: 1 << 20}}); !errors.Is(err, &desk.Error{Code: desk.Invalid, Field: "retention"}) {
		t.Errorf("a term without end: %v", err)
	}
	ana := desk.StaffActor("ana", "x")
	for _, c := range []desk.Command{
		&desk.SetContact{Chat: 1, Name: "Ada"}, &desk.PostLine{Chat: 1, Kind: desk.TextLine, Text: "Yes."}, &desk.CloseChat{Chat: 1, Tags: []string{"x"}},
	} {
		_, err := do(t, s, desk.Request{Actor: ana, Command: c})
		must(t, err)
	}
	for _, c := range []struct {
		after time.Duration
		name  string
	}{{71 * time.Hour, "Ada"}, {time.Hour, ""}} {
		must(t, s.Advance(c.after))
		must(t, s.Admin(&desk.Expire{}))
		must(t, s.View(t.Context(), desk.NodeActor("n0"), func(r desk.Reader) error {
			h, err := r.Chat(1)
			if err == nil && h.Name != c.name {
				t.Errorf("at %s the name is %q, want %q", s.Now().Std(), h.Name, c.name)
			}
			return err
		}))
	}
}
