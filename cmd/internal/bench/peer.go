// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// xmppPeer is another project's XMPP server: messages go from client to client. What its stream management acknowledges
// (XEP-0198) counts as acknowledged, and what its archive holds (XEP-0313) as kept.
type xmppPeer struct {
	title  string
	dir    string // seed and run lie below
	port   int
	config func(p *xmppPeer) error    // writes the configuration into run
	argv   func(p *xmppPeer) []string // starts it
	env    func(p *xmppPeer) []string // nil: none
	proc   *child
	who    []*account
	talk   []*client // of the senders
	ears   []*client
}

const peerDomain = "localhost"

func (p *xmppPeer) name() string               { return p.title }
func (p *xmppPeer) run() string                { return filepath.Join(p.dir, "run") }
func (p *xmppPeer) people() []*account         { return p.who }
func (p *xmppPeer) sides() []string            { return []string{""} }
func (p *xmppPeer) pids() []int                { return []int{p.proc.pid()} }
func (p *xmppPeer) reach(int) (string, string) { return loopback(p.port), peerDomain }

// prepare registers the accounts, as new users do (XEP-0077).
func (p *xmppPeer) prepare() (err error) {
	if p.port, err = freePort(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(p.run(), "data"), 0o700); err != nil {
		return err
	}
	if err := p.config(p); err != nil {
		return err
	}
	for i := range accounts {
		a, err := newAccount("u"+strconv.Itoa(i), "secret")
		if err != nil {
			return err
		}
		p.who = append(p.who, a)
	}
	if err := p.again(); err != nil {
		return err
	}
	err = each(accounts, 8, func(i int) error { return p.register(p.who[i]) })
	p.proc.end()
	return errors.Join(err, os.Rename(p.run(), filepath.Join(p.dir, "seed")))
}

func (p *xmppPeer) register(a *account) error {
	c, err := dial(loopback(p.port), peerDomain, nil)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.write("<iq type='set' id='reg'><query xmlns='jabber:iq:register'><username>" + a.name + "</username><password>" +
		a.password + "</password></query></iq>"); err != nil {
		return err
	}
	raw, err := c.await("iq")
	if err == nil && attr(raw, "type") != "result" {
		err = fmt.Errorf("register %s: %s", a.name, raw)
	}
	return err
}

func (p *xmppPeer) start() error {
	if err := fresh(filepath.Join(p.dir, "seed"), p.run()); err != nil {
		return err
	}
	return p.again()
}

func (p *xmppPeer) again() (err error) {
	var env []string
	if p.env != nil {
		env = p.env(p)
	}
	log := filepath.Join(p.dir, "log")
	if p.proc, err = launch(log, env, p.argv(p)...); err != nil {
		return err
	}
	if err := p.proc.answers(loopback(p.port)); err != nil {
		said, _ := os.ReadFile(log)
		p.proc.kill()
		return fmt.Errorf("%s: %w: %s", p.title, err, said[max(0, len(said)-2000):])
	}
	return nil
}

func (p *xmppPeer) stop() {
	for _, c := range append(p.talk, p.ears...) {
		c.conn.Close()
	}
	p.talk, p.ears = nil, nil
	p.proc.end()
}

func (p *xmppPeer) kill() error {
	p.proc.kill()
	return nil
}

