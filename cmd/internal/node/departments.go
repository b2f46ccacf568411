// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/rota"
)

// DepartmentResult is one row of "department list".
type DepartmentResult struct {
	desk.Department
	State   string // "online", "away", "closed"
	Waiting uint64
}

// addDepartment makes a department that isn't there yet.
func (n *Node) addDepartment(ctx context.Context, d desk.Department) (any, error) {
	err := n.store.View(ctx, adminActor(), func(r desk.Reader) error {
		if _, err := r.Department(d.ID); err == nil {
			return &desk.Error{Code: desk.Exists, Field: "department"}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return n.setDepartment(ctx, d)
}

// setDepartment makes a department as given, and its opening hours the calendar that the desk goes by.
func (n *Node) setDepartment(ctx context.Context, d desk.Department) (any, error) {
	k, err := rota.Expand(d, time.Now())
	if err != nil {
		return nil, err
	}
	if err := n.order(ctx, &desk.SetDepartment{Department: d}); err != nil {
		return nil, err
	}
	return nil, n.order(ctx, &desk.SetCalendar{Calendar: k})
}

// listDepartments reads all departments.
func (n *Node) listDepartments(ctx context.Context, _ struct{}) ([]DepartmentResult, error) {
	out := []DepartmentResult{}
	err := n.store.View(ctx, adminActor(), func(r desk.Reader) error {
		all, err := r.Departments(desk.At(time.Now()))
		if err != nil {
			return err
		}
		for _, v := range all {
			d, err := r.Department(v.ID)
			if err != nil {
				return err
			}
			out = append(out, DepartmentResult{Department: *d, State: string(v.State), Waiting: uint64(v.Waiting)})
		}
		return nil
	})
	return out, err
}

func (n *Node) defaultDepartment(ctx context.Context) ([]string, error) {
	all, err := n.listDepartments(ctx, struct{}{})
	for _, d := range all {
		if d.Default {
			return []string{d.ID}, err
		}
	}
	return nil, err
}
