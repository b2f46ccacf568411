// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"strings"

	"refdesk/cluster/desk"
)

// Place is where something was typed: the zero Place is the desk's bot, a number that chat's or ticket's own address. One
// of the two at most is set.
type Place struct{ Chat, Ticket uint64 }

func (p Place) bot() bool { return p == Place{} }

// number is the chat's or the ticket's; they share one counter.
func (p Place) number() uint64 { return p.Chat + p.Ticket }

// Input is one message of a member of staff.
type Input struct {
	Actor  desk.Actor // desk.StaffActor(account, session)
	Key    desk.Key   // idempotency key of the stanza, passed on to the one command that it becomes
	Place  Place
	ID     string // the message's own id
	Resend string // as desk.PostLine.Resend
	Body   string // without reply fallbacks (XEP-0461, XEP-0428): the door has removed them
	Reply  bool   // the message had a reply element (XEP-0461)
	// Got tells the highest seq of a chat that the client has acknowledged; 0 = unknown. nil: it is unknown of all.
	Got     func(chat uint64) uint64
	Delayed desk.Time // the message's delay stamp (XEP-0203); 0 = live
	// Typing tells whether the patron of a chat was typing a moment ago; nil: it is known of none.
	Typing func(chat uint64) bool
}

func (in Input) typing(chat uint64) bool { return in.Typing != nil && in.Typing(chat) }

func (in Input) got(chat uint64) uint64 {
	if in.Got == nil {
		return 0
	}
	return in.Got(chat)
}

// Answer is what the sender is told.
type Answer struct {
	Posted  bool        // the body became a line that the patron gets
	Note    bool        // the body became a note
	Held    bool        // the text is kept back; !send sends it
	Command string      // name of the command that ran, "" for plain text
	Text    string      // a sentence for the sender, "" = nothing to say
	Chat    uint64      // the chat that it was about, 0 = none
	Ticket  uint64      // the ticket that it was about, 0 = none
	Open    uint64      // the ticket whose contact the sender wants to see, 0 = none
	Refused *desk.Error // why the desk refused, nil if it didn't; Text says it in words
	Reply   desk.Reply  // the desk's reply, zero if no command was made or it was refused
}

// Options are the console's settings; the zero value is usable.
type Options struct {
	// Address names a chat's own address in answers, e.g. "c42@chat.desk.example"; nil leaves it out.
	Address func(chat uint64) string
	// Lists is how many numbered lists are kept; 0 = 4,096.
	Lists int
	// TicketAddress names a ticket's own address in answers, e.g. "t57@chat.desk.example"; nil leaves it out.
	TicketAddress func(ticket uint64) string
	// FAQs searches the FAQs; nil compares words.
	FAQs FAQs
	// FAQLink is the address of an FAQ's page; nil or "" = it has none.
	FAQLink func(slug string) string
	// Find searches chats and tickets; nil: there is no search.
	Find Finder
}

// Console turns what staff type into commands. Its methods may be called concurrently.
type Console struct {
	store   desk.Store
	now     func() desk.Time
	opts    Options
	grammar *grammar
	lists   *shelf
}

// New returns a console on a store. now is the clock by which ages are told.
func New(store desk.Store, now func() desk.Time, opts Options) *Console {
	return &Console{store: store, now: now, opts: opts, grammar: newGrammar(table()), lists: newShelf(opts.Lists)}
}

// Handle does what a message asks for. An error means that nothing was decided (no quorum, the node stops, ctx ended):
// nothing is said and the door keeps the stanza unacknowledged. Refusals are not errors; they are in the Answer.
func (c *Console) Handle(ctx context.Context, in Input) (Answer, error) {
	in.Body = cleaned(in.Body)
	t := &turn{c: c, ctx: ctx, in: in, now: c.now()}
	p, err := t.judge(c.grammar.parse(in.Body, in.Place.bot(), in.Reply))
	if err != nil {
		return t.settle(Answer{Chat: in.Place.Chat, Ticket: in.Place.Ticket}, err)
	}
	answer, err := t.answer(p)
	return t.settle(answer, err)
}

// cleaned makes valid UTF-8 of a body and plain newlines of its line ends.
func cleaned(body string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n").Replace(strings.ToValidUTF8(body, "\uFFFD"))
}

func (t *turn) answer(p parsed) (Answer, error) {
	bot, ticket := t.bot(), t.in.Place.Ticket
	switch {
	case p.kind == isEmpty:
		return t.tell("There was nothing in it; nothing was sent.")
	case p.kind == isMenu:
		return t.menu()
	case p.kind == isPick:
		return t.pick(p)
	case p.kind == isCommand && p.row == nil && ticket != 0:
		return t.ticketNote(ticket, p.rest)
	case p.kind == isCommand && p.row == nil:
		return t.note(t.in.Place.Chat, p.rest)
	case p.kind == isCommand:
		return t.command(p)
	case bot:
		return t.notUnderstood(p)
	case ticket != 0 && p.kind == isHeld && !quotes(p):
		return t.ticketSlip(p)
	case ticket != 0:
		return t.draft(ticket, p.text)
	case p.kind == isHeld:
		return t.slip(p)
	}
	return t.say(p.text)
}

// judge decides what the grammar alone can't: whether a body that starts like a command is one without its mark.
func (t *turn) judge(p parsed) (parsed, error) {
	if p.kind != isDoubtful {
		return p, nil
	}
	v, err := t.vocabulary()
	if err != nil {
		return p, err
	}
	l, err := t.list()
	if err != nil {
		return p, err
	}
	p.kind = isText
	switch {
	case p.row == nil && l != nil && p.number <= len(l.entries):
		p.kind, p.why = isHeld, whyList
	case p.row == nil && uint64(p.number) != t.in.Place.number() && v.waits(uint64(p.number)):
		p.kind, p.why = isHeld, whyNumber
	case p.row != nil && t.c.grammar.shaped(p.row, p.rest, v):
		p.kind, p.why = isHeld, whySlip
	}
	return p, nil
}

// vocabulary reads what words mean at this chat.
func (t *turn) vocabulary() (vocabulary, error) {
	v := vocabulary{}
	waiting := map[uint64]bool{}
	err := t.view(func(r desk.Reader) error {
		h, d, err := t.chatIn(r, t.in.Place.Chat)
		if err != nil {
			return err
		}
		if k, dept, err := t.ticketIn(r, t.in.Place.Ticket); err != nil {
			return err
		} else if k != nil {
			d, v.tags = dept, append(v.tags, k.Tags...)
		}
		if d != nil {
			v.tags, v.anyTag = append(v.tags, d.Tags...), len(d.Tags) == 0
		}
		if h != nil {
			v.tags = append(v.tags, h.Tags...)
		}
		staff, err := r.StaffList()
		if err != nil {
			return err
		}
		for _, p := range staff {
			v.people = append(v.people, namesOf(p)...)
		}
		depts, err := r.Departments(t.now)
		if err != nil {
			return err
		}
		for _, d := range depts {
			v.people = append(v.people, d.ID)
		}
		canned, err := r.Canned(t.me())
		if missing(err) != nil {
			return err
		}
		for _, k := range canned {
			v.canned = append(v.canned, k.Name)
		}
		for _, state := range []desk.ChatState{desk.Waiting, desk.Missed} {
			found, err := r.Chats(desk.ChatFilter{State: state})
			if err != nil {
				return err
			}
			for _, h := range found {
				waiting[h.Number] = true
			}
		}
		return nil
	})
	v.waits = func(n uint64) bool { return waiting[n] }
	return v, err
}
