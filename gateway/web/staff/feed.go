// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"refdesk/cluster/desk"
	"refdesk/gateway"
	"refdesk/gateway/console"
)

// Bounds of what waits for one board.
const (
	mostEvents = 4096 // beyond it the socket is closed; the page comes again and resumes
	mostOpen   = 24   // chats that one page follows
	mostMissed = 2000 // events that are brought after a broken connection; beyond it the page reads anew
)

// feed brings what happens on the desk to one board. Its run is one goroutine: events go down in their order.
type feed struct {
	l        *socket
	wake     chan struct{}
	attached chan struct{} // closed when events come: what is read from then on misses none

	mu     sync.Mutex
	events []desk.Event
	over   bool // too much waits, or events were missed
	open   map[uint64]func()
	parts  map[uint64]bool      // open chats in which the person may write
	gots   map[uint64]uint64    // by chat: as far as its lines were shown
	typed  map[uint64]time.Time // by chat: when its patron was typing last
	work   sync.WaitGroup

	// What follows belongs to run.
	dirty bool
	heads map[uint64]bool
	sent  time.Time // when the board was sent last
}

var _ gateway.Account = (*feed)(nil)

func newFeed(l *socket) *feed {
	return &feed{
		l: l, wake: make(chan struct{}, 1), attached: make(chan struct{}), open: map[uint64]func(){}, parts: map[uint64]bool{},
		gots: map[uint64]uint64{}, typed: map[uint64]time.Time{}, heads: map[uint64]bool{},
	}
}

// Happened takes events from the dispatcher.
func (f *feed) Happened(events []desk.Event) {
	f.mu.Lock()
	if len(f.events)+len(events) > mostEvents {
		f.over, f.events = true, nil
	} else {
		f.events = append(f.events, events...)
	}
	f.mu.Unlock()
	f.look()
}

// Lost ends the socket: its page comes again and is told whether it can go on from its cursor.
func (f *feed) Lost(desk.Cursor) {
	f.mu.Lock()
	f.over = true
	f.mu.Unlock()
	f.look()
}

func (f *feed) look() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *feed) taken() (events []desk.Event, over bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	events, f.events = f.events, nil
	return events, f.over
}

// view reads as the person.
func (f *feed) view(ctx context.Context, read func(desk.Reader) error) error {
	return f.l.d.view(ctx, f.l.actor(), read)
}

// run tells the page where the desk stands, brings what it missed, and then what happens.
func (f *feed) run(ctx context.Context, after desk.Cursor) {
	at, detach, err := f.l.d.deps.Events.Attach(ctx, f.l.who.Account, f)
	if err != nil {
		if ctx.Err() == nil {
			_ = f.l.fail(ctx, "", err)
			f.l.end(websocket.StatusTryAgainLater, "")
		}
		return
	}
	defer detach()
	close(f.attached)
	missed, ok := f.missed(ctx, after, at)
	show := wordOf(f.l.seat.showing())
	if f.l.write(ctx, down{Type: "ready", Epoch: at.Epoch, Seq: at.Seq, Reset: !ok, Show: show}) != nil || f.board(ctx) != nil {
		return
	}
	for _, e := range missed {
		if f.take(ctx, e, true) != nil {
			return
		}
	}
	f.follow(ctx)
}

// wordOf is the board's word for a show.
func wordOf(s desk.Show) string {
	switch s {
	case desk.NoShow:
		return "off"
	case desk.ShowAway, desk.ShowXA, desk.ShowDND:
		return "away"
	}
	return "online"
}

