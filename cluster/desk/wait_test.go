// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"fmt"
	"testing"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// asked has a patron ask, and claims the chat (or has the patron leave) after so long.
func asked(t *testing.T, s *desktest.Store, n int, wait time.Duration, missed bool) {
	t.Helper()
	token := fmt.Sprintf("token-%d", n)
	patron := desk.PatronActor(token)
	reply, err := do(t, s, desk.Request{
		Actor: patron, Command: &desk.OpenChat{ID: token, Department: "reference", Question: "Hello?", Node: "n0"},
	})
	must(t, err)
	must(t, s.Advance(wait))
	if missed {
		_, err = do(t, s, desk.Request{Actor: patron, Command: &desk.LeaveChat{Chat: reply.Chat}})
	} else {
		_, err = do(t, s, desk.Request{Actor: desk.StaffActor("ana", "x"), Command: &desk.ClaimChat{Chat: reply.Chat}})
	}
	must(t, err)
}

func minutes(t *testing.T, s *desktest.Store) int {
	t.Helper()
	var n int
	must(t, s.View(t.Context(), desk.Actor{}, func(r desk.Reader) (err error) {
		n, err = r.WaitMinutes("reference", s.Now())
		return err
	}))
	return n
}

func TestTheWaitIsWhatFourOfFiveStayWithin(t *testing.T) {
	for _, c := range []struct {
		rule  string
		waits []time.Duration
		want  int
	}{
		{"nine waits say nothing", make([]time.Duration, 9), 0},
		{"ten do", make([]time.Duration, 10), 1},
		{"one of five may be longer", []time.Duration{0, 0, 0, 0, 0, 0, 0, 0, time.Hour, time.Hour}, 1},
		{"three of ten may not", []time.Duration{0, 0, 0, 0, 0, 0, 0, 61e9, 61e9, 61e9}, 2},
		{"rounded up to five", []time.Duration{181e9, 181e9, 181e9, 181e9, 181e9, 181e9, 181e9, 181e9, 181e9, 181e9}, 5},
		{"more than ten is not promised", []time.Duration{601e9, 601e9, 601e9, 601e9, 601e9, 601e9, 601e9, 601e9, 601e9, 601e9}, 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for _, missed := range []bool{false, true} {
				s := desktest.NewStore()
				must(t, s.Library())
				must(t, s.Connect("ana"))
				for i, wait := range c.waits {
					asked(t, s, i, wait, missed)
				}
				if got := minutes(t, s); got != c.want {
					t.Errorf("missed %v: %d minutes, want %d", missed, got, c.want)
				}
			}
		})
	}
}

func TestTheWaitOfAnHourOfTheWeekGoesBeforeThatOfAll(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Connect("ana"))
	n := 0
	some := func(wait time.Duration) {
		for range 10 {
			asked(t, s, n, 0, false)
			n++
			if wait > 0 {
				asked(t, s, n, wait, false)
				n++
			}
		}
	}
	some(0) // ten short ones, Monday at ten
	must(t, s.Advance(time.Hour))
	some(150 * time.Second) // ten short and ten of three minutes, at eleven
	if got := minutes(t, s); got != 3 {
		t.Errorf("at eleven: %d minutes, want 3", got)
	}
	must(t, s.Advance(7*24*time.Hour-75*time.Minute)) // Monday at ten
	if got := minutes(t, s); got != 1 {
		t.Errorf("a week later at ten: %d minutes, want 1", got)
	}
	must(t, s.Advance(5*time.Hour)) // an hour that had none: those of all hours
	if got := minutes(t, s); got != 3 {
		t.Errorf("a week later at another hour: %d minutes, want 3", got)
	}
}

func TestWaitsOfLongAgoDoNotCount(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Connect("ana"))
	for i := range 20 {
		asked(t, s, i, 4*time.Minute, false)
	}
	for day := range 28 { // 28 open days with one short wait each
		must(t, s.Advance(24*time.Hour))
		asked(t, s, 100+day, 0, false)
	}
	if got := minutes(t, s); got != 1 {
		t.Errorf("%d minutes, want 1", got)
	}
}
