// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
	"refdesk/gateway/web/widget"
	"refdesk/search"
)

// seeker is the node's search: the index of this node's own state, who feeds it, and who asks it for the doors.
type seeker struct {
	index    *search.Index
	follower *search.Follower
	finder   *search.Finder
}

// openSearch opens the index. It is derived: one that is lost or damaged is filled from the records.
func (n *Node) openSearch() error {
	x, err := search.Open(search.Config{Dir: filepath.Join(n.cfg.Desk.Dir, "search"), Languages: []string{"en", "es", "fr"}})
	if err != nil {
		return fmt.Errorf("open the search index in %s: %w", n.cfg.Desk.Dir, err)
	}
	f := search.NewFollower(x, n.store, n.cfg.Cluster.ID, n.log)
	n.seek = &seeker{index: x, follower: f, finder: search.NewFinder(x, n.store).After(f)}
	return nil
}

// close closes the index, once nobody asks it any more.
func (s *seeker) close() error {
	if s == nil {
		return nil
	}
	return s.index.Close()
}

// Find implements console.Finder.
func (s *seeker) Find(ctx context.Context, actor desk.Actor, query string, limit int) ([]console.FindHit, error) {
	page, err := s.finder.Find(ctx, actor, query, search.Options{Limit: limit})
	if err != nil {
		return nil, err
	}
	var out []console.FindHit
	for _, f := range page.Found {
		h := console.FindHit{Chat: f.Chat, At: desk.At(f.Time), Heading: heading(f), Text: excerpt(f.Hit)}
		if f.Tickets {
			h.Chat, h.Ticket = 0, f.Chat
		}
		out = append(out, h)
	}
	return out, nil
}

// heading says what was found: whose it is, a ticket's subject, where it is, and how it stands.
func heading(f search.Found) string {
	var parts []string
	for _, p := range []string{f.Name, subject(f), f.Dept, f.State} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

func subject(f search.Found) string {
	if !f.Tickets {
		return ""
	}
	return f.Title.Text
}

// excerpt is the best piece of text of a hit, or of one of its lines.
func excerpt(h search.Hit) string {
	for _, x := range append([]search.Hit{h}, h.Lines...) {
		if t := strings.Join(strings.Fields(x.Text.Text), " "); t != "" {
			return t
		}
	}
	return h.Title.Text
}

// Search implements console.FAQs. Staff see also what is no good answer.
func (s *seeker) Search(ctx context.Context, text, lang string, limit int) ([]console.FAQHit, error) {
	answers, err := s.index.Answer(ctx, text, search.Options{Limit: limit})
	if err != nil {
		return nil, err
	}
	var out []console.FAQHit
	for _, h := range answers.Hits {
		out = append(out, console.FAQHit{Slug: h.Slug(), Question: h.Title.Text})
	}
	return out, nil
}

// faqLink is the address of an FAQ's page.
func (n *Node) faqLink(slug string) string {
	return strings.TrimSuffix(n.cfg.HTTP.PublicURL, "/") + "/faq/" + url.PathEscape(slug)
}

// patronFAQs answers patrons' searches. FAQs themselves are read by the door, from the records.
type patronFAQs struct{ s *seeker }

// Answer implements widget.FAQs.
func (f patronFAQs) Answer(ctx context.Context, text, lang string, limit int) (hits []widget.FAQHit, good bool, err error) {
	answers, err := f.s.index.Answer(ctx, text, search.Options{Limit: limit, Typing: true})
	if err != nil {
		return nil, false, err
	}
	for _, h := range answers.Hits {
		hits = append(hits, widget.FAQHit{Slug: h.Slug(), Question: h.Title.Text, Snippet: excerpt(h), Score: h.Score})
	}
	return hits, answers.Good, nil
}
