// SPDX-License-Identifier: Apache-2.0

package outbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// How a connection is kept from being read.
const (
	StartTLS = "starttls" // TLS after a first word; without it nothing is sent
	TLS      = "tls"      // TLS from the first byte
	NoTLS    = "none"
)

// Config says which server takes the mails.
type Config struct {
	Server       string        // host:port
	TLS          string        // StartTLS, TLS or NoTLS
	User         string        // "" = no sign-in
	PasswordFile string        // read at each sign-in, so that a new password needs no restart
	Hello        string        // name in EHLO
	Conversation time.Duration // limit of all that is said about one mail; 0 = 60 s
	Trust        *tls.Config   // for tests: whose certificates are believed
}

// errPlain is a password that would have gone over the network readable.
var errPlain = errors.New("the password is not sent without TLS to another machine; set mail.tls")

// deadlineConn ends a conversation at its limit, whatever single commands are allowed.
type deadlineConn struct {
	net.Conn
	mu    sync.Mutex
	limit time.Time
}

// SetDeadline moves the deadline, but never behind the limit.
func (c *deadlineConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	limit := c.limit
	c.mu.Unlock()
	if t.IsZero() || !limit.IsZero() && t.After(limit) {
		t = limit
	}
	return c.Conn.SetDeadline(t)
}

// until sets the limit.
func (c *deadlineConn) until(t time.Time) {
	c.mu.Lock()
	c.limit = t
	c.mu.Unlock()
	_ = c.Conn.SetDeadline(t) // a closed connection shows at the next word
}

// dial opens a connection and signs in. The limit of the conversation runs already.
func dial(ctx context.Context, cfg Config, limit time.Time) (*smtp.Client, *deadlineConn, error) {
	host, _, err := net.SplitHostPort(cfg.Server)
	if err != nil {
		return nil, nil, account("mail.server is no host:port", true, err)
	}
	raw, err := (&net.Dialer{Timeout: 20 * time.Second}).DialContext(ctx, "tcp", cfg.Server)
	if err != nil {
		return nil, nil, account("the mail server can't be reached: "+err.Error(), false, err)
	}
	conn := &deadlineConn{Conn: raw}
	conn.until(limit)
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	c, err := hello(ctx, cfg, host, conn)
	if err == nil {
		err = signIn(c, cfg, host)
	}
	if err != nil {
		_ = raw.Close()
		return nil, nil, err
	}
	return c, conn, nil
}

// hello greets, behind TLS unless that is off.
func hello(ctx context.Context, cfg Config, host string, conn *deadlineConn) (*smtp.Client, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.Trust != nil {
		t = cfg.Trust.Clone()
	}
	if t.ServerName == "" {
		t.ServerName = host
	}
	var c *smtp.Client
	var err error
	switch cfg.TLS {
	case TLS:
		secure := tls.Client(conn, t)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, account("no TLS with the mail server: "+err.Error(), true, err)
		}
		c = smtp.NewClient(secure)
	case NoTLS:
		c = smtp.NewClient(conn)
	default:
		if c, err = smtp.NewClientStartTLS(conn, t); err != nil {
			return nil, account("no TLS with the mail server: "+err.Error(), lastingTLS(err), err)
		}
	}
	c.CommandTimeout, c.SubmissionTimeout = 30*time.Second, time.Minute
	name := cfg.Hello
	if name == "" {
		name = "localhost"
	}
	if err := c.Hello(name); err != nil {
		return nil, account("the mail server didn't greet: "+err.Error(), lastingTLS(err), err)
	}
	return c, nil
}

// lastingTLS tells a certificate that can't be trusted, which somebody has to mend, from a connection that broke.
func lastingTLS(err error) bool {
	var cert *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	return errors.As(err, &cert) || errors.As(err, &unknown) || errors.As(err, &record) || strings.Contains(err.Error(), "doesn't support STARTTLS")
}

// signIn proves who sends. The password leaves this machine behind TLS alone (go-smtp would send it as it is).
func signIn(c *smtp.Client, cfg Config, host string) error {
	if cfg.User == "" {
		return nil
	}
	if _, secure := c.TLSConnectionState(); !secure && !Loopback(host) {
		return account(errPlain.Error(), true, errPlain)
	}
	password, err := Password(cfg.PasswordFile)
	if err != nil {
		return account(err.Error(), true, err)
	}
	var way sasl.Client
	switch {
	case c.SupportsAuth(sasl.Plain):
		way = sasl.NewPlainClient("", cfg.User, password)
	case c.SupportsAuth(sasl.Login):
		way = sasl.NewLoginClient(cfg.User, password)
	default:
		return account("the mail server offers no sign-in with a password", true, nil)
	}
	if err := c.Auth(way); err != nil {
		var said *smtp.SMTPError
		lasting := errors.As(err, &said) && said.Code/100 == 5
		return account("the mail server doesn't accept the sign-in: "+err.Error(), lasting, err)
	}
	return nil
}

// Password reads a password's file: the first line.
func Password(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the mail password: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("read the mail password: %s is empty", file)
	}
	return line, nil
}

// Loopback says whether a host is this machine.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func account(why string, lasting bool, err error) *Error {
	return &Error{Kind: Account, Why: oneLine(why), Lasting: lasting, Err: err}
}
