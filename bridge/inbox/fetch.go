// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"refdesk/cluster/desk"
)

// beginning is how much of a mail over the limit is read.
const beginning = 256 << 10

// mostTries is how often a mail is tried that fails by itself.
const mostTries = 3

// retryAfter is how long to wait after the n-th try.
func retryAfter(n int) time.Duration {
	return []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}[min(n, 2)]
}

// uids lists the folder's mails from a number on that aren't filed, the oldest first.
func (b *Mailbox) uids(l *link, from imap.UID) ([]imap.UID, error) {
	var all []imap.UID
	err := l.guard(func() error {
		data, err := l.c.UIDSearch(&imap.SearchCriteria{
			UID: []imap.UIDSet{{imap.UIDRange{Start: from, Stop: 0}}}, NotFlag: []imap.Flag{filed},
		}, nil).Wait()
		if err == nil {
			all = data.AllUIDs()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for mail: %w", err)
	}
	slices.Sort(all)
	// "57:*" gives the last mail even if its number is lower (RFC 9051 §9, seq-range).
	return slices.DeleteFunc(all, func(u imap.UID) bool { return u < from }), nil
}

// round takes in every mail that is there.
func (b *Mailbox) round(ctx context.Context, l *link, at mark) error {
	// Some servers look for new mail at NOOP only (RFC 9051 §6.1.2).
	if err := l.guard(func() error { return l.c.Noop().Wait() }); err != nil {
		return fmt.Errorf("look for mail: %w", err)
	}
	uids, err := b.uids(l, at.From)
	if err != nil {
		return err
	}
	for _, uid := range uids {
		if t := b.tries[uint32(uid)]; t != nil && b.door.cfg.Now().Before(t.next) {
			continue
		}
		if err := b.one(ctx, l, at, uid); err != nil {
			return err
		}
	}
	return nil
}

// one takes one mail in and files it. An error is one of the connection, or of the desk as a whole: the mail stays.
func (b *Mailbox) one(ctx context.Context, l *link, at mark, uid imap.UID) error {
	in, err := b.fetch(l, uid)
	if err != nil || in == nil {
		return err
	}
	defer in.spool.close()
	if at.Renewed && b.old(ctx, in, at.Since) {
		b.tries[uint32(uid)] = &try{next: b.door.cfg.Now().Add(24 * time.Hour)}
		b.setHealth(func(h *Health) { h.Aside++ })
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	_, err = b.door.take(ctx, Envelope{
		Mailbox: b.cfg.User, UIDValidity: uint64(at.Validity), UID: uint64(uid), Received: in.date, Cut: in.cut,
	}, in.spool)
	switch {
	case errors.Is(err, ErrLoop):
		b.door.cfg.Log.Warn("a mail goes round; it is put aside", "uid", uid)
		return b.fail(l, uid)
	case err == nil && in.cut:
		return b.file(l, uid, tooLarge)
	case err == nil:
		delete(b.tries, uint32(uid))
		return b.file(l, uid, done)
	case outOfReach(err):
		return fmt.Errorf("take a mail in: %w", err)
	}
	t := b.tries[uint32(uid)]
	if t == nil {
		t = &try{}
		b.tries[uint32(uid)] = t
	}
	t.next = b.door.cfg.Now().Add(retryAfter(t.n))
	if t.n++; t.n > mostTries {
		delete(b.tries, uint32(uid))
		b.door.cfg.Log.Error("a mail could not be taken in; it is put aside", "uid", uid, "err", err)
		return b.fail(l, uid)
	}
	b.door.cfg.Log.Warn("a mail could not be taken in; it is tried again", "uid", uid, "err", err)
	return nil
}

func (b *Mailbox) fail(l *link, uid imap.UID) error {
	b.setHealth(func(h *Health) { h.Failed++ })
	return b.file(l, uid, failed)
}

// outOfReach says whether the desk rather than the mail is at fault.
func outOfReach(err error) bool {
	var e *desk.Error
	return errors.As(err, &e) && (e.Code == desk.NoQuorum || e.Code == desk.Stopping) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// old says whether a mail is from before the desk, by the mailbox and by its own header.
func (b *Mailbox) old(ctx context.Context, in *incoming, since time.Time) bool {
	if !in.date.Before(since) {
		return false
	}
	d := in.spool.parse(ctx).Date
	return d.IsZero() || d.Before(since)
}

// incoming is a mail fetched.
type incoming struct {
	spool *spool
	date  time.Time
	cut   bool
}

// fetch reads one mail to disk; nil if it is gone. Nothing but these items is asked for: what servers say of a mail's
// structure is often broken, and then the connection is.
func (b *Mailbox) fetch(l *link, uid imap.UID) (*incoming, error) {
	in := &incoming{}
	var size int64
	there, err := false, error(nil)
	err = l.guard(func() error {
		there, err = l.items(uid, &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: true}, func(item imapclient.FetchItemData) error {
			switch item := item.(type) {
			case imapclient.FetchItemDataRFC822Size:
				size = item.Size
			case imapclient.FetchItemDataInternalDate:
				in.date = item.Time
			}
			return nil
		})
		return err
	})
	if err != nil || !there {
		return nil, err
	}
	section := &imap.FetchItemBodySection{Peek: true}
	if in.cut = size > b.door.cfg.MaxSize; in.cut {
		section.Partial = &imap.SectionPartial{Size: beginning}
	}
	_, err = l.guarded(func(alive func()) error {
		_, err := l.items(uid, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}, func(item imapclient.FetchItemData) error {
			body, ok := item.(imapclient.FetchItemDataBodySection)
			if !ok || in.spool != nil {
				return nil
			}
			var r io.Reader = strings.NewReader("")
			if body.Literal != nil {
				r = &lively{body.Literal, alive}
			}
			var err error
			in.spool, err = b.door.spool("", r)
			return err
		})
		return err
	})
	if err != nil && in.spool != nil {
		in.spool.close()
	}
	if err != nil || in.spool == nil {
		return nil, err
	}
	return in, nil
}

// items fetches one mail's items and hands each over as it comes.
func (l *link) items(uid imap.UID, o *imap.FetchOptions, f func(imapclient.FetchItemData) error) (there bool, err error) {
	cmd := l.c.Fetch(imap.UIDSetNum(uid), o)
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		there = true
		for item := msg.Next(); item != nil; item = msg.Next() {
			if e := f(item); e != nil && err == nil {
				err = e
			}
		}
	}
	if e := cmd.Close(); e != nil && err == nil {
		err = e
	}
	if err != nil {
		err = fmt.Errorf("fetch a mail: %w", err)
	}
	return there, err
}

// lively tells the watchdog of every byte.
type lively struct {
	r     io.Reader
	alive func()
}

func (r *lively) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if n > 0 {
		r.alive()
	}
	return n, err
}
