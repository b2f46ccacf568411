// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"
)

// Web passwords open the staff pages. People choose them, so they are hashed with Argon2id (RFC 9106), at 19 MiB, two
// passes, one lane: the least of what is advised, for a desk's own machine with two cores.
const (
	argonTime   = 2
	argonMemory = 19 << 10 // KiB
	argonLanes  = 1
	argonSalt   = 16 // bytes
	argonKey    = 32 // bytes
)

// The bounds of a web password, in code points.
const (
	MinWebPassword = 10
	MaxWebPassword = 200
)

// Errors of a web password that somebody wants to have.
var (
	ErrTooShort = fmt.Errorf("account: a password has at least %d characters", MinWebPassword)
	ErrTooLong  = fmt.Errorf("account: a password has at most %d characters", MaxWebPassword)
	ErrCommon   = errors.New("account: that password is among the first that anybody tries")
	ErrInvalid  = errors.New("account: a password has no control characters")
)

// HashWebPassword returns what is kept of a web password, in the PHC string format.
func HashWebPassword(password string) (string, error) {
	p, err := prepared(password)
	if err != nil {
		return "", err
	}
	switch n := utf8.RuneCountInString(p); {
	case n < MinWebPassword:
		return "", ErrTooShort
	case n > MaxWebPassword:
		return "", ErrTooLong
	case common(p):
		return "", ErrCommon
	}
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails
	key := argon2.IDKey([]byte(p), salt, argonTime, argonMemory, argonLanes, argonKey)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, b64(salt), b64(key)), nil
}

// prepared brings a password into the form in which it is compared (RFC 8265 §4.2, OpaqueString).
func prepared(password string) (string, error) {
	p, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", ErrInvalid
	}
	return p, nil
}

// common finds passwords of one character, rows of the keyboard, and the words that stand first in every list.
func common(p string) bool {
	lower := strings.ToLower(p)
	first, _ := utf8.DecodeRuneInString(lower)
	if strings.Trim(lower, string(first)) == "" {
		return true
	}
	for _, w := range []string{"password", "passwort", "contraseña", "motdepasse", "qwertyuiop", "1234567890", "letmein", "library", "welcome"} {
		rest := strings.Trim(strings.ReplaceAll(lower, w, ""), "0123456789!.-_ ")
		if strings.Contains(lower, w) && rest == "" {
			return true
		}
	}
	return false
}

// hashing bounds the passwords that are hashed at a time, and with them the memory.
type hashing chan struct{}

const hashesAtOnce = 2

// matches compares a password with what is kept of one. An empty hash costs the same and never matches, so that the time
// doesn't tell who exists.
func (h hashing) matches(ctx context.Context, password, hash string) (bool, error) {
	select {
	case h <- struct{}{}:
		defer func() { <-h }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	salt, want, ok := parsePHC(hash)
	if !ok {
		salt, want = make([]byte, argonSalt), make([]byte, argonKey)
	}
	p, err := prepared(password)
	if err != nil || utf8.RuneCountInString(p) > MaxWebPassword {
		p, ok = "", false
	}
	got := argon2.IDKey([]byte(p), salt, argonTime, argonMemory, argonLanes, argonKey)
	return subtle.ConstantTimeCompare(got, want) == 1 && ok, nil
}

// parsePHC takes apart what HashWebPassword made. Other parameters than ours are not ours.
func parsePHC(s string) (salt, key []byte, ok bool) {
	head := fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, argonMemory, argonTime, argonLanes)
	rest, ours := strings.CutPrefix(s, head)
	s64, k64, two := strings.Cut(rest, "$")
	if !ours || !two {
		return nil, nil, false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(s64)
	key, err2 := base64.RawStdEncoding.DecodeString(k64)
	return salt, key, err1 == nil && err2 == nil && len(salt) == argonSalt && len(key) == argonKey
}

// WebStore gives what is kept of web passwords.
type WebStore interface {
	// WebPassword returns an account's hash, "" if it has none or may not sign in. The account is normalised.
	WebPassword(ctx context.Context, account string) (hash string, err error)
}

// WebLogin checks a sign-in to the staff pages and returns the account. Those who fail are slowed down, as with device
// passwords; a wrong name and a wrong password are the same *Failure.
func (s *Service) WebLogin(ctx context.Context, store WebStore, username, password string, remote netip.Addr) (account string, err error) {
	name, ok := s.Normalise(strings.TrimSpace(username))
	if !ok {
		name = ""
	}
	try, err := s.throttle.begin(ctx, "web "+name, Network(remote))
	if err != nil {
		return "", &Failure{Condition: TemporaryFailure, Err: err}
	}
	hash := ""
	if name != "" {
		if hash, err = store.WebPassword(ctx, name); err != nil {
			return "", &Failure{Condition: TemporaryFailure, Err: err}
		}
	}
	match, err := s.hashing.matches(ctx, password, hash)
	if err != nil {
		return "", &Failure{Condition: TemporaryFailure, Err: err}
	}
	if !match {
		return "", try.failed(s.log, fail(NotAuthorized))
	}
	try.succeeded()
	return name, nil
}
