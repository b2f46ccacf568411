// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"refdesk/bridge/inbox"
	"refdesk/bridge/mail"
	"refdesk/bridge/mailtest"
	"refdesk/bridge/outbox"
	"refdesk/cluster/desk"
)

// real is a desk between a real Postfix and a real Dovecot: mails leave by submission with STARTTLS and a password, and
// come in from the mailbox.
type real struct {
	*rig
	post *mailtest.Postfix
	box  *mailtest.Dovecot
}

func newReal(t *testing.T) *real {
	t.Helper()
	mailtest.Need(t, "swaks")
	r := &real{rig: newRig(t), box: mailtest.StartDovecot(t)}
	r.post = mailtest.StartPostfix(t, r.box, "")
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("deskpw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.cfg.SMTP = outbox.Config{
		Server: mailtest.Loopback(r.post.Submission), TLS: outbox.StartTLS, User: "desk", PasswordFile: password, Trust: r.box.Trust,
	}
	r.cfg.IMAP = inbox.IMAPConfig{
		Addr: mailtest.Loopback(r.box.IMAP), TLS: "starttls", User: "desk", PasswordFile: password, Trust: r.box.Trust, Poll: 2 * time.Second,
	}
	r.make()
	return r
}

// runs starts the door, and waits until it reads the mailbox: what comes before that is not the desk's.
func (r *real) runs() (end func()) {
	r.t.Helper()
	end = r.run()
	mailtest.Eventually(r.t, "the mailbox is read", func() bool { return r.b.Status().Mailbox.Reading })
	return end
}

// got waits until a patron has so many mails, and gives the newest.
func (r *real) got(name string, n int) *mail.Message {
	r.t.Helper()
	mailtest.Eventually(r.t, fmt.Sprintf("%s has %d mails", name, n), func() bool { return len(r.box.Mails(name, "")) == n })
	all := r.box.Mails(name, "")
	return mail.Parse(r.t.Context(), strings.NewReader(all[len(all)-1]), mail.Options{})
}

// letter is a mail of alice's.
func letter(id, text string, more ...string) string {
	return strings.Join(append(more, "From: Alice <alice@patron.test>", "Date: "+time.Now().Format(time.RFC1123Z), "Message-ID: <"+id+"@patron.test>"), "\r\n") +
		"\r\n\r\n" + strings.ReplaceAll(text, "\n", "\r\n") + "\r\n"
}

// entries waits until a ticket has so many entries, and gives the last.
func (r *real) entries(ticket uint64, n int) *desk.TicketEntry {
	r.t.Helper()
	r.desk.Until(fmt.Sprintf("ticket %d has %d entries", ticket, n), func() bool { return len(r.desk.Entries(ticket)) == n })
	return r.desk.Entries(ticket)[n-1]
}