// missed reads the events that name the person between the page's cursor and now. Without them (another epoch, too long
// ago, too many) ok is false, and the page reads anew.
func (f *feed) missed(ctx context.Context, after, at desk.Cursor) (out []desk.Event, ok bool) {
	if after.Epoch != at.Epoch || after.Seq > at.Seq || after.Seq == 0 {
		return nil, false
	}
	for b, err := range f.l.d.store.Follow(ctx, f.l.actor(), desk.TopicAccount(f.l.who.Account), after) {
		if err != nil {
			return nil, false
		}
		for _, e := range b.Events {
			if e.Seq <= at.Seq {
				out = append(out, e)
			}
		}
		if len(out) > mostMissed {
			return nil, false
		}
		if b.Cursor.Seq >= at.Seq {
			break
		}
	}
	return out, true
}

// follow brings events as they come, and now and then the board if they have changed it.
func (f *feed) follow(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		events, over := f.taken()
		if over {
			f.l.end(websocket.StatusTryAgainLater, "behind")
			return
		}
		for _, e := range events {
			if f.take(ctx, e, false) != nil {
				return
			}
		}
		if f.dirty || len(f.heads) > 0 {
			wait := time.Until(f.sent.Add(f.l.d.deps.BoardEvery))
			if wait <= 0 {
				if f.refresh(ctx) != nil {
					return
				}
				continue
			}
			timer.Reset(wait)
		}
		select {
		case <-f.wake:
		case <-timer.C:
		case <-ctx.Done():
			f.l.end(websocket.StatusGoingAway, "")
			return
		}
	}
}

// refresh sends the board and the heads of open chats that have changed.
func (f *feed) refresh(ctx context.Context) error {
	if f.dirty {
		if err := f.board(ctx); err != nil {
			return err
		}
	}
	f.sent = time.Now()
	for chat := range f.heads {
		delete(f.heads, chat)
		if err := f.head(ctx, chat); err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) board(ctx context.Context) error {
	var b *board
	err := f.view(ctx, func(r desk.Reader) (err error) {
		b, err = readBoard(r, f.l.who.Account, f.l.d.now())
		return err
	})
	if err != nil {
		return f.trouble(ctx, err)
	}
	f.dirty, f.sent = false, time.Now()
	return f.l.write(ctx, down{Type: "board", Board: b})
}

// trouble ends the socket because of a reading that failed: the page comes again, or signs in again if it may not read.
func (f *feed) trouble(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, &desk.Error{Code: desk.NotAllowed}):
		f.l.end(signInAgain, "sign in")
	case ctx.Err() == nil:
		f.l.d.log.WarnContext(ctx, "board not read", "staff", f.l.who.Account, "err", err)
		f.l.end(websocket.StatusTryAgainLater, "")
	}
	return err
}

// errSignIn ends a feed whose person has to be looked at again.
var errSignIn = errors.New("staff: sign in again")

// take brings one event. late: it happened while the page was not connected, so that it doesn't ring any more.
func (f *feed) take(ctx context.Context, e desk.Event, late bool) error {
	f.dirty = f.dirty || e.Kind != desk.LineSeen
	if e.Chat != 0 && f.follows(e.Chat) {
		f.heads[e.Chat] = true
	}
	switch e.Kind {
	case desk.LinePosted, desk.LineRedacted:
		return f.line(ctx, e)
	case desk.LineSeen:
		if f.named(e) {
			return f.l.write(ctx, down{Type: "seen", Chat: e.Chat, Seq: e.Ref, Shown: e.Value == "shown"})
		}
		return nil
	case desk.ChatRang:
		return f.ring(ctx, e, late)
	case desk.ChatClaimed, desk.ChatMissed:
		if err := f.answered(ctx, e); err != nil {
			return err
		}
	case desk.MessageSent:
		return f.message(ctx, e)
	case desk.SessionClosed:
		if e.Session == f.l.seat.id && e.Value != "lost" {
			f.l.d.seats.drop(f.l.seat)
			f.l.end(signInAgain, "session")
			return errSignIn
		}
	case desk.WebSessionEnded, desk.StaffDisabled, desk.StaffChanged:
		if e.Staff == f.l.who.Account && !late {
			f.l.end(signInAgain, "sign in")
			return errSignIn
		}
	}
	return f.told(ctx, e)
}

