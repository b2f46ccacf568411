// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Where mails go once they are taken in.
const (
	done     = "Done"
	failed   = "Failed"
	tooLarge = "Too large"
	above    = "Refdesk" // the folder that holds these
)

// filed is the keyword of a mail that is taken in and could not be moved.
const filed imap.Flag = "$RefdeskDone"

// file moves a mail that is committed out of the folder. It must never lose one: without MOVE the copy has to be certain
// before the original goes, and without UIDPLUS nothing is deleted at all. (Client.Move of go-imap deletes on a server
// without MOVE even if the copy failed.)
func (b *Mailbox) file(l *link, uid imap.UID, folder string) error {
	set := imap.UIDSetNum(uid)
	err := l.guard(func() error {
		switch {
		case l.moves:
			return l.into(folder, func(name string) error {
				_, err := l.c.Move(set, name).Wait()
				return err
			})
		case l.expunges:
			return l.into(folder, func(name string) error { return l.copyAway(set, name) })
		}
		return errNoMove
	})
	var said *imap.Error
	if err == nil {
		return nil
	}
	if !errors.Is(err, errNoMove) && !errors.As(err, &said) {
		return fmt.Errorf("file a mail: %w", err) // of the connection
	}
	if said != nil {
		b.door.cfg.Log.Warn("a mail could not be moved; it is marked instead", "uid", uid, "err", err)
	}
	return l.guard(func() error {
		err := l.c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{filed, imap.FlagSeen}}, nil).Close()
		if err != nil {
			return fmt.Errorf("mark a mail as filed: %w", err)
		}
		return nil
	})
}

var errNoMove = errors.New("the mailbox can neither move nor delete a single mail")

// copyAway copies, makes sure, and deletes the original.
func (l *link) copyAway(set imap.UIDSet, name string) error {
	copied, err := l.c.Copy(set, name).Wait()
	if err != nil {
		return err
	}
	if len(copied.SourceUIDs) == 0 || copied.SourceUIDs.String() != set.String() {
		return errNoMove // nothing says that the copy is there
	}
	if err := l.c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
		return err
	}
	return l.c.UIDExpunge(set).Close()
}

// into does something with one of our folders, which is made when it isn't there.
func (l *link) into(folder string, f func(name string) error) error {
	name := l.prefix + above + l.delim + folder
	err := f(name)
	var said *imap.Error
	if err == nil || !errors.As(err, &said) || l.folders[folder] {
		return err
	}
	l.folders[folder] = true
	if made := l.c.Create(name, nil).Wait(); made != nil && l.prefix == "" {
		// Some servers keep all folders below INBOX.
		l.prefix = "INBOX" + l.delim
		name = l.prefix + above + l.delim + folder
		if again := l.c.Create(name, nil).Wait(); again != nil && !exists(again) {
			return errors.Join(err, made)
		}
	}
	return f(name)
}

func exists(err error) bool {
	var said *imap.Error
	return errors.As(err, &said) && said.Code == imap.ResponseCodeAlreadyExists
}

// sent looks for a mail of ours in the folder of sent mails and in the mailbox's own.
func (b *Mailbox) sent(l *link, messageID string) (yes bool, err error) {
	criteria := &imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: strings.Trim(messageID, "<>")}}}
	err = l.guard(func() error {
		for _, name := range slices.Compact([]string{b.cfg.Folder, l.sentFolder()}) {
			if name == "" {
				continue
			}
			if _, err := l.c.Select(name, &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
				continue // there is none of that name
			}
			found, err := l.c.UIDSearch(criteria, nil).Wait()
			if err != nil {
				return err
			}
			yes = yes || len(found.AllUIDs()) > 0
		}
		_, err := l.c.Select(b.cfg.Folder, nil).Wait()
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for a sent mail: %w", err)
	}
	return yes, nil
}

// sentFolder is the folder that the server marks as the one for sent mail (RFC 6154), or one called so.
func (l *link) sentFolder() string {
	list, err := l.c.List("", "*", nil).Collect()
	if err != nil {
		return ""
	}
	name := ""
	for _, f := range list {
		if slices.Contains(f.Attrs, imap.MailboxAttrSent) {
			return f.Mailbox
		}
		if strings.EqualFold(f.Mailbox, "Sent") || strings.EqualFold(f.Mailbox, "INBOX"+l.delim+"Sent") {
			name = f.Mailbox
		}
	}
	return name
}
