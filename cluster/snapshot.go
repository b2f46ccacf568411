// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/renameio/v2"
	"github.com/hashicorp/raft"

	"refdesk/cluster/store"
)

// marker says that the database holds everything up to a log entry, durably. It is what raft takes for a snapshot.
type marker struct {
	Version     int
	ID          string
	Index, Term uint64             // as raft counts, entries included that change no record
	Applied     uint64             // the last entry that the database must hold
	Config      raft.Configuration // as of ConfigIndex
	ConfigIndex uint64
	Copy        string `json:",omitempty"` // name of a received database that is to take the place of ours
}

// markerVersion is the newest layout of markers.
const markerVersion = 1

func (k *marker) meta(size int64) *raft.SnapshotMeta {
	return &raft.SnapshotMeta{
		Version: raft.SnapshotVersionMax, ID: k.ID, Index: k.Index, Term: k.Term,
		Configuration: k.Config, ConfigurationIndex: k.ConfigIndex, Size: size,
	}
}

// end is the entry that a marker ends with; 0 where there is none.
func (k *marker) end() uint64 {
	if k == nil {
		return 0
	}
	return k.Index
}

// snapshots keeps the newest marker, in a directory of its own beside the database. A complete copy of the database is
// made only when another node asks for one.
type snapshots struct {
	dir   string
	store *store.Store
	count atomic.Uint64 // names for copies

	mu     sync.Mutex
	last   *marker
	spare  *fullCopy // made in vain, for the next attempt
	expiry *time.Timer
	closed bool
}

var _ raft.SnapshotStore = (*snapshots)(nil)

func openSnapshots(dir string, s *store.Store) (*snapshots, error) {
	n := &snapshots{dir: filepath.Join(dir, "snapshot"), store: s}
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of snapshots: %w; change the owner of %s", err, dir)
	}
	data, err := os.ReadFile(n.path("marker.json"))
	if err == nil {
		n.last = &marker{}
		if err = json.Unmarshal(data, n.last); err == nil && n.last.Version > markerVersion {
			err = fmt.Errorf("it is of version %d, this program knows up to %d; start a later refdesk", n.last.Version, markerVersion)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the marker in %s: %w", n.dir, err)
	}
	return n, n.tidy()
}

func (n *snapshots) path(name string) string { return filepath.Join(n.dir, name) }

// tidy removes what an interrupted run left behind.
func (n *snapshots) tidy() error {
	files, err := os.ReadDir(n.dir)
	if err != nil {
		return fmt.Errorf("read the directory of snapshots: %w", err)
	}
	for _, f := range files {
		if f.Name() == "marker.json" || n.last != nil && f.Name() == n.last.Copy {
			continue
		}
		if err := os.Remove(n.path(f.Name())); err != nil {
			return fmt.Errorf("tidy the directory of snapshots: %w", err)
		}
	}
	return nil
}

// newest returns the marker, nil if there is none.
func (n *snapshots) newest() *marker {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.last
}

// keep makes a marker the newest, durably. Raft may be taking a snapshot while a copy comes in that goes further: then the
// older one, which is ready last, must not take the copy's place, for the log begins behind the copy.
func (n *snapshots) keep(k *marker) error {
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last != nil && k.Index <= n.last.Index && k.Copy == "" {
		return nil
	}
	if n.last != nil && k.Index < n.last.Index {
		return fmt.Errorf("the copy ends at entry %d, before the marker's %d", k.Index, n.last.Index)
	}
	if err := renameio.WriteFile(n.path("marker.json"), data, 0o600); err != nil {
		return fmt.Errorf("write the marker: %w", err)
	}
	if err := syncDir(n.dir); err != nil {
		return err
	}
	if n.last != nil && n.last.Copy != "" && n.last.Copy != k.Copy {
		_ = os.Remove(n.path(n.last.Copy)) // installed, or of no use any more; tidy takes what stays
	}
	n.last = k
	return nil
}

// List returns the newest marker alone.
func (n *snapshots) List() ([]*raft.SnapshotMeta, error) {
	k := n.newest()
	if k == nil {
		return nil, nil
	}
	return []*raft.SnapshotMeta{k.meta(0)}, nil
}

// Create begins a marker, or the receipt of a copy: that it is one shows when bytes come.
func (n *snapshots) Create(_ raft.SnapshotVersion, index, term uint64, conf raft.Configuration, confIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	id := fmt.Sprintf("%d-%d-%d", term, index, n.count.Add(1))
	return &sink{of: n, marker: &marker{
		Version: markerVersion, ID: id, Index: index, Term: term, Config: conf, ConfigIndex: confIndex,
	}}, nil
}

// Open returns a received copy to install, or a new copy to send.
func (n *snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	k := n.newest()
	if k == nil || k.ID != id {
		return nil, nil, fmt.Errorf("there is no snapshot %q any more", id)
	}
	if path := n.path(k.Copy); k.Copy != "" {
		if _, err := os.Stat(path); err == nil {
			return k.meta(0), &received{path: path}, nil
		}
	}
	return n.copyFrom(k)
}

// received is a copy that another node sent. It is installed by its path, not read.
type received struct{ path string }

// Read has nothing to give.
func (*received) Read([]byte) (int, error) { return 0, io.EOF }

// Close has nothing to close.
func (*received) Close() error { return nil }
