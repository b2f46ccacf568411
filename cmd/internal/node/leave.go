// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"

	"refdesk/cluster"
	"refdesk/cluster/desk"
	"refdesk/cmd/internal/config"
	"refdesk/cmd/internal/ctl"
)

// LeaveArgs are the arguments of "leave".
type LeaveArgs struct{ Node string } // "" = the node that is asked

// startSharing has the node bring its files to the others, as it must before it goes. There may be many.
func (n *Node) startSharing(context.Context, struct{}) (JobState, error) {
	return n.jobs.start(func(ctx context.Context, tell note) (any, func(), error) {
		if err := n.store.CanLeave(ctx, n.cfg.Cluster.ID); err != nil {
			return nil, nil, err
		}
		done, err := n.store.ShareFiles(ctx, tell)
		return done, nil, err
	})
}

// Leave takes a node out of the desk, by word of the one that runs on dir.
func Leave(ctx context.Context, dir string, a LeaveArgs, tell Progress) (r LeaveResult, err error) {
	var done []string
	if a.Node == "" {
		end, err := follow(ctx, dir, "share files", nil, &done, tell)
		if err != nil {
			return r, err
		}
		end()
	}
	err = ctl.Call(ctx, dir, "leave", a, &r)
	r.Done = done
	return r, err
}

// LeaveResult says which node leaves, and what was done before.
type LeaveResult struct {
	Node   string
	Done   []string
	Voters int // that are left
}

// leave takes a node out of the desk.
func (n *Node) leave(ctx context.Context, a LeaveArgs) (LeaveResult, error) {
	r := LeaveResult{Node: a.Node}
	if r.Node == "" {
		r.Node = n.cfg.Cluster.ID
	}
	err := n.store.Leave(ctx, adminActor(), r.Node)
	if err == nil && r.Node != n.cfg.Cluster.ID {
		err = n.store.WaitRemoved(ctx, r.Node)
	}
	if errors.Is(err, &desk.Error{Code: desk.NoQuorum}) {
		err = &ctl.Error{Code: string(desk.NoQuorum), Text: "a majority of the nodes can't be reached, so that nothing can be decided; start them, or if they are lost for ever, see refdesk recover -h"}
	}
	if err != nil {
		return r, err
	}
	for _, id := range n.store.Voters() {
		if id != r.Node {
			r.Voters++
		}
	}
	return r, nil
}

// Recover makes a stopped node the whole desk, with force; without it only tells what that would mean.
func Recover(cfg config.Config, force bool) (cluster.Recovery, error) {
	key, err := deskKey(cfg.Desk.Dir)
	if err != nil {
		return cluster.Recovery{}, err
	}
	return cluster.Recover(cfg.Desk.Dir, cfg.Cluster.ID, key, force)
}

// ErrLeft is how a node ends that was taken out of its desk on purpose.
var ErrLeft = cluster.ErrLeft
