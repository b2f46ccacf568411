// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"time"
	"unicode/utf8"
)

// MailKind is what wrote a mail, as the mail door judged it.
type MailKind string

// The kinds of mail.
const (
	MailOwn       MailKind = "own"       // a copy of a mail of ours
	MailBounce    MailKind = "bounce"    // a mail could not be delivered
	MailDelayed   MailKind = "delayed"   // … not yet
	MailDelivered MailKind = "delivered" // … was
	MailOpened    MailKind = "opened"    // … was displayed
	MailComplaint MailKind = "complaint" // write to that address no more
	MailAuto      MailKind = "auto"      // a program answered or notifies
	MailList      MailKind = "list"      // over a list or in bulk
	MailHuman     MailKind = "human"
)

// AuthState is what is known about a mail's sender.
type AuthState string

// The states, as the mail door found them.
const (
	AuthPass    AuthState = "pass"
	AuthFail    AuthState = "fail"
	AuthTemp    AuthState = "temp"    // could not be checked just now
	AuthNone    AuthState = "none"    // checked, nothing to go by
	AuthUnknown AuthState = "unknown" // nobody whom we trust has checked
)

// CandidateKind says why a mail may belong to a ticket.
type CandidateKind string

// The kinds, the surest first. Those with a code of ours in them (token, own-id, ref) prove that their sender has read
// mail of that ticket.
const (
	ByReport    CandidateKind = "report"     // an address or a returned Message-ID of ours, in a report
	ByToken     CandidateKind = "token"      // the address that the mail was sent to
	ByOwnID     CandidateKind = "own-id"     // it answers a mail of ours
	ByForeignID CandidateKind = "foreign-id" // it answers a mail that came in before
	ByRef       CandidateKind = "ref"        // a token in the quoted text
	BySubject   CandidateKind = "subject"    // [#57]: proves nothing
)

func (k CandidateKind) strong() bool { return k == ByToken || k == ByOwnID || k == ByRef }

// MailCandidate is a ticket that a mail may belong to.
type MailCandidate struct {
	Kind      CandidateKind
	Ticket    uint64
	Entry     uint64 // if known
	Mail      uint64 // ByReport: the MailOut, if known
	MessageID string // ByForeignID: what to look for
	Staff     bool   // ByToken: of a member of staff, not of the patron
}

func (k *MailCandidate) code(c *coder) {
	word(c, &k.Kind)
	c.u64(&k.Ticket)
	c.u64(&k.Entry)
	c.u64(&k.Mail)
	c.str(&k.MessageID)
	c.flag(&k.Staff)
}

// MailReport is what a delivery report says of one address.
type MailReport struct {
	Address string
	Status  string // RFC 3463, such as 5.1.1
	Hard    bool   // the address is no good, rather than busy or full
}

func (r *MailReport) code(c *coder) {
	c.str(&r.Address)
	c.str(&r.Status)
	c.flag(&r.Hard)
}

// IngestMail is a mail that came, read and judged by a door, its bytes on a majority. Apply looks the candidates up,
// follows merges and decides. The same mail again (Group and DedupeKey) changes nothing, for ever.
//
// The reply's Value says what became of it: "new", "linked" (new, linked to another), "entry", "held", "note", "variant",
// "report", "own"; Ticket and Entry say where.
type IngestMail struct {
	Group       string // the mailboxes that share their threads
	Mailbox     string
	UIDValidity uint64
	UID         uint64
	DedupeKey   string // hex SHA-256, see 5-mail §1
	Department  string
	From        string
	FromName    string
	ReturnPath  string   // where an acknowledgement goes; "" = From
	Cc          []string // further recipients, without the desk's own addresses
	Subject     string
	MessageID   string // with its angle brackets, or ""
	Locale      string
	Text        string // what its writer wrote, at most MaxBody bytes
	Truncated   bool
	Blob        string // hash of the mail as it came
	BlobSize    uint64
	BodyHash    string // equal bodies have equal hashes
	Files       []MailFile
	Kind        MailKind
	Auth        AuthState
	Candidates  []MailCandidate
	Reports     []MailReport // of a bounce and its kin
	Problems    []string     // what could not be read
	Silent      bool         // the door knows why it must not be acknowledged: old, no-reply, one of ours, …
}

