// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"strings"
)

// ChatState is where a chat stands: Waiting → Claimed → Closed, or Waiting → Missed → Waiting (the patron is back), Claimed
// (followed up), Ticketed or Dismissed.
type ChatState string

// The states of a chat.
const (
	Waiting   ChatState = "waiting"
	Claimed   ChatState = "claimed"
	Missed    ChatState = "missed"
	Closed    ChatState = "closed"
	Dismissed ChatState = "dismissed" // a missed chat that nobody needs to follow up
	Ticketed  ChatState = "ticketed"  // a missed chat that goes on as a ticket
)

// Ending says how a closed chat came to its end.
type Ending string

// The endings. The zero one is the word of its owner.
const EndedSilent Ending = "silent" // its patron said nothing more

// Chat is one conversation of a patron with the desk. At most one member of staff owns it at any seq.
type Chat struct {
	Number     uint64
	ID         string // the client's own id (UUID)
	Token      string // hex SHA-256 of the patron's token
	Department string
	State      ChatState
	Owner      string   // account; "" unless claimed (or closed: who closed it)
	Joined     []string // accounts that may write too
	Watching   []string // accounts that only read
	Name       string   // as the patron gave it, unverified
	Email      string   // as the patron gave it, unverified
	Locale     string
	PageURL    string
	PageTitle  string
	Tags       []string
	Offer      Offer // a transfer that waits for an answer
	Opened     Time
	Queued     Time // since when it waits; front of the queue = earliest
	ClaimedAt  Time
	ClosedAt   Time
	ClosedBy   string
	MissedAt   Time
	Lines      uint64 // number of the last line
	PatronSeq  uint64 // seq of the patron's last line
	Answered   bool   // a member of staff wrote to the patron
	Received   uint64 // highest seq that the patron's page has
	Shown      uint64 // highest seq that the patron's page showed
	Rings      uint64
	Attached   []string // nodes on which the patron is attached
	Detached   Time     // when the last of them was lost
	LostAt     Time     // when the owner's last session went
	Told       bool     // the patron was told that the owner is being reconnected

	Since        Time     // since when it waits, or waited last
	Step         uint64   // how many steps of the ladder were done
	Rung         []string // accounts that it rang for, this time of waiting
	Heard        []string // those of them of whom a client confirmed the newest ring
	Declined     []string // those of them who will not take it
	Silent       uint64   // stage of the patron's silence; not 0 = it doesn't count against the owner's limit
	Ending       Ending
	ToTag        bool // closed without a tag: on its owner's list
	Fields       []Field
	ContactUntil Time // until when the patron's page asks for an address; 0 = it doesn't
	Promise      Promise
	Score        uint64 // the patron's rating, 1–5; 0 = none
	Comment      string // with the rating
	Undo         Undo
	NoStore      bool // lines are not kept after the end, and never indexed
	Masked       bool // what tells who the patron was is gone
}

// Offer is a transfer to a colleague; To "" means none.
type Offer struct {
	To  string
	By  string
	At  Time
	Why string
}

const chatTable Table = "chat"

func (h *Chat) table() Table { return chatTable }
func (h *Chat) key() key     { return chatKey(h.Number) }
func chatKey(n uint64) key   { return key("").num(n) }

func (h *Chat) entries() []Entry {
	out := []Entry{
		{byToken, string(key("").word(h.Token).num(h.Number))},
		{byState, string(key("").word(string(h.State)).word(h.Department).num(uint64(h.Queued)))},
	}
	if h.State == Claimed {
		for _, a := range append([]string{h.Owner}, h.Joined...) {
			out = append(out, Entry{byOwner, string(key("").word(a).num(h.Number))})
		}
	}
	if h.ToTag && h.State == Closed {
		out = append(out, Entry{byToTag, string(key("").word(h.Owner).num(h.Number))})
	}
	if at, over := h.ended(); over && !h.Masked {
		out = append(out, Entry{byEnd, string(key("").word(h.Department).num(uint64(at)))})
	}
	for _, n := range h.Attached {
		out = append(out, Entry{byNode, string(key("").word(n))})
	}
	return out
}

