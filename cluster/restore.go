// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"refdesk/cluster/backup"
	"refdesk/cluster/blob"
	"refdesk/cluster/desk"
	"refdesk/cluster/store"
)

// restoring is the directory that a restore works in. While it is there, the one around it is no desk.
const restoring = "restoring"

// KeyFile is the desk's key in a node's directory.
const KeyFile = "desk.key"

func newDeskID() string { return rand.Text() }

// restore is one restore under way. Its steps are done in their order; interrupted after any of them it can be done again.
type restore struct {
	from *backup.Backup
	dir  string
	key  []byte
	lock *os.File
	id   string
}

// Restore makes a new desk of a backup in dir, which may hold nothing but the desk's key, or what an interrupted restore
// left. It returns the new desk's id. The first node to start on it is the whole desk; others join.
func Restore(ctx context.Context, from *backup.Backup, dir string, key []byte, note func(step string)) (id string, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	r := &restore{from: from, dir: dir, key: key, id: newDeskID()}
	if err := r.begin(); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.lock.Close()) }()
	for _, s := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"take out the database", r.database},
		{"take out the files", r.files},
		{"make it a new desk", r.renew},
		{"put the key beside it", r.putKey},
		{"move the files into place", r.move(filesDir)},
		{"move the key into place", r.move(KeyFile)},
		{"move the database into place", r.move(store.File)},
		{"end", r.end},
	} {
		note(s.what)
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := s.do(ctx); err != nil {
			return "", fmt.Errorf("%s: %w", s.what, err)
		}
	}
	return r.id, nil
}

// filesDir is the directory of the desk's files.
const filesDir = "blobs"

func (r *restore) work(name string) string { return filepath.Join(r.dir, restoring, name) }

// begin takes the place, and clears what an interrupted restore left there. A directory with a desk in it has no working
// directory of a restore, and is refused.
func (r *restore) begin() error {
	there, err := os.ReadDir(r.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look at the place: %w; name a directory that is empty or doesn't exist yet", err)
	}
	again := false
	for _, e := range there {
		again = again || e.Name() == restoring
	}
	for _, e := range there {
		name := e.Name()
		ours := name == KeyFile || again && (name == restoring || name == filesDir || name == store.File)
		if !ours {
			return fmt.Errorf("%s is not empty: it has %s; name a directory that is empty or doesn't exist yet", r.dir, name)
		}
	}
	if own, err := os.ReadFile(filepath.Join(r.dir, KeyFile)); err == nil && !bytes.Equal(own, r.key) {
		return fmt.Errorf("%s holds another %s than that of the backup; take it away", r.dir, KeyFile)
	}
	if err := os.MkdirAll(r.work(""), 0o700); err != nil {
		return fmt.Errorf("make the directory: %w; choose another, or change its owner", err)
	}
	if r.lock, err = os.Open(r.work("")); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	if err := syscall.Flock(int(r.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("another restore into %s is under way; wait for it", r.dir), r.lock.Close())
	}
	if err := errors.Join(r.clear(), syncDir(r.dir)); err != nil {
		return errors.Join(fmt.Errorf("remove what an interrupted restore left: %w", err), r.lock.Close())
	}
	return nil
}

func (r *restore) clear() error {
	left, err := os.ReadDir(r.work(""))
	for _, e := range left {
		err = errors.Join(err, os.RemoveAll(r.work(e.Name())))
	}
	return errors.Join(err, os.RemoveAll(filepath.Join(r.dir, filesDir)), os.RemoveAll(filepath.Join(r.dir, store.File)))
}

func (r *restore) database(ctx context.Context) error {
	if err := r.from.Database(ctx, r.work(store.File)); err != nil {
		return err
	}
	if _, err := store.Inspect(r.work(store.File)); err != nil {
		return err
	}
	return nil
}

func (r *restore) files(ctx context.Context) error {
	s, err := blob.Open(r.work(filesDir))
	if err != nil {
		return err
	}
	return r.from.Files(ctx, func(ref blob.Ref, content io.Reader) error { return s.Take(ctx, ref, content) })
}

// renew opens the database as a store and makes its records those of a new desk.
func (r *restore) renew(context.Context) (err error) {
	s, err := store.Open(r.work(""))
	if err != nil {
		return err
	}
	defer func() {
		// What a store in use leaves beside its database is of no use where it moves to.
		err = errors.Join(err, s.Close(), os.Remove(r.work("clean")), os.Remove(r.work("lock")), os.RemoveAll(r.work(store.File+"-wal")), os.RemoveAll(r.work(store.File+"-shm")))
	}()
	tx, err := s.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := desk.Renew(tx, r.id); err != nil {
		return err
	}
	tx.Unapply()
	return tx.Commit()
}

func (r *restore) putKey(context.Context) error {
	return os.WriteFile(r.work(KeyFile), r.key, 0o600)
}

// move brings one thing from the working directory to where it belongs, durably.
func (r *restore) move(name string) func(context.Context) error {
	return func(context.Context) error {
		if f, err := os.Open(r.work(name)); err == nil {
			if err := errors.Join(f.Sync(), f.Close()); err != nil {
				return err
			}
		}
		if err := os.Rename(r.work(name), filepath.Join(r.dir, name)); err != nil {
			return err
		}
		return errors.Join(syncDir(r.work("")), syncDir(r.dir))
	}
}

// end makes the directory one of a desk.
func (r *restore) end(context.Context) error {
	if err := os.Remove(r.work("")); err != nil {
		return err
	}
	return syncDir(r.dir)
}
