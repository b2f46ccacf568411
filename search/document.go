// SPDX-License-Identifier: Apache-2.0

package search

import (
	"strconv"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2/document"
	index "github.com/blevesearch/bleve_index_api"

	"refdesk/search/analysis"
)

// Kind says what a document stands for.
type Kind string

// The kinds of documents.
const (
	Line   Kind = "line"   // one line of a chat
	Chat   Kind = "chat"   // all lines of a closed chat, so that words in different lines meet
	Entry  Kind = "entry"  // one message or note of a ticket
	Ticket Kind = "ticket" // a ticket as a whole
	FAQ    Kind = "faq"
)

// Doc is a document to index. Putting a document replaces the one with the same ID.
type Doc struct {
	ID     string    // of at most 128 bytes; a fixed-width number keeps equal times in order
	Kind   Kind      //
	Time   time.Time // also decides the part; it never changes for an ID
	Title  string    // the question of an FAQ, the subject of a ticket
	Also   []string  // other wordings of the question
	Text   string    // the line, the entry, the answer
	Chat   uint64    // number of the chat; results are grouped by it
	Dept   string
	Staff  []string // whoever took part
	Patron string
	Role   string // who wrote it
	Tags   []string
	Has    []string // file, email, rating
	Is     []string // missed, open, closed, ticket
	Rating int      // 1 to 5, 0 for none
	Lang   string   // of the department; "" means the index's first language
	Bare   bool     // the text is searched but not kept: no excerpts, no phrases
}

// The scored fields; title and also count three times.
var fieldNames = [...]string{"title", "also", "text"}

var fieldWeights = [...]float64{3, 3, 1}

const (
	nFields  = len(fieldNames) * int(analysis.Scripts)
	keyField = "key" // filters and counts: "tag=fines"
	colField = "col" // numbers of a document, see columns
	timeTerm = "time"
	chatTerm = "chat"
)

// fieldName is the name of a scored field: script-major, so that one script's fields lie side by side.
func fieldName(f int) string {
	return fieldNames[f%len(fieldNames)] + analysis.Script(f/len(fieldNames)).Suffix()
}

func fieldOf(name int, s analysis.Script) int { return int(s)*len(fieldNames) + name }

// partOf names the part that a document belongs to.
func partOf(t time.Time) string { return strconv.Itoa(t.UTC().Year()) }

const maxID = 128

// convert makes the form that scorch takes. The text is analysed later, by the index's workers.
func (x *Index) convert(d Doc) *document.Document {
	doc := document.NewDocument(d.ID)
	a := &analysed{lang: x.language(d.Lang), values: [...][]string{{d.Title}, d.Also, {d.Text}}}
	for name, values := range a.values {
		for _, s := range scripts(values) {
			doc.AddField(&field{name: fieldNames[name] + s.Suffix(), doc: a, of: name, script: s})
		}
	}
	keys := []string{"kind=" + string(d.Kind)}
	for key, values := range map[string][]string{
		"dept": {d.Dept}, "staff": d.Staff, "patron": {d.Patron}, "role": {d.Role}, "tag": d.Tags, "has": d.Has, "is": d.Is,
	} {
		for _, v := range values {
			if v != "" {
				keys = append(keys, keyTerm(key, v))
			}
		}
	}
	if d.Rating > 0 {
		keys = append(keys, keyTerm("rating", strconv.Itoa(d.Rating)))
	}
	doc.AddField(&field{name: keyField, keys: keys})
	numbers := map[string]int{chatTerm: int(d.Chat)}
	if ms := d.Time.UnixMilli(); !d.Time.IsZero() {
		numbers[timeTerm] = int(max(ms, 1))
	}
	doc.AddField(&field{name: colField, doc: a, numbers: numbers})
	doc.AddField(&field{name: storedField, value: pack(d)})
	return doc
}

// keyTerm is the term of a filter's value. Case doesn't count.
func keyTerm(key, value string) string { return key + "=" + strings.ToLower(analysis.Clip(value)) }

// scripts lists the scripts that occur.
func scripts(values []string) []analysis.Script {
	var seen [analysis.Scripts]bool
	for _, v := range values {
		analysis.Occurring(v, &seen)
	}
	var out []analysis.Script
	for s, occurs := range seen {
		if occurs {
			out = append(out, analysis.Script(s))
		}
	}
	return out
}

// analysed is what the fields of one document share.
type analysed struct {
	lang    *analysis.Language
	values  [len(fieldNames)][]string
	lengths [nFields]int
}

// field is a field of a document on its way into the index: a scored field (doc, of, script), keys, numbers or the
// stored value.
type field struct {
	name    string
	doc     *analysed
	of      int
	script  analysis.Script
	keys    []string
	numbers map[string]int
	value   []byte
	length  int
	freqs   index.TokenFrequencies
}

func (f *field) Name() string             { return f.name }
func (f *field) Value() []byte            { return f.value }
func (f *field) ArrayPositions() []uint64 { return nil }
func (f *field) EncodedFieldType() byte   { return 't' }
func (f *field) AnalyzedLength() int      { return f.length }
func (f *field) NumPlainTextBytes() uint64 {
	return uint64(len(f.value))
}

// Size is a rough figure for the index's statistics.
func (f *field) Size() int { return len(f.value) + 128 }

func (f *field) AnalyzedTokenFrequencies() index.TokenFrequencies { return f.freqs }

func (f *field) Options() index.FieldIndexingOptions {
	switch {
	case f.value != nil:
		return index.StoreField
	case f.keys != nil:
		return index.IndexField | index.SkipFreqNorm
	}
	return index.IndexField
}

// Analyze makes the terms. The numbers come last in a document, so the lengths are known by then.
func (f *field) Analyze() {
	f.freqs = index.TokenFrequencies{}
	switch {
	case f.keys != nil:
		f.length = len(f.keys)
		for _, k := range f.keys {
			f.freqs[k] = &index.TokenFreq{Term: []byte(k)}
		}
	case f.numbers != nil:
		f.length = 1
		for i, n := range f.doc.lengths {
			f.number("len."+fieldName(i), n)
		}
		for name, n := range f.numbers {
			f.number(name, n)
		}
	default:
		f.terms()
	}
}

// number keeps a number as the frequency of a term: columns reads it back for a whole segment at once.
func (f *field) number(name string, n int) {
	if n > 0 {
		t := &index.TokenFreq{Term: []byte(name)}
		t.SetFrequency(n)
		f.freqs[name] = t
	}
}

func (f *field) terms() {
	for _, v := range f.doc.values[f.of] {
		tokens := f.doc.lang.Tokens(v)
		if len(f.freqs) == 0 {
			f.freqs = make(index.TokenFrequencies, len(tokens))
		}
		slab := make([]index.TokenFreq, len(tokens)) // one allocation for all
		for i := range tokens {
			t := &tokens[i]
			if t.Script != f.script {
				continue
			}
			if !t.Stop {
				f.length++
			}
			known := f.freqs[t.Term]
			if known == nil {
				known, slab = &slab[0], slab[1:]
				known.Term = []byte(t.Term)
				f.freqs[t.Term] = known
			}
			known.SetFrequency(known.Frequency() + 1)
		}
	}
	f.doc.lengths[fieldOf(f.of, f.script)] = f.length
}
