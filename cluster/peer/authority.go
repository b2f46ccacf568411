// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"
)

// How long certificates hold, and how far they reach back for clocks that are behind.
const (
	authorityYears   = 10
	certificateYears = 5
	clockSlack       = time.Hour
)

// Authority is a certificate authority of one desk: it vouches for its nodes and, in a demo, for its doors.
type Authority struct {
	cert *x509.Certificate
	der  []byte
	key  *ecdsa.PrivateKey
}

// Pair is a certificate with its key, both PEM; the key is PKCS #8 and must be kept secret.
type Pair struct{ Cert, Key []byte }

// NewAuthority makes an authority with a new P-256 key.
func NewAuthority(name string, now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	t, err := template(name, now, authorityYears)
	if err != nil {
		return nil, err
	}
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero = true, true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return &Authority{cert: cert, der: der, key: key}, err
}

// LoadAuthority reads an authority from what Pair gave.
func LoadAuthority(p Pair) (*Authority, error) {
	c, _ := pem.Decode(p.Cert)
	k, _ := pem.Decode(p.Key)
	if c == nil || k == nil {
		return nil, errors.New("the authority's files are not PEM")
	}
	cert, err := x509.ParseCertificate(c.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(k.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the authority's key: %w", err)
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok || !cert.IsCA || !ec.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("the authority's certificate and key don't belong together")
	}
	return &Authority{cert: cert, der: c.Bytes, key: ec}, nil
}

// Pair is the authority itself, to be kept. Its certificate is what others trust.
func (a *Authority) Pair() (Pair, error) { return encode(a.der, a.key) }

// Node makes the certificate by which a node is known to the others. It serves and dials with it.
func (a *Authority) Node(id string, now time.Time) (Pair, error) {
	name, err := nodeName(id)
	if err != nil {
		return Pair{}, err
	}
	return a.issue("node "+id, now, func(t *x509.Certificate) { nodeUse(t, name) })
}

// nodeUse makes a certificate a node's.
func nodeUse(t *x509.Certificate, name *url.URL) {
	t.URIs = []*url.URL{name}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
}

// Server makes a certificate for a door: hosts are DNS names (wildcards too) and IP addresses.
func (a *Authority) Server(hosts []string, now time.Time) (Pair, error) {
	if len(hosts) == 0 {
		return Pair{}, errors.New("a server's certificate needs a name")
	}
	return a.issue(hosts[0], now, func(t *x509.Certificate) { serverUse(t, hosts) })
}

// serverUse makes a certificate a door's.
func serverUse(t *x509.Certificate, hosts []string) {
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
}

func (a *Authority) issue(name string, now time.Time, set func(*x509.Certificate)) (Pair, error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return Pair{}, err
	}
	der, err := a.sign(name, now, &key.PublicKey, set)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), Key: keyPEM}, nil
}

// sign makes a certificate, DER, for a public key.
func (a *Authority) sign(name string, now time.Time, public *ecdsa.PublicKey, set func(*x509.Certificate)) ([]byte, error) {
	t, err := template(name, now, certificateYears)
	if err != nil {
		return nil, err
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.BasicConstraintsValid = true
	set(t)
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for %s: %w", name, err)
	}
	return der, nil
}

// newKey makes a key, and writes it as PEM.
func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// requestFor makes the request for a node's certificate, DER.
func requestFor(id string, key *ecdsa.PrivateKey) ([]byte, error) {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "node " + id}}, key)
	if err != nil {
		return nil, fmt.Errorf("make a request for a certificate: %w", err)
	}
	return csr, nil
}

func template(name string, now time.Time, years int) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-clockSlack), NotAfter: now.AddDate(years, 0, 0),
	}, nil
}

func encode(der []byte, key *ecdsa.PrivateKey) (Pair, error) {
	k, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k}),
	}, nil
}

// nodeName is the URI that names a node in its certificate.
func nodeName(id string) (*url.URL, error) {
	if id == "" || len(id) > 64 {
		return nil, fmt.Errorf("%.70q is no node id: 1 to 64 bytes", id)
	}
	return &url.URL{Scheme: "refdesk", Host: "node", Path: "/" + id}, nil
}

// nodeOf returns the node id in a certificate; "" if it isn't a node's.
func nodeOf(cert *x509.Certificate) string {
	for _, u := range cert.URIs {
		if u.Scheme == "refdesk" && u.Host == "node" && len(u.Path) > 1 {
			return u.Path[1:]
		}
	}
	return ""
}
