// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster/blob"
	"refdesk/cluster/desk"
	"refdesk/cluster/store"
	"refdesk/cluster/wire"
)

// saving is the directory, within the node's, of the copies that backups are made of.
const saving = "saving"

// Saved is the desk as it was at one entry of the log: a copy of the database, and the files that its records refer to under
// second names, so that nothing in it changes.
type Saved struct {
	Dir        string // whoever asked for it removes it
	Database   string // path
	Desk       string // the desk's id
	Seq, Epoch uint64
	Digest     []byte
	Files      []blob.Ref // Dir/HASH
	Missing    []string   // hashes of files that no node has
}

// Path is where a file of it lies.
func (s *Saved) Path(h blob.Hash) string { return filepath.Join(s.Dir, h.String()) }

// Save makes a copy of the desk within this node's directory while it goes on. Files that aren't here are got from the other
// nodes. Note is called with how much is done.
func (c *Cluster) Save(ctx context.Context, note func(what string, done, total int)) (_ *Saved, err error) {
	if err := c.nameDesk(ctx); err != nil {
		return nil, err
	}
	c.catchUp(ctx)
	size, err := c.store.Size()
	if err != nil {
		return nil, err
	}
	if err := c.files.store.Room(size); err != nil {
		return nil, fmt.Errorf("copy the database: %w", err)
	}
	base := filepath.Join(c.cfg.Dir, saving)
	if err := os.MkdirAll(base, 0o700); err != nil {
		return nil, fmt.Errorf("copy the database: %w", err)
	}
	s := &Saved{}
	if s.Dir, err = os.MkdirTemp(base, ""); err != nil {
		return nil, fmt.Errorf("copy the database: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(s.Dir))
		}
	}()
	note("copy the database", 0, 0)
	s.Database = filepath.Join(s.Dir, store.File)
	if _, err := c.store.Copy(s.Database); err != nil {
		return nil, err
	}
	refers, err := s.read()
	if err != nil {
		return nil, err
	}
	return s, c.saveFiles(ctx, s, refers, note)
}

// nameDesk gives the desk an id if it has none yet. Without a majority it goes without.
func (c *Cluster) nameDesk(ctx context.Context) error {
	var id string
	err := c.read(ctx, func(src desk.Source) (err error) {
		id, err = desk.ID(src)
		return err
	})
	if err != nil || id != "" {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	reply, err := c.Do(ctx, desk.Request{Actor: desk.Actor{Kind: desk.AdminKind, ID: c.cfg.ID}, Command: desk.NameDesk(newDeskID())})
	if err == nil {
		err = c.WaitApplied(ctx, reply.Seq)
	}
	if err != nil {
		c.log.Warn("the desk could not be given an id", "err", err)
	}
	return nil
}

// catchUp waits until this node has what was acknowledged before, anywhere. Without a majority nothing is acknowledged, and
// what there is has to do.
func (c *Cluster) catchUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	first, err := c.witness(ctx)
	if err != nil {
		return
	}
	// The next check may be in the log already; the one after it isn't.
	for want := first.Mark + 2; ; {
		w, err := c.witness(ctx)
		if err != nil || w.Mark >= want {
			return
		}
		c.checkUpTo(w.Mark, want)
		if err := c.Hint(wire.Hint{Kind: askKind, Data: binary.BigEndian.AppendUint64(nil, want)}); err != nil || !pauseFor(ctx, pauseMost) {
			return
		}
	}
}

// read takes the facts out of the copy, and the hashes that it refers to.
func (s *Saved) read() ([]blob.Hash, error) {
	var refers []blob.Hash
	seen := map[blob.Hash]bool{}
	err := store.Read(s.Database, func(src desk.Source) (err error) {
		at, err := desk.Seq(src)
		if err != nil {
			return err
		}
		s.Seq, s.Epoch = at.Seq, at.Epoch
		if s.Desk, err = desk.ID(src); err != nil {
			return err
		}
		if s.Digest, err = desk.Digest(src); err != nil {
			return err
		}
		return desk.EachFile(src, func(hash string) error {
			h, err := blob.ParseHash(hash)
			if err == nil && !seen[h] {
				seen[h] = true
				refers = append(refers, h)
			}
			return nil // what is no hash no file can have
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the copy: %w", err)
	}
	return refers, nil
}

// saveFiles gives the files second names.
func (c *Cluster) saveFiles(ctx context.Context, s *Saved, refers []blob.Hash, note func(what string, done, total int)) error {
	for i, h := range refers {
		if err := ctx.Err(); err != nil {
			return err
		}
		note("gather the files", i, len(refers))
		if err := c.here(ctx, h); isCode(err, desk.NotFound) {
			s.Missing = append(s.Missing, h.String())
			continue
		} else if err != nil {
			return fmt.Errorf("get file %s: %w", h, err)
		}
		if err := c.files.store.Link(h, s.Path(h)); err != nil {
			return err
		}
		info, err := os.Stat(s.Path(h))
		if err != nil {
			return err
		}
		s.Files = append(s.Files, blob.Ref{Hash: h, Size: info.Size()})
	}
	return nil
}

// here gets a file that isn't here from another node.
func (c *Cluster) here(ctx context.Context, h blob.Hash) error {
	if _, ok := c.files.store.Has(h); ok {
		return nil
	}
	f, _, err := c.OpenBlob(ctx, h.String())
	if err == nil {
		err = f.Close()
	}
	return err
}

// tidy removes what an interrupted backup left, and refuses a directory that an interrupted restore left.
func (c *Cluster) tidy() error {
	if _, err := os.Stat(filepath.Join(c.cfg.Dir, restoring)); err == nil {
		return fmt.Errorf("a restore into %s was interrupted; run refdesk restore again", c.cfg.Dir)
	}
	if err := os.RemoveAll(filepath.Join(c.cfg.Dir, saving)); err != nil {
		return fmt.Errorf("remove what an interrupted backup left: %w", err)
	}
	return nil
}

// begin gives a restored desk its log. It begins behind an entry that nobody has, so that a node which joins gets a copy of
// the records: they stand in no log. Interrupted, it is done again at the next start.
func (c *Cluster) begin() error {
	last, err := c.wal.LastIndex()
	if err != nil {
		return fmt.Errorf("the log in %s: %w", c.disk.dir, err)
	}
	var at desk.Cursor
	if err := c.read(c.ctx, func(src desk.Source) (err error) {
		at, err = desk.Seq(src)
		return err
	}); err != nil {
		return err
	}
	if c.snaps.newest() != nil || last != 0 || c.store.Applied().Index != 0 || at.Seq == 0 {
		return nil
	}
	if !c.alone() {
		return fmt.Errorf("the desk in %s was restored and starts as one node; take cluster.peers out of its configuration, and let other nodes join it", c.cfg.Dir)
	}
	if err := c.disk.SetUint64([]byte("CurrentTerm"), 1); err != nil { // raft's own key
		return err
	}
	return c.snaps.keep(&marker{
		Version: markerVersion, ID: "restored", Index: 1, Term: 1,
		Config: raft.Configuration{Servers: c.cfg.servers().Servers}, ConfigIndex: 1,
	})
}
