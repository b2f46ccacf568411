// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/rota"
	"refdesk/cmd/internal/node"
)

// deskName is the made-up library that the demo is the desk of.
const deskName = "Willowmere Library"

// departments are those of the made-up library, open at every hour.
func departments() []desk.Department {
	return []desk.Department{
		{
			ID: "reference", Name: "Reference", Default: true, Hours: rota.Always(),
			Tags: []string{
				"renewals", "loans and limits", "printing", "opening hours", "finding items", "databases", "referencing",
				"room booking", "card and account", "fines", "interlibrary loan", "other",
			},
		},
		{
			ID: "digital", Name: "Digital Learning", AnsweredBy: []string{"reference"}, Hours: rota.Always(),
			Tags: []string{"log-in", "e-books", "off-campus access", "software", "wifi", "other"},
		},
	}
}

// adminAccount is who may change everything.
const adminAccount = "admin"

// people are the demo's staff, with n more operators.
func people(n int) []node.StaffArgs {
	in := []string{"reference"}
	list := []node.StaffArgs{
		{Account: "ana", Name: "Ana Lima", PublicName: "Ana", Role: "operator", Departments: in},
		{Account: "ben", Name: "Ben Okoro", PublicName: "Ben", Role: "operator", Departments: in},
		{Account: "lena", Name: "Lena Vogt", PublicName: "Lena", Role: "lead", Departments: in},
	}
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("Operator %d", i)
		list = append(list, node.StaffArgs{
			Account: fmt.Sprintf("op%d", i), Name: name, PublicName: name, Role: "operator", Departments: in,
		})
	}
	return list
}
