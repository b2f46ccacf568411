// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// fault is one row of the matrix: what happens to a desk in each round, while a crowd writes.
type fault struct {
	name     string
	nodes    int
	needs    []string // capabilities of the machine
	everyday bool     // in the short selection
	hosts    bool     // every node in a network namespace of its own
	disk     string   // directory below a node's data directory that is a file system of its own; "." = all of it
	program  func(*variants, testing.TB) string
	patient  time.Duration           // with one line; 0 = half a minute
	most     time.Duration           // from the fault to the next acknowledged line; 0 = not bounded
	flags    []string                // of the demo
	lacking  func(testing.TB) string // what the product has to have first; "" = nothing
	round    func(x *trial)
}

// trial is one row under way.
type trial struct {
	*rig
	crowd *crowd
	built *variants
	n     int       // of the round
	hit   time.Time // when the fault of the round set in
	notes []string
}

// strike notes that the fault sets in now.
func (x *trial) strike() { x.hit = time.Now() }

// remark adds a sentence to the row.
func (x *trial) remark(format string, args ...any) {
	x.notes = append(x.notes, fmt.Sprintf(format, args...))
}

// result is one line of the table.
type result struct {
	verdict
	name         string
	rounds       int
	gap, slowest time.Duration
	note         string
}

// selection is which faults to run and how much of them: REFDESK_FAULTS holds words with commas between, each a part of a
// name or "all", with a number of rounds or a time behind a colon, such as "kill:5,partition:2m,all".
type selection struct {
	rounds int
	time   time.Duration
}

func selected(f fault, words string) (selection, bool) {
	if words == "" {
		return selection{rounds: 1}, f.everyday
	}
	for w := range strings.SplitSeq(words, ",") {
		name, amount, _ := strings.Cut(strings.TrimSpace(w), ":")
		if name != "all" && !strings.Contains(f.name, name) {
			continue
		}
		if d, err := time.ParseDuration(amount); err == nil {
			return selection{time: d}, true
		}
		n, _ := strconv.Atoi(amount)
		return selection{rounds: cmp.Or(n, 1)}, true
	}
	return selection{}, false
}

// TestFaults puts a desk of real processes through the faults and proves after each that nothing acknowledged was lost,
// nothing was done twice and nobody waits for ever. `make faults` runs them all.
func TestFaults(t *testing.T) {
	words := os.Getenv("REFDESK_FAULTS")
	var built variants
	var table []result
	for _, f := range faults() {
		s, ok := selected(f, words)
		if !ok {
			continue
		}
		t.Run(strings.ReplaceAll(f.name, " ", "-"), func(t *testing.T) {
			if f.lacking != nil {
				if what := f.lacking(t); what != "" {
					t.Skip("not yet there: " + what)
				}
			}
			capable(t, f.needs...)
			r := f.run(t, &built, s)
			table = append(table, r)
		})
	}
	if len(table) > 0 {
		t.Logf("\n%s", tabulate(table))
	}
	if out := os.Getenv("REFDESK_FAULTS_TABLE"); out != "" {
		if err := os.WriteFile(out, []byte(tabulate(table)), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// run does all rounds of a fault on one desk, and judges.
func (f fault) run(t *testing.T, built *variants, s selection) result {
	program := binary(t)
	if f.program != nil {
		program = f.program(built, t)
	}
	g := newRig(t, f.nodes, program, f.hosts, func(g *rig) {
		if f.disk == "" {
			return
		}
		for _, p := range g.nodes {
			p.volume = newVolume(t, filepath.Join(p.dir, f.disk))
		}
	}, f.flags...)
	x := &trial{rig: g, built: built, crowd: gather(g, cmp.Or(f.patient, patience))}
	x.crowd.more(3 * crowdSize)
	r := result{name: f.name}
	for end := time.Now().Add(s.time); x.n < s.rounds || s.rounds == 0 && (x.n == 0 || time.Now().Before(end)); x.n++ {
		x.strike()
		f.round(x)
		x.crowd.after(x.hit)
		x.crowd.more(2 * crowdSize)
		gap, slowest := x.crowd.gap(x.hit)
		r.gap, r.slowest = max(r.gap, gap), max(r.slowest, slowest)
		t.Logf("round %d: next line acknowledged after %s, slowest line %s", x.n, gap.Round(time.Millisecond), slowest.Round(time.Millisecond))
		if t.Failed() {
			break
		}
	}
	r.rounds, r.verdict = x.n, x.crowd.judge()
	slices.Sort(x.notes)
	r.note = strings.Join(slices.Compact(x.notes), "; ")
	for i, o := range append(r.wrong, r.stuck...) {
		if i < 20 {
			t.Error(o)
		}
	}
	if f.most > 0 && r.gap > f.most {
		t.Errorf("the next line was acknowledged %s after the fault, want %s at most", r.gap, f.most)
	}
	if r.acked < crowdSize {
		t.Errorf("only %d lines were acknowledged: nothing was tried", r.acked)
	}
	return r
}

// tabulate makes the table that `make faults` prints.
func tabulate(table []result) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\trounds\tacknowledged\tlost\tdouble\tstuck\tother\tlongest gap\tslowest line\t")
	for _, r := range table {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d ms\t%d ms\t%s\n", r.name, r.rounds, r.acked, r.lost, r.double, len(r.stuck),
			len(r.wrong)-r.lost-r.double, r.gap.Milliseconds(), r.slowest.Milliseconds(), r.note)
	}
	_ = w.Flush()
	return b.String()
}

func TestSelected(t *testing.T) {
	kill, stop := fault{name: "kill -9 the leader"}, fault{name: "stop 3 s", everyday: true}
	for _, tc := range []struct {
		words  string
		f      fault
		ok     bool
		rounds int
		time   time.Duration
	}{
		{"", stop, true, 1, 0},
		{"", kill, false, 1, 0},
		{"all", kill, true, 1, 0},
		{"kill:5, all:2m", kill, true, 5, 0},
		{"kill:5, all:2m", stop, true, 0, 2 * time.Minute},
		{"leader", stop, false, 0, 0},
	} {
		if s, ok := selected(tc.f, tc.words); ok != tc.ok || s.rounds != tc.rounds || s.time != tc.time {
			t.Errorf("%q, %s: %v %v", tc.words, tc.f.name, s, ok)
		}
	}
}
