// SPDX-License-Identifier: Apache-2.0

// Package config is the configuration of a node: its defaults, the strict reading of refdesk.toml, what is refused and
// why, and the commented sample.
//
// A file is decoded strictly: an unknown key is a mistake, not a silent no. All mistakes of a file are reported at once
// (Problems), each with its line and its key. Nothing is read from the environment, and nothing here is kept in package
// variables: whoever reads a Config owns it.
package config

import (
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"refdesk/cluster/desk"
)

// Config is one node's configuration. The zero value is not usable; start from Default.
type Config struct {
	Desk    Desk                `toml:"desk"`
	HTTP    HTTP                `toml:"http"`
	XMPP    XMPP                `toml:"xmpp"`
	TLS     TLS                 `toml:"tls"`
	Mail    Mail                `toml:"mail"`
	Alarm   Alarm               `toml:"alarm"`
	Cluster Cluster             `toml:"cluster"`
	Limits  Limits              `toml:"limits"`
	Clocks  map[string]Duration `toml:"clocks"` // every name of desk.Clocks
	Log     Log                 `toml:"log"`
}

// Desk says whose desk it is and where its data lies.
type Desk struct {
	Name   string `toml:"name"`   // shown to patrons and staff
	Domain string `toml:"domain"` // XMPP domain of the staff's accounts
	Dir    string `toml:"dir"`    // data directory, relative to the file
}

// HTTP is the patron's and the staff's web door.
type HTTP struct {
	Listen         string   `toml:"listen"`     // host:port, plain; "" = off
	TLSListen      string   `toml:"tls_listen"` // host:port; "" = off
	PublicURL      string   `toml:"public_url"` // as patrons reach it, without a path
	StaffHost      string   `toml:"staff_host"`
	FilesHost      string   `toml:"files_host"`
	Sites          []string `toml:"sites"`            // origins that may embed the widget
	TrustedProxies []string `toml:"trusted_proxies"`  // addresses or CIDR networks
	CampusNetworks []string `toml:"campus_networks"`  // addresses or CIDR networks without per-network limits
	PageTitles     bool     `toml:"keep_page_titles"` // of the pages that patrons ask on
	DemoPage       bool     `toml:"demo_page"`        // a made-up library's page with the widget at /
	PlainOK        bool     `toml:"allow_plain_text_off_loopback"`
}

// XMPP is the staff's door.
type XMPP struct {
	Listen    string `toml:"listen"`     // host:port, STARTTLS; "" = off
	TLSListen string `toml:"tls_listen"` // host:port, direct TLS; "" = off
	PlainOK   bool   `toml:"allow_login_without_tls"`
}

// TLS names the certificate of both doors, PEM files relative to the configuration file.
type TLS struct {
	Cert string `toml:"cert"`
	Key  string `toml:"key"`
}

// Cluster is the node's place among the desk's nodes.
type Cluster struct {
	ID      string          `toml:"id"`
	Listen  string          `toml:"listen"`  // host:port between nodes, mutual TLS; "" on a desk of one node that can't grow
	Address string          `toml:"address"` // host:port where the others reach this node; "" = listen
	CA      string          `toml:"ca"`
	Cert    string          `toml:"cert"`
	Key     string          `toml:"key"`
	Profile string          `toml:"profile"` // "fast" or "slow-disk"
	Reserve int             `toml:"reserve"` // MB of the disk that stay free
	Peers   map[string]Peer `toml:"peers"`   // by node id, this node included
}

// Reached is host:port where the other nodes reach this one; "" if nothing says it.
func (c Cluster) Reached() string {
	if p := c.Peers[c.ID]; p.Address != "" {
		return p.Address
	}
	if c.Address != "" {
		return c.Address
	}
	host, port, err := net.SplitHostPort(c.Listen)
	ip, ierr := netip.ParseAddr(host)
	if err != nil || host == "" || port == "0" || ierr == nil && ip.IsUnspecified() {
		return ""
	}
	return c.Listen
}

