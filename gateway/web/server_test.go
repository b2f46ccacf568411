// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// running is a frame that serves on a loopback port.
type running struct {
	url  string
	stop context.CancelFunc
	done chan error
}

func serve(t *testing.T, f *Frame) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &running{url: "http://" + l.Addr().String(), stop: cancel, done: make(chan error, 1)}
	go func() { s.done <- f.Run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

func (s *running) ended(t *testing.T) {
	t.Helper()
	select {
	case err := <-s.done:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Run does not return")
	}
}

// get asks with the patrons' host name.
func get(ctx context.Context, url string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Host = "localhost"
	return http.DefaultClient.Do(r)
}

// read is the whole answer.
func read(ctx context.Context, url string) (string, error) {
	resp, err := get(ctx, url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return string(data), err
}

// TestStop stops a server with a stream open and a request under way: the stream ends at once, the request is answered,
// and nothing is left running (goleak).
func TestStop(t *testing.T) {
	f := newFrame(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	f.Patron().HandleFunc("/api/v1/slow", func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "done")
	})
	f.Patron().HandleFunc("/api/v1/stream", func(w http.ResponseWriter, r *http.Request) {
		ctx, release, ok := f.Hold(w, r)
		if !ok {
			t.Error("no stream while the server runs")
			return
		}
		defer release()
		_, _ = io.WriteString(w, "open\n")
		_ = http.NewResponseController(w).Flush()
		<-ctx.Done()
		_, _ = io.WriteString(w, "bye\n")
	})
	s := serve(t, f)
	resp, err := get(t.Context(), s.url+"/api/v1/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	stream := bufio.NewReader(resp.Body)
	if line, err := stream.ReadString('\n'); err != nil || line != "open\n" {
		t.Fatalf("%q %v", line, err)
	}
	slow := make(chan string, 1)
	go func() {
		text, err := read(t.Context(), s.url+"/api/v1/slow")
		slow <- fmt.Sprint(text, err)
	}()
	<-begun
	s.stop()
	if line, err := stream.ReadString('\n'); err != nil || line != "bye\n" {
		t.Errorf("the stream: %q %v", line, err)
	}
	if _, _, ok := f.Hold(nil, nil); ok {
		t.Error("a new stream while the server stops")
	}
	close(finish)
	if got := <-slow; got != "done<nil>" {
		t.Errorf("the request under way: %s", got)
	}
	s.ended(t)
}

// TestStopBreaksTheDeaf stops a server whose request hangs: after the grace it is broken off.
func TestStopBreaksTheDeaf(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the five seconds of grace")
	}
	f := newFrame(t)
	begun := make(chan struct{})
	f.Patron().HandleFunc("/api/v1/deaf", func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})
	s := serve(t, f)
	broken := make(chan error, 1)
	go func() {
		_, err := read(t.Context(), s.url+"/api/v1/deaf")
		broken <- err
	}()
	<-begun
	s.stop()
	if err := <-broken; err == nil {
		t.Error("the request that hung was answered")
	}
	s.ended(t)
}

func TestListenerFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := newFrame(t).Run(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run: %v", err)
	}
}

func TestOversizedHeader(t *testing.T) {
	s := serve(t, newFrame(t))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/widget.js", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
	s.stop()
	s.ended(t)
}

// While a node waits for the desk it says so, and lets nobody in.
func TestDoorsAreShutUntilTheyMayBeUsed(t *testing.T) {
	open := make(chan struct{})
	frame, err := New(Config{PatronHosts: []string{"localhost"}, Open: open})
	if err != nil {
		t.Fatal(err)
	}
	frame.Patron().HandleFunc("GET /here", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		frame.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil))
		return w
	}
	if w := get("/here"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("shut: %d", w.Code)
	}
	if w := get("/healthz"); w.Code != http.StatusOK {
		t.Errorf("healthz while shut: %d", w.Code)
	}
	close(open)
	if w := get("/here"); w.Code != http.StatusNoContent {
		t.Errorf("open: %d", w.Code)
	}
}
