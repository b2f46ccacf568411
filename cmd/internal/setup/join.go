// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cmd/internal/config"
	"refdesk/cmd/internal/node"
)

// JoinOptions are the words of `refdesk join`.
type JoinOptions struct {
	Token   string
	Dir     string
	ID      string
	Cluster string // host:port between nodes, of this one
	Address string // where the other nodes reach that; "" = Cluster
	URL     string // where patrons reach this node; "" = as the others
	HTTP    string
	XMPP    string
	Set     []string
	Tell    io.Writer // progress
}

// attempt is what a machine remembers of joining, to go on after a crash.
type attempt struct{ ID, Address string }

// Joined is what has become of a machine that joined.
type Joined struct {
	File  string // configuration
	Nodes int    // that the desk has, with this one
}

// Join makes this machine a node of a desk that runs: it gets its certificate and the desk's key, catches up, and is ready
// to serve. It votes as soon as it serves.
func Join(ctx context.Context, o JoinOptions) (Joined, error) {
	token, err := node.ParseToken(o.Token)
	if err != nil {
		return Joined{}, err
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return Joined{}, fmt.Errorf("directory %s: %w", o.Dir, err)
	}
	r := Joined{File: filepath.Join(dir, configFile)}
	// Before the desk is asked: what is wrong here must not cost the token.
	if _, err := o.config(""); err != nil {
		return r, err
	}
	again, err := o.begin(dir)
	if err != nil {
		return r, err
	}
	if _, err := os.Stat(r.File); errors.Is(err, fs.ErrNotExist) {
		if err := o.ask(ctx, dir, token); err != nil {
			if !again && errors.Is(err, node.ErrJoinRefused) {
				err = errors.Join(err, forget(dir)) // the next attempt may use another id
			}
			return r, err
		}
	}
	cfg, err := config.Load(r.File)
	if err != nil {
		return r, err
	}
	fmt.Fprintf(o.Tell, "%s is admitted; it reads the desk's history now.\n", o.ID)
	progress := progress{w: o.Tell}
	r.Nodes, err = node.Learn(ctx, cfg, slog.New(slog.DiscardHandler), progress.tell)
	return r, err
}

// begin makes the directory, or finds that an earlier attempt did.
func (o JoinOptions) begin(dir string) (again bool, err error) {
	want := attempt{ID: o.ID, Address: o.reached()}
	data, err := os.ReadFile(filepath.Join(dir, attemptFile))
	if err == nil {
		var was attempt
		if err := json.Unmarshal(data, &was); err != nil || was != want {
			return false, fmt.Errorf("%s holds an attempt to join as %s at %s; go on with those, or choose another directory", dir, was.ID, was.Address)
		}
		return true, nil
	}
	if err := empty(dir); err != nil {
		return false, err
	}
	if err := os.MkdirAll(filepath.Join(dir, dataDir), 0o700); err != nil {
		return false, fmt.Errorf("make directory: %w; choose another", err)
	}
	if data, err = json.Marshal(want); err != nil {
		return false, err
	}
	return false, save(filepath.Join(dir, attemptFile), data, 0o600)
}

// forget removes what an attempt has made that the desk refused.
func forget(dir string) error {
	return errors.Join(os.Remove(filepath.Join(dir, attemptFile)), os.Remove(filepath.Join(dir, keyFile)), os.Remove(filepath.Join(dir, dataDir)))
}

func (o JoinOptions) reached() string {
	return config.Cluster{Listen: o.Cluster, Address: o.Address}.Reached()
}

// ask asks the desk to admit this machine, and keeps what it gets. The configuration comes last: with it the directory is
// whole.
func (o JoinOptions) ask(ctx context.Context, dir string, token node.Token) error {
	key, err := os.ReadFile(filepath.Join(dir, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		key, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("read the node's key: %w", err)
	}
	csr, key, err := node.NewJoinRequest(o.ID, key)
	if err != nil {
		return err
	}
	if err := save(filepath.Join(dir, keyFile), key, 0o600); err != nil {
		return err
	}
	q := node.JoinRequest{Secret: token.Secret, Node: o.ID, Address: o.reached(), URL: o.URL, CSR: csr, Level: desk.Level}
	reply, err := o.askAny(ctx, token, q)
	if err != nil {
		return err
	}
	text, err := o.config(reply.Shared)
	if err != nil {
		return err
	}
	data := filepath.Join(dir, dataDir)
	if err := node.WriteJoined(data, reply.Members); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
		mode fs.FileMode
	}{
		{filepath.Join(dataDir, node.KeyFile), reply.DeskKey, 0o600},
		{caFile, reply.CA, 0o644},
		{certFile, reply.Cert, 0o644},
		{doorFile, reply.Door, 0o644},
		{configFile, text, 0o600},
	} {
		if err := save(filepath.Join(dir, f.name), f.data, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// askAny asks one node after the other, until one answers.
func (o JoinOptions) askAny(ctx context.Context, token node.Token, q node.JoinRequest) (node.JoinReply, error) {
	var last error
	for _, addr := range token.Addresses {
		fmt.Fprintf(o.Tell, "Asking the desk at %s …\n", addr)
		reply, err := node.AskToJoin(ctx, addr, token.Fingerprint, q)
		if err == nil || errors.Is(err, node.ErrJoinRefused) {
			return reply, err
		}
		last = fmt.Errorf("%s: %w", addr, err)
	}
	return node.JoinReply{}, fmt.Errorf("no node of the desk could be asked: %w; open the port between the machines, or make a new token on a node that is up", last)
}

// config is the file of the new node: what all nodes share, and its own addresses.
func (o JoinOptions) config(shared string) ([]byte, error) {
	c, err := config.Parse("the desk's configuration", []byte(shared))
	if err != nil {
		return nil, err
	}
	c.Desk.Dir = dataDir
	c.HTTP.Listen, c.XMPP.Listen = o.HTTP, o.XMPP
	if o.URL != "" {
		c.HTTP.PublicURL = o.URL
	}
	c.Cluster.ID, c.Cluster.Listen, c.Cluster.Address = o.ID, o.Cluster, o.Address
	c.Cluster.CA, c.Cluster.Cert, c.Cluster.Key = caFile, certFile, keyFile
	c.TLS = config.TLS{Cert: doorFile, Key: keyFile}
	for _, s := range o.Set {
		if err := config.Set(&c, s); err != nil {
			return nil, err
		}
	}
	return c.Commented()
}

// progress tells at most twice a second how far the node is.
type progress struct {
	w    io.Writer
	last time.Time
	done uint64
}

func (p *progress) tell(applied, last uint64) {
	if last == 0 || time.Since(p.last) < 500*time.Millisecond || applied == p.done && applied > 0 {
		return
	}
	p.last, p.done = time.Now(), applied
	fmt.Fprintf(p.w, "  %d of %d entries\n", applied, last)
}
