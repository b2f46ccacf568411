// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// takeLock takes the directory for this process. The lock ends with the process, however that ends.
func takeLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data directory can't be written: %w; change its owner, or choose another", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			pid, _ := io.ReadAll(io.LimitReader(f, 20))
			return nil, fmt.Errorf("%s is in use by another refdesk (pid %s); stop that one, or choose another directory",
				dir, strings.TrimSpace(string(pid)))
		}
		return nil, fmt.Errorf("lock the data directory %s: %w", dir, err)
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("the data directory can't be written: %w", err)
	}
	return f, nil
}

func (s *Store) cleanPath() string { return filepath.Join(s.dir, "clean") }

// begun notes that the store is in use, and reports whether it was left without Close the last time.
func (s *Store) begun() (unclean bool, err error) {
	err = os.Remove(s.cleanPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("the data directory can't be written: %w", err)
	}
	_, missing := os.Stat(s.path)
	return err != nil && missing == nil, nil
}

// checkUpTo is the largest database that is checked at a start after an unclean stop. A larger one would take too long;
// damage in it shows as an error when the page is read.
const checkUpTo = 64 << 20

// quickCheck looks for damage in the structure of the database.
func (s *Store) quickCheck() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return s.explain(err)
	}
	if info.Size() > checkUpTo {
		return nil
	}
	return s.explain(checked(s.write))
}

func checked(c *conn) error {
	found, err := c.text("PRAGMA quick_check(1)")
	if err == nil && (len(found) != 1 || found[0] != "ok") {
		err = &damage{strings.Join(strings.Fields(strings.Join(found, " ")), " ")}
	}
	return err
}

// damage is what a check of a database found.
type damage struct{ what string }

func (d *damage) Error() string { return d.what }

// explain turns what SQLite says into a sentence that says what to do. Its result wraps err.
func (s *Store) explain(err error) error {
	var lite *sqlite.Error
	var found *damage
	var newer *newerError
	var foreign foreignError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &newer), errors.As(err, &foreign):
		return fmt.Errorf("%s %w", s.path, err)
	case errors.As(err, &found):
		return fmt.Errorf("%s is damaged: %w; restore a backup, or join the desk again with an empty directory", s.path, err)
	case !errors.As(err, &lite):
		return fmt.Errorf("%s: %w", s.path, err)
	}
	switch lite.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s is damaged: %w; restore a backup, or join the desk again with an empty directory", s.path, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("the disk that holds %s is full: %w; make room, then start again", s.path, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return fmt.Errorf("%s can't be written: %w; change its owner", s.path, err)
	}
	return fmt.Errorf("%s: %w", s.path, err)
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
