// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// Network is the part of a patron's address that limits go by: the /24 of an IPv4, the /64 of an IPv6 address. Exempt
// networks (the campus, behind one address) are not limited. It is kept in memory only, for minutes.
type Network struct {
	Key    string
	Exempt bool
}

// NetworkOf tells which network a request came from. X-Forwarded-For counts only when the peer is a trusted proxy, and
// then from the right: the first address that is not itself a trusted proxy is the patron's.
func (f *Frame) NetworkOf(r *http.Request) Network {
	addr := f.clientAddr(r)
	if !addr.IsValid() {
		return Network{Key: "unknown"}
	}
	bits := 64
	if addr.Is4() {
		bits = 24
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return Network{Key: "unknown"}
	}
	return Network{Key: p.String(), Exempt: contains(f.cfg.CampusNetworks, addr)}
}

// Address is the address of whoever sent the request, without zone and as IPv4 where it is one: for counting failures,
// never for keeping.
func (f *Frame) Address(r *http.Request) netip.Addr { return f.clientAddr(r) }

// Encrypted reports whether the browser's connection is encrypted: by this node, or by a trusted proxy that says so.
func (f *Frame) Encrypted(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	return contains(f.cfg.TrustedProxies, peerAddr(r)) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// clientAddr is the address of whoever sent the request, without zone and as IPv4 where it is one.
func (f *Frame) clientAddr(r *http.Request) netip.Addr {
	addr := peerAddr(r)
	if !addr.IsValid() || !contains(f.cfg.TrustedProxies, addr) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return addr
		}
		addr = hop.WithZone("").Unmap()
		if !contains(f.cfg.TrustedProxies, addr) {
			return addr
		}
	}
	return addr
}

// peerAddr is the other end of the connection.
func peerAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().WithZone("").Unmap()
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
