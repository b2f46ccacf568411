// SPDX-License-Identifier: Apache-2.0

// Package xmpptest has what tests of the staff's door need: a scripted client that sends whatever a test wants, byte for
// byte, and starters for real clients. It is imported by tests only.
package xmpptest

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// Patience is how long a Client waits for anything.
const Patience = 20 * time.Second

// Client is one scripted client. Its methods fail the test when something else happens than the script says. It is for
// the goroutine of the test.
type Client struct {
	T      testing.TB
	Domain string
	Conn   net.Conn
	JID    string // full address, after Bind
	rd     *element.Reader
}

// New returns a client on a connection.
func New(t testing.TB, conn net.Conn, domain string) *Client {
	c := &Client{T: t, Domain: domain}
	c.use(conn)
	t.Cleanup(func() { c.Conn.Close() })
	return c
}

// Dial connects to a TCP address.
func Dial(t testing.TB, addr, domain string) *Client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return New(t, conn, domain)
}

func (c *Client) use(conn net.Conn) {
	c.Conn = conn
	c.rd = element.NewReader(conn, element.Limits{Bytes: 8 << 20})
	conn.SetDeadline(time.Now().Add(Patience))
}

// Send sends the bytes given.
func (c *Client) Send(xml string) {
	c.T.Helper()
	if _, err := c.Conn.Write([]byte(xml)); err != nil {
		c.T.Fatalf("send: %v", err)
	}
}

// Header is a stream header to a domain.
func Header(domain string) string {
	return "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" + xmpp.NSStream +
		"' to='" + domain + "' version='1.0'>"
}

// Open sends a stream header and returns the features that come back.
func (c *Client) Open() *element.Element {
	c.T.Helper()
	c.Send(Header(c.Domain))
	return c.Opened()
}

// Opened reads the server's stream header and the features behind it.
func (c *Client) Opened() *element.Element {
	c.T.Helper()
	c.ReadHeader()
	return c.Expect(xmpp.NSStream, "features")
}

// ReadHeader reads the server's stream header.
func (c *Client) ReadHeader() *element.Element {
	c.T.Helper()
	root, content, err := c.rd.Open()
	if err != nil || !root.Is(xmpp.NSStream, "stream") || content != xmpp.NSClient {
		c.T.Fatalf("stream header: %v %q %v", root, content, err)
	}
	return root
}

// Next returns the next element, whatever it is.
func (c *Client) Next() *element.Element {
	c.T.Helper()
	el, err := c.rd.Next()
	if err != nil {
		c.T.Fatalf("next element: %v", err)
	}
	return el
}

// Expect returns the next element, which must have this name.
func (c *Client) Expect(space, local string) *element.Element {
	c.T.Helper()
	if el := c.Next(); el.Is(space, local) {
		return el
	} else {
		c.T.Fatalf("got %s, want %s of %s", el, local, space)
	}
	return nil
}

// Skip returns the next element of this name and drops those before it.
func (c *Client) Skip(space, local string) *element.Element {
	c.T.Helper()
	for {
		if el := c.Next(); el.Is(space, local) {
			return el
		}
	}
}

// ExpectStreamError reads a stream error with this condition, the end of the stream and of the connection. Elements
// before it are dropped.
func (c *Client) ExpectStreamError(condition string) *element.Element {
	c.T.Helper()
	e := c.Skip(xmpp.NSStream, "error")
	if e.Child(xmpp.NSStreamErrors, condition) == nil {
		c.T.Fatalf("got %s, want %s", e, condition)
	}
	c.ExpectEnd()
	return e
}

// ExpectEnd reads the end of the stream and of the connection.
func (c *Client) ExpectEnd() {
	c.T.Helper()
	if el, err := c.rd.Next(); !errors.Is(err, element.ErrEnd) {
		c.T.Fatalf("got %v and %v, want the end of the stream", el, err)
	}
	if el, err := c.rd.Next(); err == nil || isTimeout(err) {
		c.T.Fatalf("got %v and %v, want the end of the connection", el, err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// StartTLS negotiates TLS on an open stream.
func (c *Client) StartTLS(cfg *tls.Config) {
	c.T.Helper()
	c.Send("<starttls xmlns='" + xmpp.NSStartTLS + "'/>")
	c.Expect(xmpp.NSStartTLS, "proceed")
	c.Handshake(cfg)
}

// Handshake puts TLS on the connection.
func (c *Client) Handshake(cfg *tls.Config) {
	c.T.Helper()
	conn := tls.Client(c.Conn, cfg)
	conn.SetDeadline(time.Now().Add(Patience))
	if err := conn.Handshake(); err != nil {
		c.T.Fatalf("tls handshake: %v", err)
	}
	c.use(conn)
}

// Plain signs in by SASL PLAIN on an open stream and returns the answer, success or failure.
func (c *Client) Plain(user, password string) *element.Element {
	c.T.Helper()
	c.Send("<auth xmlns='" + xmpp.NSSASL + "' mechanism='PLAIN'>" +
		base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)) + "</auth>")
	return c.Next()
}

// Restart begins a new stream and returns the features.
func (c *Client) Restart() *element.Element {
	c.T.Helper()
	c.rd.Restart()
	return c.Open()
}

// Bind binds a resource ("" lets the server choose) and sets JID.
func (c *Client) Bind(resource string) {
	c.T.Helper()
	bind := element.New(xmpp.NSBind, "bind")
	if resource != "" {
		bind.Add(element.Text(xmpp.NSBind, "resource", resource))
	}
	c.Send(xmpp.IQ(xmpp.Set, "", "", "bind", bind).String())
	iq := c.Skip(xmpp.NSClient, "iq")
	c.JID = iq.Child(xmpp.NSBind, "bind").ChildText(xmpp.NSBind, "jid")
	if c.JID == "" {
		c.T.Fatalf("bind: %s", iq)
	}
}

// Login does everything from the stream header to the bound resource, by STARTTLS and PLAIN.
func (c *Client) Login(cfg *tls.Config, user, password, resource string) {
	c.T.Helper()
	c.Open()
	c.StartTLS(cfg)
	c.Open()
	if el := c.Plain(user, password); !el.Is(xmpp.NSSASL, "success") {
		c.T.Fatalf("sign-in: %s", el)
	}
	c.Restart()
	c.Bind(resource)
}

// Roundtrip sends a ping and reads until its answer: whatever was sent before has been handled then.
func (c *Client) Roundtrip(id string) *element.Element {
	c.T.Helper()
	c.Send(xmpp.IQ(xmpp.Get, "", c.Domain, id, element.New(xmpp.NSPing, "ping")).String())
	for {
		if el := c.Skip(xmpp.NSClient, "iq"); el.Attr("id") == id {
			return el
		}
	}
}

// Quote escapes text for the content of an element.
func Quote(text string) string { return string(element.AppendText(nil, text)) }

// Message is a chat message as a client writes it.
func Message(to, id, body string) string {
	return strings.Join([]string{"<message type='chat' to='", to, "' id='", id, "'><body>", Quote(body), "</body></message>"}, "")
}
