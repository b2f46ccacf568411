// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"refdesk/cluster/store"
)

// With the database gone back too, as after a power cut, what stood in a garbled end is lost on a desk of one node. It is
// said; after a kill that garbled nothing, it isn't.
func TestGarbledEndIsSaid(t *testing.T) {
	d := started(t, 1, nil)
	dir := filepath.Join(d.dir, "n0")
	for i := range 3 {
		d.do("n0", setting(fmt.Sprint("s", i), "x"))
	}
	d.kill("n0")
	early := copyTree(t, dir)
	d.open("n0")
	d.ready()
	d.do("n0", setting("lost", strings.Repeat("x", 500)))
	d.kill("n0")
	const words = "the end of the log can't be read"
	start := func() *locked {
		said := &locked{}
		d.tune = func(c *Config) { c.Log = slog.New(slog.NewTextHandler(said, nil)) }
		d.open("n0")
		d.ready()
		return said
	}
	unclean(t, dir)
	if start().has(words) {
		t.Error("of a whole log it says so too")
	}
	d.kill("n0")
	if start().has(words) {
		t.Error("and after a clean stop")
	}
	d.kill("n0")
	file, data := segmentOf(t, dir)
	end := len(strings.TrimRight(string(data), "\x00"))
	data[end-60] ^= 1 // in the last batch, which raft-wal checks
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	unclean(t, dir)
	replace(t, filepath.Join(dir, store.File), filepath.Join(early, store.File))
	if !start().has(words) {
		t.Error("of a garbled one it says nothing")
	}
}
