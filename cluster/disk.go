// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/segment"

	"refdesk/cluster/seal"
	"refdesk/cluster/store"
	"refdesk/cluster/wire"
)

// disk is the log and the stable store of raft. Raft itself goes on after a failed write, as a leader that is elected again
// and again; here the first one stops the node. Entries lie sealed in it.
type disk struct {
	*wal.WAL
	keys  *seal.Epochs
	dir   string
	fail  func(error)
	start time.Time    // of the clock by which writes are timed; a step of the wall clock doesn't matter to it
	since atomic.Int64 // when the write that is under way began, by that clock; 0 = none
}

// now is the time since start, never 0.
func (d *disk) now() time.Duration { return time.Since(d.start) + 1 }

// hangs is how long a write may take. A node whose disk hangs would lead for ever: its heartbeats go on.
const hangs = 5 * time.Second

func (d *disk) write(what string, f func() error) error {
	d.since.Store(int64(d.now()))
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
	return d.write("write the log", func() error {
		sealed := make([]*raft.Log, len(logs))
		for i, l := range logs {
			var err error
			if sealed[i], err = d.keys.Seal(l); err != nil {
				return err
			}
		}
		return d.WAL.StoreLogs(sealed)
	})
}

// DeleteRange cuts entries off, at the front after a snapshot or at the end when another leader decided otherwise. The keys
// that no entry needs any more are destroyed.
func (d *disk) DeleteRange(first, last uint64) error {
	return d.write("cut the log", func() error {
		if err := d.WAL.DeleteRange(first, last); err != nil {
			return err
		}
		begins, err := d.WAL.FirstIndex()
		if err != nil {
			return err
		}
		if begins == 0 {
			begins = math.MaxUint64 // nothing is left
		}
		return d.keys.Trim(begins)
	})
}

// Set keeps a value, such as the vote.
func (d *disk) Set(key, value []byte) error {
	return d.write("write the vote", func() error { return d.WAL.Set(key, value) })
}

// SetUint64 keeps a number, such as the term.
func (d *disk) SetUint64(key []byte, value uint64) error {
	return d.write("write the term", func() error { return d.WAL.SetUint64(key, value) })
}

// read reads an entry and checks that it is what was written. raft-wal itself has no checksums on reads.
func (d *disk) read(index uint64, l *raft.Log) error {
	if err := d.WAL.GetLog(index, l); err != nil {
		return err
	}
	if l.Index != index {
		return fmt.Errorf("it calls itself %d", l.Index)
	}
	err := d.keys.Open(l)
	if errors.Is(err, seal.ErrNoKey) {
		// raft-wal finds entries that were cut off at the front as long as their file is there.
		if first, err := d.WAL.FirstIndex(); err == nil && (index < first || first == 0) {
			return raft.ErrLogNotFound
		}
	}
	return err
}

// close closes the log, and notes that it was closed in order unless the node has failed.
func (d *disk) close(whole bool) error {
	first, err := d.WAL.FirstIndex()
	last, errLast := d.WAL.LastIndex()
	if err := errors.Join(err, errLast, d.WAL.Close()); err != nil {
		return err
	}
	if !whole {
		return nil
	}
	return d.keys.Close(first, last)
}

// GetLog reads an entry.
func (d *disk) GetLog(index uint64, l *raft.Log) error {
	err := d.read(index, l)
	if err != nil && !errors.Is(err, raft.ErrLogNotFound) && !errors.Is(err, wal.ErrClosed) {
		d.fail(fmt.Errorf("the log in %s is damaged: entry %d: %w; %s", d.dir, index, err, rejoin))
	}
	return err
}

// peek reads an entry without stopping the node if it can't be read.
func (d *disk) peek(index uint64, l *raft.Log) error { return d.read(index, l) }

// turnEvery is how long an epoch lasts at most.
const turnEvery = time.Hour

// watchDisk stops the node when a write hangs, and turns the log's keys.
func (c *Cluster) watchDisk() {
	tick := time.NewTicker(hangs / 10)
	defer tick.Stop()
	var w watch
	for turned := time.Now(); ; {
		if time.Since(turned) > turnEvery {
			c.disk.keys.Turn()
			turned = time.Now()
		}
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			return
		}
		if w.hung(c.disk.now(), time.Duration(c.disk.since.Load())) {
			c.fail(fmt.Errorf("a write to the log in %s has not ended within %s; look at the disk, then start again", c.disk.dir, hangs))
			return
		}
	}
}

