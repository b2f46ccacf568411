// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"sync"
)

// group is a few parts that run until their context ends. One that fails ends the node.
type group struct {
	ctx    context.Context
	cancel context.CancelFunc
	stop   context.CancelCauseFunc // of the node
	wg     sync.WaitGroup
}

func newGroup(ctx context.Context, stop context.CancelCauseFunc) *group {
	g := &group{stop: stop}
	g.ctx, g.cancel = context.WithCancel(ctx)
	return g
}

func (g *group) run(name string, f func(context.Context) error) {
	g.wg.Go(func() {
		if err := f(g.ctx); err != nil && g.ctx.Err() == nil {
			g.stop(fmt.Errorf("%s: %w", name, err))
		}
	})
}

// wait waits for the end of all parts.
func (g *group) wait() {
	g.wg.Wait()
	g.cancel()
}

// end ends the parts and waits.
func (g *group) end() {
	g.cancel()
	g.wg.Wait()
}
