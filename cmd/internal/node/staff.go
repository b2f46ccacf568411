// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"

	"refdesk/bridge"
	"refdesk/cluster/desk"
	"refdesk/gateway/account"
	"refdesk/gateway/web/staff"
	"refdesk/gateway/web/widget"
	"refdesk/search"
)

// newPages makes the staff's pages.
func (n *Node) newPages(accounts *account.Service) (*staff.Door, error) {
	deps := staff.Deps{
		Frame: n.frame, Store: n.store, Accounts: accounts, Mailer: mailer{n.mail}, Originals: originals{blobs{n.store.Blobs()}}, Cluster: members{n},
		Work: staff.Work{Events: n.events, Console: n.staff.Console(), Hints: typing{n.hints}, Finder: pageFinder{n.seek}},
	}
	if n.mail.Captured() {
		deps.Replier = n.mail
	}
	return staff.New(staff.Config{
		Node: n.cfg.Cluster.ID, URL: n.staffURL(), Connect: n.connect(), Demo: n.cfg.HTTP.DemoPage,
	}, deps)
}

// staffURL is where staff reach their pages: the patrons' address with the staff's host name.
func (n *Node) staffURL() string {
	u, err := url.Parse(n.cfg.HTTP.PublicURL)
	if err != nil {
		return "" // the configuration has been checked
	}
	host := n.cfg.HTTP.StaffHost
	if port := u.Port(); port != "" {
		host = net.JoinHostPort(host, port)
	}
	return u.Scheme + "://" + host
}

// connect is what XMPP clients are told.
func (n *Node) connect() staff.Connect {
	c := staff.Connect{Domain: n.cfg.Desk.Domain, Bot: "desk@" + n.cfg.ChatDomain(), Port: portOf(n.cfg.XMPP.Listen), TLS: portOf(n.cfg.XMPP.TLSListen)}
	if n.cfg.HTTP.DemoPage {
		c.Host, _, _ = net.SplitHostPort(n.cfg.XMPP.Listen)
		c.CA = "This demo signs its certificates itself: trust ca.pem in its directory, or accept the certificate when your program asks."
	}
	return c
}

func portOf(addr string) int {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	p, _ := strconv.Atoi(port)
	return p
}

// mailer queues notices to staff.
type mailer struct{ b *bridge.Bridge }

// Notify implements staff.Mailer.
func (m mailer) Notify(ctx context.Context, x staff.Notice) error {
	return m.b.Queue(ctx, bridge.Letter{To: x.To, Name: x.Name, Subject: x.Subject, Text: x.Text})
}

// typing passes hints between the board and the patrons' pages.
type typing struct{ h *hints }

// StaffTypes implements staff.Hints.
func (t typing) StaffTypes(chat uint64, on bool) { t.h.Publish(widget.Typing{Chat: chat, On: on}) }

// PatronTypes implements staff.Hints.
func (t typing) PatronTypes(chat uint64) (<-chan bool, func()) {
	all, stop := t.h.Subscribe(chat)
	out, done := make(chan bool, hintBuffer), make(chan struct{})
	go func() { // ends with stop
		for {
			select {
			case x := <-all:
				if !x.FromPatron {
					continue
				}
				select {
				case out <- x.On:
				default: // it is only a hint
				}
			case <-done:
				return
			}
		}
	}()
	return out, func() {
		stop()
		close(done)
	}
}

// pageFinder answers the search page.
type pageFinder struct{ s *seeker }

// Find implements staff.Finder.
func (f pageFinder) Find(ctx context.Context, actor desk.Actor, query string, o staff.FindOptions) (staff.Findings, error) {
	opts := search.Options{After: o.After, Limit: o.Limit}
	if o.ByDate {
		opts.Order = search.ByDate
	}
	if o.Facets {
		opts.Facets = []string{"dept", "tag", "staff", "is", "has"}
	}
	page, err := f.s.finder.Find(ctx, actor, query, opts)
	if err != nil {
		return staff.Findings{}, err
	}
	out := staff.Findings{
		Query: page.Query.String(), Total: page.Total, Relaxed: page.Relaxed, Partial: page.Partial, Corrected: page.Corrected,
		Next: page.Next, Facets: map[string][]staff.FindCount{},
	}
	for key, counts := range page.Facets {
		for _, c := range counts {
			out.Facets[key] = append(out.Facets[key], staff.FindCount{Value: c.Value, Docs: c.Docs})
		}
	}
	for _, x := range page.Found {
		out.Hits = append(out.Hits, findHit(x))
	}
	return out, nil
}

func findHit(x search.Found) staff.FindHit {
	h := staff.FindHit{
		Ticket: x.Tickets, Number: x.Chat, State: x.State, Department: x.Dept, Name: x.Name, At: x.Time, Title: findText(x.Title),
	}
	lines := x.Lines
	if len(lines) == 0 && strings.TrimSpace(x.Text.Text) != "" {
		lines = []search.Hit{x.Hit}
	}
	for _, l := range lines {
		h.Lines = append(h.Lines, staff.FindLine{At: l.Time, Text: findText(l.Text)})
	}
	return h
}

func findText(e search.Excerpt) staff.FindText {
	t := staff.FindText{Text: e.Text, Cut: e.Cut, More: e.More}
	for _, m := range e.Marks {
		t.Marks = append(t.Marks, staff.FindMark{Start: m.Start, End: m.End})
	}
	return t
}
