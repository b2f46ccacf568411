// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// inbound is a stanza on its way from the reader to the worker.
type inbound struct {
	el   *element.Element
	num  uint32
	size int // bytes
}

// Bounds of what waits behind the stanza that is being handled. Beyond them the client is not read.
const (
	inboxStanzas = 64
	inboxBytes   = 1 << 20
)

// inbox is the queue between reader and worker.
type inbox struct {
	ch       chan inbound
	bytes    atomic.Int64
	room     chan struct{}
	dropping atomic.Int32
}

// What of that which waits is not handled any more: nothing, what is numbered, everything.
const (
	dropNothing int32 = iota
	dropNumbered
	dropAll
)

func (b *inbox) drops(in inbound) bool {
	d := b.dropping.Load()
	return d == dropAll || d == dropNumbered && in.num != 0
}

func newInbox() *inbox {
	return &inbox{ch: make(chan inbound, inboxStanzas), room: make(chan struct{}, 1)}
}

// put waits for room.
func (b *inbox) put(ctx context.Context, in inbound) error {
	for b.bytes.Load() > 0 && b.bytes.Load()+int64(in.size) > inboxBytes {
		select {
		case <-b.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.bytes.Add(int64(in.size))
	select {
	case b.ch <- in:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *inbox) done(in inbound) {
	b.bytes.Add(-int64(in.size))
	select {
	case b.room <- struct{}{}:
	default:
	}
}

// receive is the reader's loop. It returns why it ended.
func (s *Session) receive(account limit) error {
	defer close(s.read)
	own := newLimit(s.srv.cfg)
	for {
		el, err := s.st.rd.Next()
		if err != nil {
			return err
		}
		size := s.st.rd.Size()
		if err := own.wait(s.reading, size); err != nil {
			return err
		}
		if err := account.wait(s.reading, size); err != nil {
			return err
		}
		if err := s.sort(el, size); err != nil {
			return err
		}
	}
}

// sort takes one element from the client to where it belongs.
func (s *Session) sort(el *element.Element, size int) error {
	switch {
	case el.Space == xmpp.NSSM:
		return s.manage(el)
	case el.Space == xmpp.NSCSI:
		return nil
	case el.Local == "message" || el.Local == "presence" || el.Local == "iq":
		if el.Space != xmpp.NSClient {
			return refuse(InvalidNamespace, "")
		}
	default:
		return refuse(UnsupportedStanzaType, "")
	}
	if from := el.Attr("from"); from != "" && !s.owns(from) {
		return refuse(InvalidFrom, "") // RFC 6120 §8.1.2.1
	}
	el.Set("from", s.JID())
	s.mu.Lock()
	var num uint32
	if s.sm.on {
		s.sm.received++
		num = s.sm.received
	}
	s.mu.Unlock()
	return s.in.put(s.reading, inbound{el, num, size})
}

// owns tells whether the client may send from an address: its full or its bare one.
func (s *Session) owns(from string) bool {
	if from == s.JID() || from == s.Bare() {
		return true
	}
	j, err := xmpp.ParseJID(from)
	return err == nil && (j.String() == s.JID() || j.String() == s.Bare())
}

// work is the worker's goroutine: one stanza at a time, in order.
func (s *Session) work(ctx context.Context) {
	for in := range s.in.ch {
		if !s.in.drops(in) {
			s.handle(ctx, in)
		}
		s.in.done(in)
	}
}

// handle finishes one stanza. A handler that panics ends this session alone; the stanza stays unfinished.
func (s *Session) handle(ctx context.Context, in inbound) {
	defer func() {
		if p := recover(); p != nil {
			s.srv.log.Error("xmpp handler panicked", "staff", s.Account(), "session", s.id, "panic", p, "stack", string(debug.Stack()))
			s.in.dropping.Store(dropAll)
			s.Close(InternalServerError)
		}
	}()
	if !s.answered(in.el) {
		s.srv.handler.Stanza(ctx, s, in.el, in.num)
	}
	s.worked(in.num)
}

// answered deals with what concerns the stream alone: bad forms, bad addresses, the session request of RFC 3921, and
// the answers to our own pings.
func (s *Session) answered(el *element.Element) bool {
	kind := el.Attr("type")
	var refusal *xmpp.StanzaError
	if el.Local == "iq" {
		switch {
		case kind == xmpp.Set && el.Child(xmpp.NSSession, "session") != nil:
			s.Send(xmpp.Result(el, nil), nil)
			return true
		case kind == xmpp.Set && el.Child(xmpp.NSBind, "bind") != nil:
			refusal = &xmpp.StanzaError{Condition: xmpp.NotAllowed, Text: "a resource is bound already"}
		case (kind == xmpp.ResultType || kind == xmpp.TypeError) && strings.HasPrefix(el.Attr("id"), pingPrefix):
			return true
		default:
			refusal = xmpp.CheckIQ(el)
		}
	}
	if to := el.Attr("to"); to != "" && refusal == nil {
		if _, err := xmpp.ParseJID(to); err != nil {
			refusal = &xmpp.StanzaError{Condition: xmpp.JIDMalformed}
		}
	}
	if refusal == nil {
		return false
	}
	if reply := xmpp.ErrorReply(el, refusal); reply != nil {
		s.Send(reply, nil)
	}
	return true
}

// finish brings the session's three goroutines to their end after the reader has come to its own.
//
// A client that closes its stream has everything handled and answered that it sent before. When the connection breaks,
// what waits is handled as well, unless stream management is on: then the client knows that it wasn't, and sends it again.
func (s *Session) finish(ctx context.Context, err error, stopWork func(), worker *sync.WaitGroup) {
	if errors.Is(err, element.ErrEnd) {
		s.drain(ctx, stopWork, worker)
		s.close(nil)
		return
	}
	s.mu.Lock()
	ours, managed := s.state != open, s.sm.on
	s.mu.Unlock()
	if e, ok := tell(err); ok && !ours {
		if ctx.Err() != nil {
			e = refuse(SystemShutdown, "")
		}
		s.close(e)
	} else if !ok && s.reading.Err() == nil {
		s.kill()
	}
	if managed {
		s.in.dropping.CompareAndSwap(dropNothing, dropNumbered)
	}
	s.drain(ctx, stopWork, worker)
}

// drain waits for the worker, for a while with patience and then without.
func (s *Session) drain(ctx context.Context, stopWork func(), worker *sync.WaitGroup) {
	close(s.in.ch)
	patience := s.srv.cfg.Drain
	if ctx.Err() != nil {
		patience = min(patience, 2*time.Second)
	}
	timer := time.AfterFunc(patience, func() {
		s.in.dropping.Store(dropAll)
		stopWork()
	})
	defer timer.Stop()
	worker.Wait()
}
