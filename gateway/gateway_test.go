// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notebook writes down what it is handed.
type notebook struct {
	kinds []desk.EventKind
	lost  int
}

func (n *notebook) Happened(events []desk.Event) {
	for _, e := range events {
		n.kinds = append(n.kinds, e.Kind)
	}
}

func (n *notebook) Lost(desk.Cursor) { n.lost++ }

func (n *notebook) take() []desk.EventKind {
	k := n.kinds
	n.kinds = nil
	return k
}

// house is a library whose events are dispatched.
type house struct {
	*desktest.Store
	d *Dispatcher
}

func run(t *testing.T) *house {
	t.Helper()
	h := &house{Store: desktest.NewStore()}
	if err := h.Library(); err != nil {
		t.Fatal(err)
	}
	if err := h.Connect("ben"); err != nil {
		t.Fatal(err)
	}
	h.d = New("n0", h.Store, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return h
}

func (h *house) attach(t *testing.T, account string) (*notebook, func()) {
	t.Helper()
	n := &notebook{}
	_, detach, err := h.d.Attach(context.Background(), account, n)
	if err != nil {
		t.Fatal(err)
	}
	return n, detach
}

func (h *house) do(t *testing.T, who desk.Actor, c desk.Command) {
	t.Helper()
	if _, err := h.Do(context.Background(), desk.Request{Actor: who, Command: c}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func TestEventsGoToThoseWhomTheyConcern(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t)
		ana, _ := h.attach(t, "ana")
		dora, detach := h.attach(t, "dora") // of another department
		patron := desk.PatronActor("p1")
		h.do(t, patron, &desk.OpenChat{ID: "1", Department: "reference", Question: "Hello?", Node: "n0"})
		want := []desk.EventKind{desk.ChatOpened, desk.LinePosted, desk.ChatRang}
		if diff := cmp.Diff(want, ana.take()); diff != "" {
			t.Errorf("ana, of the department (-want +got):\n%s", diff)
		}
		if got := dora.take(); got != nil {
			t.Errorf("dora, of another department, got %v", got)
		}
		h.do(t, desk.StaffActor("ben", "x"), &desk.ClaimChat{Chat: 1})
		h.do(t, patron, &desk.PostLine{Chat: 1, ID: "2", Kind: desk.TextLine, Text: "Thanks."})
		if diff := cmp.Diff([]desk.EventKind{desk.ChatClaimed}, ana.take()); diff != "" {
			t.Errorf("ana hears of the claim, not of ben's lines (-want +got):\n%s", diff)
		}
		h.do(t, desk.StaffActor("ben", "x"), &desk.SendMessage{To: "dora", Body: "Coffee?"})
		if diff := cmp.Diff([]desk.EventKind{desk.MessageSent}, dora.take()); diff != "" {
			t.Errorf("dora, by name (-want +got):\n%s", diff)
		}
		detach()
		h.do(t, desk.StaffActor("ben", "x"), &desk.SendMessage{To: "dora", Body: "Tea?"})
		if got := dora.take(); got != nil {
			t.Errorf("dora, detached, got %v", got)
		}
	})
}

func TestPresenceOfColleaguesGoesToAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t)
		dora, _ := h.attach(t, "dora")
		if err := h.Connect("ana"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if diff := cmp.Diff([]desk.EventKind{desk.SessionOpened, desk.ShowChanged}, dora.take()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAnAccountThatChangesDepartmentsHearsOfTheNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t)
		dora, _ := h.attach(t, "dora")
		h.do(t, desk.Actor{Kind: desk.AdminKind, ID: "x"}, &desk.SetStaff{Staff: desk.Staff{
			Account: "dora", Name: "Dora Nagy", PublicName: "Dora", Role: desk.RoleOperator, Departments: []string{"reference"},
		}})
		dora.take()
		h.do(t, desk.PatronActor("p1"), &desk.OpenChat{ID: "1", Department: "reference", Question: "Hello?", Node: "n0"})
		if got := dora.take(); len(got) == 0 || got[0] != desk.ChatOpened {
			t.Errorf("got %v", got)
		}
	})
}

// A cursor that the desk no longer knows (a restore, a long absence) is no end: everyone reads anew, and it goes on.
func TestMissedEventsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &forgetful{Store: desktest.NewStore(), remind: make(chan struct{})}
		if err := h.Library(); err != nil {
			t.Fatal(err)
		}
		d := New("n0", h, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		n := &notebook{}
		if _, _, err := d.Attach(t.Context(), "ana", n); err != nil {
			t.Fatal(err)
		}
		close(h.remind)
		synctest.Wait()
		if n.lost != 1 {
			t.Errorf("told of lost events %d times, want once", n.lost)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAttachingNobodyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t)
		if _, _, err := h.d.Attach(context.Background(), "nobody", &notebook{}); err == nil {
			t.Error("no error")
		}
		if len(h.d.accounts) != 0 {
			t.Error("it stayed")
		}
	})
}
