// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"refdesk/gateway/account"
	"refdesk/gateway/xmpp/element"
)

// Session is one bound stream of a member of staff. Its methods may be called from anywhere and at any time, also after
// its end, and none of them blocks.
type Session struct {
	st       *stream
	srv      *Server
	id       string
	login    account.Login
	asked    string // resource the client asked for
	invented bool   // it asked for none
	jid      atomic.Pointer[string]
	resource atomic.Pointer[string]
	answer   []byte // to the bind request, written before anything else

	wake    chan struct{} // tells the writer that there is something to do
	read    chan struct{} // closed when the reader has stopped
	flushed chan struct{} // closed when nothing more will be written
	ended   chan struct{} // closed after Handler.End
	in      *inbox

	reading     context.Context // ends when nothing more is to be read
	stopReading context.CancelFunc

	mu    sync.Mutex
	out   outbound
	sm    management
	state state
	final *streamError // with state closing: why, nil for a plain end
}

type state uint8

const (
	open    state = iota
	closing       // nothing more is accepted; the writer flushes, and writes the end
	dead          // nothing more is written
)

func newSession(st *stream, resource string) *Session {
	s := &Session{
		st: st, srv: st.srv, id: randomID(), login: st.login, asked: resource,
		wake: make(chan struct{}, 1), read: make(chan struct{}), flushed: make(chan struct{}), ended: make(chan struct{}),
		in: newInbox(),
	}
	s.reading, s.stopReading = context.WithCancel(context.Background())
	s.Grant(resource)
	return s
}

// ID is 128 random bits in hex, unique in the desk.
func (s *Session) ID() string { return s.id }

// Account is the local part of the member of staff's address.
func (s *Session) Account() string { return s.login.Account }

// Device is the name of the device password that was used.
func (s *Session) Device() string { return s.login.Device }

// Domain is the domain of the accounts.
func (s *Session) Domain() string { return s.srv.cfg.Domain }

// Bare is the bare address.
func (s *Session) Bare() string { return s.login.Account + "@" + s.srv.cfg.Domain }

// JID is the full address.
func (s *Session) JID() string { return *s.jid.Load() }

// Resource is the resource: what was asked for until Grant, what was granted from then on.
func (s *Session) Resource() string { return *s.resource.Load() }

// Grant sets the resource. It is for Handler.Bind alone, and takes only what a resource may be.
func (s *Session) Grant(resource string) {
	jid := s.Bare() + "/" + resource
	s.resource.Store(&resource)
	s.jid.Store(&jid)
}

// SMID is the stream-management id, "" while stream management is off. It equals ID: a resumption on another node can
// then be looked up without anything more being replicated.
func (s *Session) SMID() string {
	if s.SMEnabled() {
		return s.id
	}
	return ""
}

// SMEnabled tells whether the client has enabled stream management.
func (s *Session) SMEnabled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sm.on
}

// Secure tells whether the connection is encrypted.
func (s *Session) Secure() bool { return s.st.secure }

// RemoteNetwork is the network of the client's address, a /24 or /64; invalid when it has none.
func (s *Session) RemoteNetwork() netip.Prefix { return account.Network(s.st.remote) }

// Send queues an element. Its token, if not nil, is reported by Handler.Acked or Handler.End, but not when Send fails.
// The element is written out before Send returns and may be changed afterwards.
func (s *Session) Send(el *element.Element, token any) error {
	return s.enqueue(el, nil, el.Local == "message", token)
}

// SendRaw queues one stanza that has been serialized before, for a default namespace of "jabber:client". The bytes are
// copied. message tells whether it is a message: the client is asked to acknowledge these.
func (s *Session) SendRaw(stanza []byte, message bool, token any) error {
	return s.enqueue(nil, stanza, message, token)
}

// Close ends the stream after what is queued, with a stream error or, when condition is "", without. A session that is
// ending already goes on as it was. It doesn't wait.
func (s *Session) Close(condition string) {
	var e *streamError
	if condition != "" {
		e = refuse(condition, "")
	}
	s.close(e)
}

// Done is closed when the session is over and Handler.End has returned.
func (s *Session) Done() <-chan struct{} { return s.ended }

func (s *Session) close(e *streamError) {
	s.mu.Lock()
	if s.state == open {
		s.state, s.final = closing, e
	}
	s.mu.Unlock()
	s.signal()
}

// kill ends the session without another word to the client: its connection is broken or doesn't take anything.
func (s *Session) kill() {
	s.mu.Lock()
	was := s.state
	s.state = dead
	s.mu.Unlock()
	if was != dead {
		s.stopReading()
		s.st.raw.Close() // wakes the reader and the writer
	}
	s.signal()
}

func (s *Session) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// serve runs the session until its end.
func (s *Session) serve(ctx context.Context) {
	log := s.srv.log.With("staff", s.Account(), "session", s.id)
	log.Info("xmpp session bound", "device", s.login.Device)
	accounts := &s.srv.accounts
	limit := accounts.join(s.Account(), s.srv.cfg)
	defer accounts.leave(s.Account())

	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	s.st.raw.SetReadDeadline(time.Time{}) // that of the negotiation
	stop := context.AfterFunc(ctx, func() { s.Close(SystemShutdown) })
	defer stop()

	var writer, worker sync.WaitGroup
	writer.Go(s.write)
	worker.Go(func() { s.work(work) })
	err := s.receive(limit)
	s.finish(ctx, err, stopWork, &worker)
	<-s.flushed

	s.mu.Lock()
	s.state = dead
	unacked := s.unacked()
	reason := "closed"
	if s.final != nil {
		reason = s.final.condition
	}
	s.mu.Unlock()
	s.srv.remove(s)
	s.srv.handler.End(s, unacked)
	close(s.ended)
	log.Info("xmpp session over", "reason", reason)
	writer.Wait()
}
