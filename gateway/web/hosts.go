// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// hostKind is which of the three host names a request came to.
type hostKind string

const (
	patronHost hostKind = "patron"
	staffHost  hostKind = "staff"
	filesHost  hostKind = "files"
)

// hostTable maps each permitted host name to its kind. Anything else is refused: a page elsewhere that points its own
// name at this address (DNS rebinding) gets nothing.
func hostTable(cfg Config) (map[string]hostKind, error) {
	if len(cfg.PatronHosts) == 0 {
		return nil, errors.New("web: no patron host name configured")
	}
	table := make(map[string]hostKind)
	for kind, names := range map[hostKind][]string{
		patronHost: cfg.PatronHosts, staffHost: cfg.StaffHosts, filesHost: cfg.FilesHosts,
	} {
		for _, name := range names {
			n := hostName(name)
			if other, ok := table[n]; ok && other != kind {
				return nil, fmt.Errorf("web: host name %q is configured for both %s and %s", n, other, kind)
			}
			table[n] = kind
		}
	}
	return table, nil
}

// hostName brings a Host header or configured name into one form: lower case, no port, no brackets, no final dot.
func hostName(s string) string {
	if h, _, err := net.SplitHostPort(s); err == nil {
		s = h
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	return strings.ToLower(strings.TrimSuffix(s, "."))
}

// dispatch hands a request to the mux of its host name.
func (f *Frame) dispatch(w http.ResponseWriter, r *http.Request) {
	switch f.hosts[hostName(r.Host)] {
	case patronHost:
		f.patron.ServeHTTP(w, r)
	case staffHost:
		if !f.staffed {
			f.notHereYet("staff")(w, r)
			return
		}
		f.staff.ServeHTTP(w, r)
	case filesHost:
		f.files.ServeHTTP(w, r)
	default:
		f.WriteProblem(w, r, NewProblem(http.StatusMisdirectedRequest, CodeHost, "This desk does not go by that host name."))
	}
}

// originTable lists the origins that may call the API from a page and open its sockets: the listed sites, the desk's
// nodes, and the nodes under each of the patrons' host names (a page loaded from localhost talks to a node named
// 127.0.0.1, and the reverse).
func originTable(cfg Config) (map[string]bool, error) {
	table := make(map[string]bool)
	for _, s := range append(append([]string(nil), cfg.Sites...), cfg.Nodes...) {
		u, err := url.Parse(s)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return nil, fmt.Errorf("web: %q is no origin like https://library.example", s)
		}
		table[originOf(u)] = true
	}
	for _, s := range cfg.Nodes {
		u, err := url.Parse(s)
		if err != nil {
			return nil, fmt.Errorf("web: node URL: %w", err)
		}
		for _, name := range cfg.PatronHosts {
			host := hostName(name)
			if port := u.Port(); port != "" {
				host = net.JoinHostPort(host, port)
			} else if strings.Contains(host, ":") {
				host = "[" + host + "]"
			}
			table[u.Scheme+"://"+host] = true
		}
	}
	return table, nil
}

// originOf is scheme and host in the form browsers send: no default port.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch {
	case u.Scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	case u.Scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// OriginAllowed reports whether a page of that origin may call the API of the host it was sent to. A request without
// an Origin header comes from no page and is not for this check.
func (f *Frame) OriginAllowed(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, r.Host) || f.around.Load().origins[originOf(u)]
}
