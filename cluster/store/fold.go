// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// foldAgain is how long Fold waits between two attempts, while somebody reads an old state.
const foldAgain = 20 * time.Millisecond

// Fold folds the write-ahead log back into the database and empties its file: nothing of what was deleted lies there any
// more. The database itself overwrites what is deleted (secure_delete). It waits for those who read an older state.
func (s *Store) Fold(ctx context.Context) error {
	for {
		done, err := s.foldOnce()
		if done || err != nil {
			return err
		}
		select {
		case <-time.After(foldAgain):
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("fold %s-wal: somebody reads an old state for too long", s.path), ctx.Err())
		}
	}
}

func (s *Store) foldOnce() (bool, error) {
	s.swap.RLock()
	defer s.swap.RUnlock()
	if s.closed {
		return false, ErrClosed
	}
	c, err := openConn(s.path, []string{"PRAGMA busy_timeout=0", "PRAGMA synchronous=NORMAL"})
	if err != nil {
		return false, s.explain(err)
	}
	busy, err := number(c, "PRAGMA wal_checkpoint(TRUNCATE)")
	var lite *sqlite.Error
	if errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY {
		busy, err = 1, nil
	}
	if err := errors.Join(err, c.close()); err != nil {
		return false, s.explain(err)
	}
	return busy == 0, nil
}
