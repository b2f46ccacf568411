// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"iter"
	"strings"
	"testing"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// twisted is a source whose lines or events are not as the desk left them.
type twisted struct {
	desk.Source
	scan func(t desk.Table, key string, data []byte) bool // false = the record is gone
}

func (x twisted) Scan(t desk.Table, r desk.Range) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for k, data := range x.Source.Scan(t, r) {
			if x.scan != nil && !x.scan(t, k, data) {
				continue
			}
			if !yield(k, data) {
				return
			}
		}
	}
}

// The checker finds what is wrong, and nothing else.
func TestExamine(t *testing.T) {
	m := desktest.NewMemory()
	do := func(a desk.Actor, c desk.Command) desk.Reply {
		t.Helper()
		r, _, err := desk.Apply(m, desk.Envelope{Request: desk.Request{Actor: a, Command: c}, Stamp: desktest.Start})
		if err != nil {
			t.Fatalf("%s: %v", c.CommandName(), err)
		}
		return r
	}
	for _, env := range desktest.LibraryLog() {
		do(env.Actor, env.Command)
	}
	ana := desk.StaffActor("ana", desktest.SessionID("ana"))
	do(desk.NodeActor("n0"), &desk.OpenSession{ID: ana.Session, Account: "ana", Door: "xmpp", Node: "n0", Resource: "r"})
	do(ana, &desk.SetShow{ID: ana.Session, Show: desk.ShowOnline})
	chat := do(desk.PatronActor("p"), &desk.OpenChat{ID: "open", Department: "reference", Question: "?", Node: "n0"}).Chat
	do(ana, &desk.ClaimChat{Chat: chat})
	var acked []Ack
	for _, id := range []string{"a", "b", "c"} {
		r := do(desk.PatronActor("p"), &desk.PostLine{Chat: chat, ID: id, Kind: desk.TextLine, Text: id})
		acked = append(acked, Ack{Chat: chat, ID: id, Seq: r.Seq})
	}
	last := acked[2].Seq
	doubled := m.Clone()
	if _, _, err := desk.Apply(doubled, desk.Envelope{Request: desk.Request{
		Actor: desk.PatronActor("p"), Command: &desk.PostLine{Chat: chat, ID: "a", Kind: desk.TextLine, Text: "a"},
	}, Stamp: desktest.Start}); err != nil {
		t.Fatal(err)
	}
	skip := func(table desk.Table, n int) func(desk.Table, string, []byte) bool {
		seen := 0
		return func(tb desk.Table, _ string, _ []byte) bool {
			if tb == table {
				seen++
			}
			return tb != table || seen != n
		}
	}
	for name, tc := range map[string]struct {
		src   desk.Source
		acked []Ack
		want  string // "" = nothing
	}{
		"all is well":             {m, acked, ""},
		"a line is lost":          {m, append([]Ack{{Chat: chat, ID: "d", Seq: last + 1}}, acked...), "line d of chat 1 was acknowledged with seq"},
		"a chat is lost":          {m, []Ack{{Chat: chat + 1, ID: "a", Seq: 5}}, "the chat is lost"},
		"a line is doubled":       {doubled, acked, "line a of chat 1 is there 2 times"},
		"another seq":             {m, []Ack{{Chat: chat, ID: "a", Seq: last}}, "and has"},
		"an event is missing":     {twisted{Source: m, scan: skip("event", 3)}, acked, "event 4 follows event 2"},
		"a line's record is gone": {twisted{Source: m, scan: skip("line", 2)}, acked, "is there 0 times"},
		"the claim is gone": {twisted{Source: m, scan: func(tb desk.Table, _ string, data []byte) bool {
			if tb != "event" {
				return true
			}
			e, err := desk.DecodeEvent(data)
			return err != nil || e.Kind != desk.ChatClaimed
		}}, acked, `belongs to "ana" by its record, to "" by its events`},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(Examine(tc.src, tc.acked), "; ")
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
