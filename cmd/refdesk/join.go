// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"refdesk/cmd/internal/config"
	"refdesk/cmd/internal/setup"
)

func runJoin(ctx context.Context, in *invocation) error {
	d := config.Default()
	o := setup.JoinOptions{HTTP: d.HTTP.Listen, XMPP: d.XMPP.Listen, Tell: in.stderr}
	f := in.flags
	f.StringVar(&o.ID, "id", "", "name of this `node`, for ever; one that the desk never had")
	f.StringVar(&o.Cluster, "cluster", "", "`address` of the port to the other nodes, such as :7400")
	f.StringVar(&o.Address, "address", "", "host:port where the other nodes reach that port (default: --cluster)")
	f.StringVar(&o.URL, "url", "", "`URL` where patrons reach this node (default: that of the other nodes)")
	f.StringVar(&o.HTTP, "http", o.HTTP, "`address` of the web door")
	f.StringVar(&o.XMPP, "xmpp", o.XMPP, "`address` of the XMPP door, \"\" = off")
	f.Func("set", "`KEY=VALUE`: any other key of the configuration; may be repeated", func(s string) error {
		o.Set = append(o.Set, s)
		return nil
	})
	args, err := in.around(2)
	if err != nil {
		return err
	}
	switch {
	case len(args) != 2:
		return usagef("say the token and the directory: refdesk join TOKEN DIR --id n1 --cluster :7400; refdesk token on a node of the desk makes one")
	case o.ID == "":
		return usagef("--id is missing: a name for this node, such as n1")
	case o.Cluster == "":
		return usagef("--cluster is missing: the address of the port to the other nodes, such as :7400")
	}
	o.Token, o.Dir = args[0], args[1]
	r, err := setup.Join(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "%s has caught up. Start it with\n\n  refdesk serve -c %s\n\nIt votes as soon as it serves. A certificate that browsers trust ([tls]), passwords of the mail server and\nwhat else is this machine's own are still to be written into that file.\n", o.ID, r.File)
	if r.Nodes%2 == 0 {
		fmt.Fprintf(in.stdout, "\nThe desk will have %d nodes that vote then. An even number survives no more failures than %d would: add another.\n", r.Nodes, r.Nodes-1)
	}
	return nil
}
