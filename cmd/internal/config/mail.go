// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net"
	"strings"
)

// Mail is the mail door: how tickets' mails leave and come in.
type Mail struct {
	Domain           string `toml:"domain"` // of the desk's addresses; "" = desk.domain
	Listen           string `toml:"listen"` // host:port, SMTP or LMTP in; "" = off
	LMTP             bool   `toml:"lmtp"`
	Server           string `toml:"server"` // host:port, SMTP out; "" = mails stay on the outbox page
	TLS              string `toml:"tls"`    // of server and imap
	User             string `toml:"user"`
	PasswordFile     string `toml:"password_file"`
	IMAP             string `toml:"imap"` // host:port, a mailbox to read; "" = none
	IMAPUser         string `toml:"imap_user"`
	IMAPPasswordFile string `toml:"imap_password_file"`
	IMAPFolder       string `toml:"imap_folder"`
	FromName         string `toml:"from_name"` // as patrons' mail programs show the library; "" = desk.name
}

// The ways to keep a connection to a mail server from being read.
const (
	MailStartTLS = "starttls"
	MailTLS      = "tls"
	MailPlain    = "none"
)

func defaultMail() Mail { return Mail{TLS: MailStartTLS, IMAPFolder: "INBOX"} }

// MailDomain is the domain of the desk's addresses.
func (c *Config) MailDomain() string {
	if c.Mail.Domain != "" {
		return c.Mail.Domain
	}
	return c.Desk.Domain
}

// paths are the files that the section names.
func (m *Mail) paths() []*string { return []*string{&m.PasswordFile, &m.IMAPPasswordFile} }

func (c *Config) checkMail(v *verdict) {
	m := c.Mail
	v.want(m.Domain == "" || isHost(m.Domain), "mail.domain", "write a host name in small letters, such as library.example")
	listen(v, "mail.listen", m.Listen, true)
	v.want(!m.LMTP || m.Listen != "", "mail.lmtp", "needs mail.listen")
	v.want(m.TLS == MailStartTLS || m.TLS == MailTLS || m.TLS == MailPlain, "mail.tls", "write %q, %q or %q", MailStartTLS, MailTLS, MailPlain)
	server(v, "mail.server", m.Server)
	server(v, "mail.imap", m.IMAP)
	v.want(m.User == "" || m.Server != "", "mail.user", "needs mail.server")
	v.want((m.User == "") == (m.PasswordFile == ""), "mail.password_file", "user and password_file belong together")
	v.want(m.User == "" || m.TLS != MailPlain || loopback(m.Server), "mail.tls", "the password would be readable on its way to %s; write starttls or tls", m.Server)
	v.want(m.IMAP == "" || m.IMAPUser != "" && m.IMAPPasswordFile != "", "mail.imap_user", "mail.imap needs imap_user and imap_password_file")
	v.want(m.IMAP == "" || m.TLS != MailPlain || loopback(m.IMAP), "mail.tls", "the password would be readable on its way to %s; write starttls or tls", m.IMAP)
	v.want(m.IMAP == "" || m.IMAPFolder != "" && !strings.ContainsAny(m.IMAPFolder, "\r\n"), "mail.imap_folder", "write the folder's name, such as INBOX")
	v.want(len(m.FromName) <= 200 && !strings.ContainsAny(m.FromName, "\r\n@"), "mail.from_name", "write the library's name, 200 bytes at most, without @")
}

// server judges the host:port of somebody else's server.
func server(v *verdict, key, addr string) {
	if addr == "" {
		return
	}
	host, port, err := net.SplitHostPort(addr)
	v.want(err == nil && isHost(host) && port != "" && port != "0", key, "%q is no server; write host:port, such as mail.example:587", addr)
}
