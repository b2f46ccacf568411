// SPDX-License-Identifier: Apache-2.0

// Package inbox takes mail in: over SMTP or LMTP on every node, from an IMAP mailbox on the node that leads.
//
// Both ways end in one function, Door.Take. It keeps the bytes, reads and judges them (bridge/mail), and proposes one
// IngestMail; only when that is committed does the other side learn that the mail was taken: an SMTP 250, or an IMAP
// message filed away. Whatever happens before costs nothing, since the mail is offered again and its content tells that it
// is the same one. What can't be read becomes an entry all the same.
package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"refdesk/bridge/mail"
	"refdesk/cluster/desk"
)

// Blobs keeps bytes on a majority of the nodes under their hash.
type Blobs interface {
	// Put returns when a majority has the bytes. Size is how many there are.
	Put(ctx context.Context, r io.Reader, size int64) (hash string, kept int64, err error)
}

// Config is what the door has to know.
type Config struct {
	Node     string
	Domain   string // of the desk's own addresses: DEPARTMENT@Domain and help@Domain
	Keys     mail.Keyring
	Instance string         // the desk's name for itself in X-Refdesk-Instance
	Trust    mail.AuthTrust // whose word about a sender counts
	Lists    []string       // List-Ids of lists that deliver to the desk
	MaxSize  int64          // of one mail; 0 = 25 MiB
	Dir      string         // where mails are put while they are read; "" = the system's
	Now      func() time.Time
	Log      *slog.Logger
}

// defaultSize is the largest mail that is taken whole.
const defaultSize = 25 << 20

// Door takes mails in.
type Door struct {
	cfg   Config
	store desk.Store
	blobs Blobs
}

// New makes a door. Without blobs no original is kept, and entries say so.
func New(cfg Config, store desk.Store, blobs Blobs) *Door {
	if cfg.MaxSize <= 0 {
		cfg.MaxSize = defaultSize
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Door{cfg: cfg, store: store, blobs: blobs}
}

// Envelope is what is known of a mail beside its bytes.
type Envelope struct {
	Mailbox     string // where it came in: "smtp", "lmtp", "outbox", or the mailbox
	UIDValidity uint64
	UID         uint64
	Department  string    // "" = by the addresses in its header
	To          []string  // the envelope's recipients, if known
	From        *string   // the envelope's sender, if known; "" is the null sender
	Received    time.Time // when the mailbox got it; zero = now
	Cut         bool      // too large: the bytes are only its beginning
}

// ErrLoop is a mail that goes round between programs.
var ErrLoop = errors.New("the mail has been sent round too often")

// Take takes one mail in and returns when that is committed. The same mail again is no second entry: the reply says
// Again. An error means that nothing is known to be committed, and that the mail is to be offered again; with ErrLoop it
// is not.
func (d *Door) Take(ctx context.Context, e Envelope, r io.Reader) (desk.Reply, error) {
	s, err := d.spool(trace(e, d.cfg.Domain, d.cfg.Now()), r)
	if err != nil {
		return desk.Reply{}, err
	}
	defer s.close()
	return d.take(ctx, e, s)
}

// take goes on with a mail that is on disk.
func (d *Door) take(ctx context.Context, e Envelope, s *spool) (desk.Reply, error) {
	own, departments, err := d.own(ctx)
	if err != nil {
		return desk.Reply{}, err
	}
	m := s.parse(ctx)
	if servers, desks := m.Hops(); servers > mostServers || desks > mostDesks {
		return desk.Reply{}, ErrLoop
	}
	if e.Department == "" {
		e.Department = departments.of(m, d.cfg.Domain)
	}
	x := d.judge(e, m, s, own)
	if reply, ok := d.known(ctx, x); ok {
		return reply, nil
	}
	if err := d.keep(ctx, x, s); err != nil {
		return desk.Reply{}, err
	}
	reply, err := d.order(ctx, x)
	if refused(err) {
		// What a stranger wrote must not stop the mailbox: the least that there can be, with the original.
		d.cfg.Log.Warn("a mail was refused by the desk; its original is kept", "err", err)
		reply, err = d.order(ctx, x.least())
	}
	if err != nil {
		return desk.Reply{}, fmt.Errorf("take a mail in: %w", err)
	}
	return reply, nil
}

// keep puts the original on a majority of the nodes.
func (d *Door) keep(ctx context.Context, x *ingest, s *spool) error {
	if d.blobs == nil {
		x.Problems = append(x.Problems, problemOriginal)
		x.Tidy()
		return nil
	}
	r, err := s.reader()
	if err != nil {
		return err
	}
	hash, size, err := d.blobs.Put(ctx, r, s.size)
	if err != nil {
		return fmt.Errorf("keep a mail's original: %w", err)
	}
	x.Blob, x.BlobSize = hash, uint64(max(size, 0))
	return nil
}

// known looks whether the mail was taken in before; this saves keeping its original once more.
func (d *Door) known(ctx context.Context, x *ingest) (desk.Reply, bool) {
	var in *desk.MailIn
	err := d.store.View(ctx, desk.NodeActor(d.cfg.Node), func(r desk.Reader) (err error) {
		in, err = r.MailIn(x.Group, x.DedupeKey)
		return err
	})
	if err != nil {
		return desk.Reply{}, false // not there, or not to be seen now: Apply decides
	}
	return desk.Reply{Ticket: in.Ticket, Entry: in.Entry, Value: in.Outcome, Again: true}, true
}

func (d *Door) order(ctx context.Context, x *ingest) (desk.Reply, error) {
	return d.store.Do(ctx, desk.Request{Actor: desk.NodeActor(d.cfg.Node), Command: &x.IngestMail})
}

// refused says whether the desk didn't want a command as it was, rather than being out of reach.
func refused(err error) bool {
	var e *desk.Error
	return errors.As(err, &e) && e.Code == desk.Invalid
}

// problemOriginal says that the original could not be kept: there is nowhere to keep it.
const problemOriginal = "original not kept"
