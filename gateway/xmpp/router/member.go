// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"slices"
	"sync"

	"refdesk/cluster/desk"
	"refdesk/gateway"
	"refdesk/gateway/xmpp/c2s"
)

// maxJobs is how many jobs may wait for a member. Beyond it its sessions are ended: their clients sign in again and get
// what they have not got.
const maxJobs = 4096

// member is an account that has sessions on this node.
type member struct {
	r       *Router
	account string
	actor   desk.Actor

	starting sync.Mutex // held while the member is attached
	detach   func()     // nil until attached
	cancel   context.CancelFunc

	mu      sync.Mutex
	jobs    []func(context.Context)
	wake    chan struct{}
	clients []*client
	refs    int // guarded by Router.mu

	// What follows belongs to the member's goroutine.
	seq    uint64            // of the last event taken
	items  map[string]uint64 // the contact list as it was pushed last: the hash of the item's XML by address
	mine   map[uint64]bool   // chats that the account has a part in
	opened map[uint64]bool   // tickets that the account has opened and that aren't its own
	recent []desk.Time       // rings of the last minute

	bundled desk.Time // when rings were bundled last
}

var _ gateway.Account = (*member)(nil)

// enter returns the account's member and keeps it until leave.
func (r *Router) enter(ctx context.Context, account string) (*member, error) {
	r.mu.Lock()
	m := r.members[account]
	if m == nil {
		m = &member{
			r: r, account: account, actor: desk.StaffActor(account, ""), wake: make(chan struct{}, 1),
			items: map[string]uint64{}, mine: map[uint64]bool{}, opened: map[uint64]bool{},
		}
		r.members[account] = m
	}
	m.refs++
	r.mu.Unlock()
	if err := m.start(ctx); err != nil {
		r.leave(m)
		return nil, err
	}
	return m, nil
}

// start attaches the member to the events and starts its goroutine, once.
func (m *member) start(ctx context.Context) error {
	m.starting.Lock()
	defer m.starting.Unlock()
	if m.detach != nil {
		return nil
	}
	at, detach, err := m.r.events.Attach(ctx, m.account, m)
	if err != nil {
		return err
	}
	m.detach, m.seq = detach, at.Seq
	work, cancel := context.WithCancel(m.r.ctx)
	m.cancel = cancel
	m.r.work.Go(func() { m.run(work) })
	return nil
}

// leave ends what enter began. The last one to leave ends the member.
func (r *Router) leave(m *member) {
	r.mu.Lock()
	m.refs--
	last := m.refs == 0
	if last {
		delete(r.members, m.account)
	}
	r.mu.Unlock()
	if !last {
		return
	}
	m.starting.Lock()
	defer m.starting.Unlock()
	if m.detach != nil {
		m.detach()
		m.cancel()
	}
}

// run does the member's jobs, one at a time, in order.
func (m *member) run(ctx context.Context) {
	for {
		m.mu.Lock()
		jobs := m.jobs
		m.jobs = nil
		m.mu.Unlock()
		for _, job := range jobs {
			if ctx.Err() != nil {
				return
			}
			job(ctx)
		}
		if len(jobs) > 0 {
			continue
		}
		select {
		case <-m.wake:
		case <-ctx.Done():
			return
		}
	}
}

// post queues a job.
func (m *member) post(job func(context.Context)) {
	m.mu.Lock()
	m.jobs = append(m.jobs, job)
	over := len(m.jobs) > maxJobs
	if over {
		m.jobs = nil
	}
	clients := m.clients
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
	if over {
		for _, c := range clients {
			c.s.Close(c2s.ResourceConstraint)
		}
	}
}

// await does a job in the member's goroutine and waits for its end.
func (m *member) await(ctx context.Context, job func(context.Context)) {
	done := make(chan struct{})
	m.post(func(work context.Context) {
		defer close(done)
		job(work)
	})
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Happened takes events from the dispatcher.
func (m *member) Happened(events []desk.Event) {
	events = slices.Clone(events)
	m.post(func(ctx context.Context) {
		for _, e := range events {
			m.seq = e.Seq
			m.take(ctx, e)
		}
	})
}

// Lost starts the account's sessions anew: their clients sign in again and read everything.
func (m *member) Lost(at desk.Cursor) {
	m.post(func(context.Context) {
		m.seq = at.Seq
		for _, c := range m.all() {
			c.s.Close(c2s.Reset)
		}
	})
}

func (m *member) add(c *client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clients = append(slices.Clone(m.clients), c)
}

func (m *member) drop(c *client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clients = slices.DeleteFunc(slices.Clone(m.clients), func(o *client) bool { return o == c })
}

// all lists the account's clients. The slice is not changed any more.
func (m *member) all() []*client {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clients
}

// reachable lists those that take messages: they have sent presence, with a priority that isn't negative (RFC 6121 §8.5.2).
func (m *member) reachable() []*client {
	var out []*client
	for _, c := range m.all() {
		if c.takes() {
			out = append(out, c)
		}
	}
	return out
}

// view reads as the account.
func (m *member) view(ctx context.Context, f func(desk.Reader) error) error {
	err := m.r.store.View(ctx, m.actor, f)
	if err != nil && ctx.Err() == nil {
		m.r.log.Debug("read for a member of staff", "staff", m.account, "err", err)
	}
	return err
}
