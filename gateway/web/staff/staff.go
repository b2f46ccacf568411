// SPDX-License-Identifier: Apache-2.0

// Package staff is the staff's door on the web: sign-in, the board, and the pages on which a desk is looked after. All of
// it works as plain forms, post then redirect then get; scripts only make it quicker.
//
// Who is signed in is a cookie whose SHA-256 the desk keeps (desk.WebSession), so that any node knows it. Every page has
// a least role in one table (Routes); what a person may do beyond that is desk.Can's to say, since every read and every
// command is done as that person.
package staff

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/account"
	"refdesk/gateway/web"
)

// Config is what the door has to know. The zero values of the optional fields are usable.
type Config struct {
	Node    string         // this node's id
	URL     string         // where staff reach the pages, without a final slash: "https://staff.desk.example"; mails link to it
	Connect Connect        // where XMPP clients connect to
	Demo    bool           // show what only the demo has
	Zone    *time.Location // in which times are shown; nil means the machine's

	CommitWithin time.Duration    // for a majority to take a command, before the page says so; 0 means 5 s
	Now          func() time.Time // nil means time.Now
}

// Connect is where XMPP clients find the desk.
type Connect struct {
	Domain string // of the accounts: "desk.example"
	Bot    string // the desk's own address: "desk@chat.desk.example"
	Host   string // the host that clients are told, "" if the domain's DNS says it
	Port   int    // with STARTTLS
	TLS    int    // with TLS from the first byte; 0 if there is none
	CA     string // how to trust a certificate that no public authority signed, "" otherwise: a sentence
}

// Deps is what the door gets from the node. Frame, Store and Accounts have to be there.
type Deps struct {
	Frame    *web.Frame
	Store    desk.Store
	Accounts *account.Service
	Mailer   Mailer  // sends invitations; nil: the page shows the link instead
	Replier  Replier // answers as the patron; demo only, may be nil
	Cluster  Cluster // tells of the nodes; may be nil
	// Originals reads tickets' mails as they came; nil: they can't be had.
	Originals Originals
	Work      // what board, chats, tickets and search need
}

// Door is the staff's door of one node.
type Door struct {
	cfg      Config
	deps     Deps
	frame    *web.Frame
	store    desk.Store
	accounts *account.Service
	log      *slog.Logger
	cross    *http.CrossOriginProtection
	forgot   *web.Buckets // mails that somebody without a password may ask for, by network
	work
}

// New makes the door and mounts it on the frame's staff host.
func New(cfg Config, deps Deps) (*Door, error) {
	if deps.Frame == nil || deps.Store == nil || deps.Accounts == nil {
		return nil, errors.New("staff: the door needs a frame, a store and accounts")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Zone == nil {
		cfg.Zone = time.Local
	}
	if cfg.CommitWithin == 0 {
		cfg.CommitWithin = 5 * time.Second
	}
	d := &Door{
		cfg: cfg, deps: deps, frame: deps.Frame, store: deps.Store, accounts: deps.Accounts, log: deps.Frame.Log(),
		cross:  http.NewCrossOriginProtection(),
		forgot: web.NewBuckets(forgotEvery, forgotBurst),
	}
	d.cross.SetDenyHandler(http.HandlerFunc(d.crossOrigin))
	if err := d.prepareWork(); err != nil {
		return nil, err
	}
	d.mount()
	return d, nil
}

// now is the door's clock in the desk's form.
func (d *Door) now() desk.Time { return desk.At(d.cfg.Now()) }

// node is the door acting for itself: sessions, links and sign-in.
func (d *Door) node() desk.Actor { return desk.NodeActor(d.cfg.Node) }

// view reads one consistent state as somebody.
func (d *Door) view(ctx context.Context, actor desk.Actor, f func(desk.Reader) error) error {
	return d.store.View(ctx, actor, f)
}

// do commits a command as somebody. Without a quorum it says so in good time.
func (d *Door) do(ctx context.Context, actor desk.Actor, key desk.Key, c desk.Command) (desk.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.CommitWithin)
	defer cancel()
	reply, err := d.store.Do(ctx, desk.Request{Actor: actor, Key: key, Command: c})
	if errors.Is(err, context.DeadlineExceeded) {
		err = &desk.Error{Code: desk.NoQuorum}
	}
	return reply, err
}

// submit commits the command of a form. The form's key makes a second press of its button harmless.
func (d *Door) submit(r *http.Request, who *Who, c desk.Command) (desk.Reply, error) {
	key := desk.Key{}
	if id := r.PostFormValue("key"); id != "" && len(id) <= 64 {
		key = desk.Key{Kind: "web", Principal: who.Session, ID: id}
	}
	return d.do(r.Context(), who.Actor, key, c)
}
