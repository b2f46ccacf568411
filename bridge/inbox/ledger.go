// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"

	"refdesk/cluster/desk"
)

// mark is where a mailbox stood when the desk first saw it: what lay there before is not the desk's business. Nothing in
// the folder below From is read or touched.
type mark struct {
	Validity uint32
	From     imap.UID
	Since    time.Time // of the first sight
	Renewed  bool      // the server has numbered the folder anew since; older mails may have got new numbers
}

// ledger is the name of the setting that holds the mark: it is the desk's, so that a new leader knows it.
func (b *Mailbox) ledger() string {
	sum := sha256.Sum256([]byte(b.cfg.Addr + "\n" + b.cfg.User + "\n" + b.cfg.Folder))
	return "mail.box." + hex.EncodeToString(sum[:12])
}

func (b *Mailbox) readMark(ctx context.Context) (m mark, ok bool, err error) {
	var text string
	err = b.door.store.View(ctx, desk.NodeActor(b.door.cfg.Node), func(r desk.Reader) (err error) {
		text, err = r.Setting(b.ledger())
		return err
	})
	if err != nil || text == "" {
		return mark{}, false, err
	}
	var since int64
	if _, err := fmt.Sscanf(text, "%d %d %d %t", &m.Validity, &m.From, &since, &m.Renewed); err != nil {
		return mark{}, false, fmt.Errorf("read where the mailbox stood: %w", err)
	}
	m.Since = time.UnixMilli(since)
	return m, true, nil
}

func (b *Mailbox) writeMark(ctx context.Context, m mark) error {
	value := fmt.Sprintf("%d %d %d %t", m.Validity, m.From, m.Since.UnixMilli(), m.Renewed)
	_, err := b.door.store.Do(ctx, desk.Request{
		Actor: desk.NodeActor(b.door.cfg.Node), Command: &desk.SetSetting{Setting: desk.Setting{Name: b.ledger(), Value: value}},
	})
	if err != nil {
		return fmt.Errorf("note where the mailbox stands: %w", err)
	}
	return nil
}

// enter selects the folder and finds out from where on its mails are the desk's.
func (b *Mailbox) enter(ctx context.Context, l *link) (mark, error) {
	box, err := b.selectFolder(l)
	if err != nil {
		return mark{}, err
	}
	m, known, err := b.readMark(ctx)
	if err != nil {
		return mark{}, err
	}
	switch {
	case !known:
		m = mark{Validity: box.UIDValidity, From: box.UIDNext, Since: b.door.cfg.Now()}
		if m.From == 0 {
			if m.From, err = b.next(l); err != nil {
				return mark{}, err
			}
		}
		return m, b.writeMark(ctx, m)
	case m.Validity != box.UIDValidity:
		return b.renumbered(ctx, l, m, box)
	}
	return m, nil
}

// selectFolder opens the folder, which is made anew if somebody has deleted it.
func (b *Mailbox) selectFolder(l *link) (box *imap.SelectData, err error) {
	err = l.guard(func() (err error) {
		box, err = l.c.Select(b.cfg.Folder, nil).Wait()
		var said *imap.Error
		if errors.As(err, &said) && said.Type == imap.StatusResponseTypeNo {
			if made := l.c.Create(b.cfg.Folder, nil).Wait(); made != nil {
				return errors.Join(err, made)
			}
			box, err = l.c.Select(b.cfg.Folder, nil).Wait()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the folder %s: %w", b.cfg.Folder, err)
	}
	return box, nil
}

// next finds the number that the next mail gets, on servers that don't say so.
func (b *Mailbox) next(l *link) (imap.UID, error) {
	uids, err := b.uids(l, 1)
	if err != nil || len(uids) == 0 {
		return 1, err
	}
	return uids[len(uids)-1] + 1, nil
}

// mostUnknown is how many unknown mails at once are taken for new ones after the numbers changed.
const mostUnknown = 50

// renumbered looks through a folder whose numbers mean something else than before: the contents tell which mails are known.
// Known ones are filed. Of the others those older than the desk stay; and when there are many, all that lie there now stay,
// for somebody to say what to do with them.
func (b *Mailbox) renumbered(ctx context.Context, l *link, m mark, box *imap.SelectData) (mark, error) {
	b.door.cfg.Log.Warn("the mailbox has new numbers; its mails are told apart by their content", "was", m.Validity, "is", box.UIDValidity)
	uids, err := b.uids(l, 1)
	if err != nil {
		return mark{}, err
	}
	unknown := 0
	for _, uid := range uids {
		is, err := b.isKnown(ctx, l, uid)
		if err != nil {
			return mark{}, err
		}
		if !is {
			unknown++
			continue
		}
		if err := b.file(l, uid, done); err != nil {
			return mark{}, err
		}
	}
	m.Validity, m.From, m.Renewed = box.UIDValidity, 1, true
	if unknown > mostUnknown {
		if m.From, err = b.next(l); err != nil {
			return mark{}, err
		}
		b.setHealth(func(h *Health) { h.Aside = unknown })
		b.door.cfg.Log.Error("many unknown mails lie in the mailbox; they stay there", "mails", unknown)
	}
	return m, b.writeMark(ctx, m)
}

// isKnown reads a mail to find out whether it was taken in before.
func (b *Mailbox) isKnown(ctx context.Context, l *link, uid imap.UID) (bool, error) {
	in, err := b.fetch(l, uid)
	if err != nil || in == nil {
		return false, err
	}
	defer in.spool.close()
	_, departments, err := b.door.own(ctx)
	if err != nil {
		return false, err
	}
	m := in.spool.parse(ctx)
	x := &ingest{}
	x.Group = departments.of(m, b.door.cfg.Domain)
	x.DedupeKey = dedupe(x.Group, m, in.spool)
	_, known := b.door.known(ctx, x)
	return known, nil
}
