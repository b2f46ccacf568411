// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// boardEvery is the shortest time between two readings of the departments' figures.
const boardEvery = time.Second

// board is how a department stands: its contact's name, show and status.
type board struct{ name, show, status string }

func (b board) presence(from, to string, caps *element.Element) *element.Element {
	return xmpp.Available(from, to, b.show, b.status).Add(caps)
}

// boards keeps the departments' boards: "3 waiting, 2 on". They are read when something has changed that they tell of, and
// shown to all clients of this node.
type boards struct {
	r    *Router
	wake chan struct{}

	mu   sync.Mutex
	rows map[string]board // by department
}

func newBoards(r *Router) *boards {
	return &boards{r: r, wake: make(chan struct{}, 1), rows: map[string]board{}}
}

// changed asks for a new reading.
func (b *boards) changed() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// all are the boards as they were read last.
func (b *boards) all() map[string]board {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rows
}

// touches reports whether an event may change a board.
func touches(k desk.EventKind) bool {
	switch k {
	case desk.ChatOpened, desk.ChatClaimed, desk.ChatReleased, desk.ChatTransferred, desk.ChatMissed, desk.ChatRang,
		desk.SessionClosed, desk.ShowChanged, desk.DutyChanged, desk.StaffChanged, desk.StaffDisabled, desk.DepartmentChanged:
		return true
	}
	return false
}

func (b *boards) run(ctx context.Context) {
	tick := time.NewTicker(boardEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.wake:
		case <-ctx.Done():
			return
		}
		b.read(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// read reads the figures and shows what is new.
func (b *boards) read(ctx context.Context) {
	rows := map[string]board{}
	err := b.r.store.View(ctx, b.r.node, func(r desk.Reader) error {
		now := b.r.now()
		departments, err := r.Departments(now)
		for _, d := range departments {
			available, _, cerr := r.Crew(d.ID, now)
			if cerr != nil {
				return cerr
			}
			rows[d.ID] = newBoard(d, len(available))
		}
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			b.r.log.Warn("read the departments' figures", "err", err)
		}
		return
	}
	b.mu.Lock()
	same := maps.Equal(b.rows, rows)
	old := b.rows
	b.rows = rows
	b.mu.Unlock()
	if same {
		return
	}
	for _, m := range b.r.all() {
		m.post(func(context.Context) { m.boardsChanged(old, rows) })
	}
}

func newBoard(d desk.DepartmentView, on int) board {
	b := board{name: d.Name, status: fmt.Sprintf("%d waiting, %d on", d.Waiting, on)}
	switch d.State {
	case desk.StateAway:
		b.show = "away"
	case desk.StateClosed:
		b.show, b.status = "xa", "closed"
		if d.Waiting > 0 {
			b.status = fmt.Sprintf("closed, %d waiting", d.Waiting)
		}
	}
	return b
}

// boardsChanged shows the boards that are new or other than before.
func (m *member) boardsChanged(old, rows map[string]board) {
	renamed := len(old) != len(rows)
	for id, b := range rows {
		if old[id] == b {
			continue
		}
		renamed = renamed || old[id].name != b.name
		from, ok := m.r.domains.DepartmentAddress(id)
		if !ok {
			continue
		}
		for _, c := range m.all() {
			if c.isAvailable() {
				c.send(b.presence(from+"/desk", c.s.JID(), m.r.about.bot.caps))
			}
		}
	}
	if renamed {
		m.pushFixed(m.r.ctx)
	}
}
