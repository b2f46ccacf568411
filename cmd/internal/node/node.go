// SPDX-License-Identifier: Apache-2.0

// Package node assembles one node of a desk from the packages that do the work, starts them in order and stops them in
// the reverse. Nothing else wires: main, the demo and the tests start the same assembly.
package node

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"refdesk/bridge"
	"refdesk/cluster"
	"refdesk/cluster/desk"
	"refdesk/cluster/peer"
	"refdesk/cmd/internal/config"
	"refdesk/cmd/internal/ctl"
	"refdesk/gateway"
	"refdesk/gateway/web"
	"refdesk/gateway/web/staff"
	"refdesk/gateway/web/widget"
	"refdesk/gateway/xmpp/c2s"
	"refdesk/gateway/xmpp/router"
)

// Version is the release that this program is of.
const Version = "0.1.0-dev"

// Node is one node of a desk.
type Node struct {
	cfg config.Config
	log *slog.Logger

	sockets sockets
	tls     *tls.Config
	store   *cluster.Cluster
	admin   *ctl.Server
	frame   *web.Frame
	patrons *widget.Door
	staff   *router.Router
	streams *c2s.Server
	events  *gateway.Dispatcher
	hints   *hints
	seek    *seeker
	mail    *bridge.Bridge
	pages   *staff.Door
	jobs    jobs
	built   chan struct{} // closed when the doors above exist
	opened  chan struct{} // closed when they may be used
}

// Open takes what the node needs for itself alone (key, certificates, addresses, data directory) and joins the desk. Errors
// are sentences that say what to do. Whoever opens calls Run.
func Open(cfg config.Config, log *slog.Logger) (_ *Node, err error) {
	n := &Node{cfg: cfg.Clone(), log: log, built: make(chan struct{}), opened: make(chan struct{})}
	defer func() {
		if err != nil {
			n.sockets.close()
			err = errors.Join(err, n.seek.close())
			if n.store != nil {
				err = errors.Join(err, n.store.Close())
			}
		}
	}()
	key, err := deskKey(cfg.Desk.Dir)
	if err != nil {
		return nil, err
	}
	if n.tls, err = certificate(cfg); err != nil {
		return nil, err
	}
	if n.sockets, err = listen(cfg); err != nil {
		return nil, err
	}
	n.hints = newHints(nil)
	if err := n.join(key); err != nil {
		return nil, err
	}
	if err := n.openSearch(); err != nil {
		return nil, err
	}
	if n.mail, err = newMail(n.cfg, key, n.staffURL()+"/board", n.sockets.mail, n.store, blobs{n.store.Blobs()}, log); err != nil {
		return nil, err
	}
	if err := n.build(key); err != nil {
		return nil, err
	}
	close(n.built)
	n.admin, err = ctl.Listen(cfg.Desk.Dir, n.handlers(), log)
	return n, err
}

// join opens the node's part of the desk.
func (n *Node) join(key []byte) error {
	cc, err := clusterConfig(n.cfg, n.log)
	if err != nil {
		return err
	}
	cc.Live, cc.Calendars, cc.Hinted = n.live, n.calendars, n.hinted
	cc.Joining, cc.Changed = n.joining(key), n.meet
	store, err := cluster.Open(cc)
	if err != nil {
		return err
	}
	n.store = store
	if cc.Listener != nil {
		n.hints.relay = n.tellOthers
	}
	return nil
}

// clusterConfig says who the node is and whom it belongs to. Its port is open.
func clusterConfig(cfg config.Config, log *slog.Logger) (cluster.Config, error) {
	c := cfg.Cluster
	key, err := deskKey(cfg.Desk.Dir)
	if err != nil {
		return cluster.Config{}, err
	}
	cc := cluster.Config{
		ID: c.ID, Dir: cfg.Desk.Dir, Profile: cluster.Profile(c.Profile), Key: key, Reserve: int64(c.Reserve) << 20, Log: log,
		Address: c.Reached(), URL: cfg.HTTP.PublicURL,
	}
	if u := c.Peers[c.ID].URL; u != "" {
		cc.URL = u
	}
	if cc.Joined, err = readJoined(cfg.Desk.Dir); err != nil {
		return cc, err
	}
	if len(c.Peers) > 1 {
		cc.Peers = map[string]string{}
		for id, p := range c.Peers {
			cc.Peers[id] = p.Address
		}
	}
	if c.Listen == "" {
		return cc, nil
	}
	if cc.Identity, err = readIdentity(c); err != nil {
		return cc, err
	}
	if cc.Listener, err = net.Listen("tcp", c.Listen); err != nil {
		return cc, listenError("cluster.listen", c.Listen, err)
	}
	return cc, nil
}

// readIdentity reads what the node proves itself with to the others.
func readIdentity(c config.Cluster) (*peer.Identity, error) {
	var files [3][]byte
	for i, name := range []string{c.CA, c.Cert, c.Key} {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the node's certificate (cluster.ca, cluster.cert, cluster.key): %w", err)
		}
		files[i] = data
	}
	return peer.NewIdentity(c.ID, files[0], peer.Pair{Cert: files[1], Key: files[2]})
}

// live is what this node's doors have now. While they are being built they have nothing.
func (n *Node) live() (sessions []string, chats []uint64) {
	select {
	case <-n.built:
		return append(n.staff.Live(), n.pages.Live()...), n.patrons.Attached()
	default:
		return nil, nil
	}
}

