// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"refdesk/cluster/blob"
)

// pull is a file on its way from another node. Everybody who wants it waits for the same one.
type pull struct {
	done chan struct{}
	err  error
}

// pull gets a file from another node. It goes on when ctx ends: others may wait for it.
func (c *Cluster) pull(ctx context.Context, h blob.Hash) error {
	if len(c.files.others()) == 0 {
		return fmt.Errorf("%w: %s", blob.ErrNotFound, h)
	}
	f := c.files
	f.mu.Lock()
	if c.ctx.Err() != nil { // under the lock: Close must not be waiting yet
		f.mu.Unlock()
		return stopping()
	}
	p := f.pulls[h]
	if p == nil {
		p = &pull{done: make(chan struct{})}
		f.pulls[h] = p
		c.wg.Go(func() { c.runPull(h, p) })
	}
	f.mu.Unlock()
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return noQuorum()
		}
		return ctx.Err()
	}
}

func (c *Cluster) runPull(h blob.Hash, p *pull) {
	f := c.files
	ctx, cancel := context.WithTimeout(c.ctx, pullTime)
	defer cancel()
	select {
	case f.slots <- struct{}{}:
		p.err = c.fetch(ctx, h)
		<-f.slots
	case <-ctx.Done():
		p.err = noQuorum()
	}
	if c.ctx.Err() != nil && p.err != nil {
		p.err = stopping()
	}
	f.mu.Lock()
	delete(f.pulls, h)
	f.mu.Unlock()
	close(p.done)
}

// holder is a node that says that it has a file.
type holder struct {
	id   string
	size int64
}

// fetch takes a file from whichever other node has it.
func (c *Cluster) fetch(ctx context.Context, h blob.Hash) error {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	next, silent := c.holders(ctx, h, &asking)
	met, err := gather(next, func(first holder, rest func() (holder, bool)) error { return c.takeFrom(ctx, h, first, rest) })
	switch {
	case met > 0 && (err == nil || errors.Is(err, blob.ErrFull)):
		return err
	case met == 0 && silent() == 0:
		return fmt.Errorf("%w: %s", blob.ErrNotFound, h)
	case met > 0 && ctx.Err() == nil:
		c.log.Warn("get a file from another node", "file", h.String(), "err", err)
	}
	return noQuorum()
}

// gather takes a file from the first node that has it and goes on with the next where that breaks off. It says how many
// nodes there were, and the last error.
func gather(next func() (holder, bool), take func(first holder, rest func() (holder, bool)) error) (int, error) {
	var met []holder
	meet := func() (holder, bool) {
		x, ok := next()
		if ok {
			met = append(met, x)
		}
		return x, ok
	}
	var err error
	for first, ok := meet(); ok; first, ok = meet() {
		if err = take(first, meet); err == nil || errors.Is(err, blob.ErrFull) {
			return len(met), err
		}
	}
	if len(met) < 2 {
		return len(met), err
	}
	// One of them sent rubbish before it broke off, or has less than there is: each by itself now.
	for _, x := range met {
		if err = take(x, none); err == nil {
			break
		}
	}
	return len(met), err
}

func none() (holder, bool) { return holder{}, false }

// takeFrom takes a file from a node, and where that breaks off, from those that next returns.
func (c *Cluster) takeFrom(ctx context.Context, h blob.Hash, first holder, next func() (holder, bool)) error {
	s := &source{size: first.size, from: first, next: next, open: func(id string, offset int64) (io.ReadCloser, int64, error) {
		return c.port.PullBlob(ctx, id, h, offset)
	}}
	defer s.close()
	return c.files.store.Take(ctx, blob.Ref{Hash: h, Size: s.size}, s)
}

// holders asks all other nodes at once whether they have a file. Next returns those that do, as they answer, and false when
// no more will; silent says then how many did not answer.
func (c *Cluster) holders(ctx context.Context, h blob.Hash, asking *sync.WaitGroup) (next func() (holder, bool), silent func() int) {
	type answer struct {
		holder
		has bool
		err error
	}
	others := c.files.others()
	answers := make(chan answer, len(others))
	for _, id := range others {
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, askTime)
			defer cancel()
			size, has, err := c.port.HasBlob(ctx, id, h)
			answers <- answer{holder{id, size}, has, err}
		})
	}
	left, quiet := len(others), 0
	return func() (holder, bool) {
		for ; left > 0; left-- {
			a := <-answers
			if a.err != nil {
				quiet++
			} else if a.has {
				left--
				return a.holder, true
			}
		}
		return holder{}, false
	}, func() int { return quiet }
}

// source reads a file from one node, and from where that breaks off, from the next.
type source struct {
	size int64
	from holder // the node to turn to; "" = the one that next returns
	next func() (holder, bool)
	open func(id string, offset int64) (io.ReadCloser, int64, error)

	at  int64
	now io.ReadCloser
	err error // why the last one broke off
}

// Read reads from wherever there is something.
func (s *source) Read(b []byte) (int, error) {
	for s.at < s.size {
		if s.now == nil && !s.connect() {
			return 0, errors.Join(s.err, errBrokeOff)
		}
		n, err := s.now.Read(b)
		s.at += int64(n)
		if err != nil {
			s.err = err
			s.close()
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

var errBrokeOff = errors.New("no node sends the rest of the file")

// connect turns to the next node that has the file in the same size.
func (s *source) connect() bool {
	for {
		x := s.from
		s.from = holder{}
		if x.id == "" {
			var ok bool
			if x, ok = s.next(); !ok {
				return false
			}
		}
		if x.size != s.size {
			continue
		}
		r, size, err := s.open(x.id, s.at)
		if err == nil && size == s.size {
			s.now = r
			return true
		}
		if err == nil {
			r.Close()
		}
		s.err = err
	}
}

func (s *source) close() {
	if s.now != nil {
		s.now.Close()
		s.now = nil
	}
}
