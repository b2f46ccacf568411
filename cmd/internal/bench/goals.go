// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// goal is a figure of refdesk that is to be at most, or at least, something.
type goal struct {
	title    string
	must     bool
	is, want float64
	least    bool
}

// reached says whether, and the ratio of what is to what was wanted.
func (g goal) reached() (bool, float64) {
	ratio := g.is / g.want
	if g.least {
		return ratio >= 1, ratio
	}
	return ratio <= 1, ratio
}

// aims are the goals of the design, those against peers taken from the same run.
func (t *table) aims() []goal {
	of := func(name string) float64 { return t.median("refdesk", name) }
	best := 0.0 // of the durable peers
	for _, p := range []string{"Prosody SQLite", "ejabberd SQLite"} {
		if t.sum(p, "killed missing") == 0 {
			best = math.Max(best, t.median(p, "flood rate"))
		}
	}
	return []goal{
		{"one way on the leader, p50 ≤ 2 × Prosody's undurable (ms)", true, of("leader calm p50"), 2 * t.median("Prosody", "calm p50"), false},
		{"one way on the leader, p99 ≤ 1/10 of Prosody's durable (ms)", true, of("leader calm p99"), t.median("Prosody SQLite", "calm p99") / 10, false},
		{"one way on followers, p50 ≤ 15 ms", true, of("followers calm p50"), 15, false},
		{"500 messages/s on the leader, p99 < 100 ms", true, of("leader busy p99"), 100, false},
		{"500 messages/s on followers, p99 < 100 ms", true, of("followers busy p99"), 100, false},
		{"saturation ≥ 2,300 messages/s", false, of("leader flood rate"), 2300, true},
		{"saturation ≥ 20 × the best durable peer (messages/s)", false, of("leader flood rate"), 20 * best, true},
		{"CPU s per 1,000 messages at 500/s, leader ≤ 0.30", true, of("leader busy first cpu"), 0.30, false},
		{"CPU s per 1,000 messages at 500/s, all three ≤ 0.75", true, of("leader busy cpu"), 0.75, false},
		{"CPU s per 1,000 messages at saturation, leader ≤ 0.30", true, of("leader flood first cpu"), 0.30, false},
		{"CPU s per 1,000 messages at saturation, all three ≤ 0.75", true, of("leader flood cpu"), 0.75, false},
		{"CPU at saturation, leader ≤ Prosody's in this run", false, of("leader flood first cpu"), t.median("Prosody", "flood cpu"), false},
		{"CPU at saturation, all three ≤ 2.5 × Prosody's in this run", false, of("leader flood cpu"), 2.5 * t.median("Prosody", "flood cpu"), false},
		{"idle patron ≤ 38 KiB", true, of("per patron"), 38, false},
		{"idle operator ≤ 45 KiB", true, of("per staff"), 45, false},
		{"fresh node ≤ 60 MB", true, of("rss"), 60, false},
		{"CPU s per 1,000 sign-ins ≤ 1.2", true, of("login cpu"), 1.2, false},
		{"all back after a cut ≤ 2.1 s", true, of("storm"), 2.1, false},
		{"acknowledged and missing after kill -9 of all = 0", true, t.sum("refdesk", "killed missing") + 1, 1, false},
	}
}

// goals prints each goal with its ratio.
func (t *table) goals(w io.Writer) {
	if t.seen["refdesk"] == nil {
		return
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(tw, "| goal\t| is\t| wanted\t| ratio\t|\t|\n| ---\t| ---\t| ---\t| ---\t| ---\t|")
	for _, g := range t.aims() {
		ok, ratio := g.reached()
		word := "reached"
		switch {
		case math.IsNaN(ratio) || math.IsInf(ratio, 0):
			word = "not measured"
		case !ok && g.must:
			word = "NOT REACHED (must)"
		case !ok:
			word = "not reached (aim)"
		}
		fmt.Fprintf(tw, "| %s\t| %s\t| %s\t| %s\t| %s\t|\n", g.title, number(g.is, 2), number(g.want, 2), number(ratio, 2), word)
	}
	tw.Flush()
}
