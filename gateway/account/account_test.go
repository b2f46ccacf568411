// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"encoding/base64"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	xdg "github.com/xdg-go/scram"
	"go.uber.org/goleak"

	"refdesk/cluster/desk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const domain = "desk.example"

// memory is a store that can fail and counts what it is asked.
type memory struct {
	devices map[string][]*desk.Device
	err     error
	asked   atomic.Int64
}

func (m *memory) Devices(_ context.Context, account string) ([]*desk.Device, bool, error) {
	m.asked.Add(1)
	d, ok := m.devices[account]
	return d, ok, m.err
}

// enrol gives an account n devices and returns their passwords.
func (m *memory) enrol(t testing.TB, account string, n int) (passwords []string) {
	t.Helper()
	for i := range n {
		d, password, err := NewDevice(account, "device "+string(rune('a'+i)), m.devices[account])
		if err != nil {
			t.Fatal(err)
		}
		m.devices[account] = append(m.devices[account], d)
		passwords = append(passwords, password)
	}
	return passwords
}

func newService(t testing.TB) (*Service, *memory) {
	t.Helper()
	m := &memory{devices: map[string][]*desk.Device{}}
	s, err := New(Config{Domain: domain, Secret: []byte("0123456789abcdef")}, m)
	if err != nil {
		t.Fatal(err)
	}
	return s, m
}

var office = netip.MustParseAddr("192.0.2.7")

// plainLogin signs in by PLAIN.
func plainLogin(ctx context.Context, s *Service, from netip.Addr, authzid, user, password string) (Login, error) {
	x, err := s.Begin(Plain, from)
	if err != nil {
		return Login{}, err
	}
	_, done, err := x.Next(ctx, []byte(authzid+"\x00"+user+"\x00"+password))
	if err == nil && !done {
		err = errors.New("not done")
	}
	return x.Login(), err
}

// scramLogin signs in by SCRAM with somebody else's client.
func scramLogin(ctx context.Context, s *Service, mechanism, authzid, user, password string) (Login, error) {
	h := xdg.SHA256
	if mechanism == ScramSHA1 {
		h = xdg.SHA1
	}
	c, err := h.NewClient(user, password, authzid)
	if err != nil {
		return Login{}, err
	}
	conv := c.NewConversation()
	x, err := s.Begin(mechanism, office)
	if err != nil {
		return Login{}, err
	}
	var data []byte
	for done := false; !done; {
		out, err := conv.Step(string(data))
		if err != nil {
			return Login{}, err
		}
		if data, done, err = x.Next(ctx, []byte(out)); err != nil {
			return Login{}, err
		}
	}
	if _, err := conv.Step(string(data)); err != nil || !conv.Valid() {
		return Login{}, errors.Join(err, errors.New("the server is not who it should be"))
	}
	return x.Login(), nil
}

func condition(err error) Condition {
	var f *Failure
	if errors.As(err, &f) {
		return f.Condition
	}
	return ""
}

func TestEachDeviceSignsIn(t *testing.T) {
	s, m := newService(t)
	passwords := m.enrol(t, "ana", 3)
	for i, p := range passwords {
		want := Login{"ana", m.devices["ana"][i].Name}
		for _, mech := range []string{ScramSHA1, ScramSHA256} {
			if got, err := scramLogin(t.Context(), s, mech, "", "ana", p); err != nil || got != want {
				t.Errorf("%s: %v %v, want %v", mech, got, err, want)
			}
		}
		for range 2 { // the second time from the cache
			if got, err := plainLogin(t.Context(), s, office, "", "ana", p); err != nil || got != want {
				t.Errorf("PLAIN: %v %v, want %v", got, err, want)
			}
		}
	}
	m.devices["ana"] = m.devices["ana"][1:] // revoked
	for _, mech := range []string{ScramSHA1, ScramSHA256} {
		if _, err := scramLogin(t.Context(), s, mech, "", "ana", passwords[0]); condition(err) != NotAuthorized {
			t.Errorf("revoked, %s: %v", mech, err)
		}
	}
	if _, err := plainLogin(t.Context(), s, office, "", "ana", passwords[0]); condition(err) != NotAuthorized {
		t.Errorf("revoked, PLAIN from the cache: %v", err)
	}
}

