// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"refdesk/cmd/internal/node"
)

func runLeave(ctx context.Context, in *invocation) error {
	dir := in.flags.String("dir", "data", "the data `DIR`ectory of a node that runs")
	var a node.LeaveArgs
	in.flags.StringVar(&a.Node, "node", "", "`ID` of the node that is to go, dead or alive (default: the one that runs in --dir)")
	quiet := in.flags.Bool("quiet", false, "say nothing on the way")
	if err := in.parse(); err != nil {
		return err
	}
	if len(in.args) > 0 {
		return usagef("%q is too much; to take another node out: --node %s", in.args[0], in.args[0])
	}
	p := newProgress(in.stderr, *quiet)
	r, err := node.Leave(ctx, *dir, a, p.tell)
	p.end()
	if err != nil {
		return err
	}
	for _, done := range r.Done {
		fmt.Fprintln(in.stdout, done+".")
	}
	if a.Node == "" {
		fmt.Fprintf(in.stdout, "%s leaves the desk and stops by itself; its directory can be deleted then.\n", r.Node)
	} else {
		fmt.Fprintf(in.stdout, "%s is taken out, for ever. Don't start it again; its directory can be deleted.\n", r.Node)
	}
	if r.Voters%2 == 0 && r.Voters > 0 {
		fmt.Fprintf(in.stdout, "%d nodes that vote are left. An even number survives no more failures than %d would.\n", r.Voters, r.Voters-1)
	}
	return nil
}
