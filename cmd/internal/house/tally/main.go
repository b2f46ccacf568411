// SPDX-License-Identifier: Apache-2.0

// Command tally reads the output of `go test -json` and prints what people want of it: the closing line of every
// package, the output of what failed, and at the end each skipped test by name with its reason. It exits with 1 when
// anything failed or nothing ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	ok, err := tally(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
	}
	if !ok || err != nil {
		os.Exit(1)
	}
}

// event is one line of `go test -json`, see `go doc test2json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

type report struct {
	out      io.Writer
	pending  map[string][]string // output of tests that still run, by package and test
	skipped  []string
	failed   []string
	packages int
}

// tally copies the report to w; ok says that something ran and nothing failed.
func tally(r io.Reader, w io.Writer) (ok bool, err error) {
	t := &report{out: w, pending: map[string][]string{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Action == "" {
			fmt.Fprintln(w, lines.Text()) // go's own words, not a test's
			continue
		}
		t.take(e)
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("read test output: %w", err)
	}
	for _, s := range t.skipped {
		fmt.Fprintln(w, "skipped", s)
	}
	for _, s := range t.failed {
		fmt.Fprintln(w, "FAILED ", s)
	}
	fmt.Fprintf(w, "%d packages, %d failures, %d tests skipped\n", t.packages, len(t.failed), len(t.skipped))
	return t.packages > 0 && len(t.failed) == 0, nil
}

func (t *report) take(e event) {
	key := e.Package + " " + e.Test
	switch {
	case e.Action == "build-output":
		io.WriteString(t.out, e.Output)
	case e.Action == "output" && e.Test == "":
		if e.Output != "PASS\n" && !strings.HasPrefix(e.Output, "-test.shuffle") {
			io.WriteString(t.out, e.Output)
		}
	case e.Action == "output":
		t.pending[key] = append(t.pending[key], e.Output)
	case e.Action == "fail" && e.Test == "":
		t.packages++
		t.flush(e.Package) // tests cut off by a panic or a time-out
		t.failed = append(t.failed, e.Package)
	case e.Action == "fail":
		io.WriteString(t.out, strings.Join(t.pending[key], ""))
		delete(t.pending, key)
		t.failed = append(t.failed, key)
	case e.Action == "skip" && e.Test != "":
		t.skipped = append(t.skipped, key+reason(t.pending[key]))
		delete(t.pending, key)
	case e.Action == "pass" && e.Test == "":
		t.packages++
	case e.Action == "pass":
		delete(t.pending, key)
	}
}

// flush prints what the package's unfinished tests wrote.
func (t *report) flush(pkg string) {
	for key, lines := range t.pending {
		if strings.HasPrefix(key, pkg+" ") {
			io.WriteString(t.out, strings.Join(lines, ""))
			delete(t.pending, key)
		}
	}
}

// reason is what the test said when it skipped, after " – ".
func reason(lines []string) string {
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if file, text, ok := strings.Cut(l, ": "); ok && strings.Contains(file, ".go:") {
			return " – " + text
		}
	}
	return ""
}
