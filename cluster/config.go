// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/types"

	"refdesk/cluster/blob"
	"refdesk/cluster/desk"
	"refdesk/cluster/peer"
	"refdesk/cluster/wire"
)

// Profile is a set of timings.
type Profile string

// The profiles.
const (
	Fast     Profile = "fast"      // a new leader within about a second
	SlowDisk Profile = "slow-disk" // for disks whose syncs take longer than that
)

// Config says who a node is. Open copies it.
type Config struct {
	ID      string  // of this node, the same for ever
	Dir     string  // data directory; made if need be
	Profile Profile // "" = Fast
	Key     []byte  // desk.key, under which the log's keys lie sealed. Only tests have none

	// Peers are the nodes that a new desk begins with, this one included: host:port by id. Later the desk's own records say
	// who its nodes are; an address that stands here goes before the one that stands there. Empty means a desk of one.
	Peers map[string]string
	// Joined are the addresses of the desk that this node was admitted to, by id. It waits for that desk's log then and
	// never makes a desk of its own.
	Joined   map[string]string
	Learning bool           // only catch up: don't tell the desk that this node is up
	Address  string         // host:port, as the others reach this node; "" = as Peers says
	URL      string         // as patrons' pages reach this node; may be ""
	Listener net.Listener   // this node's port to the others; closed by Close. nil: the desk is of one node, and can't grow
	Identity *peer.Identity // what it proves itself with there

	// Reserve is how many bytes of the disk stay free for the log; below that the node takes nothing in. 0 = DefaultReserve,
	// negative = none.
	Reserve int64

	Log *slog.Logger
	// Now is the wall clock; nil = time.Now. It is read when this node begins to lead and for pings, nowhere else.
	Now func() time.Time
	// Live tells which sessions and patrons' chats this node's doors have now, those included whose opening is under way.
	// It is asked at the start and whenever the desk had given this node up. nil = none.
	Live func() (sessions []string, chats []uint64)
	// Calendars makes the commands that bring the calendars up to date. It is asked on the leader, daily. nil = none.
	Calendars func(ctx context.Context, now time.Time) ([]desk.Command, error)
	// Hinted takes a hint that another node sent. It must not block. nil = hints are dropped.
	Hinted func(from string, h wire.Hint)
	// Changed is called when the desk's nodes may be others. It must not block. nil = nobody wants to know.
	Changed func()
	// Joining answers a machine that wants to become a node. nil = none can, at this node.
	Joining func(ctx context.Context, r peer.JoinRequest) (peer.JoinReply, error)

	older   uint64                          // by how many feature levels this program is behind. Tests
	tune    func(*raft.Config)              // tests
	free    func(dir string) (int64, error) // what is free on the disk; nil = ask it. Tests
	segment int                             // bytes of a file of the log; 0 = raft-wal's own. Tests
	files   types.VFS                       // what the log's files lie on; nil = the file system. Tests
}

// Faulty is for tests of other packages: files is a disk that fails, tune changes raft's settings, segment is the bytes of
// a file of the log. nil and 0 leave them as they are.
func (c *Config) Faulty(files types.VFS, tune func(*raft.Config), segment int) {
	c.files, c.tune, c.segment = files, tune, segment
}

// commitTimeout is how long the leader waits for further entries before it tells the followers what is committed. DESIGN.md
// says how it was chosen.
const commitTimeout = 5 * time.Millisecond

// check completes a configuration.
func (c *Config) check() error {
	if c.ID == "" || c.Dir == "" {
		return errors.New("a node needs an id and a data directory")
	}
	if c.Profile != "" && c.Profile != Fast && c.Profile != SlowDisk {
		return fmt.Errorf("there is no profile %q: fast or slow-disk", c.Profile)
	}
	if c.Reserve == 0 {
		c.Reserve = DefaultReserve
	}
	if c.free == nil {
		c.free = blob.Free
	}
	if len(c.Peers) > 0 {
		if _, ok := c.Peers[c.ID]; !ok {
			return fmt.Errorf("this node, %q, is not among the desk's nodes (%v)", c.ID, c.members())
		}
	}
	if len(c.Peers)+len(c.Joined) > 1 && c.Listener == nil || c.Listener != nil && c.Identity == nil {
		return errors.New("a node of several needs a port to the others and a certificate")
	}
	c.Peers, c.Joined = maps.Clone(c.Peers), maps.Clone(c.Joined)
	if c.Address == "" {
		c.Address = c.Peers[c.ID]
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Live == nil {
		c.Live = func() ([]string, []uint64) { return nil, nil }
	}
	if c.Hinted == nil {
		c.Hinted = func(string, wire.Hint) {}
	}
	return nil
}

// level is the newest feature level that this program knows.
func (c *Config) level() uint64 { return desk.Level - c.older }

// members are the ids of the nodes that a new desk begins with, sorted.
func (c *Config) members() []string {
	if len(c.Peers) < 2 {
		return []string{c.ID}
	}
	return slices.Sorted(maps.Keys(c.Peers))
}

// servers is the list of voters that a new desk begins with. Within raft a node's address is its id.
func (c *Config) servers() raft.Configuration {
	var out raft.Configuration
	for _, id := range c.members() {
		out.Servers = append(out.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id)})
	}
	return out
}

// raft makes raft's configuration; alone says that this node is the whole desk for now.
func (c *Config) raft(alone bool) *raft.Config {
	r := raft.DefaultConfig()
	r.LocalID = raft.ServerID(c.ID)
	r.Logger = newLogger(c.Log)
	r.HeartbeatTimeout, r.ElectionTimeout, r.LeaderLeaseTimeout = 500*time.Millisecond, 500*time.Millisecond, 250*time.Millisecond
	if c.Profile == SlowDisk {
		r.HeartbeatTimeout, r.ElectionTimeout, r.LeaderLeaseTimeout = 1500*time.Millisecond, 1500*time.Millisecond, 750*time.Millisecond
	}
	switch {
	case alone && c.Listener == nil: // nobody to wait for
		r.HeartbeatTimeout, r.ElectionTimeout, r.LeaderLeaseTimeout = 50*time.Millisecond, 50*time.Millisecond, 25*time.Millisecond
	case alone: // until others come (pace); raft can't change the lease while it runs
		r.HeartbeatTimeout, r.ElectionTimeout = r.LeaderLeaseTimeout, r.LeaderLeaseTimeout
	}
	r.CommitTimeout = commitTimeout
	r.MaxAppendEntries = 512
	r.BatchApplyCh = true
	r.ShutdownOnRemove = true
	r.TrailingLogs = 50000
	r.SnapshotThreshold = 10000
	r.NoLegacyTelemetry = true
	if c.tune != nil {
		c.tune(r)
	}
	return r
}