func TestThroughPostfixAndDovecot(t *testing.T) {
	r := newReal(t)
	r.runs()
	ticket := r.desk.Ask("Alice", "alice@patron.test", "May I renew a book?")
	m := r.got("alice", 1)
	if e := r.until(ticket, 2, desk.OutSent); e.MessageID != m.MessageID {
		t.Errorf("the patron has %s, the desk sent %s", m.MessageID, e.MessageID)
	}
	if id := r.desk.Mails(ticket)[0].QueueID; id == "" || strings.Contains(id, " ") {
		t.Errorf("the queue id is %q", id)
	}
	if e := r.entry(ticket, 1); e.Text != "May I renew a book?" {
		t.Errorf("the question is %q", e.Text)
	}

	// By the address alone, with all ids gone and another subject.
	r.post.Inject("alice@patron.test", m.ReplyTo[0].Addr, letter("1", "By the address.", "To: "+m.ReplyTo[0].Addr, "Subject: something else"))
	if e := r.entries(ticket, 3); e.Text != "By the address." || e.Held != "" {
		t.Errorf("by the address: %+v", e)
	}
	// By the id alone, to the plain address.
	r.post.Inject("alice@patron.test", "help@desk.test", letter("2", "By the id.\n\nOn Monday, 7 September 2026 at 10:00 Main Library <help@desk.test> wrote:\n> quoted", "To: help@desk.test", "Subject: x", "In-Reply-To: "+m.MessageID))
	if e := r.entries(ticket, 4); e.Text != "By the id." || e.Held != "" {
		t.Errorf("by the id: %+v", e)
	}
	// By the reference to the patron's own mail, from a colleague who was in Cc.
	r.post.Inject("bob@patron.test", "help@desk.test", strings.Replace(letter("3", "Me too.", "To: help@desk.test", "Subject: x", "In-Reply-To: <1@patron.test>"), "Alice <alice@", "Bob <bob@", 1))
	mailtest.Eventually(t, "all are filed", func() bool { return len(r.box.Mails("desk", "Refdesk/Done")) == 3 })
	if n := len(r.desk.Tickets()); n != 2 {
		t.Errorf("%d tickets, want 2: who has no part and no token gets his own", n)
	}

	n := r.answer(ticket, "Yes.\n.\nFrom now on.")
	m = r.got("alice", 2)
	r.until(ticket, n, desk.OutSent)
	if !strings.HasPrefix(m.Text, "Yes.\n.\nFrom now on.") || !slices.Contains(m.References, "<1@patron.test>") {
		t.Errorf("the answer is %q, references %q", m.Text, m.References)
	}
}

// TestNeomutt answers with a mail program that people use.
func TestNeomutt(t *testing.T) {
	r := newReal(t)
	r.runs()
	ticket := r.desk.Ask("Alice", "alice@patron.test", "May I renew a book?")
	m := r.got("alice", 1)
	mailtest.Neomutt(t, r.box, r.post, "alice", "Yes, the red one.")
	e := r.entries(ticket, 3)
	if e.Text != "Yes, the red one." || e.Held != "" || e.Email != "alice@patron.test" {
		t.Errorf("neomutt's answer to %s became %+v", m.MessageID, e)
	}
}

// TestServerDown: a mail server that is away delays, and never loses.
func TestServerDown(t *testing.T) {
	r := newReal(t)
	r.runs()
	r.post.Stop()
	ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
	r.until(ticket, 2, desk.OutDeferred)
	if st := r.b.Status(); !st.Paused || st.Lasting || st.Why == "" {
		t.Errorf("status %+v", st)
	}
	n := r.answer(ticket, "Yes.")
	r.until(ticket, n, desk.OutQueued)
	r.post.Start()
	r.until(ticket, 2, desk.OutSent)
	r.until(ticket, n, desk.OutSent)
	r.got("alice", 2)
	if m := r.desk.Mails(ticket); m[0].Tries != 0 || m[0].Resent {
		t.Errorf("the mail is %+v; the server was at fault, not the mail", m[0])
	}
}

// TestBounce: the mail was taken and could not be delivered; staff are told, and nobody is answered.
func TestBounce(t *testing.T) {
	r := newReal(t)
	r.runs()
	ticket := r.desk.Ask("Gone", "gone@patron.test", "?")
	r.until(ticket, 2, desk.OutFailed)
	told(t, r.rig, ticket, "bounced", "gone@patron.test")
	if tk := r.desk.Tickets(); len(tk) != 1 || !slices.Contains(tk[0].Failed, "gone@patron.test") {
		t.Errorf("%d tickets, failed %q", len(tk), tk[0].Failed)
	}
	mailtest.Eventually(t, "the bounce is filed", func() bool { return len(r.box.Mails("desk", "Refdesk/Done")) == 1 })
	if n := len(r.desk.Mails(ticket)); n != 1 {
		t.Errorf("%d mails; a bounce is not answered", n)
	}
}

