// SPDX-License-Identifier: Apache-2.0

package search

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"refdesk/search/query"
)

const childDir = "REFDESK_SEARCH_CHILD"

// TestKilledWriter is what the child of TestKill9 runs: it writes batches for as long as it lives. Batch n holds one
// line that says n in either of two years; an even one takes out the line of batch n-10.
func TestKilledWriter(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("only as a child of TestKill9")
	}
	x, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for n := x.Applied() + 1; ; n++ {
		writeBatch(t, x, n)
		fmt.Println("batch", n)
	}
}

func writeBatch(t *testing.T, x *Index, n uint64) {
	t.Helper()
	var gone []string
	if n%2 == 0 && n > 10 {
		gone = []string{batchDoc(n - 10).ID}
	}
	if err := x.Change(context.Background(), []Doc{batchDoc(n)}, gone, n); err != nil {
		t.Fatal(err)
	}
}

func batchDoc(n uint64) Doc {
	return Doc{ID: fmt.Sprintf("%08d", n), Kind: Line, Text: fmt.Sprintf("line number%d", n), Time: day.AddDate(int(n%2), 0, 0)}
}

// TestKill9 kills a writer at random moments. The index opens every time; everything up to Applied is in it, and what
// comes after is made whole by going on from there.
func TestKill9(t *testing.T) {
	dir := t.TempDir()
	last := uint64(0)
	for round := range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$", "-test.v")
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		left := 60 + rand.IntN(200)
		acked := last
		for s := bufio.NewScanner(out); s.Scan(); {
			if _, err := fmt.Sscanf(s.Text(), "batch %d", &acked); err == nil {
				if left--; left == 0 {
					break
				}
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if left > 0 {
			t.Fatal("the writer died by itself")
		}
		last = checkSurvivor(t, dir, round, acked)
	}
}

func checkSurvivor(t *testing.T, dir string, round int, acked uint64) uint64 {
	t.Helper()
	x, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	applied := x.Applied()
	t.Logf("round %d: %d acknowledged, %d on disk", round, acked, applied)
	if applied == 0 && round > 2 || applied > acked+1 { // how soon something is on the disk is the machine's business
		t.Errorf("round %d: applied %d, though %d were acknowledged", round, applied, acked)
	}
	for n := uint64(1); n <= applied; n++ {
		gone := n%2 == 0 && n+10 <= applied
		if r := find1(t, x, n); r > 1 || r == 1 && gone || r == 0 && !gone && (n%2 == 1 || n+10 > acked) {
			t.Fatalf("round %d: line %d is there %d times, applied %d", round, n, r, applied)
		}
	}
	for n := applied + 1; n <= acked; n++ { // follow again
		writeBatch(t, x, n)
		if r := find1(t, x, n); r != 1 {
			t.Fatalf("round %d: line %d is there %d times after following again", round, n, r)
		}
	}
	return x.Applied()
}

func find1(t *testing.T, x *Index, n uint64) int {
	t.Helper()
	r, err := x.Search(context.Background(), query.Parse(fmt.Sprintf("number%d", n)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return len(r.Hits)
}

func TestReopenKeepsNumberAndDocuments(t *testing.T) {
	dir := t.TempDir()
	d := openAt(t, dir)
	d.lines("fee one", "fee two")
	if err := d.Put(context.Background(), nil, 77); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Put(context.Background(), nil, 78); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed index took a batch: %v", err)
	}
	if _, err := d.Search(context.Background(), query.Parse("fee"), Options{}); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed index answered: %v", err)
	}
	again := openAt(t, dir)
	if again.Applied() != 77 || again.find("fee", Options{}) != "l2 l1" {
		t.Errorf("applied %d, found %q", again.Applied(), again.find("fee", Options{}))
	}
}

func TestSecondOpenerIsToldSo(t *testing.T) {
	d := open(t)
	d.lines("fee")
	if _, err := Open(Config{Dir: d.dir}); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("got %v", err)
	}
	if got := d.find("fee", Options{}); got != "l1" {
		t.Errorf("the first one lost its line: %q", got)
	}
}

