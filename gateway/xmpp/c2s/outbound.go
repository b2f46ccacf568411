// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"strconv"
	"time"

	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// outbound is a session's queue to its client: the serialized stanzas one behind the other, and what is known of each.
// The writer takes all of it at a time. Guarded by Session.mu.
type outbound struct {
	buf     []byte
	items   []item
	writing []item // taken by the writer, not written yet
	spare   []byte // buffer of an earlier batch
	stanzas int    // queued or being written
	bytes   int
	ping    bool // the client has been silent: ask for a sign of life
}

// item is one stanza of the queue.
type item struct {
	token   any
	size    int
	counted bool // behind <enabled/>: acknowledged by <a/>, not by being written
	message bool
	nonza   bool // no stanza at all
}

const (
	chunkSize  = 32 << 10 // written at a time, each within Config.Write
	keepBuffer = 2 << 10  // the largest buffer that is kept for the next batch: most sessions idle most of the time
	keepItems  = 32       // the same for the lists of what is in it
	pingPrefix = "refdesk-ping-"
)

func (s *Session) enqueue(el *element.Element, raw []byte, message bool, token any) error {
	s.mu.Lock()
	if s.state != open {
		s.mu.Unlock()
		return ErrClosed
	}
	o, before := &s.out, len(s.out.buf)
	if el != nil {
		o.buf = element.AppendXML(o.buf, el, xmpp.NSClient)
	} else {
		o.buf = append(o.buf, raw...)
	}
	size := len(o.buf) - before
	if o.stanzas >= s.srv.cfg.QueueStanzas || o.bytes+size > s.srv.cfg.QueueBytes {
		o.buf = o.buf[:before]
		s.mu.Unlock()
		s.srv.log.Warn("xmpp queue overflow", "staff", s.Account(), "session", s.id)
		s.kill()
		return ErrOverflow
	}
	o.items = append(o.items, item{token: token, size: size, counted: s.sm.on, message: message})
	o.stanzas++
	o.bytes += size
	s.mu.Unlock()
	s.signal()
	return nil
}

// nonza queues an element that is no stanza: it has no token and isn't counted. The caller holds mu.
func (s *Session) nonza(el *element.Element) {
	if s.state != open {
		return
	}
	before := len(s.out.buf)
	s.out.buf = element.AppendXML(s.out.buf, el, xmpp.NSClient)
	size := len(s.out.buf) - before
	s.out.items = append(s.out.items, item{size: size, nonza: true})
	s.out.stanzas++
	s.out.bytes += size
}

// write is the writer's goroutine. When everything is written, the end of the stream included, it makes the reader stop
// and waits for the client to go, while the worker may still be busy.
func (s *Session) write() {
	s.flush()
	s.stopReading()
	s.st.interrupt()
	close(s.flushed)
	<-s.read
	s.st.linger()
}

// flush writes what is queued until the stream ends.
func (s *Session) flush() {
	beat := time.NewTicker(max(time.Millisecond, min(s.srv.cfg.Idle, s.srv.cfg.Answer)/3))
	defer beat.Stop()
	if err := s.put(s.answer); err != nil {
		s.kill()
		return
	}
	for {
		data, ends := s.take()
		if len(data) > 0 {
			if err := s.put(data); err != nil {
				s.kill()
				return
			}
			s.written(data)
		}
		if ends {
			return
		}
		if len(data) > 0 {
			continue // more may have come meanwhile
		}
		select {
		case <-s.wake:
		case <-beat.C:
			s.beat(time.Now())
		}
	}
}

// put writes in pieces, so that the time for a write doesn't depend on how much is queued.
func (s *Session) put(data []byte) error {
	for len(data) > 0 {
		n := min(len(data), chunkSize)
		if err := s.st.write(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// take returns what is to be written now, and whether the stream ends with it.
func (s *Session) take() (data []byte, ends bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == dead {
		return nil, true
	}
	o := &s.out
	data, o.buf, o.spare = o.buf, o.spare[:0], nil
	o.writing, o.items = o.items, o.writing[:0]
	asks := false
	for _, it := range o.writing {
		if it.counted {
			s.sm.unacked = append(s.sm.unacked, it.token)
			asks = asks || it.message
		}
	}
	data = s.sm.appendAcks(data)
	switch {
	case asks || o.ping && s.sm.on:
		data = append(data, "<r xmlns='urn:xmpp:sm:3'/>"...)
		if s.sm.asked.IsZero() {
			s.sm.asked = time.Now()
		}
	case o.ping: // counted by nobody: stream management is off
		data = element.AppendXML(data, xmpp.IQ(xmpp.Get, s.Domain(), s.JID(),
			pingPrefix+strconv.FormatInt(time.Now().UnixNano(), 36), element.New(xmpp.NSPing, "ping")), xmpp.NSClient)
	}
	o.ping = false
	if s.state == closing {
		if s.final != nil {
			data = element.AppendXML(data, s.final.element(), xmpp.NSClient)
		}
		return append(data, "</stream:stream>"...), true
	}
	return data, false
}

// written settles the batch that was taken before.
func (s *Session) written(data []byte) {
	var tokens []any
	s.mu.Lock()
	o := &s.out
	for i := range o.writing {
		it := &o.writing[i]
		o.stanzas--
		o.bytes -= it.size
		if !it.counted && it.token != nil {
			tokens = append(tokens, it.token)
		}
		*it = item{}
	}
	o.writing = o.writing[:0]
	if cap(o.writing) > keepItems {
		o.writing = nil
	}
	if cap(data) <= keepBuffer {
		o.spare = data[:0]
	}
	tooMany := len(s.sm.unacked) > unackedFactor*s.srv.cfg.QueueStanzas
	s.mu.Unlock()
	if len(tokens) > 0 {
		s.srv.handler.Acked(s, tokens)
	}
	if tooMany {
		s.close(refuse(PolicyViolation, "stanzas are not acknowledged"))
	}
}

// unacked returns the tokens of all that the client is not known to have, in order. The caller holds mu.
func (s *Session) unacked() []any {
	var tokens []any
	add := func(t any) {
		if t != nil {
			tokens = append(tokens, t)
		}
	}
	for _, it := range s.out.writing { // those behind <enabled/> are in sm.unacked
		if !it.counted {
			add(it.token)
		}
	}
	for _, t := range s.sm.unacked {
		add(t)
	}
	for _, it := range s.out.items {
		add(it.token)
	}
	return tokens
}

// beat looks whether the client is still there: whether it has said anything of late, and whether it acknowledges.
func (s *Session) beat(now time.Time) {
	heard := time.Unix(0, s.st.heard.Load())
	idle, answer := s.srv.cfg.Idle, s.srv.cfg.Answer
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open {
		return
	}
	silent := now.Sub(heard)
	unanswered := !s.sm.asked.IsZero() && heard.Before(s.sm.asked) && now.Sub(s.sm.asked) >= answer
	switch {
	case unanswered || silent >= idle+answer:
		s.state, s.final = closing, refuse(ConnectionTimeout, "")
	case silent >= idle && silent < idle+answer && !s.sm.pinged.After(heard):
		s.sm.pinged = now
		s.out.ping = true
	}
}
