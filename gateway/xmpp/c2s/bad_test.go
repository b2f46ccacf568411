// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"encoding/base64"
	"strings"
	"testing"

	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/xmpptest"
)

// at brings a client to the point where a case begins: connected, opened, encrypted, signed in, bound.
func (r *rig) at(stage string) *xmpptest.Client {
	r.t.Helper()
	c := r.dial()
	if stage == "connected" {
		return c
	}
	c.Open()
	if stage == "opened" {
		return c
	}
	c.StartTLS(r.client)
	c.Open()
	if stage == "encrypted" {
		return c
	}
	c.Plain("ana", password)
	c.Restart()
	if stage == "signed in" {
		return c
	}
	c.Bind("bad")
	return c
}

// in returns the rig for a subtest.
func (r *rig) in(t *testing.T) *rig {
	sub := *r
	sub.t = t
	return &sub
}

func TestBadInputIsToldAndTheNextLoginWorks(t *testing.T) {
	h := newScript()
	r := start(t, h, nil)
	head := xmpptest.Header(domain)
	message := func(attrs string) string { return "<message " + attrs + "><body>x</body></message>" }
	tests := []struct {
		name, stage, send, want string
	}{
		{"not XML", "connected", "GET / HTTP/1.1\r\n\r\n", "not-well-formed"},
		{"broken XML", "connected", "<stream:stream <", "not-well-formed"},
		{"another root", "connected", "<stream:nothing xmlns:stream='" + xmpp.NSStream + "'>", BadFormat},
		{"another namespace", "connected", strings.Replace(head, "etherx", "example", 1), InvalidNamespace},
		{"another content", "connected", strings.Replace(head, "jabber:client", "jabber:server", 1), InvalidNamespace},
		{"another host", "connected", xmpptest.Header("other.example"), HostUnknown},
		{"no host", "connected", strings.Replace(head, "to='"+domain+"'", "", 1), ImproperAddressing},
		{"no version", "connected", strings.Replace(head, " version='1.0'>", ">", 1), UnsupportedVersion},
		{"another encoding", "connected", strings.Replace(head, "?>", " encoding='utf-16'?>", 1), "unsupported-encoding"},
		{"stanza instead of a stream", "connected", message("xmlns='jabber:client'"), InvalidNamespace},
		{"long header", "connected", "<stream:stream x='" + strings.Repeat("y", 17<<10), PolicyViolation},
		{"comment", "opened", "<!-- x -->", "restricted-xml"},
		{"processing instruction", "opened", "<?x y?>", "restricted-xml"},
		{"document type", "opened", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "restricted-xml"},
		{"entity", "opened", "<x>&lol;</x>", "restricted-xml"},
		{"bad UTF-8", "opened", "<x>\xff\xfe</x>", "not-well-formed"},
		{"stanza before login", "opened", message("to='ana@desk.example'"), NotAuthorized},
		{"stanza before login, encrypted", "encrypted", message("to='ana@desk.example'"), NotAuthorized},
		{"stanza before bind", "signed in", message("to='ana@desk.example'"), NotAuthorized},
		{"17 KiB before login", "encrypted", "<auth xmlns='" + xmpp.NSSASL + "'>" + strings.Repeat("A", 17<<10), PolicyViolation},
		{"comment in a stanza", "bound", "<message><!-- x --></message>", "restricted-xml"},
		{"bad UTF-8 in a stanza", "bound", "<message><body>\xc3\x28</body></message>", "not-well-formed"},
		{"text between stanzas", "bound", "hello", "not-well-formed"},
		{"end tag of another", "bound", "<message></presence>", "not-well-formed"},
		{"12 MB stanza", "bound", "<message><body>" + strings.Repeat("x", 12_000_000) + "</body></message>", PolicyViolation},
		{"depth 20,000", "bound", "<message>" + strings.Repeat("<a>", 20_000), PolicyViolation},
		{"many attributes", "bound", "<message a='' b='' " + strings.Repeat("c='' ", 100) + "/>", PolicyViolation},
		{"forged from", "bound", message("from='ben@desk.example/x'"), InvalidFrom},
		{"forged from, own account", "bound", message("from='ana@desk.example/other'"), InvalidFrom},
		{"from that is no address", "bound", message("from='@@'"), InvalidFrom},
		{"another namespace of stanza", "bound", message("xmlns='jabber:server'"), InvalidNamespace},
		{"no stanza", "bound", "<hello/>", UnsupportedStanzaType},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := r.in(t).at(tt.stage)
			sent := make(chan struct{})
			go func() { // may block: the server stops reading
				defer close(sent)
				c.Conn.Write([]byte(tt.send))
			}()
			if tt.stage == "connected" {
				c.ReadHeader()
			}
			c.ExpectStreamError(tt.want)
			c.Conn.Close()
			<-sent
			r.works()
		})
	}
	for _, id := range h.seen() {
		if id != "works" {
			t.Errorf("stanza %q reached the handler", id)
		}
	}
}

