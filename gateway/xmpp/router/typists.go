// SPDX-License-Identifier: Apache-2.0

package router

import (
	"sync"
	"time"

	"refdesk/cluster/desk"
)

// typingFor is how long after a hint a patron counts as typing: a chat is not closed over somebody's words.
const typingFor = 10 * time.Second

// mostTypists bounds the chats that hints are kept of.
const mostTypists = 1000

// typists remembers which patrons were typing a moment ago. It knows what hints told this node, and nothing else.
type typists struct {
	now func() desk.Time

	mu sync.Mutex
	at map[uint64]desk.Time
}

func newTypists(now func() desk.Time) *typists {
	return &typists{now: now, at: map[uint64]desk.Time{}}
}

// types notes that the patron of a chat is typing.
func (y *typists) types(chat uint64) {
	now := y.now()
	y.mu.Lock()
	defer y.mu.Unlock()
	if len(y.at) >= mostTypists {
		for n, at := range y.at {
			if now.Sub(at) > typingFor {
				delete(y.at, n)
			}
		}
	}
	if len(y.at) < mostTypists {
		y.at[chat] = now
	}
}

// wrote notes that the patron has sent what they typed.
func (y *typists) wrote(chat uint64) {
	y.mu.Lock()
	defer y.mu.Unlock()
	delete(y.at, chat)
}

// typing reports whether the patron of a chat was typing a moment ago.
func (y *typists) typing(chat uint64) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	at, ok := y.at[chat]
	return ok && y.now().Sub(at) <= typingFor
}
