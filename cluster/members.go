// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster/desk"
)

// ErrLeft is how a node ends that was taken out of its desk on purpose.
var ErrLeft = errors.New("this node has left the desk; its directory is of no use any more")

// book is who the other nodes are.
type book struct {
	peers   map[string]string // host:port by id, this node's included
	removed []string          // they don't vote any more either
	leaving bool              // this node is being removed
	// This node was admitted and hasn't read yet who the others are: whoever leads may call.
	learning bool
}

// book puts together what configuration and records say of the nodes. One that was removed stays in the book as long as
// raft still has it: its leader has to hand over, and its followers have to learn of it.
func (c *Cluster) book() (book, error) {
	b := book{peers: map[string]string{}}
	maps.Copy(b.peers, c.cfg.Joined)
	var gone []*desk.Node
	err := c.View(c.ctx, c.self(), func(r desk.Reader) error {
		nodes, err := r.Nodes()
		if err == nil {
			gone, err = r.RemovedNodes()
		}
		for _, n := range slices.Concat(nodes, gone) {
			if n.Address != "" {
				b.peers[n.ID] = n.Address
			}
		}
		return err
	})
	if err != nil {
		return b, fmt.Errorf("read who the desk's nodes are: %w", err)
	}
	maps.Copy(b.peers, c.cfg.Peers)
	still := c.servers()
	for _, n := range gone {
		b.leaving = b.leaving || n.ID == c.cfg.ID
		if _, ok := still[n.ID]; !ok {
			b.removed = append(b.removed, n.ID)
			delete(b.peers, n.ID)
		}
	}
	_, in := still[c.cfg.ID]
	b.learning = c.cfg.Joined != nil && !in
	return b, nil
}

// servers are the nodes that raft has, and whether they vote. Before raft runs it is what the database says.
func (c *Cluster) servers() map[string]bool {
	out := map[string]bool{}
	var conf raft.Configuration
	if c.raft != nil {
		conf = c.raft.GetConfiguration().Configuration()
	} else if a := c.store.Applied(); a.ConfigIndex > 0 {
		conf = raft.DecodeConfiguration(a.Config)
	}
	for _, s := range conf.Servers {
		out[string(s.ID)] = s.Suffrage == raft.Voter
	}
	return out
}

// begins are the ids of the nodes that this start finds.
func (c *Cluster) begins() []string {
	if has := c.servers(); len(has) > 0 {
		return slices.Sorted(maps.Keys(has))
	}
	return c.cfg.members()
}

// alone reports whether this start finds a desk of this node only.
func (c *Cluster) alone() bool { return c.cfg.Joined == nil && len(c.begins()) == 1 }

// checkMembers refuses what would make two desks of one: a configuration that names nodes which the desk never had, and a
// node that isn't among the desk's.
func (c *Cluster) checkMembers() error {
	if c.store.Applied().ConfigIndex == 0 {
		return nil // a new desk, or one that was joined and has sent nothing yet
	}
	has := c.begins()
	if len(has) > 1 && c.cfg.Listener == nil {
		return fmt.Errorf("the desk in %s has the nodes %v, and this one has no port to the others; write cluster.listen and the certificate into the configuration", c.cfg.Dir, has)
	}
	if c.cfg.Joined != nil {
		return nil // it may still be reading how the desk began
	}
	if !slices.Contains(has, c.cfg.ID) {
		return fmt.Errorf("the desk in %s has the nodes %v, and not %q; write the id that this node has always had (cluster.id)", c.cfg.Dir, has, c.cfg.ID)
	}
	known := slices.Clone(has)
	err := c.View(c.ctx, c.self(), func(r desk.Reader) error {
		nodes, err := r.Nodes()
		gone, errGone := r.RemovedNodes()
		for _, n := range slices.Concat(nodes, gone) {
			known = append(known, n.ID)
		}
		return errors.Join(err, errGone)
	})
	if err != nil {
		return fmt.Errorf("read who the desk's nodes are: %w", err)
	}
	for id := range c.cfg.Peers {
		if !slices.Contains(known, id) {
			return fmt.Errorf("the desk in %s has the nodes %v, and the configuration names %v; name those that it has, and add others with refdesk join",
				c.cfg.Dir, has, c.cfg.members())
		}
	}
	return nil
}

// checkLevel refuses a desk that has features turned on which this program doesn't know.
func (c *Cluster) checkLevel() error {
	return c.read(c.ctx, func(src desk.Source) error {
		level, err := desk.FeatureLevel(src)
		if err == nil && level > c.cfg.level() {
			err = tooOld(level, c.cfg.level())
		}
		return err
	})
}

func tooOld(has, knows uint64) error {
	return fmt.Errorf("the desk is at feature level %d, and this program knows up to %d; start a later refdesk", has, knows)
}

