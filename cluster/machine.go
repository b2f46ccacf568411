// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"refdesk/cluster/desk"
	"refdesk/cluster/store"
	"refdesk/cluster/wire"
)

// machine is the replicated state machine as raft sees it. Raft calls it from one goroutine.
type machine struct{ c *Cluster }

var _ raft.BatchingFSM = (*machine)(nil)

// result is what applying a command came to, on this node.
type result struct {
	reply   desk.Reply
	refusal *desk.Error
	term    uint64
	err     error // the node has failed; the command counts as not applied here
}

var errFailed = errors.New("cluster: this node has failed")

// Apply is what raft would call for single entries, had ApplyBatch not been there.
func (m *machine) Apply(l *raft.Log) any { return m.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch applies a run of entries in one transaction, together with the index of the last. Entries that the database
// contains already are skipped: after a start raft begins at the newest marker, which is older than the database.
func (m *machine) ApplyBatch(logs []*raft.Log) []any {
	out := make([]any, len(logs)) // raft's futures are not used
	done := m.c.store.Applied().Index
	if m.c.broken() || logs[len(logs)-1].Index <= done {
		return out
	}
	results := make([]result, len(logs))
	events, err := m.apply(logs, done, results)
	if err != nil {
		m.c.fail(err)
		return out
	}
	m.published(events, len(logs))
	for i, l := range logs {
		m.c.pending.settle(l.Extensions, results[i])
	}
	return out
}

// apply writes the effects of the entries beyond done, and what came of them.
func (m *machine) apply(logs []*raft.Log, done uint64, results []result) ([]desk.Event, error) {
	tx, err := m.c.store.Begin()
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	var events []desk.Event
	for i, l := range logs {
		if l.Index <= done {
			continue
		}
		switch l.Type {
		case raft.LogConfiguration:
			tx.SetConfig(l.Index, l.Data)
		case raft.LogCommand:
			r, more, err := applyOne(tx, l)
			if err != nil {
				return nil, fmt.Errorf("log entry %d: %w", l.Index, err)
			}
			results[i] = r
			events = append(events, more...)
		}
		tx.SetApplied(l.Index, l.Term)
	}
	return events, tx.Commit()
}

// applyOne applies a command. Its error means that the node can't go on. An entry without data is a new leader's way to
// learn that all before it is applied.
func applyOne(tx *store.Tx, l *raft.Log) (result, []desk.Event, error) {
	if len(l.Data) == 0 {
		return result{term: l.Term}, nil, nil
	}
	env, err := wire.ParseEnvelope(l.Data)
	if err != nil {
		return result{}, nil, err
	}
	env.Term = l.Term
	reply, events, err := desk.Apply(tx, env)
	if err := tx.Err(); err != nil {
		return result{}, nil, err
	}
	var refusal *desk.Error
	if err != nil && !errors.As(err, &refusal) {
		return result{}, nil, err
	}
	return result{reply: reply, refusal: refusal, term: l.Term}, events, nil
}

// published tells those who wait that the state has moved on.
func (m *machine) published(events []desk.Event, entries int) {
	m.c.entries.Add(uint64(entries))
	if n := len(events); n > 0 {
		m.c.seq.Store(events[n-1].Seq)
	}
	for _, e := range events {
		switch e.Kind {
		case desk.NodeIsDown:
			if e.Node == m.c.cfg.ID {
				poke(m.c.down)
			}
		case desk.NodeIsUp, desk.NodeAdmitted, desk.NodeRemoved:
			poke(m.c.members)
		case desk.LevelRaised:
			if e.N > m.c.cfg.level() {
				m.c.fail(tooOld(e.N, m.c.cfg.level()))
			}
		}
		if e.Kind == desk.LineRedacted {
			poke(m.c.erased)
		}
	}
	m.c.hub.tell(events)
}

// poke puts a token into a channel that holds one.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// Snapshot prepares a marker: the database itself is the snapshot. Entries from here on have another key, so that the keys
// of those before can go when the log is cut.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.c.disk.keys.Turn()
	return &mark{store: m.c.store, applied: m.c.store.Applied().Index}, nil
}

// mark is a snapshot about to be noted.
type mark struct {
	store   *store.Store
	applied uint64
}

// Persist makes the database durable up to the marker, then writes the marker.
func (k *mark) Persist(to raft.SnapshotSink) error {
	if err := k.store.Sync(); err != nil {
		return err
	}
	s, ok := to.(*sink)
	if !ok {
		return fmt.Errorf("cluster: a marker can't be written to a %T", to)
	}
	s.marker.Applied = k.applied
	return s.Close()
}

// Release does nothing: a marker holds nothing.
func (k *mark) Release() {}

// Restore takes a copy of the database that another node sent, unless this one has more.
func (m *machine) Restore(from io.ReadCloser) error {
	if w, ok := from.(raft.ReadCloserWrapper); ok {
		from = w.WrappedReadCloser()
	}
	copied, ok := from.(*received)
	if !ok {
		return fmt.Errorf("cluster: a copy can't be read from a %T", from)
	}
	installed, err := m.c.store.Install(copied.path)
	if err != nil {
		err = fmt.Errorf("install the copy received: %w", err)
		m.c.fail(err)
		return err
	}
	if installed {
		m.c.copies.Add(1)
	}
	m.c.log.Info("received a copy of the desk", "index", m.c.store.Applied().Index, "installed", installed)
	err = m.c.store.View(context.Background(), func(src desk.Source) error {
		at, err := desk.Seq(src)
		m.c.seq.Store(at.Seq)
		return err
	})
	if level := m.c.checkLevel(); err == nil && level != nil {
		err = level
		m.c.fail(err)
	}
	poke(m.c.down)
	poke(m.c.members)
	m.c.hub.tellAll()
	return err
}
