// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"

	"refdesk/bridge"
	"refdesk/bridge/inbox"
	"refdesk/bridge/mail"
	"refdesk/bridge/outbox"
	"refdesk/cluster"
	"refdesk/cluster/desk"
	"refdesk/cmd/internal/config"
)

// mailKey is the letter of the mail keys made from the desk's first key. A key that follows it gets the next letter, and
// stands before it.
const mailKey = 'a'

// deskStore is the desk as the mail door needs it.
type deskStore interface {
	desk.Store
	bridge.Leader
}

// blobs are the desk's files as the mail door needs them.
type blobs struct{ *cluster.BlobDoor }

// Open reads a file from wherever it is.
func (b blobs) Open(ctx context.Context, hash string) (io.ReadCloser, error) {
	r, _, err := b.BlobDoor.Open(ctx, hash)
	return r, err
}

// newMail makes the mail door of a node on the socket that it listens on, nil for none. The door closes it. An alarm names
// the staff's board.
func newMail(cfg config.Config, key []byte, board string, socket net.Listener, store deskStore, files bridge.Blobs, log *slog.Logger) (*bridge.Bridge, error) {
	m := cfg.Mail
	for key, file := range map[string]string{"mail.password_file": m.PasswordFile, "mail.imap_password_file": m.IMAPPasswordFile} {
		if file == "" {
			continue
		}
		if err := readable(file); err != nil {
			return nil, fmt.Errorf("read the password (%s): %w", key, err)
		}
	}
	alarms, err := cfg.AlarmTargets()
	if err != nil {
		return nil, fmt.Errorf("alarm.targets: %w", err)
	}
	c := bridge.Config{
		Node: cfg.Cluster.ID, Domain: cfg.MailDomain(), FromName: m.FromName, DeskKeys: []mail.Key{{ID: mailKey, Secret: key}},
		Alarms: alarms, Board: board,
		SMTP:   outbox.Config{Server: m.Server, TLS: tlsMode(m.TLS, m.Server), User: m.User, PasswordFile: m.PasswordFile, Hello: cfg.MailDomain()},
		Listen: socket, LMTP: m.LMTP, Log: log,
	}
	if m.IMAP != "" {
		c.IMAP = inbox.IMAPConfig{
			Addr: m.IMAP, TLS: tlsMode(m.TLS, m.IMAP), User: m.IMAPUser, PasswordFile: m.IMAPPasswordFile, Folder: m.IMAPFolder,
		}
	}
	return bridge.New(c, store, store, files)
}

// tlsMode is how one of the mail servers is spoken to: some ports are for TLS from the first byte, whatever the other
// server's port is.
func tlsMode(mode, addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return mode
	}
	ip, err := netip.ParseAddr(host)
	near := host == "localhost" || err == nil && ip.IsLoopback()
	if (port == "465" || port == "993") && !(mode == config.MailPlain && near) {
		return config.MailTLS
	}
	return mode
}

// readable says in time that a password's file is missing.
func readable(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	return f.Close()
}

// originals reads tickets' mails for the staff's pages.
type originals struct{ blobs }

// Attachment implements staff.Originals.
func (o originals) Attachment(ctx context.Context, hash string, file int, w io.Writer) (err error) {
	raw, err := o.Open(ctx, hash)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, raw.Close()) }()
	out := &sink{w: w}
	m := mail.Parse(ctx, raw, mail.Options{Attachment: func(i int, _ mail.Attachment) io.Writer {
		if i != file {
			return nil
		}
		return out
	}})
	if len(m.Attachments) <= file {
		return fmt.Errorf("the mail %s has %d attachments, not %d", hash, len(m.Attachments), file+1)
	}
	return out.err
}

// sink keeps the first error, which a parser of mails has no use for.
type sink struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return len(p), nil
	}
	_, s.err = s.w.Write(p)
	return len(p), nil
}
