// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"iter"
	"time"

	"refdesk/cluster/desk"
)

// atOnce is how many events a follower gets in one batch.
const atOnce = 256

// look is how often a follower whose topic is quiet moves its cursor on, so that it doesn't get too old.
const look = time.Hour

// View runs f on one consistent state of this node. It must not be called within f.
func (c *Cluster) View(ctx context.Context, actor desk.Actor, f func(desk.Reader) error) error {
	return c.read(ctx, func(src desk.Source) error {
		r, err := desk.NewReader(src, actor)
		if err != nil {
			return err
		}
		return f(r)
	})
}

// read runs f on the store. A store that is closed means that the node is stopping.
func (c *Cluster) read(ctx context.Context, f func(desk.Source) error) error {
	if c.ctx.Err() != nil {
		return stopping()
	}
	return c.store.View(ctx, f)
}

// Follow yields the events of a topic after the cursor as they are applied here. A first batch comes at once, also when it
// is empty. The last element carries the error: ctx's, TooOld, or that the node stops.
func (c *Cluster) Follow(ctx context.Context, actor desk.Actor, topic desk.Topic, after desk.Cursor) iter.Seq2[desk.Batch, error] {
	return func(yield func(desk.Batch, error) bool) {
		wake, stop := c.hub.listen(topic)
		defer stop()
		tick := time.NewTicker(look)
		defer tick.Stop()
		for first := true; ; first = false {
			b, full, err := c.batch(ctx, actor, topic, after)
			if err != nil {
				yield(desk.Batch{}, err)
				return
			}
			after = b.Cursor
			if (first || len(b.Events) > 0) && !yield(b, nil) {
				return
			}
			if full {
				continue
			}
			select {
			case <-wake:
			case <-tick.C:
			case <-ctx.Done():
				yield(desk.Batch{}, ctx.Err())
				return
			case <-c.ctx.Done():
				yield(desk.Batch{}, stopping())
				return
			}
		}
	}
}

// batch reads the next events. There may be more if it is full.
func (c *Cluster) batch(ctx context.Context, actor desk.Actor, topic desk.Topic, after desk.Cursor) (b desk.Batch, full bool, err error) {
	err = c.read(ctx, func(src desk.Source) (err error) {
		if b, err = desk.EventsAfter(src, actor, topic, after, atOnce); err != nil {
			return err
		}
		at, err := desk.Seq(src)
		full = b.Cursor.Seq < at.Seq
		return err
	})
	return b, full, err
}

// WaitApplied returns when this node has applied the event with the given seq, or ctx has ended.
func (c *Cluster) WaitApplied(ctx context.Context, seq uint64) error {
	if c.seq.Load() >= seq {
		return nil
	}
	wake, stop := c.hub.listen(desk.TopicAll())
	defer stop()
	for {
		var at desk.Cursor
		err := c.read(ctx, func(src desk.Source) (err error) {
			at, err = desk.Seq(src)
			return err
		})
		if err != nil || at.Seq >= seq {
			return err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ctx.Done():
			return stopping()
		}
	}
}

// Status is where a node stands.
type Status struct {
	ID        string
	Ready     bool   // the desk has a leader and knows that this node is up
	Leader    string // id; "" if none is known
	Term      uint64
	Applied   uint64 // last log entry in the database
	Last      uint64 // last log entry
	Seq       uint64 // last event
	Epoch     uint64
	Level     uint64 // feature level of the desk
	Digest    []byte // of all records at Seq
	Members   []string
	Full      bool      // the disk has less than the reserve: this node takes nothing in
	Contacted time.Time // when this node last heard of the leader; zero when it leads
}

// Status reads where this node stands.
func (c *Cluster) Status(ctx context.Context) (Status, error) {
	s := Status{ID: c.cfg.ID, Members: c.begins(), Applied: c.store.Applied().Index, Last: c.raft.LastIndex(), Term: c.raft.CurrentTerm()}
	s.Leader, _ = c.leader()
	s.Full = c.room.full.Load()
	select {
	case <-c.up:
		s.Ready = s.Leader != "" && (s.Leader != c.cfg.ID || c.reign.Load() != nil)
	default:
	}
	if s.Leader != c.cfg.ID {
		s.Contacted = c.raft.LastContact()
	}
	err := c.read(ctx, func(src desk.Source) error {
		at, err := desk.Seq(src)
		s.Seq, s.Epoch = at.Seq, at.Epoch
		digest, errDigest := desk.Digest(src)
		level, errLevel := desk.FeatureLevel(src)
		s.Digest, s.Level = digest, level
		return errors.Join(err, errDigest, errLevel)
	})
	return s, err
}
