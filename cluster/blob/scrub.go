// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Verify reads a file and compares it with its hash. ErrDamaged also means that the disk can't read it.
func (s *Store) Verify(ctx context.Context, h Hash) error {
	_, err := s.verify(ctx, h, 0)
	return err
}

// verify says too which file it has read. It rests for a while after each chunk.
func (s *Store) verify(ctx context.Context, h Hash, rest time.Duration) (fs.FileInfo, error) {
	f, info, err := s.open(h)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	buf := make([]byte, chunk)
	for end := false; !end; {
		if err := pause(ctx, rest); err != nil {
			return info, err
		}
		n, err := f.Read(buf)
		sum.Write(buf[:n])
		if end = errors.Is(err, io.EOF); err != nil && !end {
			return info, fmt.Errorf("%w: %s: %w", ErrDamaged, h, err)
		}
	}
	if Hash(sum.Sum(nil)) != h {
		return info, fmt.Errorf("%w: %s, %d bytes", ErrDamaged, h, info.Size())
	}
	return info, nil
}

// Check verifies a file and sets it aside when it is damaged, so that it isn't read any more and can be got anew. The error
// is ErrDamaged then.
func (s *Store) Check(ctx context.Context, h Hash) error { return s.check(ctx, h, 0) }

func (s *Store) check(ctx context.Context, h Hash, rest time.Duration) error {
	read, err := s.verify(ctx, h, rest)
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	return errors.Join(err, s.setAside(h, read))
}

// setAside moves a damaged file away, unless it was put anew since it was read.
func (s *Store) setAside(h Hash, read fs.FileInfo) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := os.Lstat(s.path(h))
	if err != nil || !os.SameFile(read, now) {
		return nil
	}
	if err := os.Rename(s.path(h), s.quarantined(h)); err != nil {
		return fmt.Errorf("set file %s aside: %w", h, err)
	}
	return errors.Join(syncDir(filepath.Dir(s.path(h))), syncDir(filepath.Join(s.dir, damaged)))
}

// Scrub checks all files and calls found for each that was damaged and has been set aside. It rests for a while after each
// chunk of 64 KiB, so that it leaves the disk to others.
func (s *Store) Scrub(ctx context.Context, rest time.Duration, found func(Ref)) error {
	err := s.Walk(func(r Ref) error {
		err := s.check(ctx, r.Hash, rest)
		switch {
		case errors.Is(err, ErrDamaged):
			found(r)
		case errors.Is(err, ErrNotFound): // removed since
		case err != nil:
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	now := s.now()
	return os.Chtimes(filepath.Join(s.dir, scrubbed), now, now)
}

// Scrubbed is when the last scrub ended; before the first one, when the store was made.
func (s *Store) Scrubbed() time.Time {
	info, err := os.Stat(filepath.Join(s.dir, scrubbed))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// beginScrubs makes the file that keeps the time of the last scrub.
func (s *Store) beginScrubs() error {
	f, err := os.OpenFile(filepath.Join(s.dir, scrubbed), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the directory of files can't be written: %w; change the owner of %s", err, s.dir)
	}
	return f.Close()
}

// pause waits, and returns the error of ctx when that ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
