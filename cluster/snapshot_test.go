// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// While raft takes a snapshot a copy may come in that goes further. The snapshot, ready last, must not take its place.
func TestAnOlderMarkerDoesNotReplaceANewerOne(t *testing.T) {
	n := &snapshots{dir: t.TempDir()}
	copied := filepath.Join(n.dir, "received.db")
	if err := os.WriteFile(copied, []byte("a copy"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, k := range []*marker{
		{Version: markerVersion, ID: "old", Index: 100},
		{Version: markerVersion, ID: "copy", Index: 700, Copy: "received.db"},
		{Version: markerVersion, ID: "late", Index: 650},
	} {
		if err := n.keep(k); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.newest(); got.ID != "copy" {
		t.Errorf("the newest is %q", got.ID)
	}
	if _, err := os.Stat(copied); err != nil {
		t.Errorf("the copy is gone: %v", err)
	}
	if err := n.keep(&marker{Version: markerVersion, ID: "older copy", Index: 600, Copy: "x.db"}); err == nil {
		t.Error("an older copy was taken")
	}
	if err := n.keep(&marker{Version: markerVersion, ID: "next", Index: 710}); err != nil || n.newest().ID != "next" {
		t.Errorf("the next marker: %v", err)
	}
}

// A marker that lies before the log's first entry, as an earlier program may have left it, is made anew from the database.
func TestAMarkerBeforeTheLogIsMended(t *testing.T) {
	d := started(t, 1, func(c *Config) {
		c.segment = 8 << 10
		c.tune = func(r *raft.Config) {
			r.TrailingLogs, r.SnapshotThreshold, r.SnapshotInterval = 10, 20, 20*time.Millisecond
		}
	})
	c := d.nodes["n0"]
	for i := 0; ; i++ {
		d.do("n0", setting(fmt.Sprint("s", i), "x"))
		if first, err := c.wal.FirstIndex(); err != nil || first > 50 {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	want := d.changes("n0")
	d.kill("n0")
	file := filepath.Join(d.dir, "n0", "snapshot", "marker.json")
	var k marker
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &k)
	}
	if err != nil {
		t.Fatal(err)
	}
	k.Index, k.Applied = 3, 3
	if data, err = json.Marshal(k); err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.open("n0")
	d.ready()
	d.do("n0", setting("after", "x"))
	if got := d.changes("n0"); len(got) != len(want)+1 {
		t.Errorf("%d settings, want %d", len(got), len(want)+1)
	}
}
