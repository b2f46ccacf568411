// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bufio"
	"context"
	"net"
	"time"

	"refdesk/cluster/wire"
)

// hintQueue is how many hints wait for one peer; more are dropped.
const hintQueue = 256

// How long to wait before the next attempt to reach a peer.
const (
	retryFirst = 100 * time.Millisecond
	retryMost  = time.Second
)

// Hint sends a hint to all other nodes. It never blocks; what can't be sent now is lost.
func (p *Port) Hint(h wire.Hint) error {
	if err := wire.CheckHint(h); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.peers {
		select {
		case w.hints.queue <- h:
		default:
		}
	}
	return nil
}

// hints is the way to one peer.
type hints struct {
	port  *Port
	ctx   context.Context // ends when the node is a peer no more
	to    string
	queue chan wire.Hint
}

// run keeps a connection to the peer as long as there is something to say.
func (h *hints) run() {
	wait := retryFirst
	for {
		var first wire.Hint
		select {
		case first = <-h.queue:
		case <-h.ctx.Done():
			return
		}
		conn, err := h.port.dial(h.ctx, h.to, hintByte)
		if err == nil {
			wait = retryFirst
			err = h.pump(conn, first)
		}
		if h.ctx.Err() != nil {
			return
		}
		h.port.cfg.Log.Debug("a peer can't be told", "node", h.to, "err", err)
		select {
		case <-time.After(wait):
		case <-h.ctx.Done():
			return
		}
		wait = min(2*wait, retryMost)
		h.drain()
	}
}

// drain forgets what is too old to be told.
func (h *hints) drain() {
	for {
		select {
		case <-h.queue:
		default:
			return
		}
	}
}

// pump sends hints until the connection ends.
func (h *hints) pump(conn net.Conn, first wire.Hint) error {
	defer conn.Close()
	ended := make(chan struct{})
	go func() { // nothing comes back but a refusal; a read shows when the peer goes
		defer close(ended)
		kind, why, err := wire.Read(bufio.NewReader(conn))
		if err == nil && kind == wire.RefusalKind {
			h.refused(string(why))
		}
		conn.Close()
	}()
	defer func() {
		conn.Close()
		<-ended
	}()
	w := bufio.NewWriter(conn)
	next := first
	for {
		if err := conn.SetWriteDeadline(time.Now().Add(lostAfter)); err != nil {
			return err
		}
		if _, err := w.Write(wire.AppendHint(nil, next)); err != nil {
			return err
		}
		select {
		case next = <-h.queue:
			continue
		default:
		}
		if err := w.Flush(); err != nil {
			return err
		}
		select {
		case next = <-h.queue:
		case <-ended:
			return net.ErrClosed
		case <-h.ctx.Done():
			return h.ctx.Err()
		}
	}
}

// refused takes what a peer says instead of taking hints.
func (h *hints) refused(why string) {
	h.port.cfg.Log.Warn("a peer turns this node away", "node", h.to, "why", why)
	if why == removedText && h.port.cfg.Removed != nil {
		h.port.cfg.Removed(h.to)
	}
}

// serveHints takes a peer's hints until the connection ends.
func (p *Port) serveHints(conn net.Conn, from string) {
	r := bufio.NewReader(conn)
	for {
		kind, payload, err := wire.Read(r)
		if err != nil || kind != wire.HintKind {
			return
		}
		h, err := wire.ParseHint(payload)
		if err != nil {
			return
		}
		p.cfg.Hinted(from, h)
	}
}
