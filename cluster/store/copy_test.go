// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"refdesk/cluster/desk"
)

func TestCopyAndInstall(t *testing.T) {
	from, to := open(t, t.TempDir()), open(t, t.TempDir())
	fill(t, from, 10, "ten")
	fill(t, to, 4, "four")
	path := filepath.Join(to.Dir(), "copy")
	a, err := from.Copy(path)
	if err != nil || a.Index != 10 {
		t.Fatalf("copy: %+v, %v", a, err)
	}
	ok, err := to.Install(path)
	if err != nil || !ok {
		t.Fatalf("install: %v, %v", ok, err)
	}
	if a := to.Applied(); a.Index != 10 || text(t, to) != "ten" {
		t.Errorf("after install: index %d, %q", a.Index, text(t, to))
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the copy is still there")
	}
	fill(t, to, 11, "eleven")
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, to.Dir())
	if a := again.Applied(); a.Index != 11 || text(t, again) != "eleven" {
		t.Errorf("after reopening: index %d, %q", a.Index, text(t, again))
	}
}

func TestInstallNeverGoesBackwards(t *testing.T) {
	from, to := open(t, t.TempDir()), open(t, t.TempDir())
	fill(t, from, 10, "ten")
	fill(t, to, 10, "mine")
	path := filepath.Join(to.Dir(), "copy")
	if _, err := from.Copy(path); err != nil {
		t.Fatal(err)
	}
	ok, err := to.Install(path)
	if err != nil || ok || text(t, to) != "mine" {
		t.Errorf("install of an equal copy: %v, %v, %q", ok, err, text(t, to))
	}
}

func TestInstallRefusesADamagedCopy(t *testing.T) {
	from, to := open(t, t.TempDir()), open(t, t.TempDir())
	fill(t, from, 10, "ten")
	fill(t, to, 1, "one")
	path := filepath.Join(to.Dir(), "copy")
	if _, err := from.Copy(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 3*pageSize+17); err != nil {
		t.Fatal(err)
	}
	if ok, err := to.Install(path); err == nil || ok {
		t.Error("a truncated copy was installed")
	}
	if got := text(t, to); got != "one" {
		t.Errorf("the database says %q", got)
	}
}

// A copy is one state, however much is written meanwhile; and readers see one state across an exchange of the file.
func TestCopyAndInstallUnderLoad(t *testing.T) {
	from, to := open(t, t.TempDir()), open(t, t.TempDir())
	fill(t, from, 1, "1")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := to.View(context.Background(), func(src desk.Source) error {
					a, okA := src.Get("setting", "a")
					b, okB := src.Get("setting", "b")
					if okA != okB || string(a) != string(b) {
						return errors.New("two records of one transaction differ")
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for round := range uint64(20) {
		for i := range uint64(20) {
			tx := begin(t, from)
			value := []byte{byte(round), byte(i)}
			tx.Put("setting", "a", value, nil, nil)
			tx.Put("setting", "b", value, nil, nil)
			tx.SetApplied(2+20*round+i, 1)
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(to.Dir(), "copy")
		if _, err := from.Copy(path); err != nil {
			t.Fatal(err)
		}
		if ok, err := to.Install(path); err != nil || !ok {
			t.Fatalf("round %d: %v, %v", round, ok, err)
		}
	}
}

func TestSyncAndCloseTwice(t *testing.T) {
	s := open(t, t.TempDir())
	fill(t, s, 1, "one")
	if err := errors.Join(s.Sync(), s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if err := s.View(context.Background(), func(desk.Source) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("view after close: %v", err)
	}
}
