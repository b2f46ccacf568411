// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type staff struct{ Name string }

// start serves a few commands in dir until the test ends.
func start(t *testing.T, dir string, more map[string]Handler) *Server {
	t.Helper()
	handlers := map[string]Handler{
		"echo": func(_ context.Context, args json.RawMessage) (any, error) {
			var s staff
			if err := json.Unmarshal(args, &s); err != nil {
				return nil, err
			}
			return s, nil
		},
		"refuse": func(context.Context, json.RawMessage) (any, error) {
			return nil, &Error{"not-found", "there is nobody called bea"}
		},
		"huge": func(context.Context, json.RawMessage) (any, error) { return strings.Repeat("x", maxResponse), nil },
		"odd":  func(context.Context, json.RawMessage) (any, error) { return func() {}, nil },
	}
	for k, h := range more {
		handlers[k] = h
	}
	s, err := Listen(dir, handlers, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close again: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return s
}

func TestCall(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, nil)
	var got staff
	if err := Call(t.Context(), dir, "echo", staff{"ana"}, &got); err != nil || got.Name != "ana" {
		t.Errorf("got %v, %v", got, err)
	}
	if err := Call(t.Context(), dir, "echo", staff{"ana"}, nil); err != nil {
		t.Errorf("without a result: %v", err)
	}
	for cmd, code := range map[string]string{"refuse": "not-found", "none": "unknown-command", "huge": "too-large", "odd": ""} {
		err := Call(t.Context(), dir, cmd, nil, &got)
		var e *Error
		if !errors.As(err, &e) || e.Code != code || e.Text == "" {
			t.Errorf("%s: got %v, want an Error with code %q", cmd, err, code)
		}
	}
	var e *Error
	if err := Call(t.Context(), dir, "echo", strings.Repeat("x", maxRequest), nil); !errors.As(err, &e) || e.Code != "too-large" {
		t.Errorf("large arguments: got %v", err)
	}
}

func TestSocketIsClosedToOthers(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, nil)
	info, err := os.Stat(filepath.Join(dir, Name))
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode().Type() != os.ModeSocket {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 40))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, dir, nil)
	if err := Call(t.Context(), dir, "echo", staff{"ana"}, nil); err != nil {
		t.Error(err)
	}
}

func TestSocketOfKilledNodeIsReplaced(t *testing.T) {
	dir := t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, Name), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	start(t, dir, nil)
	if err := Call(t.Context(), dir, "echo", staff{"ana"}, nil); err != nil {
		t.Error(err)
	}
	if _, err := Listen(dir, nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("the socket of a living node was taken")
	}
	if err := Call(t.Context(), dir, "echo", staff{"ana"}, nil); err != nil {
		t.Errorf("after the attempt: %v", err)
	}
}

func TestNobodyThere(t *testing.T) {
	dir := t.TempDir()
	if err := Call(t.Context(), dir, "echo", nil, nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("no socket: got %v", err)
	}
	if err := Call(t.Context(), filepath.Join(dir, "none"), "echo", nil, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: got %v", err)
	}
	if _, err := Listen(filepath.Join(dir, "none"), nil, slog.New(slog.DiscardHandler)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("listen without directory: got %v", err)
	}
}

func TestBadRequests(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, nil)
	for name, text := range map[string]string{
		"no JSON":        "hello\n",
		"ends early":     `{"cmd":`,
		"an array":       "[]\n",
		"too long":       strings.Repeat("x", maxRequest+1),
		"no command":     "{}\n",
		"nothing at all": "",
	} {
		c, err := net.Dial("unix", filepath.Join(dir, Name))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, text) // the server may answer and close before all is written
		c.(*net.UnixConn).CloseWrite()
		b, _ := io.ReadAll(c)
		c.Close()
		var r response
		if err := json.Unmarshal(b, &r); err != nil || r.Error == "" || r.Code == "" {
			t.Errorf("%s: got %q, %v", name, b, err)
		}
	}
	if err := Call(t.Context(), dir, "echo", staff{"ana"}, nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestCallerGivesUp(t *testing.T) {
	dir := t.TempDir()
	started := make(chan struct{})
	start(t, dir, map[string]Handler{"hang": func(ctx context.Context, _ json.RawMessage) (any, error) {
		close(started)
		<-t.Context().Done() // the test's own end, after the caller has gone
		return nil, ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if err := Call(ctx, dir, "hang", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, nil)
	silent, err := net.Dial("unix", filepath.Join(dir, Name)) // holds one of the slots
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var wg sync.WaitGroup
	for range 3 * maxConns {
		wg.Go(func() {
			if err := Call(t.Context(), dir, "echo", staff{"ana"}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestEndOfContextStopsServer(t *testing.T) {
	s, err := Listen(t.TempDir(), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	silent, err := net.Dial("unix", filepath.Join(s.place.dir.Name(), Name))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(readTime / 2):
		t.Fatal("the server waits for a silent caller")
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("{\"cmd\":\"x\",\"args\":{\"a\":1}}\n"))
	f.Add([]byte("{\"cmd\":\"\"}"))
	s := &Server{handlers: map[string]Handler{"x": func(_ context.Context, a json.RawMessage) (any, error) { return a, nil }}}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := s.answer(t.Context(), strings.NewReader(string(b)))
		if (r.Error == "") == (r.Result == nil) {
			t.Errorf("neither result nor error, or both: %+v", r)
		}
	})
}
