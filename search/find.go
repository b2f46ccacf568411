// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"slices"
	"time"

	"refdesk/cluster/desk"
	"refdesk/search/query"
)

// Finder answers searches of staff: what the index finds is looked at once more in the records, for rights and for what has
// been deleted since.
type Finder struct {
	index    *Index
	store    desk.Store
	follower *Follower // nil: what the index has is what there is
}

// NewFinder returns a finder on an index and the desk it follows.
func NewFinder(index *Index, store desk.Store) *Finder { return &Finder{index: index, store: store} }

// After makes the finder wait a little for the index's follower, so that people find what they have just done.
func (f *Finder) After(x *Follower) *Finder {
	f.follower = x
	return f
}

// catchUp bounds that wait.
const catchUp = 300 * time.Millisecond

// Found is a hit that the asker may read.
type Found struct {
	Hit
	Tickets bool       // Hit.Chat is a ticket's number
	State   string     // of the chat or ticket
	Dept    string     // its department
	Name    string     // its patron, as given
	Of      *desk.Chat // nil for tickets
}

// Page is one page of what was found.
type Page struct {
	Found   []Found
	Total   uint64 // before grouping and before rights
	Relaxed bool   // nothing has all the words; these have some
	Partial bool   // time was up
	Query   query.Query

	Corrected map[string]string // unknown words and what was searched for instead
	Facets    map[string][]Count
	Next      string
}

// Find searches what actor may read. FAQs are left out: Answer is for them.
func (f *Finder) Find(ctx context.Context, actor desk.Actor, text string, opts Options) (Page, error) {
	q := query.Parse(text)
	page := Page{Query: q}
	if f.follower != nil && opts.After == "" {
		soon, cancel := context.WithTimeout(ctx, catchUp)
		f.follower.CatchUp(soon)
		cancel()
	}
	depts, err := f.departments(ctx, actor)
	if err != nil || q.Empty() {
		return page, err
	}
	if depts != nil && len(depts) == 0 {
		return page, nil // nothing may be read: no search
	}
	opts.Depts, opts.Group = depts, true
	if opts.Kinds == nil {
		opts.Kinds = []Kind{Line, Chat, Entry, Ticket}
	}
	res, err := f.index.Search(ctx, q, opts)
	if err != nil {
		return page, err
	}
	page.Total, page.Relaxed, page.Partial, page.Next = res.Total, res.Relaxed, res.Partial, res.Next
	page.Corrected, page.Facets = res.Corrected, res.Facets
	err = f.store.View(ctx, actor, func(r desk.Reader) error {
		for _, h := range res.Hits {
			found, err := look(r, h)
			if ignoreMissing(err) != nil {
				return err
			}
			if err == nil {
				page.Found = append(page.Found, found)
			}
		}
		return nil
	})
	return page, err
}

// departments are those whose chats the actor may search; nil means all, an empty list none. Trainees don't search.
func (f *Finder) departments(ctx context.Context, actor desk.Actor) (out []string, err error) {
	if actor.Kind == desk.NodeKind || actor.Kind == desk.AdminKind {
		return nil, nil
	}
	out = []string{}
	err = f.store.View(ctx, actor, func(r desk.Reader) error {
		p, err := r.StaffMember(actor.ID)
		if err != nil || p.Disabled || p.Role < desk.RoleOperator {
			return ignoreMissing(err)
		}
		if p.Role == desk.RoleAdmin {
			out = nil
			return nil
		}
		views, err := r.Departments(0)
		if err != nil {
			return err
		}
		for _, v := range views {
			d, err := r.Department(v.ID)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(d.Crew(), func(id string) bool { return slices.Contains(p.Departments, id) }) {
				out = append(out, d.ID)
			}
		}
		return nil
	})
	return out, err
}

// look reads the record behind a hit as the asker.
func look(r desk.Reader, h Hit) (Found, error) {
	if h.Kind == Entry || h.Kind == Ticket {
		t, err := r.Ticket(h.Chat)
		if err != nil {
			return Found{}, err
		}
		return Found{Hit: h, Tickets: true, State: string(t.State), Dept: t.Department, Name: t.Name}, nil
	}
	c, err := r.Chat(h.Chat)
	if err != nil {
		return Found{}, err
	}
	return Found{Hit: h, State: string(c.State), Dept: c.Department, Name: c.Name, Of: c}, nil
}
