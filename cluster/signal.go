// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"sync"

	"refdesk/cluster/desk"
)

// signal wakes all who wait for the next change.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

func newSignal() *signal { return &signal{ch: make(chan struct{})} }

// next returns a channel that is closed at the next change.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ch
}

func (s *signal) raise() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.ch)
	s.ch = make(chan struct{})
}

// hub wakes followers when events of their topic were applied. No event travels through it: a follower reads the store.
type hub struct {
	mu      sync.Mutex
	waiters map[desk.Topic]map[chan struct{}]struct{}
}

func newHub() *hub { return &hub{waiters: map[desk.Topic]map[chan struct{}]struct{}{}} }

// listen returns a channel that holds one token whenever something of the topic has come since the last look.
func (h *hub) listen(t desk.Topic) (wake chan struct{}, stop func()) {
	wake = make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiters[t] == nil {
		h.waiters[t] = map[chan struct{}]struct{}{}
	}
	h.waiters[t][wake] = struct{}{}
	return wake, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiters[t], wake)
		if len(h.waiters[t]) == 0 {
			delete(h.waiters, t)
		}
	}
}

// tell wakes the followers of every topic that one of the events belongs to.
func (h *hub) tell(events []desk.Event) {
	if len(events) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wake(desk.TopicAll())
	for _, e := range events {
		if e.Chat != 0 {
			h.wake(desk.TopicChat(e.Chat))
		}
		for _, a := range e.Audience.Staff {
			h.wake(desk.TopicAccount(a))
		}
		for _, d := range e.Audience.Departments {
			h.wake(desk.TopicDepartment(d))
		}
	}
}

// tellAll wakes every follower: the whole state may be another.
func (h *hub) tellAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for t := range h.waiters {
		h.wake(t)
	}
}

func (h *hub) wake(t desk.Topic) {
	for w := range h.waiters[t] {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}
