// SPDX-License-Identifier: Apache-2.0

package search

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// followed is a desk with an index behind it.
type followed struct {
	*desktest.Store
	t      *testing.T
	index  *Index
	finder *Finder
	dir    string
	stop   func()
}

func follow(t *testing.T) *followed {
	t.Helper()
	f := &followed{Store: desktest.NewStore(), t: t, dir: t.TempDir()}
	if err := f.Library(); err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{"ana", "dora"} {
		if err := f.Connect(account); err != nil {
			t.Fatal(err)
		}
	}
	f.start()
	t.Cleanup(func() { f.stop() })
	return f
}

// start opens the index and follows until stop.
func (f *followed) start() {
	f.t.Helper()
	x, err := Open(Config{Dir: f.dir})
	if err != nil {
		f.t.Fatal(err)
	}
	follower := NewFollower(x, f.Store, "n0", nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- follower.Run(ctx) }()
	<-follower.Ready()
	f.index, f.finder = x, NewFinder(x, f.Store).After(follower)
	f.stop = func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Error(err)
		}
		if err := x.Close(); err != nil {
			f.t.Error(err)
		}
	}
}

func (f *followed) do(who desk.Actor, c desk.Command) desk.Reply {
	f.t.Helper()
	reply, err := f.Do(context.Background(), desk.Request{Actor: who, Command: c})
	if err != nil {
		f.t.Fatalf("%s: %v", c.CommandName(), err)
	}
	return reply
}

// caughtUp waits until the index has everything.
func (f *followed) caughtUp() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var at desk.Cursor
	if err := f.View(ctx, desk.NodeActor("n0"), func(r desk.Reader) (err error) {
		at, err = r.Cursor()
		return err
	}); err != nil {
		f.t.Fatal(err)
	}
	for f.index.Applied() < at.Seq {
		if ctx.Err() != nil {
			f.t.Fatalf("the index is at %d, the desk at %d", f.index.Applied(), at.Seq)
		}
		time.Sleep(time.Millisecond) // the index tells nobody
	}
}

