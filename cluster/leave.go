// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"refdesk/cluster/desk"
)

// CanLeave says in a sentence why a node may not be taken out now: what is left would have no majority.
func (c *Cluster) CanLeave(ctx context.Context, id string) error {
	members, err := c.Members(ctx)
	if err != nil {
		return err
	}
	left, up := 0, 0
	var down []string
	found := false
	for _, m := range members {
		switch {
		case m.ID == id:
			found = true
		case !m.Voter:
		default:
			left++
			if m.Up {
				up++
			} else {
				down = append(down, m.ID)
			}
		}
	}
	switch {
	case !found:
		return &desk.Error{Code: desk.NotFound, Field: "node"}
	case left == 0:
		return fmt.Errorf("%s is the last node that votes, so that nothing would be left of the desk; to end it, stop the node", id)
	case up <= left/2:
		return fmt.Errorf("of the %d nodes that would be left to vote, %s can't be reached, and the desk would have no majority; start that first, or take it out first (refdesk leave --node %s)",
			left, strings.Join(down, ", "), down[0])
	}
	return nil
}

// ShareFiles brings this node's files to all others that vote, and says in a sentence for each what was done. Note is called
// with how many files were looked at of how many there are.
func (c *Cluster) ShareFiles(ctx context.Context, note func(what string, done, total int)) ([]string, error) {
	var done []string
	for _, to := range c.voters() {
		if to == c.cfg.ID {
			continue
		}
		n, err := c.bringAll(ctx, to, func(looked, all int) { note("bring the files to "+to, looked, all) })
		if err != nil {
			return done, fmt.Errorf("bring this node's files to %s: %w; start that node, then try again", to, err)
		}
		done = append(done, fmt.Sprintf("%s has all files (%d brought)", to, n))
	}
	return done, nil
}

// Leave takes a node out of the desk. Before this node itself goes it brings its files to those that stay, as far as they
// aren't there. It returns when the desk has decided; the node itself ends with ErrLeft, soon after.
func (c *Cluster) Leave(ctx context.Context, actor desk.Actor, id string) error {
	if err := c.CanLeave(ctx, id); err != nil {
		return err
	}
	if id == c.cfg.ID {
		if _, err := c.ShareFiles(ctx, func(string, int, int) {}); err != nil {
			return err
		}
	}
	_, err := c.Do(ctx, desk.Request{Actor: actor, Command: &desk.RemoveNode{Node: id}})
	return err
}

// WaitRemoved returns when raft has a node no more.
func (c *Cluster) WaitRemoved(ctx context.Context, id string) error {
	for {
		if _, ok := c.servers()[id]; !ok {
			return nil
		}
		if !pauseFor(ctx, pauseMost) {
			return ctx.Err()
		}
	}
}

// CatchUp waits until a node that learns has all of the log, and tells how far it is: entries applied of those there are.
func (c *Cluster) CatchUp(ctx context.Context, tell func(applied, last uint64)) error {
	for {
		s := c.stand()
		last := s.last
		for _, id := range c.files.others() {
			if other, silent, ok := c.heard.of(id, time.Now()); ok && silent < deafAfter {
				last = max(last, other.last)
			}
		}
		leader, _ := c.leader()
		tell(s.applied, last)
		if leader != "" && s.applied > 0 && s.applied+nearEnough/8 >= last && slices.Contains(c.begins(), c.cfg.ID) {
			return nil
		}
		select {
		case <-c.failed:
			return c.failErr
		default:
		}
		if !pauseFor(ctx, pauseMost) {
			return ctx.Err()
		}
	}
}
