// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// refused checks a refusal, "" = none.
func refused(t *testing.T, rule string, err error, want desk.Code) {
	t.Helper()
	if want == "" && err != nil || want != "" && !errors.Is(err, &desk.Error{Code: want}) {
		t.Errorf("%s: got %v, want %q", rule, err, want)
	}
}

func up(node string, level uint64) *desk.NodeUp {
	return &desk.NodeUp{Node: node, Incarnation: "one", Address: node + ".example:7400", Level: level}
}

func TestRemovingNodes(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Admin(up("n0", 1)))
	refused(t, "the last node stays", s.Admin(&desk.RemoveNode{Node: "n0"}), desk.Conflict)
	must(t, s.Admin(up("n1", 1)))
	_, err := do(t, s, desk.Request{Actor: desk.NodeActor("n1"), Command: &desk.OpenSession{ID: "aaaaaaaaaaaaaaaa", Account: "ana", Door: "xmpp", Node: "n1", Resource: "r"}})
	must(t, err)
	must(t, s.Admin(&desk.RemoveNode{Node: "n1"}))
	must(t, s.Admin(&desk.RemoveNode{Node: "n1"}))
	refused(t, "a removed node doesn't come up", s.Admin(up("n1", 1)), desk.Over)
	must(t, s.Admin(&desk.RemoveNode{Node: "n2"})) // one that never came up
	must(t, s.View(context.Background(), desk.NodeActor("n0"), func(r desk.Reader) error {
		nodes, err := r.Nodes()
		if err != nil || len(nodes) != 1 || nodes[0].ID != "n0" || nodes[0].Address != "n0.example:7400" {
			t.Errorf("nodes: %+v, %v", nodes, err)
		}
		gone, err := r.RemovedNodes()
		if err != nil || len(gone) != 2 {
			t.Errorf("removed: %+v, %v", gone, err)
		}
		sessions, err := r.Sessions("ana")
		for _, x := range sessions {
			if x.Node == "n1" && !x.Lost {
				t.Error("a session of the removed node is not lost")
			}
		}
		return err
	}))
	_, err = do(t, s, desk.Request{Actor: desk.StaffActor("ana", ""), Command: &desk.RemoveNode{Node: "n0"}})
	refused(t, "operators take no node out", err, desk.NotAllowed)
}

func TestTheLevelRisesOnlyWhenEveryNodeKnowsIt(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Admin(up("n0", 2)))
	must(t, s.Admin(up("n1", 1)))
	refused(t, "n1 knows 1", s.Admin(&desk.RaiseLevel{Level: 2}), desk.Conflict)
	must(t, s.Admin(&desk.RaiseLevel{Level: 1}))
	must(t, s.Admin(&desk.RemoveNode{Node: "n1"}))
	must(t, s.Admin(&desk.RaiseLevel{Level: 2}))
	must(t, s.Admin(&desk.RaiseLevel{Level: 1})) // late: nothing
	must(t, s.Read(func(src desk.Source) error {
		level, err := desk.FeatureLevel(src)
		if level != 2 {
			t.Errorf("the level is %d", level)
		}
		return err
	}))
	token := strings.Repeat("a", 64)
	must(t, s.Admin(&desk.MakeJoinToken{Hash: token, Expires: s.Now() + 60_000}))
	admit := &desk.AdmitNode{Token: token, Node: "n2", Address: "n2:1", Key: token, Level: 1}
	refused(t, "an older program joins", s.Admin(admit), desk.Invalid)
}

func TestTheAuthorityIsGivenOnce(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	must(t, s.Admin(&desk.SetAuthority{Cert: []byte("c"), Key: []byte("k")}))
	must(t, s.Admin(&desk.SetAuthority{Cert: []byte("c"), Key: []byte("k2")}))
	refused(t, "another one", s.Admin(&desk.SetAuthority{Cert: []byte("d"), Key: []byte("k")}), desk.Exists)
	refused(t, "none", s.Admin(&desk.SetAuthority{}), desk.Invalid)
	must(t, s.View(context.Background(), desk.NodeActor("n0"), func(r desk.Reader) error {
		cert, key, err := r.Authority()
		if !bytes.Equal(cert, []byte("c")) || !bytes.Equal(key, []byte("k")) {
			t.Errorf("%q %q", cert, key)
		}
		return err
	}))
	must(t, s.View(context.Background(), desk.StaffActor("ana", ""), func(r desk.Reader) error {
		_, _, err := r.Authority()
		refused(t, "staff read it", err, desk.NotAllowed)
		return nil
	}))
}

func TestRecoveringRaisesTheEpoch(t *testing.T) {
	s := desktest.NewStore()
	must(t, s.Library())
	for _, n := range []string{"n0", "n1", "n2"} {
		must(t, s.Admin(up(n, 1)))
	}
	var before, after desk.Cursor
	read := func(to *desk.Cursor) {
		must(t, s.Read(func(src desk.Source) (err error) {
			*to, err = desk.Seq(src)
			return err
		}))
	}
	read(&before)
	must(t, s.Admin(&desk.RecoverDesk{Keep: "n1"}))
	read(&after)
	if after.Epoch != before.Epoch+1 || after.Seq != before.Seq+1_000_000+2 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	must(t, s.View(context.Background(), desk.NodeActor("n1"), func(r desk.Reader) error {
		nodes, err := r.Nodes()
		if len(nodes) != 1 || nodes[0].ID != "n1" {
			t.Errorf("nodes: %+v", nodes)
		}
		return err
	}))
}
