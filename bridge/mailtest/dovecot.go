// SPDX-License-Identifier: Apache-2.0

package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Dovecot is a running Dovecot: the mailboxes desk, alice and bob, each with its name and "pw" as the password.
type Dovecot struct {
	t          testing.TB
	Dir        string
	IMAP, LMTP int    // ports
	AuthSocket string // for Postfix
	Cert, Key  string // PEM files
	Trust      *tls.Config
	conf       string
	uid, gid   int // of the mailboxes' owner
	dropped    int
}

// StartDovecot starts one. Settings are further lines of its configuration.
func StartDovecot(t testing.TB, settings ...string) *Dovecot {
	t.Helper()
	NeedRoot(t)
	Need(t, "dovecot")
	if _, err := os.Stat("/usr/lib/dovecot/lmtp"); err != nil {
		lack(t, "dovecot-lmtpd is not installed")
	}
	if _, err := os.Stat("/usr/lib/dovecot/imap"); err != nil {
		lack(t, "dovecot-imapd is not installed")
	}
	d := &Dovecot{t: t, Dir: folder(t), IMAP: FreePort(t), LMTP: FreePort(t)}
	d.AuthSocket, d.conf = filepath.Join(d.Dir, "run", "auth-postfix"), filepath.Join(d.Dir, "dovecot.conf")
	d.certificate()
	owner, err := user.Lookup("mail") // an account that every Debian has
	if err != nil {
		lack(t, "there is no user called mail")
	}
	d.uid, d.gid = number(t, owner.Uid), number(t, owner.Gid)
	d.ours(os.Mkdir(filepath.Join(d.Dir, "mail"), 0o755), filepath.Join(d.Dir, "mail"))
	var users strings.Builder
	for _, name := range []string{"desk", "alice", "bob"} {
		fmt.Fprintf(&users, "%s:{PLAIN}%spw:%s:%s::%s::\n", name, name, owner.Uid, owner.Gid, filepath.Join(d.Dir, "mail", name))
	}
	write(t, filepath.Join(d.Dir, "users"), users.String())
	write(t, d.conf, d.text(settings))
	run(t, "dovecot", "-c", d.conf)
	t.Cleanup(d.Stop)
	greets(t, d.IMAP)
	greets(t, d.LMTP)
	return d
}

// text is the configuration.
func (d *Dovecot) text(settings []string) string {
	lines := []string{
		"base_dir = " + filepath.Join(d.Dir, "run"), "state_dir = " + filepath.Join(d.Dir, "run"), "log_path = " + filepath.Join(d.Dir, "dovecot.log"),
		"listen = 127.0.0.1", "protocols = imap lmtp", "first_valid_uid = 1", "disable_plaintext_auth = no", "auth_mechanisms = plain login",
		"ssl = yes", "ssl_cert = <" + d.Cert, "ssl_key = <" + d.Key,
		"auth_username_format = %Ln", "recipient_delimiter = +", "lmtp_save_to_detail_mailbox = no",
		"mail_location = maildir:" + filepath.Join(d.Dir, "mail") + "/%n",
		"passdb {\n  driver = passwd-file\n  args = scheme=PLAIN username_format=%n " + filepath.Join(d.Dir, "users") + "\n}",
		"userdb {\n  driver = passwd-file\n  args = username_format=%n " + filepath.Join(d.Dir, "users") + "\n}",
		"namespace inbox {\n  inbox = yes\n  separator = /\n  mailbox Sent {\n    auto = create\n    special_use = \\Sent\n  }\n}",
		fmt.Sprintf("service imap-login {\n  inet_listener imap {\n    port = %d\n  }\n  inet_listener imaps {\n    port = 0\n  }\n}", d.IMAP),
		fmt.Sprintf("service lmtp {\n  inet_listener lmtp {\n    address = 127.0.0.1\n    port = %d\n  }\n}", d.LMTP),
		"service auth {\n  unix_listener auth-postfix {\n    mode = 0666\n  }\n}",
		"service anvil {\n  unix_listener anvil {\n    mode = 0600\n  }\n}",
	}
	return strings.Join(append(lines, settings...), "\n") + "\n"
}

