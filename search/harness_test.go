// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"refdesk/search/query"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var day = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// library is an index under test.
type library struct {
	*Index
	t   testing.TB
	dir string
	seq uint64
}

func open(t testing.TB, langs ...string) *library {
	t.Helper()
	return openAt(t, t.TempDir(), langs...)
}

func openAt(t testing.TB, dir string, langs ...string) *library {
	t.Helper()
	x, err := Open(Config{Dir: dir, Languages: langs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return &library{Index: x, t: t, dir: dir}
}

func (d *library) add(docs ...Doc) {
	d.t.Helper()
	d.seq++
	if err := d.Put(context.Background(), docs, d.seq); err != nil {
		d.t.Fatal(err)
	}
}

// lines puts lines, one a batch, so that each is a segment of its own at first. Their IDs are l1, l2 …
func (d *library) lines(texts ...string) {
	d.t.Helper()
	for i, s := range texts {
		d.add(line(fmt.Sprintf("l%d", i+1), s))
	}
}

func line(id, text string) Doc { return Doc{ID: id, Kind: Line, Text: text, Time: day} }

func faq(id, question, answer string, also ...string) Doc {
	return Doc{ID: id, Kind: FAQ, Title: question, Text: answer, Also: also}
}

func (d *library) search(q string, o Options) Result {
	d.t.Helper()
	if o.Now.IsZero() {
		o.Now = day.AddDate(0, 0, 10)
	}
	res, err := d.Search(context.Background(), query.Parse(q), o)
	if err != nil {
		d.t.Fatalf("%q: %v", q, err)
	}
	return res
}

// find returns the IDs of the hits with blanks between.
func (d *library) find(q string, o Options) string {
	d.t.Helper()
	return ids(d.search(q, o))
}

func ids(r Result) string {
	var out []string
	for _, h := range r.Hits {
		out = append(out, h.ID)
	}
	return strings.Join(out, " ")
}

// chatter makes lines of made-up words whose frequencies fall off as those of a language do.
func chatter(n int, seed uint64) []Doc {
	r := rand.New(rand.NewPCG(seed, 1))
	z := rand.NewZipf(r, 1.2, 4, 20_000)
	out := make([]Doc, n)
	var b strings.Builder
	for i := range out {
		b.Reset()
		for range 4 + r.IntN(18) {
			b.WriteString(madeUp(z.Uint64()))
			b.WriteByte(' ')
		}
		out[i] = Doc{
			ID: fmt.Sprintf("%012d", i), Kind: Line, Text: b.String(), Chat: uint64(i/8 + 1), Time: day.Add(time.Duration(i) * time.Second),
			Dept: fmt.Sprintf("dept%d", r.IntN(8)), Staff: []string{fmt.Sprintf("staff%d", r.IntN(40))}, Tags: []string{fmt.Sprintf("tag%d", r.IntN(60))},
		}
	}
	return out
}

// madeUp spells a number in syllables.
func madeUp(n uint64) string {
	n += 30
	var s string
	for ; n > 0; n /= 30 {
		s += string("bdfgklmnprstvz"[n%14]) + string("aeiou"[n%30/6]) // not one to one, which does no harm
	}
	return s + "n"
}
