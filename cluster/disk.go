// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"refdesk/cluster/store"
	"refdesk/cluster/wire"
)

// disk is the log and the stable store of raft. Raft itself goes on after a failed write, as a leader that is elected again
// and again; here the first one stops the node.
type disk struct {
	*wal.WAL
	dir   string
	fail  func(error)
	since atomic.Int64 // when the write that is under way began, in Unix nanoseconds; 0 = none
}

// hangs is how long a write may take. A node whose disk hangs would lead for ever: its heartbeats go on.
const hangs = 5 * time.Second

func (d *disk) write(what string, f func() error) error {
	d.since.Store(time.Now().UnixNano())
	err := f()
	d.since.Store(0)
	switch {
	case err == nil, errors.Is(err, wal.ErrClosed):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		err = fmt.Errorf("the disk that holds %s is full: %s: %w; make room, then start again", d.dir, what, err)
	default:
		err = fmt.Errorf("%s in %s: %w; look at the disk, then start again", what, d.dir, err)
	}
	d.fail(err)
	return err
}

// StoreLog writes one entry.
func (d *disk) StoreLog(l *raft.Log) error { return d.StoreLogs([]*raft.Log{l}) }

// StoreLogs writes entries, with one sync for all.
func (d *disk) StoreLogs(logs []*raft.Log) error {
	return d.write("write the log", func() error { return d.WAL.StoreLogs(logs) })
}

// DeleteRange cuts entries off, at the front after a snapshot or at the end when another leader decided otherwise.
func (d *disk) DeleteRange(first, last uint64) error {
	return d.write("cut the log", func() error { return d.WAL.DeleteRange(first, last) })
}

// Set keeps a value, such as the vote.
func (d *disk) Set(key, value []byte) error {
	return d.write("write the vote", func() error { return d.WAL.Set(key, value) })
}

// SetUint64 keeps a number, such as the term.
func (d *disk) SetUint64(key []byte, value uint64) error {
	return d.write("write the term", func() error { return d.WAL.SetUint64(key, value) })
}

// GetLog reads an entry.
func (d *disk) GetLog(index uint64, l *raft.Log) error {
	err := d.WAL.GetLog(index, l)
	if err != nil && !errors.Is(err, raft.ErrLogNotFound) && !errors.Is(err, wal.ErrClosed) {
		d.fail(fmt.Errorf("the log in %s is damaged: entry %d: %w; join the desk again with an empty directory", d.dir, index, err))
	}
	return err
}

// watchDisk stops the node when a write hangs.
func (c *Cluster) watchDisk() {
	tick := time.NewTicker(hangs / 10)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			return
		}
		if since := c.disk.since.Load(); since != 0 && time.Since(time.Unix(0, since)) > hangs {
			c.fail(fmt.Errorf("a write to the log in %s has not ended within %s; look at the disk, then start again", c.disk.dir, hangs))
			return
		}
	}
}

const rejoin = "empty the directory and join the desk again with a new id, or restore a backup"

// checkFit refuses a log, a database and a marker that are not of one piece: one of them was lost, exchanged or taken back.
func (c *Cluster) checkFit(newest *marker) error {
	last, err := c.wal.LastIndex()
	if err != nil {
		return fmt.Errorf("the log in %s: %w", c.disk.dir, err)
	}
	applied := c.store.Applied()
	if newest != nil && newest.Copy == "" && applied.Index < newest.Applied {
		return fmt.Errorf("the database in %s is lost or too old: it ends at entry %d, before %d, which it once held; %s",
			c.cfg.Dir, applied.Index, newest.Applied, rejoin)
	}
	if newest != nil && last < newest.Index {
		// A copy was received. Raft drops the log then, since it must have no gaps, but may have had no time to.
		if err := c.dropLog(last); err != nil {
			return err
		}
		last = newest.Index
	}
	if err := c.mendMarker(newest, applied); err != nil {
		return err
	}
	term, err := c.wal.GetUint64([]byte("CurrentTerm")) // raft's own key
	if err != nil {
		return fmt.Errorf("the log in %s: %w", c.disk.dir, err)
	}
	if last < applied.Index || term < applied.Term {
		return fmt.Errorf("the log in %s is lost or cut off: it ends at entry %d of term %d, and the database has entry %d of term %d; %s",
			c.cfg.Dir, last, term, applied.Index, applied.Term, rejoin)
	}
	return c.scanLog(applied.Index)
}

// mendMarker makes a new marker of the database where the log begins behind the one there is: raft reads the log from its
// snapshot on. A database that doesn't reach the log either is refused.
func (c *Cluster) mendMarker(newest *marker, applied store.Applied) error {
	first, err := c.wal.FirstIndex()
	if err != nil {
		return fmt.Errorf("the log in %s: %w", c.disk.dir, err)
	}
	var from uint64
	if newest != nil {
		from = newest.Index
	}
	if first <= from+1 {
		return nil
	}
	if applied.Index+1 < first || applied.ConfigIndex == 0 {
		return fmt.Errorf("the log in %s begins at entry %d, and the database ends at %d; %s", c.cfg.Dir, first, applied.Index, rejoin)
	}
	return c.snaps.keep(&marker{
		Version: markerVersion, ID: fmt.Sprintf("mended-%d", applied.Index), Index: applied.Index, Term: applied.Term, Applied: applied.Index,
		Config: raft.DecodeConfiguration(applied.Config), ConfigIndex: applied.ConfigIndex,
	})
}

// checkMembers refuses a configuration that names other nodes than the desk has: two halves would each be a desk.
func (c *Cluster) checkMembers() error {
	a := c.store.Applied()
	if a.ConfigIndex == 0 {
		return nil // a new desk
	}
	var has []string
	for _, s := range raft.DecodeConfiguration(a.Config).Servers {
		has = append(has, string(s.ID))
	}
	slices.Sort(has)
	if want := c.cfg.members(); !slices.Equal(has, want) {
		return fmt.Errorf("the desk in %s has the nodes %v, and the configuration names %v; name those that it has", c.cfg.Dir, has, want)
	}
	return nil
}

// dropLog removes all entries up to last.
func (c *Cluster) dropLog(last uint64) error {
	first, err := c.wal.FirstIndex()
	if err == nil && first > 0 {
		err = c.wal.DeleteRange(first, last)
	}
	if err != nil {
		return fmt.Errorf("drop the old log in %s: %w", c.disk.dir, err)
	}
	return nil
}

// scanLog reads every entry that is still to be applied. raft-wal has no checksums on reads; the commands' frames have.
func (c *Cluster) scanLog(applied uint64) error {
	first, err := c.wal.FirstIndex()
	if err != nil {
		return err
	}
	last, err := c.wal.LastIndex()
	if err != nil {
		return err
	}
	for i := max(first, applied+1); i <= last && i > 0; i++ {
		var l raft.Log
		err := c.wal.GetLog(i, &l)
		if err == nil && l.Index != i {
			err = fmt.Errorf("it calls itself %d", l.Index)
		}
		if err == nil && l.Type == raft.LogCommand && len(l.Data) > 0 {
			_, _, _, err = wire.Split(l.Data)
		}
		if err != nil {
			return fmt.Errorf("the log in %s is damaged: entry %d: %w; join the desk again with an empty directory", c.disk.dir, i, err)
		}
	}
	return nil
}
