// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"refdesk/cluster/desk"
	"refdesk/cluster/peer"
	"refdesk/cluster/store"
)

// raft-wal v0.4.0 can't be opened again after an uncommitted end of the log was cut off, which every change of leaders
// may do. Whoever changes its version must see this pass.
func TestLogOpensAfterItsEndWasCutOff(t *testing.T) {
	dir := t.TempDir()
	open := func() *wal.WAL {
		t.Helper()
		w, err := wal.Open(dir, wal.WithSegmentSize(4096))
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	entry := func(i uint64, text string) *raft.Log {
		return &raft.Log{Index: i, Term: 1, Data: []byte(text + strings.Repeat(".", 200))}
	}
	w := open()
	for i := uint64(1); i <= 60; i++ { // several segments
		if err := w.StoreLog(entry(i, "old")); err != nil {
			t.Fatal(err)
		}
	}
	for cut := uint64(60); cut > 7; cut -= 7 {
		if err := errors.Join(w.DeleteRange(cut-6, cut), w.Close()); err != nil {
			t.Fatalf("cut at %d: %v", cut-6, err)
		}
		w = open()
		last, err := w.LastIndex()
		if err != nil || last != cut-7 {
			t.Fatalf("after the cut the log ends at %d (%v), want %d", last, err, cut-7)
		}
		if err := errors.Join(w.StoreLog(entry(cut-6, "new")), w.Close()); err != nil {
			t.Fatal(err)
		}
		w = open()
		var l raft.Log
		if err := w.GetLog(cut-6, &l); err != nil || !bytes.HasPrefix(l.Data, []byte("new")) {
			t.Fatalf("entry %d reads %.3q, %v", cut-6, l.Data, err)
		}
		if err := w.DeleteRange(cut-6, cut-6); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// silent is a listener that nobody reaches.
type silent struct{ net.Listener }

func (silent) Close() error { return nil }

// copyTree copies a node's directory, but for its lock.
func copyTree(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func replace(t *testing.T, to, from string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// refusal opens a node that must not start.
func (d *testDesk) refusal(want string) {
	d.t.Helper()
	c, err := Open(d.config("n0"))
	if err == nil {
		c.Close()
		d.t.Fatal("the node starts")
	}
	if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		d.t.Errorf("got %q, want a sentence with %q", err, want)
	}
}

// After a power cut the database may be older than the log; what is missing is applied again, once.
func TestOlderDatabaseCatchesUp(t *testing.T) {
	d := started(t, 1, nil)
	dir := filepath.Join(d.dir, "n0")
	d.do("n0", setting("a", "x"))
	d.kill("n0")
	old := copyTree(t, dir)
	d.open("n0")
	for i := range 20 {
		d.do("n0", setting(fmt.Sprint("s", i), "x"))
	}
	want := d.status("n0")
	d.kill("n0")
	replace(t, filepath.Join(dir, store.File), filepath.Join(old, store.File))
	d.open("n0")
	d.ready()
	got := d.changes("n0")
	if got["a"] != 1 || got["s19"] != 1 || len(got) != 21 {
		t.Errorf("the settings are %v", got)
	}
	if s := d.status("n0"); s.Seq < want.Seq {
		t.Errorf("seq %d, before %d", s.Seq, want.Seq)
	}
}

func quick(c *Config) {
	c.tune = func(r *raft.Config) {
		r.TrailingLogs, r.SnapshotThreshold, r.SnapshotInterval = 10, 10, 10*time.Millisecond
	}
}

// Data that isn't of one piece is refused with a sentence.
func TestRefusedData(t *testing.T) {
	whole := func(t *testing.T) (d *testDesk, dir, old string) {
		d = newDesk(t, 1, quick)
		dir = filepath.Join(d.dir, "n0")
		d.open("n0")
		d.ready()
		d.do("n0", setting("a", "x"))
		d.kill("n0")
		old = copyTree(t, dir)
		d.open("n0")
		for i := range 30 {
			d.do("n0", setting(fmt.Sprint("s", i), "needle"))
		}
		d.until("there is a marker", func() bool {
			_, err := os.Stat(filepath.Join(dir, "snapshot", "marker.json"))
			return err == nil
		})
		d.kill("n0")
		return d, dir, old
	}
	t.Run("the database is lost", func(t *testing.T) {
		d, dir, _ := whole(t)
		if err := os.Remove(filepath.Join(dir, store.File)); err != nil {
			t.Fatal(err)
		}
		d.refusal("is lost or too old")
	})
	t.Run("the database is older than the marker", func(t *testing.T) {
		d, dir, old := whole(t)
		replace(t, filepath.Join(dir, store.File), filepath.Join(old, store.File))
		d.refusal("is lost or too old")
	})
	t.Run("the log is lost", func(t *testing.T) {
		d, dir, _ := whole(t)
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, "log")), os.RemoveAll(filepath.Join(dir, "snapshot"))); err != nil {
			t.Fatal(err)
		}
		d.refusal("is lost or cut off")
	})
	t.Run("the log is lost, and the vote with it, but not the marker", func(t *testing.T) {
		d, dir, _ := whole(t)
		data, err := os.ReadFile(filepath.Join(dir, "snapshot", "marker.json"))
		if err != nil {
			t.Fatal(err)
		}
		var k marker
		if err := json.Unmarshal(data, &k); err != nil {
			t.Fatal(err)
		}
		k.Index += 1000 // as after a copy was received
		if data, err = json.Marshal(&k); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, "log")), os.WriteFile(filepath.Join(dir, "snapshot", "marker.json"), data, 0o600)); err != nil {
			t.Fatal(err)
		}
		d.refusal("is lost or cut off")
	})
	t.Run("the log is older than the database", func(t *testing.T) {
		d, dir, old := whole(t)
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, "log")), os.RemoveAll(filepath.Join(dir, "snapshot")), os.CopyFS(filepath.Join(dir, "log"), os.DirFS(filepath.Join(old, "log")))); err != nil {
			t.Fatal(err)
		}
		d.refusal("is lost or cut off")
	})
	t.Run("a flipped bit in an entry still to be applied", func(t *testing.T) {
		d := newDesk(t, 1, nil)
		dir := filepath.Join(d.dir, "n0")
		d.open("n0")
		d.ready()
		d.kill("n0")
		old := copyTree(t, dir)
		d.open("n0")
		d.ready()
		d.do("n0", setting("a", "needle"))
		d.do("n0", setting("b", "x")) // raft-wal itself checks the end of the log, and only that
		d.kill("n0")
		replace(t, filepath.Join(dir, store.File), filepath.Join(old, store.File))
		flip(t, dir, 2)
		d.refusal("is damaged")
	})
	t.Run("a configuration with other nodes", func(t *testing.T) {
		d, _, _ := whole(t)
		d.tune = func(c *Config) {
			c.Peers, c.Listener, c.Identity = map[string]string{"n0": "", "n1": ""}, silent{}, &peer.Identity{}
		}
		d.refusal("has the nodes [n0], and the configuration names [n0 n1]")
	})
	t.Run("in use", func(t *testing.T) {
		d := started(t, 1, nil)
		d.refusal("is in use by another refdesk")
	})
}

