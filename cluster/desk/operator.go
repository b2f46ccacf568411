// SPDX-License-Identifier: Apache-2.0

package desk

// operatorUnseen starts the clocks of a person's chats when their last live session is gone.
func (s *state) operatorUnseen(account string) {
	if s.connected(account) {
		return
	}
	for _, h := range s.ownedBy(account) {
		if h.LostAt == 0 {
			s.startOperatorTimers(h)
			put(s, h)
		}
	}
}

func (s *state) startOperatorTimers(h *Chat) {
	h.LostAt = s.now
	s.later(DueGrace, h.Number, s.clock(ClockOperatorGrace))
	s.later(DueRering, h.Number, s.clock(ClockRering))
}

// operatorSeen stops the clocks when somebody is connected again.
func (s *state) operatorSeen(account string) {
	if !s.connected(account) {
		return
	}
	for _, h := range s.ownedBy(account) {
		if h.LostAt == 0 {
			continue
		}
		told := h.Told
		h.LostAt, h.Told = 0, false
		s.cancel(h.Number, DueGrace, DueRering)
		put(s, h)
		if told {
			s.tell(h, true, Event{Kind: OperatorBack, Staff: account})
		}
	}
}

// operatorGrace tells the patron that they are being reconnected.
func (s *state) operatorGrace(h *Chat) {
	if h.State != Claimed || h.LostAt == 0 || h.Told {
		return
	}
	h.Told = true
	put(s, h)
	s.tell(h, true, Event{Kind: OperatorLost, Staff: h.Owner})
}

// operatorRering gives the chat of a lost operator to whoever is there.
func (s *state) operatorRering(h *Chat) error {
	if h.State != Claimed || h.LostAt == 0 {
		return nil
	}
	return s.requeue(h, "operator-lost")
}
