// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"refdesk/search"
)

// SearchFigures say how well the FAQ search finds what people judged to be right: means over the queries that have
// judgements, each from 0 to 1.
type SearchFigures struct {
	NDCG10   float64 `json:"ndcg10"`
	MRR10    float64 `json:"mrr10"`
	Recall10 float64 `json:"recall10"`
	Queries  int     `json:"queries"`
}

// judgements are the grades of a query's documents.
type judgements map[string]float64

// EvalSearch indexes dir/docs.jsonl as FAQs, asks dir/queries.jsonl and compares with dir/qrels.tsv.
func EvalSearch(ctx context.Context, dir string) (figures SearchFigures, err error) {
	rels, err := readJudgements(filepath.Join(dir, "qrels.tsv"))
	if err != nil {
		return SearchFigures{}, err
	}
	temp, err := os.MkdirTemp("", "refdesk-eval-")
	if err != nil {
		return SearchFigures{}, fmt.Errorf("make a place for the index: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	ix, err := search.Open(search.Config{Dir: temp})
	if err != nil {
		return SearchFigures{}, err
	}
	defer func() { err = errors.Join(err, ix.Close()) }()
	if err := loadDocs(ctx, ix, filepath.Join(dir, "docs.jsonl")); err != nil {
		return SearchFigures{}, err
	}
	err = jsonLines(filepath.Join(dir, "queries.jsonl"), func(q struct{ ID, Text string }) error {
		judged := rels[q.ID]
		if len(judged) == 0 {
			return nil
		}
		found, err := ix.Answer(ctx, q.Text, search.Options{Limit: 10, Timeout: evalTimeout})
		if err != nil {
			return err
		}
		figures.add(found.Hits, judged)
		return nil
	})
	if err != nil {
		return SearchFigures{}, err
	}
	if figures.Queries == 0 {
		return SearchFigures{}, fmt.Errorf("%s: none of the queries has a judgement in qrels.tsv", dir)
	}
	return figures.means(), nil
}

// evalTimeout is generous: what is measured is what is found.
const evalTimeout = 60e9

func loadDocs(ctx context.Context, ix *search.Index, file string) error {
	var batch []search.Doc
	seq := uint64(0)
	flush := func() error {
		seq++
		err := ix.Put(ctx, batch, seq)
		batch = batch[:0]
		return err
	}
	err := jsonLines(file, func(d struct{ ID, Title, Body string }) error {
		batch = append(batch, search.Doc{ID: d.ID, Kind: search.FAQ, Title: d.Title, Text: d.Body})
		if len(batch) < 1000 {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// jsonLines calls f for each line of a file.
func jsonLines[T any](name string, f func(T) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	dec := json.NewDecoder(bufio.NewReader(file))
	for n := 1; ; n++ {
		var v T
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: object %d: %w", name, n, err)
		}
		if err := f(v); err != nil {
			return err
		}
	}
}

// readJudgements reads query, document and grade from lines of three columns, or of four in the manner of TREC. A
// heading is passed over.
func readJudgements(name string) (map[string]judgements, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	out := map[string]judgements{}
	s := bufio.NewScanner(file)
	for n := 1; s.Scan(); n++ {
		cols := strings.Split(strings.TrimRight(s.Text(), "\r"), "\t")
		if len(cols) == 4 {
			cols = []string{cols[0], cols[2], cols[3]}
		}
		if len(cols) == 1 && strings.TrimSpace(cols[0]) == "" {
			continue
		}
		if len(cols) != 3 {
			return nil, fmt.Errorf("%s:%d: want query, document and grade with tabs between", name, n)
		}
		grade, err := strconv.ParseFloat(strings.TrimSpace(cols[2]), 64)
		switch {
		case err != nil && n == 1:
			continue
		case err != nil:
			return nil, fmt.Errorf("%s:%d: the grade %q is no number", name, n, cols[2])
		case grade <= 0:
			continue
		}
		if out[cols[0]] == nil {
			out[cols[0]] = judgements{}
		}
		out[cols[0]][cols[1]] = grade
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

// add counts one query. Gain is the grade itself, the discount log2(rank+1).
func (f *SearchFigures) add(hits []search.Hit, judged judgements) {
	var gain, found float64
	for i, h := range hits {
		if g := judged[h.ID]; g > 0 {
			gain += g / math.Log2(float64(i)+2)
			found++
			if found == 1 {
				f.MRR10 += 1 / float64(i+1)
			}
		}
	}
	var grades []float64
	for _, g := range judged {
		grades = append(grades, g)
	}
	slices.SortFunc(grades, func(a, b float64) int { return cmp.Compare(b, a) })
	var ideal float64
	for i, g := range grades[:min(10, len(grades))] {
		ideal += g / math.Log2(float64(i)+2)
	}
	f.NDCG10 += gain / ideal
	f.Recall10 += found / float64(len(judged))
	f.Queries++
}

func (f SearchFigures) means() SearchFigures {
	n := float64(f.Queries)
	return SearchFigures{f.NDCG10 / n, f.MRR10 / n, f.Recall10 / n, f.Queries}
}
