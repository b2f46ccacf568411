// SPDX-License-Identifier: Apache-2.0

// Package router is what the staff's XMPP clients talk to: the desk bot, a contact for each chat, colleagues, the contact
// list, and the small services of a server. It handles the stanzas of c2s and turns what happened on the desk into stanzas.
//
// Each account that has a session on this node is a member: one goroutine that takes, in order, the events that concern
// the account and the arrivals of its sessions. A client is one session of a member. What clients send is handled in the
// goroutine of their stream: text and commands go to the console, which makes desk commands of them; everybody, the
// sender's other clients included, learns of the effect from the event.
package router

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway"
	"refdesk/gateway/console"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/c2s"
)

// Config of a Router.
type Config struct {
	Domain  string           // of the accounts
	Node    string           // this node's id
	Version string           // of the program, for XEP-0092
	Rings   int              // to one account in a minute; above it rings are bundled. 0 = 30
	Now     func() time.Time // nil = time.Now
	Log     *slog.Logger     // nil discards

	FAQs    console.FAQs             // nil compares words
	FAQLink func(slug string) string // the address of an FAQ's page; nil = they have none
	Find    console.Finder           // nil: there is no search
}

// Events hands out what happens on the desk; gateway.Dispatcher does.
type Events interface {
	Attach(ctx context.Context, account string, a gateway.Account) (at desk.Cursor, detach func(), err error)
}

// Typist is told that a member of staff is writing in a chat, or has stopped. It must not block.
type Typist func(chat uint64, on bool)

// Router implements c2s.Handler.
type Router struct {
	cfg     Config
	domains xmpp.Domains
	store   desk.Store
	node    desk.Actor
	events  Events
	console *console.Console
	typing  Typist
	log     *slog.Logger
	about   about

	ctx  context.Context // ends with Run
	stop context.CancelFunc
	work sync.WaitGroup

	positions *positions
	partings  *partings
	boards    *boards
	receipts  *receipts
	typists   *typists
	sightings *sightings

	mu      sync.Mutex
	members map[string]*member
	clients map[string]*client // by session
	opening map[string]bool    // sessions whose OpenSession is under way
}

var _ c2s.Handler = (*Router)(nil)

// New returns a router. Run must be called for it to do its work.
func New(cfg Config, store desk.Store, events Events, typing Typist) (*Router, error) {
	domains, err := xmpp.NewDomains(cfg.Domain)
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Rings <= 0 {
		cfg.Rings = 30
	}
	if typing == nil {
		typing = func(uint64, bool) {}
	}
	r := &Router{
		cfg: cfg, domains: domains, store: store, node: desk.NodeActor(cfg.Node), events: events, typing: typing, log: cfg.Log,
		members: make(map[string]*member), clients: make(map[string]*client), opening: make(map[string]bool),
	}
	r.console = console.New(store, r.now, console.Options{
		Address: domains.ChatAddress, TicketAddress: domains.TicketAddress, FAQs: cfg.FAQs, FAQLink: cfg.FAQLink, Find: cfg.Find,
	})
	r.about = newAbout(cfg.Version)
	r.positions = newPositions(r)
	r.partings = newPartings(r)
	r.boards = newBoards(r)
	r.receipts = newReceipts(r)
	r.typists = newTypists(r.now)
	r.sightings = newSightings(r)
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r, nil
}

// Console is what makes commands of what staff type. Whoever shares it shares the numbered lists.
func (r *Router) Console() *console.Console { return r.console }

// Run does the router's work in the background until ctx ends. The sessions must have ended before that.
func (r *Router) Run(ctx context.Context) error {
	r.work.Go(func() { r.positions.run(r.ctx) })
	r.work.Go(func() { r.partings.run(r.ctx) })
	r.work.Go(func() { r.boards.run(r.ctx) })
	r.work.Go(func() { r.receipts.run(r.ctx) })
	<-ctx.Done()
	r.stop()
	r.work.Wait()
	return nil
}

