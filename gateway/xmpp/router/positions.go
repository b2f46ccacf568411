// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"sync"
	"time"

	"refdesk/cluster/desk"
)

// positionEvery is the shortest time between two rounds of commits. What clients acknowledged within it and a node's death
// comes to them once more, with its time.
const positionEvery = 250 * time.Millisecond

// positions commits how far the accounts' clients have come, gathered.
type positions struct {
	r    *Router
	wake chan struct{}

	mu      sync.Mutex
	pending map[string]uint64 // by account
}

func newPositions(r *Router) *positions {
	return &positions{r: r, wake: make(chan struct{}, 1), pending: map[string]uint64{}}
}

// note keeps that a client of the account has everything up to seq.
func (p *positions) note(account string, seq uint64) {
	p.mu.Lock()
	p.pending[account] = max(p.pending[account], seq)
	p.mu.Unlock()
	p.flush()
}

// flush wakes the round.
func (p *positions) flush() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *positions) run(ctx context.Context) {
	tick := time.NewTicker(positionEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return
		}
		for account, seq := range p.taken() {
			_, err := p.r.store.Do(ctx, desk.Request{Actor: p.r.node, Command: &desk.MovePosition{Account: account, Seq: seq}})
			if err != nil && ctx.Err() == nil && undecided(err) {
				p.note(account, seq) // it only ever moves on, so that a repeat does no harm
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (p *positions) taken() map[string]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.pending
	p.pending = map[string]uint64{}
	return out
}
