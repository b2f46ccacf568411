// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"refdesk/cluster/desk"
)

// Copy writes a complete copy of the database to path, which must not exist, and says how much of the log it contains.
// It reads one state while others go on reading and writing.
func (s *Store) Copy(path string) (_ Applied, err error) {
	s.swap.RLock()
	defer s.swap.RUnlock()
	if s.closed {
		return Applied{}, ErrClosed
	}
	c, err := openConn(s.path, []string{"PRAGMA busy_timeout=5000"})
	if err != nil {
		return Applied{}, s.explain(err)
	}
	err = c.run("VACUUM INTO ?", driver.NamedValue{Ordinal: 1, Value: path})
	if err := errors.Join(err, c.close()); err != nil {
		return Applied{}, errors.Join(fmt.Errorf("copy %s: %w", s.path, err), dropFile(path))
	}
	return Inspect(path)
}

// Inspect reads how much of the log a copy contains. It refuses a damaged copy, and one that a later program made.
func Inspect(path string) (_ Applied, err error) {
	if _, err := os.Stat(path); err != nil {
		return Applied{}, err
	}
	c, err := openConn(path, nil)
	if err != nil {
		return Applied{}, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if _, err := layoutOf(c); err != nil {
		return Applied{}, fmt.Errorf("%s %w", filepath.Base(path), err)
	}
	if err := checked(c); err != nil {
		return Applied{}, fmt.Errorf("%s is damaged: %w", filepath.Base(path), err)
	}
	return readApplied(c)
}

// Read runs f on the state in a copy.
func Read(path string, f func(desk.Source) error) (err error) {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	c, err := openConn(path, readPragmas())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	src := &source{c: c}
	return errors.Join(f(src), src.err)
}

// Install puts a copy received from another node in the place of the database, unless the database has at least as much
// of the log. The copy is gone afterwards. Interrupted at any point, it leaves the old database or the new one.
func (s *Store) Install(path string) (installed bool, err error) {
	a, err := Inspect(path)
	if err != nil {
		return false, err
	}
	if a.Index <= s.Applied().Index {
		return false, dropFile(path)
	}
	if err := syncFile(path); err != nil {
		return false, err
	}
	s.swap.Lock()
	defer s.swap.Unlock()
	if s.closed {
		return false, ErrClosed
	}
	if err := s.closeConns(); err != nil {
		return false, s.explain(err)
	}
	// A write-ahead log that is still here would be replayed into the new file.
	if info, err := os.Stat(s.path + "-wal"); err == nil && info.Size() > 0 {
		return false, fmt.Errorf("%s-wal could not be folded back; start again", s.path)
	}
	if err := errors.Join(dropFile(s.path+"-wal"), dropFile(s.path+"-shm"), syncDir(s.dir)); err != nil {
		return false, err
	}
	if err := os.Rename(path, s.path); err != nil {
		return false, fmt.Errorf("install the copy: %w", err)
	}
	if err := syncDir(s.dir); err != nil {
		return false, err
	}
	return true, s.openConns()
}

func dropFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
