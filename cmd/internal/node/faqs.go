// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"slices"
	"strings"

	"refdesk/cluster/desk"
)

// FAQListArgs are the arguments of "faq list".
type FAQListArgs struct{ After string } // a slug; "" = from the beginning

// FAQListResult is a part of all FAQs, by slug; More says that there are others behind it.
type FAQListResult struct {
	FAQs []desk.FAQ
	More bool
}

// faqListBytes bounds an answer: one message of the admin socket holds 1 MiB.
const faqListBytes = 256 << 10

// FAQSetResult says what "faq set" did.
type FAQSetResult struct{ Was string } // "new", "changed" or "same"

// addFAQ makes an FAQ that isn't there yet.
func (n *Node) addFAQ(ctx context.Context, q desk.FAQ) (any, error) {
	return nil, n.order(ctx, &desk.SetFAQ{FAQ: q, New: true})
}

// FAQSetArgs are the arguments of "faq set".
type FAQSetArgs struct {
	FAQ desk.FAQ
	Try bool // only say what would be done
}

// setFAQ makes an FAQ, or makes it read as given.
func (n *Node) setFAQ(ctx context.Context, a FAQSetArgs) (FAQSetResult, error) {
	q, was := a.FAQ, "new"
	err := n.store.View(ctx, adminActor(), func(r desk.Reader) error {
		old, err := r.FAQ(q.Slug)
		switch {
		case errors.Is(err, &desk.Error{Code: desk.NotFound}):
			return nil
		case err != nil:
			return err
		case old.Question == q.Question && old.Answer == q.Answer && old.State == q.State && old.Language == q.Language &&
			slices.Equal(old.Also, q.Also) && slices.Equal(old.Topics, q.Topics):
			was = "same"
		default:
			was = "changed"
		}
		return nil
	})
	if err != nil || was == "same" || a.Try {
		return FAQSetResult{was}, err
	}
	return FAQSetResult{was}, n.order(ctx, &desk.SetFAQ{FAQ: q, New: was == "new"})
}

// listFAQs reads a part of all FAQs.
func (n *Node) listFAQs(ctx context.Context, a FAQListArgs) (FAQListResult, error) {
	out := FAQListResult{FAQs: []desk.FAQ{}}
	err := n.store.View(ctx, adminActor(), func(r desk.Reader) error {
		all, err := r.FAQs()
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b *desk.FAQ) int { return strings.Compare(a.Slug, b.Slug) })
		size := 0
		for _, q := range all {
			if q.Slug <= a.After && a.After != "" {
				continue
			}
			if size += len(q.Answer) + 8<<10; size > faqListBytes {
				out.More = true
				return nil
			}
			out.FAQs = append(out.FAQs, *q)
		}
		return nil
	})
	return out, err
}
