// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"refdesk/cluster/desk"
)

// metrics are the frame's own figures.
type metrics struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	streams  prometheus.Gauge
}

func newMetrics(reg *prometheus.Registry) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "refdesk_http_requests_total", Help: "HTTP requests answered, by route and status.",
		}, []string{"route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "refdesk_http_request_seconds", Help: "Time to answer, streams included.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60},
		}, []string{"route"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "refdesk_http_streams", Help: "Sockets, event streams and long polls open now.",
		}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.took, m.streams} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register web metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) request(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(route).Observe(took.Seconds())
}

// health answers probes before the host check: they come by address, and they say nothing about anybody. /healthz: the
// process answers. /readyz: this node can commit; 503 without quorum and while stopping. /metrics is for the listed
// networks only, and never through a proxy that nobody told us of.
func (f *Frame) health(next http.Handler) http.Handler {
	show := promhttp.HandlerFor(f.cfg.Registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		switch r.URL.Path {
		case "/healthz":
			probe(w, http.StatusOK, "ok")
		case "/readyz":
			if err := f.ready(r.Context()); err != nil {
				w.Header().Set("Retry-After", "1")
				text := "not ready"
				if errors.Is(err, &desk.Error{Code: desk.NoQuorum, Field: "disk"}) {
					text = "not ready: the disk is nearly full"
				}
				probe(w, http.StatusServiceUnavailable, text)
				return
			}
			probe(w, http.StatusOK, "ready")
		case "/metrics":
			addr := f.clientAddr(r)
			hidden := r.Header.Get("X-Forwarded-For") != "" && !contains(f.cfg.TrustedProxies, peerAddr(r))
			if !addr.IsValid() || hidden || !contains(f.cfg.MetricsFrom, addr) {
				f.WriteProblem(w, r, NewProblem(http.StatusForbidden, CodeForbidden, "Metrics are not for this network."))
				return
			}
			show.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (f *Frame) ready(ctx context.Context) error {
	if f.stopping.Err() != nil {
		return http.ErrServerClosed
	}
	if f.cfg.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return f.cfg.Ready(ctx)
}

func probe(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// Whoever probed may have hung up; there is nobody to tell.
	_, _ = io.WriteString(w, text+"\n")
}
