// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"refdesk/bridge/mail"
	"refdesk/cluster/desk"
)

// composeAtOnce is how many wanted mails are looked at in one pass.
const composeAtOnce = 200

// errTooLong is a mail that no record can hold and no blob store is there for.
var errTooLong = errors.New("too long for a record, and there is no place for larger mails")

// composeWanted fixes the bytes of all mails that entries want.
func (b *Bridge) composeWanted(ctx context.Context) {
	var wanted []*desk.TicketEntry
	err := b.view(ctx, func(r desk.Reader) (err error) {
		wanted, err = r.MailsWanted(composeAtOnce)
		return err
	})
	if err != nil {
		b.warn(ctx, "read the mails that are wanted", err)
		return
	}
	for _, e := range wanted {
		if err := b.compose(ctx, e); err != nil {
			b.warn(ctx, "compose a mail", err, "ticket", e.Ticket, "entry", e.N)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// warn logs an error that isn't due to the end.
func (b *Bridge) warn(ctx context.Context, what string, err error, more ...any) {
	if ctx.Err() == nil {
		b.cfg.Log.Warn(what, append(more, "err", err)...)
	}
}

// thread is all that a mail is made of.
type thread struct {
	ticket  *desk.Ticket
	entry   *desk.TicketEntry
	before  []*desk.TicketEntry // earlier entries of the ticket
	subject string              // of the first mail that went out, "" if none did
	writer  string              // public name
	library string
	address string // the department's
}

// compose makes one mail and has the desk fix it.
func (b *Bridge) compose(ctx context.Context, e *desk.TicketEntry) error {
	var t *thread
	err := b.view(ctx, func(r desk.Reader) (err error) {
		t, err = b.thread(ctx, r, e)
		return err
	})
	if err != nil {
		return err
	}
	x := &desk.ComposeMail{
		Ticket: e.Ticket, Entry: e.N, MessageID: b.keys.MessageID(e.Ticket, e.N, b.cfg.Domain), Date: desk.At(b.cfg.Now()), From: t.address,
	}
	d := b.draft(t, x)
	body, err := mail.Compose(d)
	if err == nil && len(body) > desk.MaxMail {
		d.HTML = "" // says the same once more
		body, err = mail.Compose(d)
	}
	switch {
	case err != nil:
		return err
	case len(body) <= desk.MaxMail:
		x.Body = body
	case b.blobs == nil:
		return errTooLong
	default:
		if x.Blob, _, err = b.blobs.Put(ctx, bytes.NewReader(body), int64(len(body))); err != nil {
			return fmt.Errorf("keep a long mail: %w", err)
		}
	}
	_, err = b.order(ctx, x)
	return err
}

// thread reads what a mail is made of.
func (b *Bridge) thread(ctx context.Context, r desk.Reader, e *desk.TicketEntry) (*thread, error) {
	const most = 300 // entries; older ones give a reference at most
	t := &thread{entry: e}
	var err error
	if t.ticket, err = r.Ticket(e.Ticket); err != nil {
		return nil, err
	}
	after := uint64(0)
	if e.N > most {
		after = e.N - most
	}
	if t.before, err = r.Entries(e.Ticket, after, most); err != nil {
		return nil, err
	}
	t.before = slices.DeleteFunc(t.before, func(o *desk.TicketEntry) bool { return o.N >= e.N })
	if t.library = b.cfg.FromName; t.library == "" {
		if t.library, err = r.Setting("desk.name"); err != nil {
			return nil, err
		}
	}
	if t.library == "" {
		t.library = b.cfg.Domain
	}
	if t.address, err = b.addressOf(r, t.ticket.Department); err != nil {
		return nil, err
	}
	if e.By != "" {
		if t.writer, err = r.PublicName(e.By); err != nil && !errors.Is(err, &desk.Error{Code: desk.NotFound}) {
			return nil, err
		}
	}
	mails, err := r.MailsOf(e.Ticket)
	if err != nil {
		return nil, err
	}
	if len(mails) > 0 && len(mails[0].Body) > 0 {
		t.subject = mail.Parse(ctx, bytes.NewReader(mails[0].Body), mail.Options{}).Subject
	}
	return t, nil
}

// addressOf is the address that a department writes from: help@ is the default department's.
func (b *Bridge) addressOf(r desk.Reader, department string) (string, error) {
	views, err := r.Departments(desk.At(b.cfg.Now()))
	if err != nil {
		return "", err
	}
	local := department
	for _, v := range views {
		switch {
		case v.Default && v.ID == department && local != "":
			local = "help"
		case v.ID == "help" && department != "help":
			return department + "@" + b.cfg.Domain, nil // another department is called so
		}
	}
	return local + "@" + b.cfg.Domain, nil
}

// draft puts the mail together (5-mail §7).
func (b *Bridge) draft(t *thread, x *desk.ComposeMail) mail.Draft {
	say := textsFor(t.ticket.Locale)
	sum := sha256.Sum256([]byte(x.MessageID + strconv.FormatInt(int64(x.Date), 10)))
	d := mail.Draft{
		From:    mail.Address{Name: t.library, Addr: t.address},
		ReplyTo: mail.Address{Addr: mail.WithTag(t.address, b.keys.ReplyTag(t.entry.Ticket))},
		Tag:     t.entry.Ticket, Date: x.Date.Std(), MessageID: x.MessageID, Boundary: "refdesk" + hex.EncodeToString(sum[:16]),
		Ticket: t.entry.Ticket, Instance: b.instance, Purpose: mail.Answer,
	}
	d.To, d.Cc = recipients(t.entry.Recipients, t.ticket, d.From)
	d.InReplyTo, d.References = t.references()
	d.Subject, d.Reply = t.topic(say)
	values := map[byte]string{'n': strconv.FormatUint(t.entry.Ticket, 10), 'l': t.library, 'r': b.keys.RefTag(t.entry.Ticket)}
	text := t.entry.Text
	if t.entry.Purpose == desk.MailAck {
		d.Purpose, d.Hop = mail.Acknowledge, 1
		if !t.byMail() { // it answers no mail (RFC 3834 §5)
			d.Purpose = mail.Notification
		}
		text = fill(say.ack, values) + "\n\n" + t.library
	} else {
		if t.writer != "" {
			d.From.Name = t.writer + " (" + t.library + ")"
			text += "\n\n" + t.writer + "\n" + t.library
		}
		if q := t.question(say); q != "" && t.ticket.Verified {
			text += "\n\n" + q
		}
	}
	d.Text = text + "\n\n" + fill(say.foot, values)
	d.HTML = asHTML(d.Text)
	return d
}

// recipients are To and Cc of the header. An address that can't stand there is left out; sending refuses it with a word
// to staff.
func recipients(all []string, ticket *desk.Ticket, self mail.Address) (to, cc []mail.Address) {
	for _, a := range all {
		if !sendable(a) {
			continue
		}
		if len(to) == 0 {
			name := ""
			if strings.EqualFold(a, ticket.Email) {
				name = ticket.Name
			}
			to = []mail.Address{{Name: name, Addr: a}}
			continue
		}
		cc = append(cc, mail.Address{Addr: a})
	}
	if len(to) == 0 {
		to = []mail.Address{self}
	}
	return to, cc
}

// sendable says whether an address can stand in a header.
func sendable(a string) bool {
	_, err := mail.Compose(mail.Draft{
		From: mail.Address{Addr: "a@example.org"}, To: []mail.Address{{Addr: a}}, MessageID: "<a@example.org>", Date: time.Unix(0, 0),
	})
	return err == nil
}

// byMail says whether the ticket began with a mail.
func (t *thread) byMail() bool {
	return len(t.before) > 0 && t.before[0].Kind == desk.EntryMailIn
}

// topic is the subject, which stays the same over the thread. An address that has proved nothing gets none of the
// patron's words: a form could write to strangers with them. Its own mail is answered with its own subject.
func (t *thread) topic(say texts) (subject string, reply bool) {
	switch {
	case t.byMail() && (t.entry.Purpose == desk.MailAnswer || t.ticket.Verified):
		return t.ticket.Subject, true
	case t.subject != "":
		return t.subject, true
	case t.ticket.Verified:
		return t.ticket.Subject, false
	}
	return fill(say.subject, map[byte]string{'l': t.library}), false
}

// references are the ids that mail programs thread by: of all mails in the ticket, and the patron's last one.
func (t *thread) references() (inReplyTo string, ids []string) {
	own := ""
	for _, e := range t.before {
		switch {
		case e.MessageID == "" || e.Held != desk.NotHeld || e.Auto || e.Mail == desk.OutUndone:
			continue
		case e.Kind == desk.EntryMailIn:
			inReplyTo = e.MessageID
		default:
			own = e.MessageID
		}
		ids = append(ids, e.MessageID)
	}
	if inReplyTo == "" {
		inReplyTo = own
	}
	// Compose appends what the mail answers; it is the last then.
	return inReplyTo, slices.DeleteFunc(ids, func(id string) bool { return id == inReplyTo })
}

// question is the patron's last words, quoted.
func (t *thread) question(say texts) string {
	for _, e := range slices.Backward(t.before) {
		if e.From == desk.FromPatron && !e.Auto && e.Held == desk.NotHeld && strings.TrimSpace(e.Text) != "" {
			return quoted(say, e.At.Std(), e.Text)
		}
	}
	return ""
}
