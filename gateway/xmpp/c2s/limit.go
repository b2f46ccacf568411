// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"sync"

	"golang.org/x/time/rate"
)

// limit slows down what a client sends. Too fast a client is not refused: it is read more slowly, and its own connection
// tells it.
type limit struct {
	stanzas, bytes *rate.Limiter
}

func newLimit(cfg Config) limit {
	return limit{rate.NewLimiter(cfg.StanzaRate, cfg.StanzaBurst), rate.NewLimiter(cfg.ByteRate, cfg.ByteBurst)}
}

// wait waits until a stanza of n bytes may be taken.
func (l limit) wait(ctx context.Context, n int) error {
	if err := l.stanzas.Wait(ctx); err != nil {
		return err
	}
	return l.bytes.WaitN(ctx, min(n, l.bytes.Burst()))
}

// accountLimits holds one limit for each account that has sessions here.
type accountLimits struct {
	mu     sync.Mutex
	limits map[string]*accountLimit
}

type accountLimit struct {
	limit
	sessions int
}

func (a *accountLimits) join(account string, cfg Config) limit {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.limits[account]
	if l == nil {
		l = &accountLimit{limit: newLimit(cfg)}
		a.limits[account] = l
	}
	l.sessions++
	return l.limit
}

func (a *accountLimits) leave(account string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.limits[account]; l != nil {
		if l.sessions--; l.sessions == 0 {
			delete(a.limits, account)
		}
	}
}