func TestStartTLSDiscardsPlaintext(t *testing.T) {
	r := start(t, newScript(), nil)
	inject := xmpptest.Header(domain) + "<auth xmlns='" + xmpp.NSSASL + "' mechanism='PLAIN'>" +
		base64.StdEncoding.EncodeToString([]byte("\x00ben\x00"+password)) + "</auth>" + xmpptest.Message("c1@chat.desk.example", "evil", "x")
	for name, behind := range map[string]string{"short": inject, "longer than any buffer": strings.Repeat(inject, 200)} {
		t.Run(name, func(t *testing.T) {
			c := xmpptest.Dial(t, r.plain, domain)
			c.Open()
			c.Send("<starttls xmlns='" + xmpp.NSStartTLS + "'/>" + behind)
			c.Expect(xmpp.NSStartTLS, "proceed")
			c.Handshake(r.client)
			if f := c.Open(); f.Child(xmpp.NSSASL, "mechanisms") == nil || f.Child(xmpp.NSBind, "bind") != nil {
				t.Fatalf("features %s", f)
			}
			c.Plain("ana", password)
			c.Restart()
			c.Bind("x")
			if c.JID != "ana@desk.example/x" {
				t.Errorf("bound as %s", c.JID)
			}
			c.Roundtrip("after")
		})
	}
	if got := r.h.seen(); len(got) != 2 || got[0] != "after" {
		t.Errorf("stanzas %q", got)
	}
}

func TestStartTLSOnlyOnce(t *testing.T) {
	r := start(t, newScript(), nil)
	c := r.at("encrypted")
	c.Send("<starttls xmlns='" + xmpp.NSStartTLS + "'/>")
	c.Expect(xmpp.NSStartTLS, "failure")
	c.ExpectEnd()
	r.works()
}

