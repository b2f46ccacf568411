// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"refdesk/cmd/internal/node"
)

func runVersion(_ context.Context, in *invocation) error {
	if err := in.parse(); err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "refdesk %s\n%s %s/%s\n", node.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, m := range info.Deps {
		fmt.Fprintf(in.stdout, "%s %s\n", m.Path, m.Version)
	}
	return nil
}
