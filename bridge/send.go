// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"refdesk/bridge/mail"
	"refdesk/bridge/outbox"
	"refdesk/cluster/desk"
)

// Letter is a mail that belongs to no ticket, such as an invitation.
type Letter struct {
	To      string
	Name    string // of who gets it
	Subject string
	Text    string
}

// Send hands a letter over at once, from any node, and leaves nothing behind: what it holds may be a secret, such as a
// one-time link. Whoever wanted it learns whether a server took it. Without a server the error is ErrCaptured, and the
// letter has to be shown where it was written.
func (b *Bridge) Send(ctx context.Context, l Letter) error {
	if b.Captured() {
		return ErrCaptured
	}
	m, err := b.letter(ctx, l)
	if err != nil {
		return err
	}
	wire := b.transport()
	defer func() { _ = wire.Close() }()
	r, err := wire.Send(ctx, outbox.Mail{From: m.From, To: []string{l.To}, Body: m.Body}, outbox.Asked{})
	if err == nil && len(r.Later) > 0 {
		err = errors.New(r.Later[0].Why)
	}
	if err != nil {
		return fmt.Errorf("send a letter: %w", err)
	}
	return nil
}

// Queue puts a letter into the outbox and returns when a majority has it: it goes the way of every other mail from there
// on, and on a desk without a mail server the outbox page shows it.
func (b *Bridge) Queue(ctx context.Context, l Letter) error {
	m, err := b.letter(ctx, l)
	if err != nil {
		return err
	}
	_, err = b.store.Do(ctx, desk.Request{
		Actor: desk.NodeActor(b.cfg.Node), Key: desk.Key{Kind: desk.KeyAdmin, Principal: "letter", ID: m.MessageID[:min(len(m.MessageID), 64)]}, Command: m,
	})
	return err
}

// letter composes a letter from the desk's usual department.
func (b *Bridge) letter(ctx context.Context, l Letter) (*desk.QueueNotice, error) {
	var from, library string
	err := b.view(ctx, func(r desk.Reader) (err error) {
		if from, err = b.addressOf(r, b.defaultDepartment(r)); err != nil {
			return err
		}
		library, err = r.Setting("desk.name")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write a letter: %w", err)
	}
	if b.cfg.FromName != "" {
		library = b.cfg.FromName
	}
	now := b.cfg.Now()
	m := &desk.QueueNotice{
		To: l.To, From: from, MessageID: "<" + strings.ToLower(rand.Text()) + "@" + b.cfg.Domain + ">", Date: desk.At(now),
	}
	m.Body, err = mail.Compose(mail.Draft{
		From: mail.Address{Name: library, Addr: from}, To: []mail.Address{{Name: l.Name, Addr: l.To}}, Subject: l.Subject,
		Date: now, MessageID: m.MessageID, Text: l.Text, Purpose: mail.Notification, Instance: b.instance,
	})
	if err != nil {
		return nil, &desk.Error{Code: desk.Invalid, Field: "email"}
	}
	return m, nil
}

// ErrCaptured is a letter on a desk that has no mail server.
var ErrCaptured = errors.New("no mail server is configured (mail.server)")

// defaultDepartment is the department that letters come from; "" if the desk has none yet.
func (b *Bridge) defaultDepartment(r desk.Reader) string {
	views, err := r.Departments(desk.At(b.cfg.Now()))
	if err != nil {
		return ""
	}
	for _, v := range views {
		if v.Default {
			return v.ID
		}
	}
	return "help"
}
