// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/peer"
	"refdesk/cmd/internal/ctl"
)

// tokenLife is how long a token lets a machine join.
const tokenLife = time.Hour

// Token is what a machine needs to join a desk: whom to ask, by what to know them, and the secret. It works once.
type Token struct {
	Addresses   []string `json:"a"`
	Fingerprint string   `json:"f"` // of the authority's certificate
	Secret      string   `json:"s"`
}

// tokenMark begins every token.
const tokenMark = "refdesk-join-"

// String is the token as people copy it.
func (t Token) String() string {
	data, _ := json.Marshal(t) // strings alone
	return tokenMark + base64.RawURLEncoding.EncodeToString(data)
}

// ParseToken reads a token.
func ParseToken(s string) (Token, error) {
	var t Token
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), tokenMark)
	data, err := base64.RawURLEncoding.DecodeString(rest)
	if err == nil {
		err = json.Unmarshal(data, &t)
	}
	if !ok || len(s) > 4<<10 || err != nil || len(t.Addresses) == 0 || len(t.Fingerprint) != 64 || t.Secret == "" {
		return Token{}, errors.New("that is no whole token; copy it from refdesk token once more, from the first letter to the last")
	}
	return t, nil
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// TokenResult is the answer to "join token".
type TokenResult struct {
	Token   string
	Expires time.Time
	Voters  int // that the desk has now
}

// joinToken makes a token for one machine.
func (n *Node) joinToken(ctx context.Context, _ struct{}) (TokenResult, error) {
	if n.cfg.Cluster.Listen == "" {
		return TokenResult{}, &ctl.Error{Code: "no-port", Text: "this node has no port to other nodes; write cluster.listen into its configuration and start it again"}
	}
	cert, _, err := n.readAuthority(ctx)
	if err != nil {
		return TokenResult{}, err
	}
	block, _ := pem.Decode(cert)
	if block == nil {
		return TokenResult{}, errors.New("the desk's authority can't be read")
	}
	t := Token{Fingerprint: peer.Fingerprint(block.Bytes), Secret: rand.Text()}
	members, err := n.store.Members(ctx)
	if err != nil {
		return TokenResult{}, err
	}
	r := TokenResult{Expires: time.Now().Add(tokenLife)}
	for _, m := range members {
		if m.ID == n.cfg.Cluster.ID { // the one that answers for certain comes first
			t.Addresses = append([]string{m.Address}, t.Addresses...)
		} else if m.Voter && m.Address != "" {
			t.Addresses = append(t.Addresses, m.Address)
		}
		if m.Voter {
			r.Voters++
		}
	}
	r.Token = t.String()
	return r, n.order(ctx, &desk.MakeJoinToken{Hash: hashOf(t.Secret), Expires: desk.At(r.Expires)})
}
