// SPDX-License-Identifier: Apache-2.0

package desk

// RedactLine takes a whole line, or a word wherever it stands in the chat's lines, out for good. Exactly one of Line and
// Word is set. The reply's Value is empty; a word that is nowhere is NotFound (Field "word").
type RedactLine struct {
	Chat uint64
	Line uint64
	Word string
}

// CommandName is the word for the command in the log.
func (*RedactLine) CommandName() string { return "RedactLine" }

func (x *RedactLine) code(c *coder) {
	c.u64(&x.Chat)
	c.u64(&x.Line)
	c.str(&x.Word)
}

func (x *RedactLine) apply(s *state) error {
	h, err := s.chat(x.Chat, AnnotateChat)
	if err != nil {
		return err
	}
	switch {
	case s.env.Actor.Kind == PatronKind:
		return refuse(NotAllowed)
	case (x.Line == 0) == (x.Word == ""):
		return refuseField(Invalid, "line")
	case x.Word != "" && !plain(x.Word, 200):
		return refuseField(Invalid, "word")
	}
	s.reply.Chat = h.Number
	if x.Line != 0 {
		l := get[Line](s, lineKey(h.Number, x.Line))
		if l == nil {
			return refuseField(NotFound, "line")
		}
		s.redact(h, l, redactedMask)
		return nil
	}
	found := false
	for _, l := range find[Line](s, Range{Prefix: string(chatKey(h.Number))}) {
		if text, ok := redactWord(l.Text, x.Word); ok {
			s.redact(h, l, text)
			found = true
		}
	}
	var name, comment bool
	h.Name, name = redactWord(h.Name, x.Word)
	h.Comment, comment = redactWord(h.Comment, x.Word)
	if name || comment {
		put(s, h)
		s.tell(h, false, Event{Kind: ContactChanged})
		found = true
	}
	if !found {
		return refuseField(NotFound, "word")
	}
	return nil
}

// redact gives a line another text. The patron's page is told unless it is a note.
func (s *state) redact(h *Chat, l *Line, text string) {
	if l.Text == text {
		return
	}
	l.Text, l.Redacted = text, true
	put(s, l)
	s.tell(h, l.Kind != NoteLine, Event{Kind: LineRedacted, Line: l.Line, Staff: s.env.Actor.ID, Ref: l.Seq})
}
