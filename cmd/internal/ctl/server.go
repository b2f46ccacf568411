// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// Handler runs one command. The result is marshalled to JSON; of an error the caller reads the sentence, and the code
// if it is an *Error. The context ends with the server or after 30 s.
type Handler func(ctx context.Context, args json.RawMessage) (result any, err error)

// Server answers on the admin socket of one data directory.
type Server struct {
	listener *net.UnixListener
	place    *place
	handlers map[string]Handler
	log      *slog.Logger
	once     sync.Once
	conns    sync.WaitGroup
}

// Listen makes the socket in dir, which has to exist. Handlers are keyed by command and fixed from here on. A socket
// left behind by a killed node is replaced; one that still answers is an error.
func Listen(dir string, handlers map[string]Handler, log *slog.Logger) (*Server, error) {
	p, err := open(dir)
	if err != nil {
		return nil, err
	}
	l, err := p.listen()
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return &Server{listener: l, place: p, handlers: handlers, log: log}, nil
}

// listen makes the socket under another name, closes it to everybody else and only then gives it its own name.
func (p *place) listen() (*net.UnixListener, error) {
	if c, err := net.DialTimeout("unix", p.join(Name), time.Second); err == nil {
		return nil, errors.Join(fmt.Errorf("open admin socket: another node answers in %s", p.dir.Name()), c.Close())
	}
	tmp, err := os.MkdirTemp(p.path, ".adm-*") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("open admin socket: %w", err)
	}
	defer os.RemoveAll(tmp)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tmp + "/s", Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("open admin socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(tmp+"/s", 0o600); err == nil {
		err = os.Rename(tmp+"/s", p.join(Name))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open admin socket: %w", err), l.Close())
	}
	return l, nil
}

// Run serves until ctx ends or Close is called, and returns when every request is answered or cut off.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { s.listener.Close() })
	defer s.conns.Wait()
	defer cancel()
	defer stop()
	slots := make(chan struct{}, maxConns)
	for {
		slots <- struct{}{}
		c, err := s.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("accept on admin socket: %w", err)
		}
		s.conns.Go(func() {
			defer func() { <-slots }()
			s.serve(ctx, c)
		})
	}
}

// Close ends Run and removes the socket. It may be called twice.
func (s *Server) Close() error {
	var err error
	s.once.Do(func() {
		err = errors.Join(os.Remove(s.place.join(Name)), ignoreClosed(s.listener.Close()), s.place.close())
	})
	return err
}

func (s *Server) serve(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	c.SetReadDeadline(time.Now().Add(readTime))
	if ctx.Err() != nil { // the deadline of AfterFunc may just have been overwritten
		return
	}
	answer := s.answer(ctx, c)
	b, err := json.Marshal(answer)
	if err != nil || len(b) >= maxResponse {
		b, _ = json.Marshal(response{Error: "the answer is too large for the admin socket", Code: "too-large"})
	}
	c.SetWriteDeadline(time.Now().Add(writeTime))
	if _, err := c.Write(append(b, '\n')); err != nil {
		s.log.Debug("admin socket: answer not delivered", "err", err)
	}
}

func (s *Server) answer(ctx context.Context, r io.Reader) response {
	line, err := readLine(r, maxRequest)
	if err != nil {
		return response{Error: err.Error(), Code: "bad-request"}
	}
	var q request
	if err := json.Unmarshal(line, &q); err != nil {
		return response{Error: "the request is no JSON object", Code: "bad-request"}
	}
	h, ok := s.handlers[q.Cmd]
	if !ok {
		return response{Error: fmt.Sprintf("this node does not know the command %q", q.Cmd), Code: "unknown-command"}
	}
	ctx, cancel := context.WithTimeout(ctx, workTime)
	defer cancel()
	result, err := h(ctx, q.Args)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			return response{Error: e.Text, Code: e.Code}
		}
		return response{Error: err.Error()}
	}
	b, err := json.Marshal(result)
	if err != nil {
		return response{Error: "the answer can't be written as JSON"}
	}
	return response{Result: b}
}

// readLine reads up to a newline, limit bytes at most, the newline included.
func readLine(r io.Reader, limit int64) ([]byte, error) {
	lr := &io.LimitedReader{R: r, N: limit}
	line, err := bufio.NewReader(lr).ReadBytes('\n')
	switch {
	case err == nil:
		return line, nil
	case err == io.EOF && lr.N == 0:
		return nil, fmt.Errorf("a line has more than %d bytes", limit)
	case err == io.EOF:
		return nil, errors.New("the line ends early")
	}
	return nil, fmt.Errorf("read line: %w", err)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
