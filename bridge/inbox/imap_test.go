// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"refdesk/bridge/mailtest"
	"refdesk/cluster/desk"
)

// box is a mailbox in a real Dovecot.
type box struct {
	*rig
	server *mailtest.Dovecot
	cfg    IMAPConfig
}

func newBox(t *testing.T, settings ...string) *box {
	t.Helper()
	b := &box{rig: newRig(t), server: mailtest.StartDovecot(t, settings...)}
	b.cfg = IMAPConfig{
		Addr: mailtest.Loopback(b.server.IMAP), TLS: "starttls", User: "desk", PasswordFile: filepath.Join(t.TempDir(), "password"),
		Trust: b.server.Trust, Poll: time.Second, Watchdog: 5 * time.Second,
	}
	b.password("deskpw")
	return b
}

func (b *box) password(p string) {
	b.t.Helper()
	if err := os.WriteFile(b.cfg.PasswordFile, []byte(p+"\n"), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// reading runs a reader; the returned function ends it. It returns when the mailbox is open.
func (b *box) reading() (m *Mailbox, end func()) {
	b.t.Helper()
	m, end = b.started()
	mailtest.Eventually(b.t, "the mailbox is open", func() bool { return m.Health().Reading })
	return m, end
}

func (b *box) started() (m *Mailbox, end func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	m = NewMailbox(b.cfg, b.door)
	var wg sync.WaitGroup
	wg.Go(func() { m.Run(ctx) })
	end = func() { cancel(); wg.Wait() }
	b.t.Cleanup(end)
	return m, end
}

// filed waits until so many mails lie in one of our folders, and none in INBOX.
func (b *box) filed(folder string, n int) {
	b.t.Helper()
	mailtest.Eventually(b.t, fmt.Sprintf("%d mails in %s", n, folder), func() bool {
		return len(b.server.Mails("desk", "Refdesk/"+folder)) == n && len(b.server.Mails("desk", "")) == 0
	})
}

func TestMailboxIsEmptied(t *testing.T) {
	b := newBox(t)
	b.cfg.Poll = 20 * time.Second // IDLE has to tell
	b.reading()
	began := time.Now()
	b.server.Drop("desk", letter("1", "one"))
	b.filed("Done", 1)
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it took %v with IDLE", took)
	}
	b.server.Drop("desk", letter("2", "two"), letter("1", "one"))
	b.filed("Done", 3)
	if n := len(b.desk.Tickets()); n != 2 {
		t.Errorf("%d tickets, want 2: the same mail twice is one", n)
	}
}

func TestMailFromBeforeTheDeskIsNotTouched(t *testing.T) {
	b := newBox(t)
	var old []string
	for n := range 200 {
		old = append(old, letter(fmt.Sprint("old", n), "old"))
	}
	b.server.Drop("desk", old...)
	_, end := b.reading()
	b.server.Drop("desk", letter("new", "new"))
	mailtest.Eventually(t, "the new mail is filed", func() bool { return len(b.server.Mails("desk", "Refdesk/Done")) == 1 })
	end()
	_, end = b.reading() // a new leader knows where the mailbox stood
	b.server.Drop("desk", letter("new2", "new"))
	mailtest.Eventually(t, "the next mail is filed", func() bool { return len(b.server.Mails("desk", "Refdesk/Done")) == 2 })
	end()
	if n := len(b.server.Mails("desk", "")); n != len(old) {
		t.Errorf("%d mails are left of %d old ones", n, len(old))
	}
	if n := len(b.desk.Tickets()); n != 2 {
		t.Errorf("%d tickets, want 2", n)
	}
}

// TestWithoutMove: what a server can't do must not lose mail.
func TestWithoutMove(t *testing.T) {
	for name, tc := range map[string]struct {
		can   string
		moved int
	}{
		"with UIDPLUS the mail is copied, then deleted": {"IMAP4rev1 UIDPLUS IDLE", 1},
		"without it the mail is marked":                 {"IMAP4rev1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "imap_capability = "+tc.can)
			_, end := b.reading()
			b.server.Drop("desk", letter("1", "one"))
			b.desk.Until("it is a ticket", func() bool { return len(b.desk.Tickets()) == 1 })
			b.server.Drop("desk", letter("2", "two")) // the first is done with when the second is a ticket
			b.desk.Until("the second is a ticket", func() bool { return len(b.desk.Tickets()) == 2 })
			mailtest.Eventually(t, "both are where they belong", func() bool {
				return len(b.server.Mails("desk", "Refdesk/Done")) == 2*tc.moved && len(b.server.Mails("desk", "")) == 2-2*tc.moved
			})
			end()
			asked := 0
			b.desk.Before(func(c desk.Command) error {
				if _, ok := c.(*desk.IngestMail); ok {
					asked++
				}
				return nil
			})
			_, end = b.reading()
			b.server.Drop("desk", letter("3", "three"))
			b.desk.Until("the third is a ticket", func() bool { return len(b.desk.Tickets()) == 3 })
			end()
			if asked != 1 {
				t.Errorf("%d mails were taken in again, want the new one alone", asked)
			}
		})
	}
}

