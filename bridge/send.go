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
	var from, library string
	err := b.view(ctx, func(r desk.Reader) (err error) {
		if from, err = b.addressOf(r, b.defaultDepartment(r)); err != nil {
			return err
		}
		library, err = r.Setting("desk.name")
		return err
	})
	if err != nil {
		return fmt.Errorf("send a letter: %w", err)
	}
	if b.cfg.FromName != "" {
		library = b.cfg.FromName
	}
	body, err := mail.Compose(mail.Draft{
		From: mail.Address{Name: library, Addr: from}, To: []mail.Address{{Name: l.Name, Addr: l.To}}, Subject: l.Subject,
		Date: b.cfg.Now(), MessageID: "<" + strings.ToLower(rand.Text()) + "@" + b.cfg.Domain + ">", Text: l.Text,
		Purpose: mail.Notification, Instance: b.instance,
	})
	if err != nil {
		return &desk.Error{Code: desk.Invalid, Field: "email"}
	}
	wire := b.transport()
	defer func() { _ = wire.Close() }()
	r, err := wire.Send(ctx, outbox.Mail{From: from, To: []string{l.To}, Body: body}, outbox.Asked{})
	if err == nil && len(r.Later) > 0 {
		err = errors.New(r.Later[0].Why)
	}
	if err != nil {
		return fmt.Errorf("send a letter: %w", err)
	}
	return nil
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
