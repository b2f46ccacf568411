// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"refdesk/cluster/blob"
	"refdesk/cluster/wire"
)

// A connection for files carries one exchange. The caller sends a question of 42 bytes
//
//	version (1) · what (1) · hash (32) · size of the file to push, or offset to pull from (8, big-endian)
//
// and gets an answer of 9 bytes
//
//	verdict (1) · size of the file (8, big-endian)
//
// After "send it" the bytes of the file go to the other side, and a second answer comes when they are on its disk. After
// "here it is" to a pull the bytes from the offset on come. A program that doesn't know files answers with a refusal's
// frame, whose first byte is no verdict.
const (
	blobVersion  = 1
	questionSize = 1 + 1 + 32 + 8
	answerSize   = 1 + 8
	blobChunk    = 64 << 10         // bytes that have to pass within blobTime
	blobAck      = 30 * time.Second // for the sync of what was pushed
	blobLimit    = 16               // exchanges that one peer may have under way here
)

// What is asked.
const (
	pushBlob = 'P'
	pullBlob = 'G'
	hasBlob  = 'H'
)

// The verdicts.
const (
	blobHere    = 1 // it is on the disk
	blobSend    = 2
	blobMissing = 3
	blobFull    = 4
	blobLarge   = 5
	blobWrong   = 6 // what came is not what the hash says
	blobBusy    = 7
	blobFailed  = 8
	blobUnknown = 9 // a question that this program doesn't know
)

// ErrRefused means that the other node would not or could not do with a file what was asked. The reason follows.
var ErrRefused = errors.New("peer: refused")

// verdictError says what an unwelcome verdict means.
func verdictError(to string, verdict byte) error {
	switch verdict {
	case blobMissing:
		return fmt.Errorf("node %s: %w", to, blob.ErrNotFound)
	case blobFull:
		return fmt.Errorf("%w: the disk of node %s has no room for files", ErrRefused, to)
	case blobLarge:
		return fmt.Errorf("%w: the file is larger than node %s takes", ErrRefused, to)
	case blobWrong:
		return fmt.Errorf("%w: at node %s: %w", ErrRefused, to, blob.ErrDamaged)
	case blobBusy:
		return fmt.Errorf("%w: node %s is busy with other files", ErrRefused, to)
	case blobUnknown:
		return fmt.Errorf("%w: node %s doesn't know the question; upgrade it", ErrRefused, to)
	}
	return fmt.Errorf("%w: node %s answered %d", ErrRefused, to, verdict)
}

// PushBlob brings one of this node's files to another node. When it returns nil, the file is on the disk there.
func (p *Port) PushBlob(ctx context.Context, to string, h blob.Hash) error {
	f, size, err := p.cfg.Blobs.Get(h)
	if err != nil {
		return err
	}
	defer f.Close()
	x, err := p.askBlob(ctx, to, pushBlob, h, uint64(size))
	if err != nil {
		return err
	}
	defer x.Close()
	verdict, _, err := x.answer(p.blobTime)
	if err == nil && verdict == blobSend {
		if _, err = io.CopyBuffer(struct{ io.Writer }{x}, struct{ io.Reader }{f}, make([]byte, blobChunk)); err != nil {
			return x.explain(err)
		}
		verdict, _, err = x.answer(blobAck)
	}
	if err != nil {
		return err
	}
	if verdict != blobHere {
		return verdictError(to, verdict)
	}
	return nil
}

// PullBlob opens a file of another node at an offset, and says how large the whole is. What it gives is not checked. Its
// reader ends with an error when the connection or ctx does.
func (p *Port) PullBlob(ctx context.Context, to string, h blob.Hash, offset int64) (io.ReadCloser, int64, error) {
	x, err := p.askBlob(ctx, to, pullBlob, h, uint64(offset))
	if err != nil {
		return nil, 0, err
	}
	verdict, size, err := x.answer(p.blobTime)
	if err == nil && verdict != blobHere {
		err = verdictError(to, verdict)
	}
	if err == nil && size < offset {
		err = fmt.Errorf("%w: node %s says that the file has %d bytes", ErrRefused, to, size)
	}
	if err != nil {
		x.Close()
		return nil, 0, err
	}
	x.rest = size - offset
	return x, size, nil
}

