// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
)

// errSignIn is a mailbox that doesn't take the password: trying soon would only lock the account.
var errSignIn = errors.New("the mailbox doesn't accept the sign-in")

// errSilent is a server that didn't answer in time.
var errSilent = errors.New("the mail server is silent")

// link is one connection to the mailbox. go-imap waits for ever: every command here has a watchdog that closes the
// connection.
type link struct {
	c      *imapclient.Client
	conn   net.Conn
	limit  time.Duration
	silent atomic.Bool
	wake   chan struct{}

	idles, moves, expunges bool   // what the server can
	delim                  string // between folders
	prefix                 string // of folders that we make
	folders                map[string]bool
}

// guard runs a command under the watchdog.
func (l *link) guard(f func() error) error {
	_, err := l.guarded(func(func()) error { return f() })
	return err
}

// guarded gives f a way to say that something still comes.
func (l *link) guarded(f func(alive func()) error) (time.Duration, error) {
	dog := time.AfterFunc(l.limit, func() {
		l.silent.Store(true)
		_ = l.conn.Close()
	})
	defer dog.Stop()
	err := f(func() { dog.Reset(l.limit) })
	if err != nil && l.silent.Load() {
		err = errors.Join(errSilent, err)
	}
	return 0, err
}

func (l *link) close() { _ = l.c.Close() }

// dial connects and signs in.
func (b *Mailbox) dial(ctx context.Context) (*link, error) {
	host, port, err := net.SplitHostPort(b.cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("mail.imap is no host:port: %w", err)
	}
	conn, err := dialTCP(ctx, b.cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("reach the mailbox: %w", err)
	}
	l := &link{conn: conn, limit: b.cfg.Watchdog, wake: make(chan struct{}, 1), folders: map[string]bool{}}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	err = l.guard(func() error { return b.greet(l, host, port) })
	if err == nil {
		err = l.guard(func() error { return b.signIn(l, host) })
	}
	if err == nil {
		err = l.guard(l.learn)
	}
	if err != nil {
		if l.c != nil {
			l.close()
		}
		_ = conn.Close() // perhaps once more
		return nil, err
	}
	return l, nil
}

// greet opens the protocol, behind TLS unless that is off.
func (b *Mailbox) greet(l *link, host, port string) error {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if b.cfg.Trust != nil {
		t = b.cfg.Trust.Clone()
	}
	if t.ServerName == "" {
		t.ServerName = host
	}
	o := &imapclient.Options{TLSConfig: t, UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		// No command may be given in here: a signal, nothing else.
		Mailbox: func(*imapclient.UnilateralDataMailbox) {
			select {
			case l.wake <- struct{}{}:
			default:
			}
		},
	}}
	switch {
	case b.cfg.TLS == "tls" || port == "993":
		secure := tls.Client(l.conn, t)
		if err := secure.Handshake(); err != nil {
			return fmt.Errorf("no TLS with the mailbox: %w", err)
		}
		l.c = imapclient.New(secure, o)
	case b.cfg.TLS == "none":
		if !loopback(host) {
			return errors.New("the password is not sent without TLS to another machine; set mail.tls")
		}
		l.c = imapclient.New(l.conn, o)
	default:
		var err error
		if l.c, err = imapclient.NewStartTLS(l.conn, o); err != nil {
			l.c = nil
			return fmt.Errorf("no TLS with the mailbox: %w", err)
		}
	}
	if err := l.c.WaitGreeting(); err != nil {
		return fmt.Errorf("the mailbox didn't greet: %w", err)
	}
	return nil
}

func (b *Mailbox) signIn(l *link, host string) error {
	password, err := firstLine(b.cfg.PasswordFile)
	if err != nil {
		return err
	}
	caps := l.c.Caps()
	switch {
	case caps.Has(imap.AuthCap(sasl.Plain)):
		err = l.c.Authenticate(sasl.NewPlainClient("", b.cfg.User, password))
	case caps.Has(imap.CapLoginDisabled):
		err = errors.New("it offers no sign-in with a password")
	default:
		err = l.c.Login(b.cfg.User, password).Wait()
	}
	var said *imap.Error
	if errors.As(err, &said) && said.Type == imap.StatusResponseTypeNo && said.Code != "UNAVAILABLE" && said.Code != "LIMIT" && said.Code != "INUSE" {
		return fmt.Errorf("%w: %w", errSignIn, err)
	}
	if err != nil {
		return fmt.Errorf("sign in to the mailbox: %w", err)
	}
	return nil
}

// learn asks what the server can and how its folders are named.
func (l *link) learn() error {
	caps, err := l.c.Capability().Wait()
	if err != nil {
		return fmt.Errorf("ask what the mailbox can: %w", err)
	}
	l.idles, l.moves, l.expunges = caps.Has(imap.CapIdle), caps.Has(imap.CapMove), caps.Has(imap.CapUIDPlus)
	list, err := l.c.List("", "", nil).Collect()
	if err != nil {
		return fmt.Errorf("ask for the mailbox's folders: %w", err)
	}
	l.delim = "/"
	if len(list) > 0 && list[0].Delim != 0 {
		l.delim = string(list[0].Delim)
	}
	return nil
}

// idle begins IDLE; stop ends it. go-imap starts it again by itself after 28 minutes; nobody waits here that long.
func (l *link) idle() (stop func() error, err error) {
	var cmd *imapclient.IdleCommand
	err = l.guard(func() (err error) {
		cmd, err = l.c.Idle()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("wait for mail: %w", err)
	}
	return func() error {
		err := l.guard(func() error {
			if err := cmd.Close(); err != nil {
				return err
			}
			return cmd.Wait()
		})
		if err != nil {
			return fmt.Errorf("wait for mail: %w", err)
		}
		return nil
	}, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func firstLine(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the mailbox password: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("read the mailbox password: %s is empty", file)
	}
	return line, nil
}

func modTime(file string) time.Time {
	info, err := os.Stat(file)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
