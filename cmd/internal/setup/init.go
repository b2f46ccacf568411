// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"refdesk/cmd/internal/config"
	"refdesk/cmd/internal/ctl"
	"refdesk/cmd/internal/node"
)

// InitOptions are the words of `refdesk init`.
type InitOptions struct {
	Dir     string
	ID      string
	Name    string // of the library
	Domain  string
	URL     string // where patrons reach the desk
	HTTP    string // host:port
	XMPP    string // host:port; "" = off
	Cluster string // host:port between nodes; "" = a desk of one that can't grow without a restart
	Address string // where other nodes reach that; "" = Cluster
	Admin   string // account
	Email   string // the admin's
	Set     []string
}

// InitDefaults are the options that hold where the command line is silent.
func InitDefaults() InitOptions {
	d := config.Default()
	return InitOptions{ID: d.Cluster.ID, Name: d.Desk.Name, Domain: d.Desk.Domain, URL: d.HTTP.PublicURL, HTTP: d.HTTP.Listen, XMPP: d.XMPP.Listen, Admin: "admin"}
}

// initTime bounds the making of a desk.
const initTime = time.Minute

// Init makes a desk of one node and its first administrator. It returns the one-time link to their password and the
// configuration file.
func Init(ctx context.Context, o InitOptions) (link, file string, err error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return "", "", fmt.Errorf("directory %s: %w", o.Dir, err)
	}
	if err := empty(dir); err != nil {
		return "", "", err
	}
	cfg, text, err := o.config()
	if err != nil {
		return "", "", err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", "", fmt.Errorf("make directory: %w; choose another", err)
	}
	making, err := os.MkdirTemp(filepath.Dir(dir), ".refdesk-init-")
	if err != nil {
		return "", "", fmt.Errorf("make directory: %w; choose another", err)
	}
	defer os.RemoveAll(making)
	authority, err := o.write(making, cfg, text)
	if err != nil {
		return "", "", err
	}
	if link, err = o.fill(ctx, making, cfg, authority); err != nil {
		return "", "", err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", "", fmt.Errorf("put the desk into %s: %w; choose another directory", dir, err)
	}
	if err := os.Rename(making, dir); err != nil {
		return "", "", fmt.Errorf("put the desk into %s: %w; choose another directory", dir, err)
	}
	return link, filepath.Join(dir, configFile), nil
}

// config is the new node's configuration, and the file that says so.
func (o InitOptions) config() (config.Config, []byte, error) {
	c := config.Default()
	c.Desk = config.Desk{Name: o.Name, Domain: o.Domain, Dir: dataDir}
	c.HTTP.Listen, c.HTTP.PublicURL, c.XMPP.Listen = o.HTTP, o.URL, o.XMPP
	if u, err := url.Parse(o.URL); err == nil && u.Hostname() != "localhost" && net.ParseIP(u.Hostname()) == nil {
		c.HTTP.StaffHost, c.HTTP.FilesHost = "staff."+u.Hostname(), "files."+u.Hostname()
	}
	c.Cluster.ID, c.Cluster.Listen, c.Cluster.Address = o.ID, o.Cluster, o.Address
	c.Cluster.CA, c.Cluster.Cert, c.Cluster.Key = caFile, certFile, keyFile
	c.TLS = config.TLS{Cert: doorFile, Key: doorKeyFile}
	for _, s := range o.Set {
		if err := config.Set(&c, s); err != nil {
			return c, nil, err
		}
	}
	text, err := c.Commented()
	return c, text, err
}

// write makes the files of the directory.
func (o InitOptions) write(dir string, cfg config.Config, text []byte) (node.Pair, error) {
	a, err := node.NewAuthority(o.Name+" desk", time.Now())
	if err != nil {
		return node.Pair{}, err
	}
	authority, err := a.Pair()
	if err != nil {
		return node.Pair{}, err
	}
	pair, err := a.Node(o.ID, time.Now())
	if err != nil {
		return node.Pair{}, err
	}
	door, err := a.Server(node.DoorHosts(cfg, ""), time.Now())
	if err != nil {
		return node.Pair{}, err
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails
	if err := os.MkdirAll(filepath.Join(dir, dataDir), 0o700); err != nil {
		return node.Pair{}, fmt.Errorf("make directory: %w; choose another", err)
	}
	return authority, errors.Join(
		save(filepath.Join(dir, dataDir, node.KeyFile), key, 0o600),
		save(filepath.Join(dir, keyFile), pair.Key, 0o600),
		save(filepath.Join(dir, certFile), pair.Cert, 0o644),
		save(filepath.Join(dir, doorKeyFile), door.Key, 0o600),
		save(filepath.Join(dir, doorFile), door.Cert, 0o644),
		save(filepath.Join(dir, caFile), authority.Cert, 0o644),
		save(filepath.Join(dir, configFile), text, 0o600),
	)
}

// fill runs the new desk for a moment, on ports that nobody knows, and gives it its authority and its administrator.
func (o InitOptions) fill(ctx context.Context, dir string, cfg config.Config, authority node.Pair) (link string, err error) {
	cfg = cfg.Clone()
	cfg.Desk.Dir = filepath.Join(dir, dataDir)
	cfg.HTTP.Listen, cfg.HTTP.TLSListen, cfg.XMPP.Listen, cfg.XMPP.TLSListen = "127.0.0.1:0", "", "", ""
	cfg.Mail = config.Default().Mail // nothing is sent now; the link is shown instead
	cfg.Cluster.Listen, cfg.TLS = "", config.TLS{}
	ctx, cancel := context.WithTimeout(ctx, initTime)
	defer cancel()
	n, err := node.Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- n.Run(running) }()
	link, err = o.administer(ctx, cfg.Desk.Dir, authority)
	stop()
	return link, errors.Join(err, <-ended)
}

// administer does what an administrator would do first.
func (o InitOptions) administer(ctx context.Context, dir string, authority node.Pair) (string, error) {
	if err := node.WaitReady(ctx, dir); err != nil {
		return "", err
	}
	if err := ctl.Call(ctx, dir, "authority set", node.AuthorityArgs{Cert: authority.Cert, Key: authority.Key}, nil); err != nil {
		return "", err
	}
	who := node.StaffArgs{Account: o.Admin, Role: "admin", Email: o.Email, Departments: []string{}, New: true, NoDevice: true}
	if err := ctl.Call(ctx, dir, "staff add", who, nil); err != nil {
		return "", fmt.Errorf("the account %q: %w", o.Admin, err)
	}
	var r node.InviteResult
	err := ctl.Call(ctx, dir, "staff invite", node.InviteArgs{Account: o.Admin}, &r)
	return r.Link, err
}