// HasBlob asks another node whether it has a file, and how large that is there.
func (p *Port) HasBlob(ctx context.Context, to string, h blob.Hash) (int64, bool, error) {
	x, err := p.askBlob(ctx, to, hasBlob, h, 0)
	if err != nil {
		return 0, false, err
	}
	defer x.Close()
	verdict, size, err := x.answer(p.blobTime)
	switch {
	case err != nil:
		return 0, false, err
	case verdict == blobHere:
		return size, true, nil
	case verdict == blobMissing:
		return 0, false, nil
	}
	return 0, false, verdictError(to, verdict)
}

// exchange is one question about a file and what follows.
type exchange struct {
	paced
	ctx  context.Context
	stop context.CancelFunc
	raw  net.Conn // below TLS, whose Close would wait for a peer that hangs
	to   string
	rest int64 // of the bytes that are to come
}

// askBlob connects and asks. The exchange ends with ctx or the port.
func (p *Port) askBlob(ctx context.Context, to string, what byte, h blob.Hash, number uint64) (*exchange, error) {
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(p.ctx, cancel)
	conn, err := p.dial(ctx, to, blobByte)
	if err != nil {
		unhook()
		cancel()
		return nil, err
	}
	raw := conn.NetConn()
	closed := context.AfterFunc(ctx, func() { raw.Close() })
	x := &exchange{paced: paced{Conn: conn, time: p.blobTime}, ctx: ctx, raw: raw, to: to, stop: func() {
		closed()
		unhook()
		cancel()
	}}
	question := append([]byte{blobVersion, what}, h[:]...)
	if _, err := x.Write(binary.BigEndian.AppendUint64(question, number)); err != nil {
		x.Close()
		return nil, x.explain(err)
	}
	return x, nil
}

// Close ends the exchange.
func (x *exchange) Close() error {
	x.stop()
	return x.raw.Close()
}

// explain names what broke an exchange.
func (x *exchange) explain(err error) error {
	if x.ctx.Err() != nil {
		err = x.ctx.Err()
	}
	return fmt.Errorf("node %s: %w", x.to, err)
}

// answer waits for the other side's verdict.
func (x *exchange) answer(within time.Duration) (byte, int64, error) {
	if err := x.SetReadDeadline(time.Now().Add(within)); err != nil {
		return 0, 0, x.explain(err)
	}
	verdict, size, err := readAnswer(x.Conn)
	if err != nil {
		return 0, 0, x.explain(err)
	}
	return verdict, size, nil
}

func readAnswer(r io.Reader) (byte, int64, error) {
	var b [answerSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, 0, err
	}
	if b[0] == 'R' { // a frame
		kind, why, err := wire.Read(io.MultiReader(bytes.NewReader(b[:]), r))
		if err == nil && kind == wire.RefusalKind {
			return 0, 0, fmt.Errorf("%w: %.200q", ErrRefused, why)
		}
		return 0, 0, errors.Join(err, errNoAnswer)
	}
	size := binary.BigEndian.Uint64(b[1:])
	if size > blob.MaxSize {
		return 0, 0, errNoAnswer
	}
	return b[0], int64(size), nil
}

var errNoAnswer = errors.New("that is no answer about a file")

// Read gives the bytes that come after a pull.
func (x *exchange) Read(b []byte) (int, error) {
	if x.rest <= 0 {
		return 0, io.EOF
	}
	n, err := x.paced.Read(b[:min(int64(len(b)), x.rest)])
	x.rest -= int64(n)
	if errors.Is(err, io.EOF) && x.rest > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && x.rest > 0 {
		return n, x.explain(err)
	}
	return n, nil
}

// paced is a connection over which 64 KiB have to pass within a time: one who sends a byte now and then doesn't hold it.
type paced struct {
	net.Conn
	time time.Duration
	left int // bytes that may be read until the deadline is set anew
}

