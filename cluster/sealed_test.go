// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"refdesk/cluster/seal"
	"refdesk/cluster/store"
)

// sealedMagic is how a sealed entry begins.
const sealedMagic = "\xe5rds"

// segment returns the file of the log that is written to, and its content.
func segmentOf(t *testing.T, dir string) (string, []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "log", "*.wal"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no log in %s: %v", dir, err)
	}
	slices.Sort(files)
	data, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		t.Fatal(err)
	}
	return files[len(files)-1], data
}

// flip changes one bit of an entry, counted from the end of the log. raft-wal itself checks the last append only.
func flip(t *testing.T, dir string, fromEnd int) {
	t.Helper()
	file, data := segmentOf(t, dir)
	at := len(data)
	for range fromEnd + 1 {
		if at = bytes.LastIndex(data[:at], []byte(sealedMagic)); at < 0 {
			t.Fatal("the log has too few entries")
		}
	}
	data[at+40] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// unclean makes a directory look as if its process had been killed.
func unclean(t *testing.T, dir string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, "epochs", "clean.json")); err != nil {
		t.Fatal(err)
	}
}

// stopped is a desk of one with some entries, closed in order.
func stopped(t *testing.T, n int) (*testDesk, string) {
	t.Helper()
	d := started(t, 1, nil)
	for i := range n {
		d.do("n0", setting(fmt.Sprint("s", i), "needle"))
	}
	d.kill("n0")
	return d, filepath.Join(d.dir, "n0")
}

