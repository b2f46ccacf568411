// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/google/renameio/v2"

	"refdesk/cluster/desk"
)

// chatsAtOnce is how many chats are read in one view while an index is filled.
const chatsAtOnce = 200

// rebuild fills the index anew from the records and returns where to follow from. Events from before that are indexed once
// more, which does no harm.
func (f *Follower) rebuild(ctx context.Context) (desk.Cursor, error) {
	at, err := f.cursor(ctx)
	if err != nil {
		return at, err
	}
	f.log.Info("the search index is filled from the records", "seq", at.Seq)
	err = f.index.Rebuild(ctx, at.Seq, func(put func([]Doc) error) error {
		return f.fill(ctx, put)
	})
	if err != nil {
		return at, fmt.Errorf("fill the search index: %w", err)
	}
	file := filepath.Join(f.index.cfg.Dir, epochFile)
	if err := renameio.WriteFile(file, []byte(strconv.FormatUint(at.Epoch, 10)+"\n"), 0o600); err != nil {
		return at, fmt.Errorf("note the epoch of the search index: %w", err)
	}
	return at, nil
}

// fill puts everything that can be found.
func (f *Follower) fill(ctx context.Context, put func([]Doc) error) error {
	chats, tickets, faqs, err := f.numbers(ctx)
	if err != nil {
		return err
	}
	if err := put(faqs); err != nil {
		return err
	}
	for _, run := range []struct {
		numbers []uint64
		read    func(*batch, desk.Reader, []Doc, uint64) ([]Doc, error)
	}{{chats, (*batch).chat}, {tickets, (*batch).ticket}} {
		for len(run.numbers) > 0 {
			n := min(chatsAtOnce, len(run.numbers))
			var docs []Doc
			err := f.store.View(ctx, f.node, func(r desk.Reader) (err error) {
				for _, number := range run.numbers[:n] {
					if docs, err = run.read(&batch{}, r, docs, number); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			if err := put(docs); err != nil {
				return err
			}
			run.numbers = run.numbers[n:]
		}
	}
	return nil
}

// numbers lists all chats and tickets, and makes the documents of the FAQs.
func (f *Follower) numbers(ctx context.Context) (chats, tickets []uint64, faqs []Doc, err error) {
	err = f.store.View(ctx, f.node, func(r desk.Reader) error {
		for _, state := range []desk.ChatState{desk.Waiting, desk.Claimed, desk.Missed, desk.Closed, desk.Dismissed, desk.Ticketed} {
			found, err := r.Chats(desk.ChatFilter{State: state})
			if err != nil {
				return err
			}
			for _, h := range found {
				chats = append(chats, h.Number)
			}
		}
		all, err := r.FAQs()
		if err != nil {
			return err
		}
		for _, q := range all {
			if q.State == desk.FAQPublished {
				faqs = append(faqs, faqDoc(q))
			}
		}
		tickets, err = allTickets(r)
		return err
	})
	return chats, tickets, faqs, err
}

func allTickets(r desk.Reader) (out []uint64, err error) {
	var last *desk.Ticket
	for {
		page, err := r.Tickets(desk.TicketFilter{Limit: chatsAtOnce, Before: last})
		if err != nil || len(page) == 0 {
			return out, err
		}
		for _, t := range page {
			out = append(out, t.Number)
		}
		last = page[len(page)-1]
	}
}
