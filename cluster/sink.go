// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"os"

	"refdesk/cluster/store"
	"refdesk/cluster/wire"
)

// sink takes a marker (nothing is written to it) or a copy that another node sends (a frame, then the database).
type sink struct {
	of     *snapshots
	marker *marker
	head   []byte // of a copy, until it is whole
	said   wire.Snapshot
	file   *os.File
	got    int64
	done   bool
	err    error
}

// ID names the snapshot.
func (s *sink) ID() string { return s.marker.ID }

// Write takes bytes of a copy.
func (s *sink) Write(p []byte) (int, error) {
	if s.done {
		return 0, os.ErrClosed
	}
	rest := p
	if missing := wire.SnapshotSize - len(s.head); missing > 0 {
		n := min(missing, len(rest))
		s.head, rest = append(s.head, rest[:n]...), rest[n:]
		if len(s.head) < wire.SnapshotSize {
			return len(p), nil
		}
		if err := s.begin(); err != nil {
			return 0, err
		}
	}
	n, err := s.file.Write(rest)
	s.got += int64(n)
	if err == nil && s.got > s.said.Size {
		err = errors.New("the copy is longer than it said")
	}
	if err != nil {
		return len(p) - len(rest) + n, fmt.Errorf("receive a copy: %w", err)
	}
	return len(p), nil
}

// begin reads what comes before the database and opens a file for it.
func (s *sink) begin() (err error) {
	if s.said, err = wire.ParseSnapshot(s.head); err != nil {
		return err
	}
	s.marker.Copy = "received-" + s.marker.ID + ".db"
	s.file, err = os.OpenFile(s.of.path(s.marker.Copy), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	return err
}

// Close makes the marker, and the copy if there is one, durable. It may be called twice.
func (s *sink) Close() error {
	if s.done {
		return s.err
	}
	s.done = true
	if s.err = s.finish(); s.err != nil {
		s.drop()
	}
	return s.err
}

func (s *sink) finish() error {
	if s.file == nil {
		if len(s.head) > 0 {
			return errors.New("the copy ends in its head")
		}
		return s.of.keep(s.marker)
	}
	if err := errors.Join(s.file.Sync(), s.file.Close()); err != nil {
		return fmt.Errorf("receive a copy: %w", err)
	}
	if s.got != s.said.Size {
		return fmt.Errorf("the copy has %d bytes of %d", s.got, s.said.Size)
	}
	a, err := store.Inspect(s.of.path(s.marker.Copy))
	if err != nil {
		return err
	}
	if a.Index != s.said.Index {
		return fmt.Errorf("the copy holds entries up to %d, not %d as it said", a.Index, s.said.Index)
	}
	s.marker.Applied = a.Index
	return s.of.keep(s.marker)
}

// Cancel forgets the snapshot.
func (s *sink) Cancel() error {
	if s.done {
		return nil
	}
	s.done = true
	if s.file != nil {
		s.file.Close()
	}
	s.drop()
	return nil
}

func (s *sink) drop() {
	if s.marker.Copy != "" {
		_ = os.Remove(s.of.path(s.marker.Copy)) // tidy takes what stays
	}
}

// syncDir makes the entries of a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