// Peer is one node of the desk as the others reach it.
type Peer struct {
	Address string `toml:"address"` // host:port between nodes
	URL     string `toml:"url"`     // where a patron's page reaches it
}

// Limits bound what one source may ask of the desk.
type Limits struct {
	LinesBurst     int     `toml:"lines_burst"`      // lines at once in a chat
	LinesPerSecond float64 `toml:"lines_per_second"` // refill
	ChatsPerMinute int     `toml:"chats_per_minute"` // opened, a network
	Sockets        int     `toml:"sockets"`          // open at once, a network
	RingsPerMinute int     `toml:"rings_per_minute"` // to one person; above it rings are bundled
	BodyBytes      int     `toml:"body_bytes"`       // HTTP body and WebSocket frame
	StanzaBytes    int     `toml:"stanza_bytes"`     // XMPP stanza after login
}

// Log says how much is written to standard error.
type Log struct {
	Level  string `toml:"level"`  // debug, info, warn or error
	Format string `toml:"format"` // text or json
}

// Duration is a time.Duration written as a Go duration string ("1m30s").
type Duration struct{ time.Duration }

// UnmarshalText reads a Go duration string.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return errDuration
	}
	d.Duration = v
	return nil
}

// MarshalText writes a Go duration string.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Default is what holds where the file is silent. It equals the commented sample.
func Default() Config {
	c := Config{
		Desk: Desk{Name: "Library", Domain: "localhost", Dir: "data"},
		HTTP: HTTP{
			Listen: "127.0.0.1:8080", PublicURL: "http://localhost:8080",
			StaffHost: "staff.localhost", FilesHost: "files.localhost",
			Sites: []string{}, TrustedProxies: []string{}, CampusNetworks: []string{},
		},
		XMPP:    XMPP{Listen: "127.0.0.1:5222"},
		Mail:    defaultMail(),
		Alarm:   Alarm{Targets: []string{}},
		Cluster: Cluster{ID: "n0", Profile: ProfileFast, Reserve: 512, Peers: map[string]Peer{}},
		Limits: Limits{
			LinesBurst: 20, LinesPerSecond: 2, ChatsPerMinute: 60, Sockets: 2000, RingsPerMinute: 30,
			BodyBytes: 64 << 10, StanzaBytes: 256 << 10,
		},
		Clocks: map[string]Duration{},
		Log:    Log{Level: "info", Format: "text"},
	}
	for _, i := range desk.Clocks() {
		c.Clocks[i.Name] = Duration{i.Default}
	}
	return c
}

// Profiles of the cluster's timing.
const (
	ProfileFast     = "fast"
	ProfileSlowDisk = "slow-disk"
)

// ChatDomain is the domain of the bot and of the chats' own addresses.
func (c *Config) ChatDomain() string { return "chat." + c.Desk.Domain }

// Clone returns a copy that shares no map or slice with c.
func (c *Config) Clone() Config {
	n := *c
	n.Clocks, n.Cluster.Peers = maps.Clone(c.Clocks), maps.Clone(c.Cluster.Peers)
	n.HTTP.Sites = append([]string{}, c.HTTP.Sites...)
	n.HTTP.TrustedProxies = append([]string{}, c.HTTP.TrustedProxies...)
	n.HTTP.CampusNetworks = append([]string{}, c.HTTP.CampusNetworks...)
	n.Alarm.Targets = append([]string{}, c.Alarm.Targets...)
	return n
}

// resolve makes the paths of c absolute, relative ones taken from base.
func (c *Config) resolve(base string) {
	paths := []*string{&c.Desk.Dir, &c.TLS.Cert, &c.TLS.Key, &c.Cluster.CA, &c.Cluster.Cert, &c.Cluster.Key}
	for _, p := range append(paths, c.Mail.paths()...) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(base, *p)
		}
	}
}
