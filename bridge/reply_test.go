// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"strings"
	"testing"

	"refdesk/bridge/inbox"
	"refdesk/bridge/outbox"
	"refdesk/cluster/desk"
)

func envelope() inbox.Envelope { return inbox.Envelope{Mailbox: "smtp"} }

// TestReplyAsThePatron goes round on a desk without a mail server.
func TestReplyAsThePatron(t *testing.T) {
	r := newRig(t)
	ticket := r.desk.Ask("Ålice \"A.\" Moor, BA", "alice@patron.test", "May I renew a book?")
	r.run()
	ack := r.until(ticket, 2, desk.OutSent)
	if m := r.desk.Mails(ticket)[0]; m.QueueID != outbox.CaptureID {
		t.Errorf("the queue id is %q", m.QueueID)
	}
	text := "Yes, please:\n.\nFrom Bücher, one.\n=20 & <b>"
	if err := r.b.Reply(t.Context(), ack.MailID, text); err != nil {
		t.Fatal(err)
	}
	all := r.desk.Entries(ticket)
	e := all[len(all)-1]
	if e.Kind != desk.EntryMailIn || e.Held != "" || e.Text != text || e.Email != "alice@patron.test" || e.Blob == "" {
		t.Errorf("the entry is %+v", e)
	}
	if tk := r.desk.Tickets()[0]; !tk.Verified || len(r.desk.Tickets()) != 1 {
		t.Errorf("%d tickets, verified %v; who answers has got the mail", len(r.desk.Tickets()), tk.Verified)
	}
	n := r.answer(ticket, "Done.")
	r.until(ticket, n, desk.OutSent)
	m, _ := r.parsed(ticket, n)
	if m.InReplyTo[0] != e.MessageID || !strings.Contains(m.Text, "> Yes, please:") {
		t.Errorf("it answers %q:\n%s", m.InReplyTo, m.Text)
	}
	if err := r.b.Reply(t.Context(), r.entry(ticket, n).MailID, "Thanks"); err != nil {
		t.Fatal(err)
	}
	if tk := r.desk.Tickets()[0]; tk.State != desk.TicketOpen {
		t.Errorf("the ticket is %s, want staff's turn", tk.State)
	}
}

func TestReplyIsRefused(t *testing.T) {
	r := newRig(t)
	ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
	r.b.composeWanted(t.Context())
	id := r.desk.Mails(ticket)[0].ID
	for name, tc := range map[string]struct {
		id   uint64
		text string
		code desk.Code
	}{
		"a mail that isn't out": {id, "x", desk.Conflict},
		"no mail":               {id + 1, "x", desk.NotFound},
		"no text":               {id, " \n", desk.Invalid},
		"a text without end":    {id, strings.Repeat("x", desk.MaxBody+1), desk.Invalid},
	} {
		if err := r.b.Reply(t.Context(), tc.id, tc.text); !errors.Is(err, &desk.Error{Code: tc.code}) {
			t.Errorf("%s: got %v, want %s", name, err, tc.code)
		}
	}
	r.b.cfg.SMTP.Server = "mail.example:587"
	if err := r.b.Reply(t.Context(), id, "x"); !errors.Is(err, ErrNotCaptured) {
		t.Errorf("with a server: got %v; nobody answers in a patron's place", err)
	}
}

func TestLettersNeedAServer(t *testing.T) {
	r := newRig(t)
	if err := r.b.Send(t.Context(), Letter{To: "ben@staff.example", Subject: "Welcome", Text: "https://desk.test/invite/x"}); !errors.Is(err, ErrCaptured) {
		t.Errorf("got %v; a letter that nobody sends has to be shown where it was written", err)
	}
	s := &scripted{}
	r.b.wire, r.b.cfg.SMTP.Server = func() outbox.Transport { return s }, "mail.example:587"
	s.steps = []step{took("q")}
	s.steps[0].ask = false
	if err := r.b.Send(t.Context(), Letter{To: "ben@staff.example", Name: "Ben", Subject: "Welcome", Text: "https://desk.test/invite/x"}); err != nil {
		t.Fatal(err)
	}
	if got := s.all(); len(got) != 1 || !strings.Contains(string(got[0].Body), "Auto-Submitted: auto-generated") || !strings.Contains(string(got[0].Body), "invite/x") {
		t.Errorf("sent %q", got)
	}
	if err := r.b.Send(t.Context(), Letter{To: "ben\r\nBcc: x@staff.example"}); !errors.Is(err, &desk.Error{Code: desk.Invalid}) {
		t.Errorf("an address with a line break: got %v", err)
	}
}

// A queued letter is a record of the desk, whether there is a server or not.
func TestALetterIsQueuedOnce(t *testing.T) {
	r := newRig(t)
	if err := r.b.Queue(t.Context(), Letter{To: "ben@staff.example", Name: "Ben", Subject: "Welcome", Text: "https://desk.test/invite/x"}); err != nil {
		t.Fatal(err)
	}
	var due []*desk.MailOut
	if err := r.b.view(t.Context(), func(rd desk.Reader) (err error) {
		due, err = rd.MailsDue(desk.At(r.b.cfg.Now()), 10)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(due) != 1 || due[0].To[0] != "ben@staff.example" || due[0].Purpose != desk.MailNotice {
		t.Fatalf("queued: %+v", due)
	}
	if err := r.b.Queue(t.Context(), Letter{To: "ben\r\nBcc: x@staff.example"}); !errors.Is(err, &desk.Error{Code: desk.Invalid}) {
		t.Errorf("an address with a line break: got %v", err)
	}
}