// The bounds of an IngestMail; together they keep it within MaxCommand.
const (
	maxMessageID  = 300
	maxCandidates = 24
	maxFiles      = 60
	maxReports    = 20
)

// CommandName is the word for the command in the log.
func (*IngestMail) CommandName() string { return "IngestMail" }

func (x *IngestMail) code(c *coder) {
	c.str(&x.Group)
	c.str(&x.Mailbox)
	c.u64(&x.UIDValidity)
	c.u64(&x.UID)
	c.str(&x.DedupeKey)
	c.str(&x.Department)
	c.str(&x.From)
	c.str(&x.FromName)
	c.str(&x.ReturnPath)
	c.strs(&x.Cc)
	c.str(&x.Subject)
	c.str(&x.MessageID)
	c.str(&x.Locale)
	c.str(&x.Text)
	c.flag(&x.Truncated)
	c.str(&x.Blob)
	c.u64(&x.BlobSize)
	c.str(&x.BodyHash)
	list(c, &x.Files, func(c *coder, f *MailFile) { f.code(c) })
	word(c, &x.Kind)
	word(c, &x.Auth)
	list(c, &x.Candidates, func(c *coder, k *MailCandidate) { k.code(c) })
	list(c, &x.Reports, func(c *coder, r *MailReport) { r.code(c) })
	c.strs(&x.Problems)
	c.flag(&x.Silent)
}

// Tidy makes what a mail said fit for the command: over-long and malformed parts are cut, cleaned or dropped, so that
// nothing that a stranger sends is refused. Doors call it before they propose. A wrong Department, Group or DedupeKey is
// the door's own fault and stays.
func (x *IngestMail) Tidy() {
	text := cleanText(x.Text)
	x.Text = cut(text, MaxBody)
	x.Truncated = x.Truncated || len(x.Text) < len(text)
	x.Subject, x.FromName = cut(cleanLine(x.Subject), maxSubject), cut(cleanLine(x.FromName), 200)
	x.Locale = cut(cleanLine(x.Locale), 35)
	x.From, x.ReturnPath = address(x.From), address(x.ReturnPath)
	x.Cc = most(slices.DeleteFunc(slices.Clone(x.Cc), func(a string) bool { return address(a) == "" }), MaxCc)
	if !plain(x.MessageID, maxMessageID) {
		x.MessageID = ""
	}
	x.BodyHash = cut(cleanLine(x.BodyHash), 64)
	x.Files = most(slices.Clone(x.Files), maxFiles)
	for i := range x.Files {
		x.Files[i].Name, x.Files[i].Type = cut(cleanLine(x.Files[i].Name), 120), cut(cleanLine(x.Files[i].Type), 80)
	}
	x.Candidates = most(slices.DeleteFunc(slices.Clone(x.Candidates), func(k MailCandidate) bool {
		return !plain(string(k.Kind), 16) || checkShort(k.MessageID, "", maxMessageID) != nil
	}), maxCandidates)
	x.Reports = most(slices.Clone(x.Reports), maxReports)
	for i := range x.Reports {
		x.Reports[i].Address, x.Reports[i].Status = address(x.Reports[i].Address), cut(cleanLine(x.Reports[i].Status), 16)
	}
	x.Problems = most(slices.Clone(x.Problems), 20)
	for i := range x.Problems {
		x.Problems[i] = cut(cleanLine(x.Problems[i]), 40)
	}
}

func most[T any](list []T, n int) []T { return list[:min(len(list), n)] }

// address keeps an address that could be one.
func address(a string) string {
	if checkEmail(a) != nil {
		return ""
	}
	return a
}

