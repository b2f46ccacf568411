// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// network is one host per node, each in a network namespace of its own, joined by this test alone: every host's packets
// come out of a TUN device here, and the rule for the pair says what becomes of them. So packets are lost and late as on
// a bad line, which needs nothing of the kernel but namespaces and TUN.
//
// Doors listen on the loopback addresses of their namespace, where no rule reaches: who talks to a node still does so
// when the node is cut off from the others.
type network struct {
	hosts []*host
	mu    sync.Mutex
	rules map[[2]int]rule // by from and to
}

// rule is what happens to packets on one way between two hosts.
type rule struct {
	cut   bool
	delay time.Duration
	loss  float64 // share of packets
}

// host is one namespace.
type host struct {
	ns, dev, addr string
	handle        *os.File // of the namespace
	tun           *os.File
	in            []chan parcel // by the host they come from
}

type parcel struct {
	due  time.Time
	data []byte
}

// hostNet is the network of the hosts; it exists in their namespaces only.
const hostNet = "10.77.0."

// newNetwork makes n hosts. Everything is gone when the test ends.
func newNetwork(t testing.TB, n int) *network {
	t.Helper()
	w := &network{rules: map[[2]int]rule{}}
	t.Cleanup(w.close)
	for i := range n {
		h, err := newHost(fmt.Sprintf("refdesk-%d-%d", os.Getpid(), i), fmt.Sprintf("rd%d.%d", i, os.Getpid()%1000000), fmt.Sprint(hostNet, i+1), n)
		if h != nil {
			w.hosts = append(w.hosts, h)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, h := range w.hosts {
		for from, parcels := range h.in {
			if from != i {
				go h.deliver(parcels)
			}
		}
		go w.route(i)
	}
	return w
}

func newHost(ns, dev, addr string, n int) (_ *host, err error) {
	h := &host{ns: ns, dev: dev, addr: addr}
	if err := sh("ip", "netns", "add", ns); err != nil {
		return nil, err
	}
	if h.handle, err = os.Open("/run/netns/" + ns); err != nil {
		return h, err
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return h, fmt.Errorf("open a TUN device: %w", err)
	}
	request, err := unix.NewIfreq(dev)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		return h, errors.Join(fmt.Errorf("make the device %s: %w", dev, err), unix.Close(fd))
	}
	h.tun = os.NewFile(uintptr(fd), "tun") // only now can it be polled
	for range n {
		h.in = append(h.in, make(chan parcel, 4096))
	}
	return h, errors.Join(
		sh("ip", "link", "set", dev, "netns", ns),
		sh("ip", "-n", ns, "addr", "add", addr+"/24", "dev", dev),
		sh("ip", "-n", ns, "link", "set", dev, "up"),
		sh("ip", "-n", ns, "link", "set", "lo", "up"),
	)
}

func sh(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

func (w *network) close() {
	for _, h := range w.hosts {
		if h.tun != nil {
			h.tun.Close()
		}
		if h.handle != nil {
			h.handle.Close()
		}
		_ = sh("ip", "netns", "del", h.ns)
	}
}

// route takes what host i sends to its place, until the network is closed.
func (w *network) route(i int) {
	buf := make([]byte, 65536)
	defer func() {
		for j, h := range w.hosts {
			if j != i {
				close(h.in[i])
			}
		}
	}()
	for {
		n, err := w.hosts[i].tun.Read(buf)
		if err != nil {
			return
		}
		if n < 20 || buf[0]>>4 != 4 {
			continue
		}
		last := buf[19] // byte of the destination (RFC 791)
		j := int(last) - 1
		if j < 0 || j >= len(w.hosts) || j == i {
			continue
		}
		r := w.rule(i, j)
		if r.cut || r.loss > 0 && rand.Float64() < r.loss {
			continue
		}
		select {
		case w.hosts[j].in[i] <- parcel{time.Now().Add(r.delay), append([]byte(nil), buf[:n]...)}:
		default: // as a router does
		}
	}
}

// deliver hands a host the packets of another when they are due.
func (h *host) deliver(parcels <-chan parcel) {
	for p := range parcels {
		if wait := time.Until(p.due); wait > 0 {
			time.Sleep(wait) // the line is this long
		}
		_, _ = h.tun.Write(p.data)
	}
}

func (w *network) rule(from, to int) rule {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rules[[2]int{from, to}]
}

// set puts a rule on one way.
func (w *network) set(from, to int, r rule) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rules[[2]int{from, to}] = r
}

// alone cuts a host off from all others, both ways.
func (w *network) alone(i int) {
	for j := range w.hosts {
		w.set(i, j, rule{cut: true})
		w.set(j, i, rule{cut: true})
	}
}

// all puts a rule on every way.
func (w *network) all(r rule) {
	for i := range w.hosts {
		for j := range w.hosts {
			w.set(i, j, r)
		}
	}
}

// heal takes all rules away.
func (w *network) heal() { w.all(rule{}) }

// within runs f on a thread in the host's namespace. Sockets and processes made by f itself belong to it.
func (h *host) within(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and nobody else gets it
		if err := unix.Setns(int(h.handle.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter the namespace %s: %w", h.ns, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// dial connects from within the host's namespace.
func (h *host) dial(ctx context.Context, addr string) (conn net.Conn, err error) {
	err = h.within(func() (err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp4", addr)
		return err
	})
	return conn, err
}

// A host reaches another when no rule is in the way, late by the rule's delay, and not when the way is cut.
func TestFaultyNetwork(t *testing.T) {
	capable(t, "netns")
	w := newNetwork(t, 2)
	var l net.Listener
	err := w.hosts[1].within(func() (err error) {
		l, err = net.Listen("tcp4", w.hosts[1].addr+":7000")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	reach := func() (time.Duration, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		began := time.Now()
		c, err := w.hosts[0].dial(ctx, w.hosts[1].addr+":7000")
		if err == nil {
			c.Close()
		}
		return time.Since(began), err
	}
	if _, err := reach(); err != nil {
		t.Fatalf("without a rule: %v", err)
	}
	w.all(rule{delay: 50 * time.Millisecond})
	if took, err := reach(); err != nil || took < 100*time.Millisecond {
		t.Errorf("with 50 ms each way: %s, %v", took, err)
	}
	w.heal()
	w.set(1, 0, rule{cut: true})
	if _, err := reach(); err == nil {
		t.Error("the answer came over a way that is cut")
	}
	w.alone(0)
	if _, err := reach(); err == nil {
		t.Error("a host that is alone reached the other")
	}
	w.heal()
	if _, err := reach(); err != nil {
		t.Errorf("after the cut was healed: %v", err)
	}
}
