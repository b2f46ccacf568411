// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Identity is what a node proves itself with, and whom it believes.
type Identity struct {
	id   string
	cert tls.Certificate
	cas  *x509.CertPool
	ca   []byte // the authority's certificate, DER
}

// NewIdentity reads a node's certificate and the authority's, both PEM. The certificate must be that of node id.
func NewIdentity(id string, authority []byte, p Pair) (*Identity, error) {
	cert, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		return nil, fmt.Errorf("read the node's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, errors.New("the authority's certificate is not PEM")
	}
	i := &Identity{id: id, cert: cert, cas: pool}
	if block, _ := pem.Decode(authority); block != nil {
		i.ca = block.Bytes
	}
	who, err := i.verify([]*x509.Certificate{cert.Leaf}, x509.ExtKeyUsageServerAuth)
	if err != nil {
		return nil, fmt.Errorf("the node's certificate is not of the desk's authority: %w", err)
	}
	if who != id {
		return nil, fmt.Errorf("the node's certificate is that of %q, not of %q", who, id)
	}
	return i, nil
}

// verify checks a chain and returns whose certificate it is.
func (i *Identity) verify(chain []*x509.Certificate, use x509.ExtKeyUsage) (string, error) {
	if len(chain) == 0 {
		return "", errors.New("no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: i.cas, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{use}})
	if err != nil {
		return "", err
	}
	id := nodeOf(chain[0])
	if id == "" {
		return "", errors.New("the certificate is not a node's")
	}
	return id, nil
}

// server is the TLS configuration for those who dial us. Who they are is checked against known.
func (i *Identity) server(known func(id string) bool) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{i.cert}, MinVersion: tls.VersionTLS13, NextProtos: []string{protocol},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: i.cas, SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			id, err := i.verify(s.PeerCertificates, x509.ExtKeyUsageClientAuth)
			if err == nil && (!known(id) || id == i.id) {
				err = fmt.Errorf("node %q is not of this desk", id)
			}
			return err
		},
	}
}

// client is the TLS configuration for dialling one node. Nodes are known by id, not by host, so that the standard
// check of the host's name gives way to our own, which checks chain, use and id.
func (i *Identity) client(id string) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{i.cert}, MinVersion: tls.VersionTLS13, NextProtos: []string{protocol},
		RootCAs: i.cas, InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			who, err := i.verify(s.PeerCertificates, x509.ExtKeyUsageServerAuth)
			if err == nil && who != id {
				err = fmt.Errorf("node %q answers where %q should", who, id)
			}
			return err
		},
	}
}

// protocol is what nodes speak, for ALPN.
const protocol = "refdesk/1"
