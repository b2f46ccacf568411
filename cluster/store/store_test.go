// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

func TestMain(m *testing.M) {
	if os.Getenv(crashEnv) != "" {
		crash(os.Getenv(crashEnv))
	}
	goleak.VerifyTestMain(m)
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func begin(t interface {
	Helper()
	Fatal(...any)
}, s *Store,
) *Tx {
	t.Helper()
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func TestContract(t *testing.T) {
	desktest.TestTx(t, func(t *testing.T) desk.Tx {
		tx := begin(t, open(t, t.TempDir()))
		t.Cleanup(func() {
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
		})
		return tx
	})
}

// fill applies one record under an index.
func fill(t *testing.T, s *Store, index uint64, text string) {
	t.Helper()
	tx := begin(t, s)
	tx.Put("setting", "k", []byte(text), nil, nil)
	tx.SetApplied(index, 1)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// text reads the record that fill wrote.
func text(t *testing.T, s *Store) string {
	t.Helper()
	var got []byte
	err := s.View(context.Background(), func(src desk.Source) error {
		got, _ = src.Get("setting", "k")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestAppliedIndexIsPartOfTheTransaction(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 7, "seven")
	tx := begin(t, s)
	tx.Put("setting", "k", []byte("eight"), nil, nil)
	tx.SetApplied(8, 1)
	if got := text(t, s); got != "seven" {
		t.Errorf("before the commit others read %q", got)
	}
	tx.Rollback()
	if a := s.Applied(); a.Index != 7 || text(t, s) != "seven" {
		t.Errorf("after a rollback: index %d, %q", a.Index, text(t, s))
	}
	tx = begin(t, s)
	tx.SetApplied(9, 3)
	tx.SetConfig(4, []byte("members"))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	a := open(t, dir).Applied()
	if a.Index != 9 || a.Term != 3 || a.ConfigIndex != 4 || string(a.Config) != "members" {
		t.Errorf("after reopening: %+v", a)
	}
}

// Whatever is applied in memory and here gives the same digest, also when it is read through a view.
func TestSameDigestAsMemory(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		s, err := Open(filepath.Join(dir, string(rune('a'+n%26))+"-"+strings.Repeat("x", n/26)))
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		m := desktest.NewMemory()
		log := desktest.LibraryLog()
		for range rapid.IntRange(1, 30).Draw(rt, "length") {
			log = append(log, desk.Envelope{Request: desktest.DrawRequest(rt), Stamp: desktest.Start})
		}
		for len(log) > 0 {
			tx := begin(rt, s)
			some := min(len(log), rapid.IntRange(1, 10).Draw(rt, "batch"))
			for _, env := range log[:some] {
				_, _, errHere := desk.Apply(tx, env)
				_, _, errThere := desk.Apply(m, env)
				if (errHere == nil) != (errThere == nil) || errHere != nil && errHere.Error() != errThere.Error() {
					rt.Fatalf("%s: %v here, %v in memory", env.Command.CommandName(), errHere, errThere)
				}
			}
			log = log[some:]
			if err := tx.Commit(); err != nil {
				rt.Fatal(err)
			}
		}
		want, err := desk.Digest(m)
		if err != nil {
			rt.Fatal(err)
		}
		err = s.View(context.Background(), func(src desk.Source) error {
			got, err := desk.Digest(src)
			if !bytes.Equal(got, want) {
				rt.Fatalf("digest %x, in memory %x", got, want)
			}
			return err
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func TestErrorsStick(t *testing.T) {
	s := open(t, t.TempDir())
	fill(t, s, 1, "one")
	tx := begin(t, s)
	tx.Put("setting", "k", []byte("two"), nil, []desk.Entry{{Index: "no such index", Value: "v"}})
	if _, ok := tx.Get("setting", "k"); ok {
		t.Error("a failed transaction still answers")
	}
	for range tx.Scan("setting", desk.Range{}) {
		t.Error("a failed transaction still scans")
	}
	if err := tx.Commit(); err == nil {
		t.Error("a failed transaction was committed")
	}
	if got := text(t, s); got != "one" {
		t.Errorf("it left %q behind", got)
	}
	err := s.View(context.Background(), func(src desk.Source) error {
		src.Get("no such table", "k")
		return nil
	})
	if err == nil {
		t.Error("a view whose read failed returned no error")
	}
}

// What a transaction took back is not remembered from it, nor what an exchange of the file took away.
func TestCacheForgets(t *testing.T) {
	s := open(t, t.TempDir())
	fill(t, s, 1, "one")
	tx := begin(t, s)
	tx.Put("setting", "k", []byte("two"), nil, nil)
	if got, _ := tx.Get("setting", "k"); string(got) != "two" {
		t.Errorf("within the transaction: %q", got)
	}
	tx.Rollback()
	tx = begin(t, s)
	if got, _ := tx.Get("setting", "k"); string(got) != "one" {
		t.Errorf("after the rollback: %q", got)
	}
	tx.Rollback()
	other := open(t, t.TempDir())
	fill(t, other, 9, "nine")
	path := filepath.Join(s.Dir(), "copy")
	if _, err := other.Copy(path); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.Install(path); err != nil || !ok {
		t.Fatal(ok, err)
	}
	tx = begin(t, s)
	if got, _ := tx.Get("setting", "k"); string(got) != "nine" {
		t.Errorf("after the exchange: %q", got)
	}
	tx.Rollback()
}

func TestDirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	_, err := Open(dir)
	if err == nil || !strings.Contains(err.Error(), "is in use by another refdesk (pid ") {
		t.Fatalf("second open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestRefusedFiles(t *testing.T) {
	made := func(t *testing.T) string {
		dir := t.TempDir()
		s := open(t, dir)
		tx := begin(t, s)
		for i := range 2000 {
			tx.Put("setting", string([]byte{byte(i >> 8), byte(i)}), bytes.Repeat([]byte{'x'}, 200), nil, nil)
		}
		if err := errors.Join(tx.Commit(), s.Close()); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	run := func(t *testing.T, dir, statement string) {
		c, err := openConn(filepath.Join(dir, File), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.run(statement), c.close()); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		what   string
		break_ func(t *testing.T) string
		want   string
	}{
		{"of a later program", func(t *testing.T) string {
			dir := made(t)
			run(t, dir, "PRAGMA user_version=99")
			return dir
		}, "was written by a later refdesk (layout 99, this program knows up to 1); start that version"},
		{"of another program", func(t *testing.T) string {
			dir := t.TempDir()
			run(t, dir, "CREATE TABLE mine (x)")
			return dir
		}, "is a database of another program"},
		{"no database", func(t *testing.T) string {
			dir := t.TempDir()
			garbage := bytes.Repeat([]byte("garbage "), 1000)
			if err := os.WriteFile(filepath.Join(dir, File), garbage, 0o600); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "is damaged"},
		{"with a garbled page after an unclean stop", func(t *testing.T) string {
			dir := made(t)
			f, err := os.OpenFile(filepath.Join(dir, File), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			size, err := f.Seek(0, 2)
			if err == nil {
				_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, pageSize), size-3*pageSize)
			}
			if err := errors.Join(err, f.Close(), os.Remove(filepath.Join(dir, "clean"))); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "is damaged"},
		{"in a place that is a file", func(t *testing.T) string {
			dir := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "make the data directory"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			s, err := Open(tc.break_(t))
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one sentence with %q", err, tc.want)
			}
		})
	}
}

const crashEnv = "REFDESK_STORE_CRASH"

// crash is the life of a process that is killed after a commit.
func crash(dir string) {
	s, err := Open(dir)
	if err == nil {
		var tx *Tx
		if tx, err = s.Begin(); err == nil {
			tx.Put("setting", "k", []byte("committed"), nil, nil)
			tx.SetApplied(5, 1)
			err = tx.Commit()
		}
	}
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	p, _ := os.FindProcess(os.Getpid())
	_ = p.Kill()
	select {}
}

func TestKilledProcessLosesNoCommit(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashEnv+"="+dir)
	out, err := cmd.CombinedOutput()
	if err == nil || len(out) > 0 {
		t.Fatalf("the process ended with %v: %s", err, out)
	}
	s := open(t, dir)
	if a := s.Applied(); a.Index != 5 || text(t, s) != "committed" {
		t.Errorf("index %d, %q", a.Index, text(t, s))
	}
}