// named reports whether an event names the person.
func (f *feed) named(e desk.Event) bool { return slices.Contains(e.Audience.Staff, f.l.who.Account) }

// line brings a line of a chat that the person has a part in, or that the page shows.
func (f *feed) line(ctx context.Context, e desk.Event) error {
	if !f.named(e) && !f.follows(e.Chat) {
		return nil
	}
	var x line
	err := f.view(ctx, func(r desk.Reader) error {
		l, err := r.Line(e.Chat, e.Line)
		if err == nil {
			x = lineOf(l, f.l.who.Account, console.Names(r))
		}
		return err
	})
	if err != nil {
		return ignoreMissing(err)
	}
	if x.From == string(desk.FromPatron) {
		f.noteTyping(e.Chat, false)
	}
	return f.l.write(ctx, down{Type: "line", Seq: e.Seq, Chat: e.Chat, Line: &x})
}

// ring brings a ring for a chat that still waits.
func (f *feed) ring(ctx context.Context, e desk.Event, late bool) error {
	if late || !f.named(e) || f.l.seat.showing() == desk.NoShow {
		return nil
	}
	text := ""
	err := f.view(ctx, func(r desk.Reader) error {
		h, err := r.Chat(e.Chat)
		if err != nil || h.State != desk.Waiting {
			return err
		}
		d, err := r.Department(h.Department)
		if err != nil {
			return err
		}
		first, err := r.Line(e.Chat, 1)
		text = console.RingLine(h, d, first, f.l.d.now())
		return err
	})
	if err != nil || text == "" {
		return ignoreMissing(err)
	}
	if err := f.l.write(ctx, down{Type: "ring", Seq: e.Seq, Chat: e.Chat, Text: text}); err != nil {
		return err
	}
	// It was written to the socket: the ring has been received (2-desk, "Who rings").
	f.work.Go(func() {
		_, err := f.l.d.do(ctx, f.l.actor(), desk.Key{}, &desk.RingReceived{Chat: e.Chat, Session: f.l.seat.id})
		if err != nil && ctx.Err() == nil {
			f.l.d.log.DebugContext(ctx, "ring not confirmed", "chat", e.Chat, "err", err)
		}
	})
	return nil
}

// answered ends the ringing for a chat.
func (f *feed) answered(ctx context.Context, e desk.Event) error {
	name := ""
	if e.Staff != "" && e.Staff != f.l.who.Account {
		_ = f.view(ctx, func(r desk.Reader) error {
			name = console.Names(r)(e.Staff)
			return nil
		})
	}
	return f.l.write(ctx, down{Type: "answered", Seq: e.Seq, Chat: e.Chat, By: name})
}

// message brings what a colleague wrote to the person.
func (f *feed) message(ctx context.Context, e desk.Event) error {
	if e.To != f.l.who.Account || e.Staff == f.l.who.Account {
		return nil
	}
	x := down{Type: "message", Seq: e.Seq}
	err := f.view(ctx, func(r desk.Reader) error {
		m, err := r.Message(e.Ref)
		if err == nil {
			x.By, x.From, x.Text = console.Names(r)(m.From), m.From, m.Body
		}
		return err
	})
	if err != nil {
		return ignoreMissing(err)
	}
	return f.l.write(ctx, x)
}

// told brings an event as a sentence, if the console has one for this person.
func (f *feed) told(ctx context.Context, e desk.Event) error {
	text := ""
	err := f.view(ctx, func(r desk.Reader) error {
		if t, ok := console.EventLine(r, f.l.who.Account, e); ok {
			text = t
		}
		return nil
	})
	if err != nil || text == "" {
		return ignoreMissing(err)
	}
	return f.l.write(ctx, down{Type: "told", Seq: e.Seq, Chat: e.Chat, Text: text})
}
