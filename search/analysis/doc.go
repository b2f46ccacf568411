// SPDX-License-Identifier: Apache-2.0

// Package analysis turns text into the terms of the search index.
//
// One pass over the text cuts it into words. Each word is put into compatibility form (NFKC), folded (é → e, ŵ → w),
// made lower case and stemmed by the language of its department. Chinese, Japanese and Korean runs become bigrams and
// Arabic words are stemmed by their own rules; both go into streams of their own, which exist only where the script
// occurs. Offsets point into the text as it was written.
//
// Stop words stay in the stream, marked: they take part in phrases, and in searches that consist of nothing else, but
// not in lengths and ranking.
package analysis
