// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/google/renameio/v2"

	"refdesk/cluster"
	"refdesk/cluster/desk"
	"refdesk/cluster/peer"
	"refdesk/cmd/internal/config"
)

// JoinRequest and JoinReply are the two words between a machine that joins and the desk.
type (
	JoinRequest = peer.JoinRequest
	JoinReply   = peer.JoinReply
)

// NewJoinRequest, AskToJoin and ErrJoinRefused are the machine's side of it.
var (
	NewJoinRequest = peer.NewRequest
	AskToJoin      = peer.Join
	ErrJoinRefused = peer.ErrJoinRefused
)

func (n *Node) actor() desk.Actor { return desk.NodeActor(n.cfg.Cluster.ID) }

var nodeID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// joining answers machines that want to become nodes.
func (n *Node) joining(key []byte) func(context.Context, peer.JoinRequest) (peer.JoinReply, error) {
	return func(ctx context.Context, q peer.JoinRequest) (peer.JoinReply, error) {
		select {
		case <-n.built:
		case <-ctx.Done():
			return peer.JoinReply{}, errors.New("the node that was asked is just starting; try again")
		}
		if !nodeID.MatchString(q.Node) {
			return peer.JoinReply{}, errors.New("a node's id is made of small letters, digits and hyphens, 32 at most")
		}
		a, ca, err := n.authority(ctx, key)
		if err != nil {
			return peer.JoinReply{}, err
		}
		cert, door, print, err := a.Admit(q.Node, q.CSR, DoorHosts(n.cfg, q.URL), time.Now())
		if err != nil {
			return peer.JoinReply{}, err
		}
		_, err = n.store.Do(ctx, desk.Request{Actor: n.actor(), Command: &desk.AdmitNode{
			Token: hashOf(q.Secret), Node: q.Node, Address: q.Address, URL: q.URL, Key: print, Level: q.Level,
		}})
		if err != nil {
			return peer.JoinReply{}, refusedNode(err, q)
		}
		r := peer.JoinReply{CA: ca, Cert: cert, Door: door, DeskKey: key, Members: map[string]string{q.Node: q.Address}}
		members, err := n.store.Members(ctx)
		for _, m := range members {
			r.Members[m.ID] = m.Address
		}
		if err == nil {
			r.Shared, err = shared(n.cfg)
		}
		return r, err
	}
}

// refusedNode says why a machine may not join.
func refusedNode(err error, q peer.JoinRequest) error {
	var e *desk.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Field == "token" && e.Code == desk.NotFound:
		return errors.New("the desk knows no such token; make a new one with refdesk token")
	case e.Field == "token" && e.Code == desk.Over:
		return errors.New("the token has expired; make a new one with refdesk token")
	case e.Field == "token" && e.Code == desk.Conflict:
		return errors.New("the token was used by another machine; make a new one with refdesk token")
	case e.Field == "node" && e.Code == desk.Over:
		return fmt.Errorf("there was a node %s once, and an id never comes back; choose another", q.Node)
	case e.Field == "node" && e.Code == desk.Exists:
		return fmt.Errorf("there is a node %s already; choose another id", q.Node)
	case e.Field == "level":
		return errors.New("this program is older than what the desk has turned on; join with the program that the other nodes run")
	}
	return sentence(err)
}

// shared is what of a node's configuration holds for the others too.
func shared(cfg config.Config) (string, error) {
	c, own := cfg.Clone(), config.Default()
	c.Desk.Dir, c.Cluster, c.TLS, c.XMPP = own.Desk.Dir, own.Cluster, own.TLS, own.XMPP
	c.HTTP.Listen, c.HTTP.TLSListen, c.HTTP.PlainOK = own.HTTP.Listen, own.HTTP.TLSListen, own.HTTP.PlainOK
	c.Mail.Listen, c.Mail.PasswordFile, c.Mail.IMAPPasswordFile = "", "", ""
	data, err := c.Encode()
	return string(data), err
}

// joinedFile keeps the addresses of the desk that a node was admitted to. With it the node never makes a desk of its own.
const joinedFile = "joined.json"

// WriteJoined notes in a data directory which desk the node was admitted to.
func WriteJoined(dir string, members map[string]string) error {
	data, err := json.Marshal(members)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(filepath.Join(dir, joinedFile), data, 0o600); err != nil {
		return fmt.Errorf("note the desk's nodes: %w", err)
	}
	return nil
}

func readJoined(dir string) (map[string]string, error) {
	data, err := os.ReadFile(filepath.Join(dir, joinedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	out := map[string]string{}
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		return nil, fmt.Errorf("read which desk this node was admitted to: %w", err)
	}
	return out, nil
}

// Learn runs the node's part of the desk, without any door, until it has caught up with the desk that it was admitted to. It
// returns how many nodes the desk has with this one.
func Learn(ctx context.Context, cfg config.Config, log *slog.Logger, tell func(applied, last uint64)) (nodes int, err error) {
	cc, err := clusterConfig(cfg, log)
	if err != nil {
		return 0, err
	}
	cc.Learning = true
	c, err := cluster.Open(cc)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.CatchUp(ctx, tell); err != nil {
		return 0, err
	}
	members, err := c.Members(ctx)
	return len(members), err
}

// DoorHosts are the names that a node's doors go by, for a certificate of the desk's own. Besides those of the configuration
// they hold the host of a node's own URL.
func DoorHosts(cfg config.Config, own string) []string {
	d := cfg.Desk.Domain
	out := []string{d, cfg.ChatDomain(), "rooms." + d, cfg.HTTP.StaffHost, cfg.HTTP.FilesHost}
	for _, s := range []string{cfg.HTTP.PublicURL, own} {
		if u, err := url.Parse(s); err == nil && u.Hostname() != "" {
			out = append(out, u.Hostname())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
