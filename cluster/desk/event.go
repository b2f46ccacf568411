// SPDX-License-Identifier: Apache-2.0

package desk

import "strconv"

// EventKind names what happened. The words are stable: they stand in the log of events for seven days.
type EventKind string

// The kinds of event, with the fields each fills beside Seq, At, Kind and the audience.
const (
	ChatOpened         EventKind = "chat-opened"        // Chat Department; the question is the LinePosted that follows
	ChatRang           EventKind = "chat-rang"          // Chat Department; N = how often it has rung, To = recipients in Audience.Staff
	ChatClaimed        EventKind = "chat-claimed"       // Chat Department Staff; To = owner before (a transfer accepted)
	ChatReleased       EventKind = "chat-released"      // Chat Department Staff; it waits again. Value: "released", "operator-lost", "transferred"
	ChatTransferred    EventKind = "chat-transferred"   // Chat Department(new) Staff(by): to another department; it waits there
	ChatMissed         EventKind = "chat-missed"        // Chat Department
	ChatClosed         EventKind = "chat-closed"        // Chat Department Staff(by, "" = nobody); Value "silent" if it ended so
	ChatDismissed      EventKind = "chat-dismissed"     // Chat Department Staff: a missed chat needs no following up
	ChatReopened       EventKind = "chat-reopened"      // Chat Department Staff(owner)
	LinePosted         EventKind = "line-posted"        // Chat Department Line; Staff(by) or ""; Value = LineKind; Session that posted
	LineSeen           EventKind = "line-seen"          // Chat Ref = seq of the line; Value "received" or "shown"
	ChatTagged         EventKind = "chat-tagged"        // Chat Staff Value = tag
	ChatUntagged       EventKind = "chat-untagged"      // Chat Staff Value = tag
	TransferOffered    EventKind = "transfer-offered"   // Chat Staff(by) To
	TransferDeclined   EventKind = "transfer-declined"  // Chat Staff(by) To; the owner keeps it
	TransferLapsed     EventKind = "transfer-lapsed"    // Chat Staff(by) To; no answer in time, the owner keeps it
	StaffJoined        EventKind = "staff-joined"       // Chat Staff
	StaffLeft          EventKind = "staff-left"         // Chat Staff
	ContactChanged     EventKind = "contact-changed"    // Chat
	PatronAttached     EventKind = "patron-attached"    // Chat
	PatronDetached     EventKind = "patron-detached"    // Chat
	PatronGone         EventKind = "patron-gone"        // Chat; Value "left" or "silent": the patron of a claimed chat is away
	OperatorLost       EventKind = "operator-lost"      // Chat Staff: the owner's last session is gone for the grace time
	OperatorBack       EventKind = "operator-back"      // Chat Staff: the owner is connected again
	SessionOpened      EventKind = "session-opened"     // Staff Session Node
	SessionClosed      EventKind = "session-closed"     // Staff Session Node; Value "closed", "lost", "disabled"
	ShowChanged        EventKind = "show-changed"       // Staff Session; Value = Show
	MessageSent        EventKind = "message-sent"       // Staff(from) To Ref = number of the message; Session
	TextHeld           EventKind = "text-held"          // Staff Chat; Value = why
	AccountDataChanged EventKind = "account-data"       // Staff; Value = namespace
	StaffChanged       EventKind = "staff-changed"      // Staff: added, renamed, other role or departments
	StaffDisabled      EventKind = "staff-disabled"     // Staff: sessions end now
	DeviceChanged      EventKind = "device-changed"     // Staff; Value = device name
	DepartmentChanged  EventKind = "department-changed" // Department
	CalendarSet        EventKind = "calendar-set"       // Department
	SettingChanged     EventKind = "setting-changed"    // Value = name
	NodeIsUp           EventKind = "node-up"            // Node
	NodeIsDown         EventKind = "node-down"          // Node
	NodeAdmitted       EventKind = "node-admitted"      // Node: a machine joined; it does not serve yet
	NodeRemoved        EventKind = "node-removed"       // Node: for ever
	LevelRaised        EventKind = "level-raised"       // N = the feature level of the desk from here on

	ContactWanted    EventKind = "contact-wanted"    // Chat Staff(by): the page asks its patron for an address
	TicketLapsed     EventKind = "ticket-lapsed"     // Chat Staff(who wanted it): no ticket, no address came
	TicketOpened     EventKind = "ticket-opened"     // Ticket Department Staff(by, "" = the patron); Chat if it comes from one
	TicketChanged    EventKind = "ticket-changed"    // Ticket Department Staff(by); Value: "state" (To = state), "subject", "tags", "requester", "seen", "admitted", "linked", "merged" (Ref = the other)
	TicketAssigned   EventKind = "ticket-assigned"   // Ticket Department Staff(by) To(account or ""); Value = department before, if another
	EntryAdded       EventKind = "entry-added"       // Ticket Department Entry Staff(by); Value = EntryKind, To = HeldReason; N = 1: a program wrote it, nobody is to be disturbed
	DraftChanged     EventKind = "draft-changed"     // Ticket Department Staff; N = lines; Session
	MailQueued       EventKind = "mail-queued"       // Ticket Department Entry Staff; Ref = MailOut
	MailStateChanged EventKind = "mail-state"        // Ticket Department Entry Staff; Value = MailState, Ref = MailOut (0: wanted)
	FAQChanged       EventKind = "faq-changed"       // Staff; Value = slug: changed, made or deleted
	CannedChanged    EventKind = "canned-changed"    // Staff(owner, "" = shared); Value = name
	WebSessionEnded  EventKind = "web-session-ended" // Staff: look again who is signed in
	RingDeclined     EventKind = "ring-declined"     // Chat Staff: it rings for them no more
	AlarmRaised      EventKind = "alarm-raised"      // Chat Department; N = seconds waited: nobody claimed it by the deadline
	DutyChanged      EventKind = "duty-changed"      // Staff; Value = DutyState; Ref = until when !on or !off holds, a Time, 0 = open
	PatronSilent     EventKind = "patron-silent"     // Chat Staff(owner); N = seconds: it counts no more against the limit
	StillThere       EventKind = "still-there"       // Chat Staff(owner); Ref = the Time at which the chat ends: the page asks
	PatronHere       EventKind = "patron-here"       // Chat: the patron answered StillThere
	MissedListTold   EventKind = "missed-list"       // Staff; N = how many missed chats wait: told to who comes on, then hourly
	WaitPromised     EventKind = "wait-promised"     // Chat Staff; N = minutes, Ref = the Time until: !wait
	WaitDue          EventKind = "wait-due"          // Chat Staff: a promise is due; told to who made it
	WaitLapsed       EventKind = "wait-lapsed"       // Chat Staff: a promise was not kept
	Rated            EventKind = "rated"             // Chat; N = score 1–5
	LineRedacted     EventKind = "line-redacted"     // Chat Line Ref = seq of the line: its text is another now
	ChatMasked       EventKind = "chat-masked"       // Chat; Value "masked": names and addresses are gone; "purged": lines too
)

