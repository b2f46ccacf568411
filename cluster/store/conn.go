// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	"modernc.org/sqlite"
)

// conn is one SQLite connection with its prepared statements. It speaks to the driver directly: database/sql would add
// locks, conversions and a pool of its own, which must not outlive an exchange of the file.
type conn struct {
	c     driver.Conn
	stmts map[string]driver.Stmt // by text
}

// pageSize is SQLite's own; the numbers below count such pages.
const pageSize = 4096

// writePragmas sets up the writing connection. The write-ahead log is folded back every 16 MB.
func writePragmas() []string {
	return []string{
		"PRAGMA busy_timeout=5000", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA foreign_keys=OFF", "PRAGMA secure_delete=ON",
		fmt.Sprintf("PRAGMA wal_autocheckpoint=%d", 16<<20/pageSize), fmt.Sprintf("PRAGMA journal_size_limit=%d", 64<<20),
		"PRAGMA cache_size=-8192", "PRAGMA temp_store=MEMORY",
	}
}

// readPragmas sets up a reading connection.
func readPragmas() []string {
	return []string{"PRAGMA busy_timeout=5000", "PRAGMA query_only=ON", "PRAGMA cache_size=-1024", "PRAGMA temp_store=MEMORY"}
}

func openConn(path string, pragmas []string) (*conn, error) {
	name := (&url.URL{Scheme: "file", Path: path}).String()
	dc, err := (&sqlite.Driver{}).Open(name)
	if err != nil {
		return nil, err
	}
	c := &conn{c: dc, stmts: map[string]driver.Stmt{}}
	for _, p := range pragmas {
		if err := c.run(p); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

func (c *conn) close() error {
	var err error
	for _, s := range c.stmts {
		err = errors.Join(err, s.Close())
	}
	c.stmts = nil
	return errors.Join(err, c.c.Close())
}

// run executes a statement once, without keeping it prepared.
func (c *conn) run(text string, args ...driver.NamedValue) error {
	_, err := c.c.(driver.ExecerContext).ExecContext(context.Background(), text, args)
	return err
}

func (c *conn) prepared(text string) (driver.Stmt, error) {
	s, ok := c.stmts[text]
	if ok {
		return s, nil
	}
	s, err := c.c.Prepare(text)
	if err == nil {
		c.stmts[text] = s
	}
	return s, err
}

// exec runs a prepared statement that returns no rows.
func (c *conn) exec(text string, args ...driver.NamedValue) error {
	s, err := c.prepared(text)
	if err != nil {
		return err
	}
	_, err = s.(driver.StmtExecContext).ExecContext(context.Background(), args)
	return err
}

// each runs a prepared statement and gives f its rows; the slice is reused, the values in it are not.
func (c *conn) each(text string, args []driver.NamedValue, f func(row []driver.Value)) error {
	s, err := c.prepared(text)
	if err != nil {
		return err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), args)
	if err != nil {
		return err
	}
	row := make([]driver.Value, len(rows.Columns()))
	for err == nil {
		if err = rows.Next(row); err == nil {
			f(row)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, rows.Close())
}

// text reads the first column of the rows as strings.
func (c *conn) text(query string) ([]string, error) {
	var out []string
	err := c.each(query, nil, func(row []driver.Value) { out = append(out, fmt.Sprint(row[0])) })
	return out, err
}

// blob and num make arguments. Keys and values are blobs, never text, so that they compare bytewise.
func blob[T ~string | ~[]byte](place int, v T) driver.NamedValue {
	b := []byte(v)
	if b == nil {
		b = []byte{} // nil would be NULL
	}
	return driver.NamedValue{Ordinal: place, Value: b}
}

func num(place int, n int64) driver.NamedValue { return driver.NamedValue{Ordinal: place, Value: n} }
