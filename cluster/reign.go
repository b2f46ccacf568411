// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster/desk"
)

// reign is one term in which this node leads and is ready to take commands.
type reign struct {
	term uint64
	ctx  context.Context // ends with the reign

	mu    sync.Mutex // held from the stamp of a command until raft has it, so that stamps never go back in the log
	clock clock
	pace  pace
}

// clock is the time of the desk: only the leader has one. It begins at the last stamp of the log or the wall clock,
// whichever is later, and goes on by the monotonic clock, so that it neither jumps nor goes back.
type clock struct {
	base  desk.Time
	since time.Time
}

func (c clock) now() desk.Time { return c.base.Add(time.Since(c.since)) }

// now is the desk's time in this reign.
func (g *reign) now() desk.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.clock.now()
}

// watchReign follows this node's elections, and does a leader's work while it leads.
func (c *Cluster) watchReign() {
	end := func() {}
	defer func() { end() }()
	retry := make(chan struct{}, 1)
	for {
		leads := false
		select {
		case leads = <-c.raft.LeaderCh():
		case <-retry:
			leads = c.raft.State() == raft.Leader
		case <-c.ctx.Done():
			return
		}
		end()
		end = func() {}
		if !leads {
			continue
		}
		g, stop, err := c.ascend()
		if err != nil {
			c.log.Debug("elected, but not for long", "err", err)
			if c.raft.State() == raft.Leader && c.ctx.Err() == nil && !c.broken() {
				poke(retry)
			}
			continue
		}
		end = c.govern(g, stop)
	}
}

// ascend waits until this node has applied all that was committed before its election, and sets the clock.
func (c *Cluster) ascend() (*reign, context.CancelFunc, error) {
	term, err := c.barrier()
	if err != nil {
		return nil, nil, err
	}
	var last desk.Time
	err = c.store.View(c.ctx, func(src desk.Source) (err error) {
		last, err = desk.LastStamp(src)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	g := &reign{term: term}
	now := desk.At(c.cfg.Now()).Add(c.heard.drift())
	if last > now.Add(time.Second) {
		c.log.Warn("the desk's clock is ahead of this node's; it goes on from there", "ahead", last.Sub(now).String())
	}
	g.clock = clock{base: max(last, now), since: time.Now()}
	var stop context.CancelFunc
	g.ctx, stop = context.WithCancel(c.ctx)
	return g, stop, nil
}

// barrier puts an entry without data into the log and waits until it is applied here. It returns the entry's term.
func (c *Cluster) barrier() (uint64, error) {
	mark, number, done := c.pending.expect()
	defer c.pending.forget(number)
	term := c.raft.CurrentTerm()
	c.raft.ApplyLog(raft.Log{Extensions: mark}, 0)
	tick := time.NewTicker(pauseMost)
	defer tick.Stop()
	for {
		select {
		case r := <-done:
			return r.term, r.err
		case <-tick.C:
			if c.raft.State() != raft.Leader || c.raft.CurrentTerm() != term {
				return 0, raft.ErrLeadershipLost
			}
		case <-c.ctx.Done():
			return 0, c.ctx.Err()
		case <-c.failed:
			return 0, errFailed
		}
	}
}

// govern begins a reign; the function returned ends it and waits until its work has stopped.
func (c *Cluster) govern(g *reign, stop context.CancelFunc) (end func()) {
	c.log.Info("this node leads", "term", g.term)
	c.reign.Store(g)
	c.changed.raise()
	var work sync.WaitGroup
	for _, task := range []func(*reign){c.fireTimers, c.checkDigests, c.expire, c.setCalendars, c.watchNodes, c.tend} {
		work.Go(func() { task(g) })
	}
	return func() {
		c.reign.Store(nil)
		stop()
		c.changed.raise()
		work.Wait()
		c.log.Info("this node leads no more", "term", g.term)
	}
}

// Lead runs f whenever this node leads, until ctx ends. The context of f ends with the term; f should return then, and
// is not run again before it has. When f returns early it is not run again in that term. Lead returns ctx's error, or
// the first one of f that isn't due to the end of its term.
func (c *Cluster) Lead(ctx context.Context, f func(ctx context.Context, term uint64) error) error {
	var served uint64
	for {
		changed := c.changed.next()
		if g := c.reign.Load(); g != nil && g.term != served {
			served = g.term
			if err := c.during(ctx, g, f); err != nil {
				return err
			}
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ctx.Done():
			return stopping()
		}
	}
}

func (c *Cluster) during(ctx context.Context, g *reign, f func(ctx context.Context, term uint64) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	err := f(ctx, g.term)
	if g.ctx.Err() != nil && (errors.Is(err, context.Canceled) || isCode(err, desk.NoQuorum)) {
		return nil // what the end of the term causes
	}
	return err
}

// leaderWatch is who leads, as far as this node knows.
type leaderWatch struct {
	mu     sync.Mutex
	id     string
	ctx    context.Context // ends when somebody else leads
	cancel context.CancelFunc
}

// watchLeader keeps the leader's name.
func (c *Cluster) watchLeader(changes <-chan raft.Observation) {
	for {
		c.noteLeader()
		select {
		case <-changes:
		case <-c.ctx.Done():
			return
		}
	}
}

// noteLeader looks who leads, and wakes those who wait for a change.
func (c *Cluster) noteLeader() {
	_, now := c.raft.LeaderWithID()
	l := &c.lead
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx != nil && l.id == string(now) {
		return
	}
	if l.cancel != nil {
		l.cancel()
	}
	l.id = string(now)
	l.ctx, l.cancel = context.WithCancel(c.ctx)
	c.changed.raise()
}

// leader returns who leads, "" if nobody is known to, and a context that ends when that changes.
func (c *Cluster) leader() (string, context.Context) {
	l := &c.lead
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx == nil {
		return "", c.ctx
	}
	return l.id, l.ctx
}
