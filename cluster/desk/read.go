// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"strings"
	"time"
)

// Reader is what may be read of one consistent state, by one actor. What the actor may not read is NotFound or missing
// from lists.
type Reader interface {
	// Cursor is the desk's epoch and the seq of the last event of this state.
	Cursor() (Cursor, error)
	// Clock is the value of one of the desk's clocks.
	Clock(c Clock) (time.Duration, error)
	// Setting is the value of a setting, "" if it isn't set.
	Setting(name string) (string, error)

	// Departments lists all departments with what a patron finds there at now, sorted by id.
	Departments(now Time) ([]DepartmentView, error)
	// Department returns one by its id.
	Department(id string) (*Department, error)

	// Chat returns one chat.
	Chat(number uint64) (*Chat, error)
	// Place is the chat's place in its department's queue, 1 = next; 0 when it isn't waiting.
	Place(number uint64) (int, error)
	// Chats lists chats, the longest waiting first.
	Chats(f ChatFilter) ([]*Chat, error)
	// Line returns one line. Patrons get no notes.
	Line(chat, line uint64) (*Line, error)
	// Lines returns the lines of a chat after a line's number, at most limit (0 = all). Patrons get no notes.
	Lines(chat, after uint64, limit int) ([]*Line, error)
	// Held returns the text held for the actor in a chat.
	Held(chat uint64) (*Held, error)
	// ToTag lists the ended chats that wait for a tag of an account, by number.
	ToTag(account string) ([]*Chat, error)
	// MissedChats lists the missed chats of a department ("" = all that the actor may read), the oldest first.
	MissedChats(department string) ([]MissedChat, error)
	// WaitMinutes is how long a patron who comes at now waits in a department, in minutes that four of five waits stay
	// within: 1, 2, 3, 5 or 10. 0 = nothing honest can be said.
	WaitMinutes(department string, now Time) (int, error)
	// WritableUntil is until when the patron's lines reopen an ended chat; 0 while it goes on, or when they don't.
	WritableUntil(chat uint64) (Time, error)
	// LiveChats lists the numbers of chats whose patrons are attached on a node. Nodes only.
	LiveChats(node string) ([]uint64, error)

	// PublicName is an account's name as patrons read it.
	PublicName(account string) (string, error)
	// StaffMember returns one member of staff.
	StaffMember(account string) (*Staff, error)
	// StaffList lists all members of staff, sorted by account.
	StaffList() ([]*Staff, error)
	// Reach says how a member of staff can be reached at now.
	Reach(account string, now Time) (Reach, error)
	// Duty is how a member of staff stands at now, and until when what they said with !on or !off holds (0 = open, or nothing said).
	Duty(account string, now Time) (state DutyState, until Time, err error)
	// Crew lists who is available at now for a department's chats, and who is connected.
	Crew(department string, now Time) (available, connected []string, err error)
	// Sessions lists an account's open sessions, lost ones included.
	Sessions(account string) ([]*Session, error)
	// EverySession lists the open sessions of all accounts, lost ones included, account by account.
	EverySession() ([]*Session, error)
	// SessionsOn lists the open sessions of a node. Nodes only.
	SessionsOn(node string) ([]*Session, error)
	// Devices lists an account's device passwords. Nodes and the account itself.
	Devices(account string) ([]*Device, error)

	// Message returns a message between staff by its number.
	Message(number uint64) (*Message, error)
	// AccountData returns one item that the actor's client keeps; nil data if there is none.
	AccountData(namespace, item string) ([]byte, error)
	// AccountItems lists the items of one namespace, sorted.
	AccountItems(namespace string) ([]*AccountData, error)
	// Position is the highest seq that any client of the account acknowledged.
	Position(account string) (uint64, error)
	// Handled is the highest stanza number of a stream that reached the log, and the account that sent it.
	Handled(smID string) (n uint32, account string, err error)
	// Nodes lists the desk's nodes, without those that were removed.
	Nodes() ([]*Node, error)
	// RemovedNodes lists the nodes that were removed. Nodes only.
	RemovedNodes() ([]*Node, error)
	// Authority returns the desk's certificate authority, PEM, and its sealed key; NotFound if it has none. Nodes only.
	Authority() (cert, sealed []byte, err error)

	TicketReader
	FAQReader
	WebReader
}

