// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// errRestart says that the client opens a new stream now, on the same connection.
var errRestart = errors.New("stream restart")

// negotiate takes a connection to a bound session: TLS, sign-in, resource (RFC 6120 §4.3). White space between elements
// is skipped by the reader; time is bounded by the standing deadline.
func (st *stream) negotiate(ctx context.Context, direct bool) (*Session, error) {
	if direct {
		if err := st.encrypt(ctx, st.srv.direct, st.raw); err != nil {
			return nil, err
		}
	}
	for {
		if err := st.open(); err != nil {
			return nil, err
		}
		if err := st.send(st.features()); err != nil {
			return nil, err
		}
		session, err := st.steps(ctx)
		if err != errRestart {
			return session, err
		}
	}
}

// features lists what the client may do next.
func (st *stream) features() *element.Element {
	f := element.New(xmpp.NSStream, "features")
	if st.login.Account != "" {
		f.Add(element.New(xmpp.NSBind, "bind"),
			element.New(xmpp.NSSession, "session").Add(element.New(xmpp.NSSession, "optional")), // RFC 3921 §3
			element.New(xmpp.NSSM, "sm"))
		return f.Add(st.srv.cfg.Features...)
	}
	if !st.secure && st.srv.starttls != nil {
		tls := element.New(xmpp.NSStartTLS, "starttls")
		if !st.srv.cfg.PlainSASL {
			tls.Add(element.New(xmpp.NSStartTLS, "required"))
		}
		f.Add(tls)
	}
	if st.maySignIn() {
		m := element.New(xmpp.NSSASL, "mechanisms")
		for _, name := range st.srv.auth.Mechanisms() {
			m.Add(element.Text(xmpp.NSSASL, "mechanism", name))
		}
		f.Add(m)
	}
	return f
}

func (st *stream) maySignIn() bool { return st.secure || st.srv.cfg.PlainSASL }

// steps serves one stream of the negotiation.
func (st *stream) steps(ctx context.Context) (*Session, error) {
	for {
		el, err := st.rd.Next()
		if err != nil {
			return nil, err
		}
		var session *Session
		if st.login.Account == "" {
			err = st.beforeLogin(ctx, el)
		} else {
			session, err = st.afterLogin(ctx, el)
		}
		if session != nil || err != nil {
			return session, err
		}
	}
}

func (st *stream) beforeLogin(ctx context.Context, el *element.Element) error {
	switch {
	case el.Is(xmpp.NSStartTLS, "starttls"):
		return st.startTLS(ctx)
	case el.Is(xmpp.NSSASL, "auth"):
		return st.signIn(ctx, el)
	case el.Space == xmpp.NSSASL: // a response or abort to nothing
		return st.saslFailed("malformed-request")
	}
	return refuse(NotAuthorized, "sign in first")
}

// afterLogin waits for the client to bind a resource. An attempt to resume is answered with how much of the lost session
// was handled (XEP-0198 §5), after which the client binds.
func (st *stream) afterLogin(ctx context.Context, el *element.Element) (*Session, error) {
	switch {
	case el.Is(xmpp.NSClient, "iq") && el.Attr("type") == xmpp.Set && el.Child(xmpp.NSBind, "bind") != nil:
		return st.bind(ctx, el)
	case el.Is(xmpp.NSSM, "resume"):
		return nil, st.resume(ctx, el)
	case el.Space == xmpp.NSSM:
		return nil, st.send(smFailed(xmpp.UnexpectedRequest))
	}
	return nil, refuse(NotAuthorized, "bind a resource first")
}

// startTLS answers <starttls/> and does the handshake. Whatever the client has sent behind it in plain text is thrown
// away, as it may come from somebody in between (RFC 6120 §5.3.1).
func (st *stream) startTLS(ctx context.Context) error {
	if st.secure || st.srv.starttls == nil {
		st.send(element.New(xmpp.NSStartTLS, "failure"))
		return element.ErrEnd
	}
	if err := st.send(element.New(xmpp.NSStartTLS, "proceed")); err != nil {
		return err
	}
	if err := st.encrypt(ctx, st.srv.starttls, &plaintextSkipper{Conn: st.raw}); err != nil {
		return err
	}
	return errRestart
}

// encrypt does the server's side of the TLS handshake. The element reader begins anew on the other side of it, so that
// nothing it has read ahead survives.
func (st *stream) encrypt(ctx context.Context, cfg *tls.Config, below net.Conn) error {
	if cfg == nil {
		return io.ErrUnexpectedEOF
	}
	conn := tls.Server(below, cfg)
	conn.SetWriteDeadline(time.Now().Add(st.srv.cfg.Negotiation))
	if err := conn.HandshakeContext(ctx); err != nil {
		st.srv.log.Debug("xmpp tls handshake", "err", err)
		return io.ErrUnexpectedEOF // the connection is of no use any more, not even for an error
	}
	st.conn, st.secure = conn, true
	st.rd = element.NewReader(st, st.srv.cfg.Before)
	return nil
}

// plaintextSkipper throws away what comes before the first TLS record. A client sends its handshake after <proceed/>
// only; plain text that was under way behind <starttls/> arrives before. It can't be mistaken: XML has no 0x16.
type plaintextSkipper struct {
	net.Conn
	begun   bool
	skipped int
}

const handshakeRecord = 0x16 // RFC 8446 §5.1

// Read implements net.Conn.
func (c *plaintextSkipper) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if c.begun || n == 0 {
			return n, err
		}
		for i, b := range p[:n] {
			if b == handshakeRecord {
				c.begun = true
				return copy(p, p[i:n]), err
			}
		}
		if c.skipped += n; c.skipped > 256<<10 {
			return 0, io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
	}
}
