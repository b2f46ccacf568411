// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// sources computes the two lists of the patron pages' policy that depend on the configuration: who may frame them, and
// where they may connect to (every node, over HTTP and WebSocket).
func sources(origins map[string]bool) (embed, connect string) {
	var frames, targets []string
	for o := range origins {
		frames = append(frames, o)
		targets = append(targets, o, "ws"+strings.TrimPrefix(o, "http"))
	}
	slices.Sort(frames)
	slices.Sort(targets)
	return strings.Join(append([]string{"'self'"}, frames...), " "), strings.Join(append([]string{"'self'"}, targets...), " ")
}

// secure sets the headers that every answer carries. Policies are set by host: patron pages may be framed by the listed
// sites, staff pages by nobody, and files render nothing at all.
func (f *Frame) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		h.Set("Content-Security-Policy", f.policy(f.hosts[hostName(r.Host)], r.Host))
		next.ServeHTTP(w, r)
	})
}

// policy is the Content-Security-Policy of a host's answers. No inline script or style anywhere.
func (f *Frame) policy(kind hostKind, host string) string {
	const page = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
		"base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; "
	switch around := f.around.Load(); kind {
	case patronHost:
		// Older engines don't count ws://host as 'self', so the host asked for is named too; it passed the allow-list.
		return page + "connect-src " + around.connect + sockets(host) + "; frame-src 'self'; frame-ancestors " + around.embed
	case staffHost:
		return page + "connect-src 'self'; frame-ancestors 'none'"
	default:
		return "default-src 'none'; frame-ancestors 'none'; sandbox"
	}
}

// sockets names a host's WebSocket origins, when its port is one.
func sockets(host string) string {
	if _, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return ""
		}
	}
	if strings.ContainsAny(host, ";, '\"") {
		return ""
	}
	return " ws://" + host + " wss://" + host
}

// cors answers for the listed sites and the desk's own nodes, and refuses changes from pages elsewhere.
func (f *Frame) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin == "" {
			next.ServeHTTP(w, r)
			return
		}
		if !f.OriginAllowed(r, origin) {
			f.WriteProblem(w, r, NewProblem(http.StatusForbidden, CodeOrigin, "Pages of this origin are not listed as sites of the desk."))
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "Retry-After")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
