// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// network stands between the nodes of a desk: for every pair a listener that hands connections on, with a gate for each
// direction. A gate that is shut holds the bytes, as a network does that loses packets: TCP goes on when it opens.
type network struct {
	mu    sync.Mutex
	gates map[[2]int]*gate // by from and to
	conns map[net.Conn][2]int
	lines []net.Listener
	wg    sync.WaitGroup
}

// gate is one direction between two nodes.
type gate struct {
	mu    sync.Mutex
	open  chan struct{} // closed while bytes may pass
	delay time.Duration
}

func newNetwork(n int) *network {
	w := &network{gates: map[[2]int]*gate{}, conns: map[net.Conn][2]int{}}
	for i := range n {
		for j := range n {
			open := make(chan struct{})
			close(open)
			w.gates[[2]int{i, j}] = &gate{open: open}
		}
	}
	return w
}

// line makes the way from node i to node j, whose port is at target, and returns its address.
func (w *network) line(t testing.TB, i, j int, target string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.lines = append(w.lines, l)
	w.wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			w.join(in, out, i, j)
		}
	})
	return l.Addr().String()
}

// join carries a connection that node i has made to node j.
func (w *network) join(in, out net.Conn, i, j int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[in], w.conns[out] = [2]int{i, j}, [2]int{i, j}
	over := make(chan struct{})
	end := sync.OnceFunc(func() {
		close(over)
		in.Close()
		out.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.conns, in)
		delete(w.conns, out)
	})
	w.wg.Go(func() { carry(out, in, w.gates[[2]int{i, j}], over); end() })
	w.wg.Go(func() { carry(in, out, w.gates[[2]int{j, i}], over); end() })
}

// carry copies what comes until either side ends.
func carry(to io.Writer, from io.Reader, g *gate, over <-chan struct{}) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		g.mu.Lock()
		open, delay := g.open, g.delay
		g.mu.Unlock()
		select {
		case <-open:
		case <-over:
			return
		}
		if delay > 0 {
			time.Sleep(delay) // the line is this long
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// cut shuts the way from i to j.
func (w *network) cut(i, j int) {
	g := w.gates[[2]int{i, j}]
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		g.open = make(chan struct{})
	default:
	}
}

// late makes the way from i to j longer.
func (w *network) late(i, j int, d time.Duration) {
	g := w.gates[[2]int{i, j}]
	g.mu.Lock()
	defer g.mu.Unlock()
	g.delay = d
}

// heal opens all ways and makes them short.
func (w *network) heal() {
	for _, g := range w.gates {
		g.mu.Lock()
		select {
		case <-g.open:
		default:
			close(g.open)
		}
		g.delay = 0
		g.mu.Unlock()
	}
}

// reset breaks all connections between two nodes.
func (w *network) reset(i, j int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, pair := range w.conns {
		if pair == [2]int{i, j} || pair == [2]int{j, i} {
			c.Close()
		}
	}
}

func (w *network) close() {
	w.heal()
	for _, l := range w.lines {
		l.Close()
	}
	w.mu.Lock()
	for c := range w.conns {
		c.Close()
	}
	w.mu.Unlock()
	w.wg.Wait()
}