// TestDeathBeforeFiling: the commit is known to the log, and to nobody else.
func TestDeathBeforeFiling(t *testing.T) {
	b := newBox(t)
	_, end := b.reading()
	died := make(chan struct{})
	var once sync.Once
	b.desk.After(func(c desk.Command) error {
		if _, ok := c.(*desk.IngestMail); ok {
			once.Do(func() { close(died) })
			return &desk.Error{Code: desk.Stopping}
		}
		return nil
	})
	b.server.Drop("desk", letter("1", "one"))
	<-died
	end()
	if n := len(b.server.Mails("desk", "")); n != 1 {
		t.Fatalf("%d mails in the inbox; it must not be filed yet", n)
	}
	b.desk.After(nil)
	b.reading()
	b.filed("Done", 1)
	if all := b.desk.Tickets(); len(all) != 1 || len(b.desk.Entries(all[0].Number)) != 2 {
		t.Errorf("%d tickets, want 1 with the mail and its acknowledgement", len(all))
	}
}

func TestTooLarge(t *testing.T) {
	b := newBox(t)
	b.door.cfg.MaxSize = 300 << 10
	b.reading()
	b.server.Drop("desk", letter("1", strings.Repeat("A long line of a long mail.\n", 20000)))
	b.filed("Too large", 1)
	tk := b.desk.Tickets()
	e := b.desk.Entries(tk[0].Number)[0]
	if !e.Truncated || len(e.Problems) == 0 || !strings.Contains(e.Text, "A long line") {
		t.Errorf("truncated %v, problems %q; the entry has to say so", e.Truncated, e.Problems)
	}
}

func TestMailThatGoesRoundIsPutAside(t *testing.T) {
	b := newBox(t)
	m, _ := b.reading()
	b.server.Drop("desk", letter("1", "x", "X-Refdesk-Hop: 9"))
	b.filed("Failed", 1)
	if n := len(b.desk.Tickets()); n != 0 || m.Health().Failed != 1 {
		t.Errorf("%d tickets, %+v", n, m.Health())
	}
}

// TestNewNumbers: another UIDVALIDITY doubles nothing, and doesn't take a heap of unknown mail for new.
func TestNewNumbers(t *testing.T) {
	for name, tc := range map[string]struct{ unknown, tickets, left int }{
		"a few unknown mails are new ones": {3, 4, 0},
		"many unknown mails stay":          {mostUnknown + 1, 1, mostUnknown + 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			_, end := b.reading()
			known := letter("known", "known")
			b.server.Drop("desk", known)
			b.filed("Done", 1)
			end()
			drop := []string{known}
			for n := range tc.unknown {
				drop = append(drop, letter(fmt.Sprint("unknown", n), "x", "From: <"+fmt.Sprint("u", n)+"@patron.test>", "Date: "+time.Now().Add(time.Hour).Format(time.RFC1123Z)))
			}
			b.server.Drop("desk", drop...)
			b.server.Stop()
			b.server.Forget("desk")
			b.server.Start()
			m, _ := b.reading()
			mailtest.Eventually(t, "the mailbox is looked through", func() bool {
				return len(b.server.Mails("desk", "Refdesk/Done")) == 2+tc.unknown-tc.left && len(b.server.Mails("desk", "")) == tc.left
			})
			if n := len(b.desk.Tickets()); n != tc.tickets {
				t.Errorf("%d tickets, want %d", n, tc.tickets)
			}
			if m.Health().Aside != tc.left {
				t.Errorf("%d mails are said to lie aside, want %d", m.Health().Aside, tc.left)
			}
		})
	}
}

