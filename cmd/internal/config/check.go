// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"refdesk/cluster/desk"
)

// check returns every mistake of c that decoding can't see, without lines.
func (c *Config) check() Problems {
	var v verdict
	c.checkDesk(&v)
	c.checkHTTP(&v)
	c.checkXMPP(&v)
	c.checkMail(&v)
	c.checkAlarm(&v)
	c.checkCluster(&v)
	c.checkLimits(&v)
	c.checkClocks(&v)
	c.checkLog(&v)
	return Problems(v)
}

// verdict gathers problems; want adds one unless ok.
type verdict Problems

func (v *verdict) want(ok bool, key, format string, args ...any) {
	if !ok {
		*v = append(*v, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
}

var (
	hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)
	nodeName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
)

func (c *Config) checkDesk(v *verdict) {
	d := c.Desk
	v.want(strings.TrimSpace(d.Name) != "" && len(d.Name) <= 200, "desk.name", "write the library's name, 200 bytes at most")
	v.want(isHost(d.Domain), "desk.domain", "write a host name in small letters, such as desk.example")
	v.want(d.Dir != "", "desk.dir", "write the folder for the desk's data")
}

func (c *Config) checkHTTP(v *verdict) {
	h := c.HTTP
	v.want(h.Listen != "" || h.TLSListen != "", "http.listen", "give listen or tls_listen an address: no patron could come in")
	listen(v, "http.listen", h.Listen, true)
	listen(v, "http.tls_listen", h.TLSListen, true)
	v.want(h.PlainOK || loopback(h.Listen), "http.listen",
		"plain HTTP off loopback lets others read along; use tls_listen, or write allow_plain_text_off_loopback = true if a proxy adds TLS")
	v.want(h.TLSListen == "" || c.TLS.Cert != "", "http.tls_listen", "needs tls.cert and tls.key")
	u, err := url.Parse(h.PublicURL)
	v.want(err == nil && (u.Scheme == "http" || u.Scheme == "https") && isHost(u.Hostname()) && (u.Path == "" || u.Path == "/") &&
		u.RawQuery == "" && u.User == nil, "http.public_url", "write scheme and host only, such as https://desk.example")
	v.want(isHost(h.StaffHost), "http.staff_host", "write a host name")
	v.want(isHost(h.FilesHost), "http.files_host", "write a host name")
	if err == nil {
		hosts := []string{u.Hostname(), h.StaffHost, h.FilesHost}
		slices.Sort(hosts)
		v.want(len(slices.Compact(hosts)) == 3, "http.staff_host", "patrons, staff and files need three different host names")
	}
	for _, s := range h.Sites {
		v.want(isOrigin(s), "http.sites", "%q is no site; write https://www.library.example", s)
	}
	networks(v, "http.trusted_proxies", h.TrustedProxies)
	networks(v, "http.campus_networks", h.CampusNetworks)
}

func (c *Config) checkXMPP(v *verdict) {
	x := c.XMPP
	listen(v, "xmpp.listen", x.Listen, true)
	listen(v, "xmpp.tls_listen", x.TLSListen, true)
	v.want(x.TLSListen == "" || c.TLS.Cert != "", "xmpp.tls_listen", "needs tls.cert and tls.key")
	v.want(x.Listen == "" || c.TLS.Cert != "" || x.PlainOK || loopback(x.Listen), "xmpp.listen",
		"staff would log in without TLS; give tls.cert and tls.key, or write allow_login_without_tls = true")
	v.want((c.TLS.Cert == "") == (c.TLS.Key == ""), "tls.key", "cert and key belong together")
}

func (c *Config) checkCluster(v *verdict) {
	l := c.Cluster
	v.want(nodeName.MatchString(l.ID), "cluster.id", "write small letters, digits and hyphens, 32 at most")
	v.want(l.Profile == ProfileFast || l.Profile == ProfileSlowDisk, "cluster.profile", "write %q or %q", ProfileFast, ProfileSlowDisk)
	v.want(l.Reserve >= 16 && l.Reserve <= 1<<20, "cluster.reserve", "write how many MB of the disk stay free, 16 to 1048576")
	listen(v, "cluster.listen", l.Listen, true)
	listen(v, "cluster.address", l.Address, true)
	v.want(l.Listen == "" || l.Reached() != "", "cluster.address", "write where the other nodes reach this one: %q is no address that they could call", l.Listen)
	v.want(l.Listen == "" || len(l.Peers) > 0 || l.CA != "" && l.Cert != "" && l.Key != "", "cluster.ca", "ca, cert and key are needed between nodes")
	if len(l.Peers) == 0 {
		return
	}
	_, in := l.Peers[l.ID]
	v.want(in, "cluster.peers", "%s, this node, has to be among them", l.ID)
	v.want(l.Listen != "", "cluster.listen", "write the address where the other nodes reach this one")
	v.want(l.CA != "" && l.Cert != "" && l.Key != "", "cluster.ca", "ca, cert and key are needed between nodes")
	seen := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(l.Peers)) {
		p := l.Peers[id]
		key := "cluster.peers." + id
		v.want(nodeName.MatchString(id), key, "write the node's id in small letters, digits and hyphens")
		listen(v, key+".address", p.Address, false)
		other, twice := seen[p.Address]
		v.want(!twice || p.Address == "", key+".address", "is the address of %s too", other)
		seen[p.Address] = id
		u, err := url.Parse(p.URL)
		v.want(p.URL == "" || err == nil && u.Host != "" && strings.HasPrefix(u.Scheme, "http"), key+".url",
			"write where a patron's page reaches this node, such as https://n1.desk.example")
	}
}

