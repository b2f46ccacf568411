// SPDX-License-Identifier: Apache-2.0

package node

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"refdesk/cluster"
	"refdesk/cmd/internal/config"
	"refdesk/gateway/xmpp/c2s"
)

// sockets are the addresses a node listens on; nil where the configuration leaves one out.
type sockets struct {
	http, https, xmpp, xmpps, mail net.Listener
}

// listen opens every address before anything else starts, so that a port in use is a sentence and no half a node.
func listen(cfg config.Config) (_ sockets, err error) {
	var s sockets
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for _, x := range []struct {
		key, addr string
		to        *net.Listener
	}{
		{"http.listen", cfg.HTTP.Listen, &s.http},
		{"http.tls_listen", cfg.HTTP.TLSListen, &s.https},
		{"xmpp.listen", cfg.XMPP.Listen, &s.xmpp},
		{"xmpp.tls_listen", cfg.XMPP.TLSListen, &s.xmpps},
		{"mail.listen", cfg.Mail.Listen, &s.mail},
	} {
		if x.addr == "" {
			continue
		}
		l, err := net.Listen("tcp", x.addr)
		if err != nil {
			return s, listenError(x.key, x.addr, err)
		}
		*x.to = l
	}
	return s, nil
}

func listenError(key, addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program; stop that, or choose another address (%s)", addr, key)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s may not be opened by this user; choose a port above 1023 (%s)", addr, key)
	}
	return fmt.Errorf("open %s (%s): %w", addr, key, err)
}

func (s *sockets) all() []net.Listener {
	var out []net.Listener
	for _, l := range []net.Listener{s.http, s.https, s.xmpp, s.xmpps, s.mail} {
		if l != nil {
			out = append(out, l)
		}
	}
	return out
}

func (s *sockets) close() {
	for _, l := range s.all() {
		_ = l.Close() // a second close of what its server closed already
	}
}

// web are the sockets of the web doors; TLS is put on where it belongs.
func (s *sockets) web(cert *tls.Config) []net.Listener {
	var out []net.Listener
	if s.http != nil {
		out = append(out, s.http)
	}
	if s.https != nil {
		c := cert.Clone()
		c.NextProtos = []string{"h2", "http/1.1"}
		out = append(out, tls.NewListener(s.https, c))
	}
	return out
}

// streams are the sockets of the XMPP server.
func (s *sockets) streams() []c2s.Listener {
	var out []c2s.Listener
	if s.xmpp != nil {
		out = append(out, c2s.Listener{Listener: s.xmpp})
	}
	if s.xmpps != nil {
		out = append(out, c2s.Listener{Listener: s.xmpps, Direct: true})
	}
	return out
}

// certificate reads the pair of both doors; nil if none is configured.
func certificate(cfg config.Config) (*tls.Config, error) {
	if cfg.TLS.Cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cfg.TLS.Cert, cfg.TLS.Key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate (tls.cert, tls.key): %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// KeyFile is the name of the desk's key in a node's data directory.
const KeyFile = cluster.KeyFile

// deskKey reads the 32 secret bytes that all nodes of a desk share.
func deskKey(dir string) ([]byte, error) { return readKey(filepath.Join(dir, KeyFile)) }

func readKey(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing; copy it from another node of this desk, or start a new desk", file)
	}
	if err != nil {
		return nil, fmt.Errorf("read the desk's key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read by others; chmod 600 it", file)
	}
	key, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the desk's key: %w", err)
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("%s holds %d bytes, not 32; copy it from another node of this desk", file, len(key))
	}
	return key, nil
}
