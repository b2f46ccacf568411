// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"time"

	"refdesk/bridge/inbox"
)

// Status is how the door is on this node. Only the leader sends and reads.
type Status struct {
	Sending bool      // this node sends
	Paused  bool      // the account takes no mail now
	Why     string    // of the pause
	Since   time.Time // of the first failure
	Again   time.Time // when it is tried again
	Lasting bool      // somebody has to mend something: a password, a certificate
	Mailbox inbox.Health
}

// Status reports how the door is.
func (b *Bridge) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	if b.mailbox != nil {
		s.Mailbox = b.mailbox.Health()
	}
	return s
}

func (b *Bridge) setStatus(f func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.status)
}
