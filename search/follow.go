// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"refdesk/cluster/desk"
)

// Follower keeps an index behind the desk: every event that changes what can be found changes the index. It reads as its
// node, which may read everything; rights are asked for when somebody searches (Finder).
type Follower struct {
	index *Index
	store desk.Store
	node  desk.Actor
	log   *slog.Logger
	ready chan struct{} // closed when the index has caught up once
	done  bool
	hurry chan struct{} // somebody waits for what has happened

	mu    sync.Mutex
	moved chan struct{} // closed and replaced at every change of the index
}

// NewFollower returns a follower for the node with the given id. Run starts it. A nil log discards.
func NewFollower(index *Index, store desk.Store, node string, log *slog.Logger) *Follower {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Follower{
		index: index, store: store, node: desk.NodeActor(node), log: log, ready: make(chan struct{}),
		hurry: make(chan struct{}, 1), moved: make(chan struct{}),
	}
}

// Ready is closed when the index holds what had happened before Run.
func (f *Follower) Ready() <-chan struct{} { return f.ready }

// CatchUp waits until the index holds what has happened so far, for as long as ctx lets it.
func (f *Follower) CatchUp(ctx context.Context) {
	at, err := f.cursor(ctx)
	for err == nil {
		f.mu.Lock()
		moved := f.moved
		f.mu.Unlock()
		if f.index.Applied() >= at.Seq {
			return
		}
		select {
		case f.hurry <- struct{}{}:
		default:
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		}
	}
}

// Run follows until ctx ends. An index of another history, or one that is too far behind for the events, is filled anew
// from the records.
func (f *Follower) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		from, err := f.begin(ctx)
		for err == nil {
			err = f.follow(ctx, from)
			if !errors.Is(err, &desk.Error{Code: desk.TooOld}) {
				break
			}
			from, err = f.rebuild(ctx)
		}
		if ctx.Err() != nil || errors.Is(err, &desk.Error{Code: desk.Stopping}) {
			return nil
		}
		f.log.Error("the search index does not follow; it is tried again", "err", err)
		pause := time.NewTimer(retryAfter)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
	return nil
}

// retryAfter is the pause after a failure: a full disk, a store that can't be read.
const retryAfter = 10 * time.Second

// epochFile keeps which history of the desk the index is of.
const epochFile = "epoch"

// begin says where to follow from.
func (f *Follower) begin(ctx context.Context) (desk.Cursor, error) {
	at, err := f.cursor(ctx)
	if err != nil {
		return at, err
	}
	data, err := os.ReadFile(filepath.Join(f.index.cfg.Dir, epochFile))
	known := err == nil && strings.TrimSpace(string(data)) == strconv.FormatUint(at.Epoch, 10)
	if known && f.index.Applied() > 0 && f.index.Applied() <= at.Seq {
		return desk.Cursor{Epoch: at.Epoch, Seq: f.index.Applied()}, nil
	}
	return f.rebuild(ctx)
}

func (f *Follower) cursor(ctx context.Context) (at desk.Cursor, err error) {
	err = f.store.View(ctx, f.node, func(r desk.Reader) error {
		at, err = r.Cursor()
		return err
	})
	return at, err
}

// Each change of the index costs several syncs, as many as the log needs for all messages that come in the meantime. So
// the next waits a little, and takes what has come by then; what happens is found within a second all the same. Whoever is
// far behind doesn't wait.
const (
	gatherFor = 400 * time.Millisecond
	behind    = 128 // events in a batch
)

// follow indexes what happens after a cursor.
func (f *Follower) follow(ctx context.Context, from desk.Cursor) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	<-pause.C
	for b, err := range f.store.Follow(ctx, f.node, desk.TopicAll(), from) {
		if err != nil {
			return err
		}
		if err := f.take(ctx, b); err != nil {
			return err
		}
		f.mu.Lock()
		close(f.moved)
		f.moved = make(chan struct{})
		f.mu.Unlock()
		if !f.done {
			f.done = true
			close(f.ready)
		}
		if len(b.Events) < behind {
			pause.Reset(gatherFor)
			select {
			case <-pause.C:
			case <-f.hurry:
			case <-ctx.Done():
			}
		}
	}
	return ctx.Err()
}

// batch is what a run of events changes.
type batch struct {
	lines   map[[2]uint64]bool // chat, line
	chats   map[uint64]bool    // with all their lines
	entries map[[2]uint64]bool // ticket, entry
	tickets map[uint64]bool    // with all their entries
	faqs    map[string]bool
	gone    []string
	erase   bool // something must leave no trace
}

