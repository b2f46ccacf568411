// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/wire"
)

// ErrUnsent means that a command certainly did not reach the other node.
var ErrUnsent = errors.New("peer: not sent")

// ErrBroken means that the connection ended after a command was handed to it: the other node may have it or not.
var ErrBroken = errors.New("peer: connection broken")

// Forward hands a command to another node and waits for its answer. Many share one connection; the answers come in any
// order. Its errors are ErrUnsent and ErrBroken, wrapped, and that of ctx, which also leaves the outcome open.
func (p *Port) Forward(ctx context.Context, to string, r desk.Request) (wire.Reply, error) {
	w := p.way(to)
	if w == nil {
		return wire.Reply{}, errors.Join(ErrUnsent, errors.New("no such node"))
	}
	patience := wireMaxWait
	if end, ok := ctx.Deadline(); ok {
		patience = time.Until(end)
	}
	s, err := w.link.session(ctx)
	if err != nil {
		return wire.Reply{}, errors.Join(ErrUnsent, err)
	}
	answer, err := s.send(ctx, r, patience)
	if err != nil {
		return wire.Reply{}, err
	}
	select {
	case reply, ok := <-answer:
		if !ok {
			return wire.Reply{}, ErrBroken
		}
		return reply, nil
	case <-ctx.Done():
		return wire.Reply{}, ctx.Err()
	}
}

const wireMaxWait = time.Minute

// link keeps the connection over which commands go to one node.
type link struct {
	port *Port
	ctx  context.Context // ends when the node is a peer no more
	to   string

	mu  sync.Mutex // held while dialling
	now *session
}

// session returns the open connection, or makes one.
func (l *link) session(ctx context.Context) (*session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now != nil && l.now.ctx.Err() == nil {
		return l.now, nil
	}
	if err := l.ctx.Err(); err != nil {
		return nil, err
	}
	conn, err := l.port.dial(ctx, l.to, forwardByte)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, out: make(chan []byte, 64), waiting: map[uint64]chan wire.Reply{}}
	s.ctx, s.cancel = context.WithCancel(l.ctx)
	l.now = s
	l.port.wg.Go(func() { s.end(copyFrames(s.ctx, conn, s.out)) })
	l.port.wg.Go(func() { s.end(s.receive()) })
	return s, nil
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now != nil {
		l.now.end(net.ErrClosed)
	}
}

// session is one connection over which commands go out and answers come back.
type session struct {
	ctx    context.Context // ends with the connection
	cancel context.CancelFunc
	conn   net.Conn
	out    chan []byte

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan wire.Reply // nil after the end
}

func (s *session) send(ctx context.Context, r desk.Request, patience time.Duration) (<-chan wire.Reply, error) {
	answer := make(chan wire.Reply, 1)
	s.mu.Lock()
	if s.waiting == nil {
		s.mu.Unlock()
		return nil, ErrUnsent
	}
	s.last++
	id := s.last
	s.waiting[id] = answer
	s.mu.Unlock()
	frame := wire.AppendRequest(nil, wire.Request{ID: id, Patience: patience, Request: r})
	select {
	case s.out <- frame:
		return answer, nil
	case <-s.ctx.Done():
	case <-ctx.Done():
	}
	s.mu.Lock()
	delete(s.waiting, id)
	s.mu.Unlock()
	return nil, errors.Join(ErrUnsent, ctx.Err())
}

// receive hands each answer to whoever waits for it.
func (s *session) receive() error {
	r := bufio.NewReaderSize(s.conn, 32<<10)
	for {
		kind, payload, err := wire.Read(r)
		if err != nil {
			return err
		}
		if kind != wire.ReplyKind {
			return wire.ErrDamaged
		}
		reply, err := wire.ParseReply(payload)
		if err != nil {
			return err
		}
		s.mu.Lock()
		answer := s.waiting[reply.ID]
		delete(s.waiting, reply.ID)
		s.mu.Unlock()
		if answer != nil {
			answer <- reply
		}
	}
}

// end closes the connection and tells all who wait that their answer won't come.
func (s *session) end(error) {
	s.cancel()
	s.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, answer := range s.waiting {
		close(answer)
	}
	s.waiting = nil
}

// serveForward answers the commands of another node until the connection ends.
func (p *Port) serveForward(conn net.Conn, from string) {
	ctx, cancel := context.WithCancel(p.ctx)
	out := make(chan []byte, 64)
	var work sync.WaitGroup
	work.Go(func() {
		_ = copyFrames(ctx, conn, out)
		cancel()
		conn.Close()
	})
	err := p.takeRequests(ctx, conn, from, out, &work)
	cancel()
	conn.Close()
	work.Wait()
	if err != nil && p.ctx.Err() == nil && !errors.Is(err, io.EOF) {
		p.cfg.Log.Debug("a peer's forwarding ended", "node", from, "err", err)
	}
}

func (p *Port) takeRequests(ctx context.Context, conn net.Conn, from string, out chan<- []byte, work *sync.WaitGroup) error {
	r := bufio.NewReaderSize(conn, 32<<10)
	limit := make(chan struct{}, forwardLimit)
	for {
		kind, payload, err := wire.Read(r)
		if err != nil {
			return err
		}
		if kind != wire.RequestKind {
			return wire.ErrDamaged
		}
		select {
		case limit <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		work.Go(func() {
			defer func() { <-limit }()
			reply := p.answer(ctx, from, payload)
			select {
			case out <- wire.AppendReply(nil, reply):
			case <-ctx.Done():
			}
		})
	}
}

func (p *Port) answer(ctx context.Context, from string, payload []byte) wire.Reply {
	request, err := wire.ParseRequest(payload)
	if err != nil {
		p.cfg.Log.Warn("a peer's command can't be read", "node", from, "err", err)
		return wire.Reply{ID: request.ID, Outcome: wire.Garbled}
	}
	ctx, cancel := context.WithTimeout(ctx, request.Patience)
	defer cancel()
	reply := p.cfg.Forwarded(ctx, from, request)
	reply.ID = request.ID
	return reply
}

// copyFrames writes frames as they come, flushing when none is left. It returns when ctx ends or a write fails.
func copyFrames(ctx context.Context, conn net.Conn, frames <-chan []byte) error {
	w := bufio.NewWriterSize(conn, 32<<10)
	for {
		select {
		case f := <-frames:
			if err := conn.SetWriteDeadline(time.Now().Add(lostAfter)); err != nil {
				return err
			}
			if err := writeAll(w, f, frames); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func writeAll(w *bufio.Writer, f []byte, frames <-chan []byte) error {
	for {
		if _, err := w.Write(f); err != nil {
			return err
		}
		select {
		case f = <-frames:
		default:
			return w.Flush()
		}
	}
}
