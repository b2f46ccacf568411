// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"refdesk/cmd/internal/ctl"
	"refdesk/cmd/internal/node"
)

// runStaff does its work on the node that runs on this machine, over its admin socket.
func runStaff(ctx context.Context, in *invocation) error {
	if len(in.args) == 0 {
		return usagef("say what: add, invite, list, disable or device")
	}
	doing := in.args[0]
	in.args = in.args[1:]
	dir := in.flags.String("dir", "data", "the node's data `DIR`ectory")
	switch doing {
	case "add":
		return staffAdd(ctx, in, dir)
	case "invite":
		return staffInvite(ctx, in, dir)
	case "list":
		return staffList(ctx, in, dir)
	case "disable":
		return staffDisable(ctx, in, dir)
	case "device":
		return staffDevice(ctx, in, dir)
	case "-h", "--help":
		in.args = []string{"-h"}
		return in.parse()
	}
	return usagef("%q is none of add, invite, list, disable, device", doing)
}

// account parses the flags around the one argument that names somebody.
func (in *invocation) account(verb string) (string, error) {
	name := ""
	if len(in.args) > 0 && !strings.HasPrefix(in.args[0], "-") {
		name, in.args = in.args[0], in.args[1:]
	}
	if err := in.parse(); err != nil {
		return "", err
	}
	if name == "" && len(in.args) > 0 {
		name, in.args = in.args[0], in.args[1:]
	}
	if name == "" || len(in.args) > 0 {
		return "", usagef("%s takes one name", verb)
	}
	return name, nil
}

func staffAdd(ctx context.Context, in *invocation, dir *string) error {
	var a node.StaffArgs
	in.flags.StringVar(&a.Name, "name", "", "full name, as colleagues read it (default: the account)")
	in.flags.StringVar(&a.PublicName, "public-name", "", "name that patrons read (default: the first word of the name)")
	in.flags.StringVar(&a.Role, "role", "operator", "viewer, trainee, operator, lead or admin")
	in.flags.StringVar(&a.Email, "email", "", "address, for invitations")
	departments := in.flags.String("departments", "", "departments, separated by commas (default: the desk's default one)")
	var err error
	if a.Account, err = in.account("add"); err != nil {
		return err
	}
	if *departments != "" {
		a.Departments = strings.Split(*departments, ",")
	}
	a.New = true
	var d node.DeviceResult
	if err := ctl.Call(ctx, *dir, "staff add", a, &d); err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "%s is added. Log in with any XMPP client as %s, device password %s (shown once).\n", a.Account, d.JID, d.Password)
	return nil
}

// staffInvite sends somebody a one-time link, to a page where they choose a password and set up this or that client.
func staffInvite(ctx context.Context, in *invocation, dir *string) error {
	var a node.InviteArgs
	in.flags.StringVar(&a.Email, "email", "", "address to send it to (default: the one that is known)")
	in.flags.BoolVar(&a.Reset, "reset", false, "for somebody who has forgotten the password")
	var err error
	if a.Account, err = in.account("invite"); err != nil {
		return err
	}
	var r node.InviteResult
	if err := ctl.Call(ctx, *dir, "staff invite", a, &r); err != nil {
		return err
	}
	if r.Sent != "" {
		fmt.Fprintf(in.stdout, "A mail with a one-time link is on its way to %s.\n", r.Sent)
		return nil
	}
	fmt.Fprintf(in.stdout, "%s has no address; hand this link over, it works once: %s\n", a.Account, r.Link)
	return nil
}

func staffList(ctx context.Context, in *invocation, dir *string) error {
	if err := in.parse(); err != nil {
		return err
	}
	var people []node.StaffResult
	if err := ctl.Call(ctx, *dir, "staff list", nil, &people); err != nil {
		return err
	}
	w := tabwriter.NewWriter(in.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ACCOUNT\tNAME\tROLE\tDEPARTMENTS\tSTATE\tDEVICES")
	for _, p := range people {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Account, p.Name, p.Role, strings.Join(p.Departments, " "), p.State, strings.Join(p.Devices, ", "))
	}
	return w.Flush()
}

func staffDisable(ctx context.Context, in *invocation, dir *string) error {
	account, err := in.account("disable")
	if err != nil {
		return err
	}
	if err := ctl.Call(ctx, *dir, "staff disable", node.StaffArgs{Account: account}, nil); err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "%s is disabled; their sessions have ended and their chats wait again.\n", account)
	return nil
}

func staffDevice(ctx context.Context, in *invocation, dir *string) error {
	var a node.DeviceArgs
	in.flags.StringVar(&a.Name, "name", "", "what the device is called (default: device and a number)")
	in.flags.BoolVar(&a.Revoke, "revoke", false, "take the password of the named device back")
	var err error
	if a.Account, err = in.account("device"); err != nil {
		return err
	}
	if a.Revoke && a.Name == "" {
		return usagef("staff device --revoke needs --name; refdesk staff list shows the names")
	}
	var d node.DeviceResult
	if err := ctl.Call(ctx, *dir, "staff device", a, &d); err != nil {
		return err
	}
	if a.Revoke {
		fmt.Fprintf(in.stdout, "The password of %s's device %q is revoked.\n", a.Account, a.Name)
		return nil
	}
	fmt.Fprintf(in.stdout, "Device %q: log in as %s, password %s (shown once).\n", d.Device, d.JID, d.Password)
	return nil
}
