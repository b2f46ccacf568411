// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"refdesk/cluster"
	"refdesk/cluster/desk"
	"refdesk/cluster/peer"
	"refdesk/cmd/internal/config"
	"refdesk/cmd/internal/ctl"
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

// LeaveArgs are the arguments of "leave".
type LeaveArgs struct{ Node string } // "" = the node that is asked

// LeaveResult says which node leaves, and what was done before.
type LeaveResult struct {
	Node   string
	Done   []string
	Voters int // that are left
}

// leave takes a node out of the desk.
func (n *Node) leave(ctx context.Context, a LeaveArgs) (LeaveResult, error) {
	r := LeaveResult{Node: a.Node}
	if r.Node == "" {
		r.Node = n.cfg.Cluster.ID
	}
	err := n.store.Leave(ctx, adminActor(), r.Node, func(done string) { r.Done = append(r.Done, done) })
	if err == nil && r.Node != n.cfg.Cluster.ID {
		err = n.store.WaitRemoved(ctx, r.Node)
	}
	if errors.Is(err, &desk.Error{Code: desk.NoQuorum}) {
		err = &ctl.Error{Code: string(desk.NoQuorum), Text: "a majority of the nodes can't be reached, so that nothing can be decided; start them, or if they are lost for ever, see refdesk recover -h"}
	}
	if err != nil {
		return r, err
	}
	for _, id := range n.store.Voters() {
		if id != r.Node {
			r.Voters++
		}
	}
	return r, nil
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

// Recover makes a stopped node the whole desk, with force; without it only tells what that would mean.
func Recover(cfg config.Config, force bool) (cluster.Recovery, error) {
	key, err := deskKey(cfg.Desk.Dir)
	if err != nil {
		return cluster.Recovery{}, err
	}
	return cluster.Recover(cfg.Desk.Dir, cfg.Cluster.ID, key, force)
}

// ErrLeft is how a node ends that was taken out of its desk on purpose.
var ErrLeft = cluster.ErrLeft

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
