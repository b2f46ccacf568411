// SPDX-License-Identifier: Apache-2.0

package account

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"refdesk/cluster/desk"
)

// plain is one exchange of SASL PLAIN (RFC 4616): authzid NUL authcid NUL password, in one message.
type plain struct {
	s       *Service
	network netip.Prefix
	login   Login
}

// Login implements Exchange.
func (p *plain) Login() Login { return p.login }

// Next implements Exchange.
func (p *plain) Next(ctx context.Context, response []byte) (data []byte, done bool, err error) {
	if response == nil {
		return []byte{}, false, nil // an empty challenge: the client sends its message now
	}
	parts := strings.Split(string(response), "\x00")
	if len(parts) != 3 || len(response) > 4096 || !utf8.Valid(response) || parts[1] == "" || parts[2] == "" {
		return nil, false, fail(MalformedRequest)
	}
	account, ok := p.s.Normalise(parts[1])
	if !ok {
		account = parts[1] // nobody has this name; it fails as any wrong one
	}
	if !p.s.ownAuthzid(parts[0], account) {
		return nil, false, fail(InvalidAuthzid)
	}
	attempt, err := p.s.throttle.begin(ctx, account, p.network)
	if err != nil {
		return nil, false, &Failure{Condition: TemporaryFailure, Err: err}
	}
	device, err := p.s.checkPlain(ctx, account, parts[2])
	if err != nil {
		return nil, false, attempt.failed(p.s.log, err)
	}
	attempt.succeeded()
	p.login = Login{Account: account, Device: device}
	return nil, true, nil
}

// checkPlain returns the device that a password belongs to. It derives once for every salt that the account's devices
// have, which is one, and as often for a name that nobody has.
func (s *Service) checkPlain(ctx context.Context, account, password string) (device string, err error) {
	devices, ok, err := s.store.Devices(ctx, account)
	if err != nil {
		return "", &Failure{Condition: TemporaryFailure, Err: err}
	}
	if password, err = precis.OpaqueString.String(password); err != nil {
		return "", fail(NotAuthorized)
	}
	if !ok || len(devices) == 0 {
		devices = []*desk.Device{s.invented(account)}
		ok = false
	}
	var stored []byte
	for i, d := range devices {
		if i == 0 || !bytes.Equal(d.Salt, devices[i-1].Salt) || d.Iterations != devices[i-1].Iterations {
			if stored, err = s.cache.stored(account, password, d.Salt, int(d.Iterations)); err != nil {
				return "", &Failure{Condition: TemporaryFailure, Err: err}
			}
		}
		if subtle.ConstantTimeCompare(stored, d.Stored256) == 1 && ok {
			s.cache.keep(account, password, d.Salt, int(d.Iterations), stored)
			return d.Name, nil
		}
	}
	return "", fail(NotAuthorized)
}

// invented is the device of a name that has none: same salt at every time and on every node, and keys that nothing fits.
func (s *Service) invented(account string) *desk.Device {
	d := &desk.Device{Account: account, Iterations: Iterations, Salt: s.invent("salt", account)[:saltSize]}
	d.Stored256 = s.invent("stored", account)
	d.Server256 = s.invent("server", account)
	d.Stored1, d.Server1 = d.Stored256[:20], d.Server256[:20]
	return d
}

// cacheSize bounds plainCache; an entry takes about 200 bytes.
const cacheSize = 4096

// plainCache spares the derivation for passwords that have been right before: programs that use PLAIN sign in for every
// message they send. It holds no password, only keyed hashes, and nothing of failed logins. What it yields is compared
// with the devices of that moment, so that a revoked one is refused at once.
type plainCache struct {
	secret  [32]byte
	mu      sync.Mutex
	entries map[[32]byte][]byte
}

func newPlainCache() *plainCache {
	c := &plainCache{entries: make(map[[32]byte][]byte)}
	rand.Read(c.secret[:]) // never fails (crypto/rand)
	return c
}

func (c *plainCache) key(account, password string, salt []byte, iterations int) (k [32]byte) {
	m := hmac.New(sha256.New, c.secret[:])
	for _, part := range []string{account, password, strconv.Itoa(iterations), string(salt)} {
		m.Write([]byte(part))
		m.Write([]byte{0}) // none of the parts but the last can hold one
	}
	m.Sum(k[:0])
	return k
}

// stored returns the stored key of a password for SHA-256.
func (c *plainCache) stored(account, password string, salt []byte, iterations int) ([]byte, error) {
	k := c.key(account, password, salt, iterations)
	c.mu.Lock()
	stored, ok := c.entries[k]
	c.mu.Unlock()
	if ok {
		return stored, nil
	}
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return nil, err
	}
	stored, _ = hashFunc(sha256.New).keys(salted)
	return stored, nil
}

func (c *plainCache) keep(account, password string, salt []byte, iterations int, stored []byte) {
	k := c.key(account, password, salt, iterations)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= cacheSize {
		for old := range c.entries { // any one
			delete(c.entries, old)
			break
		}
	}
	c.entries[k] = stored
}
