// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"

	"refdesk/cluster/desk"
	"refdesk/cmd/internal/config"
	"refdesk/cmd/internal/node"
)

// saved is DIR/demo.json: what a second start must find again. It is readable by its owner alone.
type saved struct {
	Domain    string     `json:"domain"`
	Nodes     int        `json:"nodes"`
	Peers     []string   `json:"peers"` // host:port between nodes
	Operators []Operator `json:"operators"`
	Admin     Operator   `json:"admin"` // who looks after the demo's desk; of no department, and not among the operators
}

// plan is a demo made ready to start.
type plan struct {
	options Options
	dir     string // absolute
	saved   saved
	members []member
	ca      node.Pair
}

// member is one node of the plan.
type member struct {
	id, dir, file                  string
	http, https, xmpp, xmpps, smtp string // host:port
	pid                            int
}

// prepare makes or completes the directory: passwords, certificates, and a configuration per node.
func prepare(o Options) (*plan, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", o.Dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory: %w; choose another with --dir", err)
	}
	p := &plan{options: o, dir: dir}
	if err := p.load(); err != nil {
		return nil, err
	}
	if err := p.complete(); err != nil {
		return nil, err
	}
	if err := p.place(); err != nil {
		return nil, err
	}
	authority, err := p.authority()
	if err != nil {
		return nil, err
	}
	if p.ca, err = authority.Pair(); err != nil {
		return nil, err
	}
	for i := range p.members {
		if err := p.write(i, authority); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *plan) path(name string) string { return filepath.Join(p.dir, name) }

func (p *plan) load() error {
	data, err := os.ReadFile(p.path("demo.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &p.saved)
	}
	if err != nil {
		return fmt.Errorf("read the demo's passwords: %w; start with another --dir", err)
	}
	if p.saved.Domain != p.options.Domain || p.saved.Nodes != p.options.Nodes {
		return fmt.Errorf("%s holds a demo of %d nodes for %s; start it with those, or choose another --dir",
			p.dir, p.saved.Nodes, p.saved.Domain)
	}
	return nil
}

// complete adds what demo.json lacks, and saves it.
func (p *plan) complete() error {
	s := &p.saved
	s.Domain, s.Nodes = p.options.Domain, p.options.Nodes
	for i, who := range people(p.options.Staff) {
		if i < len(s.Operators) {
			continue
		}
		s.Operators = append(s.Operators, Operator{
			JID: who.Account + "@" + s.Domain, Password: node.NewPassword(), WebPassword: node.NewPassword(), Role: who.Role,
		})
	}
	if s.Admin.JID == "" {
		s.Admin = Operator{JID: adminAccount + "@" + s.Domain, Password: node.NewPassword(), WebPassword: node.NewPassword(), Role: "admin"}
	}
	for len(s.Peers) < s.Nodes {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}
		s.Peers = append(s.Peers, free.Addr().String())
		if err := free.Close(); err != nil {
			return err
		}
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(p.path("demo.json"), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("save the demo's passwords: %w; choose another --dir", err)
	}
	return nil
}

// place gives each node its directory and addresses: node I adds 10·I to each port.
func (p *plan) place() error {
	o := p.options
	for i := range o.Nodes {
		m := member{id: "n" + strconv.Itoa(i), pid: os.Getpid()}
		m.dir = p.path(m.id)
		m.file = filepath.Join(m.dir, "refdesk.toml")
		for _, a := range []struct {
			flag, base string
			to         *string
		}{{"http", o.HTTP, &m.http}, {"https", o.HTTPS, &m.https}, {"xmpp", o.XMPP, &m.xmpp}, {"xmpps", o.XMPPS, &m.xmpps}, {"smtp", o.SMTP, &m.smtp}} {
			host, port, err := net.SplitHostPort(a.base)
			if err != nil {
				return fmt.Errorf("--%s %q: want HOST:PORT", a.flag, a.base)
			}
			n, err := strconv.ParseUint(port, 10, 16)
			if err != nil || n == 0 || n+uint64(10*i) > 65535 {
				return fmt.Errorf("--%s %q: want a port from 1 to %d", a.flag, a.base, 65535-10*(o.Nodes-1))
			}
			*a.to = net.JoinHostPort(host, strconv.FormatUint(n+uint64(10*i), 10))
		}
		p.members = append(p.members, m)
	}
	return nil
}

// data is the node's data directory.
func (m member) data() string { return filepath.Join(m.dir, dataDir) }

// dataDir is the name of a node's data directory in its own.
const dataDir = "data"

// url is where a browser reaches an address; loopback is called localhost, so that staff.localhost is its neighbour.
func url(scheme, addr, label string) string {
	host, port, _ := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost"
	}
	if label != "" {
		host = label + "." + host
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// config is a node's configuration.
func (p *plan) config(i int) config.Config {
	m := p.members[i]
	c := config.Default()
	c.Desk = config.Desk{Name: deskName, Domain: p.options.Domain, Dir: dataDir}
	c.HTTP.Listen, c.HTTP.TLSListen, c.HTTP.PublicURL = m.http, m.https, url("http", m.http, "")
	c.HTTP.DemoPage = true
	c.XMPP.Listen, c.XMPP.TLSListen = m.xmpp, m.xmpps
	c.Mail.Listen = m.smtp
	c.TLS = config.TLS{Cert: "server.pem", Key: "server.key"}
	c.Cluster.ID = m.id
	c.Cluster.CA, c.Cluster.Cert, c.Cluster.Key = "../ca.pem", "node.pem", "node.key"
	if len(p.members) > 1 {
		c.Cluster.Listen = p.saved.Peers[i]
		for j, other := range p.members {
			c.Cluster.Peers[other.id] = config.Peer{Address: p.saved.Peers[j], URL: url("http", other.http, "")}
		}
	}
	return c
}

// settings are the desk-wide values that differ from their defaults.
func (p *plan) settings() []desk.Setting {
	out := []desk.Setting{{Name: "desk.name", Value: deskName}}
	for _, set := range p.options.Set {
		key, value, _ := strings.Cut(set, "=")
		if clock, ok := strings.CutPrefix(key, "clocks."); ok {
			out = append(out, desk.Setting{Name: "clock." + clock, Value: strings.Trim(value, `"`)})
		}
	}
	return out
}

// desk describes the running demo.
func (p *plan) desk() Desk {
	m := p.members[0]
	d := Desk{
		HTTP: url("http", m.http, ""), HTTPS: url("https", m.https, ""), Staff: url("http", m.http, "staff"),
		Files: url("http", m.http, "files"), XMPP: m.xmpp, XMPPS: m.xmpps, SMTP: m.smtp,
		Domain: p.options.Domain, ChatDomain: "chat." + p.options.Domain, CA: p.path("ca.pem"), Dir: p.dir,
		Operators: p.saved.Operators[:3+p.options.Staff], Admin: p.saved.Admin,
	}
	for _, m := range p.members {
		d.Nodes = append(d.Nodes, Member{
			ID: m.id, HTTP: url("http", m.http, ""), HTTPS: url("https", m.https, ""),
			XMPP: m.xmpp, XMPPS: m.xmpps, SMTP: m.smtp, PID: m.pid, Start: p.start(m),
		})
	}
	return d
}

// start is the argv that starts a node.
func (p *plan) start(m member) []string {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return []string{program, "serve", "-c", m.file}
}
