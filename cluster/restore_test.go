// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"refdesk/cluster/backup"
	"refdesk/cluster/blob"
	"refdesk/cluster/desk"
)

func deskKey() []byte { return bytes.Repeat([]byte{7}, 32) }

// mailed is a ticket whose mail is a file of the desk.
func (d *testDesk) mailed(id string, seed int64) blob.Ref {
	d.t.Helper()
	ref := d.put(id, seed, 5000)
	sum := sha256.Sum256([]byte(ref.Hash.String()))
	d.do(id, desk.Request{Actor: d.nodes[id].self(), Command: &desk.IngestMail{
		Group: "help", Mailbox: "INBOX", Department: "reference", Text: "Where is it?", Kind: desk.MailHuman, Auth: desk.AuthPass,
		From: "kim@patron.example", Subject: "A book", Blob: ref.Hash.String(), BlobSize: uint64(ref.Size),
		BodyHash: hex.EncodeToString(sum[:]), DedupeKey: hex.EncodeToString(sum[:]),
	}})
	return ref
}

func reference() desk.Request {
	return desk.Request{Actor: admin(), Command: &desk.SetDepartment{Department: desk.Department{ID: "reference", Name: "Reference", Default: true}}}
}

// save makes a backup of what a node has.
func (d *testDesk) save(id, dir string) *backup.Backup {
	d.t.Helper()
	s, err := d.nodes[id].Save(d.t.Context(), func(string, int, int) {})
	if err != nil {
		d.t.Fatal(err)
	}
	defer os.RemoveAll(s.Dir)
	facts := backup.Manifest{Program: "test", Desk: s.Desk, Node: id, Made: time.Now().UTC(), Epoch: s.Epoch, Seq: s.Seq, Digest: hex.EncodeToString(s.Digest)}
	from := backup.Source{Database: s.Database, Files: s.Files, Open: func(h blob.Hash) (io.ReadCloser, error) { return os.Open(s.Path(h)) }}
	if _, err := backup.Write(d.t.Context(), dir, deskKey(), facts, from, func(int64, int64) {}); err != nil {
		d.t.Fatal(err)
	}
	return opened(d.t, dir)
}

