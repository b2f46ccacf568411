// SPDX-License-Identifier: Apache-2.0

package mailtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Postfix is a running Postfix between desk.test, where the desk is, and patron.test, where alice and bob have mailboxes.
// gone@patron.test is an address whose mailbox is no more. It never sends anything off this machine.
type Postfix struct {
	t          testing.TB
	Dir        string
	MX         int // port for anybody's mail
	Submission int // port for those who sign in, with STARTTLS
	conf       string
	running    bool
}

// StartPostfix starts one that hands mail over to Dovecot. Desk is where mail for desk.test goes instead, such as
// "lmtp:inet:127.0.0.1:2424"; "" = the mailbox desk.
func StartPostfix(t testing.TB, d *Dovecot, desk string) *Postfix {
	t.Helper()
	NeedRoot(t)
	Need(t, "postfix")
	p := &Postfix{t: t, Dir: folder(t), MX: FreePort(t), Submission: FreePort(t)}
	p.conf = filepath.Join(p.Dir, "conf")
	for _, dir := range []string{"spool", "data"} {
		if err := os.Mkdir(filepath.Join(p.Dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "chown", "postfix:", filepath.Join(p.Dir, "data"))
	write(t, filepath.Join(p.conf, "master.cf"), p.master())
	write(t, filepath.Join(p.conf, "main.cf"), p.main(d, desk))
	write(t, filepath.Join(p.conf, "mailboxes"), "desk@desk.test ok\nalice@patron.test ok\nbob@patron.test ok\ngone@patron.test ok\n")
	aliases := ""
	for _, local := range []string{"help", "reference", "digital", "bounce", "postmaster"} {
		aliases += local + "@desk.test desk@desk.test\n"
	}
	write(t, filepath.Join(p.conf, "aliases"), aliases)
	p.Start()
	t.Cleanup(p.Stop)
	return p
}

// main is main.cf.
func (p *Postfix) main(d *Dovecot, desk string) string {
	lines := []string{
		"compatibility_level = 3.6", "queue_directory = " + p.Dir + "/spool", "data_directory = " + p.Dir + "/data",
		"command_directory = /usr/sbin", "daemon_directory = /usr/lib/postfix/sbin", "mail_owner = postfix", "setgid_group = postdrop",
		"maillog_file = " + p.Dir + "/postfix.log", "maillog_file_prefixes = " + p.Dir,
		"inet_interfaces = 127.0.0.1", "inet_protocols = ipv4", "myhostname = mx.desk.test", "myorigin = desk.test", "mydestination =",
		"mynetworks = 127.0.0.0/8", "alias_maps =", "alias_database =", "local_transport = error:5.1.1 no local mail",
		"virtual_mailbox_maps = texthash:" + p.conf + "/mailboxes",
		fmt.Sprintf("virtual_transport = lmtp:inet:127.0.0.1:%d", d.LMTP),
		"default_transport = error:5.4.4 nothing leaves this machine", "relay_transport = error:5.4.4 nothing leaves this machine",
		"disable_dns_lookups = yes", "smtp_host_lookup = native", "recipient_delimiter = +", "smtpd_peername_lookup = no", "smtputf8_enable = yes",
		"message_size_limit = 60000000", "virtual_mailbox_limit = 0", "mailbox_size_limit = 0",
		"minimal_backoff_time = 1s", "maximal_backoff_time = 2s", "queue_run_delay = 1s",
		"smtpd_tls_cert_file = " + d.Cert, "smtpd_tls_key_file = " + d.Key, "smtpd_tls_security_level = may",
		"smtpd_sasl_type = dovecot", "smtpd_sasl_path = " + d.AuthSocket, "smtpd_sasl_security_options = noanonymous",
		"smtpd_recipient_restrictions = reject_unauth_destination", "smtpd_relay_restrictions = reject_unauth_destination",
	}
	if desk == "" {
		lines = append(lines, "virtual_mailbox_domains = desk.test patron.test", "virtual_alias_maps = texthash:"+p.conf+"/aliases")
	} else {
		write(p.t, filepath.Join(p.conf, "transport"), "desk.test "+desk+"\n")
		lines = append(lines, "virtual_mailbox_domains = patron.test", "relay_domains = desk.test", "transport_maps = texthash:"+p.conf+"/transport")
	}
	return strings.Join(lines, "\n") + "\n"
}

// master is master.cf.
func (p *Postfix) master() string {
	return fmt.Sprintf(`127.0.0.1:%d inet n - n - - smtpd
127.0.0.1:%d inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_tls_auth_only=yes
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`, p.MX, p.Submission)
}

// Start starts it again after Stop.
func (p *Postfix) Start() {
	p.t.Helper()
	run(p.t, "postfix", "-c", p.conf, "start")
	p.running = true
	greets(p.t, p.MX)
	greets(p.t, p.Submission)
}

// Stop ends it, as a server that is down; it may be called twice.
func (p *Postfix) Stop() {
	if p.running {
		run(p.t, "postfix", "-c", p.conf, "stop")
		p.running = false
	}
}

// Flush has it try everything again that waits. By itself it passes over for a while what it was delivering when it looked.
func (p *Postfix) Flush() {
	p.t.Helper()
	run(p.t, "postqueue", "-c", p.conf, "-f")
}

// Inject hands a mail over as a stranger's server would, with swaks.
func (p *Postfix) Inject(from, to, mail string) {
	p.t.Helper()
	Need(p.t, "swaks")
	cmd := exec.Command("swaks", "--server", "127.0.0.1", "--port", fmt.Sprint(p.MX), "--helo", "mx.patron.test", "--from", from, "--to", to, "--data", "-", "--hide-all")
	cmd.Stdin = strings.NewReader(mail)
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("swaks: %v\n%s", err, out)
	}
}
