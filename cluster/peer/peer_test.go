// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"go.uber.org/goleak"

	"refdesk/cluster/desk"
	"refdesk/cluster/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// net3 is three nodes of one desk.
type net3 struct {
	t         testing.TB
	authority *Authority
	addrs     map[string]string
	ports     map[string]*Port
	hinted    chan string
	forwarded func(ctx context.Context, from string, r wire.Request) wire.Reply
}

func newAuthority(t testing.TB) *Authority {
	t.Helper()
	a, err := NewAuthority("test desk", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func identity(t testing.TB, a *Authority, id string) *Identity {
	t.Helper()
	own, err := a.Pair()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := a.Node(id, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	i, err := NewIdentity(id, own.Cert, pair)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func start(t testing.TB, hello time.Duration) *net3 { return startWith(t, hello, func(*Config) {}) }

func startWith(t testing.TB, hello time.Duration, set func(*Config)) *net3 {
	n := &net3{t: t, authority: newAuthority(t), addrs: map[string]string{}, ports: map[string]*Port{}, hinted: make(chan string, 10000)}
	n.forwarded = func(_ context.Context, from string, r wire.Request) wire.Reply {
		line := r.Request.Command.(*desk.PostLine)
		return wire.Reply{Outcome: wire.Done, Reply: desk.Reply{Line: line.Chat, Value: from + ": " + line.Text}}
	}
	listeners := map[string]net.Listener{}
	for _, id := range []string{"n0", "n1", "n2"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[id], n.addrs[id] = l, l.Addr().String()
	}
	for id, l := range listeners {
		cfg := Config{
			ID: id, Listener: l, Peers: n.addrs, Identity: identity(t, n.authority, id), Log: slog.New(slog.DiscardHandler),
			Forwarded: func(ctx context.Context, from string, r wire.Request) wire.Reply { return n.forwarded(ctx, from, r) },
			Hinted:    func(from string, h wire.Hint) { n.hinted <- from + " to " + id + ": " + h.Kind + " " + string(h.Data) },
		}
		set(&cfg)
		n.ports[id] = open(cfg, hello)
	}
	t.Cleanup(func() {
		for _, p := range n.ports {
			if err := errors.Join(p.Close(), p.Close()); err != nil {
				t.Error(err)
			}
		}
	})
	return n
}

func line(chat uint64, text string) desk.Request {
	return desk.Request{Actor: desk.PatronActor("p"), Command: &desk.PostLine{Chat: chat, Kind: desk.TextLine, Text: text}}
}

func (n *net3) ask(from, to string, r desk.Request) (wire.Reply, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return n.ports[from].Forward(ctx, to, r)
}

func TestForwardManyAtOnce(t *testing.T) {
	n := start(t, helloTime)
	var wg sync.WaitGroup
	for i := range uint64(300) {
		wg.Go(func() {
			reply, err := n.ask("n1", "n0", line(i, fmt.Sprint("line ", i)))
			if err != nil || reply.Outcome != wire.Done || reply.Reply.Line != i || reply.Reply.Value != fmt.Sprint("n1: line ", i) {
				t.Errorf("%d: %+v, %v", i, reply, err)
			}
		})
	}
	wg.Wait()
	if got := len(n.ports["n0"].conns); got != 1 {
		t.Errorf("%d connections carried them, want 1", got)
	}
}

func TestAnswersComeInAnyOrder(t *testing.T) {
	n := start(t, helloTime)
	second := make(chan struct{})
	n.forwarded = func(ctx context.Context, _ string, r wire.Request) wire.Reply {
		if r.Request.Command.(*desk.PostLine).Chat == 1 {
			select {
			case <-second:
			case <-ctx.Done():
			}
		}
		return wire.Reply{Outcome: wire.Done}
	}
	first := make(chan error, 1)
	go func() {
		_, err := n.ask("n1", "n0", line(1, ""))
		first <- err
	}()
	if _, err := n.ask("n1", "n0", line(2, "")); err != nil {
		t.Fatal(err)
	}
	close(second)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestForwardAfterTheOtherSideWasAway(t *testing.T) {
	n := start(t, helloTime)
	working := make(chan struct{})
	n.forwarded = func(ctx context.Context, _ string, _ wire.Request) wire.Reply {
		close(working)
		<-ctx.Done()
		return wire.Reply{Outcome: wire.Unknown}
	}
	broken := make(chan error, 1)
	go func() {
		_, err := n.ask("n1", "n0", line(1, ""))
		broken <- err
	}()
	<-working
	if err := n.ports["n0"].Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-broken; !errors.Is(err, ErrBroken) {
		t.Errorf("the other side went while it worked: %v, want ErrBroken", err)
	}
	if _, err := n.ask("n1", "n0", line(1, "")); !errors.Is(err, ErrUnsent) {
		t.Errorf("the other side is away: %v, want ErrUnsent", err)
	}
	l, err := net.Listen("tcp", n.addrs["n0"])
	if err != nil {
		t.Fatal(err)
	}
	cfg := n.ports["n0"].cfg
	cfg.Listener = l
	cfg.Forwarded = func(context.Context, string, wire.Request) wire.Reply { return wire.Reply{Outcome: wire.NotInLog} }
	n.ports["n0"] = Open(cfg)
	if reply, err := n.ask("n1", "n0", line(1, "")); err != nil || reply.Outcome != wire.NotInLog {
		t.Errorf("the other side is back: %+v, %v", reply, err)
	}
}

func TestHintsReachAllOthers(t *testing.T) {
	n := start(t, helloTime)
	want := map[string]bool{"n2 to n0: typing 7": true, "n2 to n1: typing 7": true}
	limit := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond) // hints may get lost: say it again
	defer tick.Stop()
	for len(want) > 0 {
		select {
		case got := <-n.hinted:
			delete(want, got)
		case <-tick.C:
			if err := n.ports["n2"].Hint(wire.Hint{Kind: "typing", Data: []byte("7")}); err != nil {
				t.Fatal(err)
			}
		case <-limit:
			t.Fatalf("missing: %v", want)
		}
	}
}

func TestHintsNeverBlock(t *testing.T) {
	n := start(t, helloTime)
	if err := n.ports["n1"].Close(); err != nil {
		t.Fatal(err)
	}
	for range 10 * hintQueue {
		if err := n.ports["n0"].Hint(wire.Hint{Kind: "typing", Data: make([]byte, wire.MaxHint)}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRaftRunsOverThePort(t *testing.T) {
	n := start(t, helloTime)
	a, b := n.ports["n0"].Raft(), n.ports["n1"].Raft()
	if a.Addr().String() != "n0" {
		t.Errorf("the address of n0 is %s", a.Addr())
	}
	out, err := a.Dial(raft.ServerAddress("n1"), patience)
	if err != nil {
		t.Fatal(err)
	}
	in, err := b.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write([]byte("vote")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(in, got); err != nil || string(got) != "vote" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := errors.Join(out.Close(), in.Close()); err != nil {
		t.Error(err)
	}
	if len(n.ports["n1"].conns) != 0 {
		t.Error("a closed connection is still kept")
	}
}

// Whoever isn't a node of this desk is turned away, and the port serves the others as before.
func TestStrangers(t *testing.T) {
	n := start(t, 200*time.Millisecond)
	addr := n.addrs["n0"]
	other := newAuthority(t)
	dialAs := func(i *Identity, set func(*tls.Config)) error {
		cfg := i.client("n0")
		if set != nil {
			set(cfg)
		}
		c, err := tls.Dial("tcp", addr, cfg)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err = c.Write([]byte{forwardByte}); err == nil {
			_, err = c.Read(make([]byte, 1)) // in TLS 1.3 the server's verdict comes with the first read
		}
		return err
	}
	raw := func(send string) error {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(c, send); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, c) // until the port closes it
		if err == nil {
			err = io.EOF
		}
		return err
	}
	for _, tc := range []struct {
		who string
		try func() error
	}{
		{"a node of another desk", func() error {
			return dialAs(identity(t, other, "n1"), func(c *tls.Config) { c.VerifyConnection = nil })
		}},
		{"a node that isn't in the configuration", func() error { return dialAs(identity(t, n.authority, "n9"), nil) }},
		{"somebody with our own certificate", func() error { return dialAs(identity(t, n.authority, "n0"), nil) }},
		{"somebody without a certificate", func() error {
			return dialAs(identity(t, n.authority, "n1"), func(c *tls.Config) { c.Certificates = nil })
		}},
		{"TLS 1.2", func() error {
			return dialAs(identity(t, n.authority, "n1"), func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 })
		}},
		{"plain text", func() error { return raw("GET / HTTP/1.1\r\nHost: desk\r\n\r\n") }},
		{"garbage", func() error { return raw(strings.Repeat("\x16\x03\x01\xff\xff\x00", 5000)) }},
		{"silence", func() error { return raw("") }},
		{"half a hello", func() error { return raw("\x16\x03\x01\x02\x00\x01") }},
	} {
		t.Run(tc.who, func(t *testing.T) {
			err := tc.try()
			if err == nil {
				t.Error("was served")
			}
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Error("was kept waiting")
			}
		})
	}
	if _, err := n.ask("n1", "n0", line(1, "still here")); err != nil {
		t.Errorf("afterwards a node isn't served: %v", err)
	}
}

// A door's certificate is of the same authority, but no node's.
func TestDoorCertificateIsNoNode(t *testing.T) {
	n := start(t, helloTime)
	pair, err := n.authority.Server([]string{"n1", "127.0.0.1", "*.localhost"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	own, err := n.authority.Pair()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewIdentity("n1", own.Cert, pair); err == nil {
		t.Error("a door's certificate passes as a node's")
	}
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(own.Cert)
	for _, host := range []string{"n1", "127.0.0.1", "staff.localhost"} {
		if _, err := cert.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: pool}); err != nil {
			t.Errorf("the door's certificate isn't good for %s: %v", host, err)
		}
	}
}

func TestWrongNodeAnswers(t *testing.T) {
	n := start(t, helloTime)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	// n1 believes that n0 is where n2 is.
	p := Open(Config{
		ID: "n1", Listener: l, Peers: map[string]string{"n0": n.addrs["n2"]}, Identity: identity(t, n.authority, "n1"),
		Log: slog.New(slog.DiscardHandler),
	})
	defer p.Close()
	_, err = p.Forward(context.Background(), "n0", line(1, ""))
	if !errors.Is(err, ErrUnsent) || !strings.Contains(err.Error(), `node "n2" answers where "n0" should`) {
		t.Errorf("got %v", err)
	}
}

// Nodes whose frames are damaged, or who speak of what isn't known here, are cut off.
func TestBadPeers(t *testing.T) {
	n := start(t, helloTime)
	for _, tc := range []struct {
		what    string
		purpose byte
		send    []byte
		answer  wire.Kind
	}{
		{"garbage for a command", forwardByte, []byte(strings.Repeat("garbage", 100)), 0},
		{"a hint for a command", forwardByte, wire.AppendHint(nil, wire.Hint{Kind: "typing"}), 0},
		{"garbage for a hint", hintByte, []byte(strings.Repeat("garbage", 100)), 0},
		{"a purpose of a later program", 'Z', nil, wire.RefusalKind},
	} {
		t.Run(tc.what, func(t *testing.T) {
			conn, err := n.ports["n1"].dial(context.Background(), "n0", tc.purpose)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			if _, err := conn.Write(tc.send); err != nil {
				t.Fatal(err)
			}
			if tc.answer != 0 {
				if kind, _, err := wire.Read(conn); err != nil || kind != tc.answer {
					t.Errorf("got kind %d, %v", kind, err)
				}
			}
			if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the connection goes on: %v", err)
			}
		})
	}
	if _, err := n.ask("n1", "n0", line(1, "still here")); err != nil {
		t.Errorf("afterwards a node isn't served: %v", err)
	}
}

func TestAuthorityIsKept(t *testing.T) {
	a := newAuthority(t)
	pair, err := a.Pair()
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadAuthority(pair)
	if err != nil {
		t.Fatal(err)
	}
	node, err := again.Node("n1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewIdentity("n1", pair.Cert, node); err != nil {
		t.Error(err)
	}
	if _, err := NewIdentity("n2", pair.Cert, node); err == nil {
		t.Error("n1's certificate passes as n2's")
	}
	b, err := newAuthority(t).Pair()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []Pair{{}, {Cert: pair.Cert}, {Cert: pair.Cert, Key: b.Key}, {Cert: node.Cert, Key: node.Key}} {
		if _, err := LoadAuthority(bad); err == nil {
			t.Error("a broken pair passes")
		}
	}
}

func BenchmarkForward(b *testing.B) {
	// Through TLS and back, 50 at once.
	a, err := NewAuthority("test", time.Now())
	if err != nil {
		b.Fatal(err)
	}
	own, _ := a.Pair()
	ports := map[string]*Port{}
	listeners, addrs := map[string]net.Listener{}, map[string]string{}
	for _, id := range []string{"n0", "n1"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		listeners[id], addrs[id] = l, l.Addr().String()
	}
	for id, l := range listeners {
		pair, err := a.Node(id, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		i, err := NewIdentity(id, own.Cert, pair)
		if err != nil {
			b.Fatal(err)
		}
		ports[id] = Open(Config{
			ID: id, Listener: l, Peers: addrs, Identity: i, Log: slog.New(slog.DiscardHandler),
			Forwarded: func(context.Context, string, wire.Request) wire.Reply { return wire.Reply{Outcome: wire.Done} },
		})
		defer ports[id].Close()
	}
	b.SetParallelism(25)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := ports["n1"].Forward(context.Background(), "n0", line(1, "How many books can I borrow?")); err != nil {
				b.Error(err)
			}
		}
	})
}
