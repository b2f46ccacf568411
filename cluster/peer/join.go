// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"
)

// joinProtocol is what a machine speaks that wants to become a node, for ALPN. It has no certificate yet.
const joinProtocol = "refdesk-join/1"

// Limits of a conversation with a machine that wants to join.
const (
	joinsAtOnce = 4
	joinBytes   = 64 << 10
	joinTime    = 30 * time.Second
)

// JoinRequest is what a machine says that wants to become a node.
type JoinRequest struct {
	Secret  string // of the token
	Node    string
	Address string // host:port, as the other nodes will reach it
	URL     string // as patrons' pages will reach it; may be ""
	CSR     []byte // DER; its public key is the node's
	Level   uint64 // the newest feature level that its program knows
}

// JoinReply makes it one.
type JoinReply struct {
	CA, Cert []byte            // PEM
	Door     []byte            // PEM: a certificate of the desk's own for the new node's doors, for the same key
	DeskKey  []byte            // the secret that all nodes share
	Members  map[string]string // host:port by id, the new node included
	Shared   string            // the configuration that all nodes share, TOML
}

type joinAnswer struct {
	JoinReply
	Refusal string `json:",omitempty"`
}

// ErrJoinRefused is a refusal by the desk: another node would say the same.
var ErrJoinRefused = errors.New("the desk refuses")

// admit lets machines without a certificate in that want to join. They are shown the authority's certificate too, whose
// fingerprint is in their token.
func (i *Identity) admit(config *tls.Config) {
	cert := i.cert
	cert.Certificate = append(slices.Clone(cert.Certificate), i.ca)
	joining := &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13, NextProtos: []string{joinProtocol}, SessionTicketsDisabled: true,
	}
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, joinProtocol) {
			return joining, nil
		}
		return nil, nil
	}
}

// serveJoin answers one machine that wants to join.
func (p *Port) serveJoin(conn *tls.Conn) {
	select {
	case p.join <- struct{}{}:
		defer func() { <-p.join }()
	default:
		return
	}
	_ = conn.SetDeadline(time.Now().Add(joinTime))
	var q JoinRequest
	var a joinAnswer
	line, err := bufio.NewReader(io.LimitReader(conn, joinBytes)).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &q)
	}
	if err != nil {
		p.cfg.Log.Info("what a machine says that wants to join can't be read", "remote", conn.RemoteAddr().String(), "err", err)
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, joinTime)
	defer cancel()
	if a.JoinReply, err = p.cfg.Joining(ctx, q); err != nil {
		a = joinAnswer{Refusal: err.Error()}
		p.cfg.Log.Warn("a machine may not join", "remote", conn.RemoteAddr().String(), "node", fmt.Sprintf("%.70q", q.Node), "err", err)
	}
	data, err := json.Marshal(a)
	if err == nil {
		_, err = conn.Write(append(data, '\n'))
	}
	if err != nil {
		p.cfg.Log.Info("answer a machine that wants to join", "err", err)
	}
	_ = conn.CloseWrite()
}

// Join asks a node of a desk, whose authority has the given fingerprint, to take this machine in. A refusal of the desk is
// ErrJoinRefused; after other errors another node may be asked.
func Join(ctx context.Context, addr, fingerprint string, q JoinRequest) (JoinReply, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	raw, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return JoinReply{}, err
	}
	defer raw.Close()
	if end, ok := ctx.Deadline(); ok {
		_ = raw.SetDeadline(end)
	}
	conn := tls.Client(raw, &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{joinProtocol}, InsecureSkipVerify: true, // pinned instead
		VerifyConnection: func(s tls.ConnectionState) error { return pinned(s, fingerprint) },
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		return JoinReply{}, err
	}
	data, err := json.Marshal(q)
	if err == nil {
		_, err = conn.Write(append(data, '\n'))
	}
	if err != nil {
		return JoinReply{}, err
	}
	line, err := bufio.NewReader(io.LimitReader(conn, 4*joinBytes)).ReadBytes('\n')
	var a joinAnswer
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	switch {
	case err != nil:
		return JoinReply{}, fmt.Errorf("read the answer: %w", err)
	case a.Refusal != "":
		return JoinReply{}, fmt.Errorf("%w: %s", ErrJoinRefused, a.Refusal)
	}
	return a.JoinReply, nil
}

// pinned checks that who answers is a node of the authority with the fingerprint.
func pinned(s tls.ConnectionState, fingerprint string) error {
	if s.NegotiatedProtocol != joinProtocol {
		return errors.New("what answers there is no node that takes others in")
	}
	for _, c := range s.PeerCertificates {
		if Fingerprint(c.Raw) != fingerprint {
			continue
		}
		roots := x509.NewCertPool()
		roots.AddCert(c)
		i := &Identity{cas: roots}
		_, err := i.verify(s.PeerCertificates[:1], x509.ExtKeyUsageServerAuth)
		return err
	}
	return errors.New("what answers there is not of the desk that the token is for")
}

// Fingerprint is the SHA-256 of a certificate, in lower-case hex.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// Fingerprint is that of the authority's certificate.
func (a *Authority) Fingerprint() string { return Fingerprint(a.der) }

// NewRequest makes a request for a node's certificate with a new key, or with the one that is given, PEM. It returns the
// request, DER, and the key, PEM.
func NewRequest(id string, key []byte) (csr, keyPEM []byte, err error) {
	var k *ecdsa.PrivateKey
	if key == nil {
		if k, keyPEM, err = newKey(); err != nil {
			return nil, nil, err
		}
	} else {
		block, _ := pem.Decode(key)
		if block == nil {
			return nil, nil, errors.New("the node's key is not PEM")
		}
		any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, nil, fmt.Errorf("read the node's key: %w", err)
		}
		ec, ok := any.(*ecdsa.PrivateKey)
		if !ok {
			return nil, nil, errors.New("the node's key is of another kind")
		}
		k, keyPEM = ec, key
	}
	csr, err = requestFor(id, k)
	return csr, keyPEM, err
}

// Admit makes a node's certificate from its request, and one for its doors, with the same key, that are called by hosts. It
// says which key that is (SHA-256 of the public key, hex).
func (a *Authority) Admit(id string, csr []byte, hosts []string, now time.Time) (cert, door []byte, key string, err error) {
	r, err := x509.ParseCertificateRequest(csr)
	if err == nil {
		err = r.CheckSignature()
	}
	if err != nil {
		return nil, nil, "", fmt.Errorf("the request for a certificate can't be read: %w", err)
	}
	public, ok := r.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, nil, "", errors.New("the request for a certificate has a key of another kind")
	}
	name, err := nodeName(id)
	if err != nil {
		return nil, nil, "", err
	}
	node, err := a.sign("node "+id, now, public, func(t *x509.Certificate) { nodeUse(t, name) })
	if err != nil {
		return nil, nil, "", err
	}
	server, err := a.sign(hosts[0], now, public, func(t *x509.Certificate) { serverUse(t, hosts) })
	if err != nil {
		return nil, nil, "", err
	}
	sum := sha256.Sum256(r.RawSubjectPublicKeyInfo)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: node}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server}), hex.EncodeToString(sum[:]), nil
}
