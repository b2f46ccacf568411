// SPDX-License-Identifier: Apache-2.0

// Package cluster is one replicated desk as its doors see it: a desk.Store.
//
// Commands go into a raft log, are applied on every node by desk.Apply to one SQLite file (cluster/store), and are
// answered when the leader has applied them. A node that doesn't lead hands commands over to the one that does
// (cluster/peer). The leader alone stamps commands with the time, fires timers, and notices nodes that went silent.
//
// DESIGN.md says how, and why not otherwise.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"refdesk/cluster/desk"
	"refdesk/cluster/peer"
	"refdesk/cluster/store"
)

// Cluster is this node's part of a desk. It implements desk.Store.
type Cluster struct {
	cfg     Config
	log     *slog.Logger
	store   *store.Store
	wal     *wal.WAL
	disk    *disk
	purging sync.Mutex // held by a purge
	snaps   *snapshots
	raft    *raft.Raft
	trans   io.Closer
	port    *peer.Port // nil on a desk of one that can't grow
	hub     *hub
	files   *files

	witnesses witnesses     // of a digest check that somebody asked for here
	checkNow  chan struct{} // somebody asks for a digest check
	erased    chan struct{} // something was taken out of the records for good
	room      room

	ctx    context.Context // ends with the node
	cancel context.CancelFunc
	wg     sync.WaitGroup
	closed chan struct{} // Close is done
	once   sync.Once     // of Close
	endErr error

	failed   chan struct{} // closed at the first error that the node can't go on with
	failOnce sync.Once
	failErr  error

	reign   atomic.Pointer[reign] // this node's leadership, nil when it doesn't lead
	pending *pending
	changed *signal // who leads has changed
	lead    leaderWatch
	heard   *heard
	members chan struct{} // the desk's nodes may be others now
	shared  sharing       // with which nodes this one has shared all its files
	down    chan struct{} // the desk may have given this node up
	up      chan struct{} // closed when this node's first NodeUp is committed
	copies  atomic.Uint64 // of the database, installed since the start
	entries atomic.Uint64 // commands applied since the start
	seq     atomic.Uint64 // of the last event applied here
}

var _ desk.Store = (*Cluster)(nil)

// Open opens the node's data, or makes a new desk if there is none, and joins in: it votes, leads if it is elected, applies
// and serves. Errors are sentences that say what to do. Whoever opens calls Run or Close.
func Open(cfg Config) (_ *Cluster, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	c := &Cluster{
		cfg: cfg, log: cfg.Log, hub: newHub(), pending: newPending(), changed: newSignal(), heard: newHeard(),
		failed: make(chan struct{}), closed: make(chan struct{}), down: make(chan struct{}, 1), up: make(chan struct{}),
		checkNow: make(chan struct{}, 1),
		members:  make(chan struct{}, 1), erased: make(chan struct{}, 1),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, c.release())
		}
	}()
	if err := c.tidy(); err != nil {
		return nil, err
	}
	if c.store, err = store.Open(cfg.Dir); err != nil {
		return nil, err
	}
	if err := errors.Join(c.openFiles(), c.openLog()); err != nil {
		return nil, err
	}
	if err := c.openRaft(); err != nil {
		return nil, err
	}
	c.start()
	return c, nil
}

// openLog opens the log of commands.
func (c *Cluster) openLog() (err error) {
	if c.disk, err = openDisk(c.cfg, c.fail); err != nil {
		return err
	}
	c.wal = c.disk.WAL
	return c.sayTorn()
}

// openRaft checks that log, database and marker fit together, and starts raft.
func (c *Cluster) openRaft() error {
	snapshots, err := openSnapshots(c.cfg.Dir, c.store)
	if err != nil {
		return err
	}
	c.snaps = snapshots
	if err := c.begin(); err != nil {
		return err
	}
	newest := snapshots.newest()
	if err := errors.Join(c.checkFit(newest), c.checkMembers(), c.checkLevel()); err != nil {
		return err
	}
	conf := c.cfg.raft(c.alone())
	conf.NoSnapshotRestoreOnStart = newest == nil || c.store.Applied().Index >= newest.Applied
	cache, err := raft.NewLogCache(1024, c.disk)
	if err != nil {
		return err
	}
	trans, err := c.transport(conf)
	if err != nil {
		return err
	}
	if err := c.read(c.ctx, func(src desk.Source) error {
		at, err := desk.Seq(src)
		c.seq.Store(at.Seq)
		return err
	}); err != nil {
		return err
	}
	exists, err := raft.HasExistingState(cache, c.disk, snapshots)
	if err == nil && !exists && c.cfg.Joined == nil {
		err = raft.BootstrapCluster(conf, cache, c.disk, snapshots, trans, c.cfg.servers())
	}
	if err != nil {
		return fmt.Errorf("the log in %s: %w", c.cfg.Dir, err)
	}
	c.raft, err = raft.NewRaft(conf, &machine{c}, cache, c.disk, snapshots, trans)
	if err != nil {
		return fmt.Errorf("start from the log in %s: %w", c.cfg.Dir, err)
	}
	return nil
}

// transportTimeout bounds one exchange between two nodes' rafts.
const transportTimeout = 5 * time.Second

