// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"refdesk/cluster/desk"
)

// seats are the desk sessions of the board pages that are open on this node. A page keeps its session while it reloads or
// its connection breaks for a moment, so that nobody is taken for gone who isn't.
type seats struct {
	node  string
	store desk.Store
	grace time.Duration // a session lasts so long without a socket
	wake  chan struct{}

	mu   sync.Mutex
	rows map[string]*seat // by web session and page
}

// seat is one page's desk session.
type seat struct {
	name    string // in seats.rows
	account string
	id      string // of the desk session
	actor   desk.Actor

	opening sync.Mutex // held while the session is being opened

	mu      sync.Mutex
	opened  bool
	sockets int
	empty   time.Time // since when there is no socket
	show    desk.Show // as committed
	moved   uint64    // highest seq that the page has, of what it must not miss
	told    uint64    // the one that was committed
}

func newSeats(node string, store desk.Store, grace time.Duration) *seats {
	return &seats{node: node, store: store, grace: grace, wake: make(chan struct{}, 1), rows: map[string]*seat{}}
}

// enter gives a page its seat and opens its session on the desk. leave must follow.
func (s *seats) enter(ctx context.Context, account, web, page string) (*seat, error) {
	p := s.sit(account, web, page)
	p.opening.Lock()
	defer p.opening.Unlock()
	p.mu.Lock()
	opened := p.opened
	p.mu.Unlock()
	if opened {
		return p, nil
	}
	_, err := s.store.Do(ctx, desk.Request{
		Actor: desk.NodeActor(s.node), Key: desk.Key{Kind: desk.KeySession, Principal: p.id, ID: "open"},
		Command: &desk.OpenSession{ID: p.id, Account: account, Door: "web", Node: s.node, Resource: "board"},
	})
	if err != nil {
		s.leave(p)
		return nil, err
	}
	p.mu.Lock()
	p.opened = true
	p.mu.Unlock()
	return p, nil
}

// sit finds or makes a page's seat and counts its socket.
func (s *seats) sit(account, web, page string) *seat {
	name := account + "\x00" + web + "\x00" + page
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.rows[name]
	if p == nil {
		id := "board-" + strings.ToLower(rand.Text())
		p = &seat{name: name, account: account, id: id, actor: desk.StaffActor(account, id)}
		s.rows[name] = p
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sockets++
	return p
}

// leave takes a socket away. The session ends a while after the last one.
func (s *seats) leave(p *seat) {
	p.mu.Lock()
	p.sockets--
	p.empty = time.Now()
	p.mu.Unlock()
	s.look()
}

// drop forgets a seat whose session the desk has ended: the page's next socket opens another.
func (s *seats) drop(p *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[p.name] == p {
		delete(s.rows, p.name)
	}
}

func (s *seats) look() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// live lists the desk sessions of this node's boards.
func (s *seats) live() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.rows))
	for _, p := range s.rows {
		out = append(out, p.id)
	}
	return out
}

// setShow tells the desk how a page's person is, if that is news.
func (s *seats) setShow(ctx context.Context, p *seat, show desk.Show) error {
	p.mu.Lock()
	same := p.show == show
	p.mu.Unlock()
	if same {
		return nil
	}
	// The person has said it, so an away counts at once.
	_, err := s.store.Do(ctx, desk.Request{Actor: p.actor, Command: &desk.SetShow{ID: p.id, Show: show, Status: show == desk.ShowAway}})
	if err == nil {
		p.mu.Lock()
		p.show = show
		p.mu.Unlock()
	}
	return err
}

// showing is how the page's person is, as committed.
func (p *seat) showing() desk.Show {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.show
}

// got notes how far the page has come with what concerns its person.
func (s *seats) got(p *seat, seq uint64) {
	p.mu.Lock()
	p.moved = max(p.moved, seq)
	news := p.moved > p.told
	p.mu.Unlock()
	if news {
		s.look()
	}
}

// roundEvery is the shortest time between two rounds.
const roundEvery = 500 * time.Millisecond

// run closes the sessions of pages that are gone and commits how far the others have come, until ctx ends. Then it closes
// them all: their pages go on with another node.
func (s *seats) run(ctx context.Context) {
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		s.round(ctx, s.grace)
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			s.round(last, -1)
			cancel()
			return
		}
		if s.idle() {
			select {
			case <-s.wake:
			case <-ctx.Done():
			}
		}
	}
}

// idle reports whether nothing is to be closed or committed.
func (s *seats) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.rows {
		p.mu.Lock()
		busy := p.sockets == 0 || p.moved > p.told
		p.mu.Unlock()
		if busy {
			return false
		}
	}
	return true
}

func (s *seats) round(ctx context.Context, grace time.Duration) {
	s.mu.Lock()
	rows := slices.Collect(maps.Values(s.rows))
	s.mu.Unlock()
	for _, p := range rows {
		s.move(ctx, p)
		if s.over(p, grace) {
			s.closeSeat(ctx, p)
		}
	}
}

// over takes a seat away whose last socket has been gone for the grace. A negative grace takes them all.
func (s *seats) over(p *seat, grace time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if grace >= 0 && (p.sockets > 0 || time.Since(p.empty) < grace) {
		return false
	}
	delete(s.rows, p.name)
	return true
}

// closeSeat ends a session on the desk. Without a quorum it is tried again in the next round.
func (s *seats) closeSeat(ctx context.Context, p *seat) {
	_, err := s.store.Do(ctx, desk.Request{Actor: desk.NodeActor(s.node), Command: &desk.CloseSession{ID: p.id}})
	if err == nil || !undecided(err) || ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[p.name] == nil {
		s.rows[p.name] = p
	}
}

// move commits how far a page has come: what it has is not brought to the person's other programs again.
func (s *seats) move(ctx context.Context, p *seat) {
	p.mu.Lock()
	seq, news := p.moved, p.moved > p.told
	p.mu.Unlock()
	if !news {
		return
	}
	_, err := s.store.Do(ctx, desk.Request{Actor: desk.NodeActor(s.node), Command: &desk.MovePosition{Account: p.account, Seq: seq}})
	if err != nil && undecided(err) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = max(p.told, seq)
}

// undecided reports whether an error leaves open what became of a command.
func undecided(err error) bool {
	var refused *desk.Error
	return !errors.As(err, &refused) || refused.Code == desk.NoQuorum || refused.Code == desk.Stopping
}
