// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/hashicorp/raft"
)

// Address is a node's address within raft: its id. Host and port are the configuration's business alone, so that a node
// can move without a change of raft's members.
type Address string

// Network is the name of the address family.
func (Address) Network() string { return "refdesk" }

// String is the node's id.
func (a Address) String() string { return string(a) }

// Raft returns the layer that raft's transport runs on.
func (p *Port) Raft() raft.StreamLayer { return &layer{p} }

type layer struct{ p *Port }

// Accept waits for the next connection that another node's raft has made.
func (l *layer) Accept() (net.Conn, error) {
	select {
	case c := <-l.p.raft:
		return c, nil
	case <-l.p.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Dial connects to the raft of a node, named by its id. The connection ends with the port at the latest: a leader that
// can't be shut down, because its disk hangs, would go on sending over it.
func (l *layer) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(l.p.ctx, timeout)
	defer cancel()
	conn, err := l.p.dial(ctx, string(to), raftByte)
	if err != nil {
		return nil, err
	}
	raw := conn.NetConn()
	if !l.p.adopt(raw) {
		return nil, errors.Join(net.ErrClosed, raw.Close())
	}
	return &owned{Conn: conn, done: func() { l.p.release(raw) }}, nil
}

// Close is the port's business.
func (l *layer) Close() error { return nil }

// Addr is this node's id.
func (l *layer) Addr() net.Addr { return Address(l.p.cfg.ID) }