// transport makes the way to the other nodes; on a desk of one without a port it leads nowhere.
func (c *Cluster) transport(conf *raft.Config) (raft.Transport, error) {
	if c.cfg.Listener == nil {
		_, t := raft.NewInmemTransport(raft.ServerAddress(c.cfg.ID))
		c.trans = t
		return t, nil
	}
	b, err := c.book()
	if err != nil {
		return nil, err
	}
	c.port = peer.Open(peer.Config{
		ID: c.cfg.ID, Listener: c.cfg.Listener, Peers: b.peers, Identity: c.cfg.Identity, Log: c.log,
		Forwarded: c.forwarded, Hinted: c.hinted, Blobs: c.files.store, Removed: c.removed, Joining: c.cfg.Joining,
	})
	c.carry(b)
	t := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: c.port.Raft(), MaxPool: 3, Timeout: transportTimeout, Logger: conf.Logger, MsgpackUseNewTimeFormat: true,
	})
	c.trans = t
	return t, nil
}

// start starts what runs beside raft.
func (c *Cluster) start() {
	observations := make(chan raft.Observation, 64)
	observer := raft.NewObserver(observations, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	c.raft.RegisterObserver(observer)
	c.wg.Go(func() { c.watchLeader(observations) })
	c.wg.Go(c.watchReign)
	if !c.cfg.Learning {
		c.wg.Go(c.announce)
	}
	c.wg.Go(c.watchDisk)
	c.wg.Go(c.watchReserve)
	c.wg.Go(c.purgeErased)
	c.wg.Go(c.lookAtFiles)
	if c.port != nil {
		c.wg.Go(c.ping)
		c.wg.Go(c.watchMembers)
	}
}

// Ready is closed when this node takes part: the desk has a leader and knows that this node is up. Doors open then.
func (c *Cluster) Ready() <-chan struct{} { return c.up }

// Run waits until ctx ends or something happens that the node can't go on with, and closes it. The error is a sentence.
func (c *Cluster) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		if !c.broken() {
			c.handOver()
			return c.Close()
		}
	case <-c.failed:
	case <-c.closed:
		return c.endErr
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.silence()
		if err := c.Close(); err != nil {
			c.log.Debug("close after a failure", "err", err)
		}
	}()
	select { // a disk that hangs would hold us for ever
	case <-done:
	case <-time.After(transportTimeout):
	}
	return c.failErr
}

// silence ends all traffic with the other nodes. A leader whose disk hangs can't be shut down, but keeps sending heartbeats:
// the others would wait for it for ever.
func (c *Cluster) silence() {
	if c.port == nil {
		return
	}
	c.raft.Shutdown() // not waited for; proposals that raft has no time to take come back
	if err := c.port.Close(); err != nil {
		c.log.Debug("end the traffic with the other nodes", "err", err)
	}
}

// handOver gives the leadership away, so that the others need not wait to notice.
func (c *Cluster) handOver() {
	if c.port == nil || len(c.voters()) < 2 || c.reign.Swap(nil) == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := settle(ctx, c.raft.LeadershipTransfer()); err != nil {
		c.log.Debug("hand the leadership over", "err", err)
	}
}

// fail stops the node: its log or database can't be trusted any more.
func (c *Cluster) fail(err error) {
	c.failOnce.Do(func() {
		if errors.Is(err, ErrLeft) {
			c.log.Info("the node stops", "why", err)
		} else {
			c.log.Error("the node stops", "err", err)
		}
		c.failErr = err
		close(c.failed)
	})
}

// broken reports whether the node has failed.
func (c *Cluster) broken() bool {
	select {
	case <-c.failed:
		return true
	default:
		return false
	}
}

// Close leaves the desk and closes the data. It may be called twice, and at any time.
func (c *Cluster) Close() error {
	c.once.Do(func() {
		c.endErr = c.release()
		close(c.closed)
	})
	<-c.closed
	return c.endErr
}

// endRaft ends raft. Its wait is bounded: two goroutines of one of raft's pipelines can wait for each other for ever when the
// pipe is full at the end of a term (netPipeline.AppendEntries, v1.8.0). They hold nothing, and end with the process.
func (c *Cluster) endRaft() error {
	ctx, cancel := context.WithTimeout(context.Background(), transportTimeout)
	defer cancel()
	err := settle(ctx, c.raft.Shutdown())
	if ctx.Err() != nil {
		c.log.Warn("raft does not end; it is left")
		return nil
	}
	return err
}

// release closes whatever Open has opened so far.
func (c *Cluster) release() error {
	c.cancel()
	if c.files != nil {
		c.files.stop()
	}
	var errs []error
	if c.raft != nil {
		errs = append(errs, c.endRaft())
	}
	if c.port != nil {
		errs = append(errs, c.port.Close())
	} else if c.cfg.Listener != nil {
		_ = c.cfg.Listener.Close()
	}
	if c.trans != nil {
		errs = append(errs, c.trans.Close())
	}
	c.wg.Wait()
	if c.snaps != nil {
		c.snaps.close()
	}
	switch {
	case c.disk != nil:
		errs = append(errs, c.disk.close(c.raft != nil && !c.broken()))
	case c.wal != nil:
		errs = append(errs, c.wal.Close())
	}
	if c.store != nil {
		errs = append(errs, c.store.Close())
	}
	return errors.Join(errs...)
}
