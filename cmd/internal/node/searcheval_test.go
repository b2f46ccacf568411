// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func evalDir(t *testing.T, docs, queries, qrels string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"docs.jsonl": docs, "queries.jsonl": queries, "qrels.tsv": qrels} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	evalDocs = `{"id":"a","title":"Opening hours","body":"We open at eight"}
{"id":"b","title":"Renewals","body":"Renew when we are open"}
{"id":"c","title":"Printing","body":"Print on paper"}
`
	evalQueries = `{"id":"1","text":"open"}
{"id":"2","text":"print"}
{"id":"3","text":"never judged"}
`
)

func TestEvalSearch(t *testing.T) {
	for _, tc := range []struct {
		rule, qrels string
		want        SearchFigures
	}{
		{"all right", "1\ta\t1\n2\tc\t1\n", SearchFigures{1, 1, 1, 2}},
		{"the second hit is right", "1\tb\t1\n", SearchFigures{1 / math.Log2(3), 0.5, 1, 1}},
		{"grades count", "1\ta\t1\n1\tb\t3\n", SearchFigures{(1 + 3/math.Log2(3)) / (3 + 1/math.Log2(3)), 1, 1, 1}},
		{"half of it is found", "2\tc\t1\n2\ta\t1\n", SearchFigures{1 / (1 + 1/math.Log2(3)), 1, 0.5, 1}},
		{"nothing is found", "2\ta\t1\n", SearchFigures{0, 0, 0, 1}},
		{"a heading, zero grades, four columns", "query-id\tcorpus-id\tscore\n1\t0\ta\t1\n2\tc\t0\n", SearchFigures{1, 1, 1, 1}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			got, err := EvalSearch(context.Background(), evalDir(t, evalDocs, evalQueries, tc.qrels))
			if err != nil {
				t.Fatal(err)
			}
			near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
			if !near(got.NDCG10, tc.want.NDCG10) || !near(got.MRR10, tc.want.MRR10) || !near(got.Recall10, tc.want.Recall10) || got.Queries != tc.want.Queries {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestEvalSearchSaysWhatIsWrong(t *testing.T) {
	for _, tc := range []struct{ rule, docs, queries, qrels, want string }{
		{"no judgement of any query", evalDocs, evalQueries, "9\ta\t1\n", "none of the queries"},
		{"a bad grade", evalDocs, evalQueries, "1\ta\t1\n1\ta\tgood\n", "qrels.tsv:2"},
		{"too few columns", evalDocs, evalQueries, "1 a 1\n", "qrels.tsv:1"},
		{"broken JSON", evalDocs + "{", evalQueries, "1\ta\t1\n", "object 4"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			_, err := EvalSearch(context.Background(), evalDir(t, tc.docs, tc.queries, tc.qrels))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want something with %q", err, tc.want)
			}
		})
	}
	if _, err := EvalSearch(context.Background(), t.TempDir()); !os.IsNotExist(err) {
		t.Errorf("an empty folder: %v", err)
	}
}
