// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql/driver"
	"sync"
)

// sharedSize is how many bytes of records the readers share.
const sharedSize = 4 << 20

// shared is what readers need not ask SQLite for: records written or read lately. Everybody who is told of an event reads
// the same few: the chat, the line, the counters, who they are themselves.
//
// A reader knows which log entry its snapshot of the database ends with, since that stands in the database. A record in
// here holds for every snapshot from its own index up to the last commit that was published; for others it is not used.
type shared struct {
	mu   sync.RWMutex
	rows map[row]version
	size int
	upTo uint64 // index of the last commit published
	on   bool   // indexes tell the commits apart
}

// version is a record as it has been since a commit.
type version struct {
	data []byte
	ok   bool // the record exists
	from uint64
}

func newShared(upTo uint64) *shared { return &shared{rows: map[row]version{}, upTo: upTo, on: true} }

// get returns a record as of a snapshot, if it is known.
func (h *shared) get(at row, snapshot uint64) (data []byte, ok, known bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if !h.on || snapshot > h.upTo {
		return nil, false, false // the commit that the snapshot ends with is not published yet
	}
	v, known := h.rows[at]
	if !known || v.from > snapshot {
		return nil, false, false
	}
	return v.data, v.ok, true
}

// learn keeps what a reader found, if nothing has been published since its snapshot.
func (h *shared) learn(at row, data []byte, ok bool, snapshot uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.on && snapshot == h.upTo {
		h.put(at, version{data, ok, snapshot})
	}
}

func (h *shared) put(at row, v version) {
	if h.size > sharedSize {
		clear(h.rows)
		h.size = 0
	}
	h.rows[at] = v
	h.size += len(at.key) + len(v.data)
}

// prepare precedes a commit: two with one index could not be told apart, so that nothing is shared then.
func (h *shared) prepare(index uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if index <= h.upTo {
		clear(h.rows)
		h.size, h.on = 0, false
	}
}

// publish follows a commit and takes the rows that it changed, as the writing side has them now.
func (h *shared) publish(index uint64, changed []row, now *cache) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if index <= h.upTo {
		return
	}
	h.upTo, h.on = index, true
	for _, at := range changed {
		if c := now.rows[at]; c != nil {
			h.put(at, version{c.data, c.ok, index})
		} else {
			delete(h.rows, at)
		}
	}
}

// snapshot is the index of the last log entry in what the connection sees.
func (c *conn) snapshot() (index uint64, err error) {
	err = c.each("SELECT idx FROM applied", nil, func(row []driver.Value) { index = uint64(row[0].(int64)) })
	return index, err
}
