// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/rota"
	"refdesk/cmd/internal/ctl"
	"refdesk/cmd/internal/node"
)

// runDept looks after the departments of the desk that runs on this machine, over its admin socket.
func runDept(ctx context.Context, in *invocation) error {
	if len(in.args) == 0 {
		return usagef("say what: add, set or list")
	}
	doing := in.args[0]
	in.args = in.args[1:]
	dir := in.flags.String("dir", "data", "the node's data `DIR`ectory")
	switch doing {
	case "add", "set":
		return deptSet(ctx, in, dir, doing)
	case "list":
		return deptList(ctx, in, dir)
	case "-h", "--help":
		in.args = []string{"-h"}
		return in.parse()
	}
	return usagef("%q is none of add, set, list", doing)
}

// deptSet makes a department, or changes what the flags name of one.
func deptSet(ctx context.Context, in *invocation, dir *string, doing string) error {
	var (
		name     = in.flags.String("name", "", "name, as patrons read it")
		zone     = in.flags.String("time-zone", "UTC", "time zone of its hours, such as Europe/Dublin")
		hours    = in.flags.String("hours", "never", "opening hours, such as \"mon-fri 9:00-17:00, sat 10:00-13:00\", always or never")
		tags     = in.flags.String("tags", "", "tags that chats may have, separated by commas (none: any)")
		answered = in.flags.String("answered-by", "", "departments whose staff answer here too, separated by commas")
		backups  = in.flags.String("backups", "", "who is rung when nobody claims: accounts, and departments as #ID, separated by commas")
		deadline = in.flags.Duration("deadline", 0, "how soon a chat is to be claimed, such as 90s; after that it rings everywhere (0: as for the whole desk)")
		def      = in.flags.Bool("default", false, "this is where patrons arrive who name no department")
	)
	id, err := in.account(doing)
	if err != nil {
		return err
	}
	d := desk.Department{ID: id, Name: id, TimeZone: *zone}
	if doing == "set" {
		if d, err = deptNamed(ctx, *dir, id); err != nil {
			return err
		}
	}
	in.flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "name":
			d.Name = *name
		case "time-zone":
			d.TimeZone = *zone
		case "hours":
			d.Hours, err = rota.ParseHours(*hours)
		case "tags":
			d.Tags = commas(*tags)
		case "answered-by":
			d.AnsweredBy = commas(*answered)
		case "backups":
			d.Backups = commas(*backups)
		case "deadline":
			d.Deadline = uint64(max(*deadline, 0).Seconds())
		case "default":
			d.Default = *def
		}
	})
	if err != nil {
		return usageError{err}
	}
	if err := ctl.Call(ctx, *dir, "department "+doing, d, nil); err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "%s (%s) is open: %s, %s.\n", d.Name, d.ID, rota.FormatHours(d.Hours), d.TimeZone)
	return nil
}

// commas splits a list.
func commas(s string) (out []string) {
	for w := range strings.SplitSeq(s, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

func deptNamed(ctx context.Context, dir, id string) (desk.Department, error) {
	var all []node.DepartmentResult
	if err := ctl.Call(ctx, dir, "department list", nil, &all); err != nil {
		return desk.Department{}, err
	}
	at := slices.IndexFunc(all, func(d node.DepartmentResult) bool { return d.ID == id })
	if at < 0 {
		return desk.Department{}, fmt.Errorf("there is no department %s; refdesk dept list shows them", id)
	}
	return all[at].Department, nil
}

func deptList(ctx context.Context, in *invocation, dir *string) error {
	if err := in.parse(); err != nil {
		return err
	}
	var all []node.DepartmentResult
	if err := ctl.Call(ctx, *dir, "department list", nil, &all); err != nil {
		return err
	}
	w := tabwriter.NewWriter(in.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tSTATE\tWAITING\tANSWERED BY\tHOURS")
	for _, d := range all {
		id := d.ID
		if d.Default {
			id += " (default)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s %s\n", id, d.Name, d.State, d.Waiting, strings.Join(d.AnsweredBy, " "), rota.FormatHours(d.Hours), d.TimeZone)
	}
	return w.Flush()
}
