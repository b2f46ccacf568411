// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	wal "github.com/hashicorp/raft-wal"

	"refdesk/cluster/store"
)

// installing is a node's directory while a copy is being installed, and what stands around it.
type installing struct {
	t    *testing.T
	dir  string // of the node, as it was before: one setting
	copy string // of the database, with the copy's settings
	mark marker
}

func (x *installing) snapshot(name string) string { return filepath.Join(x.dir, "snapshot", name) }

func (x *installing) must(errs ...error) {
	x.t.Helper()
	if err := errors.Join(errs...); err != nil {
		x.t.Fatal(err)
	}
}

// arrive puts the first share of the copy where it is received.
func (x *installing) arrive(percent int) {
	data, err := os.ReadFile(x.copy)
	x.must(err, os.WriteFile(x.snapshot(x.mark.Copy), data[:len(data)*percent/100], 0o600))
}

func (x *installing) marked(k marker) {
	data, err := json.Marshal(&k)
	x.must(err, os.WriteFile(x.snapshot("marker.json"), data, 0o600))
}

// exchange gives the copy the database's name.
func (x *installing) exchange() {
	db := filepath.Join(x.dir, store.File)
	x.must(os.RemoveAll(db+"-wal"), os.RemoveAll(db+"-shm"), os.Rename(x.snapshot(x.mark.Copy), db))
}

func (x *installing) dropLog() {
	w, err := wal.Open(filepath.Join(x.dir, "log"))
	x.must(err)
	first, err := w.FirstIndex()
	x.must(err)
	last, err := w.LastIndex()
	x.must(err, w.DeleteRange(first, last), w.Close())
}

// A node that is killed at any step of the installation of a copy has afterwards what it had before or what the copy has,
// whole, and goes on. It never goes back.
func TestInstallInterruptedAtEachStep(t *testing.T) {
	const before, copied = 1, 31
	for _, tc := range []struct {
		step string
		do   func(x *installing)
		want int
	}{
		{"nothing has come", func(x *installing) { x.arrive(0) }, before},
		{"half of it has come", func(x *installing) { x.arrive(50) }, before},
		{"all of it, and no marker yet", func(x *installing) { x.arrive(100) }, before},
		{"the marker is half written", func(x *installing) {
			x.arrive(100)
			x.must(os.WriteFile(x.snapshot(".marker.json123456"), []byte(`{"Version`), 0o600))
		}, before},
		{"the marker is written", func(x *installing) { x.arrive(100); x.marked(x.mark) }, copied},
		{"the connections are closed", func(x *installing) {
			x.arrive(100)
			x.marked(x.mark)
			db := filepath.Join(x.dir, store.File)
			x.must(os.RemoveAll(db+"-wal"), os.RemoveAll(db+"-shm"))
		}, copied},
		{"the database is exchanged", func(x *installing) { x.arrive(100); x.marked(x.mark); x.exchange() }, copied},
		{"the old log is dropped", func(x *installing) { x.arrive(100); x.marked(x.mark); x.exchange(); x.dropLog() }, copied},
		{"the next marker is written", func(x *installing) {
			x.arrive(100)
			x.exchange()
			x.dropLog()
			x.arrive(100) // to be removed
			next := x.mark
			next.ID, next.Copy = "next", ""
			x.marked(next)
		}, copied},
	} {
		t.Run(tc.step, func(t *testing.T) {
			d, x := install(t)
			tc.do(x)
			unclean(t, x.dir)
			d.open("n0")
			d.ready()
			if got := d.changes("n0"); len(got) != tc.want || got["a"] != 1 {
				t.Errorf("%d settings, want %d", len(got), tc.want)
			}
			d.do("n0", setting("after", "x"))
			d.kill("n0")
			d.open("n0")
			d.ready()
			if got := d.changes("n0"); len(got) != tc.want+1 || got["after"] != 1 {
				t.Errorf("at the next start %d settings, want %d", len(got), tc.want+1)
			}
			d.proved("n0")
			left, err := os.ReadDir(filepath.Join(x.dir, "snapshot"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range left {
				if f.Name() != "marker.json" && f.Name() != x.mark.Copy {
					t.Errorf("%s is left", f.Name())
				}
			}
		})
	}
}

// install makes a node's directory and a copy that goes further.
func install(t *testing.T) (*testDesk, *installing) {
	t.Helper()
	d := started(t, 1, nil)
	x := &installing{t: t, dir: filepath.Join(d.dir, "n0"), copy: filepath.Join(t.TempDir(), "copy.db")}
	d.do("n0", setting("a", "x"))
	d.kill("n0")
	old := copyTree(t, x.dir)
	c := d.open("n0")
	d.ready()
	for i := range 30 {
		d.do("n0", setting(fmt.Sprint("s", i), "x"))
	}
	a, err := c.store.Copy(x.copy)
	x.must(err)
	x.mark = marker{
		Version: markerVersion, ID: "x", Index: a.Index, Term: a.Term, Applied: a.Index,
		Config: c.cfg.servers(), ConfigIndex: 1, Copy: "received-x.db",
	}
	d.kill("n0")
	x.must(os.RemoveAll(x.dir), os.CopyFS(x.dir, os.DirFS(old)), os.MkdirAll(filepath.Join(x.dir, "snapshot"), 0o700))
	w, err := wal.Open(filepath.Join(x.dir, "log"))
	x.must(err)
	// Raft notes the term of whoever sends a copy before it takes any of it.
	x.must(w.SetUint64([]byte("CurrentTerm"), a.Term), w.Close())
	return d, x
}

// A copy that comes late, when the database has gone further, isn't installed: an applied index never goes back.
func TestCopyBehindTheDatabase(t *testing.T) {
	d := started(t, 1, nil)
	c := d.nodes["n0"]
	d.do("n0", setting("a", "x"))
	path := filepath.Join(t.TempDir(), "copy.db")
	if _, err := c.store.Copy(path); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		d.do("n0", setting(fmt.Sprint("s", i), "x"))
	}
	before := c.store.Applied().Index
	if installed, err := c.store.Install(path); err != nil || installed {
		t.Errorf("installed: %v, %v", installed, err)
	}
	if now := c.store.Applied().Index; now < before {
		t.Errorf("applied went from %d to %d", before, now)
	}
	if got := d.changes("n0"); len(got) != 11 {
		t.Errorf("%d settings", len(got))
	}
}
