// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"slices"
	"strconv"

	"refdesk/cluster/desk"
)

// applicationID marks the file as a refdesk database ("rdsk").
const applicationID = 0x7264736b

// migrations bring the tables beside the records up to date, one after the other. The list only ever grows at its end;
// the number of those that a file has seen is its user_version. The records' own tables are made from desk.Tables.
func migrations() []string {
	return []string{
		`CREATE TABLE applied (one INTEGER PRIMARY KEY CHECK (one=1), idx INTEGER NOT NULL, term INTEGER NOT NULL,
			config_idx INTEGER NOT NULL, config BLOB NOT NULL);
		INSERT INTO applied VALUES (1, 0, 0, 0, x'')`,
	}
}

// newerError is data that a later program wrote.
type newerError struct{ has, knows int }

func (e *newerError) Error() string {
	return fmt.Sprintf("was written by a later refdesk (layout %d, this program knows up to %d); start that version", e.has, e.knows)
}

// foreignError is an SQLite database of another program.
type foreignError struct{}

func (foreignError) Error() string {
	return "is a database of another program; choose another directory"
}

// layoutOf returns how many migrations a database has seen, and refuses those of later and of other programs.
func layoutOf(c *conn) (int, error) {
	id, err := number(c, "PRAGMA application_id")
	if err != nil {
		return 0, err
	}
	tables, err := number(c, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return 0, err
	}
	if tables > 0 && id != applicationID {
		return 0, foreignError{}
	}
	v, err := number(c, "PRAGMA user_version")
	if err == nil && v > len(migrations()) {
		err = &newerError{has: v, knows: len(migrations())}
	}
	return v, err
}

// migrate makes the missing tables, all in one transaction.
func migrate(c *conn) (err error) {
	if err := c.run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = c.run("ROLLBACK") // err says more
		}
	}()
	seen, err := layoutOf(c)
	if err != nil {
		return err
	}
	steps := slices.Clone(migrations()[seen:])
	steps = append(steps, fmt.Sprintf("PRAGMA application_id=%d", applicationID), fmt.Sprintf("PRAGMA user_version=%d", len(migrations())))
	for _, t := range desk.Tables() {
		steps = append(steps, "CREATE TABLE IF NOT EXISTS "+table(t.Table)+" (key BLOB PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID")
		for _, x := range t.Indexes {
			steps = append(steps, "CREATE TABLE IF NOT EXISTS "+index(t.Table, x)+" (value BLOB, key BLOB, PRIMARY KEY (value, key)) WITHOUT ROWID")
		}
	}
	for _, step := range append(steps, "COMMIT") {
		if err := c.run(step); err != nil {
			return err
		}
	}
	return nil
}

// table and index name the tables of a record type. Names of records stand apart from the store's own tables.
func table(t desk.Table) string { return `"r_` + string(t) + `"` }

func index(t desk.Table, x desk.Index) string { return `"x_` + string(t) + "_" + string(x) + `"` }

func number(c *conn, query string) (int, error) {
	rows, err := c.text(query)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return strconv.Atoi(rows[0])
}
