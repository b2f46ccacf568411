// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// table gathers the figures of all visits.
type table struct {
	sc    scale
	began time.Time
	order []string
	seen  map[string]map[string][]float64 // by server, by figure
	wrong []string
}

func newTable(sc scale) *table {
	return &table{sc: sc, began: time.Now(), seen: map[string]map[string][]float64{}}
}

// take notes the figures of a visit. One that fails is named and leaves a gap.
func (t *table) take(name, part string, visit func() (figures, error)) {
	if t.seen[name] == nil {
		t.seen[name] = map[string][]float64{}
		t.order = append(t.order, name)
	}
	began := time.Now()
	f, err := visit()
	if err != nil {
		t.wrong = append(t.wrong, fmt.Sprintf("%s, %s: %v", name, part, err))
	}
	for k, v := range f {
		t.seen[name][k] = append(t.seen[name][k], v)
	}
	fmt.Fprintf(os.Stderr, "%s %s: %.0f s %v\n", name, part, time.Since(began).Seconds(), err)
}

// median of a figure, NaN when there is none.
func (t *table) median(name, figure string) float64 {
	v := slices.Sorted(slices.Values(t.seen[name][figure]))
	if len(v) == 0 {
		return math.NaN()
	}
	return v[len(v)/2]
}

// sum of a figure over all visits.
func (t *table) sum(name, figure string) float64 {
	if len(t.seen[name][figure]) == 0 {
		return math.NaN()
	}
	all := 0.0
	for _, v := range t.seen[name][figure] {
		all += v
	}
	return all
}

// column is one column of the table: a server, and of refdesk a side.
type column struct{ server, side, title string }

func (t *table) columns() (out []column) {
	for _, name := range t.order {
		if name == "refdesk" {
			out = append(out, column{name, "leader ", "refdesk, leader"}, column{name, "followers ", "refdesk, followers"})
			continue
		}
		out = append(out, column{name, "", name})
	}
	return out
}

// row is one line of the table. With side the figure is one of each side; else it is the whole server's.
type row struct {
	title string
	side  bool
	show  func(figure func(string) float64) string
}

func rows(sc scale) []row {
	delays := func(phase string) func(func(string) float64) string {
		return func(f func(string) float64) string {
			return join(" / ", 1, f(phase+" p50"), f(phase+" p95"), f(phase+" p99"))
		}
	}
	one := func(name string, digits int) func(func(string) float64) string {
		return func(f func(string) float64) string { return number(f(name), digits) }
	}
	cpu := func(phase string) func(func(string) float64) string {
		return func(f func(string) float64) string {
			all, first := f(phase+" cpu"), f(phase+" first cpu")
			if math.Abs(all-first) < 1e-9 || math.IsNaN(all) {
				return number(all, 2)
			}
			return number(all, 2) + ", leader alone " + number(first, 2)
		}
	}
	return []row{
		{fmt.Sprintf("one way at %d/s: p50 / p95 / p99, ms", calmRate), true, delays("calm")},
		{fmt.Sprintf("one way at %d/s: p50 / p95 / p99, ms", mustRate), true, delays("busy")},
		{"saturation, messages/s", true, one("flood rate", 0)},
		{"one way at saturation: p50 / p95 / p99, ms", true, delays("flood")},
		{fmt.Sprintf("CPU s per 1,000 messages at %d/s", mustRate), true, cpu("busy")},
		{"CPU s per 1,000 messages at saturation", true, cpu("flood")},
		{"idle, % of a core", false, one("idle cpu", 0)},
		{"memory of a fresh process, MB", false, one("rss", 0)},
		{fmt.Sprintf("memory per idle patron (%d), KiB", sc.patrons), false, one("per patron", 1)},
		{fmt.Sprintf("memory per idle XMPP session (%d), KiB", sc.staff), false, one("per staff", 1)},
		{"sign-ins/s", false, one("logins", 0)},
		{"CPU s per 1,000 sign-ins", false, one("login cpu", 2)},
		{fmt.Sprintf("%d + %d cut at once: all back after, s", sc.stormed, sc.stormedStaff), false, one("storm", 2)},
	}
}

func join(sep string, digits int, v ...float64) string {
	if math.IsNaN(v[0]) {
		return "–"
	}
	var s []string
	for _, x := range v {
		s = append(s, number(x, digits))
	}
	return strings.Join(s, sep)
}

func number(v float64, digits int) string {
	if math.IsNaN(v) {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// print writes the table and the goals.
func (t *table) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	columns := t.columns()
	line := func(cells ...string) { fmt.Fprintln(tw, "| "+strings.Join(cells, "\t| ")+"\t|") }
	head, rule := []string{""}, []string{"---"}
	for _, c := range columns {
		head, rule = append(head, c.title), append(rule, "---")
	}
	line(head...)
	line(rule...)
	for _, r := range rows(t.sc) {
		cells := []string{r.title}
		for i, c := range columns {
			if !r.side && i > 0 && columns[i-1].server == c.server {
				cells = append(cells, "〃")
				continue
			}
			cells = append(cells, r.show(func(name string) float64 {
				if r.side {
					name = c.side + name
				}
				return t.median(c.server, name)
			}))
		}
		line(cells...)
	}
	cells := []string{"kill -9 of all processes: acknowledged, missing"}
	for i, c := range columns {
		if i > 0 && columns[i-1].server == c.server {
			cells = append(cells, "〃")
			continue
		}
		cells = append(cells, number(t.sum(c.server, "killed acked"), 0)+", "+number(t.sum(c.server, "killed missing"), 0))
	}
	line(cells...)
	tw.Flush()
	t.goals(w)
	for _, x := range t.wrong {
		fmt.Fprintln(w, "FAILED:", x)
	}
	fmt.Fprintf(w, "\n%d and %d rounds in %.0f s. Peers: client to client, acknowledged = stream management, kept = archive. "+
		"refdesk: patron's socket to staff's client, acknowledged = the patron's ack.\n", t.sc.rounds, t.sc.wide, time.Since(t.began).Seconds())
}
