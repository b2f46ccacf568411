// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
	"refdesk/cluster/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deskStore is a desk.Store on SQLite in a temporary directory: one node whose log is the order of the calls.
type deskStore struct {
	t       testing.TB
	dir     string
	db      *store.Store
	now     desk.Time
	index   uint64
	refusal error          // what Do answers instead, if set
	done    []desk.Request // what was proposed
	opened  map[string]int // how many sessions each account has opened
}

func newDeskStore(t testing.TB) *deskStore { return openDeskStore(t, t.TempDir()) }

func openDeskStore(t testing.TB, dir string) *deskStore {
	db, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &deskStore{t: t, dir: dir, db: db, now: desktest.Start, opened: map[string]int{}}
}

// mould is a desk on disk that copies are made of: cheaper than to fill each anew.
type mould struct {
	dir    string
	filled deskStore
}

func newMould(t *testing.T, s *deskStore) *mould {
	t.Helper()
	m := &mould{dir: t.TempDir(), filled: *s}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(m.dir, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	return m
}

// copy is a desk of its own that stands as the mould did.
func (m *mould) copy(t *testing.T) (*deskStore, *Console) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(m.dir)); err != nil {
		t.Fatal(err)
	}
	s := openDeskStore(t, dir)
	s.now, s.index, s.opened = m.filled.now, m.filled.index, maps.Clone(m.filled.opened)
	return s, New(s, func() desk.Time { return s.now }, Options{})
}

func (s *deskStore) Do(ctx context.Context, r desk.Request) (desk.Reply, error) {
	if err := ctx.Err(); err != nil {
		return desk.Reply{}, err
	}
	if s.refusal != nil {
		return desk.Reply{}, s.refusal
	}
	s.done = append(s.done, r)
	env, err := desk.DecodeEnvelope(desk.EncodeEnvelope(nil, desk.Envelope{Request: r, Stamp: s.now}))
	if err != nil {
		return desk.Reply{}, err
	}
	tx, err := s.db.Begin()
	if err != nil {
		return desk.Reply{}, err
	}
	reply, _, err := desk.Apply(tx, env)
	s.index++
	tx.SetApplied(s.index, 1)
	if end := tx.Commit(); end != nil {
		return desk.Reply{}, end
	}
	return reply, err
}

