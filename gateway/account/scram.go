// SPDX-License-Identifier: Apache-2.0

package account

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"refdesk/cluster/desk"
)

// scram is the server's side of one exchange of SCRAM-SHA-1 (RFC 5802) or SCRAM-SHA-256 (RFC 7677).
//
// It is written here because an account has several passwords, one for each device: the proof is tried against the stored
// key of each, and the answer is signed with the server key of the one that fits. xdg-go/scram knows one pair of keys for
// a name. -PLUS is not offered.
type scram struct {
	s       *Service
	hash    hashFunc
	stored  func(*desk.Device) (stored, server []byte)
	network netip.Prefix

	step    int
	account string
	known   bool // the account exists and has devices
	devices []*desk.Device
	gs2     string // header of the client's first message, echoed in its last
	first   string // client-first-message-bare "," server-first-message
	nonce   string
	login   Login
}

func newScram(s *Service, mechanism string, network netip.Prefix) *scram {
	x := &scram{s: s, network: network}
	if mechanism == ScramSHA1 {
		x.hash = sha1.New
		x.stored = func(d *desk.Device) (a, b []byte) { return d.Stored1, d.Server1 }
	} else {
		x.hash = sha256.New
		x.stored = func(d *desk.Device) (a, b []byte) { return d.Stored256, d.Server256 }
	}
	return x
}

// Login implements Exchange.
func (x *scram) Login() Login { return x.login }

// Next implements Exchange.
func (x *scram) Next(ctx context.Context, response []byte) (data []byte, done bool, err error) {
	if response == nil && x.step == 0 {
		return []byte{}, false, nil
	}
	if len(response) > 4096 || !utf8.Valid(response) || bytes.IndexByte(response, 0) >= 0 {
		return nil, false, fail(MalformedRequest)
	}
	x.step++
	switch x.step {
	case 1:
		data, err = x.clientFirst(ctx, string(response))
		return data, false, err
	case 2:
		data, err = x.clientFinal(ctx, string(response))
		return data, err == nil, err
	}
	return nil, false, fail(MalformedRequest)
}

// clientFirst reads "n,a=authzid,n=name,r=nonce" and answers with nonce, salt and iterations.
func (x *scram) clientFirst(ctx context.Context, msg string) ([]byte, error) {
	flag, rest, ok1 := strings.Cut(msg, ",")
	authzid, bare, ok2 := strings.Cut(rest, ",")
	if !ok1 || !ok2 || flag != "n" && flag != "y" { // "p=…" binds to a channel, which is not offered
		return nil, fail(MalformedRequest)
	}
	attrs := strings.Split(bare, ",")
	if len(attrs) < 2 { // a leading "m=" is an extension we must understand, and don't (RFC 5802 §5.1)
		return nil, fail(MalformedRequest)
	}
	name, ok1 := attribute(attrs[0], 'n')
	nonce, ok2 := attribute(attrs[1], 'r')
	username, ok3 := unescape(name)
	if !ok1 || !ok2 || !ok3 || !printable(nonce) {
		return nil, fail(MalformedRequest)
	}
	account, ok := x.s.Normalise(username)
	if !ok {
		account = username
	}
	if authzid != "" {
		a, ok1 := attribute(authzid, 'a')
		id, ok2 := unescape(a)
		if !ok1 || !ok2 {
			return nil, fail(MalformedRequest)
		}
		if !x.s.ownAuthzid(id, account) {
			return nil, fail(InvalidAuthzid)
		}
	}
	devices, ok, err := x.s.store.Devices(ctx, account)
	if err != nil {
		return nil, &Failure{Condition: TemporaryFailure, Err: err}
	}
	x.account, x.known, x.devices = account, ok && len(devices) > 0, devices
	if !x.known {
		x.devices = []*desk.Device{x.s.invented(account)}
	}
	x.gs2, x.nonce = flag+","+authzid+",", nonce+rand.Text()
	salt := x.devices[0]
	answer := "r=" + x.nonce + ",s=" + base64.StdEncoding.EncodeToString(salt.Salt) +
		",i=" + strconv.FormatUint(uint64(salt.Iterations), 10)
	x.first = bare + "," + answer
	return []byte(answer), nil
}

// clientFinal reads "c=channel,r=nonce,p=proof" and answers with the server's signature.
func (x *scram) clientFinal(ctx context.Context, msg string) ([]byte, error) {
	at := strings.LastIndex(msg, ",p=")
	if at < 0 {
		return nil, fail(MalformedRequest)
	}
	without := msg[:at]
	attrs := strings.Split(without, ",")
	if len(attrs) < 2 {
		return nil, fail(MalformedRequest)
	}
	channel, ok1 := attribute(attrs[0], 'c')
	nonce, ok2 := attribute(attrs[1], 'r')
	header, err1 := base64.StdEncoding.DecodeString(channel)
	proof, err2 := base64.StdEncoding.DecodeString(msg[at+3:])
	if !ok1 || !ok2 || err1 != nil || err2 != nil {
		return nil, fail(MalformedRequest)
	}
	attempt, err := x.s.throttle.begin(ctx, x.account, x.network)
	if err != nil {
		return nil, &Failure{Condition: TemporaryFailure, Err: err}
	}
	if nonce != x.nonce || string(header) != x.gs2 {
		return nil, attempt.failed(x.s.log, fail(NotAuthorized))
	}
	device, server := x.prove(proof, x.first+","+without)
	if device == nil {
		return nil, attempt.failed(x.s.log, fail(NotAuthorized))
	}
	attempt.succeeded()
	x.login = Login{Account: x.account, Device: device.Name}
	return []byte("v=" + base64.StdEncoding.EncodeToString(server)), nil
}

// prove returns the device whose stored key fits the proof, and the server's signature. Only devices that share the salt
// that was named can fit.
func (x *scram) prove(proof []byte, message string) (device *desk.Device, signature []byte) {
	for _, d := range x.devices {
		stored, server := x.stored(d)
		key := x.hash.mac(stored, message)
		if len(key) != len(proof) {
			return nil, nil
		}
		subtle.XORBytes(key, key, proof)
		if hmac.Equal(x.hash.sum(key), stored) && x.known {
			return d, x.hash.mac(server, message)
		}
	}
	return nil, nil
}

// attribute returns the value of "k=value".
func attribute(s string, k byte) (string, bool) {
	if len(s) < 2 || s[0] != k || s[1] != '=' {
		return "", false
	}
	return s[2:], true
}

// unescape reads a saslname: "=2C" is a comma and "=3D" an equals sign, which can't stand otherwise (RFC 5802 §7).
func unescape(s string) (string, bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "=")
		b.WriteString(before)
		switch {
		case !found:
			return b.String(), b.Len() > 0
		case strings.HasPrefix(after, "2C"):
			b.WriteByte(',')
		case strings.HasPrefix(after, "3D"):
			b.WriteByte('=')
		default:
			return "", false
		}
		s = after[2:]
	}
}

// printable tells whether s is a nonce: ASCII without blank, control character or comma.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == ',' {
			return false
		}
	}
	return s != ""
}
