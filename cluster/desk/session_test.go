// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"context"
	"errors"
	"testing"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

func do(t *testing.T, s *desktest.Store, r desk.Request) (desk.Reply, error) {
	t.Helper()
	reply, err := s.Do(context.Background(), r)
	var refusal *desk.Error
	if err != nil && !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	return reply, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// claimed is a library with ana connected and chat 1 claimed by her.
func claimed(t *testing.T) *desktest.Store {
	t.Helper()
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Connect("ana"))
	_, err := do(t, s, desk.Request{
		Actor:   desk.PatronActor("p1"),
		Command: &desk.OpenChat{ID: "id", Department: "reference", Question: "Hello?", Node: "n0"},
	})
	must(t, err)
	_, err = do(t, s, desk.Request{Actor: desk.StaffActor("ana", "x"), Command: &desk.ClaimChat{Chat: 1}})
	must(t, err)
	return s
}

func TestAnOpeningRepeatedOnAnotherNodeIsTheSame(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Connect("ana"))
	open := func(node string) desk.Reply {
		reply, err := do(t, s, desk.Request{
			Actor:   desk.PatronActor("p1"),
			Key:     desk.Key{Kind: desk.KeyPatron, Principal: "p1", ID: "id"},
			Command: &desk.OpenChat{ID: "id", Department: "reference", Question: "Hello?", Node: node},
		})
		must(t, err)
		return reply
	}
	one, two := open("n0"), open("n1")
	if two.Seq != one.Seq || !two.Again || !two.Opened {
		t.Errorf("opened %+v, repeated elsewhere %+v", one, two)
	}
}

func TestALineResentInANewSessionIsNotDoubled(t *testing.T) {
	s := claimed(t)
	say := func(session string) desk.Reply {
		reply, err := do(t, s, desk.Request{
			Actor:   desk.StaffActor("ana", session),
			Command: &desk.PostLine{Chat: 1, Kind: desk.TextLine, Text: "yes", Resend: "hash"},
		})
		must(t, err)
		return reply
	}
	first := desktest.SessionID("ana")
	one := say(first)
	if again := say(first); again.Line == one.Line {
		t.Error("the same words twice in one session were taken for a repeat")
	}
	two := say(first)
	must(t, s.Admin(&desk.CloseSession{ID: first}))
	must(t, s.Admin(&desk.OpenSession{ID: "another-session-01234", Account: "ana", Door: "xmpp", Node: "n1", Resource: "desk"}))
	if again := say("another-session-01234"); again.Line != two.Line || again.Seq != two.Seq {
		t.Errorf("resent line got %+v, was %+v", again, two)
	}
}

func TestResourceOfALivingSessionIsKept(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	open := func(id, node string) string {
		reply, err := do(t, s, desk.Request{
			Actor:   desk.NodeActor(node),
			Command: &desk.OpenSession{ID: id, Account: "ana", Door: "xmpp", Node: node, Resource: "desk"},
		})
		must(t, err)
		return reply.Value
	}
	must(t, s.Admin(&desk.NodeUp{Node: "n1", Incarnation: "one"}))
	if got := open("aaaaaaaaaaaaaaaa", "n1"); got != "desk" {
		t.Errorf("first: %q", got)
	}
	if got := open("bbbbbbbbbbbbbbbb", "n0"); got != "desk-bbbbbb" {
		t.Errorf("second, while the first lives: %q", got)
	}
	must(t, s.Admin(&desk.NodeDown{Node: "n1", Incarnation: "one"}))
	if got := open("cccccccccccccccc", "n0"); got != "desk" {
		t.Errorf("third, after the first was lost: %q", got)
	}
	must(t, s.View(context.Background(), desk.NodeActor("n0"), func(r desk.Reader) error {
		open, err := r.Sessions("ana")
		if len(open) != 2 {
			t.Errorf("%d sessions are open, want 2", len(open))
		}
		return err
	}))
}

func TestSettingAClock(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Connect("ana"))
	must(t, s.Admin(&desk.SetSetting{Setting: desk.Setting{Name: "clock.patron_gone", Value: "10s"}}))
	for _, bad := range []desk.Setting{{Name: "clock.nonesuch", Value: "1s"}, {Name: "clock.transfer", Value: "soon"}, {Name: "clock.transfer", Value: "-1s"}} {
		if err := s.Admin(&desk.SetSetting{Setting: bad}); !errors.Is(err, &desk.Error{Code: desk.Invalid}) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	_, err := do(t, s, desk.Request{
		Actor:   desk.PatronActor("p1"),
		Command: &desk.OpenChat{ID: "id", Department: "reference", Question: "Hello?"},
	})
	must(t, err)
	must(t, s.Advance(11e9))
	must(t, s.View(context.Background(), desk.PatronActor("p1"), func(r desk.Reader) error {
		h, err := r.Chat(1)
		if err == nil && h.State != desk.Missed {
			t.Errorf("after 11 s of a 10 s clock the chat is %s", h.State)
		}
		return err
	}))
}

// Whoever resumes a stream is told how many of its stanzas were handled and sends the rest again. A stanza of the old
// stream that arrives after that must not count.
func TestAStanzaOfASessionThatIsOverIsRefused(t *testing.T) {
	s := claimed(t)
	line := func(n uint32) error {
		_, err := do(t, s, desk.Request{
			Actor:   desk.StaffActor("ana", desktest.SessionID("ana")),
			Key:     desk.Key{Kind: desk.KeyStanza, Principal: desktest.SessionID("ana"), ID: desk.StanzaID(n)},
			Command: &desk.PostLine{Chat: 1, Kind: desk.TextLine, Text: "One moment."},
		})
		return err
	}
	must(t, line(1))
	must(t, s.Admin(&desk.CloseSession{ID: desktest.SessionID("ana")}))
	if err := line(1); err != nil {
		t.Errorf("the repeat of a stanza that was handled: %v", err)
	}
	if err := line(2); !errors.Is(err, &desk.Error{Code: desk.Over, Field: "session"}) {
		t.Errorf("a stanza that came too late: %v", err)
	}
	must(t, s.View(context.Background(), desk.NodeActor("n0"), func(r desk.Reader) error {
		n, account, err := r.Handled(desktest.SessionID("ana"))
		if n != 1 || account != "ana" {
			t.Errorf("handled %d of %q, want 1 of ana", n, account)
		}
		return err
	}))
}
