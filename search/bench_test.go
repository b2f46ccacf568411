// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"refdesk/search/query"
)

// The benchmarks work on made-up lines; those of SQLite's FTS5 beside them are the measure.

const benchLines = 100_000

func benchDesk(b *testing.B, docs []Doc) *library {
	b.Helper()
	d := open(b)
	for i := 0; i < len(docs); i += 1000 {
		d.add(docs[i:min(i+1000, len(docs))]...)
	}
	d.search("ban", Options{}) // reads the numbers of the segments
	return d
}

func benchFTS(b *testing.B, docs []Doc) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", filepath.Join(b.TempDir(), "fts.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`create virtual table f using fts5(text, dept unindexed, tokenize='porter unicode61')`); err != nil {
		b.Fatal(err)
	}
	for i := 0; i < len(docs); i += 1000 {
		tx, err := db.Begin()
		if err != nil {
			b.Fatal(err)
		}
		for _, d := range docs[i:min(i+1000, len(docs))] {
			if _, err := tx.Exec(`insert into f values(?,?)`, d.Text, d.Dept); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

// benchQueries are runs of three words out of lines, as people ask.
func benchQueries(docs []Doc) (out []string) {
	for i := 17; len(out) < 100; i += 97 {
		if w := strings.Fields(docs[i%len(docs)].Text); len(w) > 4 {
			out = append(out, strings.Join(w[1:4], " "))
		}
	}
	return out
}

func BenchmarkSearch(b *testing.B) {
	docs := chatter(benchLines, 1)
	d := benchDesk(b, docs)
	qs := benchQueries(docs)
	for _, bc := range []struct {
		name string
		o    Options
	}{
		{"all", Options{}},
		{"any", Options{Mode: Any}},
		{"date", Options{Mode: Any, Order: ByDate}},
		{"facets", Options{Mode: Any, Facets: []string{"dept", "staff", "tag"}}},
		{"grouped", Options{Mode: Any, Group: true}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				d.search(qs[i%len(qs)], bc.o)
			}
		})
	}
}

func BenchmarkFTS5(b *testing.B) {
	docs := chatter(benchLines, 1)
	db := benchFTS(b, docs)
	qs := benchQueries(docs)
	for name, op := range map[string]string{"all": " ", "any": " OR "} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				rows, err := db.Query(`select rowid, text from f where f match ? order by rank limit 20`, strings.Join(strings.Fields(qs[i%len(qs)]), op))
				if err != nil {
					b.Fatal(err)
				}
				for rows.Next() {
				}
				if err := rows.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	docs := chatter(20_000, 2)
	for b.Loop() {
		d := open(b)
		for i := 0; i < len(docs); i += 1000 {
			d.add(docs[i : i+1000]...)
		}
	}
	b.ReportMetric(float64(len(docs))*float64(b.N)/b.Elapsed().Seconds(), "docs/s")
}

func BenchmarkNewLine(b *testing.B) {
	d := benchDesk(b, chatter(benchLines, 1))
	n := 0
	for b.Loop() {
		n++
		word := fmt.Sprintf("zyx%d", n)
		if err := d.Put(context.Background(), []Doc{line("new"+word, "a line "+word)}, uint64(1000+n)); err != nil {
			b.Fatal(err)
		}
		r, err := d.Search(context.Background(), query.Parse(word), Options{})
		if err != nil || len(r.Hits) != 1 {
			b.Fatalf("%v, %d hits", err, len(r.Hits))
		}
	}
}