// A node that was interrupted between the receipt of a copy and its installation installs it at its next start.
func TestInterruptedInstallIsFinished(t *testing.T) {
	d := newDesk(t, 1, nil)
	dir := filepath.Join(d.dir, "n0")
	d.open("n0")
	d.ready()
	d.do("n0", setting("a", "x"))
	d.kill("n0")
	old := copyTree(t, dir)
	c := d.open("n0")
	for i := range 30 {
		d.do("n0", setting(fmt.Sprint("s", i), "x"))
	}
	if err := os.MkdirAll(filepath.Join(old, "snapshot"), 0o700); err != nil {
		t.Fatal(err)
	}
	a, err := c.store.Copy(filepath.Join(old, "snapshot", "received-x.db"))
	if err != nil {
		t.Fatal(err)
	}
	marker, err := json.Marshal(&marker{
		Version: markerVersion, ID: "x", Index: a.Index, Term: a.Term, Applied: a.Index,
		Config: c.cfg.servers(), ConfigIndex: 1, Copy: "received-x.db",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(old, "snapshot", "marker.json"), marker, 0o600); err != nil {
		t.Fatal(err)
	}
	d.kill("n0")
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(old))); err != nil {
		t.Fatal(err)
	}
	again := d.open("n0")
	d.ready()
	if again.copies.Load() != 1 {
		t.Error("the copy was not installed")
	}
	if got := d.changes("n0"); got["s29"] != 1 || len(got) != 31 {
		t.Errorf("the settings are %v", got)
	}
	d.do("n0", setting("after", "x"))
	d.kill("n0")
	d.open("n0")
	d.ready()
	if got := d.changes("n0"); got["after"] != 1 {
		t.Errorf("the settings are %v", got)
	}
}

