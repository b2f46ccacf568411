// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
	"github.com/hashicorp/raft"

	"refdesk/cluster/desk"
	"refdesk/cluster/store"
)

// recovery notes that this node was made the whole desk by force, until its records say so.
type recovery struct {
	ID string // of this recovery: the order is given once
}

func recoveryFile(dir string) string { return filepath.Join(dir, "recover.json") }

// Recovery is what forcing would do.
type Recovery struct {
	ID      string
	Lost    []string // the nodes that would be removed for ever
	Last    uint64   // the last entry of this node's log
	Applied uint64
}

// Recover looks at a stopped node's data, and with force makes that node the whole desk: for when a majority is lost for
// ever. What the others had acknowledged and this node had not got is lost. Key is desk.key.
func Recover(dir, id string, key []byte, force bool) (r Recovery, err error) {
	if _, err := os.Stat(filepath.Join(dir, "log")); err != nil {
		return r, fmt.Errorf("there is no desk in %s: %w", dir, err)
	}
	s, err := store.Open(dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	w, err := openDisk(Config{Dir: dir, Key: key, Log: slog.New(slog.DiscardHandler)}, func(error) {}) // what fails is told by each call too
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.close(err == nil)) }()
	last, term, conf, err := lastOf(w, s)
	if err != nil {
		return r, fmt.Errorf("the log in %s: %w", dir, err)
	}
	marks, err := openSnapshots(dir, s)
	if err != nil {
		return r, err
	}
	defer marks.close()
	if m := marks.newest(); m != nil && m.Copy != "" {
		return r, errors.New("this node was receiving a copy of the desk when it stopped; start it once, stop it, then try again")
	} else if m != nil {
		last = max(last, m.Index)
	}
	r = Recovery{ID: id, Last: last, Applied: s.Applied().Index}
	found := false
	for _, x := range conf.Servers {
		if string(x.ID) == id {
			found = true
		} else {
			r.Lost = append(r.Lost, string(x.ID))
		}
	}
	slices.Sort(r.Lost)
	switch {
	case !found:
		return r, fmt.Errorf("the desk in %s has the nodes %v, and not %q; write the id that this node has always had (cluster.id)", dir, r.Lost, id)
	case len(r.Lost) == 0:
		return r, fmt.Errorf("%s is the whole desk already; start it", id)
	case !force:
		return r, nil
	}
	return r, recoverLog(dir, id, w, last, term)
}

// lastOf finds the last entry of the log, the highest term, and the members as the newest entry that names them says.
func lastOf(w *disk, s *store.Store) (last, term uint64, conf raft.Configuration, err error) {
	a := s.Applied()
	if a.ConfigIndex > 0 {
		conf = raft.DecodeConfiguration(a.Config)
	}
	first, err := w.FirstIndex()
	if err != nil {
		return 0, 0, conf, err
	}
	if last, err = w.LastIndex(); err != nil {
		return 0, 0, conf, err
	}
	if term, err = w.GetUint64([]byte("CurrentTerm")); err != nil { // raft's own key
		return 0, 0, conf, err
	}
	for i := max(first, a.ConfigIndex+1); i <= last && i > 0; i++ {
		var l raft.Log
		if err = w.GetLog(i, &l); err != nil {
			return 0, 0, conf, fmt.Errorf("entry %d: %w", i, err)
		}
		if l.Type == raft.LogConfiguration {
			conf = raft.DecodeConfiguration(l.Data)
		}
	}
	if last < a.Index {
		return 0, 0, conf, fmt.Errorf("it ends at entry %d, and the database has entry %d", last, a.Index)
	}
	return last, term, conf, nil
}

// recoverLog appends an entry that makes this node the only member. Raft goes by the newest such entry, committed or not,
// so that the node elects itself and commits all that it has.
func recoverLog(dir, id string, w *disk, last, term uint64) error {
	note, err := json.Marshal(recovery{ID: rand.Text()})
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(recoveryFile(dir), note, 0o600); err != nil {
		return fmt.Errorf("note the recovery: %w", err)
	}
	// A term of its own: whatever the lost nodes may have at this index is another entry.
	if err := w.SetUint64([]byte("CurrentTerm"), term+1); err != nil {
		return fmt.Errorf("write the term: %w", err)
	}
	alone := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(id), Address: raft.ServerAddress(id)}}}
	err = w.StoreLogs([]*raft.Log{{Index: last + 1, Term: term + 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(alone)}})
	if err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	return nil
}

// endRecovery has the records say that this node is the desk now.
func (c *Cluster) endRecovery(g *reign) {
	file := recoveryFile(c.cfg.Dir)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var note recovery
	if err == nil {
		err = json.Unmarshal(data, &note)
	}
	if err == nil {
		_, err = c.Do(g.ctx, desk.Request{
			Actor: c.self(), Key: desk.Key{Kind: desk.KeyAdmin, Principal: "recover", ID: note.ID}, Command: &desk.RecoverDesk{Keep: c.cfg.ID},
		})
	}
	if err == nil {
		err = os.Remove(file)
	}
	if err != nil && g.ctx.Err() == nil {
		c.log.Error("note that this node is the whole desk", "err", err)
	}
}