func (s *deskStore) View(ctx context.Context, actor desk.Actor, f func(desk.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.View(ctx, func(src desk.Source) error {
		r, err := desk.NewReader(src, actor)
		if err != nil {
			return err
		}
		return f(r)
	})
}

func (s *deskStore) Follow(context.Context, desk.Actor, desk.Topic, desk.Cursor) iter.Seq2[desk.Batch, error] {
	return func(yield func(desk.Batch, error) bool) {
		yield(desk.Batch{}, errors.New("the console follows nothing"))
	}
}

func (s *deskStore) WaitApplied(ctx context.Context, _ uint64) error { return ctx.Err() }

// events returns what happened after a seq.
func (s *deskStore) events(after uint64) []desk.Event {
	s.t.Helper()
	var out []desk.Event
	err := s.db.View(context.Background(), func(src desk.Source) error {
		b, err := desk.EventsAfter(src, desk.NodeActor("n0"), desk.TopicAll(), desk.Cursor{Seq: after}, 1000)
		out = b.Events
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// advance moves the clock and fires what falls due on the way.
func (s *deskStore) advance(d time.Duration) {
	s.t.Helper()
	end := s.now.Add(d)
	for {
		var due []desk.Due
		err := s.db.View(context.Background(), func(src desk.Source) (err error) {
			due, err = desk.NextDue(src, 1)
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
		if len(due) == 0 || due[0].At > end {
			s.now = end
			return
		}
		s.now = max(s.now, due[0].At)
		s.must(desk.NodeActor("n0"), &desk.Fire{Due: due[0]})
	}
}

// must does a command that is not refused.
func (s *deskStore) must(actor desk.Actor, c desk.Command) desk.Reply {
	s.t.Helper()
	reply, err := s.Do(context.Background(), desk.Request{Actor: actor, Command: c})
	if err != nil {
		s.t.Fatalf("%s by %s: %v", c.CommandName(), actor.ID, err)
	}
	return reply
}

func (s *deskStore) admin(c desk.Command) {
	s.t.Helper()
	s.must(desk.Actor{Kind: desk.AdminKind, ID: "test"}, c)
}

// library fills the desk: departments reference (its tags), digital (any tag, may be closed without) and archive (any
// tag, needs one); operators sally, ben and bella, lead lena, trainee tom and viewer vera, all of reference; dora of
// digital. Sally and ben are connected.
func (s *deskStore) library() {
	s.t.Helper()
	tags := []string{"renewals", "printing", "opening hours", "printers"}
	open := []desk.Interval{{From: desktest.Start.Add(-24 * time.Hour), To: desktest.Start.Add(8 * 7 * 24 * time.Hour)}}
	for _, d := range []desk.Department{
		{ID: "reference", Name: "Reference", Tags: tags, Default: true},
		{ID: "digital", Name: "Digital Learning", Untagged: true},
		{ID: "archive", Name: "Archive"},
	} {
		s.admin(&desk.SetDepartment{Department: d})
		s.admin(&desk.SetCalendar{Calendar: desk.Calendar{Department: d.ID, Open: open}})
	}
	for _, p := range []desk.Staff{
		{Account: "sally", Name: "Sally Moss", PublicName: "Sally", Role: desk.RoleOperator, Departments: []string{"archive", "reference"}},
		{Account: "ben", Name: "Ben Okoro", PublicName: "Ben", Role: desk.RoleOperator, Departments: []string{"reference"}},
		{Account: "bella", Name: "Bella Ferri", PublicName: "Bella", Role: desk.RoleOperator, Departments: []string{"reference"}},
		{Account: "lena", Name: "Lena Vogt", PublicName: "Lena", Role: desk.RoleLead, Departments: []string{"reference"}},
		{Account: "tom", Name: "Tom Reed", PublicName: "Tom", Role: desk.RoleTrainee, Departments: []string{"reference"}},
		{Account: "vera", Name: "Vera Lind", PublicName: "Vera", Role: desk.RoleViewer, Departments: []string{"reference"}},
		{Account: "dora", Name: "Dora Nagy", PublicName: "Dora", Role: desk.RoleOperator, Departments: []string{"digital"}},
	} {
		s.admin(&desk.SetStaff{Staff: p, New: true})
	}
	s.connect("sally")
	s.connect("ben")
}

// connect opens a session for an account and shows it online.
func (s *deskStore) connect(account string) {
	s.t.Helper()
	s.opened[account]++
	s.admin(&desk.OpenSession{ID: s.session(account), Account: account, Door: "xmpp", Node: "n0", Resource: "desk"})
	s.show(account, desk.ShowOnline)
}

// session is the id of an account's newest session.
func (s *deskStore) session(account string) string {
	return fmt.Sprintf("%s-%d", desktest.SessionID(account), s.opened[account])
}

func (s *deskStore) show(account string, show desk.Show) {
	s.t.Helper()
	s.admin(&desk.SetShow{ID: s.session(account), Show: show})
}

func (s *deskStore) disconnect(account string) {
	s.t.Helper()
	s.admin(&desk.CloseSession{ID: s.session(account)})
}

func staff(account string) desk.Actor { return desk.StaffActor(account, desktest.SessionID(account)) }

func patronActor(name string) desk.Actor {
	return desk.PatronActor(fmt.Sprintf("token-of-%s", name))
}

// opens is a patron's question; it returns the chat's number.
func (s *deskStore) opens(name string, x desk.OpenChat) uint64 {
	s.t.Helper()
	x.Name, x.Node = name, "n0"
	if x.ID == "" {
		x.ID = "open-" + name
	}
	return s.must(patronActor(name), &x).Chat
}

// read runs f on what an actor may read.
func (s *deskStore) read(actor desk.Actor, f func(desk.Reader) error) {
	s.t.Helper()
	if err := s.View(context.Background(), actor, f); err != nil {
		s.t.Fatal(err)
	}
}

// texts are the lines that staff said to the patron of a chat.
func (s *deskStore) texts(chat uint64) []string {
	s.t.Helper()
	var out []string
	s.read(desk.NodeActor("n0"), func(r desk.Reader) error {
		all, err := r.Lines(chat, 0, 0)
		for _, l := range all {
			if l.Kind == desk.TextLine && l.From == desk.FromStaff {
				out = append(out, l.Text)
			}
		}
		return err
	})
	return out
}
