// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"refdesk/cmd/internal/node"
)

func runRecover(_ context.Context, in *invocation) error {
	file := in.flags.String("c", "", "the configuration `FILE` of the node that is to go on alone; it must be stopped")
	force := in.flags.Bool("force", false, "do it")
	if err := in.parse(); err != nil {
		return err
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return err
	}
	r, err := node.Recover(cfg, *force)
	if err != nil {
		return err
	}
	lost := strings.Join(r.Lost, ", ")
	fmt.Fprintf(in.stdout, "%s would be the whole desk, and %s would be removed for ever.\n", r.ID, lost)
	fmt.Fprintf(in.stdout, "What they acknowledged and %s had not got yet is lost: lines, tickets, mail. %s has the log up to entry %d.\n", r.ID, r.ID, r.Last)
	fmt.Fprintf(in.stdout, "If a majority of the nodes can still be started, start those instead: nothing is lost then.\nIf one of %s runs on, or is started again with its old data, there would be two desks: delete their directories first.\n", lost)
	if !*force {
		return errors.New("nothing was changed; add --force to do it")
	}
	fmt.Fprintf(in.stdout, "\nDone. Start it with refdesk serve -c %s, then add nodes with refdesk token and refdesk join, under ids that the desk never had.\n", *file)
	return nil
}