// Audience is who may see an event, fixed when it happens.
type Audience struct {
	Patron      bool     // the patron of Event.Chat
	Staff       []string // accounts
	Departments []string // everyone of these departments
}

// Event is a committed change. It never carries text: what was written is read by Chat and Line.
type Event struct {
	Seq        uint64 // rises by one with every event of the desk
	At         Time
	Kind       EventKind
	Chat       uint64
	Line       uint64
	Department string
	Staff      string
	To         string
	Session    string
	Node       string
	Value      string
	Ref        uint64
	N          uint64
	Audience   Audience
	Ticket     uint64
	Entry      uint64 // number of the entry within its ticket
}

const eventTable Table = "event"

func (e *Event) table() Table { return eventTable }
func (e *Event) key() key     { return key("").num(e.Seq) }

func (e *Event) entries() []Entry {
	out := []Entry{{byTime, string(key("").num(uint64(e.At)))}}
	if e.Chat != 0 {
		out = append(out, Entry{byChat, string(key("").num(e.Chat).num(e.Seq))})
	}
	if e.Ticket != 0 { // one counter numbers both: what one topic follows is a chat or a ticket
		out = append(out, Entry{byChat, string(key("").num(e.Ticket).num(e.Seq))})
	}
	for _, a := range e.Audience.Staff {
		out = append(out, Entry{byAccount, string(key("").word(a).num(e.Seq))})
	}
	for _, d := range e.Audience.Departments {
		out = append(out, Entry{byDepartment, string(key("").word(d).num(e.Seq))})
	}
	return out
}

func (e *Event) code(c *coder) {
	c.u64(&e.Seq)
	c.time(&e.At)
	word(c, &e.Kind)
	c.u64(&e.Chat)
	c.u64(&e.Line)
	c.str(&e.Department)
	c.str(&e.Staff)
	c.str(&e.To)
	c.str(&e.Session)
	c.str(&e.Node)
	c.str(&e.Value)
	c.u64(&e.Ref)
	c.u64(&e.N)
	c.flag(&e.Audience.Patron)
	c.strs(&e.Audience.Staff)
	c.strs(&e.Audience.Departments)
	c.u64(&e.Ticket)
	c.u64(&e.Entry)
}

// TopicKind says what a follower is interested in.
type TopicKind uint8

// The kinds of topic.
const (
	AllTopic        TopicKind = iota // every event; nodes only
	ChatTopic                        // the events of one chat; its patron gets those of the patron's audience alone
	AccountTopic                     // the events whose audience names one account
	DepartmentTopic                  // the events whose audience names one department
	TicketTopic                      // the events of one ticket
)

// Topic selects events.
type Topic struct {
	Kind TopicKind
	ID   string // chat number in decimal, account, department
}

// TopicAll is every event of the desk.
func TopicAll() Topic { return Topic{Kind: AllTopic} }

// TopicChat is the events of one chat.
func TopicChat(number uint64) Topic {
	return Topic{Kind: ChatTopic, ID: strconv.FormatUint(number, 10)}
}

// TopicTicket is the events of one ticket.
func TopicTicket(number uint64) Topic {
	return Topic{Kind: TicketTopic, ID: strconv.FormatUint(number, 10)}
}

// TopicAccount is the events that one member of staff is told of by name.
func TopicAccount(account string) Topic { return Topic{Kind: AccountTopic, ID: account} }

// TopicDepartment is the events that a whole department is told of.
func TopicDepartment(department string) Topic {
	return Topic{Kind: DepartmentTopic, ID: department}
}