// Read reads at most a chunk.
func (c *paced) Read(b []byte) (int, error) {
	if c.left <= 0 {
		if err := c.SetReadDeadline(time.Now().Add(c.time)); err != nil {
			return 0, err
		}
		c.left = blobChunk
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// Write writes chunk by chunk.
func (c *paced) Write(b []byte) (done int, err error) {
	for done < len(b) {
		if err := c.SetWriteDeadline(time.Now().Add(c.time)); err != nil {
			return done, err
		}
		n, err := c.Conn.Write(b[done:min(len(b), done+blobChunk)])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// serveBlob answers one question of another node.
func (p *Port) serveBlob(raw net.Conn, from string) {
	conn := &paced{Conn: raw, time: p.blobTime}
	var q [questionSize]byte
	if _, err := io.ReadFull(conn, q[:]); err != nil {
		return
	}
	conn.left = 0
	w := p.way(from)
	if w == nil {
		p.verdict(conn, blobBusy, 0)
		return
	}
	slots := w.blobs
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	default:
		p.verdict(conn, blobBusy, 0)
		return
	}
	h, number := blob.Hash(q[2:34]), binary.BigEndian.Uint64(q[34:])
	if q[0] != blobVersion {
		q[1] = 0
	}
	switch q[1] {
	case pushBlob:
		p.takeBlob(conn, from, h, number)
	case pullBlob:
		p.giveBlob(conn, h, number)
	case hasBlob:
		if size, ok := p.cfg.Blobs.Has(h); ok {
			p.verdict(conn, blobHere, size)
		} else {
			p.verdict(conn, blobMissing, 0)
		}
	default:
		p.verdict(conn, blobUnknown, 0)
	}
}

func (p *Port) verdict(conn *paced, v byte, size int64) {
	if _, err := conn.Write(binary.BigEndian.AppendUint64([]byte{v}, uint64(size))); err != nil {
		p.cfg.Log.Debug("answer a peer about a file", "err", err)
	}
}

// takeBlob takes a file that another node brings. One that is here already isn't sent again.
func (p *Port) takeBlob(conn *paced, from string, h blob.Hash, size uint64) {
	if size > blob.MaxSize {
		p.verdict(conn, blobLarge, 0)
		return
	}
	ref := blob.Ref{Hash: h, Size: int64(size)}
	if has, ok := p.cfg.Blobs.Has(h); ok && has == ref.Size && p.cfg.Blobs.Pin(h) == nil {
		p.verdict(conn, blobHere, has)
		return
	}
	p.verdict(conn, blobSend, 0)
	err := p.cfg.Blobs.Take(p.ctx, ref, io.LimitReader(conn, ref.Size))
	switch {
	case err == nil:
		p.verdict(conn, blobHere, ref.Size)
		return
	case errors.Is(err, blob.ErrFull):
		p.verdict(conn, blobFull, 0)
	case errors.Is(err, blob.ErrDamaged):
		p.verdict(conn, blobWrong, 0)
	default:
		p.verdict(conn, blobFailed, 0)
	}
	if p.ctx.Err() == nil {
		p.cfg.Log.Warn("take a peer's file", "node", from, "file", h.String(), "err", err)
	}
}

// giveBlob sends a file to another node, from an offset on.
func (p *Port) giveBlob(conn *paced, h blob.Hash, offset uint64) {
	f, size, err := p.cfg.Blobs.Get(h)
	if err != nil {
		p.verdict(conn, blobMissing, 0)
		return
	}
	defer f.Close()
	if offset > uint64(size) {
		p.verdict(conn, blobFailed, 0)
		return
	}
	if _, err := f.Seek(int64(offset), io.SeekStart); err != nil {
		p.verdict(conn, blobFailed, 0)
		return
	}
	p.verdict(conn, blobHere, size)
	_, err = io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{f}, make([]byte, blobChunk))
	if err != nil && p.ctx.Err() == nil {
		p.cfg.Log.Debug("give a peer a file", "file", h.String(), "err", err)
	}
}
