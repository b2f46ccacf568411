// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
)

func runCheck(_ context.Context, in *invocation) error {
	file := in.flags.String("c", "", "the configuration `FILE`")
	if err := in.parse(); err != nil {
		return err
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "%s is sound: node %s of the desk for %s.\n", *file, cfg.Cluster.ID, cfg.Desk.Domain)
	return nil
}
