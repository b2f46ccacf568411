// SPDX-License-Identifier: Apache-2.0

// Package gateway carries committed events to the connections on this node.
//
// A Dispatcher follows everything that happens on the desk, once a node, and hands each event to the accounts that it
// concerns and that are connected here. It carries no text: whoever is handed an event reads what it needs from the
// desk, as the account, so that rights are asked for at every read.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"refdesk/cluster/desk"
)

// Account is somebody's connection, or all of them, on this node.
type Account interface {
	// Happened takes events in the order of their seq. It must not block and not keep the slice.
	Happened(events []desk.Event)
	// Lost reports that events were missed: the desk is another one, or this node was away for too long. What the
	// account shows has to be read anew. It must not block.
	Lost(at desk.Cursor)
}

// Dispatcher hands out the events of a desk. Its methods may be called at any time.
type Dispatcher struct {
	store desk.Store
	node  desk.Actor
	log   *slog.Logger

	begun chan struct{} // closed when Run knows where the desk stands
	once  sync.Once

	mu       sync.Mutex
	at       desk.Cursor
	accounts map[Account]*place
}

// place is what is known of one Account.
type place struct {
	account     string
	known       bool // departments were read; until then everything concerns it
	departments []string
	batch       []desk.Event // reused
}

// New returns a dispatcher for the node with the given id. Run starts it. A nil log discards.
func New(node string, store desk.Store, log *slog.Logger) *Dispatcher {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Dispatcher{
		store: store, node: desk.NodeActor(node), log: log, begun: make(chan struct{}), accounts: make(map[Account]*place),
	}
}

// Attach hands the account all events after the cursor that is returned, until detach is called. It waits for Run to have
// begun; its error is the desk's.
func (d *Dispatcher) Attach(ctx context.Context, account string, a Account) (at desk.Cursor, detach func(), err error) {
	select {
	case <-d.begun:
	case <-ctx.Done():
		return desk.Cursor{}, nil, ctx.Err()
	}
	p := &place{account: account}
	d.mu.Lock()
	d.accounts[a] = p
	at = d.at
	d.mu.Unlock()
	detach = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.accounts, a)
	}
	departments, err := d.departments(ctx, account)
	if err != nil {
		detach()
		return desk.Cursor{}, nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p.departments, p.known = departments, true
	return at, detach, nil
}

func (d *Dispatcher) departments(ctx context.Context, account string) (out []string, err error) {
	err = d.store.View(ctx, d.node, func(r desk.Reader) error {
		p, err := r.StaffMember(account)
		if err == nil {
			out = p.Departments
		}
		return err
	})
	return out, err
}

// Run follows the desk until ctx ends. It begins behind what has happened so far.
func (d *Dispatcher) Run(ctx context.Context) error {
	from, err := d.now(ctx)
	for err == nil {
		d.moved(from)
		d.once.Do(func() { close(d.begun) })
		for b, ferr := range d.store.Follow(ctx, d.node, desk.TopicAll(), from) {
			if ferr != nil {
				err = ferr
				break
			}
			d.dispatch(ctx, b)
		}
		if errors.Is(err, &desk.Error{Code: desk.TooOld}) {
			d.log.Warn("events were missed; connections read anew")
			if from, err = d.now(ctx); err == nil {
				d.lost(from)
			}
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// now is where the desk stands.
func (d *Dispatcher) now(ctx context.Context) (at desk.Cursor, err error) {
	err = d.store.View(ctx, d.node, func(r desk.Reader) error {
		at, err = r.Cursor()
		return err
	})
	return at, err
}

func (d *Dispatcher) moved(at desk.Cursor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
}

func (d *Dispatcher) lost(at desk.Cursor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
	for a := range d.accounts {
		a.Lost(at)
	}
}

// dispatch hands a batch to everyone whom a part of it concerns.
func (d *Dispatcher) dispatch(ctx context.Context, b desk.Batch) {
	d.relearn(ctx, b.Events)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = b.Cursor
	for a, p := range d.accounts {
		p.batch = p.batch[:0]
		for i := range b.Events {
			if p.concerned(&b.Events[i]) {
				p.batch = append(p.batch, b.Events[i])
			}
		}
		if len(p.batch) > 0 {
			a.Happened(p.batch)
		}
	}
}

// relearn reads the departments of those whose record has changed.
func (d *Dispatcher) relearn(ctx context.Context, events []desk.Event) {
	for _, e := range events {
		if e.Kind != desk.StaffChanged {
			continue
		}
		departments, err := d.departments(ctx, e.Staff)
		if err != nil {
			continue // disabled or gone: its sessions end by their own events
		}
		d.mu.Lock()
		for _, p := range d.accounts {
			if p.account == e.Staff {
				p.departments = departments
			}
		}
		d.mu.Unlock()
	}
}

// concerned reports whether an event is for the account: by name, for one of its departments, or for all staff.
func (p *place) concerned(e *desk.Event) bool {
	switch e.Kind {
	case desk.SessionOpened, desk.SessionClosed, desk.ShowChanged, desk.StaffChanged, desk.StaffDisabled, desk.DepartmentChanged:
		return true // colleagues see one another
	}
	return !p.known || slices.Contains(e.Audience.Staff, p.account) ||
		slices.ContainsFunc(e.Audience.Departments, func(id string) bool { return slices.Contains(p.departments, id) })
}
