// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// cluster3 is a desk of three, of which one is away.
type cluster3 struct{}

func (cluster3) Nodes(context.Context) (Standing, error) {
	return Standing{Here: "n0", Leader: "n1", Term: 7, Level: 1, Quorum: true, Words: "2 of 3 voters are up.", Nodes: []NodeRow{
		{ID: "n0", Address: "192.0.2.1:7400", Voter: true, Up: true, Lag: 1, Level: 1, DiskFree: 12_340_000_000},
		{ID: "n1", Address: "192.0.2.2:7400", Voter: true, Leader: true, Up: true, Level: 1},
		{ID: "n2", Address: "192.0.2.3:7400", Voter: true, Silent: 3 * time.Hour, Lag: 1234, Level: 1},
		{ID: "n3", Silent: -1},
	}}, nil
}

func TestNodesPage(t *testing.T) {
	l := newLibrary(t, func(_ *Config, d *Deps) { d.Cluster = cluster3{} })
	p := l.as("rosa").get("/nodes")
	if p.status != http.StatusOK {
		t.Fatalf("status %d", p.status)
	}
	for _, want := range []string{
		"2 of 3 voters are up.", "n0 (this one)", "12.3 GB", "1 entry", "leads", "silent for 3 hours", "1234 entries", "not heard yet", "catches up", "Term 7",
	} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page doesn't say %q", want)
		}
	}
}

func TestSetupPage(t *testing.T) {
	l := newLibrary(t, func(_ *Config, d *Deps) { d.Cluster = cluster3{}; d.Replier = nil })
	p := l.as("rosa").get("/setup")
	if p.status != http.StatusOK {
		t.Fatalf("status %d", p.status)
	}
	for _, want := range []string{"2 of 8 points are open", "3 nodes vote", "Write the library&#39;s site into http.sites"} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page doesn't say %q: %s", want, p.body)
		}
	}
}
