// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/xdg-go/scram"
)

// account is somebody who can sign in. The keys derived from the password are kept, as clients keep them, so that a
// sign-in costs the server's work alone.
type account struct {
	name, password string
	scram          *scram.Client
}

func newAccount(name, password string) (*account, error) {
	c, err := scram.SHA1.NewClient(name, password, "")
	return &account{name, password, c}, err
}

// client is one XMPP client on direct TLS, with stream management (XEP-0198).
type client struct {
	conn   net.Conn
	rd     *framer
	domain string
	m      *meter
	ended  chan struct{} // closed when serve returns

	mu      sync.Mutex
	sent    uint32 // stanzas since <enable/>
	acked   uint32
	pending []int // numbers of the messages under way by stanza since acked; 0 = no message
	got     uint32
	waiting map[string]chan struct{} // by what a message's from begins with
}

// patience bounds every single step of a client.
const patience = time.Minute

// secure are the clients' TLS settings. Curves are those that today's XMPP clients offer; resumption is off, for a real
// reconnect storm comes from clients that were restarted or have no tickets.
func secure(domain string) *tls.Config {
	return &tls.Config{ServerName: domain, InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519}, SessionTicketsDisabled: true}
}

// dial opens a stream up to its features.
func dial(addr, domain string, m *meter) (*client, error) {
	raw, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	_ = raw.SetDeadline(time.Now().Add(patience))
	conn := tls.Client(raw, secure(domain))
	c := &client{conn: conn, rd: newFramer(conn), domain: domain, m: m, ended: make(chan struct{})}
	if _, err := c.header(); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *client) header() ([]byte, error) {
	err := c.write("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='" +
		c.domain + "' version='1.0'>")
	if err != nil {
		return nil, err
	}
	return c.await("stream:features")
}

func (c *client) write(s string) error {
	_, err := c.conn.Write([]byte(s))
	return err
}

// await reads up to an element of the name, and fails at one that says no.
func (c *client) await(want string) ([]byte, error) {
	for {
		name, raw, err := c.rd.next()
		switch {
		case err != nil:
			return nil, fmt.Errorf("wait for %s: %w", want, err)
		case name == want:
			return raw, nil
		case name == "failure" || name == "stream:error" || name == "failed":
			return nil, errors.New(string(raw))
		}
		c.count(name)
	}
}

// login signs in by SCRAM-SHA-1, binds a resource and begins to count stanzas.
func (c *client) login(who *account, resource string) error {
	talk := who.scram.NewConversation()
	first, err := talk.Step("")
	if err != nil {
		return err
	}
	sasl := func(el, text string) string {
		return "<" + el + " xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>" + base64.StdEncoding.EncodeToString([]byte(text)) + "</" + el + ">"
	}
	if err := c.write(sasl("auth", first)); err != nil {
		return err
	}
	for _, el := range []string{"challenge", "success"} {
		raw, err := c.await(el)
		if err != nil {
			return fmt.Errorf("sign in as %s: %w", who.name, err)
		}
		text, err := base64.StdEncoding.DecodeString(content(raw))
		if err != nil {
			return err
		}
		answer, err := talk.Step(string(text))
		if err != nil {
			return err
		}
		if el == "challenge" {
			if err := c.write(strings.Replace(sasl("response", answer), " mechanism='SCRAM-SHA-1'", "", 1)); err != nil {
				return err
			}
		}
	}
	if _, err := c.header(); err != nil {
		return err
	}
	bind := "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" + resource + "</resource></bind></iq>"
	if err := c.write(bind); err != nil {
		return err
	}
	raw, err := c.await("iq")
	if err != nil || !bytes.Contains(raw, []byte("<jid>")) {
		return fmt.Errorf("bind: %w: %s", err, raw)
	}
	if err := c.write("<enable xmlns='urn:xmpp:sm:3' resume='true'/>"); err != nil {
		return err
	}
	if _, err = c.await("enabled"); err != nil {
		return err
	}
	c.got = 0
	return nil
}

// content is the text of an element that holds nothing else.
func content(raw []byte) string {
	_, rest, _ := bytes.Cut(raw, []byte(">"))
	text, _, _ := bytes.Cut(rest, []byte("<"))
	return string(text)
}

// connect does all of a sign-in, asks for the contact list and tells that somebody is there, as clients do.
func connect(addr, domain string, who *account, resource string, m *meter) (*client, error) {
	c, err := dial(addr, domain, m)
	if err != nil {
		return nil, err
	}
	err = c.login(who, resource)
	if err == nil {
		c.sent = 2
		c.pending = []int{0, 0}
		err = c.write("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq><presence/><r xmlns='urn:xmpp:sm:3'/>")
	}
	if err == nil {
		_, err = c.await("a")
	}
	if err != nil {
		c.conn.Close()
		return nil, err
	}
	c.acked, c.pending = 0, []int{0, 0}
	_ = c.conn.SetDeadline(time.Time{})
	go c.serve()
	return c, nil
}

// say sends message number n and asks for its ack.
func (c *client) say(to string, n int) error {
	return c.post("<message type='chat' to='"+to+"' id='m"+strconv.Itoa(n)+"'><body>"+textOf(n)+"</body></message>", n)
}

func (c *client) post(stanza string, n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent++
	c.pending = append(c.pending, n)
	return c.write(stanza + "<r xmlns='urn:xmpp:sm:3'/>")
}

func (c *client) count(name string) {
	if name == "message" || name == "iq" || name == "presence" {
		c.got++
	}
}

// serve reads until the connection ends.
func (c *client) serve() {
	defer close(c.ended)
	for {
		name, raw, err := c.rd.next()
		if err != nil {
			c.conn.Close()
			return
		}
		c.count(name)
		switch name {
		case "message":
			numbers(raw, c.m.receive)
			c.came(attr(raw, "from"))
		case "r":
			c.mu.Lock()
			_ = c.write("<a xmlns='urn:xmpp:sm:3' h='" + strconv.FormatUint(uint64(c.got), 10) + "'/>")
			c.mu.Unlock()
		case "a":
			h, _ := strconv.ParseUint(attr(raw, "h"), 10, 32)
			c.settled(uint32(h))
		}
	}
}

// settled takes the server's ack of the first h stanzas.
func (c *client) settled(h uint32) {
	c.mu.Lock()
	n := min(int(h-c.acked), len(c.pending))
	done := c.pending[:n]
	c.pending, c.acked = c.pending[n:], h
	c.mu.Unlock()
	for _, x := range done {
		if x > 0 {
			c.m.ack(x)
		}
	}
}

// expect returns a channel that is closed when a message comes from an address that begins so.
func (c *client) expect(from string) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = map[string]chan struct{}{}
	}
	ch := make(chan struct{})
	c.waiting[from] = ch
	return ch
}

func (c *client) came(from string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return
	}
	bare, _, _ := strings.Cut(from, "/")
	if ch := c.waiting[bare]; ch != nil {
		close(ch)
		delete(c.waiting, bare)
	}
}

// close ends the stream politely.
func (c *client) close() {
	_ = c.write("</stream:stream>")
	c.conn.Close()
}

// cut breaks the connection as a network does that is gone.
func (c *client) cut() { reset(c.conn.(*tls.Conn).NetConn()) }

func reset(conn net.Conn) {
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	conn.Close()
}