func (h *Chat) code(c *coder) {
	c.u64(&h.Number)
	c.str(&h.ID)
	c.str(&h.Token)
	c.str(&h.Department)
	word(c, &h.State)
	c.str(&h.Owner)
	c.strs(&h.Joined)
	c.strs(&h.Watching)
	c.str(&h.Name)
	c.str(&h.Email)
	c.str(&h.Locale)
	c.str(&h.PageURL)
	c.str(&h.PageTitle)
	c.strs(&h.Tags)
	c.str(&h.Offer.To)
	c.str(&h.Offer.By)
	c.time(&h.Offer.At)
	c.str(&h.Offer.Why)
	c.time(&h.Opened)
	c.time(&h.Queued)
	c.time(&h.ClaimedAt)
	c.time(&h.ClosedAt)
	c.str(&h.ClosedBy)
	c.time(&h.MissedAt)
	c.u64(&h.Lines)
	c.u64(&h.PatronSeq)
	c.flag(&h.Answered)
	c.u64(&h.Received)
	c.u64(&h.Shown)
	c.u64(&h.Rings)
	c.strs(&h.Attached)
	c.time(&h.Detached)
	c.time(&h.LostAt)
	c.flag(&h.Told)
	c.time(&h.Since)
	c.u64(&h.Step)
	c.strs(&h.Rung)
	c.strs(&h.Heard)
	c.strs(&h.Declined)
	c.u64(&h.Silent)
	word(c, &h.Ending)
	c.flag(&h.ToTag)
	codeFields(c, &h.Fields)
	c.time(&h.ContactUntil)
	h.Promise.code(c)
	c.u64(&h.Score)
	c.str(&h.Comment)
	h.Undo.code(c)
	c.flag(&h.NoStore)
	c.flag(&h.Masked)
}

// ended reports whether the chat is over and when.
func (h *Chat) ended() (Time, bool) {
	switch h.State {
	case Closed, Dismissed, Ticketed:
		return h.ClosedAt, true
	case Missed:
		return h.MissedAt, true
	}
	return 0, false
}

// parties are the accounts that follow the chat's lines.
func (h *Chat) parties() []string {
	var out []string
	if h.State == Claimed || h.State == Closed {
		if h.Owner != "" {
			out = append(out, h.Owner)
		}
	}
	return append(append(out, h.Joined...), h.Watching...)
}

// object is what Can asks about a chat.
func (s *state) object(h *Chat) Object {
	o := Object{Token: h.Token, Owner: h.Owner, Joined: h.Joined, To: h.Offer.To, Rung: h.Rung}
	if d := get[Department](s, departmentKey(h.Department)); d != nil {
		o.Crew = d.Crew()
	}
	return o
}

// chat loads a chat that the actor may do this to. What he may not even read does not exist for him.
func (s *state) chat(number uint64, action Action) (*Chat, error) {
	h := get[Chat](s, chatKey(number))
	if h == nil {
		return nil, refuseField(NotFound, "chat")
	}
	o := s.object(h)
	if err := s.may(action, o); err != nil {
		if s.env.Actor.Kind != StaffKind || s.may(ReadChat, o) != nil && s.may(ClaimWaiting, o) != nil {
			return nil, refuseField(NotFound, "chat")
		}
		return nil, err
	}
	return h, nil
}

// tell emits an event about a chat to its parties, to the departments that answer it and, if it concerns them, the
// patron. The lines of a claimed chat are its parties' alone.
func (s *state) tell(h *Chat, patron bool, e Event) uint64 {
	e.Chat, e.Department = h.Number, h.Department
	e.Audience.Patron = patron
	e.Audience.Staff = append(e.Audience.Staff, h.parties()...)
	private := h.State == Claimed && (e.Kind == LinePosted || e.Kind == LineSeen)
	if d := get[Department](s, departmentKey(h.Department)); d != nil && !private {
		e.Audience.Departments = append(e.Audience.Departments, d.Crew()...)
	}
	e.Audience.Staff = unique(e.Audience.Staff)
	e.Audience.Departments = unique(e.Audience.Departments)
	s.reply.Chat = h.Number
	return s.emit(e)
}