// DepartmentView is what a patron sees of a department.
type DepartmentView struct {
	ID       string
	Name     string
	State    DepartmentState
	NextOpen Time // 0 = now, or not known
	Waiting  int
	Default  bool
}

// ChatFilter says which chats to list. Zero fields don't restrict.
type ChatFilter struct {
	State      ChatState // required unless Owner is set
	Department string
	Owner      string // owned or joined, claimed ones only
	Limit      int
}

// reader is the Reader over any source.
type reader struct {
	src Source
	who Who
}

// NewReader binds a source to an actor.
func NewReader(src Source, actor Actor) (Reader, error) {
	who, err := whoIs(src, actor)
	return &reader{src: src, who: who}, err
}

func (r *reader) can(a Action, o Object) error {
	if !Can(r.who, a, o) {
		return refuse(NotAllowed)
	}
	return nil
}

// one loads a record and answers NotFound if there is none.
func one[T any, P pointer[T]](r *reader, k key, field string) (P, error) {
	x, err := load[T, P](r.src, k)
	if err == nil && x == nil {
		return nil, refuseField(NotFound, field)
	}
	return x, err
}

func (r *reader) Cursor() (Cursor, error) { return Seq(r.src) }

func (r *reader) Clock(c Clock) (time.Duration, error) {
	t, err := loadClocks(r.src)
	if err != nil {
		return 0, err
	}
	return t[c], nil
}

func (r *reader) Setting(name string) (string, error) {
	x, err := load[Setting](r.src, key(name))
	if err != nil || x == nil {
		return "", err
	}
	return x.Value, nil
}

func (r *reader) Departments(now Time) ([]DepartmentView, error) {
	all, err := scan[Department](r.src, Range{})
	if err != nil {
		return nil, err
	}
	clocks, err := loadClocks(r.src)
	if err != nil {
		return nil, err
	}
	out := make([]DepartmentView, 0, len(all))
	for _, d := range all {
		w, err := crewAt(r.src, d, clocks, now)
		if err != nil {
			return nil, err
		}
		queue, err := r.queue(Waiting, d.ID)
		if err != nil {
			return nil, err
		}
		v := DepartmentView{ID: d.ID, Name: d.Name, State: w.state(), Waiting: len(queue), Default: d.Default}
		if v.State == StateClosed {
			k, err := load[Calendar](r.src, departmentKey(d.ID))
			if err != nil {
				return nil, err
			}
			if k != nil && !w.open {
				v.NextOpen = k.NextOpen(now)
			}
		}
		out = append(out, v)
	}
	return out, nil
}

func (r *reader) queue(state ChatState, department string) ([]*Chat, error) {
	prefix := key("").word(string(state))
	if department != "" {
		prefix = prefix.word(department)
	}
	return scan[Chat](r.src, Range{Index: byState, Prefix: string(prefix)})
}

func (r *reader) Department(id string) (*Department, error) {
	return one[Department](r, departmentKey(id), "department")
}

// object is what Can asks about a chat.
func (r *reader) object(h *Chat) (Object, error) {
	o := Object{Token: h.Token, Owner: h.Owner, Joined: slices.Concat(h.Joined, h.Watching), To: h.Offer.To, Rung: h.Rung}
	d, err := load[Department](r.src, departmentKey(h.Department))
	if d != nil {
		o.Crew = d.Crew()
	}
	return o, err
}

