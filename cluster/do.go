// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster/desk"
	"refdesk/cluster/peer"
	"refdesk/cluster/wire"
)

// patience is how long Do tries when its context sets no limit.
const patience = 10 * time.Second

// How long Do waits before it tries again, unless another node leads before that.
const (
	pauseFirst = 5 * time.Millisecond
	pauseMost  = 100 * time.Millisecond
)

// Do proposes a command and returns after it was committed by a majority and applied on the leader. What certainly did not
// reach the log is tried again, on whichever node leads then, within the patience of ctx; what may have reached it only
// with a key, which makes the repeat harmless. NoQuorum means that ctx's deadline came first, or that a command without
// a key has an unknown outcome.
func (c *Cluster) Do(ctx context.Context, r desk.Request) (desk.Reply, error) {
	if r.Command == nil || len(desk.EncodeCommand(nil, r.Command)) > desk.MaxCommand {
		return desk.Reply{}, &desk.Error{Code: desk.Invalid, Field: "command"}
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	for pause := pauseFirst; ; pause = min(2*pause, pauseMost) {
		changed := c.changed.next()
		res, outcome := c.attempt(ctx, r)
		switch {
		case outcome == wire.Done && res.refusal != nil:
			return res.reply, res.refusal
		case outcome == wire.Done:
			return res.reply, nil
		case outcome == wire.Garbled:
			return desk.Reply{}, &desk.Error{Code: desk.NoQuorum, Field: "version"} // an older program leads: it can't read this
		case outcome == wire.Unknown && r.Key == (desk.Key{}) && ctx.Err() == nil && c.ctx.Err() == nil:
			return desk.Reply{}, noQuorum()
		}
		if err := c.wait(ctx, changed, pause); err != nil {
			return desk.Reply{}, err
		}
	}
}

// wait waits a moment for another leader. Its error says that there is no time or no node left.
func (c *Cluster) wait(ctx context.Context, changed <-chan struct{}, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
	case <-c.ctx.Done():
	}
	switch {
	case c.ctx.Err() != nil || c.broken():
		return stopping()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return noQuorum()
	}
	return ctx.Err()
}

func noQuorum() error { return &desk.Error{Code: desk.NoQuorum} }
func stopping() error { return &desk.Error{Code: desk.Stopping} }

func isCode(err error, code desk.Code) bool {
	var e *desk.Error
	return errors.As(err, &e) && e.Code == code
}

// attempt tries once, here or on the node that leads.
func (c *Cluster) attempt(ctx context.Context, r desk.Request) (result, wire.Outcome) {
	if ctx.Err() != nil || c.ctx.Err() != nil {
		return result{}, wire.NotInLog
	}
	if g := c.reign.Load(); g != nil {
		return c.propose(ctx, g, r)
	}
	to, reigns := c.leader()
	if to == "" || to == c.cfg.ID || c.port == nil {
		return result{}, wire.NotInLog
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(reigns, cancel)() // a leader who is gone won't answer
	reply, err := c.port.Forward(ctx, to, r)
	switch {
	case err == nil:
		return result{reply: reply.Reply, refusal: reply.Refusal}, reply.Outcome
	case errors.Is(err, peer.ErrUnsent):
		return result{}, wire.NotInLog
	}
	return result{}, wire.Unknown
}

// forwarded does what another node asks for, if this one leads.
func (c *Cluster) forwarded(ctx context.Context, _ string, r wire.Request) wire.Reply {
	g := c.reign.Load()
	if g == nil {
		return wire.Reply{Outcome: wire.NotInLog}
	}
	res, outcome := c.propose(ctx, g, r.Request)
	return wire.Reply{Outcome: outcome, Reply: res.reply, Refusal: res.refusal}
}

// propose stamps a command, puts it into the log and waits until it is applied here.
func (c *Cluster) propose(ctx context.Context, g *reign, r desk.Request) (result, wire.Outcome) {
	if refuse, wait := c.refused(r.Command); wait {
		return result{}, wire.NotInLog
	} else if refuse {
		return result{refusal: noRoom()}, wire.Done
	}
	if !g.hold(ctx) {
		return result{}, wire.NotInLog
	}
	mark, number, done := c.pending.expect()
	defer c.pending.forget(number)
	g.mu.Lock()
	frame := wire.AppendEnvelope(nil, desk.Envelope{Request: r, Stamp: g.clock.now()})
	c.raft.ApplyLog(raft.Log{Data: frame, Extensions: mark}, 0)
	g.mu.Unlock()
	select {
	case res := <-done:
		if res.err != nil {
			return result{}, wire.Unknown
		}
		return res, wire.Done
	case <-g.ctx.Done():
	case <-ctx.Done():
	case <-c.failed:
	}
	return result{}, wire.Unknown
}
