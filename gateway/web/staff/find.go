// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"time"

	"refdesk/cluster/desk"
)

// Finder searches what a member of staff may read: chats by their lines, tickets by their entries. No query is an error. A
// nil Finder shows a page that says the search is not here.
type Finder interface {
	Find(ctx context.Context, actor desk.Actor, query string, opts FindOptions) (Findings, error)
}

// FindOptions of one search.
type FindOptions struct {
	After  string // Findings.Next of the page before
	ByDate bool   // newest first; else the best first
	Limit  int    // hits on a page
	Facets bool   // count departments, tags, staff and states
}

// Findings is one page of what was found.
type Findings struct {
	Query     string // as it was understood
	Hits      []FindHit
	Total     uint64 // lines and entries that match, before they are grouped
	Relaxed   bool   // nothing has all the words; these have some
	Partial   bool   // time was up
	Corrected map[string]string
	Facets    map[string][]FindCount // by key of the query language: dept, tag, staff, is
	Next      string                 // "" on the last page
}

// FindHit is a chat or a ticket with its best lines.
type FindHit struct {
	Ticket     bool // Number is a ticket's
	Number     uint64
	State      string
	Department string // its id
	Name       string // of the patron, as given
	At         time.Time
	Title      FindText
	Lines      []FindLine // in the order of time
}

// FindLine is a line or entry that matches.
type FindLine struct {
	Line uint64 // number within the chat or ticket, 0 = not known
	At   time.Time
	Text FindText
}

// FindText is a piece of a text as it was written, with the places to mark.
type FindText struct {
	Text  string
	Marks []FindMark
	Cut   bool // there is more before
	More  bool // there is more behind
}

// FindMark is a matching word: bytes of FindText.Text.
type FindMark struct{ Start, End int }

// FindCount is how many matching documents have a value.
type FindCount struct {
	Value string
	Docs  uint64
}
