// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"context"
	"errors"
	"time"

	"refdesk/bridge/alarm"
	"refdesk/bridge/alarm/target"
	"refdesk/cluster/desk"
)

// alarm tells whoever is to be told that a chat waits and nobody claims it. The event is told by the node that leads when
// it happens; an alarm that is late helps nobody, so it is not kept for another.
func (b *Bridge) alarm(ctx context.Context, e desk.Event) {
	if len(b.cfg.Alarms) == 0 {
		return
	}
	a := alarm.Alarm{Chat: e.Chat, Department: e.Department, Name: e.Department, Waited: time.Duration(e.N) * time.Second, Board: b.cfg.Board}
	err := b.view(ctx, func(r desk.Reader) error {
		d, err := r.Department(e.Department)
		if err == nil {
			a.Name = d.Name
		}
		return err
	})
	if err != nil {
		b.warn(ctx, "read the department of an alarm", err)
	}
	b.teller.Raise(a)
	for _, to := range b.cfg.Alarms {
		if to.Kind != target.Mail || !to.For(a.Department) {
			continue
		}
		err := b.Send(ctx, Letter{To: to.Address, Subject: a.Title(), Text: a.Text()})
		if err != nil && !errors.Is(err, ErrCaptured) {
			b.warn(ctx, "mail an alarm", err, "chat", e.Chat)
		}
	}
}
