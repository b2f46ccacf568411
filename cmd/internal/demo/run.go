// SPDX-License-Identifier: Apache-2.0

// Package demo makes a working desk of a made-up library on this machine: certificates, configuration, people and
// passwords in one directory, and one node in this process or several in processes of their own.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"refdesk/cmd/internal/config"
	"refdesk/cmd/internal/ctl"
	"refdesk/cmd/internal/node"
)

// ParentEnv names the environment variable that hands a node the descriptor of the pipe which closes with its parent.
const ParentEnv = "REFDESK_PARENT_FD"

// startTime bounds the start of all nodes.
const startTime = 60 * time.Second

// Options are the words of `refdesk demo`.
type Options struct {
	Dir    string
	Nodes  int
	HTTP   string
	HTTPS  string
	XMPP   string
	XMPPS  string
	SMTP   string
	Domain string
	Staff  int
	Set    []string  // KEY=VALUE overrides of the configuration
	Log    io.Writer // of a node in this process
}

// Defaults are the options that hold where the command line is silent.
func Defaults() Options {
	return Options{
		Dir: "refdesk-demo", Nodes: 1, Domain: "localhost",
		HTTP: "127.0.0.1:8080", HTTPS: "127.0.0.1:8443", XMPP: "127.0.0.1:5222", XMPPS: "127.0.0.1:5223", SMTP: "127.0.0.1:2525",
	}
}

// Run starts the desk, calls ready when a patron could ask and staff could answer, and keeps it until ctx ends.
func Run(ctx context.Context, o Options, ready func(Desk) error) error {
	if o.Nodes != 1 && o.Nodes != 3 && o.Nodes != 5 {
		return fmt.Errorf("--nodes %d: a desk has 1, 3 or 5 nodes", o.Nodes)
	}
	p, err := prepare(o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	if o.Nodes == 1 {
		err = p.runHere(ctx, o.Log, ended)
	} else {
		err = p.spawn(ctx, ended)
	}
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- p.open(ctx, ready) }()
	for {
		select {
		case err := <-failed:
			if err != nil {
				cancel()
				return first(err, <-ended)
			}
			failed = nil
		case err := <-ended:
			cancel()
			if failed != nil {
				<-failed
			}
			return err
		}
	}
}

// first prefers the node's own sentence to what followed from it.
func first(followed, cause error) error {
	if cause != nil {
		return cause
	}
	return followed
}

// runHere runs the one node in this process.
func (p *plan) runHere(ctx context.Context, w io.Writer, ended chan<- error) error {
	cfg, err := config.Load(p.members[0].file)
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	n, err := node.Open(cfg, slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})))
	if err != nil {
		return err
	}
	go func() { ended <- n.Run(ctx) }()
	return nil
}

// open waits for the nodes, fills the desk at its first start, and tells that it is ready.
func (p *plan) open(ctx context.Context, ready func(Desk) error) error {
	limit, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for _, m := range p.members {
		if err := node.WaitReady(limit, m.data()); err != nil {
			return fmt.Errorf("node %s did not get ready: %w", m.id, err)
		}
	}
	if err := p.seed(limit); err != nil {
		return err
	}
	return ready(p.desk())
}

// seed makes the departments and people that aren't there yet. It goes through the first node's admin socket, like
// anything else that an administrator does.
func (p *plan) seed(ctx context.Context) error {
	dir := p.members[0].data()
	if err := ctl.Call(ctx, dir, "authority set", node.AuthorityArgs{Cert: p.ca.Cert, Key: p.ca.Key}, nil); err != nil && !exists(err) {
		return fmt.Errorf("authority of the nodes: %w", err)
	}
	for _, d := range departments() {
		if err := ctl.Call(ctx, dir, "department add", d, nil); err != nil && !exists(err) {
			return fmt.Errorf("department %s: %w", d.ID, err)
		}
	}
	for _, s := range p.settings() {
		if err := ctl.Call(ctx, dir, "setting set", s, nil); err != nil {
			return fmt.Errorf("setting %s: %w", s.Name, err)
		}
	}
	questions, err := faqs()
	if err != nil {
		return err
	}
	for _, q := range questions {
		if err := ctl.Call(ctx, dir, "faq add", q, nil); err != nil && !exists(err) {
			return fmt.Errorf("FAQ %s: %w", q.Slug, err)
		}
	}
	for i, who := range people(p.options.Staff) {
		if err := p.seedPerson(ctx, who, p.saved.Operators[i]); err != nil {
			return err
		}
	}
	admin := node.StaffArgs{Account: adminAccount, Name: "Administrator", Role: "admin", Departments: []string{}}
	return p.seedPerson(ctx, admin, p.saved.Admin)
}

// seedPerson makes one person with their passwords.
func (p *plan) seedPerson(ctx context.Context, who node.StaffArgs, as Operator) error {
	dir := p.members[0].data()
	who.New, who.NoDevice = true, true
	for _, c := range []struct {
		name string
		args any
	}{
		{"staff add", who},
		{"staff device", node.DeviceArgs{Account: who.Account, Name: "demo", Password: as.Password}},
		{"staff password", node.PasswordArgs{Account: who.Account, Password: as.WebPassword}},
	} {
		if err := ctl.Call(ctx, dir, c.name, c.args, nil); err != nil && !exists(err) {
			return fmt.Errorf("%s %s: %w", c.name, who.Account, err)
		}
	}
	return nil
}

func exists(err error) bool {
	var e *ctl.Error
	return errors.As(err, &e) && e.Code == "exists"
}