// What a later program wrote stops the node; it isn't skipped.
func TestUnknownCommandStopsTheNode(t *testing.T) {
	d := started(t, 1, nil)
	c := d.nodes["n0"]
	payload := desk.EncodeEnvelope(nil, desk.Envelope{Request: desk.Request{Actor: admin(), Command: &desk.Expire{}}})
	payload = bytes.Replace(payload, []byte("Expire"), []byte("Future"), 1)
	frame := []byte{'R', 'D', 1, 1, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(frame[4:], uint32(len(payload)))
	frame = append(frame, payload...)
	frame = binary.BigEndian.AppendUint32(frame, crc32.Checksum(frame, crc32.MakeTable(crc32.Castagnoli)))
	before := c.store.Applied().Index
	if err := c.raft.ApplyLog(raft.Log{Data: frame}, 0).Error(); err != nil {
		t.Fatal(err)
	}
	err := c.Run(context.Background())
	if !errors.Is(err, desk.ErrUnknownCommand) {
		t.Errorf("Run: %v", err)
	}
	if _, err := c.Do(context.Background(), setting("a", "x")); !isCode(err, desk.Stopping) {
		t.Errorf("Do after that: %v", err)
	}
	delete(d.nodes, "n0")
	if s := open(t, c.cfg.Dir); s.Applied().Index != before {
		t.Errorf("applied went from %d to %d", before, s.Applied().Index)
	}
}

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A node whose records differ from the leader's stops, and the others go on.
func TestDivergedNodeStops(t *testing.T) {
	d := started(t, 3, nil)
	leader := d.leader()
	victim := d.other(leader)
	d.agree()
	c := d.nodes[victim]
	delete(d.nodes, victim)
	// A change that is in no log. Nothing is being applied now, so that the writing connection is free.
	tx, err := c.store.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := desk.Apply(tx, desk.Envelope{Request: setting("only", "here")}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // each node notes its digest at the first check, and the second carries the leader's
		var check *desk.CheckDigest
		err := d.nodes[leader].read(context.Background(), func(src desk.Source) (err error) {
			check, err = desk.NextCheck(src)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		d.do(leader, desk.Request{Actor: d.nodes[leader].self(), Command: check})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := c.Run(ctx); !errors.Is(err, desk.ErrDiverged) {
		t.Errorf("Run: %v", err)
	}
	d.do(leader, setting("the others", "go on"))
	d.agree()
}

// The first failed write of the log stops the node with a sentence.
func TestFailedWriteStopsTheNode(t *testing.T) {
	d := started(t, 1, nil)
	c := d.nodes["n0"]
	delete(d.nodes, "n0")
	_ = c.disk.write("write the log", func() error { return fmt.Errorf("fsync: %w", syscall.ENOSPC) })
	err := c.Run(context.Background())
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "is full") {
		t.Errorf("Run: %v", err)
	}
}

// A write that hangs stops it too.
func TestHungWriteStopsTheNode(t *testing.T) {
	d := started(t, 1, nil)
	c := d.nodes["n0"]
	delete(d.nodes, "n0")
	c.disk.since.Store(int64(c.disk.now() - 2*hangs))
	if err := c.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "has not ended within 5s") {
		t.Errorf("Run: %v", err)
	}
}

// A write that was under way while the process was stopped has had no time to end.
func TestAPauseIsNoHang(t *testing.T) {
	const tick = hangs / 10
	var w watch
	now := tick
	began := now
	for range 5 {
		if now += tick; w.hung(now, began) {
			t.Fatalf("hung after %s", now-began)
		}
	}
	now += 30 * time.Second
	for range 10 {
		if now += tick; w.hung(now, began) {
			t.Fatalf("hung %s after a pause", now-began-30*time.Second)
		}
	}
	for range 10 {
		now += tick
		if w.hung(now, 0) {
			t.Fatal("hung without a write")
		}
	}
	if now += tick; !w.hung(now, began) {
		t.Error("a write that takes for ever is not seen")
	}
}

func TestBadConfigurations(t *testing.T) {
	for want, cfg := range map[string]Config{
		"needs an id":                {Dir: "x"},
		"there is no profile":        {ID: "n0", Dir: "x", Profile: "slow"},
		"is not among":               {ID: "n0", Dir: "x", Peers: map[string]string{"n1": "", "n2": ""}},
		"needs a port to the others": {ID: "n0", Dir: "x", Peers: map[string]string{"n0": "", "n1": ""}},
	} {
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
