// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"slices"
	"sync"

	"refdesk/cluster/desk"
)

// rung is the token of a ring: when a client has it, acknowledged (XEP-0198 §4) or written to its socket, the desk is told.
type rung struct{ chat uint64 }

// receipts tells the desk that rings were received. One account's clients get a ring together and the desk asks only whether
// one of them has it, so that one command stands for all; where it knows already, there is none.
type receipts struct {
	r    *Router
	wake chan struct{}

	mu      sync.Mutex
	pending map[heard]string // a session of the account that has the ring
}

type heard struct {
	chat    uint64
	account string
}

func newReceipts(r *Router) *receipts {
	return &receipts{r: r, wake: make(chan struct{}, 1), pending: map[heard]string{}}
}

// note keeps that a session has the ring of a chat. It does not block.
func (p *receipts) note(chat uint64, account, session string) {
	p.mu.Lock()
	p.pending[heard{chat, account}] = session
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *receipts) run(ctx context.Context) {
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return
		}
		for h, session := range p.wanted(ctx) {
			// A receipt that can't be committed in time is of no use later: nobody repeats it.
			_, err := p.r.store.Do(ctx, desk.Request{Actor: p.r.node, Command: &desk.RingReceived{Chat: h.chat, Session: session}})
			if err != nil && ctx.Err() == nil {
				p.r.log.Debug("a ring's receipt was not taken", "chat", h.chat, "staff", h.account, "err", err)
			}
		}
	}
}

// wanted takes what is pending and drops what the desk knows, or has no use for any more.
func (p *receipts) wanted(ctx context.Context) map[heard]string {
	p.mu.Lock()
	out := p.pending
	p.pending = map[heard]string{}
	p.mu.Unlock()
	err := p.r.store.View(ctx, p.r.node, func(r desk.Reader) error {
		for k := range out {
			h, err := r.Chat(k.chat)
			if err != nil || h.State != desk.Waiting || !slices.Contains(h.Rung, k.account) || slices.Contains(h.Heard, k.account) {
				delete(out, k)
			}
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return out
}
