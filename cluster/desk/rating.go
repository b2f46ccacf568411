// SPDX-License-Identifier: Apache-2.0

package desk

// RateChat is the patron's word on a chat that is over. A later one takes the place of the one before.
type RateChat struct {
	Chat    uint64
	Score   uint64 // 1–5
	Comment string
}

// CommandName is the word for the command in the log.
func (*RateChat) CommandName() string { return "RateChat" }

func (x *RateChat) code(c *coder) {
	c.u64(&x.Chat)
	c.u64(&x.Score)
	c.str(&x.Comment)
}

func (x *RateChat) apply(s *state) error {
	h, err := s.chat(x.Chat, WriteOwnChat)
	if err != nil {
		return err
	}
	switch {
	case x.Score < 1 || x.Score > 5:
		return refuseField(Invalid, "score")
	case x.Comment != "" && checkText(x.Comment, "comment") != nil:
		return refuseField(Invalid, "comment")
	case h.State != Closed || h.Masked:
		return &Error{Code: NotAllowed, Field: "closed", Chat: h.Number}
	}
	h.Score = x.Score
	h.Comment, _ = maskCards(x.Comment)
	put(s, h)
	s.tell(h, true, Event{Kind: Rated, N: x.Score})
	return nil
}
