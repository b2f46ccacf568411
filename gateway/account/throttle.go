// SPDX-License-Identifier: Apache-2.0

package account

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// Figures of the throttle. Device passwords can't be guessed; this keeps guessing from costing anything, and those who
// mistype once or whose client retries an old password from noticing.
const (
	freeFailures   = 3                      // without any delay
	firstDelay     = 500 * time.Millisecond // doubles with each further failure
	longestDelay   = 8 * time.Second        // between two attempts
	trustedDelay   = 2 * time.Second        // the longest wait of a network that signed in lately; it is never refused
	longestWait    = 15 * time.Second       // attempts that would wait longer, being many at a time, are refused
	failureMemory  = 15 * time.Minute       // after the last failure
	trustMemory    = 30 * 24 * time.Hour    // after the last login
	throttleMemory = 8192                   // entries, of failures and of trust each
)

var errTooMany = errors.New("too many attempts at a time")

// source is what failures are counted by.
type source struct {
	account string
	network netip.Prefix
}

// throttle spaces out the attempts of those who failed. Its memory is bounded; failures never push out trust.
type throttle struct {
	mu       sync.Mutex
	failures *recent[*failures]
	trusted  *recent[time.Time] // last login
}

type failures struct {
	n    int
	last time.Time
	next time.Time // when the next attempt may begin
}

func newThrottle() *throttle {
	return &throttle{failures: newRecent[*failures](throttleMemory), trusted: newRecent[time.Time](throttleMemory)}
}

// begin waits for the turn of an attempt.
func (t *throttle) begin(ctx context.Context, account string, network netip.Prefix) (*attempt, error) {
	if len(account) > 256 {
		account = account[:256] // nobody has such a name
	}
	a := &attempt{t: t, source: source{account, network}}
	wait, err := t.reserve(a.source)
	if err != nil {
		return nil, err
	}
	if wait <= 0 {
		return a, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// reserve takes the next free moment of a source.
func (t *throttle) reserve(s source) (time.Duration, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	f, ok := t.failures.get(s)
	if !ok {
		return 0, nil
	}
	if now.Sub(f.last) > failureMemory {
		t.failures.remove(s)
		return 0, nil
	}
	wait := max(0, f.next.Sub(now))
	if login, ok := t.trusted.get(s); ok && now.Sub(login) < trustMemory {
		return min(wait, trustedDelay), nil
	}
	if wait > longestWait {
		return 0, errTooMany
	}
	f.next = now.Add(wait + spacing(f.n))
	return wait, nil
}

// spacing is the time between two attempts after n failures.
func spacing(n int) time.Duration {
	if n < freeFailures {
		return 0
	}
	return min(longestDelay, firstDelay<<min(n-freeFailures, 10))
}

// attempt is one try whose turn has come.
type attempt struct {
	t *throttle
	source
}

// failed counts a wrong name or password and returns what to answer.
func (a *attempt) failed(log *slog.Logger, err error) error {
	var f *Failure
	if !errors.As(err, &f) || f.Condition != NotAuthorized {
		return err
	}
	a.t.mu.Lock()
	e, ok := a.t.failures.get(a.source)
	now := time.Now()
	if !ok || now.Sub(e.last) > failureMemory {
		e = &failures{}
		a.t.failures.put(a.source, e)
	}
	e.n++
	e.last = now
	if next := now.Add(spacing(e.n)); next.After(e.next) {
		e.next = next
	}
	n := e.n
	a.t.mu.Unlock()
	log.Info("sign-in failed", "staff", a.account, "network", a.network.String(), "failures", n)
	return err
}

// succeeded forgets failures and remembers the network.
func (a *attempt) succeeded() {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	a.t.failures.remove(a.source)
	a.t.trusted.put(a.source, time.Now())
}

// recent is a map that forgets what was used longest ago.
type recent[V any] struct {
	size  int
	order *list.List // of *kept[V], the most recent in front
	items map[source]*list.Element
}

type kept[V any] struct {
	source source
	value  V
}

func newRecent[V any](size int) *recent[V] {
	return &recent[V]{size: size, order: list.New(), items: make(map[source]*list.Element)}
}

func (r *recent[V]) get(s source) (v V, ok bool) {
	e, ok := r.items[s]
	if !ok {
		return v, false
	}
	r.order.MoveToFront(e)
	return e.Value.(*kept[V]).value, true
}

func (r *recent[V]) put(s source, v V) {
	r.remove(s)
	r.items[s] = r.order.PushFront(&kept[V]{s, v})
	if r.order.Len() > r.size {
		r.remove(r.order.Back().Value.(*kept[V]).source)
	}
}

func (r *recent[V]) remove(s source) {
	if e, ok := r.items[s]; ok {
		r.order.Remove(e)
		delete(r.items, s)
	}
}