func TestSASLGarbage(t *testing.T) {
	r := start(t, newScript(), nil)
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	auth := func(mechanism, content string) string {
		return "<auth xmlns='" + xmpp.NSSASL + "' mechanism='" + mechanism + "'>" + content + "</auth>"
	}
	tests := []struct{ name, send, want string }{
		{"no base64", auth("PLAIN", "!!!"), "incorrect-encoding"},
		{"no mechanism", auth("", ""), "invalid-mechanism"},
		{"unknown mechanism", auth("SCRAM-SHA-256-PLUS", ""), "invalid-mechanism"},
		{"plain without NUL", auth("PLAIN", b64("ana")), "malformed-request"},
		{"plain of NULs", auth("PLAIN", b64("\x00\x00")), "malformed-request"},
		{"plain of bad UTF-8", auth("PLAIN", b64("\x00\xff\x00\xff")), "malformed-request"},
		{"plain too long", auth("PLAIN", b64("\x00ana\x00"+strings.Repeat("x", 8000))), "malformed-request"},
		{"plain as another", auth("PLAIN", b64("ben@desk.example\x00ana\x00"+password)), "invalid-authzid"},
		{"plain wrong password", auth("PLAIN", b64("\x00ana\x00wrong")), "not-authorized"},
		{"plain nobody", auth("PLAIN", b64("\x00nobody\x00"+password)), "not-authorized"},
		{"plain name that is none", auth("PLAIN", b64("\x00a b/\x00"+password)), "not-authorized"},
		{"scram empty", auth("SCRAM-SHA-1", "="), "malformed-request"},
		{"scram noise", auth("SCRAM-SHA-256", b64(",,,,,=,=,")), "malformed-request"},
		{"scram binding", auth("SCRAM-SHA-256", b64("p=tls-unique,,n=ana,r=x")), "malformed-request"},
		{"scram extension", auth("SCRAM-SHA-256", b64("n,,m=x,n=ana,r=x")), "malformed-request"},
		{"scram bad escape", auth("SCRAM-SHA-256", b64("n,,n=a=2D,r=x")), "malformed-request"},
		{"scram as another", auth("SCRAM-SHA-256", b64("n,a=ben@desk.example,n=ana,r=x")), "invalid-authzid"},
		{"response to nothing", "<response xmlns='" + xmpp.NSSASL + "'/>", "malformed-request"},
		{"success", "<success xmlns='" + xmpp.NSSASL + "'/>", "malformed-request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := r.in(t).at("encrypted")
			c.Send(tt.send)
			if f := c.Expect(xmpp.NSSASL, "failure"); f.Child(xmpp.NSSASL, tt.want) == nil {
				t.Fatalf("got %s, want %s", f, tt.want)
			}
			if el := c.Plain("ana", password); !el.Is(xmpp.NSSASL, "success") { // on the same stream
				t.Fatalf("then: %s", el)
			}
			c.Restart()
			c.Bind("")
		})
	}
	for _, second := range []struct{ name, send, want string }{
		{"abort", "<abort xmlns='" + xmpp.NSSASL + "'/>", "aborted"},
		{"auth within", auth("PLAIN", ""), "malformed-request"},
		{"no base64", "<response xmlns='" + xmpp.NSSASL + "'>%</response>", "incorrect-encoding"},
		{"noise", "<response xmlns='" + xmpp.NSSASL + "'>" + b64("\x00\x01") + "</response>", "malformed-request"},
		{"no proof", "<response xmlns='" + xmpp.NSSASL + "'>" + b64("c=biws,r=x") + "</response>", "malformed-request"},
		{"other nonce", "<response xmlns='" + xmpp.NSSASL + "'>" + b64("c=biws,r=x,p="+b64(string(make([]byte, 32)))) + "</response>", "not-authorized"},
	} {
		t.Run("second step: "+second.name, func(t *testing.T) {
			c := r.in(t).at("encrypted")
			c.Send(auth("SCRAM-SHA-256", b64("n,,n=ana,r=abc")))
			c.Expect(xmpp.NSSASL, "challenge")
			c.Send(second.send)
			if f := c.Expect(xmpp.NSSASL, "failure"); f.Child(xmpp.NSSASL, second.want) == nil {
				t.Fatalf("got %s, want %s", f, second.want)
			}
		})
	}
	r.works()
}

func TestFiveTriesAStream(t *testing.T) {
	r := start(t, newScript(), nil)
	c := r.at("encrypted")
	for range 5 {
		c.Send("<auth xmlns='" + xmpp.NSSASL + "' mechanism='NONE'/>")
		c.Expect(xmpp.NSSASL, "failure")
	}
	c.ExpectStreamError(PolicyViolation)
	r.works()
}

func TestNoSignInWithoutTLS(t *testing.T) {
	r := start(t, newScript(), nil)
	c := r.dial()
	f := c.Open()
	if f.Child(xmpp.NSSASL, "mechanisms") != nil || f.Child(xmpp.NSStartTLS, "starttls").Child(xmpp.NSStartTLS, "required") == nil {
		t.Errorf("features %s", f)
	}
	if el := c.Plain("ana", password); el.Child(xmpp.NSSASL, "encryption-required") == nil {
		t.Errorf("got %s", el)
	}
	r.works()

	plain := start(t, newScript(), func(c *Config) { c.PlainSASL, c.TLS = true, nil })
	c = plain.dial()
	if f := c.Open(); f.Child(xmpp.NSSASL, "mechanisms") == nil || f.Child(xmpp.NSStartTLS, "starttls") != nil {
		t.Errorf("features %s", f)
	}
	if el := c.Plain("ana", password); !el.Is(xmpp.NSSASL, "success") {
		t.Errorf("got %s", el)
	}
}

func TestHeaderEscapes(t *testing.T) {
	r := start(t, newScript(), nil)
	c := r.dial()
	c.Send(strings.Replace(xmpptest.Header(domain), "<stream:stream", `<stream:stream from="ana@desk.example/&apos;&lt;x&gt;"`, 1))
	if h := c.ReadHeader(); h.Attr("to") != "ana@desk.example/'<x>" || h.Attr("from") != domain || len(h.Attr("id")) != 32 {
		t.Errorf("header %s", h)
	}
	c.Next()
}
