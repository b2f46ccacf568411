// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster/wire"
)

// spareTime is how long a copy that could not be delivered is kept for the next attempt. Raft opens a snapshot before it
// dials, and tries a node that is away every ten seconds.
const spareTime = time.Minute

// fullCopy is a copy of the database made to be sent. Its file has no name any more and is gone with the last user.
type fullCopy struct {
	meta *raft.SnapshotMeta
	head []byte
	file *os.File
	size int64
}

// copyFrom makes a copy of the database as it is now, which is newer than the marker, or takes one just made in vain.
func (n *snapshots) copyFrom(k *marker) (*raft.SnapshotMeta, io.ReadCloser, error) {
	c := n.takeSpare()
	if c == nil {
		var err error
		if c, err = n.makeCopy(k); err != nil {
			return nil, nil, err
		}
	}
	body := io.NewSectionReader(c.file, 0, c.size)
	return c.meta, &sending{of: n, copy: c, r: io.MultiReader(bytes.NewReader(c.head), body)}, nil
}

func (n *snapshots) makeCopy(k *marker) (*fullCopy, error) {
	path := n.path("send-" + strconv.FormatUint(n.count.Add(1), 10) + ".db")
	a, err := n.store.Copy(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err := errors.Join(err, os.Remove(path)); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	now := *k
	if a.Index > k.Index {
		now.Index, now.Term = a.Index, a.Term
	}
	if a.ConfigIndex > k.ConfigIndex {
		now.ConfigIndex, now.Config = a.ConfigIndex, raft.DecodeConfiguration(a.Config)
	}
	c := &fullCopy{head: wire.AppendSnapshot(nil, wire.Snapshot{Index: a.Index, Term: a.Term, Size: info.Size()}), file: f, size: info.Size()}
	c.meta = now.meta(int64(len(c.head)) + c.size)
	return c, nil
}

// takeSpare returns the copy that is kept, if there is one.
func (n *snapshots) takeSpare() *fullCopy {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.spare
	n.spare = nil
	return c
}

// keepSpare keeps a copy for a while.
func (n *snapshots) keepSpare(c *fullCopy) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.spare != nil || n.closed {
		c.file.Close()
		return
	}
	n.spare = c
	if n.expiry != nil {
		n.expiry.Stop()
	}
	n.expiry = time.AfterFunc(spareTime, n.dropSpare)
}

func (n *snapshots) dropSpare() {
	if c := n.takeSpare(); c != nil {
		c.file.Close()
	}
}

// close gives back what is kept.
func (n *snapshots) close() {
	n.mu.Lock()
	n.closed = true
	if n.expiry != nil {
		n.expiry.Stop()
	}
	n.mu.Unlock()
	n.dropSpare()
}

// sending is a copy on its way to another node.
type sending struct {
	of   *snapshots
	copy *fullCopy
	r    io.Reader
	read bool
	done bool
}

// Read gives the frame and then the database.
func (s *sending) Read(p []byte) (int, error) {
	s.read = true
	return s.r.Read(p)
}

// Close ends it. A copy of which nothing was read is kept for the next attempt.
func (s *sending) Close() error {
	if s.done {
		return nil
	}
	s.done = true
	if !s.read {
		s.of.keepSpare(s.copy)
		return nil
	}
	return s.copy.file.Close()
}