func opened(t testing.TB, dir string) *backup.Backup {
	t.Helper()
	b, err := backup.Open(dir)
	if err == nil {
		err = b.Unlock(deskKey())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// settings reads the names of what setting has set on a node.
func (d *testDesk) has(id, name string) bool {
	d.t.Helper()
	found := false
	err := d.nodes[id].View(context.Background(), d.nodes[id].self(), func(r desk.Reader) error {
		v, err := r.Setting(name)
		found = v != ""
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}

// A backup that is made while the desk is written to holds a state that the desk had; restored it is a new desk that has
// everything, goes on, and outlives its starts.
func TestBackupWhileWritingIsRestored(t *testing.T) {
	d := started(t, 3, nil)
	leader := d.leader()
	node := d.other(leader)
	d.do(leader, reference())
	ref := d.mailed(leader, 1)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	var mu sync.Mutex
	var acked []string
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				name := fmt.Sprintf("w%d-%d", w, n)
				if _, err := d.nodes[leader].Do(context.Background(), setting(name, "x")); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acked = append(acked, name)
				mu.Unlock()
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(acked) }
	d.until("lines are written", func() bool { return count() > 100 })
	mu.Lock()
	sure := slices.Clone(acked) // a backup holds what was acknowledged before it began
	mu.Unlock()
	b := d.save(node, filepath.Join(t.TempDir(), "b"))
	close(stop)
	writers.Wait()
	if b.Manifest.Files != 1 || b.Manifest.Desk == "" {
		t.Errorf("the manifest: %+v", b.Manifest)
	}
	one := newDesk(t, 1, nil)
	id, err := Restore(t.Context(), b, filepath.Join(one.dir, "n0"), deskKey(), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if id == b.Manifest.Desk || id == "" {
		t.Errorf("the new desk has the id %q", id)
	}
	c := one.open("n0")
	one.ready()
	for _, name := range sure {
		if !one.has("n0", name) {
			t.Errorf("%s is missing", name)
		}
	}
	if f, size, err := c.OpenBlob(t.Context(), ref.Hash.String()); err != nil || size != ref.Size {
		t.Errorf("the file: %d bytes, %v", size, err)
	} else {
		f.Close()
	}
	s := one.status("n0")
	if s.Epoch != 2 || s.Seq < b.Manifest.Seq+desk.RestoreGap {
		t.Errorf("epoch %d, seq %d after %d", s.Epoch, s.Seq, b.Manifest.Seq)
	}
	if first, err := c.wal.FirstIndex(); err != nil || first < 2 {
		t.Errorf("the log begins at %d, %v: who joins would get it without the records", first, err)
	}
	one.do("n0", setting("after", "x"))
	one.kill("n0")
	one.open("n0")
	one.ready()
	if !one.has("n0", "after") {
		t.Error("what came after the restore is gone")
	}
	one.proved("n0")
}

// proved looks through a node's records.
func (d *testDesk) proved(id string) {
	d.t.Helper()
	err := d.nodes[id].read(context.Background(), func(src desk.Source) error {
		p, err := desk.Prove(src)
		if err == nil && len(p.Objections) > 0 {
			err = errors.New(strings.Join(p.Objections, "; "))
		}
		return err
	})
	if err != nil {
		d.t.Errorf("%s: %v", id, err)
	}
}

// A restore that ends after any step isn't taken for a desk, and can be done again.
func TestInterruptedRestore(t *testing.T) {
	d := started(t, 1, nil)
	d.do("n0", reference())
	ref := d.mailed("n0", 1)
	d.do("n0", setting("kept", "x"))
	b := d.save("n0", filepath.Join(t.TempDir(), "b"))
	var steps []string
	if _, err := Restore(t.Context(), b, filepath.Join(t.TempDir(), "all"), deskKey(), func(s string) { steps = append(steps, s) }); err != nil {
		t.Fatal(err)
	}
	if len(steps) != 8 {
		t.Fatalf("the steps are %q", steps)
	}
	for i, last := range steps {
		t.Run("before: "+last, func(t *testing.T) {
			one := newDesk(t, 1, nil)
			dir := filepath.Join(one.dir, "n0")
			stop(t, b, dir, last)
			one.refusal("run refdesk restore again")
			if i%2 == 0 { // interrupted twice, at another step
				stop(t, b, dir, steps[(i+3)%len(steps)])
			}
			if _, err := Restore(t.Context(), b, dir, deskKey(), func(string) {}); err != nil {
				t.Fatal(err)
			}
			c := one.open("n0")
			one.ready()
			if !one.has("n0", "kept") || !c.HasBlob(ref.Hash.String()) {
				t.Error("something is missing")
			}
			one.proved("n0")
		})
	}
}

// stop ends a restore before one of its steps, as a kill would.
func stop(t *testing.T, b *backup.Backup, dir, step string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := Restore(ctx, b, dir, deskKey(), func(s string) {
		if s == step {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the restore was not interrupted: %v", err)
	}
}

// The first start of a restored desk may be interrupted too.
func TestInterruptedFirstStart(t *testing.T) {
	d := started(t, 1, nil)
	d.do("n0", setting("kept", "x"))
	b := d.save("n0", filepath.Join(t.TempDir(), "b"))
	for name, until := range map[string]func(c *Cluster) error{
		"before the term":   func(*Cluster) error { return nil },
		"before the marker": func(c *Cluster) error { return c.disk.SetUint64([]byte("CurrentTerm"), 1) },
		"before raft":       func(c *Cluster) error { return c.begin() },
	} {
		t.Run(name, func(t *testing.T) {
			one := newDesk(t, 1, nil)
			dir := filepath.Join(one.dir, "n0")
			if _, err := Restore(t.Context(), b, dir, deskKey(), func(string) {}); err != nil {
				t.Fatal(err)
			}
			halfOpen(t, one.config("n0"), until)
			one.open("n0")
			one.ready()
			one.do("n0", setting("after", "x"))
			if !one.has("n0", "kept") || !one.has("n0", "after") {
				t.Error("something is missing")
			}
			one.proved("n0")
		})
	}
}

// halfOpen does what Open does, up to a point.
func halfOpen(t *testing.T, cfg Config, until func(*Cluster) error) {
	t.Helper()
	if err := cfg.check(); err != nil {
		t.Fatal(err)
	}
	c := &Cluster{cfg: cfg, log: cfg.Log}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.store = open(t, cfg.Dir)
	err := c.openLog()
	if err == nil {
		c.snaps, err = openSnapshots(cfg.Dir, c.store)
	}
	if err == nil {
		err = until(c)
	}
	if err := errors.Join(err, c.release()); err != nil {
		t.Fatal(err)
	}
}

func TestRefusedRestores(t *testing.T) {
	d := started(t, 1, nil)
	d.do("n0", setting("kept", "x"))
	at := filepath.Join(t.TempDir(), "b")
	b := d.save("n0", at)
	try := func(dir string, b *backup.Backup) error {
		_, err := Restore(t.Context(), b, dir, deskKey(), func(string) {})
		return err
	}
	if err := try(filepath.Join(d.dir, "n0"), b); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("over a desk: %v", err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, KeyFile), make([]byte, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := try(other, b); err == nil || !strings.Contains(err.Error(), "another desk.key") {
		t.Errorf("beside another key: %v", err)
	}
	same := t.TempDir()
	if err := os.WriteFile(filepath.Join(same, KeyFile), deskKey(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := try(same, b); err != nil {
		t.Errorf("beside the same key: %v", err)
	}
	if there, err := os.ReadDir(same); err != nil || len(there) != 3 {
		t.Errorf("there stand %v, %v", there, err)
	}
	// A backup that was harmed gives no desk.
	path := filepath.Join(at, "desk.db.sealed")
	data, err := os.ReadFile(path)
	if err == nil {
		data[len(data)/2] ^= 1
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	harmed := filepath.Join(t.TempDir(), "x")
	if err := try(harmed, b); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("from a harmed backup: %v", err)
	}
	// A restored desk is one node at first.
	three := newDesk(t, 3, nil)
	if err := os.Rename(same, filepath.Join(three.dir, "n0")); err != nil {
		t.Fatal(err)
	}
	three.refusal("starts as one node")
}

// What a killed node had prepared for a backup goes at its next start.
func TestLeftoversOfABackup(t *testing.T) {
	d := started(t, 1, nil)
	s, err := d.nodes["n0"].Save(t.Context(), func(string, int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	d.kill("n0")
	d.open("n0")
	if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d.ready()
	d.do("n0", reference())
	d.mailed("n0", 1)
	if _, err := d.nodes["n0"].Save(ctx, func(string, int, int) {}); err == nil {
		t.Error("nobody waited for it")
	}
	if left, err := os.ReadDir(filepath.Join(d.dir, "n0", saving)); err != nil && !os.IsNotExist(err) || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// All nodes tell of the digest at one entry, also while they are written to; one that differs is named.
func TestWitnesses(t *testing.T) {
	d := started(t, 3, nil)
	leader := d.leader()
	for _, id := range []string{leader, d.other(leader)} {
		all, err := d.nodes[id].Witnesses(t.Context())
		if err != nil || len(all) != 3 || len(Differing(all)) > 0 {
			t.Fatalf("on %s: %v, %v", id, all, err)
		}
		for _, w := range all {
			if w.Mark != all[0].Mark || len(w.Digest) != 32 {
				t.Errorf("on %s: %+v", id, w)
			}
		}
	}
	if got := Differing([]Witness{{ID: "a", Mark: 1, Digest: []byte("x")}, {ID: "b", Mark: 1, Digest: []byte("y")}, {ID: "c"}}); len(got) != 1 || got[0] != "b" {
		t.Errorf("differing: %v", got)
	}
	gone := d.other(leader)
	d.kill(gone)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	all, err := d.nodes[leader].Witnesses(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range all {
		if (len(w.Digest) > 0) != (w.ID != gone) {
			t.Errorf("with %s gone: %+v", gone, w)
		}
	}
}
