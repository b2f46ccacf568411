// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cmd/internal/ctl"
	"refdesk/gateway/account"
)

// StaffArgs are the arguments of "staff add" and "staff disable".
type StaffArgs struct {
	Account     string
	Name        string   // default: the account
	PublicName  string   // default: the first word of Name
	Role        string   // default: operator
	Departments []string // default: the desk's default department
	Email       string   // where invitations go
	New         bool     // refuse an account that exists
	NoDevice    bool     // make no device password
}

// StaffResult is one row of "staff list".
type StaffResult struct {
	Account, Name, Role string
	Departments         []string
	State               string // "available", "away", "offline", "disabled"
	Devices             []string
}

// DeviceArgs are the arguments of "staff device".
type DeviceArgs struct {
	Account  string
	Name     string // default: device N
	Password string // default: a random one
	Revoke   bool
}

// DeviceResult is a device password that was just made.
type DeviceResult struct{ JID, Device, Password string }

// NewPassword makes a random password that people can type.
func NewPassword() string { return account.NewPassword() }

// adminTime bounds what one admin command waits for a majority.
const adminTime = 15 * time.Second

// handlers is the table of admin commands.
func (n *Node) handlers() map[string]ctl.Handler {
	return map[string]ctl.Handler{
		"status":          handle(n.status),
		"backup":          handle(n.startBackup),
		"verify":          handle(n.startVerify),
		"job":             handle(n.jobs.ask),
		"join token":      handle(n.joinToken),
		"share files":     handle(n.startSharing),
		"leave":           handle(n.leave),
		"authority set":   handle(n.setAuthority),
		"department add":  handle(n.addDepartment),
		"department set":  handle(n.setDepartment),
		"department list": handle(n.listDepartments),
		"setting set":     handle(n.setSetting),
		"faq add":         handle(n.addFAQ),
		"faq set":         handle(n.setFAQ),
		"faq list":        handle(n.listFAQs),
		"staff add":       handle(n.addStaff),
		"staff invite":    handle(n.invite),
		"staff list":      handle(n.listStaff),
		"staff disable":   handle(n.disableStaff),
		"staff device":    handle(n.device),
		"staff password":  handle(n.setPassword),
	}
}

// handle decodes the arguments of a command and puts refusals into words.
func handle[A, R any](f func(ctx context.Context, args A) (R, error)) ctl.Handler {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		var args A
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &args); err != nil {
				return nil, &ctl.Error{Code: "invalid", Text: "the arguments don't have the form that this node knows; use the program of its version"}
			}
		}
		ctx, cancel := context.WithTimeout(ctx, adminTime)
		defer cancel()
		r, err := f(ctx, args)
		if err != nil {
			return nil, sentence(err)
		}
		return r, nil
	}
}

// sentence turns a refusal into words for an administrator.
func sentence(err error) error {
	var e *desk.Error
	if !errors.As(err, &e) {
		return err
	}
	text := ""
	switch e.Code {
	case desk.NotFound:
		text = fmt.Sprintf("there is no such %s", e.Field)
	case desk.Exists:
		text = fmt.Sprintf("that %s exists already", e.Field)
	case desk.Invalid:
		text = fmt.Sprintf("%s is not of the form it must have", e.Field)
	case desk.NoQuorum:
		text = "a majority of the nodes can't be reached; try again when they are up"
		if e.Field == "disk" {
			text = "the disk of the node that leads is nearly full (cluster.reserve); make room there"
		}
	default:
		text = "refused: " + string(e.Code) + " " + e.Field
	}
	return &ctl.Error{Code: string(e.Code), Text: text}
}

func (n *Node) order(ctx context.Context, c desk.Command) error {
	_, err := n.store.Do(ctx, desk.Request{Actor: adminActor(), Command: c})
	return err
}

func adminActor() desk.Actor { return desk.Actor{Kind: desk.AdminKind, ID: "local"} }

func (n *Node) setSetting(ctx context.Context, s desk.Setting) (any, error) {
	return nil, n.order(ctx, &desk.SetSetting{Setting: s})
}

func (n *Node) addStaff(ctx context.Context, a StaffArgs) (DeviceResult, error) {
	role := desk.RoleOf(a.Role)
	if a.Role != "" && role == 0 {
		return DeviceResult{}, fmt.Errorf("there is no role %q: viewer, trainee, operator, lead or admin", a.Role)
	}
	if role == 0 {
		role = desk.RoleOperator
	}
	if a.Name == "" {
		a.Name = a.Account
	}
	if a.PublicName == "" {
		a.PublicName, _, _ = strings.Cut(a.Name, " ")
	}
	if a.Departments == nil {
		def, err := n.defaultDepartment(ctx)
		if err != nil {
			return DeviceResult{}, err
		}
		a.Departments = def
	}
	err := n.order(ctx, &desk.SetStaff{New: a.New, Staff: desk.Staff{
		Account: a.Account, Name: a.Name, PublicName: a.PublicName, Role: role, Departments: a.Departments, Email: a.Email,
	}})
	if errors.Is(err, &desk.Error{Code: desk.Exists}) {
		err = &ctl.Error{Code: string(desk.Exists), Text: fmt.Sprintf("there is a member of staff with the account %s already", a.Account)}
	}
	if err != nil || a.NoDevice {
		return DeviceResult{}, err
	}
	return n.device(ctx, DeviceArgs{Account: a.Account})
}

