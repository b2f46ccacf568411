// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"refdesk/cluster"
	"refdesk/cmd/internal/ctl"
	"refdesk/gateway/web/staff"
)

// StatusResult is the answer to "status".
type StatusResult struct {
	ID      string `json:"id"`
	Ready   bool   `json:"ready"`  // a leader is known and this node serves
	Leader  string `json:"leader"` // "" if none is known
	Term    uint64 `json:"term"`
	Seq     uint64 `json:"seq"`
	Epoch   uint64 `json:"epoch"`
	Level   uint64 `json:"level"`  // feature level of the desk
	Digest  string `json:"digest"` // hex
	Version string `json:"version"`
	Quorum  bool   `json:"quorum"` // a majority of the voters is up, as far as this node knows
	Words   string `json:"words"`  // the same in a sentence
	// Nodes are all nodes of the desk as this one knows them, by id.
	Nodes []NodeStatus `json:"nodes"`
	Full  bool         `json:"full,omitempty"` // the disk has less than cluster.reserve: this node takes no commands
	Error string       `json:"error,omitempty"`
}

// NodeStatus is one node as another one knows it.
type NodeStatus struct {
	ID       string `json:"id"`
	Address  string `json:"address"`
	URL      string `json:"url"`
	Voter    bool   `json:"voter"`
	Leader   bool   `json:"leader"`
	Up       bool   `json:"up"`
	Silent   int64  `json:"silent_ms"` // since when it is not; -1: it was never heard
	Lag      uint64 `json:"lag"`       // log entries behind
	Level    uint64 `json:"level"`
	DiskFree uint64 `json:"disk_free"` // bytes; 0 = unknown
}

// status says where this node stands, and what it knows of the others. It needs no majority.
func (n *Node) status(ctx context.Context, _ struct{}) (StatusResult, error) {
	s, err := n.store.Status(ctx)
	r := StatusResult{
		ID: s.ID, Ready: s.Ready, Leader: s.Leader, Term: s.Term, Seq: s.Seq, Epoch: s.Epoch, Level: s.Level,
		Digest: hex.EncodeToString(s.Digest), Version: Version, Full: s.Full, Nodes: []NodeStatus{},
	}
	if err != nil {
		r.Error = err.Error()
		return r, nil
	}
	members, err := n.store.Members(ctx)
	if err != nil {
		r.Error = err.Error()
	}
	for _, m := range members {
		x := NodeStatus{
			ID: m.ID, Address: m.Address, URL: m.URL, Voter: m.Voter, Leader: m.Leads, Up: m.Up, Silent: m.Silent.Milliseconds(),
			Lag: m.Lag, Level: m.Level, DiskFree: m.DiskFree,
		}
		if m.Silent < 0 {
			x.Silent = -1
		}
		r.Nodes = append(r.Nodes, x)
	}
	r.Quorum, r.Words = standing(s, members)
	return r, nil
}

// standing says in words how the desk is.
func standing(s cluster.Status, members []cluster.Member) (quorum bool, words string) {
	voters, up := 0, 0
	var down []string
	for _, m := range members {
		switch {
		case !m.Voter:
		case m.Up:
			voters++
			up++
		default:
			voters++
			down = append(down, m.ID)
		}
	}
	need := voters/2 + 1
	quorum = up >= need && s.Leader != ""
	switch {
	case voters == 0:
		words = "This node has not read yet who the desk's nodes are."
	case up < need:
		words = fmt.Sprintf("No majority: %d of %d voters can be reached from here, and %d are needed. Nothing is acknowledged here until they are back (%s).",
			up, voters, need, strings.Join(down, ", "))
	case s.Leader == "":
		words = "The nodes are choosing a leader; nothing is acknowledged until they have."
	case voters == 1:
		words = "One node is the whole desk: when it fails, the desk is away until it is back."
	default:
		words = fmt.Sprintf("%d of %d voters are up, and %d are needed: %s.", up, voters, need, spare(up-need))
		if voters%2 == 0 {
			words += fmt.Sprintf(" An even number of voters survives no more failures than %d would; add one or take one out.", voters-1)
		}
	}
	return quorum, words
}

// spare says how many nodes may fail.
func spare(n int) string {
	switch n {
	case 0:
		return "no other may fail"
	case 1:
		return "one more may fail"
	}
	return fmt.Sprintf("%d more may fail", n)
}

// members shows the staff's pages the nodes.
type members struct{ n *Node }

// Nodes implements staff.Cluster.
func (m members) Nodes(ctx context.Context) (staff.Standing, error) {
	r, err := m.n.status(ctx, struct{}{})
	out := staff.Standing{Here: r.ID, Leader: r.Leader, Term: r.Term, Level: r.Level, Quorum: r.Quorum, Words: r.Words}
	for _, x := range r.Nodes {
		out.Nodes = append(out.Nodes, staff.NodeRow{
			ID: x.ID, Address: x.Address, URL: x.URL, Voter: x.Voter, Leader: x.Leader, Up: x.Up,
			Silent: time.Duration(x.Silent) * time.Millisecond, Lag: x.Lag, Level: x.Level, DiskFree: x.DiskFree,
		})
	}
	return out, err
}

// WaitReady asks the node that runs on dir until it serves.
func WaitReady(ctx context.Context, dir string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var s StatusResult
		err := ctl.Call(ctx, dir, "status", nil, &s)
		if err == nil && s.Ready {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}
