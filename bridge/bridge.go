// SPDX-License-Identifier: Apache-2.0

// Package bridge is the mail door: what runs on the node that leads, so that each mail is written once, sent once and read
// once, whatever node that is at the moment.
//
// An entry that wants a mail gets its bytes here (compose), and they never change again. The sender claims what is due in
// its term, hands it over (outbox), and reports every step as a command, so that a new leader knows what the old one may
// have done. Mail that comes is taken in by inbox: from a mailbox on the leader, over SMTP or LMTP on every node. Without a
// mail server the mails stay where they are, as records, and Reply lets their reader answer as the patron would.
package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"refdesk/bridge/alarm"
	"refdesk/bridge/alarm/target"
	"refdesk/bridge/inbox"
	"refdesk/bridge/mail"
	"refdesk/bridge/outbox"
	"refdesk/cluster/desk"
)

// Leader runs what only one node may do.
type Leader interface {
	// Lead runs f whenever this node leads, until ctx ends. The context of f ends with the term.
	Lead(ctx context.Context, f func(ctx context.Context, term uint64) error) error
}

// Blobs keeps bytes on a majority of the nodes under their hash.
type Blobs interface {
	inbox.Blobs
	// Open reads what was put.
	Open(ctx context.Context, hash string) (io.ReadCloser, error)
}

// Config says who writes, and by which servers.
type Config struct {
	Node   string
	Domain string // of the desk's addresses
	// FromName is the library as patrons' mail programs show it; "" = the desk's name.
	FromName string
	// Alarms are who is told that a chat waits and nobody claims it, and Board the URL that they are told to look at; "" = none.
	Alarms []target.Target
	Board  string
	// DeskKeys are the desk's secret and those before it; the mail keys are made of them.
	DeskKeys []mail.Key

	SMTP    outbox.Config    // without a Server mails are captured
	Listen  net.Listener     // nil = no mail comes over SMTP or LMTP
	LMTP    bool             // speak LMTP there
	IMAP    inbox.IMAPConfig // without an Addr no mailbox is read
	Trust   mail.AuthTrust
	MaxSize int64  // of a mail that comes; 0 = 25 MiB
	Dir     string // for mails that are being read; "" = the system's

	Now func() time.Time // nil = time.Now
	Log *slog.Logger
}

// Bridge is the mail door of one node.
type Bridge struct {
	cfg      Config
	store    desk.Store
	leader   Leader
	blobs    Blobs
	keys     mail.Keyring
	instance string
	teller   *alarm.Teller
	door     *inbox.Door
	mailbox  *inbox.Mailbox          // nil = none
	wire     func() outbox.Transport // in place of the configured one, in tests

	mu     sync.Mutex
	status Status
}

// New makes the door. Blobs may be nil: originals are not kept then, and very long answers can't be sent.
func New(cfg Config, store desk.Store, leader Leader, blobs Blobs) (*Bridge, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.SMTP.Hello == "" {
		cfg.SMTP.Hello = cfg.Domain
	}
	b := &Bridge{cfg: cfg, store: store, leader: leader, blobs: blobs, teller: alarm.New(cfg.Alarms, cfg.Log)}
	var err error
	if b.keys, err = Keys(cfg.DeskKeys...); err != nil {
		return nil, err
	}
	if b.instance, err = instance(cfg.DeskKeys); err != nil {
		return nil, err
	}
	var kept inbox.Blobs
	if blobs != nil {
		kept = blobs
	}
	b.door = inbox.New(inbox.Config{
		Node: cfg.Node, Domain: cfg.Domain, Keys: b.keys, Instance: b.instance, Trust: cfg.Trust, MaxSize: cfg.MaxSize, Dir: cfg.Dir,
		Now: cfg.Now, Log: cfg.Log,
	}, store, kept)
	if cfg.IMAP.Addr != "" {
		b.mailbox = inbox.NewMailbox(cfg.IMAP, b.door)
	}
	return b, nil
}

// Run keeps the door open until ctx ends.
func (b *Bridge) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	part := func(what string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	if b.cfg.Listen != nil {
		part("mail listener", func(ctx context.Context) error { return inbox.NewListener(b.door, b.cfg.LMTP).Run(ctx, b.cfg.Listen) })
	}
	part("alarms", b.teller.Run)
	part("mail", func(ctx context.Context) error {
		err := b.leader.Lead(ctx, b.lead)
		if errors.Is(err, &desk.Error{Code: desk.Stopping}) {
			return nil // the desk is being left; ctx ends soon
		}
		return err
	})
	<-ctx.Done()
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// lead is one term.
func (b *Bridge) lead(ctx context.Context, term uint64) error {
	var wg sync.WaitGroup
	if b.mailbox != nil {
		wg.Go(func() { b.mailbox.Run(ctx) })
	}
	wg.Go(func() { newSender(b, term).run(ctx) })
	wg.Wait()
	return nil
}

// Captured says whether mails are shown on the outbox page instead of being sent.
func (b *Bridge) Captured() bool { return b.cfg.SMTP.Server == "" }

// Door is where mail is taken in, for tests and for what else may bring mail.
func (b *Bridge) Door() *inbox.Door { return b.door }

// node is this node as an actor.
func (b *Bridge) node() desk.Actor { return desk.NodeActor(b.cfg.Node) }

func (b *Bridge) order(ctx context.Context, c desk.Command) (desk.Reply, error) {
	return b.store.Do(ctx, desk.Request{Actor: b.node(), Command: c})
}

func (b *Bridge) view(ctx context.Context, f func(desk.Reader) error) error {
	return b.store.View(ctx, b.node(), f)
}

// transport is how this node's mails leave.
func (b *Bridge) transport() outbox.Transport {
	switch {
	case b.wire != nil:
		return b.wire()
	case b.Captured():
		return outbox.Capture{}
	}
	return outbox.NewSMTP(b.cfg.SMTP)
}