func TestNames(t *testing.T) {
	s, m := newService(t)
	p := m.enrol(t, "ana", 1)[0]
	m.devices["o=k,x"] = m.devices["ana"]
	tests := []struct {
		name, authzid, user string
		want                Condition
	}{
		{"as it is", "", "ana", ""},
		{"in capitals", "", "ANA", ""},
		{"full width", "", "ａｎａ", ""},
		{"whole address", "", "ana@desk.example", ""},
		{"whole address, capitals", "", "Ana@DESK.example", ""},
		{"authzid oneself", "ana@desk.example", "ana", ""},
		{"name with SCRAM's own characters", "", "o=k,x", ""},
		{"authzid another", "ben@desk.example", "ana", InvalidAuthzid},
		{"authzid other domain", "ana@other.example", "ana", InvalidAuthzid},
		{"authzid no address", "ana", "ana", InvalidAuthzid},
		{"other domain", "", "ana@other.example", NotAuthorized},
		{"nobody", "", "nobody", NotAuthorized},
		{"with a blank", "", "a na", NotAuthorized},
		{"with a slash", "", "ana/x", NotAuthorized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := plainLogin(t.Context(), s, office, tt.authzid, tt.user, p); condition(err) != tt.want || (err != nil) != (tt.want != "") {
				t.Errorf("PLAIN: %v", err)
			}
			if _, err := scramLogin(t.Context(), s, ScramSHA256, tt.authzid, tt.user, p); condition(err) != tt.want || (err != nil) != (tt.want != "") {
				t.Errorf("SCRAM: %v", err)
			}
			s.throttle = newThrottle() // its delays are not what this is about
		})
	}
}

// TestNobodyLooksLikeSomebody: what a name that doesn't exist gets is of the same form, and always the same salt.
func TestNobodyLooksLikeSomebody(t *testing.T) {
	s, m := newService(t)
	m.enrol(t, "ana", 1)
	other, err := New(Config{Domain: domain, Secret: []byte("0123456789abcdef")}, m) // another node
	if err != nil {
		t.Fatal(err)
	}
	challenge := func(s *Service, mech, user string) (salt, iterations string) {
		x, err := s.Begin(mech, office)
		if err != nil {
			t.Fatal(err)
		}
		data, _, err := x.Next(t.Context(), []byte("n,,n="+user+",r=abc"))
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(data), ",")
		return parts[1], parts[2]
	}
	for _, mech := range []string{ScramSHA1, ScramSHA256} {
		somebody, n := challenge(s, mech, "ana")
		nobody, i := challenge(s, mech, "nobody")
		again, _ := challenge(other, mech, "nobody")
		third, _ := challenge(s, mech, "third")
		if n != i || len(somebody) != len(nobody) || nobody != again || nobody == third {
			t.Errorf("%s: %s,%s and %s,%s, again %s, another %s", mech, somebody, n, nobody, i, again, third)
		}
	}
}

func TestStoreThatFails(t *testing.T) {
	s, m := newService(t)
	m.err = errors.New("no quorum")
	if _, err := plainLogin(t.Context(), s, office, "", "ana", "x"); condition(err) != TemporaryFailure {
		t.Errorf("PLAIN: %v", err)
	}
	if _, err := scramLogin(t.Context(), s, ScramSHA1, "", "ana", "x"); condition(err) != TemporaryFailure {
		t.Errorf("SCRAM: %v", err)
	}
	if s.throttle.failures.order.Len() != 0 {
		t.Error("a failure of ours was counted against the client")
	}
}

