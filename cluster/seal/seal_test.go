// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

func epochs(t testing.TB, dir string, last uint64) *Epochs {
	t.Helper()
	e, err := OpenEpochs(dir, []byte("secret"), last)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func entry(i uint64, data string) *raft.Log {
	return &raft.Log{Index: i, Term: 3, Type: raft.LogCommand, Data: []byte(data), Extensions: []byte("mark"), AppendedAt: time.Unix(17, 5).UTC()}
}

func sealed(t testing.TB, e *Epochs, l *raft.Log) *raft.Log {
	t.Helper()
	out, err := e.Seal(l)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEntries(t *testing.T) {
	dir := t.TempDir()
	e := epochs(t, dir, 0)
	for name, l := range map[string]*raft.Log{
		"a command":          entry(1, "a patron's words"),
		"without extensions": {Index: 2, Term: 1, Data: []byte("x")},
		"without data":       {Index: 3, Term: 1, Extensions: []byte("m")},
		"empty":              {Index: 4, Type: raft.LogNoop},
		"large":              entry(5, strings.Repeat("x", 64<<10)),
	} {
		t.Run(name, func(t *testing.T) {
			s := sealed(t, e, l)
			if len(l.Data) > 0 && bytes.Contains(s.Data, l.Data) && len(l.Data) > 1 {
				t.Error("it lies open")
			}
			if len(s.Data) > len(l.Data)+len(l.Extensions)+Overhead {
				t.Errorf("%d bytes became %d", len(l.Data), len(s.Data))
			}
			for range 2 { // with the keys in memory, and read again
				got := *s
				if err := e.Open(&got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(l, &got); diff != "" {
					t.Error(diff)
				}
				e = epochs(t, dir, 0)
			}
		})
	}
}

// Every flipped bit is found, wherever it lies.
func TestEveryBit(t *testing.T) {
	e := epochs(t, t.TempDir(), 0)
	l := entry(7, "short")
	s := sealed(t, e, l)
	for i := range 8 * len(s.Data) {
		x := *s
		x.Data = bytes.Clone(s.Data)
		x.Data[i/8] ^= 1 << (i % 8)
		if err := e.Open(&x); err == nil {
			t.Fatalf("bit %d of %d may flip", i, 8*len(s.Data))
		}
	}
	for name, change := range map[string]func(*raft.Log){
		"index":      func(l *raft.Log) { l.Index++ },
		"term":       func(l *raft.Log) { l.Term++ },
		"type":       func(l *raft.Log) { l.Type++ },
		"time":       func(l *raft.Log) { l.AppendedAt = l.AppendedAt.Add(1) },
		"extensions": func(l *raft.Log) { l.Extensions = []byte("x") },
		"cut off":    func(l *raft.Log) { l.Data = l.Data[:len(l.Data)-1] },
		"in clear":   func(l *raft.Log) { l.Data = []byte("short") },
		"nothing":    func(l *raft.Log) { l.Data = nil },
	} {
		x := *s
		change(&x)
		if err := e.Open(&x); err == nil {
			t.Errorf("another %s is taken", name)
		}
	}
}

func TestEpochs(t *testing.T) {
	dir := t.TempDir()
	e := epochs(t, dir, 0)
	var logs []*raft.Log
	for i := uint64(1); i <= 9; i++ { // three epochs of three entries
		logs = append(logs, sealed(t, e, entry(i, "x")))
		if i%3 == 0 {
			e.Turn()
			e.Turn() // one without entries goes on
		}
	}
	if e.Live() != 3 {
		t.Fatalf("%d keys", e.Live())
	}
	if err := e.Close(1, 9); err != nil {
		t.Fatal(err)
	}
	e = epochs(t, dir, 9)
	if !e.Clean(1, 9) || e.Ended() != 9 {
		t.Error("an orderly end is not seen")
	}
	if !epochs(t, dir, 9).Clean(1, 9) {
		t.Error("an orderly end is forgotten before anything has begun")
	}
	if err := errors.Join(e.Begin(), e.Begin()); err != nil {
		t.Fatal(err)
	}
	if epochs(t, dir, 9).Clean(1, 9) {
		t.Error("an orderly end is believed twice")
	}
	if e.Clean(1, 8) || e.Clean(2, 9) {
		t.Error("another log's end is believed")
	}
	if err := e.Trim(6); err != nil { // 1–3 go, 4–6 are still needed
		t.Fatal(err)
	}
	for i, l := range logs {
		x := *l
		if err := e.Open(&x); (err == nil) != (i >= 3) || i < 3 && !errors.Is(err, ErrNoKey) {
			t.Errorf("entry %d: %v", i+1, err)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.key")); len(files) != 2 {
		t.Errorf("files of keys: %v", files)
	}
}

// An entry that was cut off at the end and written again later, at the same place, doesn't take the older epoch's key away.
func TestRewrittenEnd(t *testing.T) {
	e := epochs(t, t.TempDir(), 0)
	first := sealed(t, e, entry(5, "old"))
	sealed(t, e, entry(9, "cut off"))
	e.Turn()
	again := sealed(t, e, entry(6, "new"))
	if err := e.Trim(5); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*raft.Log{first, again} {
		if err := e.Open(l); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenEpochsRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(t *testing.T, dir, key string)
		want string
	}{
		"a key that was changed": {func(t *testing.T, _, key string) {
			data, err := os.ReadFile(key)
			if err != nil {
				t.Fatal(err)
			}
			data[40] ^= 1
			if err := os.WriteFile(key, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "can't be opened"},
		"a key under another's name": {func(t *testing.T, dir, key string) {
			if err := os.Rename(key, filepath.Join(dir, "0000000000000001.key")); err != nil {
				t.Fatal(err)
			}
		}, "another's name"},
		"half a key": {func(t *testing.T, _, key string) {
			if err := os.Truncate(key, 20); err != nil {
				t.Fatal(err)
			}
		}, "no key's file"},
		"a later program's state": {func(t *testing.T, dir, _ string) {
			if err := os.WriteFile(filepath.Join(dir, stateFile), []byte(`{"Version":9}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "start a later refdesk"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := epochs(t, dir, 0)
			sealed(t, e, entry(1, "x"))
			keys, _ := filepath.Glob(filepath.Join(dir, "*.key"))
			tc.do(t, dir, keys[0])
			if _, err := OpenEpochs(dir, []byte("secret"), 1); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	dir := t.TempDir()
	e := epochs(t, dir, 0)
	sealed(t, e, entry(1, "x"))
	keys, _ := filepath.Glob(filepath.Join(dir, "*.key"))
	if err := os.WriteFile(keys[0], make([]byte, keyFileSize), 0o600); err != nil { // wiped, and then interrupted
		t.Fatal(err)
	}
	if e = epochs(t, dir, 1); e.Live() != 0 {
		t.Error("a destroyed key lives")
	}
}

func FuzzOpen(f *testing.F) {
	e := epochs(f, f.TempDir(), 3)
	f.Add(sealed(f, e, entry(1, "words")).Data, uint64(1))
	f.Add([]byte(magic), uint64(9))
	f.Add([]byte{}, uint64(9))
	f.Fuzz(func(t *testing.T, data []byte, index uint64) {
		l := &raft.Log{Index: index, Term: 3, Data: data}
		if err := e.Open(l); err == nil && isSealed(data) && string(l.Data) != "words" {
			t.Errorf("%q opens", data)
		}
	})
}

// BenchmarkSeal is what sealing adds to an entry of 400 bytes, without the disk.
func BenchmarkSeal(b *testing.B) {
	keys, err := OpenEpochs(b.TempDir(), make([]byte, 32), 0)
	if err != nil {
		b.Fatal(err)
	}
	l := &raft.Log{Index: 1, Term: 1, Data: make([]byte, 400), Extensions: make([]byte, 16)}
	for b.Loop() {
		if _, err := keys.Seal(l); err != nil {
			b.Fatal(err)
		}
	}
}
