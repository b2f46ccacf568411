// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"errors"
	"net"
	"sync"
)

// limited accepts no more than so many connections at a time; the next ones wait. Close ends those that are open as well:
// go-smtp knows a connection only some time after it was accepted.
type limited struct {
	net.Listener
	slots chan struct{}
	done  chan struct{}

	mu     sync.Mutex
	closed bool
	open   map[*slotConn]bool
	wg     sync.WaitGroup
}

func newLimited(l net.Listener, n int) *limited {
	return &limited{Listener: l, slots: make(chan struct{}, n), done: make(chan struct{}), open: map[*slotConn]bool{}}
}

// Accept waits for a free place first.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	s := &slotConn{Conn: c, l: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		<-l.slots
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	l.open[s] = true
	l.wg.Add(1)
	return s, nil
}

// Close closes everything.
func (l *limited) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	close(l.done)
	conns := make([]*slotConn, 0, len(l.open))
	for c := range l.open {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	err := l.Listener.Close()
	for _, c := range conns {
		_ = c.Conn.Close() // its session sees that and closes it properly
	}
	return err
}

func (l *limited) wait() { l.wg.Wait() }

type slotConn struct {
	net.Conn
	l *limited
}

func (c *slotConn) Close() error {
	err := c.Conn.Close()
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.l.open[c] {
		delete(c.l.open, c)
		<-c.l.slots
		c.l.wg.Done()
	}
	return err
}
