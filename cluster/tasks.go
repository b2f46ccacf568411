// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"time"

	"refdesk/cluster/desk"
)

// What a leader does by the clock.
const (
	firesAtOnce  = 64
	checkEvery   = 1000 // log entries between two checks of the digest
	expireEvery  = time.Hour
	expireFirst  = time.Minute // after the election
	refreshEvery = 24 * time.Hour
	retryTask    = 10 * time.Second
)

// self is this node as an actor.
func (c *Cluster) self() desk.Actor { return desk.NodeActor(c.cfg.ID) }

// order proposes a command of the node's own. It reports whether it was accepted; a refusal is logged.
func (c *Cluster) order(ctx context.Context, command desk.Command) (desk.Reply, bool) {
	reply, err := c.Do(ctx, desk.Request{Actor: c.self(), Command: command})
	if err != nil && ctx.Err() == nil && !isCode(err, desk.NoQuorum) && !isCode(err, desk.Stopping) {
		c.log.Warn("the desk refused an order of its own", "command", command.CommandName(), "err", err)
	}
	return reply, err == nil
}

// fireTimers proposes Fire for each timer as it falls due.
func (c *Cluster) fireTimers(g *reign) {
	wake, stop := c.hub.listen(desk.TopicAll())
	defer stop()
	for {
		var due []desk.Due
		err := c.read(g.ctx, func(src desk.Source) (err error) {
			due, err = desk.NextDue(src, firesAtOnce)
			return err
		})
		sleep := time.Minute
		if err == nil {
			sleep, err = c.fire(g, due, sleep)
		}
		if g.ctx.Err() != nil {
			return
		}
		if err != nil {
			c.log.Warn("read the timers", "err", err)
			sleep = time.Second
		}
		timer := time.NewTimer(sleep)
		select {
		case <-timer.C:
		case <-wake:
		case <-g.ctx.Done():
		}
		timer.Stop()
	}
}

// fire proposes those that are due and returns how long the next one takes, at most most.
func (c *Cluster) fire(g *reign, due []desk.Due, most time.Duration) (time.Duration, error) {
	for _, d := range due {
		if wait := d.At.Sub(g.now()); wait > 0 {
			return min(wait, most), nil
		}
		if _, ok := c.order(g.ctx, &desk.Fire{Due: d}); !ok {
			return time.Second, g.ctx.Err()
		}
	}
	if len(due) == firesAtOnce {
		return 0, nil
	}
	return most, nil
}

// checkDigests compares the nodes' records every so many entries.
func (c *Cluster) checkDigests(g *reign) {
	wake, stop := c.hub.listen(desk.TopicAll())
	defer stop()
	last := c.entries.Load()
	for {
		asked := false
		select {
		case <-wake:
		case <-c.checkNow:
			asked = true
		case <-g.ctx.Done():
			return
		}
		if c.entries.Load()-last < checkEvery && !asked {
			continue
		}
		last = c.entries.Load()
		var check *desk.CheckDigest
		err := c.read(g.ctx, func(src desk.Source) (err error) {
			check, err = desk.NextCheck(src)
			return err
		})
		if err == nil {
			c.order(g.ctx, check)
		}
	}
}

// expire deletes hourly what has outlived its use.
func (c *Cluster) expire(g *reign) {
	for wait := expireFirst; pauseFor(g.ctx, wait); wait = expireEvery {
		for {
			reply, ok := c.order(g.ctx, &desk.Expire{})
			if !ok || reply.Value != "more" {
				break
			}
		}
	}
}

// setCalendars brings the calendars up to date daily.
func (c *Cluster) setCalendars(g *reign) {
	if c.cfg.Calendars == nil {
		return
	}
	for {
		wait := refreshEvery
		commands, err := c.cfg.Calendars(g.ctx, g.now().Std())
		if err != nil && g.ctx.Err() == nil {
			c.log.Warn("make the calendars", "err", err)
			wait = retryTask
		}
		for _, x := range commands {
			if _, ok := c.order(g.ctx, x); !ok {
				wait = retryTask
			}
		}
		if !pauseFor(g.ctx, wait) {
			return
		}
	}
}

// pauseFor waits, and reports whether ctx still goes on.
func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
