// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"refdesk/cluster/desk"
	"refdesk/gateway/account"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
	"refdesk/gateway/xmpp/xmpptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	domain   = "desk.example"
	password = "k7mp-x2ua-9crd-hh4w"
)

// devices is a store with the same password for every account it has.
type devices map[string][]*desk.Device

func (d devices) Devices(_ context.Context, account string) ([]*desk.Device, bool, error) {
	list, ok := d[account]
	return list, ok, nil
}

func newDevices(t testing.TB, accounts ...string) devices {
	d := devices{}
	for _, a := range accounts {
		dev, err := account.Derive(a, "laptop", password, []byte("salt of "+a), account.Iterations)
		if err != nil {
			t.Fatal(err)
		}
		d[a] = []*desk.Device{dev}
	}
	return d
}

// script is a handler that does what a test says.
type script struct {
	bind   func(*Session) error
	stanza func(context.Context, *Session, *element.Element, uint32)
	resume map[string]uint32

	mu      sync.Mutex
	bound   []*Session
	stanzas []string // id of each, in order
	nums    []uint32
	acked   []any
	unacked []any
	ended   int
	changed chan struct{}
}

func newScript() *script { return &script{changed: make(chan struct{})} }

func (h *script) note(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.changed)
	h.changed = make(chan struct{})
}

// await waits until cond holds; it is called with the lock held.
func (h *script) await(t testing.TB, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), xmpptest.Patience)
	defer cancel()
	for {
		h.mu.Lock()
		ok, changed := cond(), h.changed
		h.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatal("it never came to that")
		}
	}
}

func (h *script) Bind(_ context.Context, s *Session) error {
	if h.bind != nil {
		if err := h.bind(s); err != nil {
			return err
		}
	}
	h.note(func() { h.bound = append(h.bound, s) })
	return nil
}

func (h *script) Stanza(ctx context.Context, s *Session, el *element.Element, num uint32) {
	if h.stanza != nil {
		h.stanza(ctx, s, el, num)
	}
	if xmpp.IsRequest(el) {
		s.Send(xmpp.Result(el, nil), nil)
	}
	h.note(func() {
		h.stanzas = append(h.stanzas, el.Attr("id"))
		h.nums = append(h.nums, num)
	})
}

func (h *script) Acked(_ *Session, tokens []any) {
	h.note(func() { h.acked = append(h.acked, tokens...) })
}

func (h *script) End(_ *Session, unacked []any) {
	h.note(func() {
		h.unacked = append(h.unacked, unacked...)
		h.ended++
	})
}

func (h *script) Resume(_ context.Context, account, id string) (uint32, bool) {
	n, ok := h.resume[account+" "+id]
	return n, ok
}

func (h *script) session(t testing.TB, i int) *Session {
	t.Helper()
	h.await(t, func() bool { return len(h.bound) > i })
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.bound[i]
}

func (h *script) seen() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.stanzas)
}

// rig is a running server.
type rig struct {
	t       testing.TB
	srv     *Server
	h       *script
	client  *tls.Config
	plain   string // address with STARTTLS
	direct  string // address with TLS
	auth    *account.Service
	stop    func()
	stopped chan error
}

func start(t testing.TB, h *script, change func(*Config)) *rig {
	t.Helper()
	server, client := xmpptest.Certificate(t, domain)
	cfg := Config{Domain: domain, TLS: server}
	if change != nil {
		change(&cfg)
	}
	auth, err := account.New(account.Config{Domain: domain, Secret: []byte("0123456789abcdef")}, newDevices(t, "ana", "ben"))
	if err != nil {
		t.Fatal(err)
	}
	srv, err := NewServer(cfg, auth, h)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, srv: srv, h: h, client: client, auth: auth, stopped: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	var ls []Listener
	for _, direct := range []bool{false, true} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ls = append(ls, Listener{l, direct})
	}
	r.plain, r.direct = ls[0].Addr().String(), ls[1].Addr().String()
	r.stop = cancel
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.stopped <- srv.Run(ctx, ls...)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r
}

// dial connects without saying anything.
func (r *rig) dial() *xmpptest.Client {
	r.t.Helper()
	return xmpptest.Dial(r.t, r.plain, domain)
}

// login returns a client with a bound session, and the session.
func (r *rig) login(resource string) (*xmpptest.Client, *Session) {
	r.t.Helper()
	r.h.mu.Lock()
	n := len(r.h.bound)
	r.h.mu.Unlock()
	c := r.dial()
	c.Login(r.client, "ana", password, resource)
	return c, r.h.session(r.t, n)
}

// works signs in once more: whatever happened before did no harm.
func (r *rig) works() {
	r.t.Helper()
	c, _ := r.login("after")
	c.Roundtrip("works")
	c.Send("</stream:stream>")
	c.ExpectEnd()
}
