// SPDX-License-Identifier: Apache-2.0

// Package search is the index of transcripts, tickets and FAQs.
//
// An Index holds documents and the sequence number up to which it has followed the desk. It is derived: whatever
// happens to it, it can be filled again from the store. Put and Delete take a batch and its number, which is written
// with the batch; after a crash Applied tells where to go on. Search ranks by BM25 over several fields, corrects words
// that the index doesn't know, and answers in any order, by pages, grouped by chat, with counts beside.
//
// The postings live in bleve's scorch segments; ranking, spelling, paging and highlighting are done here, on the
// segments themselves. DESIGN.md says why.
package search
