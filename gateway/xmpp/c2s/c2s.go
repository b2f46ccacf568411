// SPDX-License-Identifier: Apache-2.0

// Package c2s is the embedded XMPP server's stream layer (RFC 6120): listeners, TLS, sign-in, resource binding, stream
// management (XEP-0198) and the orderly end of streams. What stanzas mean is the business of its Handler.
//
// A connection has three goroutines once its session is bound: one reads, one gives stanzas to the handler one after the
// other, one writes. Nothing that another session or the handler does ever waits for a client's socket: sending puts bytes
// into a bounded queue, and a queue that overflows ends that session alone.
package c2s

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/time/rate"

	"refdesk/gateway/account"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// Handler is what the streams serve: the staff's side of the desk. Its methods are called from the goroutines of the
// sessions, those of one session in part at the same time (Acked while Stanza runs).
type Handler interface {
	// Bind registers the session; the client gets its answer when Bind returns, so it returns after the commit.
	// Session.Resource is what the client asked for (or a random one); Session.Grant changes it. A *xmpp.StanzaError is
	// given to the client as it is, any other error as internal-server-error; the client may try again on the same stream,
	// with the same Session.ID if it asks for the same resource. A session whose Bind failed is never seen again
	// otherwise: End is not called.
	Bind(ctx context.Context, s *Session) error
	// Stanza handles one message, presence or iq from the client, in order, one at a time; it returns when the stanza is
	// finished: committed, refused or answered. num is the stanza's number counted from <enable/> (XEP-0198 §4), 0 while
	// stream management is off. The element's from is the session's full address; the handler owns the element. The
	// stanza counts as finished when it returns, unless the handler has called Session.Hold.
	Stanza(ctx context.Context, s *Session, el *element.Element, num uint32)
	// Acked reports the tokens of outbound stanzas that the client has: acknowledged, or, without stream management,
	// written to its socket. It must not block.
	Acked(s *Session, tokens []any)
	// End reports that the stream is over, after the last call of Stanza. unacked are the tokens never acknowledged, in
	// the order of Send. It is called exactly once for every session whose Bind succeeded.
	End(s *Session, unacked []any)
	// Resume answers an attempt to resume: the number of stanzas that the desk has finished of an earlier session of this
	// account, on any node. ok is false when the desk doesn't know the session.
	Resume(ctx context.Context, account, smID string) (h uint32, ok bool)
}

// Authenticator checks sign-ins; account.Service is one.
type Authenticator interface {
	// Mechanisms lists the names of SASL mechanisms to offer, the best first.
	Mechanisms() []string
	// Begin starts an exchange. Its errors, and those of the exchange, are *account.Failure.
	Begin(mechanism string, remote netip.Addr) (account.Exchange, error)
}

// Config of a Server. Zero values mean the defaults given.
type Config struct {
	Domain string // of the accounts; streams to any other are refused
	// TLS holds the certificates. Without it there is no STARTTLS, no direct TLS and, unless PlainSASL, no sign-in.
	TLS *tls.Config
	// PlainSASL allows signing in without TLS. Only for loopback, and only when the configuration says so in words.
	PlainSASL bool
	// Features are announced after sign-in beside those of the stream layer: entity capabilities, roster versions.
	Features []*element.Element

	Before element.Limits // of XML before sign-in; default 16 KiB a stanza
	After  element.Limits // of XML after it; default 256 KiB a stanza

	Negotiation time.Duration // from the connection to the bound session; default 30 s
	Write       time.Duration // for each piece written; default 10 s
	Idle        time.Duration // of silence before the client is asked for a sign of life; default 60 s
	Answer      time.Duration // for that sign, and for acks; default 30 s
	Drain       time.Duration // for what was received when the stream ends to be handled; default 10 s

	QueueStanzas int // outbound; default 1,024
	QueueBytes   int // outbound; default 4 MiB

	StanzaRate  rate.Limit // inbound stanzas a second, of a session and of all sessions of an account; default 50
	StanzaBurst int        // default 500
	ByteRate    rate.Limit // inbound bytes a second, likewise; default 128 KiB
	ByteBurst   int        // default 1 MiB; never less than a stanza may hold

	MaxStreams int // that are not signed in; further connections are closed at once. Default 1,024

	Log *slog.Logger // default: discard
}

func (c Config) withDefaults() Config {
	if c.Before.Bytes <= 0 {
		c.Before.Bytes = 16 << 10
	}
	if c.After.Bytes <= 0 {
		c.After.Bytes = element.DefaultLimits().Bytes
	}
	orDefault(&c.Negotiation, 30*time.Second)
	orDefault(&c.Write, 10*time.Second)
	orDefault(&c.Idle, time.Minute)
	orDefault(&c.Answer, 30*time.Second)
	orDefault(&c.Drain, 10*time.Second)
	orDefault(&c.QueueStanzas, 1024)
	orDefault(&c.QueueBytes, 4<<20)
	orDefault(&c.StanzaRate, 50)
	orDefault(&c.StanzaBurst, 500)
	orDefault(&c.ByteRate, 128<<10)
	orDefault(&c.ByteBurst, 1<<20)
	c.ByteBurst = max(c.ByteBurst, c.After.Bytes)
	orDefault(&c.MaxStreams, 1024)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func orDefault[T int | time.Duration | rate.Limit](p *T, d T) {
	if *p <= 0 {
		*p = d
	}
}

// Errors of Session.Send.
var (
	ErrClosed   = errors.New("c2s: session is over")
	ErrOverflow = errors.New("c2s: queue overflow, session ended")
)

// NewServer returns a server that isn't running yet.
func NewServer(cfg Config, auth Authenticator, h Handler) (*Server, error) {
	domains, err := xmpp.NewDomains(cfg.Domain)
	if err != nil {
		return nil, err
	}
	cfg.Domain = domains.Staff
	cfg = cfg.withDefaults()
	if cfg.TLS == nil && !cfg.PlainSASL {
		return nil, errors.New("c2s: neither TLS nor sign-in without it: nobody could sign in")
	}
	s := &Server{cfg: cfg, auth: auth, handler: h, log: cfg.Log, sessions: make(map[string]*Session)}
	s.accounts.limits = make(map[string]*accountLimit)
	if cfg.TLS != nil {
		s.starttls = cfg.TLS.Clone()
		s.starttls.NextProtos = nil
		s.starttls.MinVersion = max(s.starttls.MinVersion, tls.VersionTLS12) // RFC 7590 §3, RFC 9325
		s.direct = s.starttls.Clone()
		s.direct.NextProtos = []string{"xmpp-client"} // XEP-0368 §3; clients without ALPN are let in
	}
	return s, nil
}
