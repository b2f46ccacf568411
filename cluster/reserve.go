// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster/blob"
	"refdesk/cluster/desk"
)

// DefaultReserve is how much of the disk a node keeps free for its log, in bytes.
const DefaultReserve = blob.Reserve

const (
	reserveEvery = time.Second      // how often the disk is looked at
	reserveAgain = 30 * time.Second // how often a full node warns, and one that leads tries to hand over
	handingTime  = 3 * time.Second  // how long proposals wait for another leader before they are refused
)

// room is whether this node's disk has the reserve. Below it the node takes no proposals: a log that can't be written stops
// the node, and it is better to say no while reading goes on.
type room struct {
	full   atomic.Bool
	mu     sync.Mutex // held by whoever looks
	warned time.Time
	tried  atomic.Int64 // when it was tried to hand over, in Unix nanoseconds
}

// watchReserve looks how much of the disk is free.
func (c *Cluster) watchReserve() {
	if c.cfg.Reserve < 0 {
		return
	}
	for {
		c.lookAtDisk()
		if !pauseFor(c.ctx, reserveEvery) {
			return
		}
	}
}

// lookAtDisk notes whether the reserve is there. It is back when a little more than that is free, so that the node doesn't
// change its mind with every write.
func (c *Cluster) lookAtDisk() {
	c.room.mu.Lock()
	defer c.room.mu.Unlock()
	free, err := c.cfg.free(c.cfg.Dir)
	if log, errLog := c.cfg.free(c.disk.dir); errLog == nil {
		free = min(free, log) // the log may have a disk of its own
	}
	if err != nil {
		c.log.Warn("look at the disk", "err", err)
		return
	}
	was := c.room.full.Load()
	switch {
	case free < c.cfg.Reserve:
		if !was || time.Since(c.room.warned) >= reserveAgain {
			c.room.warned = time.Now()
			c.log.Warn("the disk is nearly full: this node takes nothing in; make room", "dir", c.cfg.Dir, "free MB", free>>20, "reserve MB", c.cfg.Reserve>>20)
		}
		c.leaveLead()
		c.room.full.Store(true)
	case was && free >= c.cfg.Reserve+c.cfg.Reserve/16:
		c.room.full.Store(false)
		c.log.Info("the disk has room again", "free MB", free>>20)
		c.changed.raise()
	}
}

// leaveLead hands the leadership to another node, if there is one that takes it.
func (c *Cluster) leaveLead() {
	if c.port == nil || c.raft.State() != raft.Leader || !c.room.trying().Before(time.Now().Add(-reserveAgain)) {
		return
	}
	c.room.tried.Store(time.Now().UnixNano())
	c.wg.Go(func() {
		if err := settle(c.ctx, c.raft.LeadershipTransfer()); err != nil && c.ctx.Err() == nil {
			c.log.Warn("no other node takes the leadership", "err", err)
		}
	})
}

func (r *room) trying() time.Time { return time.Unix(0, r.tried.Load()) }

// refused says whether a command is refused for want of room on the disk of the node that leads, and whether it is to wait
// because another node is about to lead. Nodes that come and go are noted all the same: without that no door opens, and
// people couldn't even read.
func (c *Cluster) refused(command desk.Command) (refuse, wait bool) {
	if !c.room.full.Load() {
		return false, false
	}
	switch command.(type) {
	case *desk.NodeUp, *desk.NodeDown:
		return false, false
	}
	return true, c.port != nil && time.Since(c.room.trying()) < handingTime
}

// noRoom is the refusal.
func noRoom() *desk.Error { return &desk.Error{Code: desk.NoQuorum, Field: "disk"} }
