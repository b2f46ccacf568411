// SPDX-License-Identifier: Apache-2.0

package account

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"hash"
	"strings"

	"refdesk/cluster/desk"
)

// Iterations of PBKDF2 for new device passwords: the least that RFC 7677 §4 allows. More would protect passwords that
// people think up; these hold 80 random bits, which no number of iterations makes harder to guess. In SCRAM the client
// does this work; with PLAIN the server does it at a device's first login, about a millisecond each, so that a thousand
// logins stay within 1.2 seconds of CPU on either way.
const Iterations = 4096

// saltSize is the length of salts in bytes, of real ones as of invented ones.
const saltSize = 16

// alphabet has 32 characters, 5 bits each, without those that look alike.
const alphabet = "abcdefghijkmnpqrstuvwxyz23456789"

// NewPassword returns a random device password: four groups of four characters, 80 bits, as in "k7mp-x2ua-9crd-hh4w".
func NewPassword() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails (crypto/rand)
	var b strings.Builder
	for i, r := range raw {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[r%32])
	}
	return b.String()
}

// NewDevice makes a random password for a further device of an account and what the desk keeps of it. existing are the
// account's devices: SCRAM names salt and iterations before it knows which device signs in, so that all devices of an
// account share theirs. The password is shown once and kept nowhere.
func NewDevice(account, name string, existing []*desk.Device) (device *desk.Device, password string, err error) {
	salt, iterations := make([]byte, saltSize), Iterations
	rand.Read(salt) // never fails (crypto/rand)
	for _, d := range existing {
		if len(d.Salt) > 0 && d.Iterations > 0 {
			salt, iterations = d.Salt, int(d.Iterations)
			break
		}
	}
	password = NewPassword()
	device, err = Derive(account, name, password, salt, iterations)
	return device, password, err
}

// Derive computes what the desk keeps of a password: the stored and server keys of SCRAM (RFC 5802 §3) for both hashes.
// The password is taken as it is; device passwords are ASCII, which SASLprep leaves alone.
func Derive(account, name, password string, salt []byte, iterations int) (*desk.Device, error) {
	if password == "" || len(salt) == 0 || iterations < 1 || iterations > 1_000_000 {
		return nil, errors.New("account: derive keys: no password, no salt or a bad number of iterations")
	}
	d := &desk.Device{Account: account, Name: name, Salt: salt, Iterations: uint32(iterations)}
	salted, err := pbkdf2.Key(sha1.New, password, salt, iterations, sha1.Size)
	if err != nil {
		return nil, err
	}
	d.Stored1, d.Server1 = hashFunc(sha1.New).keys(salted)
	if salted, err = pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size); err != nil {
		return nil, err
	}
	d.Stored256, d.Server256 = hashFunc(sha256.New).keys(salted)
	return d, nil
}

// hashFunc is one of the two hashes with what SCRAM does with it.
type hashFunc func() hash.Hash

func (h hashFunc) keys(salted []byte) (stored, server []byte) {
	return h.sum(h.mac(salted, "Client Key")), h.mac(salted, "Server Key")
}

func (h hashFunc) sum(data []byte) []byte {
	d := h()
	d.Write(data)
	return d.Sum(nil)
}

func (h hashFunc) mac(key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
