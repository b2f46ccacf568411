// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"refdesk/cluster/blob"
)

const (
	courierHands = 4    // files that one node gets at once
	courierLoad  = 4096 // files that wait for one node
	pushTime     = 10 * time.Minute
	pushFirst    = 50 * time.Millisecond // before the next attempt
	pushMost     = time.Second
)

// courier brings files to one other node, each until it is there or nobody wants it there any more. Every node has its own,
// so that one that hangs holds up nobody else.
type courier struct {
	c    *Cluster
	ctx  context.Context // ends when the node is none of ours any more
	end  context.CancelFunc
	to   string
	push func(context.Context, blob.Hash) error
	wake chan struct{}

	mu    sync.Mutex
	loads map[blob.Hash]*load
	line  []*load // those that nobody has in hand
}

// load is a file on its way.
type load struct {
	hash    blob.Hash
	waiting []chan<- struct{} // of those who count the nodes that have it
	owed    bool              // a majority has it: the node gets it even if nobody waits
	inHand  bool
}

func newCourier(c *Cluster, to string) *courier {
	ctx, end := context.WithCancel(c.ctx)
	return &courier{
		c: c, ctx: ctx, end: end, to: to, wake: make(chan struct{}, courierHands), loads: map[blob.Hash]*load{},
		push: func(ctx context.Context, h blob.Hash) error { return c.port.PushBlob(ctx, to, h) },
	}
}

// bring has a file brought and tells there, once, when it has come. There must have room for that. It reports false when
// too many wait already.
func (k *courier) bring(h blob.Hash, there chan<- struct{}) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.loads[h]
	if l == nil {
		if len(k.loads) >= courierLoad && !k.unload() {
			return false
		}
		l = &load{hash: h}
		k.loads[h] = l
		k.line = append(k.line, l)
	}
	l.waiting = append(l.waiting, there)
	select {
	case k.wake <- struct{}{}:
	default:
	}
	return true
}

// unload gives the oldest file up that nobody waits for. The node will get it when it is asked for it.
func (k *courier) unload() bool {
	i := slices.IndexFunc(k.line, func(l *load) bool { return len(l.waiting) == 0 })
	if i < 0 {
		return false
	}
	k.c.log.Warn("too many files wait for a node", "node", k.to, "file", k.line[i].hash.String())
	k.forget(k.line[i])
	return true
}

// leave says that there isn't told any more. With owed the file goes on its way nevertheless.
func (k *courier) leave(h blob.Hash, there chan<- struct{}, owed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.loads[h]
	if l == nil {
		return
	}
	l.owed = l.owed || owed
	if i := slices.Index(l.waiting, there); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	if !l.inHand && !l.owed && len(l.waiting) == 0 {
		k.forget(l)
	}
}

func (k *courier) forget(l *load) {
	delete(k.loads, l.hash)
	if i := slices.Index(k.line, l); i >= 0 {
		k.line = slices.Delete(k.line, i, i+1)
	}
}

// work brings one file after the other until the node stops.
func (k *courier) work() {
	pause := pushFirst
	for {
		l := k.next()
		if l == nil {
			return
		}
		ctx, cancel := context.WithTimeout(k.ctx, pushTime)
		err := k.push(ctx, l.hash)
		cancel()
		if errors.Is(err, blob.ErrDamaged) {
			// What came there isn't what the hash says. If it lies here like that, it is set aside.
			k.c.log.Error("a node got a damaged file", "node", k.to, "file", l.hash.String(), "here", k.c.files.store.Check(k.ctx, l.hash))
		}
		if k.done(l, err) {
			pause = pushFirst
			continue
		}
		k.c.log.Debug("bring a file to a node", "node", k.to, "file", l.hash.String(), "err", err)
		if !k.rest(pause) {
			return
		}
		pause = min(2*pause, pushMost)
	}
}

// next takes a file in hand, those first that somebody waits for. It returns nil when the node stops.
func (k *courier) next() *load {
	for {
		k.mu.Lock()
		if len(k.line) > 0 {
			i := max(0, slices.IndexFunc(k.line, func(l *load) bool { return len(l.waiting) > 0 }))
			l := k.line[i]
			k.line = slices.Delete(k.line, i, i+1)
			l.inHand = true
			k.mu.Unlock()
			return l
		}
		k.mu.Unlock()
		select {
		case <-k.wake:
		case <-k.ctx.Done():
			return nil
		}
	}
}

// done puts a file down. It reports whether it needs no further attempt.
func (k *courier) done(l *load, err error) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	l.inHand = false
	// Removed here, or damaged, here or in the other node's memory: another attempt helps nobody.
	hopeless := errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrDamaged)
	if err != nil && !hopeless && (l.owed || len(l.waiting) > 0) {
		k.line = append(k.line, l)
		return false
	}
	if err == nil {
		for _, there := range l.waiting {
			there <- struct{}{}
		}
	}
	k.forget(l)
	return true
}

// rest waits before the next attempt, less when somebody comes with a file. It reports whether the node goes on.
func (k *courier) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-k.wake:
	case <-k.ctx.Done():
		return false
	}
	return true
}
