// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"fmt"
	"strconv"
)

// client is an XMPP client that we know how to set up.
type client struct {
	ID, Name string
	On       string // what it runs on
	Steps    func(s settings) []string
}

// settings are what somebody has to type into a client.
type settings struct {
	Address string // ana@desk.example
	Account string
	Domain  string
	Bot     string
	Host    string
	Port    int
	TLS     int
	CA      string
}

// server says where to connect, with the port that the client's way of encrypting needs.
func (s settings) server(tls bool) string {
	host := s.Host
	if host == "" {
		host = s.Domain
	}
	if tls && s.TLS != 0 {
		return host + ", port " + strconv.Itoa(s.TLS)
	}
	return host + ", port " + strconv.Itoa(s.Port)
}

// clients lists them, those that most people find easiest first.
func clients() []client {
	return []client{
		{"gajim", "Gajim", "Windows, Linux, macOS", func(s settings) []string {
			return []string{
				"Accounts → Add Account → Log In. Address: " + s.Address + ". Password: the one above.",
				"If it doesn't find the server: Advanced Settings, then server " + s.server(false) + ", type “START TLS”.",
				"Chats ring in the window of " + s.Bot + ".",
			}
		}},
		{"dino", "Dino", "Linux", func(s settings) []string {
			return []string{
				"Add Account → Sign in. Address: " + s.Address + ". Password: the one above.",
				"Dino takes the server from the domain's DNS alone; it has no field for " + s.server(false) + ".",
				"Start a conversation with " + s.Bot + ".",
			}
		}},
		{"conversations", "Conversations", "Android", func(s settings) []string {
			return []string{
				"“I already have an account”. XMPP address: " + s.Address + ". Password: the one above.",
				"If it doesn't find the server: Settings → Expert settings → “Extended connection settings”, then " + s.server(false) + ".",
				"Let Android keep the app running: it asks you to switch battery optimisation off.",
			}
		}},
		{"monal", "Monal", "iPhone, iPad, macOS", func(s settings) []string {
			return []string{
				"Add account. Address: " + s.Address + ". Password: the one above.",
				"If it doesn't find the server: “Advanced”, then " + s.server(true) + ", direct TLS on.",
				"An iPhone puts the app to sleep: it does not ring then. Keep it in the foreground during a shift, or use the board.",
			}
		}},
		{"pidgin", "Pidgin", "Windows, Linux", func(s settings) []string {
			return []string{
				"Accounts → Add. Protocol: XMPP. Username: " + s.Account + ". Domain: " + s.Domain + ". Password: the one above.",
				"Tab “Advanced”: “Require encryption”, connect port " + strconv.Itoa(s.Port) + ", connect server " + s.server(false) + ".",
				"Preferences → Status: no auto-away, since Pidgin goes away after five minutes.",
			}
		}},
		{"psi", "Psi and Psi+", "Windows, Linux, macOS", func(s settings) []string {
			return []string{
				"Account Setup → Add. XMPP address: " + s.Address + ". Password: the one above.",
				"Tab “Connection”: “Manually specify server host/port”, " + s.server(false) + ", encrypt connection: always.",
			}
		}},
		{"profanity", "Profanity", "terminal", func(s settings) []string {
			connect := "/connect " + s.Address
			if s.Host != "" {
				connect += fmt.Sprintf(" server %s port %d", s.Host, s.Port)
			}
			return []string{
				connect + " tls force",
				"Then: /msg " + s.Bot + " help",
				"Profanity keeps /close and /who for itself; the desk's words begin with an exclamation mark.",
			}
		}},
		{"converse", "Converse.js", "any browser", func(s settings) []string {
			return []string{
				"XMPP address: " + s.Address + ". Password: the one above.",
				"A page of your own needs the WebSocket address of the desk; its host-meta names it.",
			}
		}},
		{"other", "Another client", "anything that speaks XMPP", func(s settings) []string {
			steps := []string{
				"Address (JID): " + s.Address + ".",
				"Server: " + s.server(false) + ", STARTTLS.",
			}
			if s.TLS != 0 {
				steps = append(steps, "Or: "+s.server(true)+", TLS from the first byte.")
			}
			return append(steps, "Mechanisms: SCRAM-SHA-256, SCRAM-SHA-1, PLAIN.")
		}},
	}
}

// clientNamed finds a client by its id; what is not known is "other".
func clientNamed(id string) client {
	all := clients()
	for _, c := range all {
		if c.ID == id {
			return c
		}
	}
	return all[len(all)-1]
}

// settings are what an account types into its clients.
func (d *Door) settings(account string) settings {
	c := d.cfg.Connect
	return settings{
		Address: account + "@" + c.Domain, Account: account, Domain: c.Domain, Bot: c.Bot,
		Host: c.Host, Port: c.Port, TLS: c.TLS, CA: c.CA,
	}
}
