// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// FAQHit is one FAQ that answers what was asked.
type FAQHit struct {
	Slug     string  `json:"slug"`
	Question string  `json:"question"`
	Snippet  string  `json:"snippet"` // plain text out of the answer
	Score    float64 `json:"score"`   // for comparing within one answer
}

// FAQs is the search over published FAQs.
type FAQs interface {
	// Answer lists at most limit FAQs for a text, the best first. good is false when none of them answers it: those are
	// not shown. A lang of "" means any.
	Answer(ctx context.Context, text, lang string, limit int) (hits []FAQHit, good bool, err error)
}

// The bounds of a search.
const (
	minQuery    = 2   // code points
	maxQuery    = 200 // code points; what is longer is cut
	usualHits   = 5
	maxHits     = 20
	faqFresh    = 2 * time.Second // for how long the list of FAQs is kept
	snippetSize = 160
)

// faqCache keeps the published FAQs for a moment: pages search as one types.
type faqCache struct {
	mu   sync.Mutex
	at   time.Time
	list []*desk.FAQ
}

// published lists the FAQs that patrons may read. The list is shared; nobody changes it.
func (d *Door) published(ctx context.Context) ([]*desk.FAQ, error) {
	d.faqList.mu.Lock()
	defer d.faqList.mu.Unlock()
	now := time.Now()
	if d.faqList.list != nil && now.Sub(d.faqList.at) < faqFresh {
		return d.faqList.list, nil
	}
	list := []*desk.FAQ{}
	err := d.store.View(ctx, desk.Actor{}, func(rd desk.Reader) error {
		found, err := rd.FAQs()
		list = append(list, found...)
		return err
	})
	if err != nil {
		return nil, err
	}
	d.faqList.list, d.faqList.at = list, now
	return list, nil
}

// answer searches. What the index found is checked against the records: it may lag behind them.
func (d *Door) answer(ctx context.Context, text, lang string, limit int) ([]FAQHit, bool, error) {
	text = cleanLine(text)
	if utf8.RuneCountInString(text) < minQuery {
		return []FAQHit{}, false, nil
	}
	if utf8.RuneCountInString(text) > maxQuery {
		text = string([]rune(text)[:maxQuery])
	}
	list, err := d.published(ctx)
	if err != nil {
		return nil, false, err
	}
	var hits []FAQHit
	var good bool
	if d.cfg.FAQs == nil {
		hits, good = matchWords(list, d.frame.Pages().PlainText, text, lang, limit)
	} else if hits, good, err = d.cfg.FAQs.Answer(ctx, text, lang, limit); err != nil {
		return nil, false, err
	}
	known := make(map[string]*desk.FAQ, len(list))
	for _, q := range list {
		known[q.Slug] = q
	}
	out := []FAQHit{}
	for _, hit := range hits {
		if q := known[hit.Slug]; good && q != nil && len(out) < limit {
			hit.Question = q.Question
			hit.Snippet = cut(cleanLine(hit.Snippet), 2*snippetSize)
			out = append(out, hit)
		}
	}
	return out, good && len(out) > 0, nil
}

// found is the answer of GET /faqs.
type found struct {
	Answers []FAQHit `json:"answers"`
	Good    bool     `json:"good"`
}

// searchFAQs is GET /faqs.
func (d *Door) searchFAQs(w http.ResponseWriter, r *http.Request) error {
	limit, err := number(r, "limit", usualHits)
	if err != nil {
		return err
	}
	if err := d.maySearch(r); err != nil {
		return err
	}
	q := r.URL.Query()
	lang, text := q.Get("lang"), q.Get("q")
	if !utf8.ValidString(text) || !utf8.ValidString(lang) || len(lang) > 35 {
		return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "A parameter is not valid UTF-8, or too long.")
	}
	var f found
	f.Answers, f.Good, err = d.answer(r.Context(), text, cleanLine(lang), int(min(max(limit, 1), maxHits)))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, f)
}

// maySearch holds searches to the rate of a network.
func (d *Door) maySearch(r *http.Request) error {
	if net := d.frame.NetworkOf(r); !net.Exempt {
		if ok, wait := d.finds.Take(net.Key); !ok {
			return web.Throttled(wait, "Too many searches come from this network.")
		}
	}
	return nil
}

// postVote is POST /faqs/{slug}/vote. With an id a repeat counts once.
func (d *Door) postVote(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		ID string `json:"id"`
		Up *bool  `json:"up"`
	}
	if err := readBody(r, &body); err != nil {
		return err
	}
	if body.Up == nil {
		return web.Invalid("up", "Say true or false.")
	}
	if body.ID != "" {
		if err := clientID(body.ID); err != nil {
			return err
		}
	}
	if err := d.vote(r, r.PathValue("slug"), body.ID, *body.Up); err != nil {
		return err
	}
	return noContent(w)
}

// keyVote is the kind of key of VoteFAQ; principal: the FAQ's slug, id: the visitor's own.
const keyVote = "vote"

// vote commits whether an FAQ helped. Nobody is known here, so a network's votes on one FAQ are few at once.
func (d *Door) vote(r *http.Request, slug, id string, up bool) error {
	if len(slug) > 64 {
		return &desk.Error{Code: desk.NotFound, Field: "slug"}
	}
	if net := d.frame.NetworkOf(r); !net.Exempt {
		if ok, wait := d.votes.Take(net.Key + " " + slug); !ok {
			return web.Throttled(wait, "Too many votes on this answer come from this network.")
		}
	}
	key := desk.Key{}
	if id != "" {
		key = desk.Key{Kind: keyVote, Principal: slug, ID: id}
	}
	_, err := d.commit(r.Context(), desk.Actor{}, key, &desk.VoteFAQ{Slug: slug, Up: up})
	return err
}

// cut shortens a text to about most code points, at a blank where there is one.
func cut(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	s = string(r[:most])
	if i := strings.LastIndexByte(s, ' '); i > len(s)/2 {
		s = s[:i]
	}
	return s + "…"
}