// TestListenerBehindPostfix: mail for the desk goes to its listener over LMTP; bounces come back to the address that tells
// the mail. A desk that is away, or can't commit, delays.
func TestListenerBehindPostfix(t *testing.T) {
	for name, lmtp := range map[string]bool{"LMTP": true, "SMTP": false} {
		t.Run(name, func(t *testing.T) {
			r := &real{rig: newRig(t), box: mailtest.StartDovecot(t)}
			mailtest.Need(t, "swaks")
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			way := map[bool]string{true: "lmtp", false: "smtp"}[lmtp]
			r.post = mailtest.StartPostfix(t, r.box, fmt.Sprintf("%s:[127.0.0.1]:%d", way, l.Addr().(*net.TCPAddr).Port))
			r.cfg.Listen, r.cfg.LMTP = l, lmtp
			r.cfg.SMTP = outbox.Config{Server: mailtest.Loopback(r.post.MX), TLS: outbox.NoTLS}
			r.make()
			r.run()

			ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
			m := r.got("alice", 1)
			if path := m.Header.Raw("Return-Path"); !strings.Contains(path, "bounce+1.") {
				t.Errorf("the envelope's sender is %s", path)
			}
			refusals := 0
			r.desk.Before(func(c desk.Command) error {
				if _, ok := c.(*desk.IngestMail); ok && refusals == 0 {
					refusals++
					return &desk.Error{Code: desk.NoQuorum}
				}
				return nil
			})
			r.post.Inject("alice@patron.test", m.ReplyTo[0].Addr, letter("1", "Yes.", "To: x@y.example", "Subject: x"))
			tries := 0
			mailtest.Eventually(t, "Postfix tries again", func() bool {
				if tries++; tries%50 == 0 { // a second
					r.post.Flush()
				}
				return len(r.desk.Entries(ticket)) >= 3
			})
			if e := r.entries(ticket, 3); e.Text != "Yes." || refusals != 1 {
				t.Errorf("got %+v after %d refusals", e, refusals)
			}
			gone := r.desk.Ask("Gone", "gone@patron.test", "?")
			r.until(gone, 2, desk.OutFailed)
			told(t, r.rig, gone, "bounced", "gone@patron.test")
		})
	}
}

// TestLargeMailThroughPostfix: 25 MiB come in whole.
func TestLargeMailThroughPostfix(t *testing.T) {
	r := newReal(t)
	r.runs()
	line := strings.Repeat("QUJD", 19) + "\r\n"
	body := strings.Repeat(line, 24<<20/len(line))
	r.post.Inject("alice@patron.test", "help@desk.test", letter("1", "", "To: help@desk.test", "Subject: Scan", "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=a")+
		"--a\r\n\r\nSee the scan.\r\n--a\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=scan.pdf\r\n\r\n"+body+"--a--\r\n")
	r.desk.Until("it is a ticket", func() bool { return len(r.desk.Tickets()) == 1 })
	e := r.desk.Entries(1)[0]
	if len(e.Files) != 1 || e.Files[0].Size < 17<<20 || len(r.blobs.Get(e.Blob)) < len(body) || len(e.Problems) != 0 {
		t.Errorf("files %+v, original %d bytes, problems %q", e.Files, len(r.blobs.Get(e.Blob)), e.Problems)
	}
}

// TestOwnCopySettlesADoubt: the connection ended at the dot, but a copy lies in the mailbox: nothing goes twice.
func TestOwnCopySettlesADoubt(t *testing.T) {
	r := newReal(t)
	s := r.script(step{ask: true, took: true, err: &outbox.Error{Kind: outbox.Unsure, Why: "EOF"}})
	ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
	r.b.composeWanted(t.Context())
	_, body := r.parsed(ticket, 2)
	r.box.Drop(filepath.Join("desk", ".Sent"), string(body)) // as a provider does that keeps what is sent
	r.runs()
	r.until(ticket, 2, desk.OutSent)
	if n := len(s.all()); n != 1 || r.desk.Mails(ticket)[0].Resent {
		t.Errorf("it was sent %d times", n)
	}
}

func TestUntrustedServerGetsNothing(t *testing.T) {
	r := newReal(t)
	r.b.cfg.SMTP.Trust = nil
	ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
	r.run()
	r.until(ticket, 2, desk.OutDeferred)
	if st := r.b.Status(); !st.Lasting || !strings.Contains(st.Why, "certificate") {
		t.Errorf("status %+v", st)
	}
}
