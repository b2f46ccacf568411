// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"

	"refdesk/cmd/internal/demo"
)

func runDemo(ctx context.Context, in *invocation) error {
	o := demo.Defaults()
	f := in.flags
	f.StringVar(&o.Dir, "dir", o.Dir, "where the desk lives; a second start uses what is there")
	f.IntVar(&o.Nodes, "nodes", o.Nodes, "how many nodes: 1, or processes of their own for 3")
	f.StringVar(&o.HTTP, "http", o.HTTP, "address of the web pages; node I adds 10·I to each port")
	f.StringVar(&o.HTTPS, "https", o.HTTPS, "the same with TLS")
	f.StringVar(&o.XMPP, "xmpp", o.XMPP, "address for XMPP clients, STARTTLS")
	f.StringVar(&o.XMPPS, "xmpps", o.XMPPS, "address for XMPP clients, direct TLS")
	f.StringVar(&o.SMTP, "smtp", o.SMTP, "address of the mail listener, which comes with tickets")
	f.StringVar(&o.Domain, "domain", o.Domain, "domain of the staff's addresses")
	f.IntVar(&o.Staff, "staff", o.Staff, "how many operators op1, op2, … to add")
	f.Func("set", "`KEY=VALUE` overrides a key of the configuration; may be repeated", func(s string) error {
		o.Set = append(o.Set, s)
		return nil
	})
	asJSON := f.Bool("json", false, "print one line of JSON when ready")
	if err := in.parse(); err != nil {
		return err
	}
	if len(in.args) > 0 {
		return usagef("%q is not expected", in.args[0])
	}
	o.Log = in.stderr
	return demo.Run(ctx, o, func(d demo.Desk) error {
		if *asJSON {
			return json.NewEncoder(in.stdout).Encode(d)
		}
		_, err := fmt.Fprint(in.stdout, d.Welcome())
		return err
	})
}
