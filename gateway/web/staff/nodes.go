// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Cluster tells where the desk's nodes stand. It answers without a majority too.
type Cluster interface {
	Nodes(ctx context.Context) (Standing, error)
}

// Standing is how the desk is, as the node of this page knows it.
type Standing struct {
	Here, Leader string // ids; Leader "" if none is known
	Term, Level  uint64
	Quorum       bool
	Words        string // how many are up, and what that means
	Nodes        []NodeRow
}

// NodeRow is one node.
type NodeRow struct {
	ID, Address, URL string
	Voter            bool
	Leader           bool
	Up               bool
	Silent           time.Duration // since when not; below 0: it was never heard
	Lag              uint64        // log entries behind
	Level            uint64
	DiskFree         uint64 // bytes; 0 = unknown
}

// nodesData is the page of the nodes.
type nodesData struct {
	Standing
	Rows []nodeLine
}

// nodeLine is a node in words.
type nodeLine struct {
	NodeRow
	Part, State, Behind, Disk string
	Well                      bool
}

// nodesPage is GET /nodes.
func (d *Door) nodesPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	var data nodesData
	var err error
	if d.deps.Cluster != nil {
		if data.Standing, err = d.deps.Cluster.Nodes(r.Context()); err != nil {
			return err
		}
	}
	for _, n := range data.Nodes {
		data.Rows = append(data.Rows, nodeInWords(n))
	}
	return d.page(w, r, who, "nodes", Page{Title: "Nodes", Section: "/nodes", Data: data})
}

// nodeInWords puts a node into words.
func nodeInWords(n NodeRow) nodeLine {
	l := nodeLine{NodeRow: n, Part: "catches up", State: "up", Behind: "nothing", Disk: "unknown", Well: n.Up}
	switch {
	case n.Leader:
		l.Part = "leads"
	case n.Voter:
		l.Part = "votes"
	}
	switch {
	case n.Up:
	case n.Silent < 0:
		l.State = "not heard yet"
	case n.Silent < 2*time.Minute:
		l.State = "silent for " + plural(int(n.Silent/time.Second), "second")
	default:
		l.State = "silent for " + span(n.Silent)
	}
	if n.Lag > 0 {
		l.Behind = plural(int(n.Lag), "entry")
	}
	if n.DiskFree > 0 {
		l.Disk = fmt.Sprintf("%.1f GB", float64(n.DiskFree)/1e9)
	}
	return l
}

// plural counts something in words.
func plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what[len(what)-1] == 'y':
		return fmt.Sprintf("%d %sies", n, what[:len(what)-1])
	}
	return fmt.Sprintf("%d %ss", n, what)
}