func TestDamageMeansAnEmptyIndex(t *testing.T) {
	dir := t.TempDir()
	d := openAt(t, dir)
	d.lines("fee one", "fee two")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	each(t, dir, func(name string) {
		if strings.HasSuffix(name, "root.bolt") {
			if err := os.WriteFile(name, bytes.Repeat([]byte("damaged!"), 1024), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
	again := openAt(t, dir)
	if again.Applied() != 0 || again.find("fee", Options{}) != "" {
		t.Errorf("applied %d, found %q", again.Applied(), again.find("fee", Options{}))
	}
	again.lines("fee three")
	if got := again.find("fee", Options{}); got != "l1" {
		t.Errorf("got %q", got)
	}
}

func TestOtherVersionsAreSweptAway(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"v0-000001", "v1-000007"} { // an old layout; a rebuild that was never completed
		if err := os.MkdirAll(filepath.Join(dir, name, "2026"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	openAt(t, dir)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left: %v %v", entries, err)
	}
}

func each(t *testing.T, dir string, f func(name string)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			f(name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEraseLeavesNoByte looks for the words of erased documents in all files, in the clear and as stems.
func TestEraseLeavesNoByte(t *testing.T) {
	traces := func(d *library) (out []string) {
		each(t, d.dir, func(name string) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range []string{"xylophon", "Xylophon", "secrettag", "secretid", "p-secret"} {
				if bytes.Contains(text, []byte(w)) {
					out = append(out, filepath.Base(name)+": "+w)
				}
			}
		})
		return out
	}
	secret := func(id string, years int) Doc {
		return Doc{ID: id, Kind: Line, Text: "Xylophones of " + id, Time: day.AddDate(years, 0, 0), Tags: []string{"secrettag"}, Patron: "p-secret"}
	}
	ctx := context.Background()
	for _, tc := range []struct {
		rule string
		do   func(d *library)
	}{
		{"one segment", func(d *library) { d.add(append(chatter(50, 1), secret("secretid1", 0))...) }},
		{"one document in all", func(d *library) { d.add(secret("secretid1", 0)) }},
		{"many segments, replaced and in two years", func(d *library) {
			for i, c := range chatter(60, 1) {
				d.add(c, secret(fmt.Sprintf("secretid%d", i%3), i%2))
			}
		}},
		{"deleted before", func(d *library) {
			d.add(append(chatter(50, 1), secret("secretid1", 0))...)
			d.merge()
			if err := d.Delete(ctx, []string{"secretid1"}, 9); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			d := open(t)
			tc.do(d)
			before := d.Applied()
			if tc.rule == "one segment" {
				d.merge()
				if len(traces(d)) == 0 {
					t.Fatal("the words can't be found before: the test looks for the wrong thing")
				}
			}
			if err := d.Erase(ctx, []string{"secretid0", "secretid1", "secretid2", "nobody"}); err != nil {
				t.Fatal(err)
			}
			if got := traces(d); len(got) > 0 {
				t.Errorf("left in the files: %v", got)
			}
			if got := d.find("xylophones", Options{}); got != "" {
				t.Errorf("still found: %q", got)
			}
			if d.Applied() != before {
				t.Errorf("the number went from %d to %d", before, d.Applied())
			}
			if tc.rule != "one document in all" && d.search("-zzz", Options{}).Total != uint64(map[bool]int{true: 60, false: 50}[strings.HasPrefix(tc.rule, "many")]) {
				t.Errorf("%d other documents are left", d.search("-zzz", Options{}).Total)
			}
		})
	}
}

func TestEraseWaitsForReaders(t *testing.T) {
	d := open(t)
	d.lines("xylophone")
	r, err := d.read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_ = d.Erase(ctx, []string{"l1"}) // may or may not be done: the reader still maps the old file
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Erase(context.Background(), []string{"l1"}); err != nil {
		t.Fatal(err)
	}
	each(t, d.dir, func(name string) {
		if text, _ := os.ReadFile(name); bytes.Contains(text, []byte("xylophon")) {
			t.Errorf("left in %s", filepath.Base(name))
		}
	})
}

func TestRebuildUnderLoad(t *testing.T) {
	d := open(t)
	d.lines("fee old")
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for ctx.Err() == nil {
				r, err := d.Search(context.Background(), query.Parse("fee"), Options{})
				if err != nil || len(r.Hits) != 1 {
					t.Errorf("a search during a rebuild: %v, %d hits", err, len(r.Hits))
					return
				}
			}
		})
	}
	for n := range 15 {
		err := d.Rebuild(ctx, uint64(100+n), func(put func([]Doc) error) error {
			return put([]Doc{line(fmt.Sprintf("r%d", n), "fee new")})
		})
		if err != nil {
			t.Error(err)
		}
	}
	cancel()
	wg.Wait()
	if got := d.find("fee", Options{}); got != "r14" || d.Applied() != 114 {
		t.Errorf("found %q, applied %d", got, d.Applied())
	}
	failed := d.Rebuild(context.Background(), 200, func(func([]Doc) error) error { return errors.New("no store") })
	if failed == nil || d.find("fee", Options{}) != "r14" || d.Applied() != 114 {
		t.Errorf("a rebuild that failed (%v) left %q, applied %d", failed, d.find("fee", Options{}), d.Applied())
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, d.dir)
	if got := again.find("fee", Options{}); got != "r14" || again.Applied() != 114 {
		t.Errorf("after reopening: found %q, applied %d", got, again.Applied())
	}
}

func TestConcurrentUse(t *testing.T) {
	d := open(t)
	var wg sync.WaitGroup
	docs := chatter(400, 4)
	for w := range 2 {
		wg.Go(func() {
			for i := w * 10; i+10 <= len(docs); i += 20 {
				if err := d.Put(context.Background(), docs[i:i+10], uint64(i)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for i := range 100 {
				word := strings.Fields(docs[i].Text)[0]
				if _, err := d.Search(context.Background(), query.Parse(word), Options{Group: true, Facets: []string{"tag"}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := d.search("-zzz", Options{}).Total; n != 400 {
		t.Errorf("%d documents, want 400", n)
	}
}
