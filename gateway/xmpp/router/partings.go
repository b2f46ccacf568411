// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"errors"
	"sync"
	"time"

	"refdesk/cluster/desk"
)

// How long partings waits.
const (
	partingRetry  = time.Second      // before a commit that failed is tried again
	partingUnless = 60 * time.Second // for a client to repeat a bind whose outcome nobody knows
)

// partings closes on the desk the sessions that are over here, until each is closed.
type partings struct {
	r    *Router
	wake chan struct{}

	mu  sync.Mutex
	due map[string]time.Time // by session: not before
}

func newPartings(r *Router) *partings {
	return &partings{r: r, wake: make(chan struct{}, 1), due: map[string]time.Time{}}
}

// now closes a session.
func (p *partings) now(session string) { p.at(session, time.Time{}) }

// unless closes a session whose opening failed, unless the client repeats it with success meanwhile.
func (p *partings) unless(session string) { p.at(session, time.Now().Add(partingUnless)) }

func (p *partings) at(session string, t time.Time) {
	p.mu.Lock()
	p.due[session] = t
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *partings) run(ctx context.Context) {
	for {
		wait := p.round(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-p.wake:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// round closes what is due and says how long until the next.
func (p *partings) round(ctx context.Context) time.Duration {
	wait := time.Hour
	for id, at := range p.waiting() {
		if left := time.Until(at); left > 0 {
			wait = min(wait, left)
			continue
		}
		if !at.IsZero() && p.r.bound(id) {
			p.done(id)
			continue
		}
		_, err := p.r.store.Do(ctx, desk.Request{Actor: p.r.node, Command: &desk.CloseSession{ID: id}})
		if err == nil || !undecided(err) {
			p.done(id)
		} else {
			wait = min(wait, partingRetry)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return wait
}

func (p *partings) waiting() map[string]time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[string]time.Time, len(p.due))
	for id, at := range p.due {
		out[id] = at
	}
	return out
}

func (p *partings) done(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.due, id)
}

// bound reports whether a session is one of this node's.
func (r *Router) bound(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clients[id] != nil || r.opening[id]
}

// undecided reports whether an error leaves open what became of a command.
func undecided(err error) bool {
	var refused *desk.Error
	return !errors.As(err, &refused) || refused.Code == desk.NoQuorum || refused.Code == desk.Stopping
}
