// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/wire"
)

// pingEvery is how often a node tells the others that it is there, and what time it has.
const pingEvery = 500 * time.Millisecond

// pingKind marks the hints that the nodes themselves exchange.
const pingKind = "ping"

// ping tells the other nodes that this one is there.
func (c *Cluster) ping() {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		if err := c.port.Hint(wire.Hint{Kind: pingKind, Data: c.stand().append(nil)}); err != nil {
			c.log.Warn("tell the other nodes", "err", err)
		}
		c.heard.beat(time.Now())
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			return
		}
	}
}

// hinted takes what another node says.
func (c *Cluster) hinted(from string, h wire.Hint) {
	c.heard.note(from, time.Now())
	switch h.Kind {
	case pingKind:
	case askKind:
		c.testify(h.Data)
		return
	case tellKind:
		c.witnesses.hear(from, h.Data)
		return
	default:
		c.cfg.Hinted(from, h)
		return
	}
	if s, ok := readStand(h.Data); ok {
		c.heard.stands(from, s, time.UnixMilli(s.clock).Sub(c.cfg.Now()))
	}
}

// stand is where a node stands, as its pings tell the others.
type stand struct {
	clock         int64 // in Unix milliseconds
	applied, last uint64
	free          uint64 // bytes on the disk
}

func (c *Cluster) stand() stand {
	return stand{clock: c.cfg.Now().UnixMilli(), applied: c.raft.AppliedIndex(), last: c.raft.LastIndex(), free: freeBytes(c.cfg.Dir)}
}

func (s stand) append(b []byte) []byte {
	for _, v := range []uint64{uint64(s.clock), s.applied, s.last, s.free} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return b
}

// readStand reads a ping. Later programs may say more.
func readStand(b []byte) (stand, bool) {
	if len(b) < 32 {
		return stand{}, false
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	return stand{clock: int64(n(0)), applied: n(1), last: n(2), free: n(3)}, true
}

// Hint tells all other nodes something that may get lost. It never blocks.
func (c *Cluster) Hint(h wire.Hint) error {
	if c.port == nil {
		return wire.CheckHint(h)
	}
	return c.port.Hint(h)
}

// heard is what this node knows of the others by their pings.
type heard struct {
	mu     sync.Mutex
	last   map[string]time.Time
	ahead  map[string]time.Duration // of our wall clock
	stand  map[string]stand
	awake  time.Time // since when this process has been running without a gap
	beaten time.Time
}

func newHeard() *heard {
	now := time.Now()
	return &heard{last: map[string]time.Time{}, ahead: map[string]time.Duration{}, stand: map[string]stand{}, awake: now, beaten: now}
}

// beat notes that this process runs. After a gap, in which it could hear nobody, it has to listen afresh.
func (h *heard) beat(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(h.beaten) > 2*pingEvery {
		h.awake = now
	}
	h.beaten = now
}

func (h *heard) note(from string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last[from] = now
}

func (h *heard) stands(from string, s stand, ahead time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead[from], h.stand[from] = ahead, s
}

// of returns where a node stood when it was heard last, and how long ago that is; false if it never was.
func (h *heard) of(node string, now time.Time) (stand, time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	last, ok := h.last[node]
	return h.stand[node], now.Sub(last), ok
}

// silence is how long a node has said nothing that this process could have heard.
func (h *heard) silence(node string, now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	since := h.awake
	if last := h.last[node]; last.After(since) {
		since = last
	}
	return now.Sub(since)
}

// drift is how far the median of the nodes' wall clocks is ahead of ours.
func (h *heard) drift() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := []time.Duration{0}
	for node, d := range h.ahead {
		if time.Since(h.last[node]) < 10*pingEvery {
			all = append(all, d)
		}
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// watchNodes proposes NodeDown for nodes that have been silent too long.
func (c *Cluster) watchNodes(g *reign) {
	if c.port == nil {
		return
	}
	for pauseFor(g.ctx, pingEvery/2) {
		var nodes []*desk.Node
		var most time.Duration
		err := c.View(g.ctx, c.self(), func(r desk.Reader) (err error) {
			if most, err = r.Clock(desk.ClockNodeDown); err != nil {
				return err
			}
			nodes, err = r.Nodes()
			return err
		})
		if err != nil {
			continue
		}
		for _, n := range nodes {
			if n.ID == c.cfg.ID || n.Down || c.heard.silence(n.ID, time.Now()) < most {
				continue
			}
			c.log.Warn("a node is silent", "node", n.ID, "for", most.String())
			c.order(g.ctx, &desk.NodeDown{Node: n.ID, Incarnation: n.Incarnation})
		}
	}
}

// announce tells the desk that this node is up: at the start, and whenever the desk has given it up.
func (c *Cluster) announce() {
	incarnation := ""
	for {
		if incarnation == "" || c.givenUp(incarnation) {
			incarnation = rand.Text()
			if !c.sayUp(incarnation) {
				return
			}
		}
		select {
		case <-c.up:
		default:
			close(c.up)
		}
		select {
		case <-c.down:
		case <-c.ctx.Done():
			return
		}
	}
}

// sayUp proposes NodeUp until it is accepted, and waits until that is applied here. It reports false at the node's end.
func (c *Cluster) sayUp(incarnation string) bool {
	for c.ctx.Err() == nil && !c.broken() {
		sessions, chats := c.cfg.Live()
		ctx, cancel := context.WithTimeout(c.ctx, patience)
		reply, ok := c.order(ctx, &desk.NodeUp{
			Node: c.cfg.ID, Incarnation: incarnation, Sessions: sessions, Chats: chats,
			Address: c.cfg.Address, URL: c.cfg.URL, Level: c.cfg.level(),
		})
		if ok {
			ok = c.WaitApplied(ctx, reply.Seq) == nil
		}
		cancel()
		if ok {
			return true
		}
		if !pauseFor(c.ctx, pauseMost) {
			break
		}
	}
	return false
}

// givenUp reports whether the desk takes this node's process for gone.
func (c *Cluster) givenUp(incarnation string) bool {
	gone := false
	err := c.View(c.ctx, c.self(), func(r desk.Reader) error {
		nodes, err := r.Nodes()
		for _, n := range nodes {
			if n.ID == c.cfg.ID {
				gone = n.Down || n.Incarnation != incarnation
			}
		}
		return err
	})
	return err == nil && gone
}
