// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/wire"
)

func TestPeersComeAndGoWhileThePortIsOpen(t *testing.T) {
	removed := make(chan string, 10)
	n := startWith(t, helloTime, func(c *Config) {
		if c.ID == "n2" {
			c.Removed = func(by string) {
				select {
				case removed <- by:
				default:
				}
			}
		}
		if c.ID == "n0" {
			c.Peers = nil
		}
	})
	if _, err := n.ask("n0", "n1", line(1, "nobody known")); !errors.Is(err, ErrUnsent) {
		t.Errorf("to nobody: %v", err)
	}
	n.ports["n0"].SetPeers(n.addrs, nil)
	for _, to := range []string{"n1", "n2"} {
		if _, err := n.ask("n0", to, line(1, "hello")); err != nil {
			t.Errorf("to %s: %v", to, err)
		}
		if _, err := n.ask(to, "n0", line(1, "hello")); err != nil {
			t.Errorf("from %s: %v", to, err)
		}
	}
	left := map[string]string{"n0": n.addrs["n0"], "n1": n.addrs["n1"]}
	n.ports["n0"].SetPeers(left, []string{"n2"})
	if _, err := n.ask("n0", "n2", line(2, "gone")); !errors.Is(err, ErrUnsent) {
		t.Errorf("to the removed one: %v", err)
	}
	if _, err := n.ask("n2", "n0", line(2, "still here")); err == nil {
		t.Error("the removed one is still served")
	}
	if _, err := n.ask("n0", "n1", line(2, "still here")); err != nil {
		t.Errorf("to the one that stayed: %v", err)
	}
	for range 100 { // the first hints may go to the connection that has just ended
		if err := n.ports["n2"].Hint(wire.Hint{Kind: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if by := <-removed; by != "n0" {
		t.Errorf("told by %s", by)
	}
	n.ports["n0"].SetPeers(n.addrs, nil)
	if _, err := n.ask("n0", "n2", line(3, "back?")); !errors.Is(err, ErrUnsent) {
		t.Errorf("one that was removed is a peer again: %v", err)
	}
}

// host is one node that takes machines in.
func host(t *testing.T, joining func(context.Context, JoinRequest) (JoinReply, error)) (*Authority, string) {
	t.Helper()
	a := newAuthority(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := Open(Config{ID: "n0", Listener: l, Identity: identity(t, a, "n0"), Log: slog.New(slog.DiscardHandler), Joining: joining})
	t.Cleanup(func() { p.Close() })
	return a, l.Addr().String()
}

func TestJoin(t *testing.T) {
	var a *Authority
	a, addr := host(t, func(_ context.Context, q JoinRequest) (JoinReply, error) {
		if q.Secret != "right" {
			return JoinReply{}, errors.New("the token is wrong")
		}
		cert, _, key, err := a.Admit(q.Node, q.CSR, []string{"desk.example"}, time.Now())
		own, errPair := a.Pair()
		return JoinReply{CA: own.Cert, Cert: cert, DeskKey: []byte(key), Members: map[string]string{"n0": "x"}}, errors.Join(err, errPair)
	})
	csr, key, err := NewRequest("n1", nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(print, secret string) (JoinReply, error) {
		return Join(t.Context(), addr, print, JoinRequest{Secret: secret, Node: "n1", CSR: csr})
	}
	got, err := ask(a.Fingerprint(), "right")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewIdentity("n1", got.CA, Pair{Cert: got.Cert, Key: key}); err != nil {
		t.Errorf("the certificate: %v", err)
	}
	again, _, err := NewRequest("n1", key)
	if err != nil {
		t.Fatal(err)
	}
	csr = again
	same, err := ask(a.Fingerprint(), "right")
	if err != nil || string(same.DeskKey) != string(got.DeskKey) {
		t.Errorf("the same key is another machine: %v", err)
	}
	if _, err := ask(a.Fingerprint(), "wrong"); !errors.Is(err, ErrJoinRefused) || !strings.Contains(err.Error(), "the token is wrong") {
		t.Errorf("a wrong token: %v", err)
	}
	if _, err := ask(newAuthority(t).Fingerprint(), "right"); err == nil || errors.Is(err, ErrJoinRefused) {
		t.Errorf("another desk answers: %v", err)
	}
	csr = []byte("no request")
	if _, err := ask(a.Fingerprint(), "right"); !errors.Is(err, ErrJoinRefused) {
		t.Errorf("no request: %v", err)
	}
}

// Whoever has no certificate gets as far as joining, and no further.
func TestAMachineWithoutACertificateCanOnlyJoin(t *testing.T) {
	asked := make(chan JoinRequest, 10)
	_, addr := host(t, func(_ context.Context, q JoinRequest) (JoinReply, error) {
		asked <- q
		return JoinReply{}, errors.New("no")
	})
	dial := func(protocol string) (*tls.Conn, error) {
		return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
	}
	conn, err := dial(protocol)
	if err == nil {
		_, err = conn.Write([]byte{forwardByte})
		if _, rerr := conn.Read(make([]byte, 1)); err == nil {
			err = rerr
		}
		conn.Close()
	}
	if err == nil {
		t.Error("it gets in as a node")
	}
	for name, said := range map[string]string{
		"no JSON":  "hello\n",
		"too long": strings.Repeat("x", joinBytes+10) + "\n",
		"cut off":  `{"Secret":"x"`,
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := dial(joinProtocol)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, said)
			_ = conn.CloseWrite()
			if b, _ := io.ReadAll(conn); len(b) > 0 {
				t.Errorf("answered %q", b)
			}
		})
	}
	conn, err = dial(joinProtocol)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	want := JoinRequest{Secret: "s", Node: "n", Address: "a:1"}
	if err := json.NewEncoder(conn).Encode(want); err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(conn)
	if !strings.Contains(string(b), `"Refusal":"no"`) {
		t.Errorf("answered %q", b)
	}
	if diff := cmp.Diff(want, <-asked); diff != "" || len(asked) > 0 {
		t.Errorf("asked %d times more: %s", len(asked), diff)
	}
}
