// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"sync"

	"refdesk/cluster/desk"
)

// sightings reads what colleagues show, once for all members of this node: an event about one session goes to everybody,
// and where many sign in at once each of them would else read the same record.
type sightings struct {
	r *Router

	mu    sync.Mutex
	bySeq map[uint64]*sighting
}

// sighting is a session as it was at an event, or shortly after.
type sighting struct {
	once    sync.Once
	session *desk.Session // nil: it is over
}

// maxSightings bounds what is remembered; members are a few events apart.
const maxSightings = 512

func newSightings(r *Router) *sightings { return &sightings{r: r, bySeq: map[uint64]*sighting{}} }

// of is the session that an event tells of, nil when it is over. Nobody may change it.
func (k *sightings) of(ctx context.Context, e desk.Event) *desk.Session {
	k.mu.Lock()
	x := k.bySeq[e.Seq]
	if x == nil {
		if len(k.bySeq) >= maxSightings {
			clear(k.bySeq)
		}
		x = &sighting{}
		k.bySeq[e.Seq] = x
	}
	k.mu.Unlock()
	x.once.Do(func() { x.session = k.read(ctx, e) })
	return x.session
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
