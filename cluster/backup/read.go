// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"refdesk/cluster/blob"
)

// Backup is one that was written.
type Backup struct {
	Manifest Manifest
	dir      string
	key      []byte
	salt     []byte
}

// Open reads a backup's manifest.
func Open(dir string) (*Backup, error) {
	f, err := os.Open(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no backup: it has no %s", dir, manifestName)
	}
	if err != nil {
		return nil, fmt.Errorf("read the backup: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("read the backup: %w", err)
	}
	m, err := ParseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("the backup in %s: %w", dir, err)
	}
	salt, err := hex.DecodeString(m.Salt)
	return &Backup{Manifest: *m, dir: dir, salt: salt}, err
}

// Size is how many bytes CheckSums reads.
func (b *Backup) Size() (n int64) {
	for _, p := range b.Manifest.Parts {
		n += p.Size
	}
	return n
}

// CheckSums reads all parts and compares them with their sums. It needs no key.
func (b *Backup) CheckSums(ctx context.Context, progress func(done, total int64)) error {
	var done int64
	for _, p := range b.Manifest.Parts {
		f, err := os.Open(filepath.Join(b.dir, p.Name))
		if err != nil {
			return fmt.Errorf("the backup in %s is not whole: %w", b.dir, err)
		}
		sum := sha256.New()
		n, err := io.Copy(sum, &told{ctx: ctx, r: io.LimitReader(f, p.Size+1), note: func(n int) { done += int64(n); progress(done, b.Size()) }})
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("read the backup: %w", err)
		}
		if n != p.Size || hex.EncodeToString(sum.Sum(nil)) != p.SHA256 {
			return fmt.Errorf("the backup in %s is damaged: %s is not what the manifest says; use another backup", b.dir, p.Name)
		}
	}
	return nil
}

// told is a reader that ends with a context and tells of its progress.
type told struct {
	ctx  context.Context
	r    io.Reader
	note func(n int)
}

func (t *told) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := t.r.Read(p)
	t.note(n)
	return n, err
}

// Unlock takes the desk's key and checks the manifest's seal with it. What follows needs it.
func (b *Backup) Unlock(key []byte) error {
	if err := b.Manifest.check(key); err != nil {
		return err
	}
	b.key = key
	return nil
}

// part opens the content of one part.
func (b *Backup) part(name string) (io.Reader, func() error, error) {
	key, err := partKey(b.key, b.salt, name)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(filepath.Join(b.dir, name))
	if err != nil {
		return nil, nil, fmt.Errorf("the backup is not whole: %w", err)
	}
	o, err := newOpener(f, key)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return o, f.Close, nil
}

// Database writes the database to path, durably.
func (b *Backup) Database(ctx context.Context, path string) (err error) {
	r, done, err := b.part(databasePart)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, &told{ctx, r, func(int) {}})
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%s: %w", databasePart, explain(err))
	}
	return nil
}

// Files calls f with each file. The reader ends with the file's size; what f leaves of it is skipped.
func (b *Backup) Files(ctx context.Context, f func(ref blob.Ref, r io.Reader) error) (err error) {
	r, done, err := b.part(filesPart)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	n, err := readFiles(&told{ctx, r, func(int) {}}, f)
	if err == nil && n != b.Manifest.Files {
		err = fmt.Errorf("it holds %d files, not %d as the manifest says", n, b.Manifest.Files)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filesPart, err)
	}
	return nil
}

// readFiles reads the content of the part that holds the files.
func readFiles(r io.Reader, f func(ref blob.Ref, r io.Reader) error) (n int, err error) {
	for ; ; n++ {
		var head [sha256.Size + 8]byte
		if _, err := io.ReadFull(r, head[:]); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, fmt.Errorf("the head of file %d: %w", n+1, err)
		}
		ref := blob.Ref{Hash: blob.Hash(head[:sha256.Size])}
		size := binary.BigEndian.Uint64(head[sha256.Size:])
		if size > blob.MaxSize {
			return n, fmt.Errorf("file %d claims %d bytes, more than any may have", n+1, size)
		}
		ref.Size = int64(size)
		content := &io.LimitedReader{R: r, N: ref.Size}
		if err := f(ref, content); err != nil {
			return n, err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return n, err
		}
		if content.N > 0 {
			return n, fmt.Errorf("file %d ends early: %w", n+1, io.ErrUnexpectedEOF)
		}
	}
}
