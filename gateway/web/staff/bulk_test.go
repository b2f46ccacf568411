// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"refdesk/cluster/desk"
)

// states are the states of tickets by number.
func (l *library) states(numbers ...uint64) (out []desk.TicketState) {
	l.t.Helper()
	l.read(func(rd desk.Reader) error {
		for _, n := range numbers {
			t, err := rd.Ticket(n)
			if err != nil {
				return err
			}
			out = append(out, t.State)
		}
		return nil
	})
	return out
}

func TestTicketsAreClosedTogetherAndTakenBack(t *testing.T) {
	l := newLibrary(t)
	a, b, c := l.ticket("Lost my card", "a@example.org"), l.ticket("Scanner", "b@example.org"), l.ticket("Parking", "c@example.org")
	l.do("ana", &desk.SetTicketState{Ticket: b, State: desk.TicketPending})
	v := l.as("ana")
	list := v.get("/tickets?whose=")
	key := list.value("key")
	form := []string{"key", key, "back", list.value("back"), "ticket", decimal(a), "ticket", decimal(b), "ticket", "99", "ticket", "x"}
	for range 2 { // a second press of the button does nothing more
		p := v.post("/tickets/close", form...)
		if p.status != http.StatusSeeOther {
			t.Fatalf("close: %d %s", p.status, p.text())
		}
		if want := []desk.TicketState{desk.TicketClosed, desk.TicketClosed, desk.TicketNew}; !slices.Equal(l.states(a, b, c), want) {
			t.Fatalf("closed: %v", l.states(a, b, c))
		}
		if strings.Contains(p.location(), "undo=") {
			list = v.get(p.location())
			list.says(t, http.StatusOK, "2 tickets closed.", "2 closed by mistake?", "Parking")
		}
	}
	p := v.follow("/tickets/restore", "key", "restore-0123456789", "undo", list.value("undo"))
	p.says(t, http.StatusOK, "2 tickets as before.", "Lost my card", "Scanner")
	if want := []desk.TicketState{desk.TicketNew, desk.TicketPending, desk.TicketNew}; !slices.Equal(l.states(a, b, c), want) {
		t.Errorf("taken back: %v", l.states(a, b, c))
	}
}

// TestBulkKeepsRights: a ticket of a department that somebody doesn't work for stays as it is, whatever the form says.
func TestBulkKeepsRights(t *testing.T) {
	l := newLibrary(t)
	a := l.ticket("Lost my card", "a@example.org")
	l.as("dora").follow("/tickets/close", "key", "close-01234567", "ticket", decimal(a)).says(t, http.StatusOK, "Nothing was chosen")
	l.as("dora").follow("/tickets/restore", "key", "close-12345678", "undo", decimal(a)+".open").says(t, http.StatusOK, "Nothing was changed")
	if got := l.states(a); got[0] != desk.TicketNew {
		t.Errorf("the ticket is %s", got[0])
	}
}

func TestUndoListTakesWhatFits(t *testing.T) {
	for name, c := range map[string]struct {
		typed string
		want  int
	}{
		"two":                       {"57.open,58.new", 2},
		"nothing":                   {"", 0},
		"closed is nothing to undo": {"57.closed", 0},
		"no number":                 {"x.open,0.open,-1.open,57.open", 1},
		"a state of no ticket":      {"57.<b>", 0},
		"too many":                  {strings.Repeat("57.open,", 300), mostAtOnce},
		"far too long":              {strings.Repeat("57.open,", 3000), 0},
	} {
		if got := undoList(c.typed); len(got) != c.want {
			t.Errorf("%s: %d, want %d", name, len(got), c.want)
		}
	}
}

func TestMissedChatsAreDismissedTogether(t *testing.T) {
	l := newLibrary(t)
	a, b, c := l.missed("p1", "Nora", "Is it open?"), l.missed("p2", "", "hello"), l.missed("p3", "Kim", "Maps?")
	v := l.as("ana")
	v.get("/missed").says(t, http.StatusOK, "Choose "+decimal(a), "Take them off the list")
	v.follow("/missed/dismiss", "key", "dismiss-0001", "chat", decimal(a), "chat", decimal(b)).says(t, http.StatusOK, "say why")
	v.follow("/missed/dismiss", "key", "dismiss-0002", "why", "tests").says(t, http.StatusOK, "Nothing was chosen")
	v.follow("/missed/dismiss", "key", "dismiss-0003", "why", strings.Repeat("x", 501), "chat", decimal(a)).says(t, http.StatusOK, "longer than 500")
	v.follow("/missed/dismiss", "key", "dismiss-0004", "why", "only tests", "chat", decimal(a), "chat", decimal(b), "chat", "99").
		says(t, http.StatusOK, "2 chats off the list", "1 not", "Kim")
	for n, want := range map[uint64]desk.ChatState{a: desk.Dismissed, b: desk.Dismissed, c: desk.Missed} {
		if got := l.chat(n).State; got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
	if got := l.texts(a); !slices.Contains(got, "note: only tests") {
		t.Errorf("lines: %v", got)
	}
	// Somebody else was first.
	v.follow("/missed/dismiss", "key", "dismiss-0005", "why", "again", "chat", decimal(a)).says(t, http.StatusOK, "Nothing was changed: somebody else was first")
}
