// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster/desk"
)

// purgeTime bounds one purge whose caller sets no limit.
const purgeTime = 30 * time.Second

// How soon after an erasure a node purges, and how much time lies between two purges: one takes the log away, and a node that
// lags behind needs a copy of everything then.
const (
	purgeAfter = 2 * time.Second
	purgeEvery = 20 * time.Second
)

// purgeErased purges whenever something was erased, until it has.
func (c *Cluster) purgeErased() {
	for {
		select {
		case <-c.erased:
		case <-c.ctx.Done():
			return
		}
		if !pauseFor(c.ctx, purgeAfter) {
			return
		}
		if err := c.Purge(c.ctx); err != nil && c.ctx.Err() == nil {
			c.log.Warn("what was erased may still stand on this node's disk; it is tried again", "err", err)
			poke(c.erased)
		}
		if !pauseFor(c.ctx, purgeEvery) {
			return
		}
	}
}

// Purge makes what was erased up to now unreadable on this node: the database is folded, so that nothing of what was deleted
// lies in its write-ahead log; the log is cut to nothing; and the keys of all that was in it are destroyed. It needs a
// majority, for one entry.
func (c *Cluster) Purge(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, purgeTime)
		defer cancel()
	}
	c.purging.Lock()
	defer c.purging.Unlock()
	c.disk.keys.Turn()
	until := c.raft.LastIndex()
	if _, err := c.Do(ctx, desk.Request{Actor: c.self(), Command: &desk.Expire{}}); err != nil { // there has to be something new for a snapshot
		return fmt.Errorf("purge the log: %w", err)
	}
	trailing := c.raft.ReloadableConfig()
	cut := trailing
	cut.TrailingLogs = 0
	if err := c.raft.ReloadConfig(cut); err != nil {
		return fmt.Errorf("purge the log: %w", err)
	}
	defer func() {
		if err := c.raft.ReloadConfig(trailing); err != nil {
			c.log.Error("the log is kept too short", "err", err)
		}
	}()
	for {
		err := settle(ctx, c.raft.Snapshot())
		if err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) {
			c.log.Debug("a snapshot for a purge", "err", err)
		}
		if first, errFirst := c.wal.FirstIndex(); errFirst == nil && (first == 0 || first > until) {
			break
		}
		if !pauseFor(ctx, 50*time.Millisecond) {
			return fmt.Errorf("purge the log: %w", errors.Join(ctx.Err(), err))
		}
	}
	return c.store.Fold(ctx)
}
