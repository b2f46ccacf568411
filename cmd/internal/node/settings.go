// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/rota"
	"refdesk/gateway/web"
	"refdesk/gateway/web/widget"
	"refdesk/gateway/xmpp/c2s"
	"refdesk/gateway/xmpp/element"
)

// webConfig is the configuration of everything over HTTP.
func (n *Node) webConfig(registry *prometheus.Registry) web.Config {
	h := n.cfg.HTTP
	c := web.Config{
		PatronHosts: n.patronHosts(), StaffHosts: []string{h.StaffHost}, FilesHosts: []string{h.FilesHost},
		Sites: h.Sites, Nodes: n.nodeURLs(), TrustedProxies: prefixes(h.TrustedProxies), CampusNetworks: prefixes(h.CampusNetworks),
		MaxBody: int64(n.cfg.Limits.BodyBytes), Open: n.opened, Ready: n.ready, Registry: registry, Log: n.log,
	}
	return c
}

// ready says whether this node can commit.
func (n *Node) ready(ctx context.Context) error {
	s, err := n.store.Status(ctx)
	switch {
	case err != nil:
	case s.Full:
		err = &desk.Error{Code: desk.NoQuorum, Field: "disk"}
	case !s.Ready:
		err = &desk.Error{Code: desk.NoQuorum}
	}
	return err
}

// meet tells the patrons' pages of the nodes that the desk has now.
func (n *Node) meet() {
	select {
	case <-n.built:
	default:
		return // it is asked again within a second
	}
	urls := n.nodeURLs()
	err := n.store.View(context.Background(), n.actor(), func(r desk.Reader) error {
		nodes, err := r.Nodes()
		gone, errGone := r.RemovedNodes()
		for _, x := range gone {
			urls = slices.DeleteFunc(urls, func(u string) bool { return u == x.URL && u != n.cfg.HTTP.PublicURL })
		}
		for _, x := range nodes {
			if x.URL != "" && !slices.Contains(urls, x.URL) {
				urls = append(urls, x.URL)
			}
		}
		return errors.Join(err, errGone)
	})
	if err != nil || slices.Equal(urls, n.frame.Nodes()) {
		return
	}
	if err := n.frame.SetNodes(urls); err != nil {
		n.log.Warn("a node's URL can't be used", "err", err)
	}
}

// nodeURLs are where patrons' pages reach the desk's nodes: this one first, the others by id.
func (n *Node) nodeURLs() []string {
	out := []string{n.cfg.HTTP.PublicURL}
	ids := make([]string, 0, len(n.cfg.Cluster.Peers))
	for id := range n.cfg.Cluster.Peers {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if u := n.cfg.Cluster.Peers[id].URL; u != "" && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// patronHosts are the host names that patrons' pages go by: those of the nodes' URLs, and loopback's names where this node
// listens on loopback alone.
func (n *Node) patronHosts() []string {
	var out []string
	for _, s := range n.nodeURLs() {
		if u, err := url.Parse(s); err == nil {
			out = append(out, u.Hostname())
		}
	}
	if host, _, err := net.SplitHostPort(n.cfg.HTTP.Listen); err == nil {
		if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
			out = append(out, "localhost", "127.0.0.1", "::1")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// prefixes reads addresses and networks that the configuration has checked.
func prefixes(list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err == nil {
			out = append(out, p.Masked())
		} else if a, err := netip.ParseAddr(s); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return out
}

func (n *Node) widgetLimits() widget.Limits {
	l, clock := n.cfg.Limits, n.cfg.Clocks
	return widget.Limits{
		Lines: l.LinesBurst, LineEvery: time.Duration(float64(time.Second) / l.LinesPerSecond),
		Chats: l.ChatsPerMinute, ChatEvery: time.Minute / time.Duration(l.ChatsPerMinute), Sockets: l.Sockets,
		DetachAfter: clock["patron_detached"].Duration, PollingFor: clock["patron_polled"].Duration,
	}
}

func (n *Node) streamConfig() c2s.Config {
	return c2s.Config{
		Domain: n.cfg.Desk.Domain, TLS: n.tls, PlainSASL: n.cfg.XMPP.PlainOK, Features: n.staff.Features(),
		After: element.Limits{Bytes: n.cfg.Limits.StanzaBytes}, Log: n.log,
	}
}

// calendars makes the departments' calendars anew.
func (n *Node) calendars(ctx context.Context, now time.Time) ([]desk.Command, error) {
	var all []desk.Department
	err := n.store.View(ctx, adminActor(), func(r desk.Reader) error {
		views, err := r.Departments(desk.At(now))
		if err != nil {
			return err
		}
		for _, v := range views {
			d, err := r.Department(v.ID)
			if err != nil {
				return err
			}
			all = append(all, *d)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []desk.Command
	for _, d := range all {
		k, err := rota.Expand(d, now)
		if err != nil {
			return nil, err
		}
		out = append(out, &desk.SetCalendar{Calendar: k})
	}
	return out, nil
}