// Stop ends it with all its connections; it may be called twice. Dovecot's own way to stop lets those go on that wait for
// mail, so it is killed: the whole group of processes that its master leads.
func (d *Dovecot) Stop() {
	file := filepath.Join(d.Dir, "run", "master.pid")
	data, err := os.ReadFile(file)
	if err != nil {
		return
	}
	group := number(d.t, strings.TrimSpace(string(data)))
	_ = syscall.Kill(group, syscall.SIGTERM) // the master tidies up
	Eventually(d.t, "dovecot ends", func() bool {
		_, err := os.Stat(file)
		return err != nil
	})
	_ = syscall.Kill(-group, syscall.SIGKILL) // what is left of it, if anything is
}

// Start starts it again after Stop.
func (d *Dovecot) Start() {
	d.t.Helper()
	run(d.t, "dovecot", "-c", d.conf)
	greets(d.t, d.IMAP)
	greets(d.t, d.LMTP)
}

// certificate makes one for localhost, and the trust in it.
func (d *Dovecot) certificate() {
	d.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		d.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		d.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		d.t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	d.Cert, d.Key = filepath.Join(d.Dir, "cert.pem"), filepath.Join(d.Dir, "key.pem")
	write(d.t, d.Cert, string(certPEM))
	write(d.t, d.Key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	d.Trust = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// Mails are the mails in a folder ("" = INBOX) of a mailbox, as files, the oldest first.
func (d *Dovecot) Mails(box, folder string) []string {
	d.t.Helper()
	dir := filepath.Join(d.Dir, "mail", box)
	if folder != "" {
		dir = filepath.Join(dir, "."+strings.ReplaceAll(folder, "/", "."))
	}
	type file struct {
		text string
		name string
	}
	var files []file
	seen := map[string]bool{} // Dovecot moves mails from new to cur at any moment; they keep the first part of their name
	for _, sub := range []string{"new", "cur"} {
		names, err := filepath.Glob(filepath.Join(dir, sub, "*"))
		if err != nil {
			d.t.Fatal(err)
		}
		for _, n := range names {
			data, err := os.ReadFile(n)
			if err != nil {
				continue // moved to cur at this moment, where it is found next
			}
			unique, _, _ := strings.Cut(filepath.Base(n), ":")
			if seen[unique] {
				continue
			}
			seen[unique] = true
			files = append(files, file{string(data), filepath.Base(n)})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	var out []string
	for _, f := range files {
		out = append(out, f.text)
	}
	return out
}

// Drop puts mails into a mailbox at once, past the servers: a name, or the path of a folder below it.
func (d *Dovecot) Drop(box string, mails ...string) {
	d.t.Helper()
	dir := filepath.Join(d.Dir, "mail", box)
	for _, sub := range []string{"..", "", "tmp", "new", "cur"} {
		d.ours(os.MkdirAll(filepath.Join(dir, sub), 0o755), filepath.Join(dir, sub))
	}
	for _, m := range mails {
		d.dropped++
		name := fmt.Sprintf("%d.%d.test", time.Now().UnixNano(), d.dropped)
		tmp := filepath.Join(dir, "tmp", name)
		d.ours(os.WriteFile(tmp, []byte(m), 0o644), tmp)
		if err := os.Rename(tmp, filepath.Join(dir, "new", name)); err != nil {
			d.t.Fatal(err)
		}
	}
}

// ours gives a file that was made to the mailboxes' owner.
func (d *Dovecot) ours(err error, path string) {
	d.t.Helper()
	if err = errors.Join(err, os.Chown(path, d.uid, d.gid)); err != nil {
		d.t.Fatal(err)
	}
}

// Forget makes Dovecot number a mailbox anew: another UIDVALIDITY, other UIDs.
func (d *Dovecot) Forget(box string) {
	d.t.Helper()
	for _, pattern := range []string{"dovecot-uidlist", "dovecot.index*", "dovecot-uidvalidity*"} {
		names, err := filepath.Glob(filepath.Join(d.Dir, "mail", box, pattern))
		if err != nil {
			d.t.Fatal(err)
		}
		for _, n := range names {
			if err := os.Remove(n); err != nil {
				d.t.Fatal(err)
			}
		}
	}
}

func number(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
