// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// MaxSize is the largest file that a store takes, in bytes, whatever its callers allow.
const MaxSize = 256 << 20

// Reserve is how much of the disk files leave free unless Keep says otherwise, in bytes. The log lives there too, and a node stops when that can't be
// written.
const Reserve = 512 << 20

// Directories beside those of the files, which are named after the first byte of the hash.
const (
	incoming = "incoming" // files that are being written
	damaged  = "damaged"  // files whose content has changed on the disk
	scrubbed = "scrubbed" // a file; its time is that of the last scrub
)

// Store is a directory of files. Its methods may be called at once from anywhere.
type Store struct {
	dir  string
	keep int64 // bytes of the disk that stay free
	free func(dir string) (int64, error)
	now  func() time.Time

	mu    sync.Mutex // held to rename, remove and pin: what is pinned can't vanish
	pins  map[Hash]time.Time
	sweep int // how many pins there are when those that have ended are forgotten
}

// Open opens the files in dir, or makes the directory. What an interrupted run was writing is removed. Only one process may
// have the directory open; its caller sees to that.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, keep: Reserve, free: Free, now: time.Now, pins: map[Hash]time.Time{}}
	// All directories are made now, so that a file has one directory to sync and not two.
	for _, name := range directories() {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, fmt.Errorf("make the directory of files: %w; change the owner of %s", err, dir)
		}
	}
	if err := errors.Join(syncDir(dir), syncDir(filepath.Dir(dir))); err != nil {
		return nil, err
	}
	left, err := os.ReadDir(filepath.Join(dir, incoming))
	if err != nil {
		return nil, fmt.Errorf("read the directory of files: %w", err)
	}
	for _, f := range left {
		if err := os.RemoveAll(filepath.Join(dir, incoming, f.Name())); err != nil {
			return nil, fmt.Errorf("tidy the directory of files: %w", err)
		}
	}
	return s, s.beginScrubs()
}

// Keep says how many bytes of the disk stay free, in place of Reserve; none if it is negative. It is called before the store
// is used.
func (s *Store) Keep(reserve int64) { s.keep = max(0, reserve) }

func directories() []string {
	out := []string{incoming, damaged}
	for b := range 256 {
		out = append(out, fmt.Sprintf("%02x", b))
	}
	return out
}

// path is where the file of a hash lies. A hash is 32 bytes, so that no name of anybody's choosing gets here.
func (s *Store) path(h Hash) string {
	name := h.String()
	return filepath.Join(s.dir, name[:2], name[2:])
}

func (s *Store) quarantined(h Hash) string { return filepath.Join(s.dir, damaged, h.String()) }

// Has reports whether the file is here, and how large it is.
func (s *Store) Has(h Hash) (int64, bool) {
	info, err := os.Lstat(s.path(h))
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

// Get opens a file. It doesn't check the content: Verify does. A file that is removed meanwhile can be read to its end.
func (s *Store) Get(h Hash) (io.ReadSeekCloser, int64, error) {
	f, info, err := s.open(h)
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (s *Store) open(h Hash) (*os.File, fs.FileInfo, error) {
	// Something else than a file may lie there, and opening a pipe would wait for ever.
	f, err := os.OpenFile(s.path(h), os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return nil, nil, fmt.Errorf("%w: %s", ErrNotFound, h)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open file %s: %w", h, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: %s", ErrNotFound, h)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// Link gives a file a second name outside of the store, on the same disk, so that it outlives its removal here.
func (s *Store) Link(h Hash, path string) error {
	if _, ok := s.Has(h); !ok {
		return fmt.Errorf("%w: %s", ErrNotFound, h)
	}
	if err := os.Link(s.path(h), path); err != nil {
		return fmt.Errorf("link file %s: %w", h, err)
	}
	return nil
}

// Remove deletes a file, durably, and what is left of damaged ones of the same hash. One that isn't here is no error; one
// that is pinned is refused.
func (s *Store) Remove(h Hash) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pinned(h) {
		return fmt.Errorf("%w: %s", ErrPinned, h)
	}
	for _, path := range []string{s.path(h), s.quarantined(h)} {
		err := os.Remove(path)
		if err == nil {
			err = syncDir(filepath.Dir(path))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove file %s: %w", h, err)
		}
	}
	return nil
}

// Walk calls f for each file, in the order of the hashes, until it returns an error. Files that come or go meanwhile may be
// missed or not.
func (s *Store) Walk(f func(Ref) error) error {
	for b := range 256 {
		dir := fmt.Sprintf("%02x", b)
		entries, err := os.ReadDir(filepath.Join(s.dir, dir))
		if err != nil {
			return fmt.Errorf("read the directory of files: %w", err)
		}
		for _, e := range entries {
			h, err := ParseHash(dir + e.Name())
			if err != nil {
				continue // not ours
			}
			size, ok := s.Has(h)
			if !ok {
				continue
			}
			if err := f(Ref{Hash: h, Size: size}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Free is how many bytes of a disk this process may still fill.
func Free(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("ask for the free space of %s: %w", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// Room refuses when size more bytes would not leave the reserve.
func (s *Store) Room(size int64) error {
	free, err := s.free(s.dir)
	if err != nil {
		return err
	}
	if free-size < s.keep {
		return fmt.Errorf("%w: %d MB are free, and %d MB are kept for the log; make room on the disk of %s", ErrFull, free>>20, s.keep>>20, s.dir)
	}
	return nil
}

// syncDir makes the entries of a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
