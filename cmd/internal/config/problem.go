// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var errDuration = errors.New(`write a duration such as "20s", "5m" or "1h30m"`)

// Problem is one mistake in a configuration.
type Problem struct {
	File string // "" for --set
	Line int    // from 1; 0 when the key is not in the file
	Key  string // dotted; "" when the text is no TOML
	Text string // one sentence that says what to write
}

// Error is FILE:LINE: KEY: TEXT, without the parts that are unknown.
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	return b.String() + p.Text
}

// Problems is every mistake of a configuration, in the order of the file.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	return ps
}

// nearest returns the name that looks most like the wrong one, or "" if none is near.
func nearest(wrong string, names []string) string {
	best, name := len(wrong)/2+1, ""
	for _, n := range names {
		if d := distance(wrong, n); d < best {
			best, name = d, n
		}
	}
	return name
}

// distance is the number of inserted, deleted and changed bytes between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := prev
			if a[i] != b[j] {
				change++
			}
			prev = row[j+1]
			row[j+1] = min(change, row[j]+1, prev+1)
		}
	}
	return row[len(b)]
}