// cut shortens a text to at most n bytes, at the end of a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func (x *IngestMail) check() error {
	for _, a := range x.Cc {
		if a == "" || checkEmail(a) != nil {
			return refuseField(Invalid, "cc")
		}
	}
	for _, k := range x.Candidates {
		if !plain(string(k.Kind), 16) || checkShort(k.MessageID, "", maxMessageID) != nil {
			return refuseField(Invalid, "candidates")
		}
	}
	switch {
	case !plain(x.Group, 64):
		return refuseField(Invalid, "group")
	case !plain(x.DedupeKey, 64):
		return refuseField(Invalid, "dedupe_key")
	case !plain(string(x.Kind), 16) || !plain(string(x.Auth), 16):
		return refuseField(Invalid, "verdict")
	case len(x.Cc) > MaxCc || len(x.Candidates) > maxCandidates || len(x.Files) > maxFiles || len(x.Reports) > maxReports:
		return refuseField(Invalid, "size")
	}
	return firstError(
		checkShort(x.Mailbox, "mailbox", 200), checkEmail(x.From), checkShort(x.FromName, "from_name", 200), checkEmail(x.ReturnPath),
		checkShort(x.Subject, "subject", maxSubject), checkShort(x.MessageID, "message_id", maxMessageID),
		checkShort(x.Locale, "locale", 35), checkBody(x.Text, "text", true), checkShort(x.Blob, "blob", 64), checkShort(x.BodyHash, "body", 64),
	)
}

func (x *IngestMail) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	if err := x.check(); err != nil {
		return err
	}
	k := &MailIn{Group: x.Group, Dedupe: x.DedupeKey}
	if known := get[MailIn](s, k.key()); known != nil {
		s.reply = Reply{Ticket: known.Ticket, Entry: known.Entry, Value: known.Outcome, Again: true}
		return nil
	}
	if get[Department](s, departmentKey(x.Department)) == nil {
		return refuseField(NotFound, "department")
	}
	k.Mailbox, k.UIDValidity, k.UID, k.At = x.Mailbox, x.UIDValidity, x.UID, s.now
	switch x.Kind {
	case MailOwn:
		k.Outcome = "own"
		s.ownCopy(x)
	case MailBounce, MailDelayed, MailDelivered, MailOpened, MailComplaint:
		k.Outcome = s.report(x)
	default:
		k.Outcome = s.received(x)
	}
	k.Ticket, k.Entry = s.reply.Ticket, s.reply.Entry
	put(s, k)
	s.reply.Value = k.Outcome
	return nil
}

// MailIn remembers for ever that a mail was taken in, and what became of it. It holds nothing of the mail itself.
type MailIn struct {
	Group       string
	Dedupe      string
	Mailbox     string
	UIDValidity uint64
	UID         uint64
	At          Time
	Outcome     string
	Ticket      uint64
	Entry       uint64
}

const mailInTable Table = "mail-in"

func (m *MailIn) table() Table     { return mailInTable }
func (m *MailIn) key() key         { return key("").word(m.Group).word(m.Dedupe) }
func (m *MailIn) entries() []Entry { return nil }

func (m *MailIn) code(c *coder) {
	c.str(&m.Group)
	c.str(&m.Dedupe)
	c.str(&m.Mailbox)
	c.u64(&m.UIDValidity)
	c.u64(&m.UID)
	c.time(&m.At)
	c.str(&m.Outcome)
	c.u64(&m.Ticket)
	c.u64(&m.Entry)
}

// mailID is a Message-ID that somebody else made, so that an answer to that mail finds its ticket.
type mailID struct {
	MessageID string
	Group     string
	From      string
	Ticket    uint64
	Entry     uint64
	At        Time
}

const mailIDTable Table = "mail-id"

// variantLife is how long a second mail with the same Message-ID and sender counts as another copy of the first.
const variantLife = 7 * 24 * time.Hour

func mailIDKey(id, group string) key { return key("").word(id).word(group) }
func (m *mailID) table() Table       { return mailIDTable }
func (m *mailID) key() key           { return mailIDKey(m.MessageID, m.Group) }
func (m *mailID) entries() []Entry   { return nil }

func (m *mailID) code(c *coder) {
	c.str(&m.MessageID)
	c.str(&m.Group)
	c.str(&m.From)
	c.u64(&m.Ticket)
	c.u64(&m.Entry)
	c.time(&m.At)
}
