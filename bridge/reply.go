// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	stdmail "net/mail"
	"strings"
	"time"

	"refdesk/bridge/inbox"
	"refdesk/bridge/mail"
	"refdesk/cluster/desk"
)

// ErrNotCaptured is Reply on a desk whose mails really go out: there the patron answers, nobody else.
var ErrNotCaptured = errors.New("mail is sent by a server here; only its reader can answer it")

// Reply answers an outgoing mail as its recipient would, by a real mail that comes in like any other. It is what the
// outbox page of a desk without a mail server offers.
func (b *Bridge) Reply(ctx context.Context, mailID uint64, text string) error {
	if !b.Captured() {
		return ErrNotCaptured
	}
	if strings.TrimSpace(text) == "" || len(text) > desk.MaxBody {
		return &desk.Error{Code: desk.Invalid, Field: "text"}
	}
	var m *desk.MailOut
	err := b.view(ctx, func(r desk.Reader) (err error) {
		m, err = r.MailOut(mailID)
		return err
	})
	if err != nil {
		return err
	}
	if m.State != desk.OutSent || len(m.To) == 0 {
		return &desk.Error{Code: desk.Conflict, Field: "mail"}
	}
	body, err := b.body(ctx, m)
	if err != nil {
		return err
	}
	raw, to := replyTo(mail.Parse(ctx, bytes.NewReader(body), mail.Options{}), m, text, b.cfg.Now())
	from := m.To[0]
	_, err = b.door.Take(ctx, inbox.Envelope{Mailbox: "outbox", To: []string{to}, From: &from, Received: b.cfg.Now()}, bytes.NewReader(raw))
	return err
}

// replyTo writes what a mail program would: to the reply address, with the ids of the thread, the mail quoted below.
func replyTo(sent *mail.Message, m *desk.MailOut, text string, now time.Time) (raw []byte, to string) {
	to = sent.FromAddress().Addr
	if len(sent.ReplyTo) > 0 {
		to = sent.ReplyTo[0].Addr
	}
	subject := sent.Subject
	if !strings.HasPrefix(strings.ToLower(subject), "re:") {
		subject = "Re: " + subject
	}
	name := ""
	for _, a := range sent.To {
		if strings.EqualFold(a.Addr, m.To[0]) && a.Name != "" {
			name = a.Name
		}
	}
	var w bytes.Buffer
	line := func(field, value string) { fmt.Fprintf(&w, "%s: %s\r\n", field, value) }
	line("Date", now.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	line("From", (&stdmail.Address{Name: name, Address: m.To[0]}).String())
	line("To", "<"+to+">")
	line("Subject", mime.QEncoding.Encode("utf-8", strings.Join(strings.Fields(subject), " ")))
	line("Message-ID", "<"+strings.ToLower(rand.Text())+"@"+domainOf(m.To[0])+">")
	line("In-Reply-To", m.MessageID)
	line("References", strings.Join(append(sent.References, m.MessageID), "\r\n "))
	line("MIME-Version", "1.0")
	line("Content-Type", "text/plain; charset=utf-8")
	line("Content-Transfer-Encoding", "quoted-printable")
	w.WriteString("\r\n")
	q := quotedprintable.NewWriter(&w)
	quote := strings.ReplaceAll(strings.TrimSpace(sent.Text), "\n", "\n> ")
	body := strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) + "\n\nOn " + m.Date.Std().Format("2 January 2006 at 15:04") + " " + sent.FromAddress().Name + " wrote:\n> " + quote + "\n"
	_, _ = q.Write([]byte(strings.ReplaceAll(body, "\n", "\r\n"))) // a buffer takes everything
	_ = q.Close()
	return w.Bytes(), to
}

func domainOf(addr string) string {
	_, domain, _ := strings.Cut(addr, "@")
	return domain
}
