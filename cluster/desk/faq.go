// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// FAQState says who may read an FAQ.
type FAQState string

// The states of an FAQ.
const (
	FAQDraft     FAQState = "draft" // staff only
	FAQPublished FAQState = "published"
)

// FAQ is a question that is asked often, with its answer in Markdown.
type FAQ struct {
	Slug     string
	Question string
	Answer   string   // Markdown, hostile like any other text until a door has cleaned what it renders
	Also     []string // other wordings of the question
	Topics   []string
	Language string // BCP 47; "" = the desk's
	State    FAQState
	By       string // who changed it last
	Made     Time
	Updated  Time
	Up       uint64 // votes: it helped
	Down     uint64 // votes: it did not
	Views    uint64
}

const faqTable Table = "faq"

func faqKey(slug string) key    { return key("").word(slug) }
func (q *FAQ) table() Table     { return faqTable }
func (q *FAQ) key() key         { return faqKey(q.Slug) }
func (q *FAQ) entries() []Entry { return nil }

func (q *FAQ) code(c *coder) {
	c.str(&q.Slug)
	c.str(&q.Question)
	c.str(&q.Answer)
	c.strs(&q.Also)
	c.strs(&q.Topics)
	c.str(&q.Language)
	word(c, &q.State)
	c.str(&q.By)
	c.time(&q.Made)
	c.time(&q.Updated)
	c.u64(&q.Up)
	c.u64(&q.Down)
	c.u64(&q.Views)
}

// SetFAQ makes or changes an FAQ. Votes, views and times are the desk's own and stay. New refuses a slug that is taken.
type SetFAQ struct {
	FAQ FAQ
	New bool
}

// CommandName is the word for the command in the log.
func (*SetFAQ) CommandName() string { return "SetFAQ" }

func (x *SetFAQ) code(c *coder) {
	x.FAQ.code(c)
	c.flag(&x.New)
}

func (x *SetFAQ) apply(s *state) error {
	if err := s.may(WriteFAQ, Object{}); err != nil {
		return err
	}
	q := x.FAQ
	bad := func(words []string, n int) bool {
		return len(words) > n || slices.ContainsFunc(words, func(w string) bool { return !plain(w, 500) })
	}
	switch {
	case !name(q.Slug):
		return refuseField(Invalid, "slug")
	case !plain(q.Question, 500):
		return refuseField(Invalid, "question")
	case bad(q.Also, 20):
		return refuseField(Invalid, "also")
	case bad(q.Topics, 20):
		return refuseField(Invalid, "topics")
	case q.State != FAQDraft && q.State != FAQPublished:
		return refuseField(Invalid, "state")
	}
	if err := firstError(checkBody(q.Answer, "answer", false), checkShort(q.Language, "language", 35)); err != nil {
		return err
	}
	old := get[FAQ](s, q.key())
	if x.New && old != nil {
		return refuseField(Exists, "slug")
	}
	q.Up, q.Down, q.Views, q.Made, q.Updated, q.By = 0, 0, 0, s.now, s.now, s.staffActor()
	if old != nil {
		q.Up, q.Down, q.Views, q.Made = old.Up, old.Down, old.Views, old.Made
	}
	put(s, &q)
	s.faqChanged(q.Slug)
	return nil
}

// faqChanged tells that an FAQ reads differently now, or is gone.
func (s *state) faqChanged(slug string) {
	s.emit(Event{Kind: FAQChanged, Staff: s.staffActor(), Value: slug})
	s.reply.Value = slug
}

// DeleteFAQ removes an FAQ.
type DeleteFAQ struct{ Slug string }

// CommandName is the word for the command in the log.
func (*DeleteFAQ) CommandName() string { return "DeleteFAQ" }

func (x *DeleteFAQ) code(c *coder) { c.str(&x.Slug) }

func (x *DeleteFAQ) apply(s *state) error {
	if err := s.may(WriteFAQ, Object{}); err != nil {
		return err
	}
	q := get[FAQ](s, faqKey(x.Slug))
	if q == nil {
		return refuseField(NotFound, "slug")
	}
	remove(s, q)
	s.faqChanged(q.Slug)
	return nil
}

// VoteFAQ says whether an FAQ helped. Anybody may; the door keys it, so that one visitor counts once.
type VoteFAQ struct {
	Slug string
	Up   bool
}

// CommandName is the word for the command in the log.
func (*VoteFAQ) CommandName() string { return "VoteFAQ" }

func (x *VoteFAQ) code(c *coder) {
	c.str(&x.Slug)
	c.flag(&x.Up)
}

func (x *VoteFAQ) apply(s *state) error {
	q := get[FAQ](s, faqKey(x.Slug))
	if q == nil || q.State != FAQPublished {
		return refuseField(NotFound, "slug")
	}
	if x.Up {
		q.Up++
	} else {
		q.Down++
	}
	put(s, q)
	return nil
}

// CountFAQViews adds the views that a node has counted since its last one.
type CountFAQViews struct {
	Slug  string
	Views uint64
}

// CommandName is the word for the command in the log.
func (*CountFAQViews) CommandName() string { return "CountFAQViews" }

func (x *CountFAQViews) code(c *coder) {
	c.str(&x.Slug)
	c.u64(&x.Views)
}

func (x *CountFAQViews) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	q := get[FAQ](s, faqKey(x.Slug))
	if q == nil {
		return refuseField(NotFound, "slug")
	}
	q.Views += min(x.Views, 1<<20)
	put(s, q)
	return nil
}

// FAQMiss is something that was searched for in vain.
type FAQMiss struct {
	Query string // lower case, blanks folded
	Count uint64
	Last  Time
}

// The bounds of what is kept of searches in vain.
const (
	maxMiss   = 120  // runes of a query
	maxMisses = 1000 // queries; the one that lies back longest goes first
)

const missTable Table = "faq-miss"

func (m *FAQMiss) table() Table     { return missTable }
func (m *FAQMiss) key() key         { return key("").word(m.Query) }
func (m *FAQMiss) entries() []Entry { return []Entry{{byTime, string(key("").num(uint64(m.Last)))}} }

func (m *FAQMiss) code(c *coder) {
	c.str(&m.Query)
	c.u64(&m.Count)
	c.time(&m.Last)
}

// CountFAQMiss counts a search that found nothing good. Nodes propose it, without saying who searched.
type CountFAQMiss struct{ Query string }

// CommandName is the word for the command in the log.
func (*CountFAQMiss) CommandName() string { return "CountFAQMiss" }

func (x *CountFAQMiss) code(c *coder) { c.str(&x.Query) }

func (x *CountFAQMiss) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	query := strings.Join(strings.Fields(strings.ToLower(x.Query)), " ")
	if !plain(query, 4*maxMiss) || utf8.RuneCountInString(query) > maxMiss {
		return refuseField(Invalid, "query")
	}
	m := get[FAQMiss](s, key("").word(query))
	if m == nil {
		m = &FAQMiss{Query: query}
		if all := find[FAQMiss](s, Range{Index: byTime, Limit: maxMisses}); len(all) >= maxMisses {
			remove(s, all[0])
		}
	}
	m.Count++
	m.Last = s.now
	put(s, m)
	return nil
}
