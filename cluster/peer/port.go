// SPDX-License-Identifier: Apache-2.0

// Package peer is the traffic between the nodes of a desk: one TLS port each.
//
// Both sides prove which node they are by a certificate of the desk's own authority (mutual TLS 1.3). The first byte
// that a caller sends says what the connection is for: raft, forwarded commands, hints, files. Bytes for purposes that
// come later are refused with a sentence.
package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"refdesk/cluster/blob"
	"refdesk/cluster/wire"
)

// The purposes of a connection, its first byte.
const (
	raftByte    = 'R'
	forwardByte = 'F'
	hintByte    = 'H'
	blobByte    = 'B'
)

// Limits on those who haven't proved who they are.
const (
	helloTime    = 5 * time.Second // for the handshake and the first byte
	strangers    = 64              // connections in that state
	dialTime     = 2 * time.Second
	keepAlive    = 5 * time.Second
	lostAfter    = 10 * time.Second // unacknowledged data
	raftBacklog  = 16
	forwardLimit = 1024 // commands of one peer that are worked on at once
)

// Config says who a node is and whom it talks to. Nothing of it changes while the port is open.
type Config struct {
	ID       string
	Listener net.Listener      // where the others reach this node
	Peers    map[string]string // host:port by node id; this node may be among them
	Identity *Identity
	// Forwarded answers a command that another node hands over. It may block; many run at once.
	Forwarded func(ctx context.Context, from string, r wire.Request) wire.Reply
	// Hinted takes a hint from another node. It must not block.
	Hinted func(from string, h wire.Hint)
	// Blobs are this node's files, which others push and pull; nil = their questions are refused.
	Blobs *blob.Store
	Log   *slog.Logger
}

// Port is a node's one port to the others, and its connections to them.
type Port struct {
	cfg      Config
	patience time.Duration // with strangers
	blobTime time.Duration // for a chunk of a file to pass
	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	raft     chan net.Conn
	hello    chan struct{} // one token per stranger

	mu    sync.Mutex
	conns map[net.Conn]struct{} // accepted ones, to be closed at the end

	links map[string]*link  // forwarding, by node
	hints map[string]*hints // by node

	blobs map[string]chan struct{} // one token per exchange about a file that a node has under way here
}

// Open begins to listen.
func Open(cfg Config) *Port { return open(cfg, helloTime) }

func open(cfg Config, patience time.Duration) *Port {
	p := &Port{
		cfg: cfg, patience: patience, raft: make(chan net.Conn, raftBacklog), hello: make(chan struct{}, strangers),
		conns: map[net.Conn]struct{}{}, links: map[string]*link{}, hints: map[string]*hints{},
		blobs: map[string]chan struct{}{}, blobTime: 2 * patience,
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for id := range cfg.Peers {
		if id == cfg.ID {
			continue
		}
		p.links[id] = &link{port: p, to: id}
		h := &hints{port: p, to: id, queue: make(chan wire.Hint, hintQueue)}
		p.hints[id] = h
		p.blobs[id] = make(chan struct{}, blobLimit)
		p.wg.Go(h.run)
	}
	p.wg.Go(p.accept)
	return p
}

// Close ends all connections and waits for what worked on them. It may be called twice.
func (p *Port) Close() error {
	p.cancel()
	err := p.cfg.Listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	p.mu.Lock()
	for c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	for _, l := range p.links {
		l.close()
	}
	p.wg.Wait()
	for {
		select {
		case c := <-p.raft:
			c.Close()
		default:
			return err
		}
	}
}

func (p *Port) known(id string) bool { _, ok := p.cfg.Peers[id]; return ok }

func (p *Port) accept() {
	config := p.cfg.Identity.server(p.known)
	for {
		select {
		case p.hello <- struct{}{}:
		case <-p.ctx.Done():
			return
		}
		conn, err := p.cfg.Listener.Accept()
		if err != nil {
			<-p.hello
			if p.ctx.Err() != nil {
				return
			}
			// Out of descriptors, most likely: let others close some.
			p.cfg.Log.Warn("accept a peer's connection", "err", err)
			select {
			case <-time.After(100 * time.Millisecond):
				continue
			case <-p.ctx.Done():
				return
			}
		}
		if !p.adopt(conn) {
			<-p.hello
			conn.Close()
			return
		}
		p.wg.Go(func() { p.greet(conn, config) })
	}
}

// adopt takes charge of a connection, unless the port is closing.
func (p *Port) adopt(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Port) release(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// greet finds out who calls and what for, and serves it.
func (p *Port) greet(raw net.Conn, config *tls.Config) {
	conn, from, purpose, err := p.introduce(raw, config)
	<-p.hello
	if err == nil && purpose == raftByte {
		select {
		case p.raft <- &owned{Conn: conn, done: func() { p.release(raw) }}:
			return // raft owns it now
		case <-p.ctx.Done():
		}
	}
	defer p.release(raw)
	defer raw.Close()
	switch {
	case err != nil:
		p.cfg.Log.Debug("turned a connection away", "remote", raw.RemoteAddr().String(), "err", err)
	case purpose == forwardByte:
		p.serveForward(conn, from)
	case purpose == hintByte:
		p.serveHints(conn, from)
	case purpose == blobByte && p.cfg.Blobs != nil:
		p.serveBlob(conn, from)
	case purpose != raftByte:
		p.cfg.Log.Info("peer asks for what this program doesn't know", "node", from, "purpose", int(purpose))
		_ = conn.SetWriteDeadline(time.Now().Add(p.patience))
		_, _ = conn.Write(wire.AppendRefusal(nil, "this node doesn't know what the connection is for; upgrade it"))
		_ = conn.CloseWrite()
	}
}

// introduce does the handshake and reads the purpose, both within the patience with strangers.
func (p *Port) introduce(raw net.Conn, config *tls.Config) (*tls.Conn, string, byte, error) {
	tune(raw)
	if err := raw.SetDeadline(time.Now().Add(p.patience)); err != nil {
		return nil, "", 0, err
	}
	conn := tls.Server(raw, config)
	if err := conn.HandshakeContext(p.ctx); err != nil {
		return nil, "", 0, err
	}
	var purpose [1]byte
	if _, err := conn.Read(purpose[:]); err != nil {
		return nil, "", 0, err
	}
	from := nodeOf(conn.ConnectionState().PeerCertificates[0])
	return conn, from, purpose[0], raw.SetDeadline(time.Time{})
}

// dial connects to a node for a purpose.
func (p *Port) dial(ctx context.Context, to string, purpose byte) (*tls.Conn, error) {
	addr, ok := p.cfg.Peers[to]
	if !ok {
		return nil, fmt.Errorf("node %q is not of this desk", to)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	tune(raw)
	conn := tls.Client(raw, p.cfg.Identity.client(to))
	err = conn.HandshakeContext(ctx)
	if err == nil {
		_, err = conn.Write([]byte{purpose})
	}
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("connect to node %s: %w", to, err)
	}
	return conn, nil
}

// tune makes a connection notice within seconds that the other side is gone.
func tune(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive, Count: 2})
	}
}

// owned tells when whoever took a connection over has closed it.
type owned struct {
	net.Conn
	once sync.Once
	done func()
}

func (o *owned) Close() error {
	o.once.Do(o.done)
	return o.Conn.Close()
}