func (n *Node) listStaff(ctx context.Context, _ struct{}) ([]StaffResult, error) {
	out := []StaffResult{}
	now := desk.At(time.Now())
	err := n.store.View(ctx, adminActor(), func(r desk.Reader) error {
		people, err := r.StaffList()
		if err != nil {
			return err
		}
		for _, p := range people {
			row := StaffResult{Account: p.Account, Name: p.Name, Role: p.Role.String(), Departments: p.Departments}
			reach, err := r.Reach(p.Account, now)
			if err != nil {
				return err
			}
			row.State = [...]string{desk.Gone: "offline", desk.Away: "away", desk.Available: "available"}[reach]
			if p.Disabled {
				row.State = "disabled"
			}
			devices, err := r.Devices(p.Account)
			if err != nil {
				return err
			}
			for _, d := range devices {
				row.Devices = append(row.Devices, d.Name)
			}
			out = append(out, row)
		}
		return nil
	})
	return out, err
}

func (n *Node) disableStaff(ctx context.Context, a StaffArgs) (any, error) {
	return nil, n.order(ctx, &desk.DisableStaff{Account: a.Account})
}

// PasswordArgs are the arguments of "staff password".
type PasswordArgs struct{ Account, Password string }

// setPassword gives an account its first password for the staff pages.
func (n *Node) setPassword(ctx context.Context, a PasswordArgs) (any, error) {
	err := n.store.View(ctx, desk.NodeActor(n.cfg.Cluster.ID), func(r desk.Reader) error {
		if _, err := r.WebPassword(a.Account); err == nil {
			return &desk.Error{Code: desk.Exists, Field: "password"}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	hash, err := account.HashWebPassword(a.Password)
	if err != nil {
		return nil, &ctl.Error{Code: "invalid", Text: strings.TrimPrefix(err.Error(), "account: ")}
	}
	return nil, n.order(ctx, &desk.SetWebPassword{Account: a.Account, PHC: hash})
}

// InviteArgs are the arguments of "staff invite".
type InviteArgs struct {
	Account string
	Email   string // becomes the person's address; "" = the one that is known
	Reset   bool   // for somebody who has a password and forgot it
}

// InviteResult is a one-time link, and the address that it was mailed to, if it was.
type InviteResult struct{ Link, Sent string }

// invite makes a one-time link for somebody's first sign-in and mails it where there is an address.
func (n *Node) invite(ctx context.Context, a InviteArgs) (InviteResult, error) {
	var who desk.Staff
	err := n.store.View(ctx, adminActor(), func(r desk.Reader) error {
		p, err := r.StaffMember(a.Account)
		if err == nil {
			who = *p
		}
		return err
	})
	if err == nil && a.Email != "" && a.Email != who.Email {
		who.Email = a.Email
		err = n.order(ctx, &desk.SetStaff{Staff: who})
	}
	if err != nil {
		return InviteResult{}, err
	}
	send := n.pages.Invite
	if a.Reset {
		send = n.pages.Reset
	}
	link, sent, err := send(ctx, adminActor(), a.Account)
	r := InviteResult{Link: link}
	if sent {
		r.Sent = who.Email
	}
	return r, err
}

// device makes a device password, or takes one back.
func (n *Node) device(ctx context.Context, a DeviceArgs) (DeviceResult, error) {
	if a.Revoke {
		return DeviceResult{}, n.order(ctx, &desk.RevokeDevice{Account: a.Account, Device: a.Name})
	}
	var existing []*desk.Device
	err := n.store.View(ctx, adminActor(), func(r desk.Reader) (err error) {
		existing, err = r.Devices(a.Account)
		return err
	})
	if err != nil {
		return DeviceResult{}, err
	}
	if a.Name == "" {
		a.Name = freeName(existing)
	}
	d, password, err := account.NewDevice(a.Account, a.Name, existing)
	if err == nil && a.Password != "" {
		password = a.Password
		d, err = account.Derive(a.Account, a.Name, password, d.Salt, int(d.Iterations))
	}
	if err != nil {
		return DeviceResult{}, err
	}
	if err := n.order(ctx, &desk.AddDevice{Device: *d}); err != nil {
		return DeviceResult{}, err
	}
	return DeviceResult{JID: a.Account + "@" + n.cfg.Desk.Domain, Device: a.Name, Password: password}, nil
}

func freeName(existing []*desk.Device) string {
	for i := 1; ; i++ {
		name := fmt.Sprintf("device %d", i)
		if !slices.ContainsFunc(existing, func(d *desk.Device) bool { return d.Name == name }) {
			return name
		}
	}
}
