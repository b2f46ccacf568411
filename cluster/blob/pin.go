// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"
)

// PinTime is how long a file stays that nobody refers to yet: whoever put it has this long to say what it is for.
const PinTime = time.Hour

// Pin keeps a file from being removed for PinTime from now. It is kept in memory and as the time of the file, which outlasts
// the process. When it returns, the file is on the disk, even if its Put is still under way; one that isn't here is
// ErrNotFound.
func (s *Store) Pin(h Hash) error {
	s.mu.Lock()
	err := s.pin(h)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(s.path(h)))
}

func (s *Store) pin(h Hash) error {
	now := s.now()
	if len(s.pins) >= s.sweep {
		maps.DeleteFunc(s.pins, func(_ Hash, until time.Time) bool { return until.Before(now) })
		s.sweep = 2*len(s.pins) + 64
	}
	err := os.Chtimes(s.path(h), now, now)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNotFound, h)
	}
	if err != nil {
		return fmt.Errorf("pin file %s: %w", h, err)
	}
	s.pins[h] = now.Add(PinTime)
	return nil
}

// Unpin ends a pin at once. An erasure needs no hour of grace.
func (s *Store) Unpin(h Hash) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pins, h)
	old := s.now().Add(-2 * PinTime)
	if err := os.Chtimes(s.path(h), old, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unpin file %s: %w", h, err)
	}
	return nil
}

// Pinned reports whether a file is pinned.
func (s *Store) Pinned(h Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pinned(h)
}

func (s *Store) pinned(h Hash) bool {
	now := s.now()
	if until, ok := s.pins[h]; ok && now.Before(until) {
		return true
	}
	info, err := os.Lstat(s.path(h))
	// A time that lies ahead is a clock that was wrong once: it must not pin for years.
	return err == nil && now.Before(info.ModTime().Add(PinTime)) && !info.ModTime().After(now.Add(PinTime))
}
