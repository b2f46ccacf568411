// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"strconv"
	"time"

	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// unackedFactor bounds the stanzas that a client has not acknowledged, as a multiple of the queue's length.
const unackedFactor = 4

// resumable is what <enabled/> promises, in seconds. A resumption is answered with what was handled, on any node, which
// is what keeps lines from being doubled; the stream itself begins anew.
const resumable = "300"

// management is the stream management of a session (XEP-0198). Guarded by Session.mu. Its counters run modulo 2^32.
type management struct {
	on bool

	received uint32              // stanzas read since <enable/>
	worked   uint32              // stanzas that the handler is through with
	held     map[uint32]struct{} // those of them that are not finished
	owed     int                 // answers to <r/>
	due      bool                // the prefix has advanced: tell unasked

	acked   uint32 // by the client
	unacked []any  // tokens of what was written and not acknowledged, nil ones included
	asked   time.Time
	pinged  time.Time
}

// h is the length of the contiguous finished prefix.
func (m *management) h() uint32 {
	h := m.worked
	for n := range m.held {
		if h-n < 1<<31 { // n is not beyond h
			h = n - 1
		}
	}
	return h
}

func (m *management) appendAcks(b []byte) []byte {
	if m.due {
		m.owed = max(m.owed, 1)
	}
	for ; m.owed > 0; m.owed-- {
		b = append(b, "<a xmlns='urn:xmpp:sm:3' h='"...)
		b = strconv.AppendUint(b, uint64(m.h()), 10)
		b = append(b, "'/>"...)
	}
	m.due = false
	return b
}

// manage handles an element of stream management from the client, in the reader's goroutine: also while a stanza waits
// for its commit.
func (s *Session) manage(el *element.Element) error {
	switch el.Local {
	case "enable":
		return s.enable(el)
	case "r":
		s.mu.Lock()
		defer s.signal()
		defer s.mu.Unlock()
		if !s.sm.on {
			s.nonza(smFailed(xmpp.UnexpectedRequest))
		} else if s.sm.owed++; s.sm.owed > s.srv.cfg.QueueStanzas {
			return refuse(PolicyViolation, "too many requests")
		}
		return nil
	case "a":
		return s.acknowledged(el)
	}
	s.mu.Lock()
	s.nonza(smFailed(xmpp.UnexpectedRequest))
	s.mu.Unlock()
	s.signal()
	return nil
}

// enable begins to count, in both directions (XEP-0198 §3).
func (s *Session) enable(el *element.Element) error {
	s.mu.Lock()
	defer s.signal()
	defer s.mu.Unlock()
	if s.sm.on {
		s.nonza(smFailed(xmpp.UnexpectedRequest))
		return nil
	}
	enabled := element.New(xmpp.NSSM, "enabled").Set("id", s.id)
	if r := el.Attr("resume"); r == "true" || r == "1" {
		enabled.Set("resume", "true").Set("max", resumable)
	}
	s.nonza(enabled)
	s.sm.on = true
	return nil
}

// acknowledged takes <a/> from the client.
func (s *Session) acknowledged(el *element.Element) error {
	h, err := strconv.ParseUint(el.Attr("h"), 10, 32)
	if err != nil {
		return refuse(BadFormat, "an ack needs its h")
	}
	s.mu.Lock()
	n := uint32(h) - s.sm.acked
	if !s.sm.on || n > uint32(len(s.sm.unacked)) {
		sent := s.sm.acked + uint32(len(s.sm.unacked))
		s.mu.Unlock()
		return &streamError{ // XEP-0198 §4
			condition: UndefinedCondition, text: "more acknowledged than sent",
			app: element.New(xmpp.NSSM, "handled-count-too-high").Set("h", formatH(uint32(h))).Set("send-count", formatH(sent)),
		}
	}
	var tokens []any
	for _, t := range s.sm.unacked[:n] {
		if t != nil {
			tokens = append(tokens, t)
		}
	}
	rest := copy(s.sm.unacked, s.sm.unacked[n:])
	clear(s.sm.unacked[rest:])
	s.sm.unacked = s.sm.unacked[:rest]
	if rest == 0 && cap(s.sm.unacked) > keepItems {
		s.sm.unacked = nil
	}
	s.sm.acked = uint32(h)
	s.sm.asked = time.Time{}
	s.mu.Unlock()
	if len(tokens) > 0 {
		s.srv.handler.Acked(s, tokens)
	}
	return nil
}

// Hold keeps a stanza unfinished after Handler.Stanza has returned: the acknowledged prefix ends before it until
// Release. It is called from within Stanza. num 0 does nothing.
func (s *Session) Hold(num uint32) {
	if num == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sm.held == nil {
		s.sm.held = make(map[uint32]struct{})
	}
	s.sm.held[num] = struct{}{}
}

// Release finishes a stanza that was held.
func (s *Session) Release(num uint32) {
	s.mu.Lock()
	before := s.sm.h()
	delete(s.sm.held, num)
	s.sm.due = s.sm.due || s.sm.h() != before
	s.mu.Unlock()
	s.signal()
}

// Handled returns how many stanzas since <enable/> form the contiguous finished prefix: what <a/> says.
func (s *Session) Handled() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sm.h()
}

// worked notes that the handler is through with a stanza.
func (s *Session) worked(num uint32) {
	if num == 0 {
		return
	}
	s.mu.Lock()
	before := s.sm.h()
	s.sm.worked = num
	s.sm.due = s.sm.due || s.sm.h() != before
	s.mu.Unlock()
	s.signal()
}

func smFailed(c xmpp.Condition) *element.Element {
	return element.New(xmpp.NSSM, "failed").Add(element.New(xmpp.NSStanzas, string(c)))
}

func formatH(h uint32) string { return strconv.FormatUint(uint64(h), 10) }
