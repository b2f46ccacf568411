// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"refdesk/cmd/internal/ctl"
	"refdesk/cmd/internal/node"
)

func runToken(ctx context.Context, in *invocation) error {
	dir := in.flags.String("dir", "data", "the node's data `DIR`ectory")
	if err := in.parse(); err != nil {
		return err
	}
	if len(in.args) > 0 {
		return usagef("%q is too much", in.args[0])
	}
	var r node.TokenResult
	if err := ctl.Call(ctx, *dir, "join token", nil, &r); err != nil {
		return err
	}
	fmt.Fprintln(in.stdout, r.Token)
	fmt.Fprintf(in.stderr, "It lets one machine join, until %s. On that machine: refdesk join TOKEN DIR --id n%d --cluster :7400 --address HOST:7400\n",
		r.Expires.Format("15:04"), r.Voters)
	return nil
}
