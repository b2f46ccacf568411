// SPDX-License-Identifier: Apache-2.0

// Package web is the frame of everything that refdesk says over HTTP: the three host names, the middleware, the errors,
// the limits, health and metrics, and the server that runs it all and stops it gracefully.
//
// The doors themselves (widget, staff) mount their handlers into it:
//
//	frame, err := web.New(cfg)
//	frame.Patron().Handle("GET /api/v1/departments", h)
//	err = frame.Run(ctx, listener)
//
// What the frame does for each request, from the outside in: count and log it (route, status and duration; no address,
// no token, no query), turn a panic into a 500 problem, check the Host header against the allow-list, set the security
// headers, answer CORS, bound the body and the time to read and write it, then hand it to the host's own mux.
package web

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"refdesk/gateway/web/ui"
)

// MaxBody is the default limit of a request's body in bytes.
const MaxBody = 64 << 10

// Config is what the frame has to know. The zero values of the optional fields are usable.
type Config struct {
	PatronHosts []string // host names without port, at least one; IP literals only when listed
	StaffHosts  []string
	FilesHosts  []string

	Sites []string // origins whose pages may embed the chat: "https://library.example"
	Nodes []string // base URLs under which patrons reach the desk's nodes, this one included: "https://n1.desk.example"

	TrustedProxies []netip.Prefix // peers whose X-Forwarded-For is believed
	CampusNetworks []netip.Prefix // patrons behind these share an address and are not limited by network
	MetricsFrom    []netip.Prefix // who may read /metrics; empty means loopback

	MaxBody int64 // bytes; 0 means MaxBody

	Open     <-chan struct{}             // closed when the doors may be used; nil means at once
	Ready    func(context.Context) error // nil error: this node can commit. A nil func means always
	Registry *prometheus.Registry        // where the frame's metrics go and what /metrics shows; nil makes one
	Log      *slog.Logger                // nil discards
}

// Frame is the HTTP side of one node. Mount everything before Handler or Run is called.
type Frame struct {
	cfg     Config
	hosts   map[string]hostKind
	around  atomic.Pointer[around] // which nodes there are, and what follows from that
	pages   *ui.Pages
	log     *slog.Logger
	metrics *metrics

	patron, staff, files *http.ServeMux
	staffed              bool // the staff's door has mounted its pages

	stopping context.Context // ends when the server begins to stop
	stop     context.CancelFunc
	streams  sync.WaitGroup
	holdMu   sync.Mutex // orders streams.Add before streams.Wait
}

// New checks the configuration and assembles the frame with its own routes: health, metrics, assets, and the pages that
// say what is not here yet.
func New(cfg Config) (*Frame, error) {
	if cfg.MaxBody == 0 {
		cfg.MaxBody = MaxBody
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Registry == nil {
		cfg.Registry = prometheus.NewRegistry()
	}
	if len(cfg.MetricsFrom) == 0 {
		cfg.MetricsFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	pages, err := ui.New()
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg.Registry)
	if err != nil {
		return nil, err
	}
	f := &Frame{
		cfg: cfg, pages: pages, log: cfg.Log, metrics: m,
		patron: http.NewServeMux(), staff: http.NewServeMux(), files: http.NewServeMux(),
	}
	f.stopping, f.stop = context.WithCancel(context.Background())
	if f.hosts, err = hostTable(cfg); err != nil {
		return nil, err
	}
	if err := f.SetNodes(cfg.Nodes); err != nil {
		return nil, err
	}
	f.routes()
	return f, nil
}

// Patron is the mux of the patrons' host name. Patterns are http.ServeMux's.
func (f *Frame) Patron() *http.ServeMux { return f.patron }

// Staff is the mux of the staff's host name. Whoever asks for it mounts its pages, the one for "/" included.
func (f *Frame) Staff() *http.ServeMux {
	f.staffed = true
	return f.staff
}

// Pages are the templates and assets of the user interface.
func (f *Frame) Pages() *ui.Pages { return f.pages }

// Nodes are the base URLs of the desk's nodes as patrons reach them.
func (f *Frame) Nodes() []string { return f.around.Load().nodes }

// SetNodes says that the desk has other nodes now: pages that are opened from here on know them.
func (f *Frame) SetNodes(nodes []string) error {
	cfg := f.cfg
	cfg.Nodes = nodes
	origins, err := originTable(cfg)
	if err != nil {
		return err
	}
	a := &around{nodes: nodes, origins: origins}
	a.embed, a.connect = sources(origins)
	f.around.Store(a)
	return nil
}

// around is what depends on which nodes there are.
type around struct {
	nodes   []string
	origins map[string]bool
	embed   string // the value of frame-ancestors
	connect string // the value of connect-src
}

// Origins are the origins whose pages may embed the chat and call the API, sorted.
func (f *Frame) Origins() []string { return slices.Sorted(maps.Keys(f.around.Load().origins)) }

// Sites are those of them that are no nodes of the desk: the library's own.
func (f *Frame) Sites() []string { return f.cfg.Sites }

// Log is the frame's logger.
func (f *Frame) Log() *slog.Logger { return f.log }

// routes mounts what the frame itself answers.
func (f *Frame) routes() {
	f.patron.Handle("GET /assets/", f.pages.Assets())
	f.patron.Handle("GET /widget.js", f.pages.Assets())
	f.patron.HandleFunc("/api/", f.noRoute)
	f.patron.HandleFunc("/", f.noRoute)
	f.staff.Handle("GET /assets/", f.pages.Assets())
	f.files.HandleFunc("/", f.notHereYet("files"))
}
