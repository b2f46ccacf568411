// SPDX-License-Identifier: Apache-2.0

// Package account is the sign-in of staff. For XMPP that is device passwords: random, made for one device, revoked one by
// one. The desk keeps only what SCRAM leaves of them; a Service checks PLAIN and SCRAM logins against these and
// slows down those who guess.
package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/netip"
	"strings"

	"golang.org/x/text/secure/precis"

	"refdesk/cluster/desk"
)

// Store gives the device passwords of accounts. node adapts the desk to it.
type Store interface {
	// Devices returns those devices of an account that are not revoked, and whether the account exists and may sign in.
	// The account is a normalised local part. An error means that nothing can be said now.
	Devices(ctx context.Context, account string) (devices []*desk.Device, ok bool, err error)
}

// Config of a Service.
type Config struct {
	Domain string // of the accounts, normalised
	// Secret makes up the salts of accounts that don't exist. It must be the same on all nodes and in all times, or the
	// difference tells who exists. At least 16 bytes.
	Secret []byte
	// PlainOnly takes SCRAM off, as when passwords are checked elsewhere.
	PlainOnly bool
	Log       *slog.Logger // nil: discard
}

// Login is who has signed in.
type Login struct {
	Account string // normalised local part
	Device  string // name of the device
}

// Exchange is one SASL exchange on one stream.
type Exchange interface {
	// Next takes the client's next message (nil when it sent none with its first step) and returns the server's. done
	// means that the login holds; data is then sent along with the success and may be nil. Errors are *Failure.
	Next(ctx context.Context, response []byte) (data []byte, done bool, err error)
	// Login is who has signed in; it means nothing before done.
	Login() Login
}

// Service checks logins. Its methods may be called at any time by any number of goroutines.
type Service struct {
	cfg      Config
	store    Store
	throttle *throttle
	cache    *plainCache
	hashing  hashing
	log      *slog.Logger
}

// New returns a Service. It starts nothing.
func New(cfg Config, store Store) (*Service, error) {
	if len(cfg.Secret) < 16 {
		return nil, errors.New("account: the secret for invented salts has fewer than 16 bytes")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		cfg: cfg, store: store, throttle: newThrottle(), cache: newPlainCache(), hashing: make(hashing, hashesAtOnce), log: cfg.Log,
	}, nil
}

// Names of the mechanisms.
const (
	Plain       = "PLAIN"
	ScramSHA1   = "SCRAM-SHA-1"
	ScramSHA256 = "SCRAM-SHA-256"
)

// Mechanisms lists what is offered, the best first (RFC 6120 §6.3.3). All of them need a stream that is encrypted, or one
// whose plainness the configuration allows in words.
func (s *Service) Mechanisms() []string {
	if s.cfg.PlainOnly {
		return []string{Plain}
	}
	return []string{ScramSHA256, ScramSHA1, Plain}
}

// Begin starts an exchange with a client at the given address.
func (s *Service) Begin(mechanism string, remote netip.Addr) (Exchange, error) {
	for _, m := range s.Mechanisms() {
		if m != mechanism {
			continue
		}
		if m == Plain {
			return &plain{s: s, network: Network(remote)}, nil
		}
		return newScram(s, m, Network(remote)), nil
	}
	return nil, fail(InvalidMechanism)
}

// Normalise turns what a client gave as its user name into an account: the local part by the PRECIS profile
// UsernameCaseMapped (RFC 8265 §3.3). Some clients give the whole address; its domain must be the desk's then.
func (s *Service) Normalise(username string) (account string, ok bool) {
	if local, domain, whole := strings.Cut(username, "@"); whole {
		if !strings.EqualFold(strings.TrimSuffix(domain, "."), s.cfg.Domain) {
			return "", false
		}
		username = local
	}
	if len(username) > 1023 || strings.ContainsAny(username, "\"&'/:<>@") {
		return "", false
	}
	account, err := precis.UsernameCaseMapped.String(username)
	return account, err == nil && account != ""
}

// ownAuthzid tells whether an authorization identity is the one that signs in: none, or the bare address (RFC 6120 §6.3.8).
func (s *Service) ownAuthzid(authzid, account string) bool {
	if authzid == "" {
		return true
	}
	a, ok := s.Normalise(authzid)
	return ok && a == account && strings.Contains(authzid, "@")
}

// Network is what failures are counted by: the /24 of an IPv4 address, the /64 of an IPv6 one.
func Network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil { // not an address: a pipe in a test, a UNIX socket
		return netip.Prefix{}
	}
	return p
}

// invent derives bytes that look random but are always the same for an account.
func (s *Service) invent(what, account string) []byte {
	mac := hmac.New(sha256.New, s.cfg.Secret)
	mac.Write([]byte(what))
	mac.Write([]byte{0})
	mac.Write([]byte(account))
	return mac.Sum(nil)
}
