// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"slices"
	"testing"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

func TestTheDemosQuestionsAreGoodFAQs(t *testing.T) {
	all, err := faqs()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 || !slices.ContainsFunc(all, func(q desk.FAQ) bool { return q.Question == "How many books can I borrow?" }) {
		t.Errorf("%d questions", len(all))
	}
	s := desktest.NewStore()
	for _, q := range all {
		if err := s.Admin(&desk.SetFAQ{FAQ: q, New: true}); err != nil {
			t.Errorf("%s: %v", q.Slug, err)
		}
		if len(q.Topics) == 0 || len(q.Also) == 0 {
			t.Errorf("%s has no topics, or no other wording", q.Slug)
		}
	}
}
