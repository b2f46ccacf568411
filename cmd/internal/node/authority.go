// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"refdesk/cluster/desk"
	"refdesk/cluster/peer"
	"refdesk/cmd/internal/ctl"
)

// AuthorityArgs are the arguments of "authority set": certificate and key, PEM.
type AuthorityArgs struct{ Cert, Key []byte }

// setAuthority gives the desk the authority that signs its nodes' certificates.
func (n *Node) setAuthority(ctx context.Context, a AuthorityArgs) (any, error) {
	if _, err := peer.LoadAuthority(peer.Pair{Cert: a.Cert, Key: a.Key}); err != nil {
		return nil, err
	}
	key, err := deskKey(n.cfg.Desk.Dir)
	if err != nil {
		return nil, err
	}
	box, err := sealer(key, "refdesk node authority")
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, box.NonceSize())
	rand.Read(nonce) // never fails
	return nil, n.order(ctx, &desk.SetAuthority{Cert: a.Cert, Key: box.Seal(nonce, nonce, a.Key, a.Cert)})
}

// readAuthority reads the authority's certificate, PEM, and its sealed key.
func (n *Node) readAuthority(ctx context.Context) (cert, sealed []byte, err error) {
	err = n.store.View(ctx, n.actor(), func(r desk.Reader) (err error) {
		cert, sealed, err = r.Authority()
		return err
	})
	if errors.Is(err, &desk.Error{Code: desk.NotFound}) {
		err = &ctl.Error{Code: "no-authority", Text: "this desk has no authority of its own that could sign a node's certificate (refdesk init makes one); its nodes stand in its configuration"}
	}
	return cert, sealed, err
}

// authority opens the desk's authority.
func (n *Node) authority(ctx context.Context, key []byte) (*peer.Authority, []byte, error) {
	cert, sealed, err := n.readAuthority(ctx)
	if err != nil {
		return nil, nil, err
	}
	box, err := sealer(key, "refdesk node authority")
	if err != nil {
		return nil, nil, err
	}
	if len(sealed) < box.NonceSize() {
		return nil, nil, errors.New("the key of the desk's authority is damaged")
	}
	open, err := box.Open(nil, sealed[:box.NonceSize()], sealed[box.NonceSize():], cert)
	if err != nil {
		return nil, nil, errors.New("the key of the desk's authority can't be opened: desk.key is not this desk's")
	}
	a, err := peer.LoadAuthority(peer.Pair{Cert: cert, Key: open})
	return a, cert, err
}

// sealer makes a cipher for secrets in the records, out of the desk's key.
func sealer(key []byte, what string) (cipher.AEAD, error) {
	k, err := hkdf.Key(sha256.New, key, nil, what, 32)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	b, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}
