// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
)

// sayTorn says that something stands behind the last entry after an unclean stop: a write that the stop cut short, which
// nobody was told of, or damage to writes that were synced. raft-wal takes both for the former. What the database has is
// compared with the log afterwards; what neither has is lost on a desk of one node, and comes from the others on a larger one.
func (c *Cluster) sayTorn() error {
	first, err := c.wal.FirstIndex()
	if err != nil {
		return err
	}
	last, err := c.wal.LastIndex()
	if err != nil || c.disk.keys.Clean(first, last) {
		return err
	}
	torn, err := tornBytes(c.disk.dir, c.wal, last)
	if err == nil && torn > 0 {
		c.log.Warn("the end of the log can't be read: a write that was cut short, or damage; on a desk of one node what stood there is lost",
			"sound up to entry", last, "bytes behind it", torn)
	}
	return err
}

// frameRest is what raft-wal writes behind the last bytes of an entry at most: what else belongs to the entry, padding, the
// frame of the commit.
const frameRest = 48

// tornBytes is how much of the log's last file stands behind its last entry. A log without entries in that file has no end
// that could be told from what was torn.
func tornBytes(dir string, w raft.LogStore, last uint64) (int, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil || len(files) == 0 {
		return 0, err
	}
	data, err := os.ReadFile(files[len(files)-1]) // named after their first entries
	if err != nil {
		return 0, fmt.Errorf("read the end of the log: %w", err)
	}
	var l raft.Log
	if err := w.GetLog(last, &l); err != nil || len(l.Data) == 0 {
		return 0, nil // what is wrong with it is found when the log is read
	}
	i := bytes.LastIndex(data, l.Data)
	if i < 0 {
		return 0, nil
	}
	return max(0, len(bytes.TrimRight(data, "\x00"))-i-len(l.Data)-frameRest), nil
}
