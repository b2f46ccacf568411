// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"refdesk/cmd/internal/ctl"
	"refdesk/cmd/internal/node"
)

func runStatus(ctx context.Context, in *invocation) error {
	dir := in.flags.String("dir", "data", "the node's data `DIR`ectory")
	asJSON := in.flags.Bool("json", false, "one JSON object")
	if err := in.parse(); err != nil {
		return err
	}
	if len(in.args) > 0 {
		return usagef("%q is too much", in.args[0])
	}
	var s node.StatusResult
	if err := ctl.Call(ctx, *dir, "status", nil, &s); err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(in.stdout).Encode(s)
	}
	fmt.Fprintln(in.stdout, s.Words)
	leader := s.Leader
	if leader == "" {
		leader = "nobody"
	}
	fmt.Fprintf(in.stdout, "Asked: %s. Leader: %s. Term %d, feature level %d, event %d of epoch %d, refdesk %s.\n\n", s.ID, leader, s.Term, s.Level, s.Seq, s.Epoch, s.Version)
	w := tabwriter.NewWriter(in.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tPART\tSTATE\tBEHIND\tLEVEL\tDISK FREE\tADDRESS")
	for _, n := range s.Nodes {
		part, state, disk := "catches up", "up", "?"
		switch {
		case n.Leader:
			part = "leads"
		case n.Voter:
			part = "votes"
		}
		switch {
		case n.Up:
		case n.Silent < 0:
			state = "not heard yet"
		default:
			state = "silent " + (time.Duration(n.Silent) * time.Millisecond).Round(time.Second).String()
		}
		if n.DiskFree > 0 {
			disk = fmt.Sprintf("%.1f GB", float64(n.DiskFree)/1e9)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", n.ID, part, state, n.Lag, n.Level, disk, n.Address)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if s.Error != "" {
		return fmt.Errorf("the node could not tell all of it: %s", s.Error)
	}
	return nil
}