func TestSealedLog(t *testing.T) {
	d, dir := stopped(t, 8)
	whole := copyTree(t, dir)
	again := func(t *testing.T) {
		t.Helper()
		if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(whole))); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("no text lies in it", func(t *testing.T) {
		if _, data := segmentOf(t, dir); bytes.Contains(data, []byte("needle")) {
			t.Error("the log holds what was written in clear")
		}
	})
	t.Run("after an unclean stop a flipped bit in what is applied already is found", func(t *testing.T) {
		again(t)
		flip(t, dir, 4)
		unclean(t, dir)
		d.refusal("is damaged")
	})
	t.Run("after an orderly stop a flipped bit is found where raft begins to read", func(t *testing.T) {
		again(t)
		flip(t, dir, 4)
		d.refusal("is damaged")
	})
	t.Run("after an orderly stop, an end that went missing is not put down to a power cut", func(t *testing.T) {
		again(t)
		w, err := wal.Open(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		last, err := w.LastIndex()
		if err := errors.Join(err, w.DeleteRange(last, last), w.Close()); err != nil {
			t.Fatal(err)
		}
		d.refusal("cut off")
	})
	t.Run("the keys are lost", func(t *testing.T) {
		again(t)
		if err := os.RemoveAll(filepath.Join(dir, "epochs")); err != nil {
			t.Fatal(err)
		}
		d.refusal("the key of its epoch is gone")
	})
	t.Run("another desk.key", func(t *testing.T) {
		again(t)
		d.tune = func(c *Config) { c.Key = bytes.Repeat([]byte{7}, 32) }
		defer func() { d.tune = nil }()
		d.refusal("desk.key the one that this node has always had?")
	})
	t.Run("an entry under another's index", func(t *testing.T) {
		again(t)
		w, err := wal.Open(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		last, err := w.LastIndex()
		var l raft.Log
		if err = errors.Join(err, w.GetLog(last-1, &l)); err != nil {
			t.Fatal(err)
		}
		l.Index = last + 1
		if err := errors.Join(w.StoreLog(&l), w.Close()); err != nil {
			t.Fatal(err)
		}
		d.refusal("is damaged")
	})
	t.Run("an entry in clear among sealed ones", func(t *testing.T) {
		again(t)
		w, err := wal.Open(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		last, err := w.LastIndex()
		if err = errors.Join(err, w.StoreLog(&raft.Log{Index: last + 1, Term: 9, Data: []byte("RD")}), w.Close()); err != nil {
			t.Fatal(err)
		}
		d.refusal("is damaged")
	})
	t.Run("whole", func(t *testing.T) {
		again(t)
		unclean(t, dir)
		d.open("n0")
		d.ready()
		if got := d.changes("n0"); len(got) != 8 {
			t.Errorf("%d settings", len(got))
		}
	})
}

// A log from before entries were sealed goes on: old entries are read as they are, new ones are sealed.
func TestLogFromBeforeSealing(t *testing.T) {
	d, dir := stopped(t, 5)
	w, err := wal.Open(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	first, _ := w.FirstIndex()
	last, err := w.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.OpenEpochs(filepath.Join(dir, "epochs"), nil, last)
	if err != nil {
		t.Fatal(err)
	}
	var plain []*raft.Log
	for i := first; i <= last; i++ {
		var l raft.Log
		if err := errors.Join(w.GetLog(i, &l), keys.Open(&l)); err != nil {
			t.Fatal(err)
		}
		plain = append(plain, &l)
	}
	if err := errors.Join(w.DeleteRange(first, last), w.StoreLogs(plain), w.Close(), os.RemoveAll(filepath.Join(dir, "epochs"))); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		d.open("n0")
		d.ready()
		d.do("n0", setting("later", "x"))
		d.kill("n0")
	}
	if _, data := segmentOf(t, dir); !bytes.Contains(data, []byte("needle")) || !bytes.Contains(data, []byte(sealedMagic)) {
		t.Error("the log doesn't hold both kinds of entries")
	}
	unclean(t, dir)
	d.open("n0")
	d.ready()
	if got := d.changes("n0"); len(got) != 6 {
		t.Errorf("the settings are %v", got)
	}
}

// When the log is cut, the keys that only cut entries had are destroyed, and what raft-wal still finds of those is gone.
func TestKeysGoWithTheLog(t *testing.T) {
	d := started(t, 1, nil)
	c := d.nodes["n0"]
	d.do("n0", setting("old", "needle"))
	old := c.raft.LastIndex()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := c.Purge(ctx); err != nil {
		t.Fatal(err)
	}
	if n := c.disk.keys.Live(); n > 1 { // one, if something was written since
		t.Errorf("%d keys are left", n)
	}
	var l raft.Log
	if err := c.disk.GetLog(old, &l); !errors.Is(err, raft.ErrLogNotFound) || c.broken() {
		t.Errorf("a cut entry reads %v", err)
	}
	for i := range 5 {
		d.do("n0", setting(fmt.Sprint("s", i), "x"))
	}
	d.kill("n0")
	d.open("n0")
	d.ready()
	if got := d.changes("n0"); len(got) != 6 {
		t.Errorf("the settings are %v", got)
	}
}

// A follower that was away while the log was purged gets a copy.
func TestPurgeWhileANodeIsAway(t *testing.T) {
	d := started(t, 3, nil)
	leader := d.leader()
	away := d.other(leader)
	d.do(leader, setting("first", "x"))
	d.agree()
	d.kill(away)
	for i := range 5 {
		d.do(leader, setting(fmt.Sprint("s", i), "x"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	for _, id := range d.ids {
		if c := d.nodes[id]; c != nil {
			if err := c.Purge(ctx); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
		}
	}
	c := d.open(away)
	d.ready()
	d.agree()
	if c.copies.Load() == 0 {
		t.Error("the node that was away was not sent a copy")
	}
	d.do(away, setting("after", "x"))
	d.agree()
}

// The end of the log, torn or garbled as a power cut may leave it. Where the database shows that an entry was there, the node
// refuses. Where the database went back too, raft-wal drops appends from the first bad one on, or refuses: what is left
// is a beginning of what was written.
func TestTornEnd(t *testing.T) {
	d := started(t, 1, nil)
	dir := filepath.Join(d.dir, "n0")
	d.kill("n0")
	early := copyTree(t, dir)
	d.open("n0")
	for i := range 30 {
		d.do("n0", setting(fmt.Sprint("s", i), "x"))
	}
	d.kill("n0")
	whole := copyTree(t, dir)
	_, data := segmentOf(t, dir)
	used := len(bytes.TrimRight(data, "\x00"))
	outcomes := map[string][]string{}
	for _, n := range []int{1, 64, 700, 4096} {
		for how, change := range map[string]func([]byte){
			"zeroed":  func(b []byte) { clear(b) },
			"garbled": func(b []byte) { flipAll(b) },
		} {
			for _, from := range []string{whole, early} {
				if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(whole))); err != nil {
					t.Fatal(err)
				}
				replace(t, filepath.Join(dir, store.File), filepath.Join(from, store.File))
				file, data := segmentOf(t, dir)
				change(data[max(0, used-n):used])
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
				unclean(t, dir)
				if from == whole {
					outcomes[how+", the database is whole"] = append(outcomes[how+", the database is whole"], d.tornRefusal(n))
				} else {
					outcomes[how+", the database is old"] = append(outcomes[how+", the database is old"], d.tornStart(n))
				}
			}
		}
	}
	for what, came := range outcomes {
		t.Logf("%s: %q", what, came)
	}
}

func flipAll(b []byte) {
	for i := range b {
		b[i] ^= 0x5a
	}
}

// tornRefusal opens a node whose database has more than its log.
func (d *testDesk) tornRefusal(n int) string {
	d.t.Helper()
	c, err := Open(d.config("n0"))
	if err == nil {
		c.Close()
		d.t.Errorf("%d bytes: it starts", n)
		return ""
	}
	text := err.Error()
	if strings.Contains(text, "\n") || !strings.Contains(text, "restore a backup") {
		d.t.Errorf("%d bytes: %q", n, text)
	}
	return "refused"
}

// tornStart opens a node whose database and log were both set back, and counts the settings that are left of 30.
func (d *testDesk) tornStart(n int) string {
	d.t.Helper()
	c, err := Open(d.config("n0"))
	if err != nil {
		if !strings.Contains(err.Error(), "restore a backup") {
			d.t.Errorf("%d bytes: %q", n, err)
		}
		return "refused"
	}
	d.nodes["n0"] = c
	d.ready()
	got := d.changes("n0")
	d.kill("n0")
	for i := range len(got) {
		if got[fmt.Sprint("s", i)] != 1 {
			d.t.Errorf("%d bytes: the settings %v are no beginning", n, got)
		}
	}
	return fmt.Sprint(len(got), " of 30")
}

// BenchmarkAppend is appends to the log with their sync, sealed and as raft-wal writes them itself.
func BenchmarkAppend(b *testing.B) {
	for _, batch := range []int{1, 64} {
		for _, sealed := range []bool{false, true} {
			b.Run(fmt.Sprintf("batch=%d/sealed=%v", batch, sealed), func(b *testing.B) {
				w, err := wal.Open(b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				defer w.Close()
				keys, err := seal.OpenEpochs(b.TempDir(), nil, 0)
				if err != nil {
					b.Fatal(err)
				}
				var store raft.LogStore = w
				if sealed {
					store = &disk{WAL: w, keys: keys, fail: func(err error) { b.Error(err) }}
				}
				data := bytes.Repeat([]byte("x"), 400)
				index := uint64(0)
				b.SetBytes(int64(batch * len(data)))
				for b.Loop() {
					logs := make([]*raft.Log, batch)
					for i := range logs {
						index++
						logs[i] = &raft.Log{Index: index, Term: 1, Data: data, Extensions: data[:16], AppendedAt: time.Now()}
					}
					if err := store.StoreLogs(logs); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
