// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"refdesk/cmd/internal/setup"
)

func runInit(ctx context.Context, in *invocation) error {
	o := setup.InitDefaults()
	f := in.flags
	f.StringVar(&o.ID, "id", o.ID, "name of this `node`, for ever")
	f.StringVar(&o.Name, "name", o.Name, "the `library`, as patrons read it")
	f.StringVar(&o.Domain, "domain", o.Domain, "the staff's accounts are NAME@`domain`")
	f.StringVar(&o.URL, "url", o.URL, "`URL` where patrons reach the desk")
	f.StringVar(&o.HTTP, "http", o.HTTP, "`address` of the web door")
	f.StringVar(&o.XMPP, "xmpp", o.XMPP, "`address` of the XMPP door, \"\" = off")
	f.StringVar(&o.Cluster, "cluster", "", "`address` of the port to other nodes, such as :7400; without it the desk can't grow before a restart")
	f.StringVar(&o.Address, "address", "", "host:port where other nodes reach that port (default: --cluster)")
	f.StringVar(&o.Admin, "admin", o.Admin, "`account` of the first administrator")
	f.StringVar(&o.Email, "email", "", "their mail `address`")
	f.Func("set", "`KEY=VALUE`: any other key of the configuration; may be repeated", func(s string) error {
		o.Set = append(o.Set, s)
		return nil
	})
	args, err := in.around(1)
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return usagef("say which directory the desk is to be made in")
	}
	o.Dir = args[0]
	link, file, err := setup.Init(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "The desk is made: %s is its configuration.\n\nStart it with\n\n  refdesk serve -c %s\n\n", file, file)
	fmt.Fprintf(in.stdout, "then open this link. It works once, lets you choose the password of %s, and leads on to a list of\nwhat is done and what is missing:\n\n  %s\n", o.Admin, link)
	return nil
}

// around parses flags that may stand before, between and after up to most arguments.
func (in *invocation) around(most int) ([]string, error) {
	var args []string
	for {
		if err := in.parse(); err != nil {
			return nil, err
		}
		if len(in.args) == 0 {
			return args, nil
		}
		if len(args) == most {
			return nil, usagef("%q is too much", in.args[0])
		}
		args, in.args = append(args, in.args[0]), in.args[1:]
	}
}