// lanes connects 16 receivers and 128 senders, each on an account of its own.
func (p *xmppPeer) lanes(_ int, m *meter) ([]*lane, error) {
	all := make([]*client, receivers+senders)
	err := each(len(all), 8, func(i int) (err error) {
		all[i], err = connect(loopback(p.port), peerDomain, p.who[i], "bench", m)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.ears, p.talk = all[:receivers], all[receivers:]
	var out []*lane
	for i, c := range p.talk {
		to := p.who[i%receivers].name + "@" + peerDomain
		out = append(out, newLane(func(n int) error { return c.say(to, n) }))
	}
	return out, nil
}

// pageSize is how many messages of an archive are asked for at once (XEP-0059).
const pageSize = 250

// stored reads the senders' archives, page by page.
func (p *xmppPeer) stored(_ int, found func(int)) error {
	return each(senders, 4, func(i int) error {
		c, err := dial(loopback(p.port), peerDomain, newMeter1())
		if err != nil {
			return err
		}
		defer c.conn.Close()
		if err := c.login(p.who[receivers+i], "check"); err != nil {
			return err
		}
		for after := ""; ; {
			page := "<set xmlns='http://jabber.org/protocol/rsm'><max>" + strconv.Itoa(pageSize) + "</max>"
			if after != "" {
				page += "<after>" + after + "</after>"
			}
			if err := c.write("<iq type='set' id='mam'><query xmlns='urn:xmpp:mam:2'>" + page + "</set></query></iq>"); err != nil {
				return err
			}
			last, complete, err := c.page(found)
			if err != nil {
				return err
			}
			if complete || last == "" || last == after {
				return nil
			}
			after = last
		}
	})
}

// newMeter1 is a meter for a client that sends nothing.
func newMeter1() *meter { return &meter{notes: make([]note, 1)} }

// page reads one page of an archive.
func (c *client) page(found func(int)) (last string, complete bool, err error) {
	for {
		name, raw, err := c.rd.next()
		if err != nil {
			return "", false, err
		}
		switch {
		case name == "message":
			numbers(raw, found)
		case name == "iq" && attr(raw, "id") == "mam":
			if attr(raw, "type") != "result" {
				return "", false, fmt.Errorf("archive: %s", raw)
			}
			_, rest, _ := bytes.Cut(raw, []byte("<last>"))
			id, _, _ := bytes.Cut(rest, []byte("<"))
			return string(id), bytes.Contains(raw, []byte("complete='true'")), nil
		}
	}
}

// prosody describes Debian's Prosody with a storage. Its modules are those that Debian switches on, and the archive.
func prosody(dir, cert, key string, sqlite bool) *xmppPeer {
	title, storage := "Prosody", "storage = 'internal'"
	if sqlite {
		title, storage = "Prosody SQLite", "storage = 'sql'; sql = { driver = 'SQLite3', database = 'prosody.sqlite' }"
	}
	return &xmppPeer{
		title: title, dir: dir,
		config: func(p *xmppPeer) error {
			return os.WriteFile(filepath.Join(p.run(), "prosody.cfg.lua"), []byte(strings.Join([]string{
				"run_as_root = true; daemonize = false",
				"data_path = '" + filepath.Join(p.run(), "data") + "'; pidfile = '" + filepath.Join(p.run(), "pid") + "'",
				"modules_enabled = { 'disco', 'roster', 'saslauth', 'tls', 'blocklist', 'bookmarks', 'carbons', 'pep', 'private', 'smacks'," +
					" 'vcard4', 'vcard_legacy', 'csi_simple', 'ping', 'register', 'time', 'uptime', 'version', 'mam' }",
				"modules_disabled = { 's2s' }; allow_registration = true; authentication = 'internal_hashed'",
				"network_settings = { nagle = false }; interfaces = { '127.0.0.1' }",
				"c2s_ports = {}; c2s_direct_tls_ports = { " + strconv.Itoa(p.port) + " }",
				"ssl = { certificate = '" + cert + "', key = '" + key + "' }",
				"max_archive_query_results = " + strconv.Itoa(pageSize) + "; archive_expires_after = '1w'",
				storage, "log = { warn = '*console' }", "VirtualHost 'localhost'", "",
			}, "\n")), 0o600)
		},
		argv: func(p *xmppPeer) []string {
			return []string{"prosody", "-F", "--config", filepath.Join(p.run(), "prosody.cfg.lua")}
		},
	}
}

// ejabberd describes Debian's ejabberd with a storage.
func ejabberd(dir, both string, sqlite bool) *xmppPeer {
	title, storage := "ejabberd", "default_db: mnesia\nauth_method: internal\n"
	return &xmppPeer{
		title: title + map[bool]string{true: " SQLite"}[sqlite], dir: dir,
		config: func(p *xmppPeer) error {
			if sqlite {
				storage = "default_db: sql\nauth_method: sql\nsql_type: sqlite\nsql_database: " + filepath.Join(p.run(), "ejabberd.sqlite") + "\n"
			}
			return os.WriteFile(filepath.Join(p.run(), "ejabberd.yml"), []byte("hosts: [localhost]\nloglevel: error\n"+
				"certfiles: ["+both+"]\nauth_password_format: scram\nregistration_timeout: infinity\n"+storage+
				"listen:\n  - {port: "+strconv.Itoa(p.port)+", ip: '127.0.0.1', module: ejabberd_c2s, tls: true, max_stanza_size: 262144}\n"+
				"modules:\n  mod_adhoc: {}\n  mod_blocking: {}\n  mod_caps: {}\n  mod_carboncopy: {}\n  mod_client_state: {}\n"+
				"  mod_disco: {}\n  mod_last: {}\n  mod_mam: {default: always}\n  mod_offline: {}\n  mod_ping: {}\n  mod_privacy: {}\n"+
				"  mod_private: {}\n  mod_pubsub: {plugins: [flat, pep]}\n  mod_register: {ip_access: all}\n  mod_roster: {versioning: true}\n"+
				"  mod_stream_mgmt: {}\n  mod_vcard: {}\n  mod_version: {}\n"), 0o600)
		},
		env: func(p *xmppPeer) []string {
			return []string{
				"EJABBERD_CONFIG_PATH=" + filepath.Join(p.run(), "ejabberd.yml"), "EJABBERD_LOG_PATH=" + filepath.Join(p.run(), "ejabberd.log"),
				"SPOOL_DIR=" + filepath.Join(p.run(), "data"), "ERL_LIBS=" + erlangLibs, "ERL_CRASH_DUMP=/dev/null", "HOME=" + p.dir,
			}
		},
		argv: func(p *xmppPeer) []string { // as ejabberdctl does, but without a node name, which needs epmd
			return []string{
				"erl", "-noinput", "+K", "true", "+P", "250000", "-mnesia", "dir", `"` + filepath.Join(p.run(), "data") + `"`, "-s", "ejabberd",
			}
		},
	}
}

const erlangLibs = "/usr/lib/x86_64-linux-gnu"

// peers are the servers that are installed here; the rest is named.
func peers(dir, cert, key, both string) (out []subject, missing []string) {
	add := func(p *xmppPeer, programs ...string) {
		for _, x := range programs {
			if _, err := exec.LookPath(x); err != nil {
				missing = append(missing, p.title+" ("+x+" is not installed)")
				return
			}
		}
		out = append(out, p)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	add(prosody(at("prosody"), cert, key, false), "prosody")
	add(prosody(at("prosody-sqlite"), cert, key, true), "prosody")
	add(ejabberd(at("ejabberd"), both, false), "erl", "ejabberdctl")
	add(ejabberd(at("ejabberd-sqlite"), both, true), "erl", "ejabberdctl")
	return out, missing
}
