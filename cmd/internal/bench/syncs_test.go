// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"
)

func TestCallsIn(t *testing.T) {
	const trace = `strace: Process 5 attached with 9 threads
[pid  6] fdatasync(9</tmp/n0/data/log/0001.wal>) = 0
[pid  7] fdatasync(9</tmp/n0/data/log/0001.wal> <unfinished ...>
[pid  8] fsync(12</tmp/n0/data/search/v1-0/2026/root.bolt>) = 0
[pid  7] <... fdatasync resumed>)        = 0
`
	if log, other := callsIn(trace); log != 2 || other != 1 {
		t.Errorf("%d calls of the log and %d others, want 2 and 1", log, other)
	}
}

func TestProcessorTime(t *testing.T) {
	const stat = "12 (a) b) S 1 1 1 0 -1 4 100 0 0 0 150 50 0 0 20 0 1 0 100 1 1"
	if d := processorTime([]byte(stat)); d != 2*time.Second {
		t.Errorf("%s, want 2 s", d)
	}
}

func TestCentile(t *testing.T) {
	var d []time.Duration
	for i := range 100 {
		d = append(d, time.Duration(i))
	}
	for p, want := range map[int]time.Duration{50: 50, 95: 95, 99: 99, 100: 99} {
		if got := centile(d, p); got != want {
			t.Errorf("percentile %d is %d, want %d", p, got, want)
		}
	}
	if centile(nil, 50) != 0 {
		t.Error("of nothing something")
	}
}

func TestNumbers(t *testing.T) {
	var got []int
	numbers([]byte("a ~ b"+textOf(7)+"<x>~~ "+textOf(12)+" ~3"), func(n int) { got = append(got, n) })
	if len(got) != 2 || got[0] != 7 || got[1] != 12 {
		t.Errorf("found %v, want 7 and 12", got)
	}
	if n := numberOf([]byte(`{"type":"ack","id":"` + numbered(34) + `","seq":9}`)); n != 34 {
		t.Errorf("an ack of %d, want 34", n)
	}
}
