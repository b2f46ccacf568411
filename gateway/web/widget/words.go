// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"refdesk/cluster/desk"
)

// What a word counts where it is found, and from which part of the best possible score on an FAQ is an answer.
const (
	inQuestion = 3
	inTopic    = 2
	inAnswer   = 1
	goodFrom   = 0.5
)

// smallWords carry nothing in a question.
const smallWords = " a an and are at can could do does for have how i if in is it many may me much my of on or the there to we what when where which who will with you your" +
	" al como con cuando cuanto cuantos de del donde el en es la las lo los mi para por puedo que se si su un una y" +
	" au aux avec combien comment d des du est et je l le les ma mes mon ou où par pour puis quand que quel quelle qui sont une "

// matchWords is the search of a desk without an index: whole words, plural or not, the last one also by its beginning,
// since it may still be typed.
func matchWords(list []*desk.FAQ, plain func(string) string, text, lang string, limit int) (hits []FAQHit, good bool) {
	asked := wordsOf(text)
	if len(asked) == 0 {
		return nil, false
	}
	for _, q := range list {
		if !sameLanguage(q.Language, lang) {
			continue
		}
		answer := plain(q.Answer)
		question := wordsOf(q.Question + " " + strings.Join(q.Also, " "))
		topics, body := wordsOf(strings.Join(q.Topics, " ")), wordsOf(answer)
		sum := 0
		for i, w := range asked {
			has := func(in []string) bool {
				return slices.ContainsFunc(in, func(o string) bool {
					return o == w || i == len(asked)-1 && utf8.RuneCountInString(w) >= minQuery && strings.HasPrefix(o, w)
				})
			}
			switch {
			case has(question):
				sum += inQuestion
			case has(topics):
				sum += inTopic
			case has(body):
				sum += inAnswer
			}
		}
		if sum > 0 {
			score := float64(sum) / float64(inQuestion*len(asked))
			hits = append(hits, FAQHit{Slug: q.Slug, Question: q.Question, Snippet: cut(answer, snippetSize), Score: score})
		}
	}
	slices.SortStableFunc(hits, func(a, b FAQHit) int { return cmp.Compare(b.Score, a.Score) })
	// Only what comes near the best is worth a look.
	if len(hits) > 0 {
		best := hits[0].Score
		hits = slices.DeleteFunc(hits, func(h FAQHit) bool { return h.Score < best/2 })
		good = best >= goodFrom
	}
	return hits[:min(len(hits), limit)], good
}

// wordsOf are the words of a text that carry something, without a plural's s.
func wordsOf(text string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
		if strings.Contains(smallWords, " "+w+" ") {
			continue
		}
		if len(w) > 3 && !strings.HasSuffix(w, "ss") {
			w = strings.TrimSuffix(w, "s")
		}
		out = append(out, w)
	}
	return out
}

// sameLanguage compares two tags by their first part. One that says nothing fits all.
func sameLanguage(a, b string) bool {
	first := func(s string) string {
		s, _, _ = strings.Cut(strings.ToLower(s), "-")
		return s
	}
	return a == "" || b == "" || first(a) == first(b)
}
