// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster/blob"
	"refdesk/cluster/desk"
)

const (
	pullTime   = 10 * time.Minute // for one file, however large
	pullLimit  = 8                // files that are pulled at once
	askTime    = 2 * time.Second  // to hear whether a node has a file
	scrubEvery = 7 * 24 * time.Hour
	scrubLook  = time.Hour            // how often to see whether that is over
	scrubRest  = 5 * time.Millisecond // after each 64 KiB
)

// files is what this node has of the desk's files, and how it shares them with the others.
type files struct {
	store *blob.Store
	slots chan struct{} // one token per file that is pulled

	mu       sync.Mutex
	pulls    map[blob.Hash]*pull
	couriers map[string]*courier // by the node that they go to
}

// openFiles opens this node's files.
func (c *Cluster) openFiles() error {
	s, err := blob.Open(filepath.Join(c.cfg.Dir, filesDir))
	if err != nil {
		return err
	}
	s.Keep(c.cfg.Reserve)
	c.files = &files{store: s, couriers: map[string]*courier{}, slots: make(chan struct{}, pullLimit), pulls: map[blob.Hash]*pull{}}
	return nil
}

// lookAtFiles looks for damaged files.
func (c *Cluster) lookAtFiles() {
	for pauseFor(c.ctx, scrubLook) {
		if time.Since(c.files.store.Scrubbed()) < scrubEvery {
			continue
		}
		if err := c.scrub(c.ctx, scrubRest); err != nil && c.ctx.Err() == nil {
			c.log.Error("look for damaged files", "err", err)
		}
	}
}

// courier returns what brings files to a node, nil if it is none of ours.
func (f *files) courier(id string) *courier {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.couriers[id]
}

// others are the nodes that files go to.
func (f *files) others() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.couriers))
}

// stop returns when no further pull can begin. The node's context has ended before.
func (f *files) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
}

// PutBlob keeps a file and returns when it is on the disks of a majority of the voters, this node among them. The others get
// it afterwards. One larger than limit is refused as Invalid "size". NoQuorum means that no majority had it before ctx's
// deadline, or 10 s after it was here: nothing may refer to it then. The same content can be put again at any time.
func (c *Cluster) PutBlob(ctx context.Context, r io.Reader, limit int64) (blob.Ref, error) {
	if c.ctx.Err() != nil || c.broken() {
		return blob.Ref{}, stopping()
	}
	ref, err := c.files.store.Put(ctx, r, limit)
	if err == nil {
		err = c.spread(ctx, ref)
	}
	if err != nil {
		return blob.Ref{}, fileError(err)
	}
	return ref, nil
}

// spread brings a file of this node to a majority of the voters.
func (c *Cluster) spread(ctx context.Context, ref blob.Ref) error {
	voters := c.voters()
	need := len(voters)/2 + 1
	if slices.Contains(voters, c.cfg.ID) {
		need--
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	there := make(chan struct{}, len(voters))
	var asked []*courier
	for _, id := range voters {
		if k := c.files.courier(id); k != nil && k.bring(ref.Hash, there) {
			asked = append(asked, k)
		}
	}
	for ; need > 0; need-- {
		var err error
		select {
		case <-there:
			continue
		case <-ctx.Done():
			if err = ctx.Err(); errors.Is(err, context.DeadlineExceeded) {
				err = noQuorum()
			}
		case <-c.ctx.Done():
			err = stopping()
		case <-c.failed:
			err = stopping()
		}
		for _, k := range asked {
			k.leave(ref.Hash, there, false)
		}
		return err
	}
	for _, k := range asked {
		k.leave(ref.Hash, there, true)
	}
	return nil
}

// voters are the nodes whose majority decides.
func (c *Cluster) voters() []string {
	var out []string
	for _, s := range c.raft.GetConfiguration().Configuration().Servers {
		if s.Suffrage == raft.Voter {
			out = append(out, string(s.ID))
		}
	}
	return out
}

// OpenBlob opens a file by its hash. One that isn't here is got from another node first and checked. NotFound means that no
// node has it; NoQuorum that none that answers has it.
func (c *Cluster) OpenBlob(ctx context.Context, hash string) (io.ReadSeekCloser, int64, error) {
	h, err := blob.ParseHash(hash)
	if err != nil {
		return nil, 0, fileError(err)
	}
	f, size, err := c.files.store.Get(h)
	if errors.Is(err, blob.ErrNotFound) {
		if err = c.pull(ctx, h); err == nil {
			f, size, err = c.files.store.Get(h)
		}
	}
	if err != nil {
		return nil, 0, fileError(err)
	}
	return f, size, nil
}

// HasBlob reports whether this node has a file on its disk. What isn't a hash it hasn't.
func (c *Cluster) HasBlob(hash string) bool {
	h, err := blob.ParseHash(hash)
	if err != nil {
		return false
	}
	_, ok := c.files.store.Has(h)
	return ok
}

// scrub reads all files of this node, and gets those that are damaged from another.
func (c *Cluster) scrub(ctx context.Context, rest time.Duration) error {
	return c.files.store.Scrub(ctx, rest, func(r blob.Ref) {
		c.log.Error("a file is damaged on the disk and was set aside", "file", r.Hash.String())
		if err := c.pull(ctx, r.Hash); err != nil {
			c.log.Error("get a damaged file from another node", "file", r.Hash.String(), "err", err)
		}
	})
}

// fileError turns what went wrong with a file into a refusal, if it is one.
func fileError(err error) error {
	switch {
	case errors.Is(err, blob.ErrHash):
		return &desk.Error{Code: desk.Invalid, Field: "hash"}
	case errors.Is(err, blob.ErrTooLarge):
		return &desk.Error{Code: desk.Invalid, Field: "size"}
	case errors.Is(err, blob.ErrNotFound):
		return &desk.Error{Code: desk.NotFound, Field: "file"}
	case errors.Is(err, blob.ErrFull):
		return &desk.Error{Code: desk.Busy, Field: "disk"}
	}
	return err
}

// BlobDoor is the desk's files for doors, in words of the standard library alone. Its errors are PutBlob's and OpenBlob's.
type BlobDoor struct{ c *Cluster }

// Blobs returns the desk's files for doors.
func (c *Cluster) Blobs() *BlobDoor { return &BlobDoor{c} }

// Put keeps a file on a majority of the nodes and returns its hash, in hexadecimal digits, and its size.
func (b *BlobDoor) Put(ctx context.Context, r io.Reader, limit int64) (hash string, size int64, err error) {
	ref, err := b.c.PutBlob(ctx, r, limit)
	if err != nil {
		return "", 0, err
	}
	return ref.Hash.String(), ref.Size, nil
}

// Open opens a file and says how large it is. What it returns is an io.Seeker too.
func (b *BlobDoor) Open(ctx context.Context, hash string) (io.ReadCloser, int64, error) {
	f, size, err := b.c.OpenBlob(ctx, hash)
	if err != nil {
		return nil, 0, err
	}
	return f, size, nil
}
