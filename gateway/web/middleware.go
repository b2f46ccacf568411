// SPDX-License-Identifier: Apache-2.0

package web

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// Times that bound a plain exchange. Streams lift the write deadline themselves (Hold).
const (
	readTime  = 15 * time.Second
	writeTime = 45 * time.Second
)

// Handler is the whole door: middleware around the three hosts.
func (f *Frame) Handler() http.Handler {
	var h http.Handler = http.HandlerFunc(f.dispatch)
	h = f.bound(h)
	h = f.opened(h)
	h = f.cors(h)
	h = f.health(h)
	h = f.secure(h)
	h = f.recovering(h)
	return f.observe(h)
}

// opened answers 503 until the doors are open: whoever looks gets an answer, and nobody comes in whom the desk can't have
// here yet.
func (f *Frame) opened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.cfg.Open != nil {
			select {
			case <-f.cfg.Open:
			default:
				f.WriteProblem(w, r, Unavailable(time.Second, "This node is starting; try again, here or on another node."))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// answer remembers what was sent, for the log and for recovering.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 || a.status < 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection (deadlines, flush, hijack).
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// observe counts and logs each request. The log names the route, never the path, the query, the address or a header:
// none of them can carry a token, a person's address or a chat's text then.
func (f *Frame) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		a := &answer{ResponseWriter: w}
		next.ServeHTTP(a, r)
		took := time.Since(start)
		route := r.Pattern
		if route == "" {
			route = "none"
		}
		f.metrics.request(route, a.status, took)
		level := slog.LevelDebug
		switch {
		case a.status >= 500 && a.status != http.StatusNotImplemented:
			level = slog.LevelWarn
		case a.status >= 400:
			level = slog.LevelInfo
		}
		f.log.LogAttrs(r.Context(), level, "http request",
			slog.String("method", methodName(r.Method)), slog.String("route", route), slog.Int("status", a.status),
			slog.Int64("bytes", a.bytes), slog.Duration("took", took))
	})
}

// methodName keeps what strangers invent out of log and metrics.
func methodName(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// recovering turns a panic into a 500 problem, or breaks the connection when the answer had begun.
func (f *Frame) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			f.log.ErrorContext(r.Context(), "http handler panicked", "route", r.Pattern, "panic", v, "stack", string(debug.Stack()))
			if a, ok := w.(*answer); ok && a.status != 0 {
				panic(http.ErrAbortHandler)
			}
			f.WriteProblem(w, r, NewProblem(http.StatusInternalServerError, CodeInternal, "Something went wrong on our side."))
		}()
		next.ServeHTTP(w, r)
	})
}

// bound limits the body in size and in time, and the answer in time. A server-wide read timeout would end long polls
// (net/http keeps reading the idle connection), so the deadline is set here and lifted once the body is through.
func (f *Frame) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		now := time.Now()
		// Not every writer has deadlines (tests' recorders don't); there is nothing to bound then.
		_ = rc.SetWriteDeadline(now.Add(writeTime))
		if r.ContentLength != 0 {
			_ = rc.SetReadDeadline(now.Add(readTime))
			if r.ContentLength > f.cfg.MaxBody {
				w.Header().Set("Connection", "close")
				f.WriteProblem(w, r, &http.MaxBytesError{Limit: f.cfg.MaxBody})
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, f.cfg.MaxBody)
		}
		next.ServeHTTP(w, r)
	})
}
