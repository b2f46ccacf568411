// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster/blob"
	"refdesk/cluster/desk"
)

// How the leader looks after the members.
const (
	tendEvery  = 250 * time.Millisecond
	changeTime = 10 * time.Second // for a change of raft's members
	nearEnough = 1024             // log entries that a node may be behind when it gets a vote
)

// tend brings raft's members to what the records say: nodes that were admitted come in without a vote, those that have
// caught up and serve get one, those that were removed go. Each step can be repeated by the next leader. It also raises
// the feature level once every node knows it.
func (c *Cluster) tend(g *reign) {
	c.endRecovery(g)
	for ok := true; ok; ok = pauseFor(g.ctx, tendEvery) {
		var nodes []*desk.Node
		var gone []*desk.Node
		err := c.View(g.ctx, c.self(), func(r desk.Reader) (err error) {
			if nodes, err = r.Nodes(); err == nil {
				gone, err = r.RemovedNodes()
			}
			return err
		})
		if err == nil {
			c.raiseLevel(g, nodes)
		}
		if err == nil && c.port != nil {
			err = c.change(g, nodes, gone)
		}
		if err != nil && g.ctx.Err() == nil {
			c.log.Warn("change the desk's nodes", "err", err)
			pauseFor(g.ctx, time.Second)
		}
	}
}

// change does one step, if there is one to do.
func (c *Cluster) change(g *reign, nodes, gone []*desk.Node) error {
	servers := c.servers()
	for _, n := range gone {
		id := n.ID
		if _, ok := servers[id]; !ok {
			continue
		}
		if id == c.cfg.ID {
			return settle(g.ctx, c.raft.LeadershipTransfer()) // somebody else takes us out
		}
		c.log.Info("a node is taken out", "node", id)
		return wrap("take out", id, settle(g.ctx, c.raft.RemoveServer(raft.ServerID(id), 0, changeTime)))
	}
	for _, n := range nodes {
		voter, in := servers[n.ID]
		if !in && n.Key != "" {
			c.log.Info("a node comes in, without a vote yet", "node", n.ID, "address", n.Address)
			return wrap("take in", n.ID, settle(g.ctx, c.raft.AddNonvoter(raft.ServerID(n.ID), raft.ServerAddress(n.ID), 0, changeTime)))
		}
		if in && !voter && c.ripe(n) {
			c.log.Info("a node gets a vote", "node", n.ID)
			return wrap("give a vote to", n.ID, settle(g.ctx, c.raft.AddVoter(raft.ServerID(n.ID), raft.ServerAddress(n.ID), 0, changeTime)))
		}
	}
	return nil
}

func wrap(what, id string, err error) error {
	if err != nil {
		return fmt.Errorf("%s node %s: %w", what, id, err)
	}
	return nil
}

// ripe reports whether a node may vote: it serves, is heard, has nearly all of the log, and has this node's files.
func (c *Cluster) ripe(n *desk.Node) bool {
	s, silent, ok := c.heard.of(n.ID, time.Now())
	if n.Down || !ok || silent > 2*pingEvery || s.applied+nearEnough < c.raft.CommitIndex() {
		return false
	}
	return c.shared.with(c, n.ID)
}

// raiseLevel turns features on that every node knows.
func (c *Cluster) raiseLevel(g *reign, nodes []*desk.Node) {
	level, known := c.cfg.level(), map[string]bool{}
	for _, n := range nodes {
		level = min(level, n.Level)
		known[n.ID] = true
	}
	for id := range c.servers() {
		if !known[id] {
			return // it hasn't said yet
		}
	}
	var has uint64
	err := c.read(g.ctx, func(src desk.Source) (err error) {
		has, err = desk.FeatureLevel(src)
		return err
	})
	if err == nil && level > has {
		if _, ok := c.order(g.ctx, &desk.RaiseLevel{Level: level}); ok {
			c.log.Info("every node knows a higher feature level; it holds from now on", "level", level)
		}
	}
}

// sharing is with which nodes this one has shared all its files since they came in.
type sharing struct {
	mu   sync.Mutex
	done map[string]bool
	busy map[string]bool
}

// with reports whether a node has all files of this one. If it doesn't, they are on their way from now on.
func (s *sharing) with(c *Cluster, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done[id] || s.busy[id] {
		return s.done[id]
	}
	if s.done == nil {
		s.done, s.busy = map[string]bool{}, map[string]bool{}
	}
	s.busy[id] = true
	c.wg.Go(func() {
		_, err := c.bringAll(c.ctx, id, func(int, int) {})
		if err != nil && c.ctx.Err() == nil {
			c.log.Warn("bring all files to a node", "node", id, "err", err)
			pauseFor(c.ctx, time.Second)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.done[id], s.busy[id] = err == nil, false
	})
	return false
}

// bringAll brings every file of this node to another one, and returns how many that one lacked.
func (c *Cluster) bringAll(ctx context.Context, to string, tell func(looked, all int)) (int, error) {
	var all []blob.Ref
	err := c.files.store.Walk(func(r blob.Ref) error {
		all = append(all, r)
		return ctx.Err()
	})
	brought := 0
	for i, r := range all {
		if err != nil {
			break
		}
		if brought, err = c.bringOne(ctx, to, r.Hash, brought); err != nil {
			err = fmt.Errorf("file %s: %w", r.Hash, err)
		}
		tell(i+1, len(all))
	}
	return brought, err
}

func (c *Cluster) bringOne(ctx context.Context, to string, h blob.Hash, brought int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, pushTime)
	defer cancel()
	if _, has, err := c.port.HasBlob(ctx, to, h); err != nil || has {
		return brought, err
	}
	return brought + 1, c.port.PushBlob(ctx, to, h)
}
