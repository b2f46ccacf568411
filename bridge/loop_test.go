// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"refdesk/bridge/inbox"
	"refdesk/bridge/mail"
	"refdesk/bridge/outbox"
	"refdesk/cluster/desk"
)

// TestTwoDesks lets two desks write to each other: each is the other's patron. A question of one and an acknowledgement of
// the other, then silence.
func TestTwoDesks(t *testing.T) {
	a, b := newRig(t), newRig(t)
	b.cfg.Domain, b.cfg.DeskKeys = "other.test", []mail.Key{{ID: 'a', Secret: []byte("fedcba9876543210fedcba9876543210")}}
	var sockets [2]net.Listener
	for i := range sockets {
		var err error
		if sockets[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	var mails atomic.Int32
	for i, r := range []*rig{a, b} {
		r.cfg.Listen = sockets[i]
		r.cfg.SMTP = outbox.Config{Server: sockets[1-i].Addr().String(), TLS: outbox.NoTLS}
		r.desk.After(func(c desk.Command) error {
			if _, ok := c.(*desk.MailSent); ok {
				mails.Add(1)
			}
			return nil
		})
		r.make()
		r.run()
	}
	ticket := a.desk.Ask("The other desk", "help@other.test", "?")
	a.until(ticket, 2, desk.OutSent)
	b.desk.Until("the other desk has it", func() bool { return len(b.desk.Tickets()) == 1 })
	if e := b.desk.Entries(1); len(e) != 1 || !e[0].Auto {
		t.Errorf("the other desk made %+v of it", e)
	}
	// A person of the first desk writes; the other acknowledges it, and that is a program's mail again.
	from := "help@desk.test"
	_, err := b.b.door.Take(t.Context(), inbox.Envelope{Mailbox: "smtp", From: &from}, strings.NewReader(
		"From: help@desk.test\r\nDate: "+time.Now().Format(time.RFC1123Z)+"\r\nMessage-ID: <1@desk.test>\r\nSubject: Hello\r\n\r\nAre you there?\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	b.until(2, 2, desk.OutSent)
	a.desk.Until("the acknowledgement is in", func() bool { return len(a.desk.Tickets()) == 2 })
	if e := a.desk.Entries(2); len(e) != 1 || !e[0].Auto {
		t.Errorf("the first desk made %+v of it", e)
	}
	n := a.answer(ticket, "Are you there?")
	a.until(ticket, n, desk.OutSent)
	b.desk.Until("the answer is in", func() bool { return len(b.desk.Entries(1)) == 2 })
	if got := mails.Load(); got > 3 {
		t.Errorf("%d mails went between the desks, want 3 at most", got)
	}
	for _, r := range []*rig{a, b} {
		r.desk.Read(func(rd desk.Reader) error {
			wanted, err := rd.MailsWanted(10)
			if len(wanted) != 0 {
				t.Errorf("%d mails more are wanted", len(wanted))
			}
			return err
		})
	}
}

// TestVacationProgram answers everything, says nothing about itself, and is answered once.
func TestVacationProgram(t *testing.T) {
	r := newRig(t)
	r.run()
	ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
	for n := range 6 {
		_, err := r.b.door.Take(t.Context(), envelope(), strings.NewReader("From: alice@patron.test\r\nDate: "+r.desk.Now().Format(time.RFC1123Z)+
			fmt.Sprintf("\r\nSubject: I have got your mail\r\nMessage-ID: <%d@patron.test>\r\n\r\nI read my mail on Monday.\r\n", n)))
		if err != nil {
			t.Fatal(err)
		}
	}
	r.until(ticket, 2, desk.OutSent)
	r.b.composeWanted(t.Context())
	sent := 0
	for _, tk := range r.desk.Tickets() {
		sent += len(r.desk.Mails(tk.Number))
	}
	if sent > 3 {
		t.Errorf("%d mails to a program that never says it is one, want 3 at most", sent)
	}
}
