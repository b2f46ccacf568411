// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/wire"
)

// The hints by which a node asks the others for their digests, and by which they answer.
const (
	askKind  = "digest?"
	tellKind = "digest"
)

// How long the others have to answer, and how often they are asked.
const (
	witnessTime  = 10 * time.Second
	witnessEvery = 200 * time.Millisecond
)

// Witness is what one node says of its records. All of one look say it of the same entry of the log.
type Witness struct {
	ID      string
	Applied uint64 // its last entry when it answered
	Mark    uint64 // number of the digest check
	Digest  []byte // of its records at that check; empty if it didn't answer
}

const tellSize = 8 + 8 + 32

// testify tells what this node noted at the last digest check. The leader alone has one made: the check carries its digest,
// and whoever differs stops.
func (c *Cluster) testify(wanted []byte) {
	w, err := c.witness(c.ctx)
	if err != nil || len(wanted) != 8 {
		return
	}
	c.checkUpTo(w.Mark, binary.BigEndian.Uint64(wanted))
	data := binary.BigEndian.AppendUint64(nil, w.Applied)
	data = append(binary.BigEndian.AppendUint64(data, w.Mark), w.Digest...)
	if err := c.Hint(wire.Hint{Kind: tellKind, Data: data}); err != nil {
		c.log.Debug("tell of a digest", "err", err)
	}
}

func (c *Cluster) witness(ctx context.Context) (Witness, error) {
	w := Witness{ID: c.cfg.ID, Applied: c.store.Applied().Index}
	err := c.read(ctx, func(src desk.Source) (err error) {
		w.Mark, w.Digest, err = desk.Marked(src)
		return err
	})
	return w, err
}

// witnesses gathers what nodes say while somebody asks.
type witnesses struct {
	mu   sync.Mutex
	said map[string][]Witness // nil = nobody asks
}

// hear takes what another node says.
func (w *witnesses) hear(from string, data []byte) {
	if len(data) != tellSize {
		return
	}
	w.note(Witness{
		ID: from, Applied: binary.BigEndian.Uint64(data), Mark: binary.BigEndian.Uint64(data[8:]), Digest: slices.Clone(data[16:]),
	})
}

func (w *witnesses) note(x Witness) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.said == nil || len(w.said[x.ID]) > 1000 {
		return
	}
	if !slices.ContainsFunc(w.said[x.ID], func(y Witness) bool { return y.Mark == x.Mark }) {
		w.said[x.ID] = append(w.said[x.ID], x)
	}
}

// agreed returns what the nodes said of the newest check that all of them have told of.
func (w *witnesses) agreed(nodes []string) []Witness {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range slices.Backward(w.said[nodes[0]]) {
		all := []Witness{}
		for _, id := range nodes {
			if i := slices.IndexFunc(w.said[id], func(y Witness) bool { return y.Mark == x.Mark }); i >= 0 {
				all = append(all, w.said[id][i])
			}
		}
		if len(all) == len(nodes) {
			return all
		}
	}
	return nil
}

func (w *witnesses) begin() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.said != nil {
		return errors.New("somebody else asks the nodes just now; try again")
	}
	w.said = map[string][]Witness{}
	return nil
}

func (w *witnesses) end() (said map[string][]Witness) {
	w.mu.Lock()
	defer w.mu.Unlock()
	said, w.said = w.said, nil
	return said
}

// Witnesses has every node note the digest of its records at one entry of the log, and asks for them. A node that doesn't
// answer has no digest.
func (c *Cluster) Witnesses(ctx context.Context) ([]Witness, error) {
	if err := c.witnesses.begin(); err != nil {
		return nil, err
	}
	defer c.witnesses.end()
	ctx, cancel := context.WithTimeout(ctx, witnessTime)
	defer cancel()
	first, err := c.witness(ctx)
	if err != nil {
		return nil, err
	}
	mark := first.Mark + 1
	nodes := append([]string{c.cfg.ID}, slices.DeleteFunc(c.nodes(), func(id string) bool { return id == c.cfg.ID })...)
	tick := time.NewTicker(witnessEvery)
	defer tick.Stop()
	for {
		if own, err := c.witness(ctx); err == nil {
			c.checkUpTo(own.Mark, mark)
			if own.Mark >= mark {
				c.witnesses.note(own)
			}
		}
		if all := c.witnesses.agreed(nodes); all != nil {
			return all, nil
		}
		if err := c.Hint(wire.Hint{Kind: askKind, Data: binary.BigEndian.AppendUint64(nil, mark)}); err != nil {
			return nil, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return c.unanswered(nodes), nil
		}
	}
}

// unanswered is what the nodes said where some said nothing.
func (c *Cluster) unanswered(nodes []string) []Witness {
	c.witnesses.mu.Lock()
	defer c.witnesses.mu.Unlock()
	var out []Witness
	for _, id := range nodes {
		w := Witness{ID: id}
		if said := c.witnesses.said[id]; len(said) > 0 {
			w = said[len(said)-1]
		}
		out = append(out, w)
	}
	return out
}

// nodes are the ids of all nodes.
func (c *Cluster) nodes() []string {
	var out []string
	for _, s := range c.raft.GetConfiguration().Configuration().Servers {
		out = append(out, string(s.ID))
	}
	return out
}

// checkUpTo has a digest check made if this node leads and hasn't made as many.
func (c *Cluster) checkUpTo(has, wanted uint64) {
	if has < wanted && c.reign.Load() != nil {
		poke(c.checkNow)
	}
}

// Differing says which nodes have other records than the first one. Nodes that didn't answer are not among them.
func Differing(all []Witness) (out []string) {
	for _, w := range all {
		if len(w.Digest) > 0 && w.Mark == all[0].Mark && !bytes.Equal(w.Digest, all[0].Digest) {
			out = append(out, w.ID)
		}
	}
	return out
}
