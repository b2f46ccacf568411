// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// terms writes tokens as term, ~term for a stop word, and the script behind a bar if it isn't the first.
func terms(tokens []Token) string {
	var out []string
	for _, t := range tokens {
		s := t.Term
		if t.Stop {
			s = "~" + s
		}
		if t.Script != Latin {
			s += "|" + t.Script.Suffix()
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestTerms(t *testing.T) {
	for _, tc := range []struct{ rule, lang, in, want string }{
		{"stemmed and lower case", "en", "Renewing BOOKS", "renew book"},
		{"stop words are marked", "en", "How do I renew?", "~how ~do ~i renew"},
		{"possessives go", "en", "the patron's card, patrons’ cards", "~the patron card patron card"},
		{"an apostrophe inside goes", "en", "don't o'clock", "~dont oclock"},
		{"a stop word with an apostrophe is not one without", "en", "I'll ILL I’d ID", "~ill ill ~id id"},
		{"accents are folded", "en", "Café NAÏVE Ångström", "cafe naiv angstrom"},
		{"decomposed accents are folded alike", "en", "Cafe\u0301", "cafe"},
		{"compatibility forms are unfolded", "en", "ﬁne Ｆｕｌｌ", "fine full"},
		{"letters without decomposition", "de", "Straße Łódź", "strass lodz"},
		{"hyphens and dots part words", "en", "e-mail a.b_c", "e mail ~a b c"},
		{"a soft hyphen doesn't", "en", "renew\u00adal", "renew"},
		{"words with digits stay whole", "en", "X2000s ISBN9780", "x2000s isbn9780"},
		{"Spanish", "es", "¿Cómo renuevo los préstamos?", "~como renuev ~los prestam"},
		{"Spanish without accents finds the same", "es", "prestamo préstamos", "prestam prestam"},
		{"French, with elision", "fr", "L’université n'ouvre pas", "universit ouvr ~pas"},
		{"Welsh has no stemmer and is left whole", "cy", "Llyfrgell ŵyl y tŷ", "llyfrgell wyl y ty"},
		{"a region is of no account", "pt-BR", "livros", "livr"},
		{"Chinese in pairs", "en", "图书馆 open", "图书|_cjk 书馆|_cjk open"},
		{"a single character by itself", "en", "本", "本|_cjk"},
		{"half-width kana as full", "en", "ｶﾀ", "カタ|_cjk"},
		{"Korean in pairs", "en", "도서관", "도서|_cjk 서관|_cjk"},
		{"Arabic without article and vowels", "en", "المكتبة مَكتبة", "مكتب|_ar مكتب|_ar"},
		{"Arabic digits", "en", "٢٠٢٦", "2026|_ar"},
		{"Cyrillic and Greek are words too", "en", "Библиотека ΒΙΒΛΙΟΣ", "библиотека βιβλιοσ"},
		{"nothing", "en", " \x00 ?!… \xff\xfe", ""},
		{"broken bytes part words", "en", "late\xfffee", "late fee"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			if got := terms(NewLanguage(tc.lang).Tokens(tc.in)); got != tc.want {
				t.Errorf("%q: got %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

func TestOffsetsPointIntoTheOriginal(t *testing.T) {
	in := "The Café’s 图书馆 doesn’t renew"
	var got []string
	for _, tok := range NewLanguage("en").Tokens(in) {
		got = append(got, in[tok.Start:tok.End])
	}
	if diff := cmp.Diff([]string{"The", "Café’s", "图书", "书馆", "doesn’t", "renew"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLongWordsAreKnownByTheirBeginning(t *testing.T) {
	long := strings.Repeat("é", 5000)
	got := NewLanguage("en").Tokens(long + " " + long + "x")
	if len(got) != 2 || len(got[0].Term) > maxTerm || got[0].Term != got[1].Term {
		t.Errorf("%d tokens, first of %d bytes", len(got), len(got[0].Term))
	}
}

func TestEveryCodeHasALanguage(t *testing.T) {
	for _, code := range Codes() {
		if l := NewLanguage(code); l.stemmer == nil || len(l.stops) < 20 {
			t.Errorf("%s has no stemmer or no stop words", code)
		}
	}
}

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"Renew the patron's books", "L’été n’est", "图书馆x本", "المكتبة", "a\x00b\xffc", "ﷺ ½ ²", "'''", "e\u0301\u0301", "ー゙", "İıßΣς", "\u00ad\u200d"} {
		f.Add(s)
	}
	langs := []*Language{NewLanguage("en"), NewLanguage("fr"), NewLanguage("cy")}
	f.Fuzz(func(t *testing.T, s string) {
		var seen [Scripts]bool
		Occurring(s, &seen)
		for _, l := range langs {
			end, pos := 0, -1
			for _, tok := range l.Tokens(s) {
				switch {
				case tok.Start < 0 || tok.End > len(s) || tok.Start >= tok.End:
					t.Fatalf("%q: token %q at %d to %d", s, tok.Term, tok.Start, tok.End)
				case tok.Start < end && tok.Script != CJK:
					t.Fatalf("%q: token %q begins before the one before ends", s, tok.Term)
				case tok.Term == "" || len(tok.Term) > 4*maxTerm || !utf8.ValidString(tok.Term) || strings.ContainsAny(tok.Term, "\x00 "):
					t.Fatalf("%q: bad term %q", s, tok.Term)
				case tok.Position <= pos:
					t.Fatalf("%q: position %d after %d", s, tok.Position, pos)
				case !seen[tok.Script]:
					t.Fatalf("%q: %q is of a script that doesn't occur", s, tok.Term)
				}
				end, pos = tok.End, tok.Position
			}
		}
	})
}
