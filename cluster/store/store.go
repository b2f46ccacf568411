// SPDX-License-Identifier: Apache-2.0

// Package store keeps a desk's records in one SQLite file, which is at the same time the state machine's snapshot.
//
// The file is in WAL mode with synchronous=NORMAL: a commit costs no sync, a power cut takes the file back to an earlier
// commit and never damages it, and the raft log, which is synced, holds what was lost. That is why the index of the last
// log entry applied is written in the same transaction as the entry's effects.
//
// There is one writing connection, used by the goroutine that applies the log, and a pool of reading ones. Each table of
// desk.Tables is a WITHOUT ROWID table (key, data), each of its indexes another one (value, key).
package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"refdesk/cluster/desk"
)

// File is the name of the database within the data directory.
const File = "desk.db"

// readers is how many transactions may read at once.
const readers = 8

// Applied says how much of the log a database contains.
type Applied struct {
	Index uint64 // of the last entry applied; 0 for none
	Term  uint64 // that entry's term
	// Config is the encoded list of members as of the entry ConfigIndex.
	ConfigIndex uint64
	Config      []byte
}

// Store is one open database. View may be called by many goroutines; Begin, Install and Close by the one that applies.
type Store struct {
	dir, path string
	lock      *os.File

	swap    sync.RWMutex // held for writing while the file is exchanged
	write   *conn
	cache   *cache     // of the writing side
	shared  *shared    // of the readers
	idle    chan *conn // reading connections; nil = not opened yet
	closed  bool
	applied Applied // of the last commit; guarded by mu
	mu      sync.Mutex
}

// Open opens or makes the database in dir, which it also makes if need be. It takes the directory for this process alone.
// Errors are sentences that say what to do.
func Open(dir string) (_ *Store, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w; choose another, or change its owner", err)
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, path: filepath.Join(dir, File), lock: lock}
	defer func() {
		if err != nil {
			s.closeConns()
			lock.Close()
		}
	}()
	unclean, err := s.begun()
	if err != nil {
		return nil, err
	}
	if err := s.openConns(); err != nil {
		return nil, err
	}
	if unclean {
		if err := s.quickCheck(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Dir is the data directory.
func (s *Store) Dir() string { return s.dir }

// Applied says how much of the log the last commit contains.
func (s *Store) Applied() Applied {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.applied
}

// View runs f on one consistent state. It must not be called within f.
func (s *Store) View(ctx context.Context, f func(desk.Source) error) (err error) {
	s.swap.RLock()
	defer s.swap.RUnlock()
	if s.closed {
		return ErrClosed
	}
	var c *conn
	select {
	case c = <-s.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.idle <- c }()
	if c == nil {
		if c, err = openConn(s.path, readPragmas()); err != nil {
			return s.explain(err)
		}
	}
	if err := c.exec("BEGIN"); err != nil {
		return s.explain(err)
	}
	src := &source{c: c, shared: s.shared}
	err = f(src)
	if end := c.exec("ROLLBACK"); src.err == nil {
		src.err = end
	}
	if src.err != nil {
		return s.explain(src.err)
	}
	return err
}

// Size is how many bytes the database takes, without what isn't folded back yet.
func (s *Store) Size() (int64, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return 0, s.explain(err)
	}
	return info.Size(), nil
}

// ErrClosed is the answer of a store that was closed.
var ErrClosed = errors.New("store: closed")

// Sync makes everything committed so far durable. It syncs the write-ahead log beside the database; SQLite itself syncs
// that before it copies pages from it.
func (s *Store) Sync() error {
	f, err := os.OpenFile(s.path+"-wal", os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sync %s: %w", s.path, err)
	}
	err = f.Sync()
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", s.path, err)
	}
	return syncDir(s.dir)
}

// Close ends all reading and closes the database. It may be called twice.
func (s *Store) Close() error {
	s.swap.Lock()
	defer s.swap.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.closeConns()
	if err == nil {
		err = os.WriteFile(s.cleanPath(), nil, 0o600)
	}
	return errors.Join(err, s.lock.Close())
}

// openConns opens the writing connection, brings the tables up to date and reads how much is applied.
func (s *Store) openConns() error {
	c, err := openConn(s.path, writePragmas())
	if err != nil {
		return s.explain(err)
	}
	s.write, s.cache = c, newCache()
	s.idle = make(chan *conn, readers)
	for range readers {
		s.idle <- nil
	}
	if err := migrate(c); err != nil {
		return s.explain(err)
	}
	a, err := readApplied(c)
	if err != nil {
		return s.explain(err)
	}
	s.shared = newShared(a.Index)
	s.mu.Lock()
	s.applied = a
	s.mu.Unlock()
	return nil
}

// closeConns closes all connections, which folds the write-ahead log into the database.
func (s *Store) closeConns() error {
	if s.write == nil {
		return nil
	}
	var err error
	for range readers {
		if c := <-s.idle; c != nil {
			err = errors.Join(err, c.close())
		}
	}
	err = errors.Join(err, s.write.close())
	s.write = nil
	return err
}

// readApplied reads the row beside the records.
func readApplied(c *conn) (Applied, error) {
	var a Applied
	err := c.each("SELECT idx, term, config_idx, config FROM applied", nil, func(row []driver.Value) {
		a.Index, a.Term, a.ConfigIndex = uint64(row[0].(int64)), uint64(row[1].(int64)), uint64(row[2].(int64))
		a.Config, _ = row[3].([]byte)
	})
	return a, err
}
