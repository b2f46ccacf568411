// SPDX-License-Identifier: Apache-2.0

package web

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Buckets is a set of token buckets, one per key (a network, a chat). A bucket that has filled up again is forgotten, so
// that the set stays as small as the number of those who were busy lately. Safe for concurrent use.
type Buckets struct {
	every time.Duration // one token comes back per this time
	burst int

	mu    sync.Mutex
	m     map[string]*rate.Limiter
	swept time.Time
}

// NewBuckets makes buckets of burst tokens, of which one comes back per every.
func NewBuckets(every time.Duration, burst int) *Buckets {
	return &Buckets{every: every, burst: burst, m: make(map[string]*rate.Limiter)}
}

// Take takes a token of the key's bucket. With none left it answers how long until the next one.
func (b *Buckets) Take(key string) (ok bool, wait time.Duration) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep(now)
	l := b.m[key]
	if l == nil {
		l = rate.NewLimiter(rate.Every(b.every), b.burst)
		b.m[key] = l
	}
	r := l.ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return false, wait
	}
	return true, 0
}

// sweep forgets full buckets, at most once in the time that an empty one takes to fill.
func (b *Buckets) sweep(now time.Time) {
	if now.Sub(b.swept) < b.every*time.Duration(b.burst) {
		return
	}
	b.swept = now
	for k, l := range b.m {
		if l.TokensAt(now) >= float64(b.burst) {
			delete(b.m, k)
		}
	}
}

// Slots counts what each key holds at once (a network's open sockets). Safe for concurrent use.
type Slots struct {
	limit int
	mu    sync.Mutex
	m     map[string]int
}

// NewSlots allows each key limit slots.
func NewSlots(limit int) *Slots { return &Slots{limit: limit, m: make(map[string]int)} }

// Take holds a slot until release is called, once or more often. Without a free one ok is false.
func (s *Slots) Take(key string) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m[key] >= s.limit {
		return nil, false
	}
	s.m[key]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.m[key]--; s.m[key] == 0 {
			delete(s.m, key)
		}
	}), true
}
