// SPDX-License-Identifier: Apache-2.0

package desk

// Held is a text that looked like a slip: nobody has seen it, and its writer may still send it. One a chat and person.
type Held struct {
	Account string
	Chat    uint64
	ID      string
	Text    string
	At      Time
}

const heldTable Table = "held"

func heldKey(account string, chat uint64) key { return key("").word(account).num(chat) }
func (t *Held) table() Table                  { return heldTable }
func (t *Held) key() key                      { return heldKey(t.Account, t.Chat) }
func (t *Held) entries() []Entry              { return []Entry{{byTime, string(key("").num(uint64(t.At)))}} }

func (t *Held) code(c *coder) {
	c.str(&t.Account)
	c.u64(&t.Chat)
	c.str(&t.ID)
	c.str(&t.Text)
	c.time(&t.At)
}

// HoldText keeps a text back. A newer one replaces it.
type HoldText struct {
	Chat uint64
	ID   string
	Text string
	Why  string // a word for the reason: "slip", "unknown", "late", "long", …
}

// CommandName is the word for the command in the log.
func (*HoldText) CommandName() string { return "HoldText" }

func (x *HoldText) code(c *coder) {
	c.u64(&x.Chat)
	c.str(&x.ID)
	c.str(&x.Text)
	c.str(&x.Why)
}

func (x *HoldText) apply(s *state) error {
	if s.env.Actor.Kind != StaffKind {
		return refuse(NotAllowed)
	}
	if len(x.Text) == 0 || len(x.Text) > 32<<10 || !plain(x.Why, 32) {
		return refuseField(Invalid, "text")
	}
	if err := checkShort(x.ID, "id", 256); err != nil {
		return err
	}
	put(s, &Held{Account: s.env.Actor.ID, Chat: x.Chat, ID: x.ID, Text: x.Text, At: s.now})
	s.reply.Chat = x.Chat
	e := Event{Kind: TextHeld, Chat: x.Chat, Staff: s.env.Actor.ID, Value: x.Why}
	e.Audience.Staff = []string{s.env.Actor.ID}
	s.emit(e)
	return nil
}

// SendHeld sends what was held for a chat, as the line it would have been.
type SendHeld struct{ Chat uint64 }

// CommandName is the word for the command in the log.
func (*SendHeld) CommandName() string { return "SendHeld" }

func (x *SendHeld) code(c *coder) { c.u64(&x.Chat) }

func (x *SendHeld) apply(s *state) error {
	t := get[Held](s, heldKey(s.env.Actor.ID, x.Chat))
	if t == nil || s.now.Sub(t.At) > s.clock(ClockHeld) {
		return refuseField(NotFound, "held")
	}
	if err := checkText(t.Text, "text"); err != nil {
		return err
	}
	if err := s.staffLine(&PostLine{Chat: x.Chat, ID: t.ID, Text: t.Text}); err != nil {
		return err
	}
	remove(s, t)
	return nil
}