// openDisk opens a node's log and the keys that it is sealed with. Fail is told what the node can't go on with.
func openDisk(cfg Config, fail func(error)) (*disk, error) {
	dir := filepath.Join(cfg.Dir, "log")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the log: %w; change the owner of %s", err, cfg.Dir)
	}
	files := cfg.files
	if files == nil {
		files = fs.New()
	}
	w, err := wal.Open(dir, wal.WithLogger(newLogger(cfg.Log)), wal.WithSegmentSize(cfg.segment), wal.WithSegmentFiler(segment.NewFiler(dir, files)))
	if err != nil {
		return nil, fmt.Errorf("the log in %s can't be read: %w; restore a backup, or join the desk again with an empty directory", dir, err)
	}
	last, err := w.LastIndex()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the log in %s: %w", dir, err), w.Close())
	}
	keys, err := seal.OpenEpochs(filepath.Join(cfg.Dir, "epochs"), cfg.Key, last)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if was := keys.Ended(); last < was {
		err = fmt.Errorf("the log in %s is lost or cut off: it ends at entry %d, and it had %d when it was closed; %s", dir, last, was, rejoin)
	} else {
		err = keys.Begin()
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return &disk{WAL: w, keys: keys, dir: dir, fail: fail, start: time.Now()}, nil
}

// watch tells a disk that hangs from a process that was stopped, or a machine that slept: then no write could end.
type watch struct {
	last  time.Duration // when it looked last
	awake time.Duration // since when it has looked without a gap
}

// hung reports whether the write that began at since, 0 = none, has been under way for too long.
func (w *watch) hung(now, since time.Duration) bool {
	if now-w.last > hangs/2 && w.last != 0 {
		w.awake = now
	}
	w.last = now
	return since != 0 && now-max(since, w.awake) > hangs
}

// rejoin is what helps a node whose data can't be trusted.
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
	if last < applied.Index && c.alone() {
		return fmt.Errorf("the log in %s is lost or cut off: it ends at entry %d, and the database has %d; what the desk acknowledged after that may be lost; restore a backup",
			c.cfg.Dir, last, applied.Index)
	}
	if last < applied.Index || term < applied.Term {
		return fmt.Errorf("the log in %s is lost or cut off: it ends at entry %d of term %d, and the database has entry %d of term %d; %s",
			c.cfg.Dir, last, term, applied.Index, applied.Term, rejoin)
	}
	return c.scanLog(min(applied.Index, newest.end()))
}

// mendMarker makes a new marker of the database where the log begins behind the one there is: raft reads the log from its
// snapshot on. A database that doesn't reach the log either is refused.
func (c *Cluster) mendMarker(newest *marker, applied store.Applied) error {
	first, err := c.wal.FirstIndex()
	if err != nil {
		return fmt.Errorf("the log in %s: %w", c.disk.dir, err)
	}
	if first <= newest.end()+1 {
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

// dropLog removes all entries up to last.
func (c *Cluster) dropLog(last uint64) error {
	first, err := c.wal.FirstIndex()
	if err == nil && first > 0 {
		err = c.disk.DeleteRange(first, last)
	}
	if err != nil {
		return fmt.Errorf("drop the old log in %s: %w", c.disk.dir, err)
	}
	return nil
}

// scanLog reads every entry behind a given one, and after an unclean stop every entry there is. Raft itself reads from its
// snapshot on when it starts, and would not end with a sentence.
func (c *Cluster) scanLog(after uint64) error {
	first, err := c.wal.FirstIndex()
	if err != nil {
		return err
	}
	last, err := c.wal.LastIndex()
	if err != nil {
		return err
	}
	from := first
	if c.disk.keys.Clean(first, last) {
		from = max(first, after+1)
	}
	for i := from; i <= last && i > 0; i++ {
		var l raft.Log
		err := c.disk.read(i, &l)
		if err == nil && l.Type == raft.LogCommand && len(l.Data) > 0 {
			_, _, _, err = wire.Split(l.Data)
		}
		if err != nil {
			return fmt.Errorf("the log in %s is damaged: entry %d: %w; %s", c.disk.dir, i, err, rejoin)
		}
	}
	if first == 0 {
		first = last + 1
	}
	return c.disk.keys.Trim(first)
}
