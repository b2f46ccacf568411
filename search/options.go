// SPDX-License-Identifier: Apache-2.0

package search

import "time"

// Mode says how much of a query a document has to have.
type Mode uint8

// The modes.
const (
	AllOrAny Mode = iota // all words; if nothing has them, any of them
	All
	Any
)

// Options of one search.
type Options struct {
	Limit   int    // hits on a page; default 20, at most 200
	After   string // cursor of the page before
	Order   Order
	Mode    Mode
	Typing  bool     // the last word isn't finished
	Group   bool     // one hit a chat, with its best lines
	Kinds   []Kind   // nil: all
	Depts   []string // nil: all; the departments whose documents the asker may see
	Facets  []string // keys to count: dept, staff, tag, role, kind, is, has
	Now     time.Time
	Zone    *time.Location
	Timeout time.Duration // default 2 s; what was found till then is the result
	Excerpt int           // length of excerpts in characters; default 200
}

const (
	defaultLimit   = 20
	maxLimit       = 200
	defaultTimeout = 2 * time.Second
	defaultExcerpt = 200
	linesPerChat   = 3
	facetValues    = 50
)

func (o Options) withDefaults() Options {
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	o.Limit = min(o.Limit, maxLimit)
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Excerpt <= 0 {
		o.Excerpt = defaultExcerpt
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return o
}

// Result is one page.
type Result struct {
	Hits      []Hit
	Total     uint64             // documents that match, before grouping
	AtMost    bool               // phrases were not looked for in all of Total, so there may be fewer
	Relaxed   bool               // nothing has all the words; these have some
	Partial   bool               // time was up
	Corrected map[string]string  // unknown words and what was searched for instead (a stem)
	Facets    map[string][]Count // as asked for, the commonest first
	Next      string             // cursor of the next page, "" on the last
}

// Hit is one document, or the best one of a chat.
type Hit struct {
	ID    string
	Kind  Kind
	Chat  uint64
	Time  time.Time
	Score float64
	Title Excerpt
	Text  Excerpt
	Lines []Hit // with Group: the best lines of the chat, in order of time
}

// Count is how many matching documents have a value.
type Count struct {
	Value string
	Docs  uint64
}
