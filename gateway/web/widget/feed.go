// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"errors"
	"iter"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// page is a run of a chat's events in order. The first page of a feed may be empty; it tells the cursor.
type page struct {
	Epoch  uint64
	Seq    uint64 // the reader stands here after it
	Events []Event
	Reset  bool // what the reader had counts no more: this begins the whole chat anew
	Behind bool // there is more, and it follows at once
}

// whole reports whether a cursor asks for the chat from its beginning.
func whole(c desk.Cursor) bool { return c.Seq == 0 }

// feed yields what a patron may see after a cursor: what is there already, then what comes, each event once and in
// order, until ctx ends. A cursor of another epoch or from before the events kept begins anew with Reset. Every way of
// reading a chat (poll, stream, socket) is this one feed.
func (d *Door) feed(ctx context.Context, p patron, after desk.Cursor) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		head, reset, err := d.catchUp(ctx, p, after)
		if err != nil {
			yield(page{}, err)
			return
		}
		if reset {
			after = desk.Cursor{Epoch: head.Epoch}
		}
		for {
			err := d.follow(ctx, p, after, head.Seq, reset, yield)
			switch {
			case errors.Is(err, errStopped):
				return
			case errors.Is(err, errIncomplete):
				if after, err = d.replay(ctx, p, reset, yield); err != nil {
					return
				}
				reset = false
			case errors.Is(err, &desk.Error{Code: desk.TooOld}) && !reset:
				after, reset = desk.Cursor{}, true
			default:
				yield(page{}, err)
				return
			}
		}
	}
}

var (
	errStopped    = errors.New("widget: the reader has enough")
	errIncomplete = errors.New("widget: the log no longer holds the chat's beginning")
)

// catchUp finds where this node stands, and waits a little if the cursor is ahead of it.
func (d *Door) catchUp(ctx context.Context, p patron, after desk.Cursor) (head desk.Cursor, reset bool, err error) {
	look := func() error {
		return d.store.View(ctx, p.actor(), func(rd desk.Reader) (err error) {
			head, err = rd.Cursor()
			return err
		})
	}
	if err := look(); err != nil {
		return head, false, err
	}
	if after.Epoch != 0 && after.Epoch != head.Epoch {
		return head, true, nil
	}
	if after.Seq <= head.Seq {
		return head, false, nil
	}
	wait, cancel := context.WithTimeout(ctx, d.limits.CatchUpWithin)
	defer cancel()
	if err := d.store.WaitApplied(wait, after.Seq); err != nil {
		return head, false, web.Unavailable(time.Second, "This node has not got that far yet; try again, or another node.")
	}
	return head, false, look()
}

// follow passes on a topic's batches as pages. It returns errStopped when the reader has enough and errIncomplete,
// before any page, when a feed from the beginning would lack it.
func (d *Door) follow(
	ctx context.Context, p patron, after desk.Cursor, head uint64, reset bool, yield func(page, error) bool,
) error {
	first := true
	for b, err := range d.store.Follow(ctx, p.actor(), desk.TopicChat(p.chat), after) {
		if err != nil {
			return err
		}
		if first && whole(after) && (len(b.Events) == 0 || b.Events[0].Kind != desk.ChatOpened) {
			return errIncomplete
		}
		pg := page{Epoch: b.Cursor.Epoch, Seq: b.Cursor.Seq, Reset: reset, Behind: b.Cursor.Seq < head}
		if len(b.Events) > 0 {
			if pg.Events, err = d.read(ctx, p, b.Events); err != nil {
				return err
			}
		}
		if (first || len(pg.Events) > 0) && !yield(pg, nil) {
			return errStopped
		}
		first, reset = false, false
	}
	return errStopped
}

// read turns events into what the patron reads, on one state.
func (d *Door) read(ctx context.Context, p patron, events []desk.Event) ([]Event, error) {
	out := make([]Event, 0, len(events))
	err := d.store.View(ctx, p.actor(), func(rd desk.Reader) error {
		for _, e := range events {
			t, ok, err := translate(rd, d.frame.Pages(), e)
			if err != nil {
				return err
			}
			if ok {
				out = append(out, t)
			}
		}
		return nil
	})
	return out, err
}

// replay yields the whole chat from its records and returns the cursor to go on from.
func (d *Door) replay(ctx context.Context, p patron, reset bool, yield func(page, error) bool) (desk.Cursor, error) {
	var at desk.Cursor
	pg := page{Reset: reset}
	ticket, err := d.ticketOf(ctx, p.chat)
	if err != nil {
		yield(page{}, err)
		return at, err
	}
	err = d.store.View(ctx, p.actor(), func(rd desk.Reader) (err error) {
		if at, err = rd.Cursor(); err != nil {
			return err
		}
		pg.Events, err = fromRecords(rd, p.chat, ticket)
		return err
	})
	if err != nil {
		yield(page{}, err)
		return at, err
	}
	pg.Epoch, pg.Seq = at.Epoch, at.Seq
	if !yield(pg, nil) {
		return at, errStopped
	}
	return at, nil
}
