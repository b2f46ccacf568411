// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"iter"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// forgetful is a desk that takes the first cursor it is followed from for one of long ago.
type forgetful struct {
	*desktest.Store
	asked  bool
	remind chan struct{} // lets the first Follow answer
}

func (f *forgetful) Follow(ctx context.Context, who desk.Actor, topic desk.Topic, after desk.Cursor) iter.Seq2[desk.Batch, error] {
	if f.asked {
		return f.Store.Follow(ctx, who, topic, after)
	}
	f.asked = true
	return func(yield func(desk.Batch, error) bool) {
		<-f.remind
		yield(desk.Batch{}, &desk.Error{Code: desk.TooOld})
	}
}
