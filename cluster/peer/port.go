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
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
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
	joinByte    = 'J' // never sent: those who join have a protocol of their own
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

// Config says who a node is and whom it talks to. Of it, only the peers change while the port is open (SetPeers).
type Config struct {
	ID       string
	Listener net.Listener      // where the others reach this node
	Peers    map[string]string // host:port by node id; this node may be among them
	Identity *Identity
	// Removed takes the word of another node that this one is of the desk no more. nil = it is logged.
	Removed func(by string)
	// Joining answers a machine that wants to become a node; its error is a sentence for whoever sits there. nil = nobody
	// can join here.
	Joining func(ctx context.Context, r JoinRequest) (JoinReply, error)
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

	join chan struct{} // one token per machine that wants to join

	mu    sync.Mutex
	conns map[net.Conn]string // accepted ones with the node they are from, to be closed at the end
	peers map[string]*way     // by node
	gone  map[string]bool     // nodes that were removed from the desk

	welcome bool // nodes may call that this one doesn't know yet
}

// way is this node's way to another one, and what that one has under way here.
type way struct {
	addr  string // guarded by Port.mu
	link  *link  // forwarding
	hints *hints
	blobs chan struct{} // one token per exchange about a file
	end   context.CancelFunc
}

// Open begins to listen.
func Open(cfg Config) *Port { return open(cfg, helloTime) }

func open(cfg Config, patience time.Duration) *Port {
	p := &Port{
		cfg: cfg, patience: patience, raft: make(chan net.Conn, raftBacklog), hello: make(chan struct{}, strangers),
		conns: map[net.Conn]string{}, peers: map[string]*way{}, gone: map[string]bool{}, blobTime: 2 * patience,
		join: make(chan struct{}, joinsAtOnce),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.SetPeers(cfg.Peers, nil)
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
	ways := slices.Collect(maps.Values(p.peers))
	p.mu.Unlock()
	for _, w := range ways {
		w.link.close()
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

func (p *Port) accept() {
	config := p.cfg.Identity.server(p.known)
	if p.cfg.Joining != nil {
		p.cfg.Identity.admit(config)
	}
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
	p.conns[c] = ""
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
	if err == nil && from != "" && !p.from(raw, from) {
		p.turnAway(conn, removedText)
		err = fmt.Errorf("node %s was removed from the desk", from)
	}
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
	case purpose == joinByte:
		p.serveJoin(conn)
	case purpose == forwardByte:
		p.serveForward(conn, from)
	case purpose == hintByte:
		p.serveHints(conn, from)
	case purpose == blobByte && p.cfg.Blobs != nil:
		p.serveBlob(conn, from)
	case purpose != raftByte:
		p.cfg.Log.Info("peer asks for what this program doesn't know", "node", from, "purpose", int(purpose))
		p.turnAway(conn, "this node doesn't know what the connection is for; upgrade it")
	}
}

// turnAway says why, and takes what has been sent already, so that the answer isn't lost with it.
func (p *Port) turnAway(conn *tls.Conn, why string) {
	_ = conn.SetDeadline(time.Now().Add(p.patience))
	_, _ = conn.Write(wire.AppendRefusal(nil, why))
	_ = conn.CloseWrite()
	_, _ = io.Copy(io.Discard, io.LimitReader(conn, 64<<10))
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
	if conn.ConnectionState().NegotiatedProtocol == joinProtocol {
		return conn, "", joinByte, raw.SetDeadline(time.Time{})
	}
	var purpose [1]byte
	if _, err := conn.Read(purpose[:]); err != nil {
		return nil, "", 0, err
	}
	if purpose[0] == joinByte {
		return nil, "", 0, errors.New("a node of the desk wants to join it")
	}
	from := nodeOf(conn.ConnectionState().PeerCertificates[0])
	return conn, from, purpose[0], raw.SetDeadline(time.Time{})
}

// dial connects to a node for a purpose.
func (p *Port) dial(ctx context.Context, to string, purpose byte) (*tls.Conn, error) {
	addr := p.address(to)
	if addr == "" {
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
