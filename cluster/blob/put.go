// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

const (
	chunk     = 64 << 10 // bytes in memory of a file on its way
	roomEvery = 4 << 20  // bytes written between two looks at the free space
)

// Put reads a file to its end and keeps it, pinned. When it returns, the file is on the disk. One larger than limit is
// refused as soon as that shows; a limit of 0 is MaxSize. A file that is here already is written again, which mends it if
// it was damaged.
func (s *Store) Put(ctx context.Context, r io.Reader, limit int64) (Ref, error) {
	if limit <= 0 || limit > MaxSize {
		limit = MaxSize
	}
	if err := s.Room(0); err != nil {
		return Ref{}, err
	}
	return s.write(ctx, r, limit, nil)
}

// Take is Put for a file whose hash and size are known, such as one that another node sends. Other content is ErrDamaged
// and is not kept.
func (s *Store) Take(ctx context.Context, want Ref, r io.Reader) error {
	if want.Size < 0 || want.Size > MaxSize {
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, want.Size)
	}
	if err := s.Room(want.Size); err != nil {
		return err
	}
	_, err := s.write(ctx, r, want.Size, &want)
	if errors.Is(err, ErrTooLarge) {
		err = fmt.Errorf("%w: longer than %d bytes", ErrDamaged, want.Size)
	}
	return err
}

func (s *Store) write(ctx context.Context, r io.Reader, limit int64, want *Ref) (_ Ref, err error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, incoming), "") // 0600
	if err != nil {
		return Ref{}, explain(err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name()) // fails when it was renamed already; Open takes what stays
		}
	}()
	ref, err := s.copy(ctx, f, r, limit)
	if err != nil {
		return Ref{}, err
	}
	if want != nil && ref != *want {
		return Ref{}, fmt.Errorf("%w: %s came with %d bytes of %d and as %s", ErrDamaged, want.Hash, ref.Size, want.Size, ref.Hash)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return Ref{}, explain(err)
	}
	return ref, s.place(f.Name(), ref.Hash)
}

// place moves a complete file to where its hash says.
func (s *Store) place(temp string, h Hash) error {
	s.mu.Lock()
	err := os.Rename(temp, s.path(h))
	if err == nil {
		err = s.pin(h)
	}
	s.mu.Unlock()
	if err != nil {
		return explain(err)
	}
	// Not under the lock, but by everyone who puts: another's rename of the same content may not be durable yet.
	return syncDir(filepath.Dir(s.path(h)))
}

// copy writes what comes from r to f, up to limit, and hashes it.
func (s *Store) copy(ctx context.Context, f io.Writer, r io.Reader, limit int64) (Ref, error) {
	var ref Ref
	sum := sha256.New()
	buf := make([]byte, chunk)
	for looked := int64(0); ; {
		n, end, err := fill(ctx, r, buf)
		if err != nil {
			return Ref{}, fmt.Errorf("read what is to be kept: %w", err)
		}
		if ref.Size += int64(n); ref.Size > limit {
			return Ref{}, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
		}
		if ref.Size-looked > roomEvery {
			if err := s.Room(0); err != nil {
				return Ref{}, err
			}
			looked = ref.Size
		}
		sum.Write(buf[:n])
		if _, err := f.Write(buf[:n]); err != nil {
			return Ref{}, explain(err)
		}
		if end {
			sum.Sum(ref.Hash[:0])
			return ref, nil
		}
	}
}

// fill reads until buf is full or r ends. Unlike io.ReadFull it looks at ctx between reads, which may be small or empty.
func fill(ctx context.Context, r io.Reader, buf []byte) (n int, end bool, err error) {
	for n < len(buf) {
		if err := ctx.Err(); err != nil {
			return n, false, err
		}
		m, err := r.Read(buf[n:])
		n += m
		if err == io.EOF { // itself: one that is wrapped tells of something that broke off
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}

// explain names what went wrong while a file was written.
func explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("write a file: %w", err)
}
