// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"cmp"
	"slices"
)

// FAQReader is the part of Reader that is about FAQs and canned replies.
type FAQReader interface {
	// FAQs lists all FAQs, sorted by slug. Who isn't staff gets the published ones.
	FAQs() ([]*FAQ, error)
	// FAQ returns one by its slug.
	FAQ(slug string) (*FAQ, error)
	// FAQMisses lists what was searched for in vain, the most frequent first. Staff only.
	FAQMisses(limit int) ([]*FAQMiss, error)
	// Canned lists the replies that an account can send, sorted by name: its own, which hide shared ones of the same name.
	Canned(account string) ([]*Canned, error)
}

func (r *reader) readsFAQ(q *FAQ) bool {
	return q.State == FAQPublished || Can(r.who, ReadDirectory, Object{})
}

func (r *reader) FAQs() ([]*FAQ, error) {
	found, err := scan[FAQ](r.src, Range{})
	return slices.DeleteFunc(found, func(q *FAQ) bool { return !r.readsFAQ(q) }), err
}

func (r *reader) FAQ(slug string) (*FAQ, error) {
	q, err := one[FAQ](r, faqKey(slug), "faq")
	if err == nil && !r.readsFAQ(q) {
		return nil, refuseField(NotFound, "faq")
	}
	return q, err
}

func (r *reader) FAQMisses(limit int) ([]*FAQMiss, error) {
	if err := r.can(ReadDirectory, Object{}); err != nil {
		return nil, err
	}
	found, err := scan[FAQMiss](r.src, Range{})
	slices.SortFunc(found, func(a, b *FAQMiss) int {
		return -cmp.Or(cmp.Compare(a.Count, b.Count), cmp.Compare(a.Last, b.Last))
	})
	if limit > 0 && len(found) > limit {
		found = found[:limit]
	}
	return found, err
}

func (r *reader) Canned(account string) ([]*Canned, error) {
	if err := r.can(OwnAccount, Object{Owner: account}); err != nil {
		return nil, err
	}
	own, err := scan[Canned](r.src, Range{Prefix: string(key("").word(account))})
	if err != nil || account == "" {
		return own, err
	}
	shared, err := scan[Canned](r.src, Range{Prefix: string(key("").word(""))})
	for _, k := range shared {
		if !slices.ContainsFunc(own, func(o *Canned) bool { return o.Name == k.Name }) {
			own = append(own, k)
		}
	}
	slices.SortFunc(own, func(a, b *Canned) int { return cmp.Compare(a.Name, b.Name) })
	return own, err
}