func unique(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

func (s *state) ownedBy(account string) []*Chat {
	found := find[Chat](s, Range{Index: byOwner, Prefix: string(key("").word(account))})
	return slices.DeleteFunc(found, func(h *Chat) bool { return h.Owner != account })
}

// OpenChat is a patron's question. With the token of a chat that is open or ended lately, that chat goes on and the
// question becomes its next line. The actor is the patron whose token hash it names.
type OpenChat struct {
	ID         string
	Department string
	Question   string
	Name       string
	Email      string
	Locale     string
	PageURL    string
	PageTitle  string
	Node       string // where the patron is attached by this call
	NoStore    bool   // the patron asks for nothing to be kept
}

// CommandName is the word for the command in the log.
func (*OpenChat) CommandName() string { return "OpenChat" }

func (x *OpenChat) code(c *coder) {
	c.str(&x.ID)
	c.str(&x.Department)
	c.str(&x.Question)
	c.str(&x.Name)
	c.str(&x.Email)
	c.str(&x.Locale)
	c.str(&x.PageURL)
	c.str(&x.PageTitle)
	c.str(&x.Node)
	c.flag(&x.NoStore)
}

// asSent leaves out the node that the call came in on.
func (x *OpenChat) asSent() Command {
	sent := *x
	sent.Node = ""
	return &sent
}

func (x *OpenChat) check() error {
	if err := checkText(x.Question, "question"); err != nil {
		return err
	}
	if !plain(x.ID, 64) {
		return refuseField(Invalid, "id")
	}
	return firstError(
		checkShort(x.Name, "name", 200), checkEmail(x.Email), checkShort(x.Locale, "locale", 35),
		checkShort(x.PageURL, "page_url", 2000), checkShort(x.PageTitle, "page_title", 300),
	)
}

func (x *OpenChat) apply(s *state) error {
	token := s.env.Actor.ID
	if s.env.Actor.Kind != PatronKind || !plain(token, 64) {
		return refuse(NotAllowed)
	}
	if err := x.check(); err != nil {
		return err
	}
	if h := s.continued(token); h != nil {
		s.attach(h, x.Node)
		return s.patronLine(h, x.ID, x.Question)
	}
	d := get[Department](s, departmentKey(x.Department))
	if d == nil {
		return refuseField(NotFound, "department")
	}
	w := s.crew(d)
	if w.state() == StateClosed {
		return refuseField(Offline, "department")
	}
	s.meta.Number++
	h := &Chat{
		Number: s.meta.Number, ID: x.ID, Token: token, Department: d.ID, State: Waiting, Opened: s.now, Queued: s.now,
		Since: s.now, NoStore: x.NoStore || d.NoStore,
		Name: x.Name, Email: x.Email, Locale: x.Locale, PageURL: x.PageURL, PageTitle: x.PageTitle,
	}
	if x.Node != "" {
		h.Attached = []string{x.Node}
	} else {
		h.Detached = s.now
		s.later(DueGone, h.Number, s.clock(ClockGone))
	}
	put(s, h)
	s.tell(h, true, Event{Kind: ChatOpened})
	s.addLine(h, Line{From: FromPatron, Kind: TextLine, ID: x.ID, Text: x.Question})
	asked := s.reply
	put(s, h)
	s.ring(h)
	s.reply = asked
	s.reply.Opened = true
	return nil
}

// continued finds the chat of a token that may still go on.
func (s *state) continued(token string) *Chat {
	last := find[Chat](s, Range{Index: byToken, Prefix: string(key("").word(token)), Limit: 1, Desc: true})
	if len(last) == 0 {
		return nil
	}
	if at, over := last[0].ended(); over && (last[0].Masked || s.now.Sub(at) >= s.clock(ClockResumable)) {
		return nil
	}
	return last[0]
}

func (s *state) crew(d *Department) crew {
	w, err := crewAt(s.tx, d, s.clockTable(), s.now)
	s.fail(err)
	return w
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkEmail refuses what can't be an address; whether it reaches anybody is for a mail to find out.
func checkEmail(a string) error {
	if a == "" {
		return nil
	}
	local, domain, ok := strings.Cut(a, "@")
	if !ok || local == "" || domain == "" || !plain(a, 254) || strings.ContainsAny(a, " <>,;\"()") || strings.Contains(domain, "@") {
		return refuseField(Invalid, "email")
	}
	return nil
}
