// SPDX-License-Identifier: Apache-2.0

package desk

// Message is a line between two members of staff.
type Message struct {
	Number uint64
	Seq    uint64
	At     Time
	From   string // account
	To     string // account
	ID     string // the sender's own id
	Body   string
}

const messageTable Table = "message"

func (m *Message) table() Table     { return messageTable }
func (m *Message) key() key         { return key("").num(m.Number) }
func (m *Message) entries() []Entry { return nil }

func (m *Message) code(c *coder) {
	c.u64(&m.Number)
	c.u64(&m.Seq)
	c.time(&m.At)
	c.str(&m.From)
	c.str(&m.To)
	c.str(&m.ID)
	c.str(&m.Body)
}

// SendMessage writes to a colleague, connected or not.
type SendMessage struct {
	To     string
	ID     string
	Body   string
	Resend string // as PostLine.Resend
}

// CommandName is the word for the command in the log.
func (*SendMessage) CommandName() string { return "SendMessage" }

func (x *SendMessage) code(c *coder) {
	c.str(&x.To)
	c.str(&x.ID)
	c.str(&x.Body)
	c.str(&x.Resend)
}

func (x *SendMessage) apply(s *state) error {
	if err := s.may(MessageStaff, Object{}); err != nil {
		return err
	}
	if err := firstError(checkText(x.Body, "body"), checkShort(x.ID, "id", 256), checkShort(x.Resend, "resend", 64)); err != nil {
		return err
	}
	if p := get[Staff](s, staffKey(x.To)); p == nil || p.Disabled {
		return refuseField(NotFound, "to")
	}
	if s.resent(x.Resend) {
		return nil
	}
	s.meta.Message++
	m := &Message{Number: s.meta.Message, At: s.now, From: s.env.Actor.ID, To: x.To, ID: x.ID, Body: x.Body}
	m.Seq = s.emit(Event{
		Kind: MessageSent, Staff: m.From, To: m.To, Ref: m.Number, Session: s.env.Actor.Session,
		Audience: Audience{Staff: unique([]string{m.From, m.To})},
	})
	put(s, m)
	s.remember(x.Resend)
	return nil
}

// AccountData is something a client keeps on its server: roster, private XML, vCard, PEP item, blocklist.
type AccountData struct {
	Account   string
	Namespace string
	Item      string
	Data      []byte
}

// The bounds of what one account may keep.
const (
	MaxAccountData  = 48 << 10 // bytes an item
	MaxAccountItems = 1000     // items
)

const accountDataTable Table = "account-data"

func (d *AccountData) table() Table     { return accountDataTable }
func (d *AccountData) entries() []Entry { return nil }
func (d *AccountData) key() key {
	return key("").word(d.Account).word(d.Namespace).word(d.Item)
}

func (d *AccountData) code(c *coder) {
	c.str(&d.Account)
	c.str(&d.Namespace)
	c.str(&d.Item)
	c.bytes(&d.Data)
}

// SetAccountData stores one item of the actor's own; empty Data deletes it.
type SetAccountData struct {
	Namespace string
	Item      string
	Data      []byte
}

// CommandName is the word for the command in the log.
func (*SetAccountData) CommandName() string { return "SetAccountData" }

func (x *SetAccountData) code(c *coder) {
	c.str(&x.Namespace)
	c.str(&x.Item)
	c.bytes(&x.Data)
}

func (x *SetAccountData) apply(s *state) error {
	me := s.env.Actor.ID
	if s.env.Actor.Kind != StaffKind {
		return refuse(NotAllowed)
	}
	if err := s.may(OwnAccount, Object{Owner: me}); err != nil {
		return err
	}
	if !plain(x.Namespace, 300) || !plain(x.Item, 1100) {
		return refuseField(Invalid, "item")
	}
	if len(x.Data) > MaxAccountData {
		return refuseField(Invalid, "data")
	}
	d := &AccountData{Account: me, Namespace: x.Namespace, Item: x.Item, Data: x.Data}
	if len(x.Data) == 0 {
		remove(s, d)
	} else {
		if get[AccountData](s, d.key()) == nil {
			n := len(find[AccountData](s, Range{Prefix: string(staffKey(me)), Limit: MaxAccountItems}))
			if n >= MaxAccountItems {
				return refuseField(Busy, "item")
			}
		}
		put(s, d)
	}
	s.emit(Event{
		Kind: AccountDataChanged, Staff: me, Value: x.Namespace, Session: s.env.Actor.Session,
		Audience: Audience{Staff: []string{me}},
	})
	return nil
}

// position is how far an account's clients have come in its events: the highest seq that any of them acknowledged.
type position struct {
	Account string
	Seq     uint64
}

const positionTable Table = "position"

func (p *position) table() Table     { return positionTable }
func (p *position) key() key         { return staffKey(p.Account) }
func (p *position) entries() []Entry { return nil }

func (p *position) code(c *coder) {
	c.str(&p.Account)
	c.u64(&p.Seq)
}

// MovePosition tells how far an account's clients have come. It never goes back.
type MovePosition struct {
	Account string
	Seq     uint64
}

// CommandName is the word for the command in the log.
func (*MovePosition) CommandName() string { return "MovePosition" }

func (x *MovePosition) code(c *coder) {
	c.str(&x.Account)
	c.u64(&x.Seq)
}

func (x *MovePosition) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	if x.Seq > s.meta.Seq || get[Staff](s, staffKey(x.Account)) == nil {
		return refuseField(Invalid, "seq")
	}
	if p := get[position](s, staffKey(x.Account)); p == nil || p.Seq < x.Seq {
		put(s, &position{Account: x.Account, Seq: x.Seq})
	}
	return nil
}
