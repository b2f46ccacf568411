// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
)

// chunk is the longest piece of a line that is looked at in one go; longer lines come in several.
const chunk = 64 << 10

// source gives the lines of a message and knows the boundaries of the multiparts that are open. A boundary of an outer
// multipart ends all inner ones: closing lines get lost.
type source struct {
	ctx    context.Context
	r      *bufio.Reader
	open   []string // boundaries, outermost first
	hit    int      // index of the boundary that was met last; -1: none yet, -2: the end
	closed bool     // it was a closing one
	mid    bool     // in the middle of a long line
	back   []byte   // pushed back
	lines  int
	err    error // why reading ended, if not at the end
}

func newSource(ctx context.Context, r io.Reader) *source {
	b := bufio.NewReaderSize(r, chunk)
	// A message with CR only is one of an old Mac: turn them round before anything else sees them.
	if head, _ := b.Peek(chunk); bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 {
		b = bufio.NewReaderSize(&crReader{b}, chunk)
	}
	return &source{ctx: ctx, r: b, hit: -1}
}

type crReader struct{ r io.Reader }

func (c *crReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i := range p[:n] {
		if p[i] == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// next gives the next line or piece of one, with its end; ok is false at a boundary and at the end. The bytes are valid
// until the next call.
func (s *source) next() (line []byte, ok bool) {
	if s.hit == -2 {
		return nil, false
	}
	if n := bytes.IndexByte(s.back, '\n') + 1; n > 0 {
		line, s.back = s.back[:n], s.back[n:]
	} else if line = s.read(); line == nil {
		s.hit = -2
		return nil, false
	}
	start := !s.mid
	s.mid = line[len(line)-1] != '\n'
	if start && s.boundary(line) {
		return nil, false
	}
	return line, true
}

// unread pushes whole lines back; they come next.
func (s *source) unread(lines []byte) {
	if len(lines) == 0 {
		return
	}
	if lines[len(lines)-1] != '\n' {
		lines = append(lines, '\n')
	}
	s.back = append(lines, s.back...)
	s.mid = false
	if s.hit == -2 {
		s.hit = -1
	}
}

// read takes a line from the reader; nil at the end.
func (s *source) read() []byte {
	if s.lines++; s.lines%256 == 0 && s.ctx.Err() != nil {
		s.err = s.ctx.Err()
		return nil
	}
	line, err := s.r.ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		s.err = err
	}
	if len(line) == 0 {
		return nil
	}
	return line
}

// boundary reports whether a line is a boundary of an open multipart, and notes which.
func (s *source) boundary(line []byte) bool {
	if len(line) < 3 || line[0] != '-' || line[1] != '-' || len(s.open) == 0 {
		return false
	}
	rest := bytes.TrimRight(line[2:], " \t\r\n")
	for i := len(s.open) - 1; i >= 0; i-- {
		tail, ok := bytes.CutPrefix(rest, []byte(s.open[i]))
		if ok && (len(tail) == 0 || bytes.Equal(tail, []byte("--"))) {
			s.hit, s.closed = i, len(tail) > 0
			return true
		}
	}
	return false
}

// body reads up to the next boundary. The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1).
type body struct {
	s    *source
	held []byte // a line end that may belong to a boundary
	rest []byte
	end  bool
	buf  []byte
}

func (b *body) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.end {
			return 0, io.EOF
		}
		line, ok := b.s.next()
		if !ok {
			b.end = true
			if b.s.hit == -2 { // no boundary: the line end is the writer's
				b.rest, b.held = b.held, nil
			}
			continue
		}
		text := bytes.TrimSuffix(line, []byte("\n"))
		text = bytes.TrimSuffix(text, []byte("\r"))
		b.buf = append(append(b.buf[:0], b.held...), text...)
		b.held = append(b.held[:0], line[len(text):]...)
		b.rest = b.buf
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