// find lists the numbers of the chats and tickets that an account finds.
func (f *followed) find(account, text string) (out []uint64) {
	f.t.Helper()
	f.caughtUp()
	page, err := f.finder.Find(context.Background(), desk.StaffActor(account, ""), text, Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, x := range page.Found {
		out = append(out, x.Chat)
	}
	return out
}

var (
	ana    = desk.StaffActor("ana", desktest.SessionID("ana"))
	patron = desk.PatronActor("p1")
	admin  = desk.Actor{Kind: desk.AdminKind, ID: "test"}
)

func (f *followed) chat() {
	f.t.Helper()
	f.do(patron, &desk.OpenChat{ID: "1", Department: "reference", Question: "How do I renew an atlas?", Node: "n0", Name: "Ida"})
	f.do(ana, &desk.ClaimChat{Chat: 1})
	f.do(ana, &desk.PostLine{Chat: 1, Kind: desk.TextLine, Text: "It renews by itself."})
	f.do(ana, &desk.PostLine{Chat: 1, Kind: desk.NoteLine, Text: "she has the blue card"})
}

func TestALineIsFoundOnceItIsCommitted(t *testing.T) {
	f := follow(t)
	f.chat()
	for text, want := range map[string][]uint64{
		"atlas":              {1},
		"blue card":          {1}, // a note
		"patron:ida":         {1},
		"staff:ana renews":   {1},
		"is:open atlas":      {1},
		"is:closed atlas":    nil,
		"tag:renewals atlas": nil,
		"telescope":          nil,
	} {
		if got := f.find("ana", text); !cmp.Equal(got, want) {
			t.Errorf("%s: found %v, want %v", text, got, want)
		}
	}
	f.do(ana, &desk.CloseChat{Chat: 1, Tags: []string{"renewals"}})
	for _, text := range []string{"is:closed atlas", "tag:renewals atlas", "atlas card itself"} { // words of different lines
		if got := f.find("ana", text); !cmp.Equal(got, []uint64{1}) {
			t.Errorf("after the close, %s: found %v", text, got)
		}
	}
}

func TestOnlyWhatOneMayReadIsFound(t *testing.T) {
	f := follow(t)
	f.chat()
	if got := f.find("dora", "atlas"); got != nil {
		t.Errorf("dora, of another department, found %v", got)
	}
	if got := f.find("lena", "atlas"); !cmp.Equal(got, []uint64{1}) {
		t.Errorf("lena found %v", got)
	}
	if got := f.find("nobody", "atlas"); got != nil {
		t.Errorf("nobody found %v", got)
	}
	f.do(admin, &desk.SetStaff{Staff: desk.Staff{
		Account: "lena", Name: "Lena", PublicName: "Lena", Role: desk.RoleTrainee, Departments: []string{"reference"},
	}})
	if got := f.find("lena", "atlas"); got != nil {
		t.Errorf("a trainee found %v", got)
	}
}

func TestTheIndexGoesOnWhereItStopped(t *testing.T) {
	f := follow(t)
	f.chat()
	f.caughtUp()
	f.stop()
	f.do(patron, &desk.PostLine{Chat: 1, ID: "2", Kind: desk.TextLine, Text: "And the telescope?"})
	f.start()
	if got := f.find("ana", "telescope atlas"); !cmp.Equal(got, []uint64{1}) {
		t.Errorf("found %v", got)
	}
}

func TestALostIndexIsFilledFromTheRecords(t *testing.T) {
	f := follow(t)
	f.chat()
	f.do(admin, &desk.SetFAQ{FAQ: desk.FAQ{Slug: "borrow", Question: "How many books can I borrow?", Answer: "Twenty.", State: desk.FAQPublished}})
	f.caughtUp()
	f.stop()
	if err := os.RemoveAll(f.dir); err != nil {
		t.Fatal(err)
	}
	if err := f.Advance(8 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	f.do(desk.NodeActor("n0"), &desk.Expire{})
	f.start()
	if got := f.find("ana", "atlas"); !cmp.Equal(got, []uint64{1}) {
		t.Errorf("found %v", got)
	}
	answers, err := f.index.Answer(context.Background(), "how many books may I borrow", Options{})
	if err != nil || len(answers.Hits) != 1 {
		t.Errorf("FAQs: %+v, %v", answers, err)
	}
}

// What was redacted is in no file of the index.
func TestRedactedTextIsGoneFromTheFiles(t *testing.T) {
	f := follow(t)
	f.chat()
	f.do(patron, &desk.PostLine{Chat: 1, ID: "2", Kind: desk.TextLine, Text: "My word is xylophonist77."})
	if got := f.find("ana", "xylophonist77"); !cmp.Equal(got, []uint64{1}) {
		t.Fatalf("found %v", got)
	}
	f.do(ana, &desk.RedactLine{Chat: 1, Word: "xylophonist77"})
	if got := f.find("ana", "xylophonist77"); got != nil {
		t.Errorf("found %v", got)
	}
	f.stop()
	err := filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("xylophonist77")) {
			t.Errorf("it stands in %s", d.Name())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	f.start()
}

func TestFAQsAreFoundWhilePublished(t *testing.T) {
	f := follow(t)
	q := desk.FAQ{Slug: "borrow", Question: "How many books can I borrow?", Answer: "Twenty.", State: desk.FAQPublished}
	ask := func() int {
		f.caughtUp()
		answers, err := f.index.Answer(context.Background(), "borow books", Options{})
		if err != nil {
			t.Fatal(err)
		}
		return len(answers.Hits)
	}
	f.do(admin, &desk.SetFAQ{FAQ: q})
	if n := ask(); n != 1 {
		t.Errorf("published: %d", n)
	}
	q.State = desk.FAQDraft
	f.do(admin, &desk.SetFAQ{FAQ: q})
	if n := ask(); n != 0 {
		t.Errorf("a draft: %d", n)
	}
	if got := f.find("ana", "borrow"); got != nil {
		t.Errorf("among the chats: %v", got)
	}
}

// Whoever searches finds what was done just before, although changes of the index are gathered.
func TestWhatWasJustDoneIsFound(t *testing.T) {
	f := follow(t)
	f.chat()
	for i := range 5 {
		word := fmt.Sprintf("marvel%d", i)
		f.do(patron, &desk.PostLine{Chat: 1, ID: word, Kind: desk.TextLine, Text: "About " + word})
		page, err := f.finder.Find(t.Context(), desk.StaffActor("ana", ""), word, Options{})
		if err != nil || len(page.Found) != 1 {
			t.Errorf("%s: %+v, %v", word, page.Found, err)
		}
	}
}