// build makes the doors. Nothing of them runs yet.
func (n *Node) build(key []byte) (err error) {
	registry := prometheus.NewRegistry()
	if n.frame, err = web.New(n.webConfig(registry)); err != nil {
		return err
	}
	forms, err := hkdf.Key(sha256.New, key, nil, "refdesk patrons' forms", 32)
	if err != nil {
		return fmt.Errorf("derive a key: %w", err)
	}
	n.patrons = widget.New(widget.Config{
		Node: n.cfg.Cluster.ID, Demo: n.cfg.HTTP.DemoPage, Titles: n.cfg.HTTP.PageTitles, Limits: n.widgetLimits(), FAQs: patronFAQs{n.seek}, Forms: forms,
	}, n.frame, n.store, n.hints)
	n.events = gateway.New(n.cfg.Cluster.ID, n.store, n.log)
	n.staff, err = router.New(router.Config{
		Domain: n.cfg.Desk.Domain, Node: n.cfg.Cluster.ID, Version: Version, Rings: n.cfg.Limits.RingsPerMinute, Log: n.log,
		FAQs: n.seek, Find: n.seek, FAQLink: n.faqLink,
	}, n.store, n.events, func(chat uint64, on bool) { n.hints.Publish(widget.Typing{Chat: chat, On: on}) })
	if err != nil {
		return err
	}
	accounts, err := n.accounts(key)
	if err != nil {
		return err
	}
	if n.pages, err = n.newPages(accounts); err != nil || n.sockets.xmpp == nil && n.sockets.xmpps == nil {
		return err
	}
	n.streams, err = c2s.NewServer(n.streamConfig(), accounts, n.staff)
	return err
}

// stopTime bounds the end of what runs behind the doors, once they are closed.
const stopTime = 10 * time.Second

// failTime bounds the end after the desk has failed: a disk that hangs would hold whatever writes to it for ever.
const failTime = 2 * time.Second

// Run keeps the node until ctx ends or something happens that it can't go on with. The doors open when the desk has a
// leader and knows of this node; at the end they are closed before the desk is left. When the desk has failed its sentence
// is what Run returns, whatever else ends because of that.
func (n *Node) Run(ctx context.Context) error {
	failed, done := make(chan error, 1), make(chan error, 1)
	go func() { done <- n.run(ctx, failed) }()
	var err error
	select {
	case err = <-done:
	case why := <-failed:
		select {
		case <-done:
		case <-time.After(failTime):
		}
		return why
	}
	select {
	case why := <-failed:
		return why
	default:
		return err
	}
}

func (n *Node) run(ctx context.Context, failed chan<- error) error {
	defer n.sockets.close()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	deskCtx, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	left := make(chan error, 1)
	go func() {
		err := n.store.Run(deskCtx)
		if err != nil {
			failed <- err
		}
		stop(err)
		left <- err
	}()
	front := newGroup(ctx, stop)
	front.run("admin socket", n.admin.Run)
	front.run("http", func(ctx context.Context) error { return n.frame.Run(ctx, n.sockets.web(n.tls)...) })
	select {
	case <-n.store.Ready():
		n.open(ctx, stop, front)
	case <-ctx.Done():
	}
	front.end()
	n.jobs.close()
	closed := n.seek.close()
	leave()
	why := <-left
	if why != nil && errors.Is(context.Cause(ctx), &desk.Error{Code: desk.Stopping}) {
		return why // what a door noticed first is only what follows from it
	}
	err := errors.Join(why, closed)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// open runs the doors until ctx ends: first what stands behind them, then the doors themselves; they end in the reverse
// order. What runs in front of them, to say how the node is, ends before that.
func (n *Node) open(ctx context.Context, stop context.CancelCauseFunc, front *group) {
	n.settle(ctx)
	behindCtx, endBehind := context.WithCancel(context.WithoutCancel(ctx))
	defer endBehind()
	behind := newGroup(behindCtx, stop)
	behind.run("events", n.events.Run)
	behind.run("staff", n.staff.Run)
	behind.run("patrons", n.patrons.Run)
	behind.run("staff pages", n.pages.Run)
	behind.run("hints", n.passHints)
	behind.run("search", n.seek.follower.Run)
	behind.run("mail", n.mail.Run)
	close(n.opened)
	doors := newGroup(ctx, stop)
	if n.streams != nil {
		doors.run("xmpp", func(ctx context.Context) error { return n.streams.Run(ctx, n.sockets.streams()...) })
	}
	n.log.Info("the doors are open", "node", n.cfg.Cluster.ID)
	<-ctx.Done()
	doors.wait()
	front.end()
	endBehind()
	late := time.AfterFunc(stopTime, func() { n.log.Error("something does not end; it is left") })
	behind.wait()
	late.Stop()
}

// settle makes the desk's settings those of the configuration: the clocks and the name.
func (n *Node) settle(ctx context.Context) {
	var changes []desk.Setting
	err := n.store.View(ctx, adminActor(), func(r desk.Reader) error {
		for _, i := range desk.Clocks() {
			is, err := r.Clock(i.Clock)
			if err != nil {
				return err
			}
			if want := n.cfg.Clocks[i.Name].Duration; want > 0 && want != is {
				changes = append(changes, desk.Setting{Name: "clock." + i.Name, Value: want.String()})
			}
		}
		name, err := r.Setting("desk.name")
		if err == nil && name != n.cfg.Desk.Name {
			changes = append(changes, desk.Setting{Name: "desk.name", Value: n.cfg.Desk.Name})
		}
		return err
	})
	for _, s := range changes {
		err = errors.Join(err, n.order(ctx, &desk.SetSetting{Setting: s}))
	}
	if err != nil && ctx.Err() == nil {
		n.log.Warn("the settings of the configuration could not be made the desk's", "err", err)
	}
}
