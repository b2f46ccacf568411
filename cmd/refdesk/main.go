// SPDX-License-Identifier: Apache-2.0

// Command refdesk is a self-hosted live-chat desk for libraries.
//
// Each subcommand has a file of its own. Every one answers -h, exits 0 (done), 1 (could not, with one sentence on
// standard error that says what to do) or 2 (wrong words on the command line).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// command is one subcommand.
type command struct {
	name    string
	usage   string // what follows the name
	summary string
	run     func(ctx context.Context, in *invocation) error
}

// invocation is what a subcommand gets.
type invocation struct {
	flags  *flag.FlagSet
	args   []string
	stdout io.Writer
	stderr io.Writer
}

// parse reads the flags; what is left are the arguments.
func (in *invocation) parse() error {
	if err := in.flags.Parse(in.args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	in.args = in.flags.Args()
	return nil
}

// usageError is a mistake on the command line: exit 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func commands() []command {
	return []command{
		{"demo", "[--dir DIR] [--nodes N] …", "run a working desk of a made-up library on this machine", runDemo},
		{"init", "DIR …", "make a desk of one node", runInit},
		{"serve", "-c FILE", "run a node", runServe},
		{"check", "-c FILE", "validate a configuration", runCheck},
		{"status", "[--json]", "tell how the desk and its nodes are", runStatus},
		{"token", "", "let one machine join the desk, once", runToken},
		{"join", "TOKEN DIR --id ID …", "make this machine a node of the desk", runJoin},
		{"leave", "[--node ID]", "take a node out of the desk", runLeave},
		{"recover", "-c FILE [--force]", "go on with one node when a majority is lost for ever", runRecover},
		{"staff", "add|invite|list|disable|device …", "manage the people of the desk", runStaff},
		{"dept", "add|set|list …", "manage its departments", runDept},
		{"faq", "import|export [FILE]", "bring FAQs in, or take them out", runFAQ},
		{"backup", "TARGET [--dir DIR]", "save the running desk to a new directory, sealed", runBackup},
		{"restore", "BACKUP DIR", "make a new desk of a backup", runRestore},
		{"verify", "[BACKUP] [--erased WORD]", "prove the history of a running desk or a backup", runVerify},
		{"mail", "parse", "show what refdesk makes of a message on standard input", runMail},
		{"search", "eval DIR [--json]", "measure the FAQ search on judged questions", runSearch},
		{"version", "", "print version, Go and modules", runVersion},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		overview(stderr)
		return 2
	}
	if args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
		overview(stdout)
		return 0
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return invoke(ctx, c, args[1:], stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "refdesk: there is no command %q; refdesk -h lists them\n", args[0])
	return 2
}

func invoke(ctx context.Context, c command, args []string, stdout, stderr io.Writer) int {
	in := &invocation{flags: flag.NewFlagSet(c.name, flag.ContinueOnError), args: args, stdout: stdout, stderr: stderr}
	in.flags.SetOutput(io.Discard)
	in.flags.Usage = func() {}
	err := c.run(ctx, in)
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stdout, "refdesk %s %s\n\n%s\n\n", c.name, c.usage, c.summary)
		in.flags.SetOutput(stdout)
		in.flags.PrintDefaults()
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "refdesk %s: %v; refdesk %s -h tells more\n", c.name, err, c.name)
		return 2
	}
	fmt.Fprintf(stderr, "refdesk %s: %v\n", c.name, err)
	return 1
}

func overview(w io.Writer) {
	fmt.Fprint(w, "refdesk: a live-chat desk for libraries\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  refdesk %-8s %-28s %s\n", c.name, c.usage, c.summary)
	}
	fmt.Fprint(w, "\nrefdesk COMMAND -h tells more. Start with: refdesk demo\n")
}
