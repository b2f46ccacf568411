// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"refdesk/gateway/account"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// stream is one connection with the XML streams that follow one another on it. Until the session is bound it belongs to
// one goroutine, which reads and writes.
type stream struct {
	srv    *Server
	raw    net.Conn
	conn   net.Conn // raw, or the TLS on it
	rd     *element.Reader
	remote netip.Addr
	secure bool
	opened bool // our header of the current stream is written
	tries  int  // failed sign-ins
	buf    []byte
	heard  atomic.Int64 // when something was read last, in nanoseconds since the epoch

	login   account.Login
	session *Session // proposed to the handler, perhaps in vain so far
}

func newStream(s *Server, conn net.Conn) *stream {
	st := &stream{srv: s, raw: conn, conn: conn}
	if ap, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		st.remote = ap.Addr().Unmap()
	}
	st.heard.Store(time.Now().UnixNano())
	st.rd = element.NewReader(st, s.cfg.Before)
	conn.SetReadDeadline(time.Now().Add(s.cfg.Negotiation)) // a standing one, for the whole negotiation
	return st
}

// Read reads from the connection for the element reader.
func (st *stream) Read(p []byte) (int, error) {
	n, err := st.conn.Read(p)
	if n > 0 {
		st.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

// interrupt makes the pending read return, and every later one.
func (st *stream) interrupt() { st.raw.SetReadDeadline(time.Unix(1, 0)) }

// write writes at once, within the time for one write.
func (st *stream) write(b []byte) error {
	st.conn.SetWriteDeadline(time.Now().Add(st.srv.cfg.Write))
	_, err := st.conn.Write(b)
	return err
}

// send writes elements at once.
func (st *stream) send(els ...*element.Element) error {
	st.buf = st.buf[:0]
	for _, el := range els {
		st.buf = element.AppendXML(st.buf, el, xmpp.NSClient)
	}
	return st.write(st.buf)
}

// open reads the client's stream header and answers it (RFC 6120 §4.7).
func (st *stream) open() error {
	st.opened = false
	root, content, err := st.rd.Open()
	if err != nil {
		return err
	}
	switch {
	case root.Space != xmpp.NSStream || root.Local == "stream" && content != xmpp.NSClient:
		return refuse(InvalidNamespace, "")
	case root.Local != "stream":
		return refuse(BadFormat, "a stream was expected")
	case root.Attr("to") == "":
		return refuse(ImproperAddressing, "the stream header needs a to")
	}
	if to, err := xmpp.ParseJID(root.Attr("to")); err != nil || to.String() != st.srv.cfg.Domain {
		return refuse(HostUnknown, "")
	}
	if v := root.Attr("version"); len(v) < 3 || v[0] < '1' || v[0] > '9' {
		return refuse(UnsupportedVersion, "")
	}
	return st.header(root.Attr("from"))
}

// header writes our stream header. from is what the client says of itself and is echoed only if it is an address.
func (st *stream) header(from string) error {
	st.opened = true
	b := append(st.buf[:0], "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='"+xmpp.NSStream+
		"' id='"+randomID()+"' from='"...)
	b = element.AppendAttr(b, st.srv.cfg.Domain)
	if j, err := xmpp.ParseJID(from); err == nil {
		b = append(b, "' to='"...)
		b = element.AppendAttr(b, j.String())
	}
	st.buf = append(b, "' version='1.0' xml:lang='en'>"...)
	return st.write(st.buf)
}

// randomID returns 128 random bits in hex.
func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// fail ends a stream that has no session: it tells the client why, if it can be told, and closes.
func (st *stream) fail(ctx context.Context, err error) {
	if errors.Is(err, element.ErrEnd) {
		st.write([]byte("</stream:stream>"))
		st.linger()
		return
	}
	if ctx.Err() != nil {
		err = refuse(SystemShutdown, "")
	}
	e, ok := tell(err)
	if !ok {
		return
	}
	st.srv.log.Debug("xmpp stream refused", "condition", e.condition, "text", e.text)
	if !st.opened { // the error needs a stream around it (RFC 6120 §4.9.1.2)
		if st.header("") != nil {
			return
		}
	}
	st.buf = append(element.AppendXML(st.buf[:0], e.element(), xmpp.NSClient), "</stream:stream>"...)
	if st.write(st.buf) == nil {
		st.linger()
	}
}

// Bounds of linger.
const (
	lingerTime  = 5 * time.Second
	lingerBytes = 32 << 20
)

// linger half-closes the connection and throws away what still comes, for a while. Closing a socket with unread bytes
// resets it, and the client would lose the error that explains the end, just when it sends too much.
func (st *stream) linger() {
	if c, ok := st.conn.(interface{ CloseWrite() error }); ok && st.conn != st.raw {
		st.conn.SetWriteDeadline(time.Now().Add(lingerTime))
		c.CloseWrite() // the close_notify of TLS
	}
	c, ok := st.raw.(interface{ CloseWrite() error })
	if !ok || c.CloseWrite() != nil {
		return
	}
	st.raw.SetReadDeadline(time.Now().Add(lingerTime))
	buf := make([]byte, 4<<10)
	for left := lingerBytes; left > 0; {
		n, err := st.raw.Read(buf)
		if err != nil && n == 0 || err == io.EOF {
			return
		}
		left -= n
	}
}
