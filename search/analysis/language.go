// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"bufio"
	"bytes"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/analysis/lang/da"
	"github.com/blevesearch/bleve/v2/analysis/lang/de"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"
	"github.com/blevesearch/bleve/v2/analysis/lang/es"
	"github.com/blevesearch/bleve/v2/analysis/lang/fi"
	"github.com/blevesearch/bleve/v2/analysis/lang/fr"
	"github.com/blevesearch/bleve/v2/analysis/lang/it"
	"github.com/blevesearch/bleve/v2/analysis/lang/nl"
	"github.com/blevesearch/bleve/v2/analysis/lang/no"
	"github.com/blevesearch/bleve/v2/analysis/lang/pt"
	"github.com/blevesearch/bleve/v2/analysis/lang/sv"
	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/swedish"
)

// Language knows the words of one language: how they are stemmed and which say nothing by themselves. It is safe for
// use by several goroutines.
type Language struct {
	Code    string
	stops   map[string]bool
	stemmer func(string) string // nil: words stay as they are
	elision []string            // articles that are written onto the next word

	mu    sync.RWMutex
	stems map[string]string // of words met so far: a stem costs ten times as much as a look
}

// maxStems bounds what is remembered.
const maxStems = 50_000

type source struct {
	stops   []byte
	stemmer func(string) string
	elision []string
}

// snowball is for languages whose stemmer does not miss the accents.
func snowball(f func(*snowballstem.Env) bool) func(string) string {
	return func(w string) string {
		env := snowballstem.NewEnv(w)
		f(env)
		return env.Current()
	}
}

// light is for the Romance languages: the full stemmers take a noun without its accents for a verb (prestamos).
func light(f analysis.TokenFilter) func(string) string {
	return func(w string) string {
		return string(f.Filter(analysis.TokenStream{{Term: []byte(w)}})[0].Term)
	}
}

func sources() map[string]source {
	return map[string]source{
		"da": {da.DanishStopWords, snowball(danish.Stem), nil},
		"de": {de.GermanStopWords, snowball(german.Stem), nil},
		"en": {en.EnglishStopWords, snowball(english.Stem), nil},
		"es": {es.SpanishStopWords, light(es.NewSpanishLightStemmerFilter()), nil},
		"fi": {fi.FinnishStopWords, snowball(finnish.Stem), nil},
		"fr": {fr.FrenchStopWords, light(fr.NewFrenchLightStemmerFilter()), []string{"l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu"}},
		"it": {it.ItalianStopWords, light(it.NewItalianLightStemmerFilterFilter()), []string{"l", "d", "c", "un", "dell", "all", "dall", "nell", "sull", "quell"}},
		"nl": {nl.DutchStopWords, snowball(dutch.Stem), nil},
		"no": {no.NorwegianStopWords, snowball(norwegian.Stem), nil},
		"pt": {pt.PortugueseStopWords, light(pt.NewPortugueseLightStemmerFilter()), nil},
		"sv": {sv.SwedishStopWords, snowball(swedish.Stem), nil},
	}
}

// Codes lists the languages that have a stemmer.
func Codes() []string { return slices.Sorted(maps.Keys(sources())) }

// NewLanguage returns the language of a tag such as en or pt-BR. A language without a stemmer, Welsh for one, is
// searched by its words as they are.
func NewLanguage(tag string) *Language {
	code, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
	if code == "nb" || code == "nn" {
		code = "no"
	}
	src := sources()[code]
	return &Language{Code: code, stops: stopWords(src.stops), stemmer: src.stemmer, elision: src.elision, stems: map[string]string{}}
}

// stopWords reads a list in the form of the Snowball project: a word a line, comments after a bar.
func stopWords(list []byte) map[string]bool {
	out := map[string]bool{}
	for s := bufio.NewScanner(bytes.NewReader(list)); s.Scan(); {
		line, _, _ := strings.Cut(s.Text(), "|")
		for _, w := range strings.Fields(line) {
			out[Fold(w)] = true // with its apostrophe: "i'll" is one, "ILL" isn't
		}
	}
	return out
}

// bare takes off what is written onto a folded word: the possessive, an elided article, the apostrophe.
func (l *Language) bare(w string) string {
	i := strings.IndexByte(w, '\'')
	if i < 0 {
		return w
	}
	if slices.Contains(l.elision, w[:i]) {
		w = w[i+1:]
	}
	w = strings.TrimSuffix(w, "'s")
	return strings.ReplaceAll(w, "'", "")
}

// stem cuts a folded word to its stem. A word with a digit in it is a name or number and stays whole.
func (l *Language) stem(w string) string {
	if l.stemmer == nil || len(w) < 3 || strings.ContainsAny(w, "0123456789") {
		return w
	}
	l.mu.RLock()
	s, known := l.stems[w]
	l.mu.RUnlock()
	if known {
		return s
	}
	if s = l.stemmer(w); s == "" {
		s = w
	}
	l.mu.Lock()
	if len(l.stems) < maxStems {
		l.stems[strings.Clone(w)] = strings.Clone(s)
	}
	l.mu.Unlock()
	return s
}
