// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Times of the server.
const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	stopTime   = 5 * time.Second // for requests under way when the node stops
)

// Hold registers a long-lived answer (socket, event stream, long poll): its deadlines are lifted, and the context it
// gets ends when the client goes or the server stops. Call release when done; the server waits for it. While the server
// is stopping ok is false.
func (f *Frame) Hold(w http.ResponseWriter, r *http.Request) (ctx context.Context, release func(), ok bool) {
	return f.hold(w, r)
}

// Keep is Hold for a connection that its handler takes over: the context doesn't end with the request. A goroutine of its
// own can serve it then, without the request and the deep stack of all that stands before a handler.
func (f *Frame) Keep(w http.ResponseWriter) (ctx context.Context, release func(), ok bool) {
	return f.hold(w, nil)
}

// hold does both; r is nil where the context is to outlive the request.
func (f *Frame) hold(w http.ResponseWriter, r *http.Request) (ctx context.Context, release func(), ok bool) {
	f.holdMu.Lock()
	defer f.holdMu.Unlock()
	if f.stopping.Err() != nil {
		return nil, nil, false
	}
	f.streams.Add(1)
	f.metrics.streams.Inc()
	rc := http.NewResponseController(w)
	// Recorders in tests have no deadlines; real connections do.
	_ = rc.SetReadDeadline(time.Time{})
	_ = rc.SetWriteDeadline(time.Time{})
	ctx = context.Background()
	if r != nil {
		ctx = r.Context()
	}
	ctx, cancel := context.WithCancel(ctx)
	disarm := context.AfterFunc(f.stopping, cancel)
	return ctx, func() {
		disarm()
		cancel()
		f.metrics.streams.Dec()
		f.streams.Done()
	}, true
}

// Run serves on the listeners until ctx ends or one of them fails, then stops: /readyz turns red, streams end (their
// clients try another node), requests under way get five seconds.
func (f *Frame) Run(ctx context.Context, listeners ...net.Listener) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler:           f.Handler(),
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(f.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- srv.Serve(l) }()
	}
	var err error
	left := len(listeners)
	select {
	case <-ctx.Done():
	case err = <-failed:
		left--
	}
	f.Stop()
	grace, done := context.WithTimeout(base, stopTime)
	defer done()
	if serr := srv.Shutdown(grace); serr != nil {
		err = errors.Join(err, srv.Close())
	}
	cancel()
	f.streams.Wait()
	for ; left > 0; left-- {
		if serr := <-failed; !errors.Is(serr, http.ErrServerClosed) {
			err = errors.Join(err, serr)
		}
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Stop ends the streams and turns /readyz red. Run calls it; calling it twice is harmless.
func (f *Frame) Stop() {
	f.holdMu.Lock()
	defer f.holdMu.Unlock()
	f.stop()
}
