// SPDX-License-Identifier: Apache-2.0

// Package backup is the form in which a desk is saved: a directory with a manifest, the database and the files, sealed with
// keys derived from the desk's key, which is not in it.
//
// A backup is written beside its place under another name, synced and renamed: it is there completely or not at all.
package backup

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"refdesk/cluster/blob"
)

// Source is what is to be saved: a copy of the database that nobody writes to, and the files by their hash.
type Source struct {
	Database string // path
	Files    []blob.Ref
	Open     func(blob.Hash) (io.ReadCloser, error)
}

// Write saves a desk to dir, which must not exist or be empty. Facts are the manifest's fields that the caller knows. The
// progress is told in bytes.
func Write(ctx context.Context, dir string, key []byte, facts Manifest, from Source, progress func(done, total int64)) (_ *Manifest, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := vacant(dir); err != nil {
		return nil, err
	}
	partial, release, err := begin(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	defer func() {
		if err != nil {
			err = errors.Join(explain(err), os.RemoveAll(partial))
		}
	}()
	w := &writer{ctx: ctx, dir: partial, key: key, salt: make([]byte, 32), progress: progress}
	if _, err := rand.Read(w.salt); err != nil {
		return nil, err
	}
	m := facts
	m.Version, m.Salt, m.Files, m.Parts = Version, hex.EncodeToString(w.salt), len(from.Files), nil
	if w.total, err = from.size(); err != nil {
		return nil, err
	}
	for _, name := range partNames() {
		content := from.database
		if name == filesPart {
			content = from.files
		}
		p, err := w.part(name, content)
		if err != nil {
			return nil, err
		}
		m.Parts = append(m.Parts, p)
	}
	return &m, w.finish(&m, dir)
}

// vacant refuses a place where something is.
func vacant(dir string) error {
	there, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at the place of the backup: %w; name a directory that doesn't exist yet", err)
	case len(there) > 0:
		return fmt.Errorf("%s is not empty; name a directory that doesn't exist yet", dir)
	}
	return nil
}

// begin makes the directory that a backup is written to, and takes it for this process. What an interrupted run left there
// is removed.
func begin(dir string) (partial string, release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", nil, fmt.Errorf("make the place of the backup: %w", err)
	}
	partial = filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".partial")
	if err := os.Mkdir(partial, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", nil, fmt.Errorf("make the place of the backup: %w; choose a directory that you may write to", err)
	}
	f, err := os.Open(partial)
	if err != nil {
		return "", nil, fmt.Errorf("make the place of the backup: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return "", nil, errors.Join(fmt.Errorf("another backup is being written to %s; wait for it", dir), f.Close())
	}
	left, err := os.ReadDir(partial)
	for _, e := range left {
		err = errors.Join(err, os.RemoveAll(filepath.Join(partial, e.Name())))
	}
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("remove what an interrupted backup left: %w", err), f.Close())
	}
	return partial, func() { f.Close() }, nil
}

// size is how much there is to read.
func (s *Source) size() (int64, error) {
	info, err := os.Stat(s.Database)
	if err != nil {
		return 0, fmt.Errorf("read the copy of the database: %w", err)
	}
	total := info.Size()
	for _, f := range s.Files {
		total += f.Size
	}
	return total, nil
}

func (s *Source) database(w io.Writer) error {
	f, err := os.Open(s.Database)
	if err != nil {
		return fmt.Errorf("read the copy of the database: %w", err)
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// files writes hash (32 bytes), size (8) and content of each.
func (s *Source) files(w io.Writer) error {
	for _, ref := range s.Files {
		head := binary.BigEndian.AppendUint64(append([]byte{}, ref.Hash[:]...), uint64(ref.Size))
		if _, err := w.Write(head); err != nil {
			return err
		}
		if err := s.file(w, ref); err != nil {
			return fmt.Errorf("save file %s: %w", ref.Hash, err)
		}
	}
	return nil
}

func (s *Source) file(w io.Writer, ref blob.Ref) error {
	f, err := s.Open(ref.Hash)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), f)
	if err == nil && (n != ref.Size || blob.Hash(sum.Sum(nil)) != ref.Hash) {
		err = errors.New("its content is not what its name says; refdesk verify tells more")
	}
	return err
}

// writer writes the parts of one backup.
type writer struct {
	ctx         context.Context
	dir         string
	key, salt   []byte
	done, total int64
	progress    func(done, total int64)
}

// part writes one part, durably.
func (w *writer) part(name string, content func(io.Writer) error) (Part, error) {
	key, err := partKey(w.key, w.salt, name)
	if err != nil {
		return Part{}, err
	}
	f, err := os.OpenFile(filepath.Join(w.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return Part{}, err
	}
	defer f.Close()
	out := &summing{w: f, sum: sha256.New()}
	s, err := newSealer(out, key)
	if err == nil {
		err = content(&counting{w: s, of: w})
	}
	if err == nil {
		err = s.Close()
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return Part{}, err
	}
	return Part{Name: name, Size: out.n, SHA256: hex.EncodeToString(out.sum.Sum(nil))}, f.Close()
}

// finish writes the manifest and gives the backup its name.
func (w *writer) finish(m *Manifest, dir string) (err error) {
	if m.Seal, err = m.seal(w.key); err != nil {
		return err
	}
	data, err := m.encode()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(w.dir, manifestName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close(), syncDir(w.dir)); err != nil {
		return err
	}
	if err := syscall.Rename(w.dir, dir); err != nil { // unlike os.Rename it takes the place of an empty directory
		return fmt.Errorf("give the backup its name: %w", err)
	}
	return syncDir(filepath.Dir(dir))
}

// summing writes, sums and counts.
type summing struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (s *summing) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.sum.Write(p[:n])
	s.n += int64(n)
	return n, err
}

// counting tells how far the writer is, and ends with the caller's patience.
type counting struct {
	w  io.Writer
	of *writer
}

func (c *counting) Write(p []byte) (int, error) {
	if err := c.of.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.w.Write(p)
	c.of.done += int64(n)
	c.of.progress(c.of.done, c.of.total)
	return n, err
}

// explain names a full disk.
func explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("there is no room for the backup: %w; make room, or write it to another disk", err)
	}
	return err
}

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