// readable reports whether the actor may read a chat. Trainees may see what waits, to claim it.
func (r *reader) readable(h *Chat) (bool, error) {
	o, err := r.object(h)
	if err != nil {
		return false, err
	}
	if r.who.Kind == PatronKind {
		return Can(r.who, ReadOwnChat, o), nil
	}
	return Can(r.who, ReadChat, o) || h.State == Waiting && Can(r.who, ClaimWaiting, o), nil
}

func (r *reader) Chat(number uint64) (*Chat, error) {
	h, err := one[Chat](r, chatKey(number), "chat")
	if err != nil {
		return nil, err
	}
	ok, err := r.readable(h)
	if err == nil && !ok {
		err = refuseField(NotFound, "chat")
	}
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (r *reader) Place(number uint64) (int, error) {
	h, err := r.Chat(number)
	if err != nil || h.State != Waiting {
		return 0, err
	}
	queue, err := r.queue(Waiting, h.Department)
	place := 1
	for _, other := range queue {
		if other.Queued < h.Queued || other.Queued == h.Queued && other.Number < h.Number {
			place++
		}
	}
	return place, err
}

func (r *reader) Chats(f ChatFilter) ([]*Chat, error) {
	var found []*Chat
	var err error
	if f.Owner != "" {
		found, err = scan[Chat](r.src, Range{Index: byOwner, Prefix: string(key("").word(f.Owner))})
	} else {
		found, err = r.queue(f.State, f.Department)
	}
	var out []*Chat
	for _, h := range found {
		ok, readErr := r.readable(h)
		if readErr != nil {
			return nil, readErr
		}
		if ok && (f.Department == "" || h.Department == f.Department) {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b *Chat) int { return int(a.Queued - b.Queued) })
	if f.Limit > 0 && len(out) > f.Limit {
		out = out[:f.Limit]
	}
	return out, err
}

func (r *reader) Line(chat, line uint64) (*Line, error) {
	if _, err := r.Chat(chat); err != nil {
		return nil, err
	}
	l, err := one[Line](r, lineKey(chat, line), "line")
	if err == nil && l.Kind == NoteLine && r.who.Kind == PatronKind {
		return nil, refuseField(NotFound, "line")
	}
	return l, err
}

func (r *reader) Lines(chat, after uint64, limit int) ([]*Line, error) {
	if _, err := r.Chat(chat); err != nil {
		return nil, err
	}
	found, err := scan[Line](r.src, Range{Prefix: string(chatKey(chat)), After: string(lineKey(chat, after)), Limit: limit})
	if r.who.Kind == PatronKind {
		found = slices.DeleteFunc(found, func(l *Line) bool { return l.Kind == NoteLine })
	}
	return found, err
}

func (r *reader) Held(chat uint64) (*Held, error) {
	return one[Held](r, heldKey(r.who.ID, chat), "held")
}

func (r *reader) LiveChats(node string) ([]uint64, error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, err
	}
	found, err := scan[Chat](r.src, Range{Index: byNode, Prefix: string(key("").word(node))})
	out := make([]uint64, len(found))
	for i, h := range found {
		out[i] = h.Number
	}
	return out, err
}

func (r *reader) PublicName(account string) (string, error) {
	p, err := one[Staff](r, staffKey(account), "account")
	if err != nil {
		return "", err
	}
	return p.PublicName, nil
}

func (r *reader) StaffMember(account string) (*Staff, error) {
	if err := r.can(ReadDirectory, Object{}); err != nil {
		return nil, err
	}
	return one[Staff](r, staffKey(account), "account")
}

func (r *reader) StaffList() ([]*Staff, error) {
	if err := r.can(ReadDirectory, Object{}); err != nil {
		return nil, err
	}
	return scan[Staff](r.src, Range{})
}

func (r *reader) Reach(account string, now Time) (Reach, error) {
	if err := r.can(ReadDirectory, Object{}); err != nil {
		return Gone, err
	}
	clocks, err := loadClocks(r.src)
	if err != nil {
		return Gone, err
	}
	return reachOf(r.src, account, clocks, now)
}

