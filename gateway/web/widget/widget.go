// SPDX-License-Identifier: Apache-2.0

// Package widget is the patrons' door: API v1 over HTTP, event streams and WebSocket, the chat page that speaks it, the
// pages of the FAQs, the question form, and the demo's web page. docs/api.md describes the API; this package and that file say the same.
//
// A patron is whoever holds a chat's token. Only its SHA-256 goes beyond this package: it is the patron's id in the
// domain (desk.PatronActor), so that reading and writing are bound to the one chat that the token opened.
//
// Presence: a patron is attached to this node while a socket or stream is open (and five seconds longer), or for 45 s
// after an authorised call. Only changes are committed. Typing is a hint, passed on without the log.
package widget

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// Limits of API v1. The zero value means the default that stands beside the field.
type Limits struct {
	Lines         int           // lines a chat may send at once: 20
	LineEvery     time.Duration // time in which one of them comes back: 500 ms
	Chats         int           // chats that a network may open at once: 60
	ChatEvery     time.Duration // time in which one of them comes back: 1 s
	Questions     int           // questions by form that a network may leave at once: 20
	QuestionEvery time.Duration // time in which one of them comes back: 15 s
	Finds         int           // searches of FAQs that a network may do at once: 120
	FindEvery     time.Duration // time in which one of them comes back: 100 ms
	Votes         int           // votes on one FAQ that a network may give at once: 5
	VoteEvery     time.Duration // time in which one of them comes back: 10 min
	Sockets       int           // sockets, streams and long polls that a network may hold: 2,000
	SeenEvery     time.Duration // between two commits of "seen" of one chat: 5 s
	DetachAfter   time.Duration // after a patron's last stream ended: 5 s
	PollingFor    time.Duration // a call without a stream keeps the patron attached: 45 s
	AuthWithin    time.Duration // for a socket's first frame: 5 s
	CatchUpWithin time.Duration // for this node to reach a cursor from another: 2 s
	CommentEvery  time.Duration // between two comments on an idle event stream: 15 s
	CommitWithin  time.Duration // for a majority to take a command, before the call is answered 503: 5 s
}

func (l Limits) withDefaults() Limits {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	num := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	num(&l.Lines, 20)
	num(&l.Chats, 60)
	num(&l.Sockets, 2000)
	num(&l.Questions, 20)
	num(&l.Finds, 120)
	num(&l.Votes, 5)
	set(&l.QuestionEvery, 15*time.Second)
	set(&l.FindEvery, 100*time.Millisecond)
	set(&l.VoteEvery, 10*time.Minute)
	set(&l.LineEvery, 500*time.Millisecond)
	set(&l.ChatEvery, time.Second)
	set(&l.SeenEvery, 5*time.Second)
	set(&l.DetachAfter, 5*time.Second)
	set(&l.PollingFor, 45*time.Second)
	set(&l.AuthWithin, 5*time.Second)
	set(&l.CatchUpWithin, 2*time.Second)
	set(&l.CommentEvery, 15*time.Second)
	set(&l.CommitWithin, 5*time.Second)
	return l
}

// Typing is a hint that one side of a chat is writing, or has stopped.
type Typing struct {
	Chat       uint64
	FromPatron bool
	On         bool
}

// Hints passes typing hints between the doors and nodes of a desk. They may get lost; nothing waits for them.
type Hints interface {
	// Publish tells the other side. It does not block.
	Publish(t Typing)
	// Subscribe yields the hints of one chat until stop is called. A slow reader misses some.
	Subscribe(chat uint64) (hints <-chan Typing, stop func())
}

// Config is what the door has to know.
type Config struct {
	Node   string // this node's id
	Demo   bool   // show the made-up library's page at /
	Titles bool   // keep the titles of the pages that patrons come from
	Limits Limits
	FAQs   FAQs             // the search over FAQs; nil compares words
	Forms  []byte           // the key that signs forms, the same on every node; nil means one of this process
	Now    func() time.Time // nil means time.Now
}

// Door is the patrons' door of one node.
type Door struct {
	cfg     Config
	limits  Limits
	frame   *web.Frame
	store   desk.Store
	hints   Hints
	log     *slog.Logger
	seats   *seats
	lines   *web.Buckets // by token hash
	opens   *web.Buckets // by network
	asks    *web.Buckets // by network
	finds   *web.Buckets // by network
	votes   *web.Buckets // by network and FAQ
	sockets *web.Slots   // by network
	doors   doorCache
	faqList faqCache
	tallies tallies
	forms   forms
}

// New makes the door and mounts it on the frame's patron host. hints may be nil: nobody types then.
func New(cfg Config, frame *web.Frame, store desk.Store, hints Hints) *Door {
	if hints == nil {
		hints = silence{}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	l := cfg.Limits.withDefaults()
	d := &Door{
		cfg: cfg, limits: l, frame: frame, store: store, hints: hints, log: frame.Log(),
		lines:   web.NewBuckets(l.LineEvery, l.Lines),
		opens:   web.NewBuckets(l.ChatEvery, l.Chats),
		asks:    web.NewBuckets(l.QuestionEvery, l.Questions),
		finds:   web.NewBuckets(l.FindEvery, l.Finds),
		votes:   web.NewBuckets(l.VoteEvery, l.Votes),
		sockets: web.NewSlots(l.Sockets),
		forms:   newForms(cfg.Forms, cfg.Now),
	}
	d.seats = newSeats(cfg.Node, store, l, d.log)
	d.mount()
	return d
}

// do commits a command of a patron.
func (d *Door) do(ctx context.Context, p patron, key desk.Key, c desk.Command) (desk.Reply, error) {
	return d.commit(ctx, p.actor(), key, c)
}

// commit commits a command. Without a quorum it says so in good time: pages try another node then.
func (d *Door) commit(ctx context.Context, actor desk.Actor, key desk.Key, c desk.Command) (desk.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limits.CommitWithin)
	defer cancel()
	reply, err := d.store.Do(ctx, desk.Request{Actor: actor, Key: key, Command: c})
	if errors.Is(err, context.DeadlineExceeded) {
		err = &desk.Error{Code: desk.NoQuorum}
	}
	return reply, err
}

