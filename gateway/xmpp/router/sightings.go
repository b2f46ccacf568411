// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"sync"

	"refdesk/cluster/desk"
)

// sightings is what colleagues show, read once for all members of this node: an event about one session goes to everybody,
// and where many sign in at once each of them would else read, and remember, the same.
type sightings struct {
	r *Router

	mu    sync.Mutex
	shown map[string]string // full address, by session: what clients here have been shown
	bySeq map[uint64]*sighting
	older map[uint64]*sighting
}

// sighting is a session as it was at an event, or shortly after.
type sighting struct {
	once    sync.Once
	session *desk.Session // nil: it is over
	before  string        // the address that it was shown with before, "" for none
}

// maxSightings bounds what is remembered, twice over; members are a few events apart.
const maxSightings = 1024

func newSightings(r *Router) *sightings {
	return &sightings{r: r, shown: map[string]string{}, bySeq: map[uint64]*sighting{}}
}

// of is the session that an event tells of. Nobody may change it.
func (k *sightings) of(ctx context.Context, e desk.Event) *sighting {
	k.mu.Lock()
	x := k.bySeq[e.Seq]
	if x == nil {
		x = k.older[e.Seq]
	}
	if x == nil {
		if len(k.bySeq) >= maxSightings {
			k.older, k.bySeq = k.bySeq, map[uint64]*sighting{}
		}
		x = &sighting{}
		k.bySeq[e.Seq] = x
	}
	k.mu.Unlock()
	x.once.Do(func() {
		if e.Kind != desk.SessionClosed {
			x.session = k.read(ctx, e)
		}
		k.mu.Lock()
		x.before = k.shown[e.Session]
		k.mu.Unlock()
		if x.session == nil {
			k.forget(e.Session)
		} else {
			k.appears(x.session)
		}
	})
	return x
}

// appears notes a session that is shown to colleagues and returns its full address; ok is false for one that isn't.
func (k *sightings) appears(s *desk.Session) (full string, ok bool) {
	if !s.Live() || s.Show == desk.NoShow {
		k.forget(s.ID)
		return "", false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if full = k.shown[s.ID]; full == "" {
		full = k.r.domains.Account(s.Account) + "/" + s.Resource
		k.shown[s.ID] = full
	}
	return full, true
}

// spare is how many sessions that are over may be kept before they are looked for.
const spare = 256

// prune forgets sessions that ended while nobody was here to see it. open are all that there are.
func (k *sightings) prune(open []*desk.Session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.shown) <= len(open)+spare {
		return
	}
	shown := make(map[string]string, len(open))
	for _, s := range open {
		if full, ok := k.shown[s.ID]; ok {
			shown[s.ID] = full
		}
	}
	k.shown = shown
}

func (k *sightings) forget(session string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.shown, session)
}

func (k *sightings) read(ctx context.Context, e desk.Event) (found *desk.Session) {
	// The member that asks first may be leaving; the others want the answer all the same.
	err := k.r.store.View(context.WithoutCancel(ctx), k.r.node, func(r desk.Reader) error {
		sessions, err := r.Sessions(e.Staff)
		for _, s := range sessions {
			if s.ID == e.Session {
				found = s
			}
		}
		return err
	})
	if err != nil && ctx.Err() == nil {
		k.r.log.Warn("read a colleague's session", "staff", e.Staff, "err", err)
	}
	return found
}
