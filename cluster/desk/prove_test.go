// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

func TestProveObjectsToNothingThatCommandsDid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := library(t)
		apply(t, m, envelopes(t))
		for range 2 {
			p, err := desk.Prove(m)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Objections) > 0 {
				t.Fatal(strings.Join(p.Objections, "\n"))
			}
			if !bytes.Equal(p.Digest, digest(t, m)) {
				t.Fatal("another digest is counted than kept")
			}
			was, _ := desk.Seq(m)
			if err := desk.Renew(m, "new"); err != nil {
				t.Fatal(err)
			}
			now, _ := desk.Seq(m)
			if now.Epoch != was.Epoch+1 || now.Seq < was.Seq+desk.RestoreGap {
				t.Fatalf("renewed from %v to %v", was, now)
			}
			if id, err := desk.ID(m); id != "new" || err != nil {
				t.Fatalf("its id is %q, %v", id, err)
			}
			apply(t, m, envelopes(t))
		}
	})
}

// A renewed desk knows of no connection, and of everything else.
func TestRenewEndsConnections(t *testing.T) {
	m := desktest.NewMemory()
	for _, env := range desktest.LibraryLog() {
		if _, _, err := desk.Apply(m, env); err != nil {
			t.Fatal(err)
		}
	}
	do := func(actor desk.Actor, c desk.Command) {
		t.Helper()
		if _, _, err := desk.Apply(m, desk.Envelope{Request: desk.Request{Actor: actor, Command: c}, Stamp: desktest.Start.Add(1)}); err != nil {
			t.Fatal(err)
		}
	}
	node, patron := desk.NodeActor("n0"), desk.PatronActor(strings.Repeat("ab", 32))
	do(node, &desk.NodeUp{Node: "n0", Incarnation: "x"})
	do(node, &desk.OpenSession{ID: "session-0123456789", Account: "ana", Door: "xmpp", Node: "n0", Resource: "r"})
	do(desk.StaffActor("ana", "session-0123456789"), &desk.SetShow{ID: "session-0123456789", Show: desk.ShowOnline})
	do(node, &desk.OpenWebSession{Hash: strings.Repeat("cd", 32), Account: "ana"})
	do(patron, &desk.OpenChat{ID: "1", Department: "reference", Question: "Hello?", Node: "n0"})
	if err := desk.Renew(m, "new"); err != nil {
		t.Fatal(err)
	}
	r, err := desk.NewReader(m, node)
	if err != nil {
		t.Fatal(err)
	}
	if nodes, err := r.Nodes(); err != nil || len(nodes) > 0 {
		t.Errorf("nodes: %v, %v", nodes, err)
	}
	if reach, err := r.Reach("ana", desktest.Start); err != nil || reach != desk.Gone {
		t.Errorf("ana can be reached: %v, %v", reach, err)
	}
	if _, err := r.WebSession(strings.Repeat("cd", 32), desktest.Start); err == nil {
		t.Error("the sign-in holds")
	}
	if h, err := r.Chat(1); err != nil || len(h.Attached) > 0 || h.State != desk.Waiting {
		t.Errorf("the chat: %+v, %v", h, err)
	}
	if _, err := desk.EventsAfter(m, node, desk.TopicAll(), desk.Cursor{Epoch: 1, Seq: 3}, 0); err == nil {
		t.Error("a cursor of the old desk is taken")
	}
}

// What no command does is objected to.
func TestProveObjects(t *testing.T) {
	for rule, harm := range map[string]struct {
		do   func(m *desktest.Memory)
		want string
	}{
		"a record that another hand changed": {func(m *desktest.Memory) { m.Put("setting", "x", []byte("\x01\x01x\x01y"), nil, nil) }, "don't add up"},
		"a line that is gone": {func(m *desktest.Memory) {
			for k := range m.Scan("line", desk.Range{Limit: 1}) {
				m.Delete("line", k, nil)
			}
		}, "stands where"},
		"the last line gone": {func(m *desktest.Memory) {
			for k := range m.Scan("line", desk.Range{Limit: 1, Desc: true}) {
				m.Delete("line", k, nil)
			}
		}, "acknowledged and is missing"},
		"an event that is gone": {func(m *desktest.Memory) {
			n := 0
			for k := range m.Scan("event", desk.Range{Limit: 5}) {
				if n++; n == 5 {
					m.Delete("event", k, nil)
				}
			}
		}, "follows"},
		"a chat that is gone": {func(m *desktest.Memory) {
			for k := range m.Scan("chat", desk.Range{Limit: 1}) {
				m.Delete("chat", k, nil)
			}
		}, "belong to no chat"},
	} {
		t.Run(rule, func(t *testing.T) {
			m := desktest.NewMemory()
			for _, env := range desktest.LibraryLog() {
				if _, _, err := desk.Apply(m, env); err != nil {
					t.Fatal(err)
				}
			}
			patron := desk.PatronActor(strings.Repeat("ab", 32))
			do := func(id string, c desk.Command, actor desk.Actor) {
				t.Helper()
				_, _, err := desk.Apply(m, desk.Envelope{Stamp: desktest.Start.Add(1), Request: desk.Request{
					Actor: actor, Command: c, Key: desk.Key{Kind: desk.KeyPatron, Principal: actor.ID, ID: id},
				}})
				if err != nil {
					t.Fatal(err)
				}
			}
			node := desk.NodeActor("n0")
			do("s", &desk.OpenSession{ID: "session-0123456789", Account: "ana", Door: "xmpp", Node: "n0", Resource: "r"}, node)
			do("p", &desk.SetShow{ID: "session-0123456789", Show: desk.ShowOnline}, desk.StaffActor("ana", "session-0123456789"))
			do("1", &desk.OpenChat{ID: "1", Department: "reference", Question: "Hello?", Node: "n0"}, patron)
			do("2", &desk.PostLine{Chat: 1, ID: "2", Kind: desk.TextLine, Text: "Anybody?"}, patron)
			if p, err := desk.Prove(m); err != nil || len(p.Objections) > 0 || p.Lines != 2 {
				t.Fatalf("before: %+v, %v", p, err)
			}
			harm.do(m)
			p, err := desk.Prove(m)
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(p.Objections, "\n"); !strings.Contains(all, harm.want) {
				t.Errorf("it objects only to: %s", all)
			}
		})
	}
}