func (c *Config) checkLimits(v *verdict) {
	l := c.Limits
	for key, n := range map[string]int{
		"lines_burst": l.LinesBurst, "chats_per_minute": l.ChatsPerMinute, "sockets": l.Sockets, "rings_per_minute": l.RingsPerMinute,
	} {
		v.want(n > 0, "limits."+key, "write a number above 0")
	}
	v.want(l.LinesPerSecond > 0, "limits.lines_per_second", "write a number above 0")
	v.want(l.BodyBytes >= 20<<10 && l.BodyBytes <= 64<<10, "limits.body_bytes", "write 20480 to 65536: a whole line has to fit, a command too")
	v.want(l.StanzaBytes >= 20<<10 && l.StanzaBytes <= 1<<20, "limits.stanza_bytes", "write 20480 to 1048576")
}

func (c *Config) checkClocks(v *verdict) {
	known := map[string]bool{}
	for _, i := range desk.Clocks() {
		known[i.Name] = true
	}
	for name, d := range c.Clocks {
		key := "clocks." + name
		if !known[name] {
			v.want(false, key, "%s", unknownText(key))
			continue
		}
		v.want(d.Duration > 0 && d.Hours() <= 24*366, key, "write a duration above 0 and below a year")
	}
}

func (c *Config) checkLog(v *verdict) {
	var l slog.Level
	v.want(l.UnmarshalText([]byte(c.Log.Level)) == nil && !strings.ContainsAny(c.Log.Level, "+-"), "log.level", "write debug, info, warn or error")
	v.want(c.Log.Format == "text" || c.Log.Format == "json", "log.format", "write text or json")
}

// listen judges a host:port; "" passes where off is allowed.
func listen(v *verdict, key, addr string, off bool) {
	if addr == "" {
		v.want(off, key, "write host:port")
		return
	}
	host, port, err := net.SplitHostPort(addr)
	n, perr := strconv.ParseUint(port, 10, 16)
	_, ierr := netip.ParseAddr(host)
	good := err == nil && perr == nil && (host == "" || ierr == nil || isHost(host))
	v.want(good && (n > 0 || off), key, "%q is no address; write host:port, such as 127.0.0.1:8080", addr)
}

func networks(v *verdict, key string, list []string) {
	for _, s := range list {
		_, aerr := netip.ParseAddr(s)
		_, nerr := netip.ParsePrefix(s)
		v.want(aerr == nil || nerr == nil, key, "%q is no address or network; write 192.0.2.7 or 192.0.2.0/24", s)
	}
}

// loopback says whether an address can be reached from this machine alone; "" (off) can't be reached at all.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip, ierr := netip.ParseAddr(host)
	return addr == "" || err != nil || host == "localhost" || ierr == nil && ip.IsLoopback()
}

func isHost(s string) bool {
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.IsValid() && ip.Zone() == ""
	}
	return len(s) <= 253 && hostName.MatchString(s)
}

// isOrigin accepts scheme://host[:port] without a path.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && isHost(u.Hostname()) && u.Path == "" && u.RawQuery == "" &&
		u.Fragment == "" && u.User == nil
}
