// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"testing"
)

func TestHolds(t *testing.T) {
	d := open(t)
	d.lines("The Xylophones of Willowmere", "nothing else", "Straße")
	ctx := context.Background()
	for _, tc := range []struct {
		rule, word string
		want       bool
	}{
		{"a whole word", "Xylophones", true},
		{"a part of one, in capitals", "LOPHON", true},
		{"two words as they stand in the text", "xylophones of", true},
		{"a letter beyond ASCII", "straße", true},
		{"what nobody wrote", "zither", false},
	} {
		if got, err := d.Holds(ctx, tc.word); err != nil || got != tc.want {
			t.Errorf("%s: %v, %v", tc.rule, got, err)
		}
	}
	if err := d.Delete(ctx, []string{"l1"}, 9); err != nil {
		t.Fatal(err)
	}
	if err := d.Erase(ctx, []string{"l1"}); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Holds(ctx, "xylophones"); err != nil || got {
		t.Errorf("after its erasure: %v, %v", got, err)
	}
}