// watchMembers keeps the ways to the other nodes as the records change.
func (c *Cluster) watchMembers() {
	told := false // that this node is being removed
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		b, err := c.book()
		switch {
		case err != nil:
			if c.ctx.Err() == nil {
				c.log.Warn("read who the desk's nodes are", "err", err)
			}
		default:
			c.port.SetPeers(b.peers, b.removed)
			c.port.Welcome(b.learning)
			c.carry(b)
			c.pace()
			if c.cfg.Changed != nil {
				c.cfg.Changed()
			}
			if b.leaving && !told {
				told = true
				c.log.Warn("this node is being taken out of the desk", "node", c.cfg.ID)
			}
			if _, in := c.servers()[c.cfg.ID]; b.leaving && !in {
				c.fail(ErrLeft)
				return
			}
		}
		select {
		case <-c.members:
		case <-tick.C: // what raft decides isn't in the records
		case <-c.ctx.Done():
			return
		}
	}
}

// carry starts and ends what brings files to the other nodes.
func (c *Cluster) carry(b book) {
	f := c.files
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, k := range f.couriers {
		if _, ok := b.peers[id]; !ok {
			k.end()
			delete(f.couriers, id)
		}
	}
	for id := range b.peers {
		if id == c.cfg.ID || f.couriers[id] != nil {
			continue
		}
		k := newCourier(c, id)
		f.couriers[id] = k
		for range courierHands {
			c.wg.Go(k.work)
		}
	}
}

// pace gives raft the timings for several nodes once there are several.
func (c *Cluster) pace() {
	if len(c.servers()) < 2 {
		return
	}
	want, is := c.cfg.raft(false), c.raft.ReloadableConfig()
	if is.HeartbeatTimeout == want.HeartbeatTimeout && is.ElectionTimeout == want.ElectionTimeout {
		return
	}
	is.HeartbeatTimeout, is.ElectionTimeout = want.HeartbeatTimeout, want.ElectionTimeout
	if err := c.raft.ReloadConfig(is); err != nil {
		c.log.Error("set the timings for several nodes", "err", err)
	}
}

// deafAfter is how long a node may be silent before it is called down here.
const deafAfter = 3 * time.Second

// removed takes another node's word that this one was removed. Raft doesn't tell a node that it was, since its leader stops
// sending. The word is believed if the records here said so, or if no leader says otherwise: a node that was made a desk
// of its own by force says it to all others.
func (c *Cluster) removed(by string) {
	b, err := c.book()
	switch {
	case err != nil || c.reign.Load() != nil:
	case b.leaving:
		c.fail(ErrLeft)
	case time.Since(c.raft.LastContact()) > deafAfter:
		c.fail(fmt.Errorf("this node, %s, was removed from the desk (node %s says so); empty its directory and join again with a new id", c.cfg.ID, by))
	}
}

// Voters are the nodes whose majority decides, as this one knows.
func (c *Cluster) Voters() []string { return c.voters() }

// freeBytes is the room on the disk of a directory; 0 if that can't be told.
func freeBytes(dir string) uint64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0
	}
	return s.Bavail * uint64(s.Bsize)
}

// Member is one node of the desk, as this one knows it.
type Member struct {
	ID       string
	Address  string // host:port between nodes
	URL      string // as patrons' pages reach it
	Voter    bool   // false: it is still catching up, or about to leave
	Leads    bool
	Up       bool          // this node has heard of it just now
	Silent   time.Duration // since when not; 0 if it is up, -1 if it was never heard
	Given    bool          // the desk has given it up: it serves nobody
	Applied  uint64        // the last log entry that it has applied, when it was heard last
	Lag      uint64        // log entries that it is behind the furthest node this one has heard of
	Level    uint64        // the newest feature level that its program knows
	DiskFree uint64        // bytes; 0 = unknown
}

// Members lists the desk's nodes as this one knows them, by id. It needs no majority.
func (c *Cluster) Members(ctx context.Context) ([]Member, error) {
	nodes := map[string]*desk.Node{}
	err := c.View(ctx, c.self(), func(r desk.Reader) error {
		all, err := r.Nodes()
		for _, n := range all {
			nodes[n.ID] = n
		}
		return err
	})
	servers, now := c.servers(), time.Now()
	ids := slices.Collect(maps.Keys(servers))
	for id := range nodes {
		if _, ok := servers[id]; !ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	leader, _ := c.leader()
	own := c.stand()
	furthest := own.last
	out := make([]Member, 0, len(ids))
	for _, id := range ids {
		m := Member{ID: id, Voter: servers[id], Leads: id == leader, Address: c.cfg.Peers[id]}
		if n := nodes[id]; n != nil {
			m.Level, m.URL, m.Given = n.Level, n.URL, n.Down
			if m.Address == "" {
				m.Address = n.Address
			}
		}
		s, silent, heard := c.heard.of(id, now)
		switch {
		case id == c.cfg.ID:
			s, m.Up = own, true
		case !heard:
			m.Silent = -1
		case silent < deafAfter:
			m.Up = true
		default:
			m.Silent = silent
		}
		m.Applied, m.DiskFree = s.applied, s.free
		if m.Up {
			furthest = max(furthest, s.last)
		}
		out = append(out, m)
	}
	for i := range out {
		if out[i].Applied < furthest {
			out[i].Lag = furthest - out[i].Applied
		}
	}
	return out, err
}