func TestPlainOnly(t *testing.T) {
	m := &memory{devices: map[string][]*desk.Device{}}
	s, err := New(Config{Domain: domain, Secret: make([]byte, 16), PlainOnly: true}, m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(ScramSHA256, office); condition(err) != InvalidMechanism || len(s.Mechanisms()) != 1 {
		t.Errorf("%v %v", s.Mechanisms(), err)
	}
	if _, err := New(Config{Secret: make([]byte, 15)}, m); err == nil {
		t.Error("a short secret was taken")
	}
}

func TestWithoutInitialResponse(t *testing.T) {
	s, m := newService(t)
	p := m.enrol(t, "ana", 1)[0]
	x, _ := s.Begin(Plain, office)
	if data, done, err := x.Next(t.Context(), nil); data == nil || len(data) != 0 || done || err != nil {
		t.Fatalf("%v %v %v", data, done, err)
	}
	if _, done, err := x.Next(t.Context(), []byte("\x00ana\x00"+p)); !done || err != nil {
		t.Errorf("%v %v", done, err)
	}
	y, _ := s.Begin(ScramSHA256, office)
	if data, done, err := y.Next(t.Context(), nil); data == nil || len(data) != 0 || done || err != nil {
		t.Fatalf("%v %v %v", data, done, err)
	}
	if data, _, err := y.Next(t.Context(), []byte("n,,n=ana,r=abc")); err != nil || !strings.HasPrefix(string(data), "r=abc") {
		t.Errorf("%s %v", data, err)
	}
}

func TestPasswords(t *testing.T) {
	form := regexp.MustCompile(`^([a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}$`)
	seen := map[string]bool{}
	letters := map[rune]int{}
	for range 500 {
		p := NewPassword()
		if !form.MatchString(p) || seen[p] {
			t.Fatalf("password %q", p)
		}
		seen[p] = true
		for _, r := range p {
			letters[r]++
		}
	}
	if len(letters) != 33 || len(alphabet) != 32 {
		t.Errorf("%d different characters", len(letters))
	}
}

// TestVectors are the examples of RFC 5802 §5 and RFC 7677 §3.
func TestVectors(t *testing.T) {
	s, _ := newService(t)
	tests := []struct{ mech, salt, bare, first, final, proof, signature string }{
		{
			ScramSHA1, "QSXCR+Q6sek8bf92", "n=user,r=fyko+d2lbbFgONRv9qkxdawL",
			"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
			"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
			"v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
		},
		{
			ScramSHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "n=user,r=rOprNGfwEbeRWgbNEkqO",
			"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
			"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		},
	}
	for _, tt := range tests {
		salt, _ := base64.StdEncoding.DecodeString(tt.salt)
		proof, _ := base64.StdEncoding.DecodeString(tt.proof)
		d, err := Derive("user", "d", "pencil", salt, 4096)
		if err != nil {
			t.Fatal(err)
		}
		x := newScram(s, tt.mech, Network(office))
		x.devices, x.known = []*desk.Device{d}, true
		got, signature := x.prove(proof, tt.bare+","+tt.first+","+tt.final)
		if got != d || base64.StdEncoding.EncodeToString(signature) != tt.signature {
			t.Errorf("%s: %v %x", tt.mech, got, signature)
		}
		proof[0] ^= 1
		if got, _ := x.prove(proof, tt.bare+","+tt.first+","+tt.final); got != nil {
			t.Errorf("%s: a wrong proof holds", tt.mech)
		}
	}
}

func TestDeriveRefuses(t *testing.T) {
	for _, f := range []func() (*desk.Device, error){
		func() (*desk.Device, error) { return Derive("a", "d", "", []byte("salt"), 4096) },
		func() (*desk.Device, error) { return Derive("a", "d", "p", nil, 4096) },
		func() (*desk.Device, error) { return Derive("a", "d", "p", []byte("salt"), 0) },
	} {
		if d, err := f(); err == nil {
			t.Errorf("derived %v", d)
		}
	}
}

func FuzzScram(f *testing.F) {
	s, m := newService(f)
	m.enrol(f, "ana", 1)
	f.Add("n,,n=ana,r=abc", "c=biws,r=abc,p=AAAA")
	f.Add("y,a=ana@desk.example,n=ana,r=x", "c=,r=,p=")
	f.Add("n,,n==2C=3D,r=x,e=f", ",p=")
	f.Add("p=tls-exporter,,n=ana,r=x", "p=")
	f.Fuzz(func(t *testing.T, first, final string) {
		for _, mech := range []string{ScramSHA1, ScramSHA256, Plain} {
			s.throttle = newThrottle()
			x, err := s.Begin(mech, office)
			if err != nil {
				t.Fatal(err)
			}
			for _, msg := range []string{first, final, final} {
				_, done, err := x.Next(t.Context(), []byte(msg))
				if done {
					t.Fatalf("signed in by %q and %q", first, final)
				}
				if err != nil && condition(err) == "" {
					t.Fatalf("an error without condition: %v", err)
				}
			}
		}
	})
}

func BenchmarkScramLogin(b *testing.B) { // the client's derivation is not the server's work
	s, m := newService(b)
	p := m.enrol(b, "ana", 3)[2]
	c, _ := xdg.SHA256.NewClient("ana", p, "")
	for b.Loop() {
		conv := c.NewConversation()
		x, _ := s.Begin(ScramSHA256, office)
		out, _ := conv.Step("")
		data, _, _ := x.Next(b.Context(), []byte(out))
		out, _ = conv.Step(string(data))
		if _, done, err := x.Next(b.Context(), []byte(out)); !done {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlainFirstLogin(b *testing.B) {
	s, m := newService(b)
	p := m.enrol(b, "ana", 3)[2]
	for b.Loop() {
		s.cache = newPlainCache()
		if _, err := plainLogin(b.Context(), s, office, "", "ana", p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlainLoginAgain(b *testing.B) {
	s, m := newService(b)
	p := m.enrol(b, "ana", 3)[2]
	for b.Loop() {
		if _, err := plainLogin(b.Context(), s, office, "", "ana", p); err != nil {
			b.Fatal(err)
		}
	}
}