func (r *Router) now() desk.Time { return desk.At(r.cfg.Now()) }

// Live lists the sessions that this node has, those included whose opening is under way.
func (r *Router) Live() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]string, 0, len(r.clients)+len(r.opening))
	for id := range r.clients {
		out = append(out, id)
	}
	for id := range r.opening {
		out = append(out, id)
	}
	return out
}

// Bind opens the session on the desk and gives it the resource that the desk grants.
func (r *Router) Bind(ctx context.Context, s *c2s.Session) error {
	r.mu.Lock()
	r.opening[s.ID()] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.opening, s.ID())
	}()
	m, err := r.enter(ctx, s.Account())
	if err != nil {
		return refusedBind(err)
	}
	reply, err := r.store.Do(ctx, desk.Request{
		Actor: r.node, Key: desk.Key{Kind: desk.KeySession, Principal: s.ID(), ID: "open"},
		Command: &desk.OpenSession{ID: s.ID(), Account: s.Account(), Door: "xmpp", Node: r.cfg.Node, Resource: s.Resource()},
	})
	if err != nil {
		r.leave(m)
		r.partings.unless(s.ID())
		return refusedBind(err)
	}
	s.Grant(reply.Value)
	c := newClient(m, s)
	r.mu.Lock()
	r.clients[s.ID()] = c
	r.mu.Unlock()
	m.add(c)
	return nil
}

// refusedBind is what the client of a session that could not be opened is told.
func refusedBind(err error) error {
	var refused *desk.Error
	if errors.As(err, &refused) && (refused.Code == desk.NotAllowed || refused.Code == desk.NotFound) {
		return &xmpp.StanzaError{Condition: xmpp.NotAllowed, Text: "this account may not sign in"}
	}
	return err
}

// End closes the session on the desk.
func (r *Router) End(s *c2s.Session, _ []any) {
	c := r.client(s)
	r.mu.Lock()
	delete(r.clients, s.ID())
	r.mu.Unlock()
	c.end()
	c.m.drop(c)
	r.positions.flush()
	r.partings.now(s.ID())
	r.leave(c.m)
}

// Acked notes how far the account's clients have come.
func (r *Router) Acked(s *c2s.Session, tokens []any) {
	c := r.client(s)
	if c == nil {
		return
	}
	var most uint64
	for _, t := range tokens {
		switch d := t.(type) {
		case delivery:
			c.noteGot(d)
			most = max(most, d.seq)
		case rung:
			r.receipts.note(d.chat, s.Account(), s.ID())
		}
	}
	if most > 0 {
		r.positions.note(s.Account(), most)
	}
}

// Resume says how many stanzas of an earlier session were handled. The session is closed first, wherever it is: what of it
// is still on its way to the log is refused from then on.
func (r *Router) Resume(ctx context.Context, account, smID string) (h uint32, ok bool) {
	whose := func() (string, error) {
		var owner string
		err := r.store.View(ctx, r.node, func(rd desk.Reader) (err error) {
			h, owner, err = rd.Handled(smID)
			return err
		})
		return owner, err
	}
	if owner, err := whose(); err != nil || owner != account {
		return 0, false
	}
	reply, err := r.store.Do(ctx, desk.Request{Actor: r.node, Command: &desk.CloseSession{ID: smID}})
	if err != nil || r.store.WaitApplied(ctx, reply.Seq) != nil {
		return 0, false
	}
	_, err = whose()
	return h, err == nil
}

// client returns the client of a session; nil if it has not been bound.
func (r *Router) client(s *c2s.Session) *client {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clients[s.ID()]
}

// Typing tells those who have a part in a chat that its patron is writing, or has stopped.
func (r *Router) Typing(chat uint64, on bool) {
	if on {
		r.typists.types(chat)
	}
	for _, m := range r.all() {
		m.post(func(context.Context) { m.patronTypes(chat, on) })
	}
}

func (r *Router) all() []*member {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]*member, 0, len(r.members))
	for _, m := range r.members {
		out = append(out, m)
	}
	return out
}
