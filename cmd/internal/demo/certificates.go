// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/renameio/v2"

	"refdesk/cmd/internal/config"
	"refdesk/cmd/internal/node"
)

// authority reads the demo's certificate authority, or makes it.
func (p *plan) authority() (*node.Authority, error) {
	cert, err := os.ReadFile(p.path("ca.pem"))
	if errors.Is(err, fs.ErrNotExist) {
		return p.newAuthority()
	}
	key, keyErr := os.ReadFile(p.path("ca.key"))
	if err := errors.Join(err, keyErr); err != nil {
		return nil, fmt.Errorf("read the demo's certificate authority: %w; start with another --dir", err)
	}
	a, err := node.LoadAuthority(node.Pair{Cert: cert, Key: key})
	if err != nil {
		return nil, fmt.Errorf("read the demo's certificate authority in %s: %w; start with another --dir", p.dir, err)
	}
	return a, nil
}

func (p *plan) newAuthority() (*node.Authority, error) {
	a, err := node.NewAuthority(deskName+" demo", time.Now())
	if err != nil {
		return nil, err
	}
	pair, err := a.Pair()
	if err != nil {
		return nil, err
	}
	return a, savePair(p.path("ca.pem"), p.path("ca.key"), pair)
}

// savePair writes a certificate and its key. The key comes first: a certificate without one would be taken for whole.
func savePair(cert, key string, pair node.Pair) error {
	if err := save(key, pair.Key, 0o600); err != nil {
		return err
	}
	return save(cert, pair.Cert, 0o644)
}

func save(file string, data []byte, mode fs.FileMode) error {
	if err := renameio.WriteFile(file, data, mode); err != nil {
		return fmt.Errorf("write %s: %w; choose another directory with --dir", file, err)
	}
	return nil
}

// write makes what node i needs in its directory: key, certificates, configuration. What is there is kept, but for the
// configuration, which says what this start was called with.
func (p *plan) write(i int, a *node.Authority) error {
	m := p.members[i]
	if err := os.MkdirAll(m.data(), 0o700); err != nil {
		return fmt.Errorf("make directory: %w; choose another with --dir", err)
	}
	if err := p.deskKey(m); err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		make func() (node.Pair, error)
	}{
		{"server", func() (node.Pair, error) { return a.Server(p.hosts(), time.Now()) }},
		{"node", func() (node.Pair, error) { return a.Node(m.id, time.Now()) }},
	} {
		cert := filepath.Join(m.dir, c.name+".pem")
		if _, err := os.Stat(cert); err == nil {
			continue
		}
		pair, err := c.make()
		if err != nil {
			return err
		}
		if err := savePair(cert, filepath.Join(m.dir, c.name+".key"), pair); err != nil {
			return err
		}
	}
	return p.writeConfig(i)
}

// hosts are the names and addresses that the demo's doors go by.
func (p *plan) hosts() []string {
	d := p.options.Domain
	out := []string{d, "chat." + d, "rooms." + d, "localhost", "staff.localhost", "files.localhost", "127.0.0.1", "::1"}
	for _, a := range []string{p.options.HTTPS, p.options.XMPP, p.options.XMPPS} {
		if host, _, err := net.SplitHostPort(a); err == nil && host != "" {
			out = append(out, host)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// deskKey gives a node the key that all nodes of the desk share.
func (p *plan) deskKey(m member) error {
	file := filepath.Join(m.data(), node.KeyFile)
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	shared := p.path(node.KeyFile)
	key, err := os.ReadFile(shared)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		rand.Read(key) // never fails
		err = save(shared, key, 0o600)
	}
	if err != nil {
		return fmt.Errorf("make the desk's key: %w", err)
	}
	return save(file, key, 0o600)
}

// writeConfig writes a node's configuration with the overrides of --set: a wrong one is a sentence before anything starts.
func (p *plan) writeConfig(i int) error {
	c := p.config(i)
	data, err := c.Encode()
	if err != nil {
		return err
	}
	if c, err = config.Parse("--set", data, p.options.Set...); err != nil {
		return err
	}
	if data, err = c.Encode(); err != nil {
		return err
	}
	return save(p.members[i].file, data, 0o600)
}
