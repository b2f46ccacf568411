// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/types"
)

// disk is what a node's log lies on. It can be slow, hang, fail, and lose its power: then what was not synced is taken back.
type disk struct {
	real  types.VFS
	mu    sync.Mutex
	slow  time.Duration
	hung  chan struct{} // not nil: closed when it goes on
	err   error         // of every write and sync from now on
	files map[string]*file
}

var _ types.VFS = (*disk)(nil)

// errPower is what everything meets after a power cut.
var errPower = errors.New("sim: the power is cut")

func newDisk() *disk { return &disk{real: fs.New(), files: map[string]*file{}} }

// file is a file of the log with the means to take back what is not synced.
type file struct {
	types.WritableFile
	on     *disk
	path   string
	mu     sync.Mutex
	undone []undo // of the writes since the last sync
}

type undo struct {
	at  int64
	old []byte
}

// pass waits as long as the disk takes, and returns what it has to say.
func (d *disk) pass() error {
	d.mu.Lock()
	slow, hung := d.slow, d.hung
	d.mu.Unlock()
	if hung != nil {
		<-hung
	}
	time.Sleep(slow) // this is what the disk does
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *disk) ListDir(dir string) ([]string, error) { return d.real.ListDir(dir) }

func (d *disk) Create(dir, name string, size uint64) (types.WritableFile, error) {
	if err := d.pass(); err != nil {
		return nil, err
	}
	f, err := d.real.Create(dir, name, size)
	return d.wrap(f, filepath.Join(dir, name)), err
}

func (d *disk) Delete(dir, name string) error {
	if err := d.pass(); err != nil {
		return err
	}
	return d.real.Delete(dir, name)
}

func (d *disk) OpenReader(dir, name string) (types.ReadableFile, error) {
	return d.real.OpenReader(dir, name)
}

func (d *disk) OpenWriter(dir, name string) (types.WritableFile, error) {
	f, err := d.real.OpenWriter(dir, name)
	return d.wrap(f, filepath.Join(dir, name)), err
}

func (d *disk) wrap(f types.WritableFile, path string) types.WritableFile {
	if f == nil {
		return nil
	}
	w := &file{WritableFile: f, on: d, path: path}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[path] = w
	return w
}

// WriteAt writes, and remembers what was there before.
func (f *file) WriteAt(p []byte, at int64) (int, error) {
	if err := f.on.pass(); err != nil {
		return 0, err
	}
	old := make([]byte, len(p))
	n, err := f.ReadAt(old, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	clear(old[n:])
	f.mu.Lock()
	f.undone = append(f.undone, undo{at, old})
	f.mu.Unlock()
	return f.WritableFile.WriteAt(p, at)
}

// Sync makes what was written last.
func (f *file) Sync() error {
	if err := f.on.pass(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.undone = nil
	return f.WritableFile.Sync()
}

// set makes the disk slow, or well with 0.
func (d *disk) set(slow time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slow = slow
}

// hang makes every write and sync wait until the function returned is called.
func (d *disk) hang() (end func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hung := make(chan struct{})
	d.hung = hung
	return sync.OnceFunc(func() {
		d.mu.Lock()
		d.hung = nil
		d.mu.Unlock()
		close(hung)
	})
}

// fail lets every write from now on fail.
func (d *disk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

// lose takes back some or all of what is not synced, after the node has been closed: the disk may have written any part
// of it. Then the disk is well.
func (d *disk) lose(r *rand.Rand) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, f := range d.files {
		f.mu.Lock()
		undone := f.undone
		f.mu.Unlock()
		if len(undone) == 0 {
			continue
		}
		h, err := os.OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for i := len(undone) - 1; i >= 0; i-- {
			u := undone[i]
			whole := (len(u.old) + 511) / 512 // sectors; each was written or not
			for s := range whole {
				if r.IntN(3) > 0 {
					from, to := s*512, min((s+1)*512, len(u.old))
					_, err = h.WriteAt(u.old[from:to], u.at+int64(from))
				}
			}
		}
		if err := errors.Join(err, h.Sync(), h.Close()); err != nil {
			return err
		}
	}
	d.files, d.err = map[string]*file{}, nil
	return nil
}

// What is not synced is lost with the power, what is synced is not.
func TestDiskLosesWhatIsNotSynced(t *testing.T) {
	d, dir := newDisk(), t.TempDir()
	f, err := d.Create(dir, "log", 4096)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string, at int64) {
		t.Helper()
		if _, err := f.WriteAt([]byte(text), at); err != nil {
			t.Fatal(err)
		}
	}
	write("synced", 0)
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	for i := range int64(6) {
		write("lost", 512*(i+1))
	}
	d.fail(errPower)
	if _, err := f.WriteAt([]byte("late"), 0); !errors.Is(err, errPower) {
		t.Errorf("a write after the cut: %v", err)
	}
	if err := errors.Join(f.Close(), d.lose(rand.New(rand.NewPCG(1, 1)))); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil || string(data[:6]) != "synced" {
		t.Errorf("what was synced reads %q, %v", data[:6], err)
	}
	kept := 0
	for i := range 6 {
		if string(data[512*(i+1):512*(i+1)+4]) == "lost" {
			kept++
		}
	}
	if kept == 6 {
		t.Error("nothing was lost")
	}
	d.fail(syscall.EIO)
	if _, err := d.Create(dir, "other", 10); !errors.Is(err, syscall.EIO) {
		t.Errorf("a disk that fails made a file: %v", err)
	}
}