func gather(events []desk.Event) batch {
	b := batch{
		lines: map[[2]uint64]bool{}, chats: map[uint64]bool{}, entries: map[[2]uint64]bool{}, tickets: map[uint64]bool{}, faqs: map[string]bool{},
	}
	for _, e := range events {
		switch e.Kind {
		case desk.LinePosted:
			b.lines[[2]uint64{e.Chat, e.Line}] = true
		case desk.LineRedacted, desk.ChatMasked:
			b.chats[e.Chat], b.erase = true, true
		case desk.ChatClosed, desk.ChatMissed, desk.ChatReopened, desk.ChatDismissed, desk.ChatClaimed, desk.ChatTransferred,
			desk.ChatTagged, desk.ChatUntagged, desk.ContactChanged, desk.Rated:
			b.chats[e.Chat] = true
		case desk.EntryAdded:
			b.entries[[2]uint64{e.Ticket, e.Entry}] = true
			b.tickets[e.Ticket] = true
		case desk.TicketOpened, desk.TicketChanged, desk.TicketAssigned:
			b.tickets[e.Ticket] = true
			b.erase = b.erase || e.Value == "masked"
		case desk.FAQChanged:
			b.faqs[e.Value] = true
		}
	}
	return b
}

// take indexes one batch of events.
func (f *Follower) take(ctx context.Context, events desk.Batch) error {
	b := gather(events.Events)
	var docs []Doc
	err := f.store.View(ctx, f.node, func(r desk.Reader) (err error) {
		docs, err = b.read(r)
		return err
	})
	if err != nil {
		return fmt.Errorf("read for the search index: %w", err)
	}
	if !b.erase {
		return f.index.Change(ctx, docs, b.gone, events.Cursor.Seq)
	}
	// The number is noted last: whoever is stopped before erases again at the next start.
	if err := f.index.Change(ctx, docs, b.gone, 0); err != nil {
		return err
	}
	if err := f.index.Erase(ctx, b.gone); err != nil {
		return err
	}
	return f.index.Change(ctx, nil, nil, events.Cursor.Seq)
}

// read makes the documents. What can't be found any more is gone.
func (b *batch) read(r desk.Reader) (docs []Doc, err error) {
	for number := range b.chats {
		if docs, err = b.chat(r, docs, number); err != nil {
			return nil, err
		}
	}
	for at := range b.lines {
		if b.chats[at[0]] {
			continue
		}
		if docs, err = b.line(r, docs, at[0], at[1]); err != nil {
			return nil, err
		}
	}
	for number := range b.tickets {
		if docs, err = b.ticket(r, docs, number); err != nil {
			return nil, err
		}
	}
	for at := range b.entries {
		e, err := r.Entry(at[0], at[1])
		if err == nil {
			var t *desk.Ticket
			if t, err = r.Ticket(at[0]); err == nil {
				docs = append(docs, entryDoc(t, e))
			}
		}
		if ignoreMissing(err) != nil {
			return nil, err
		}
	}
	for _, slug := range slices.Sorted(maps.Keys(b.faqs)) {
		q, err := r.FAQ(slug)
		switch {
		case err == nil && q.State == desk.FAQPublished:
			docs = append(docs, faqDoc(q))
		case ignoreMissing(err) != nil:
			return nil, err
		default:
			b.gone = append(b.gone, faqID(slug))
		}
	}
	return docs, nil
}

// ignoreMissing drops the errors that say that there is none, or none any more, that the actor may read.
func ignoreMissing(err error) error {
	if errors.Is(err, &desk.Error{Code: desk.NotFound}) || errors.Is(err, &desk.Error{Code: desk.NotAllowed}) {
		return nil
	}
	return err
}

// chat makes the documents of a chat and all its lines.
func (b *batch) chat(r desk.Reader, docs []Doc, number uint64) ([]Doc, error) {
	h, err := r.Chat(number)
	if err != nil {
		return docs, ignoreMissing(err)
	}
	lines, err := r.Lines(number, 0, 0)
	if err != nil {
		return docs, err
	}
	if h.NoStore {
		b.gone = append(b.gone, chatID(number))
		return docs, nil
	}
	for _, l := range lines {
		docs = append(docs, lineDoc(h, l))
	}
	return append(docs, chatDoc(h, lines)), nil
}

func (b *batch) line(r desk.Reader, docs []Doc, chat, line uint64) ([]Doc, error) {
	h, err := r.Chat(chat)
	if err != nil || h.NoStore {
		return docs, ignoreMissing(err)
	}
	l, err := r.Line(chat, line)
	if err != nil {
		return docs, ignoreMissing(err)
	}
	return append(docs, lineDoc(h, l)), nil
}

// ticket makes the documents of a ticket and all its entries.
func (b *batch) ticket(r desk.Reader, docs []Doc, number uint64) ([]Doc, error) {
	t, err := r.Ticket(number)
	if err != nil {
		return docs, ignoreMissing(err)
	}
	entries, err := r.Entries(number, 0, 0)
	if err != nil {
		return docs, ignoreMissing(err)
	}
	for _, e := range entries {
		docs = append(docs, entryDoc(t, e))
	}
	if t.Number != number { // merged: its entries are found as those of the ticket that goes on
		b.gone = append(b.gone, ticketID(number))
		return docs, nil
	}
	return append(docs, ticketDoc(t, entries)), nil
}