func (r *reader) Crew(department string, now Time) (available, connected []string, err error) {
	if err := r.can(ReadDirectory, Object{}); err != nil {
		return nil, nil, err
	}
	d, err := r.Department(department)
	if err != nil {
		return nil, nil, err
	}
	clocks, err := loadClocks(r.src)
	if err != nil {
		return nil, nil, err
	}
	w, err := crewAt(r.src, d, clocks, now)
	return w.available, w.connected, err
}

func (r *reader) Sessions(account string) ([]*Session, error) {
	if err := r.can(ReadDirectory, Object{}); err != nil {
		return nil, err
	}
	return sessionsOf(r.src, account)
}

func (r *reader) EverySession() ([]*Session, error) {
	if err := r.can(ReadDirectory, Object{}); err != nil {
		return nil, err
	}
	return scan[Session](r.src, Range{Index: byAccount})
}

func (r *reader) SessionsOn(node string) ([]*Session, error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, err
	}
	return scan[Session](r.src, Range{Index: byNode, Prefix: string(key("").word(node))})
}

func (r *reader) Devices(account string) ([]*Device, error) {
	if err := r.can(OwnAccount, Object{Owner: account}); err != nil {
		return nil, err
	}
	return scan[Device](r.src, Range{Prefix: string(staffKey(account))})
}

func (r *reader) Message(number uint64) (*Message, error) {
	m, err := one[Message](r, key("").num(number), "message")
	if err == nil && m.From != r.who.ID && m.To != r.who.ID {
		return nil, refuseField(NotFound, "message")
	}
	return m, err
}

func (r *reader) AccountData(namespace, item string) ([]byte, error) {
	d, err := load[AccountData](r.src, (&AccountData{Account: r.who.ID, Namespace: namespace, Item: item}).key())
	if err != nil || d == nil {
		return nil, err
	}
	return d.Data, nil
}

func (r *reader) AccountItems(namespace string) ([]*AccountData, error) {
	return scan[AccountData](r.src, Range{Prefix: string(key("").word(r.who.ID).word(namespace))})
}

func (r *reader) Position(account string) (uint64, error) {
	if err := r.can(OwnAccount, Object{Owner: account}); err != nil {
		return 0, err
	}
	p, err := load[position](r.src, staffKey(account))
	if err != nil || p == nil {
		return 0, err
	}
	return p.Seq, nil
}

func (r *reader) Handled(smID string) (uint32, string, error) {
	if err := r.can(RunNode, Object{}); err != nil || smID == "" || strings.ContainsRune(smID, 0) {
		return 0, "", err
	}
	o, err := load[Session](r.src, key("").word(smID))
	if err != nil || o == nil {
		return 0, "", err
	}
	prefix := string(key("").word(KeyStanza).word(smID))
	found, err := scan[keyRecord](r.src, Range{Prefix: prefix, Limit: 1, Desc: true})
	if err != nil || len(found) == 0 {
		return 0, o.Account, err
	}
	var n uint32
	for _, c := range found[0].Key.ID {
		n = n*10 + uint32(c-'0')
	}
	return n, o.Account, nil
}

func (r *reader) Nodes() ([]*Node, error) {
	if err := r.can(ReadDirectory, Object{}); err != nil {
		return nil, err
	}
	all, err := scan[Node](r.src, Range{})
	return slices.DeleteFunc(all, func(n *Node) bool { return n.Gone }), err
}

func (r *reader) RemovedNodes() ([]*Node, error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, err
	}
	all, err := scan[Node](r.src, Range{})
	return slices.DeleteFunc(all, func(n *Node) bool { return !n.Gone }), err
}

func (r *reader) Authority() (cert, sealed []byte, err error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, nil, err
	}
	a, err := load[authority](r.src, "desk")
	if err != nil {
		return nil, nil, err
	}
	if a == nil {
		return nil, nil, refuseField(NotFound, "authority")
	}
	return a.Cert, a.Key, nil
}