// Run keeps the patrons' presence and the figures of the FAQs until ctx ends, and returns when everything it began is over.
func (d *Door) Run(ctx context.Context) error {
	var figures sync.WaitGroup
	figures.Go(func() { d.tally(ctx) })
	d.seats.run(ctx)
	figures.Wait()
	return nil
}

// Attached lists the chats whose patrons are attached to this node.
func (d *Door) Attached() []uint64 { return d.seats.attached() }

// Reattach commits the presence of all patrons here once more: the desk took this node for dead.
func (d *Door) Reattach() { d.seats.reattach() }

// handler is one call of the API; its error becomes a problem.
type handler func(w http.ResponseWriter, r *http.Request) error

// methods are the calls of one path.
type methods map[string]handler

// mount puts the door's paths on the mux.
func (d *Door) mount() {
	for path, m := range d.calls() {
		d.frame.Patron().HandleFunc(apiPath+path, d.serve(m))
	}
	d.frame.Patron().HandleFunc("/chat/{department}", d.serve(methods{http.MethodGet: d.chatPage, http.MethodPost: d.askPage}))
	d.frame.Patron().HandleFunc("/faq", d.serve(methods{http.MethodGet: d.faqsPage}))
	d.frame.Patron().HandleFunc("/faq/{slug}", d.serve(methods{http.MethodGet: d.faqPage, http.MethodPost: d.votePage}))
	d.frame.Patron().Handle("GET /faq.js", d.frame.Pages().Assets())
	d.frame.Patron().HandleFunc("/{$}", d.serve(methods{http.MethodGet: d.home}))
}

// apiPath is where API v1 begins.
const apiPath = "/api/v1"

// calls are the paths of API v1. docs/openapi.json names the same, and a test compares.
func (d *Door) calls() map[string]methods {
	return map[string]methods{
		"/departments":             {http.MethodGet: d.departments},
		"/departments/{file}":      {http.MethodGet: d.departmentFile},
		"/chats":                   {http.MethodPost: d.openChat},
		"/chats/{chat}":            {http.MethodGet: d.chat},
		"/chats/{chat}/events":     {http.MethodGet: d.events},
		"/chats/{chat}/socket":     {http.MethodGet: d.socket},
		"/chats/{chat}/messages":   {http.MethodPost: d.postMessage},
		"/chats/{chat}/typing":     {http.MethodPost: d.postTyping},
		"/chats/{chat}/seen":       {http.MethodPost: d.postSeen},
		"/chats/{chat}/leave":      {http.MethodPost: d.postLeave},
		"/chats/{chat}/contact":    {http.MethodPost: d.postContact},
		"/chats/{chat}/files":      {http.MethodPost: d.notYet},
		"/chats/{chat}/here":       {http.MethodPost: d.postHere},
		"/chats/{chat}/rating":     {http.MethodPost: d.postRating},
		"/chats/{chat}/transcript": {http.MethodGet: d.transcript, http.MethodPost: d.notYet},
		"/questions":               {http.MethodPost: d.postQuestion},
		"/faqs":                    {http.MethodGet: d.searchFAQs},
		"/faqs/{slug}/vote":        {http.MethodPost: d.postVote},
	}
}

// serve picks the method's handler and answers its error.
func (d *Door) serve(m methods) http.HandlerFunc {
	var allow []string
	for _, name := range []string{http.MethodGet, http.MethodPost} {
		if m[name] != nil {
			allow = append(allow, name)
		}
	}
	return func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		h := m[method]
		err := tokenInURL(r)
		switch {
		case err != nil:
		case h == nil:
			w.Header().Set("Allow", strings.Join(allow, ", "))
			err = web.NewProblem(http.StatusMethodNotAllowed, web.CodeMethod, "This address takes "+strings.Join(allow, " and ")+".")
		default:
			err = h(w, r)
		}
		if err != nil {
			d.fail(w, r, err)
		}
	}
}

// fail answers an error. What the client may not know goes to the log.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, err error) {
	if p := web.AsProblem(err); p.Code == web.CodeInternal && !errors.Is(err, context.Canceled) {
		d.log.ErrorContext(r.Context(), "api call failed", "route", r.Pattern, "err", err)
	}
	d.frame.WriteProblem(w, r, err)
}

func (d *Door) notYet(http.ResponseWriter, *http.Request) error {
	return web.NewProblem(http.StatusNotImplemented, web.CodeNotHereYet, "This part of the API comes with a later release.")
}

// silence is a desk on which nobody types.
type silence struct{}

func (silence) Publish(Typing) {}

func (silence) Subscribe(uint64) (<-chan Typing, func()) { return nil, func() {} }
