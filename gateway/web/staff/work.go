// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway"
	"refdesk/gateway/console"
	"refdesk/gateway/web"
)

// Events hands out what happens on the desk; gateway.Dispatcher does. Without it the board works by forms alone.
type Events interface {
	Attach(ctx context.Context, account string, a gateway.Account) (at desk.Cursor, detach func(), err error)
}

// Hints passes typing between the doors and nodes of a desk. They may get lost; nothing waits for them.
type Hints interface {
	// StaffTypes tells a chat's patron. It does not block.
	StaffTypes(chat uint64, on bool)
	// PatronTypes yields what the patron of a chat does until stop is called. A slow reader misses some.
	PatronTypes(chat uint64) (hints <-chan bool, stop func())
}

// Work is what the pages of a shift need from the node.
type Work struct {
	Events  Events
	Console *console.Console // nil: one of the door's own. Sharing the XMPP door's shares the numbered lists
	Hints   Hints            // nil: nobody types
	Finder  Finder           // nil: nothing can be searched

	SeatGrace  time.Duration // a board's desk session lasts so long without a connection; 0 means 10 s
	BoardEvery time.Duration // the shortest time between two boards sent to one page; 0 means 300 ms
}

// work is what these pages keep in memory.
type work struct {
	console *console.Console
	seats   *seats
	sockets *web.Slots   // by account
	says    *web.Buckets // by account
}

// How much one person may have and do on the board.
const (
	mostSockets = 20
	sayBurst    = 40
	sayEvery    = 200 * time.Millisecond
)

// prepareWork makes ready what these pages need. It starts nothing.
func (d *Door) prepareWork() error {
	w := &d.deps.Work
	if w.SeatGrace == 0 {
		w.SeatGrace = 10 * time.Second
	}
	if w.BoardEvery == 0 {
		w.BoardEvery = 300 * time.Millisecond
	}
	if w.Hints == nil {
		w.Hints = silence{}
	}
	d.console = w.Console
	if d.console == nil {
		d.console = console.New(d.store, d.now, console.Options{})
	}
	d.seats = newSeats(d.cfg.Node, d.store, w.SeatGrace)
	d.sockets = web.NewSlots(mostSockets)
	d.says = web.NewBuckets(sayEvery, sayBurst)
	return nil
}

// Run keeps the boards' desk sessions until ctx ends, and returns when everything it began is over.
func (d *Door) Run(ctx context.Context) error {
	d.seats.run(ctx)
	return nil
}

// Live lists the desk sessions that the boards on this node have, those included whose opening is under way.
func (d *Door) Live() []string { return d.seats.live() }

// workRoutes are the pages of a shift.
func (d *Door) workRoutes() []Route {
	return slices.Concat(d.boardRoutes(), d.missedRoutes(), d.ticketRoutes(), []Route{
		{http.MethodGet, "/search", desk.RoleOperator, d.searchPage},
	})
}

func (d *Door) boardRoutes() []Route {
	return []Route{
		{http.MethodGet, "/board", desk.RoleTrainee, d.boardPage},
		{http.MethodGet, "/board/socket", desk.RoleTrainee, d.boardSocket},
		{http.MethodGet, "/board/alive", desk.RoleTrainee, d.alive},
		{http.MethodGet, "/chats/{chat}", desk.RoleTrainee, d.chatPage},
		{http.MethodPost, "/chats/{chat}/say", desk.RoleTrainee, d.chatSay},
		{http.MethodGet, "/chats/{chat}/do/{command}", desk.RoleTrainee, d.chatForm},
		{http.MethodPost, "/chats/{chat}/do/{command}", desk.RoleTrainee, d.chatDo},
	}
}

func (d *Door) missedRoutes() []Route {
	return []Route{
		{http.MethodGet, "/missed", desk.RoleOperator, d.missedPage},
		{http.MethodPost, "/missed/dismiss", desk.RoleOperator, d.missedBulk},
		{http.MethodPost, "/missed/{chat}/claim", desk.RoleOperator, d.missedClaim},
		{http.MethodPost, "/missed/{chat}/ticket", desk.RoleOperator, d.missedTicket},
		{http.MethodPost, "/missed/{chat}/dismiss", desk.RoleOperator, d.missedDismiss},
	}
}

func (d *Door) ticketRoutes() []Route {
	const one = "/tickets/{ticket}"
	return []Route{
		{http.MethodGet, "/tickets", desk.RoleOperator, d.ticketsPage},
		{http.MethodGet, "/tickets/new", desk.RoleOperator, d.newTicketPage},
		{http.MethodPost, "/tickets/new", desk.RoleOperator, d.newTicket},
		{http.MethodPost, "/tickets/close", desk.RoleOperator, d.ticketsClose},
		{http.MethodPost, "/tickets/restore", desk.RoleOperator, d.ticketsRestore},
		{http.MethodGet, one, desk.RoleOperator, d.ticketPage},
		{http.MethodPost, one + "/reply", desk.RoleOperator, d.ticketReply},
		{http.MethodPost, one + "/note", desk.RoleOperator, d.ticketNote},
		{http.MethodPost, one + "/assign", desk.RoleOperator, d.ticketAssign},
		{http.MethodPost, one + "/state", desk.RoleOperator, d.ticketState},
		{http.MethodPost, one + "/tags", desk.RoleOperator, d.ticketTags},
		{http.MethodPost, one + "/subject", desk.RoleOperator, d.ticketSubject},
		{http.MethodPost, one + "/requester", desk.RoleOperator, d.ticketRequester},
		{http.MethodPost, one + "/merge", desk.RoleOperator, d.ticketMerge},
		{http.MethodPost, one + "/draft", desk.RoleOperator, d.ticketDraft},
		{http.MethodPost, one + "/entries/{entry}/{what}", desk.RoleOperator, d.ticketEntry},
		{http.MethodGet, one + "/entries/{entry}/mail", desk.RoleOperator, d.originalPage},
		{http.MethodGet, one + "/entries/{entry}/files/{file}", desk.RoleOperator, d.attachmentPage},
	}
}

// silence is a desk on which nobody types.
type silence struct{}

func (silence) StaffTypes(uint64, bool) {}

func (silence) PatronTypes(uint64) (<-chan bool, func()) { return nil, func() {} }

// ignoreMissing drops the error that says "there is none that you may read".
func ignoreMissing(err error) error {
	if errors.Is(err, &desk.Error{Code: desk.NotFound}) || errors.Is(err, &desk.Error{Code: desk.NotAllowed}) {
		return nil
	}
	return err
}
