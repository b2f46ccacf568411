// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"refdesk/cluster/desk"
	"refdesk/cluster/peer"
	"refdesk/gateway/account"
)

// Authority is a certificate authority of one desk; Pair a certificate with its key, both PEM.
type (
	Authority = peer.Authority
	Pair      = peer.Pair
)

// NewAuthority and LoadAuthority make and read one. The demo signs its own certificates with it.
var (
	NewAuthority  = peer.NewAuthority
	LoadAuthority = peer.LoadAuthority
)

// accounts makes the service that checks sign-ins.
func (n *Node) accounts(key []byte) (*account.Service, error) {
	secret, err := hkdf.Key(sha256.New, key, nil, "refdesk invented salts", 32)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return account.New(account.Config{Domain: n.cfg.Desk.Domain, Secret: secret, Log: n.log}, devices{n})
}

// devices reads the device passwords of accounts that may sign in.
type devices struct{ n *Node }

// Devices implements account.Store.
func (d devices) Devices(ctx context.Context, name string) (out []*desk.Device, ok bool, err error) {
	err = d.n.store.View(ctx, desk.NodeActor(d.n.cfg.Cluster.ID), func(r desk.Reader) error {
		p, err := r.StaffMember(name)
		if errors.Is(err, &desk.Error{Code: desk.NotFound}) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = !p.Disabled
		out, err = r.Devices(name)
		return err
	})
	return out, ok, err
}
