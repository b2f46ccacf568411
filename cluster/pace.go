// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"sync"
	"time"
)

// Under load commands enter the log together, at the beats of a clock: each append costs a sync, a round of messages and
// a transaction on every node, whether it holds one entry or a hundred. On a calm desk nobody waits.
const (
	beat       = 8 * time.Millisecond
	paceWindow = 100 * time.Millisecond
	paceFrom   = 20 // commands within a window, above which they wait for the beat
)

// pace counts commands.
type pace struct {
	mu    sync.Mutex
	began time.Time // of the window
	count int
	last  int // of the window before
}

// wait is how long a command that comes now is to wait.
func (p *pace) wait(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch gone := now.Sub(p.began); {
	case gone >= 2*paceWindow:
		p.began, p.count, p.last = now, 0, 0
	case gone >= paceWindow:
		p.began, p.count, p.last = p.began.Add(paceWindow), 0, p.count
	}
	p.count++
	if p.last < paceFrom && p.count < paceFrom {
		return 0
	}
	return beat - now.Sub(p.began)%beat
}

// hold waits for the next beat, if there is load. It reports whether the command may still be put into the log.
func (g *reign) hold(ctx context.Context) bool {
	d := g.pace.wait(time.Now())
	if d == 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-g.ctx.Done():
	}
	return false
}
