// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"refdesk/cluster/desk"
)

// tallies counts what pages were read and what was searched for in vain, and commits it now and then: no visit costs a
// commit. What a node has not committed when it dies is lost; these are figures, not promises.
type tallies struct {
	mu     sync.Mutex
	views  map[string]uint64
	misses []string
}

const (
	tallyEvery = time.Minute
	maxTallied = 200 // views of different FAQs, and searches, between two commits
)

func (c *tallies) viewed(slug string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.views == nil {
		c.views = make(map[string]uint64)
	}
	if _, ok := c.views[slug]; ok || len(c.views) < maxTallied {
		c.views[slug]++
	}
}

// missed notes a search in vain, unless it looks as if it were about a person.
func (c *tallies) missed(query string) {
	query = cleanLine(query)
	if utf8.RuneCountInString(query) < 3 || utf8.RuneCountInString(query) > 120 || personal(query) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.misses) < maxTallied {
		c.misses = append(c.misses, query)
	}
}

// personal reports whether a text has an address or a long number in it.
func personal(s string) bool {
	run := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			run++
		} else if !strings.ContainsRune(" -/.", r) {
			run = 0
		}
		if run >= 6 || r == '@' {
			return true
		}
	}
	return false
}

func (c *tallies) take() (views map[string]uint64, misses []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	views, misses = c.views, c.misses
	c.views, c.misses = nil, nil
	return views, misses
}

// tally commits the counts every minute until ctx ends.
func (d *Door) tally(ctx context.Context) {
	tick := time.NewTicker(tallyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.commitTallies(ctx)
		}
	}
}

// commitTallies commits what was counted; what is refused is forgotten.
func (d *Door) commitTallies(ctx context.Context) {
	views, misses := d.tallies.take()
	var all []desk.Command
	for slug := range maps.Keys(views) {
		all = append(all, &desk.CountFAQViews{Slug: slug, Views: views[slug]})
	}
	for _, q := range misses {
		all = append(all, &desk.CountFAQMiss{Query: q})
	}
	for _, c := range all {
		if _, err := d.commit(ctx, desk.NodeActor(d.cfg.Node), desk.Key{}, c); err != nil {
			d.log.DebugContext(ctx, "count not kept", "command", c.CommandName(), "err", err)
		}
	}
}
