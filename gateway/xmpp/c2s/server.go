// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves streams. It is safe for use by several goroutines.
type Server struct {
	cfg      Config
	auth     Authenticator
	handler  Handler
	log      *slog.Logger
	starttls *tls.Config
	direct   *tls.Config

	strangers atomic.Int64 // streams that have not signed in
	accounts  accountLimits

	mu       sync.Mutex
	sessions map[string]*Session // bound, by ID
}

// Listener is a listening socket. Direct means that connections begin with a TLS handshake (XEP-0368) instead of STARTTLS.
type Listener struct {
	net.Listener
	Direct bool
}

// Run serves the listeners until ctx ends; then it closes them, ends every stream with system-shutdown and returns nil
// when all are over. A listener that fails ends everything with its error.
func (s *Server) Run(ctx context.Context, listeners ...Listener) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for _, l := range listeners {
		wg.Go(func() {
			if err := s.accept(ctx, &wg, l); err != nil {
				stop(fmt.Errorf("listen for xmpp on %s: %w", l.Addr(), err))
			}
		})
	}
	<-ctx.Done()
	for _, l := range listeners {
		l.Close() // an error would be that it is closed
	}
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// accept serves one listener. Running out of file descriptors is waited out.
func (s *Server) accept(ctx context.Context, wg *sync.WaitGroup, l Listener) error {
	for wait := time.Duration(0); ; {
		conn, err := l.Accept()
		if err == nil {
			wait = 0
			wg.Go(func() { s.Serve(ctx, conn, l.Direct) })
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		var temporary interface{ Temporary() bool }
		if !errors.As(err, &temporary) || !temporary.Temporary() {
			return err
		}
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		s.log.Warn("xmpp connection not accepted", "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// Serve serves one connection and returns when it is over; ctx ends it with system-shutdown. The connection is closed.
func (s *Server) Serve(ctx context.Context, conn net.Conn, direct bool) {
	defer conn.Close()
	if s.strangers.Add(1) > int64(s.cfg.MaxStreams) {
		s.strangers.Add(-1)
		s.log.Warn("too many xmpp streams before sign-in")
		return
	}
	signedIn := sync.OnceFunc(func() { s.strangers.Add(-1) })
	defer signedIn()
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3})
	}
	st := newStream(s, conn)
	stop := context.AfterFunc(ctx, st.interrupt)
	defer stop()
	session, err := st.negotiate(ctx, direct)
	if err == nil {
		signedIn()
		stop()
		session.serve(ctx)
		return
	}
	st.fail(ctx, err)
}

// Session returns the bound session with the given ID, or nil.
func (s *Server) Session(id string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[id]
}

// Sessions returns how many sessions are bound.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

func (s *Server) add(x *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[x.id] = x
}

func (s *Server) remove(x *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, x.id)
}
