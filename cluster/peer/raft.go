// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
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

// Dial connects to the raft of a node, named by its id.
func (l *layer) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(l.p.ctx, timeout)
	defer cancel()
	return l.p.dial(ctx, string(to), raftByte)
}

// Close is the port's business.
func (l *layer) Close() error { return nil }

// Addr is this node's id.
func (l *layer) Addr() net.Addr { return Address(l.p.cfg.ID) }
