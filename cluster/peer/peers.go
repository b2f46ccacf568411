// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"net"

	"refdesk/cluster/wire"
)

// removedText is what a node reads that calls after it was removed.
const removedText = "this node was removed from the desk"

// SetPeers says who the other nodes are from now on, host:port by id, and who was removed from the desk. Connections with
// those that are peers no more end.
func (p *Port) SetPeers(peers map[string]string, removed []string) {
	p.mu.Lock()
	for _, id := range removed {
		p.gone[id] = true
	}
	var ended []*way
	for id, w := range p.peers {
		if _, ok := peers[id]; !ok || p.gone[id] {
			delete(p.peers, id)
			ended = append(ended, w)
		}
	}
	for c, from := range p.conns {
		if from != "" && p.gone[from] {
			c.Close()
		}
	}
	for id, addr := range peers {
		if id == p.cfg.ID || p.gone[id] {
			continue
		}
		if p.peers[id] == nil && p.ctx.Err() == nil {
			p.peers[id] = p.begin(id)
		}
		if w := p.peers[id]; w != nil {
			w.addr = addr
		}
	}
	p.mu.Unlock()
	for _, w := range ended {
		w.end()
		w.link.close()
	}
}

// begin makes the way to a node.
func (p *Port) begin(id string) *way {
	ctx, cancel := context.WithCancel(p.ctx)
	w := &way{
		link:  &link{port: p, ctx: ctx, to: id},
		hints: &hints{port: p, ctx: ctx, to: id, queue: make(chan wire.Hint, hintQueue)},
		blobs: make(chan struct{}, blobLimit),
		end:   cancel,
	}
	p.wg.Go(w.hints.run)
	return w
}

// way returns the way to a node, nil if it is none of ours.
func (p *Port) way(id string) *way {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peers[id]
}

// address is where a node is reached, "" if it is none of ours.
func (p *Port) address(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.peers[id]; w != nil {
		return w.addr
	}
	return ""
}

// known reports whether a node may call: those that were removed may, to be told so.
func (p *Port) known(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peers[id] != nil || p.gone[id] || p.welcome
}

// Welcome says whether nodes of the desk may call that this one doesn't know yet.
func (p *Port) Welcome(all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.welcome = all
}

// from notes whose connection it is. It reports false for a node that was removed.
func (p *Port) from(c net.Conn, id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone[id] {
		return false
	}
	p.conns[c] = id
	return true
}
