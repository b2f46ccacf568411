// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"

	"refdesk/cmd/internal/node"
)

// runMail does what there is to do with mail on the command line: "parse" shows what refdesk makes of a message.
func runMail(_ context.Context, in *invocation) error {
	if len(in.args) == 0 {
		return usagef("say what: parse")
	}
	doing := in.args[0]
	if doing != "-h" && doing != "--help" {
		in.args = in.args[1:]
	}
	if err := in.parse(); err != nil {
		return err
	}
	switch {
	case doing != "parse":
		return usagef("%q is not known; say parse", doing)
	case len(in.args) > 0:
		return usagef("%q is not expected; the message comes on standard input", in.args[0])
	}
	return node.ParseMail(os.Stdin, in.stdout)
}
