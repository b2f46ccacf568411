// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"

	"github.com/hashicorp/raft"
)

// settle waits for one of raft's futures, for as long as ctx lets it. Futures that are still queued when raft ends are never
// answered; the goroutine that asks for such a one holds nothing, and ends with the process.
func settle(ctx context.Context, f raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- f.Error() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
