// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"refdesk/cluster/desk"
)

// alarm mails whoever is to be told that a chat waits and nobody claims it. It says nothing of what the patron wrote. The
// event is told by the node that leads when it happens; an alarm that is late helps nobody, so it is not kept for another.
func (b *Bridge) alarm(ctx context.Context, e desk.Event) {
	if b.cfg.Notify == "" {
		return
	}
	name := e.Department
	err := b.view(ctx, func(r desk.Reader) error {
		d, err := r.Department(e.Department)
		if err == nil {
			name = d.Name
		}
		return err
	})
	if err != nil {
		b.warn(ctx, "read the department of an alarm", err)
	}
	waited := (time.Duration(e.N) * time.Second).String()
	err = b.Send(ctx, Letter{
		To: b.cfg.Notify, Subject: fmt.Sprintf("Chat %d waits in %s", e.Chat, name),
		Text: fmt.Sprintf("Chat %d in %s has waited for %s, and nobody has claimed it.", e.Chat, name, waited),
	})
	if err != nil && !errors.Is(err, ErrCaptured) {
		b.warn(ctx, "mail an alarm", err, "chat", e.Chat)
	}
}