func TestServerDownAndUp(t *testing.T) {
	b := newBox(t)
	m, _ := b.reading()
	b.server.Stop()
	mailtest.Eventually(t, "the failure is noticed", func() bool { return !m.Health().Reading && m.Health().Why != "" })
	b.server.Start()
	b.server.Drop("desk", letter("1", "one"))
	b.filed("Done", 1)
}

func TestPasswordChanged(t *testing.T) {
	b := newBox(t)
	b.password("wrong")
	m, _ := b.started()
	mailtest.Eventually(t, "the refusal is noticed", func() bool { return strings.Contains(m.Health().Why, "sign-in") })
	b.password("deskpw")
	future := time.Now().Add(time.Minute)
	if err := os.Chtimes(b.cfg.PasswordFile, future, future); err != nil {
		t.Fatal(err)
	}
	mailtest.Eventually(t, "a new password heals it", func() bool { return m.Health().Reading })
}

func TestUntrustedCertificate(t *testing.T) {
	b := newBox(t)
	b.cfg.Trust = nil
	m, _ := b.started()
	mailtest.Eventually(t, "it is refused", func() bool { return strings.Contains(m.Health().Why, "certificate") })
	if m.Health().Reading {
		t.Error("it is read all the same")
	}
}

// TestSilentServer: go-imap would wait for ever.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	r := newRig(t)
	m := NewMailbox(IMAPConfig{Addr: l.Addr().String(), TLS: "none", Watchdog: 100 * time.Millisecond, PasswordFile: "x"}, r.door)
	if err := m.serve(t.Context()); !errors.Is(err, errSilent) {
		t.Errorf("got %v, want the watchdog", err)
	}
}

func TestSentIsFound(t *testing.T) {
	b := newBox(t)
	m, _ := b.reading()
	dir := filepath.Join("desk", ".Sent")
	b.server.Drop(dir, letter("ours", "x", "Message-ID: <t1.2.aabcdefghijklmnop@desk.test>"))
	for id, want := range map[string]bool{"<t1.2.aabcdefghijklmnop@desk.test>": true, "<t1.3.aabcdefghijklmnop@desk.test>": false} {
		got, err := m.Sent(t.Context(), id)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", id, got, err, want)
		}
	}
	b.server.Drop("desk", letter("1", "one")) // and the folder is the right one again
	b.filed("Done", 1)
}

// TestCommitFails: the mail stays, and one that can never be taken in doesn't stop the others.
func TestCommitFails(t *testing.T) {
	b := newBox(t)
	b.reading()
	bad := errors.New("some fault of its own")
	b.desk.Before(func(c desk.Command) error {
		if x, ok := c.(*desk.IngestMail); ok && x.Subject == "bad" {
			return bad
		}
		return nil
	})
	b.server.Drop("desk", letter("bad", "x", "Subject: bad"), letter("good", "y"))
	b.desk.Until("the good one is a ticket", func() bool { return len(b.desk.Tickets()) == 1 })
	mailtest.Eventually(t, "the bad one stays", func() bool {
		return len(b.server.Mails("desk", "")) == 1 && len(b.server.Mails("desk", "Refdesk/Done")) == 1
	})
	for range mostTries {
		b.desk.Advance(31 * time.Minute)
		b.server.Drop("desk", letter(time.Now().String(), "wakes it", "Date: "+b.desk.Now().Format(time.RFC1123Z)))
		mailtest.Eventually(t, "a round is over", func() bool { return len(b.server.Mails("desk", "")) <= 1 })
	}
	mailtest.Eventually(t, "the bad one is put aside", func() bool { return len(b.server.Mails("desk", "Refdesk/Failed")) == 1 })
}
