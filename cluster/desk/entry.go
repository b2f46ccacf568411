// SPDX-License-Identifier: Apache-2.0

package desk

// EntryKind says what an entry of a ticket is.
type EntryKind string

// The kinds of entry.
const (
	EntryPublic  EntryKind = "public"   // From patron: the question, as typed. From staff: an answer, which goes out by mail
	EntryNote    EntryKind = "note"     // staff only
	EntryMailIn  EntryKind = "mail-in"  // a mail that came
	EntryMailOut EntryKind = "mail-out" // a mail that the desk writes by itself; the door makes its text
	EntrySystem  EntryKind = "system"   // something happened; What says what
)

// HeldReason says why an entry is for staff to judge first. A held entry changes nothing and nobody gets mail for it.
type HeldReason string

// The reasons.
const (
	NotHeld        HeldReason = ""
	HeldUnverified HeldReason = "unverified"  // the sender's address may be forged
	HeldSomeoneNew HeldReason = "someone-new" // a right token, but from an address that has no part in the ticket
)

// MailState is where an outgoing mail stands.
type MailState string

// The states. An entry shows all but claimed and dot; those are the sender's own.
const (
	OutNone     MailState = ""
	OutWanted   MailState = "wanted"   // the leader's bridge is to compose it
	OutQueued   MailState = "queued"   // its bytes are fixed
	OutClaimed  MailState = "claimed"  // a leader is sending it
	OutDot      MailState = "dot"      // the final dot is on its way: it may or may not have been accepted
	OutSent     MailState = "sent"     // a server took it
	OutDeferred MailState = "deferred" // it will be tried again
	OutFailed   MailState = "failed"   // refused for good, or it bounced
	OutUnsure   MailState = "unsure"   // the connection ended at the dot; the Sent folder may tell
	OutUndone   MailState = "undone"   // taken back before it went
)

// MailPurpose says which mail an entry wants.
type MailPurpose string

// The purposes.
const (
	MailAnswer MailPurpose = "answer" // a member of staff wrote it
	MailAck    MailPurpose = "ack"    // "we have your question, its number is …"
)

// TicketEntry is one entry of a ticket. Entries are numbered 1..n within their ticket.
type TicketEntry struct {
	Ticket     uint64
	N          uint64
	Seq        uint64 // of its EntryAdded
	At         Time
	Kind       EntryKind
	From       From
	By         string // account, when staff wrote or typed it
	Name       string // of a mail: as its sender says, not to be believed
	Email      string // of a mail: its sender's address
	Text       string
	Truncated  bool   // the text goes on in Blob
	Blob       string // hash of the mail as it came
	BlobSize   uint64
	Files      []MailFile
	Variants   []string // hashes of further copies of the same mail
	Auto       bool     // a program wrote the mail
	Auth       AuthState
	Held       HeldReason
	Problems   []string // what of the mail could not be read
	MessageID  string   // of the mail, in or out, with its angle brackets
	Cc         []string // of a mail: who else got it, for staff to add
	Recipients []string // of a mail out: fixed when the entry was made
	Mail       MailState
	Purpose    MailPurpose
	MailID     uint64 // the MailOut, once composed
	HoldUntil  Time   // until then the mail can be taken back
	What       string // of a system entry: "bounced", "delayed", "mail-failed", "merged", …
	Ref        uint64 // of a system entry: the MailOut or the other ticket. Of a question asked in a chat: the chat
}

// MailFile is an attachment: where it is found in the blob, and what it says of itself.
type MailFile struct {
	Name    string
	Type    string
	Size    uint64
	Flagged bool // of a kind that runs: one more click
}

func (f *MailFile) code(c *coder) {
	c.str(&f.Name)
	c.str(&f.Type)
	c.u64(&f.Size)
	c.flag(&f.Flagged)
}

const entryTable Table = "entry"

func (e *TicketEntry) table() Table { return entryTable }
func (e *TicketEntry) key() key     { return entryKey(e.Ticket, e.N) }
func entryKey(ticket, n uint64) key { return key("").num(ticket).num(n) }

func (e *TicketEntry) entries() []Entry {
	if e.Mail != OutWanted {
		return nil
	}
	return []Entry{{byTime, string(key("").num(uint64(e.At)))}}
}

func (e *TicketEntry) code(c *coder) {
	c.u64(&e.Ticket)
	c.u64(&e.N)
	c.u64(&e.Seq)
	c.time(&e.At)
	word(c, &e.Kind)
	word(c, &e.From)
	c.str(&e.By)
	c.str(&e.Name)
	c.str(&e.Email)
	c.str(&e.Text)
	c.flag(&e.Truncated)
	c.str(&e.Blob)
	c.u64(&e.BlobSize)
	list(c, &e.Files, func(c *coder, f *MailFile) { f.code(c) })
	c.strs(&e.Variants)
	c.flag(&e.Auto)
	word(c, &e.Auth)
	word(c, &e.Held)
	c.strs(&e.Problems)
	c.str(&e.MessageID)
	c.strs(&e.Cc)
	c.strs(&e.Recipients)
	word(c, &e.Mail)
	word(c, &e.Purpose)
	c.u64(&e.MailID)
	c.time(&e.HoldUntil)
	c.str(&e.What)
	c.u64(&e.Ref)
}

// addEntry appends an entry to a ticket, tells of it, and stores both. Card numbers are taken out; the mail as it came, in
// its blob, still has them.
func (s *state) addEntry(t *Ticket, e TicketEntry) *TicketEntry {
	t.Entries++
	e.Ticket, e.N, e.At = t.Number, t.Entries, s.now
	e.Text, _ = maskCards(e.Text)
	t.Updated = s.now
	told := Event{Kind: EntryAdded, Entry: e.N, Staff: e.By, Value: string(e.Kind), To: string(e.Held)}
	if e.Auto {
		told.N = 1
	}
	e.Seq = s.tellTicket(t, told)
	put(s, &e)
	put(s, t)
	s.reply.Entry = e.N
	if e.Mail == OutWanted {
		s.tellMail(t, &e)
	}
	return &e
}

// happened appends a system entry.
func (s *state) happened(t *Ticket, what, text string, ref uint64) *TicketEntry {
	return s.addEntry(t, TicketEntry{Kind: EntrySystem, From: FromSystem, By: s.staffActor(), What: what, Text: text, Ref: ref})
}

// tellMail tells how the mail of an entry stands.
func (s *state) tellMail(t *Ticket, e *TicketEntry) {
	of := *t
	of.Number = e.Ticket // the entry of a merged ticket keeps its number
	s.tellTicket(&of, Event{Kind: MailStateChanged, Entry: e.N, Staff: e.By, Value: string(e.Mail), Ref: e.MailID})
}

// acknowledge wants the mail that says a question has arrived, unless a brake holds (5-mail, §4).
func (s *state) acknowledge(t *Ticket, to string, hourly, daily int) {
	if t.Acked || to == "" || !s.brake(to, hourly, daily) {
		return
	}
	t.Acked = true
	s.addEntry(t, TicketEntry{
		Kind: EntryMailOut, From: FromSystem, Recipients: []string{to}, Mail: OutWanted, Purpose: MailAck,
	})
}
