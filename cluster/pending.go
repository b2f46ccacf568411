// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// pending is the commands that this process has put into the log and whose results it waits for. Each log entry carries
// the process's nonce and a number, and the state machine hands its result to whoever waits for that number. Raft's own
// futures would not do: those that are queued when raft shuts down are never answered.
type pending struct {
	nonce [8]byte

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan result
}

func newPending() *pending {
	p := &pending{waiting: map[uint64]chan result{}}
	_, _ = rand.Read(p.nonce[:]) // never fails
	return p
}

// expect returns the mark of the next entry and where its result will come.
func (p *pending) expect() (mark []byte, number uint64, done <-chan result) {
	ch := make(chan result, 1)
	p.mu.Lock()
	p.last++
	number = p.last
	p.waiting[number] = ch
	p.mu.Unlock()
	return binary.BigEndian.AppendUint64(p.nonce[:len(p.nonce):len(p.nonce)], number), number, ch
}

// forget is for whoever waits no longer.
func (p *pending) forget(number uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, number)
}

// settle hands over the result of the entry with a mark, if this process waits for it.
func (p *pending) settle(mark []byte, r result) {
	if len(mark) != 16 || [8]byte(mark) != p.nonce {
		return
	}
	number := binary.BigEndian.Uint64(mark[8:])
	p.mu.Lock()
	defer p.mu.Unlock()
	if ch := p.waiting[number]; ch != nil {
		ch <- r
		delete(p.waiting, number)
	}
}
