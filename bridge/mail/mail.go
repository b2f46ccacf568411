// SPDX-License-Identifier: Apache-2.0

// Package mail reads, judges and writes e-mail. It is pure: bytes go in, values come out.
//
// Parse takes a message apart, whatever its state; a message that can't be read is still a [Message], with the problems
// named. Trim finds what the writer wrote and folds what was quoted, but never an answer between the quotes. Classify says
// whether a person wrote it, and Candidates which ticket it may belong to. Compose makes the bytes of an outgoing mail, the
// same ones for the same draft. Nothing here decides: verdicts and candidates are values for the domain.
//
// All input is hostile. [Limits] bound time, memory, depth and numbers; see DESIGN.md for the reasons behind the rules.
package mail

import (
	"time"
)

// Limits bound the work that one message may cause.
type Limits struct {
	Time        time.Duration // for the whole message
	Parts       int           // MIME parts of all levels
	Depth       int           // of nested multiparts
	Header      int           // bytes of one header
	Attachments int           // listed
	Text        int           // bytes of text kept for each of plain text and HTML
}

// DefaultLimits are the limits of the mail door.
func DefaultLimits() Limits {
	return Limits{Time: 10 * time.Second, Parts: 1000, Depth: 100, Header: 1 << 20, Attachments: 500, Text: 2 << 20}
}

// or fills in what the caller left at zero.
func (l Limits) or(d Limits) Limits {
	if l.Time <= 0 {
		l.Time = d.Time
	}
	for _, p := range []struct {
		own      *int
		fallback int
	}{{&l.Parts, d.Parts}, {&l.Depth, d.Depth}, {&l.Header, d.Header}, {&l.Attachments, d.Attachments}, {&l.Text, d.Text}} {
		if *p.own <= 0 {
			*p.own = p.fallback
		}
	}
	return l
}

// Problem names what is missing from a message that could not be read fully.
type Problem string

// The problems.
const (
	ProblemHeader      Problem = "header"      // longer than the limit: the rest was skipped
	ProblemTime        Problem = "time"        // the time was over
	ProblemParts       Problem = "parts"       // too many parts
	ProblemDepth       Problem = "depth"       // nested too deep
	ProblemAttachments Problem = "attachments" // too many: the rest isn't listed
	ProblemText        Problem = "text"        // longer than the limit: the rest was cut off
	ProblemBoundary    Problem = "boundary"    // a multipart whose boundary never came; its text was recovered
	ProblemEnd         Problem = "end"         // ends in the middle of a multipart
	ProblemRead        Problem = "read"        // the source failed
	ProblemCrash       Problem = "crash"       // the parser itself failed
)

// Address is a mailbox: a name, which may be empty or lie, and an address.
type Address struct{ Name, Addr string }

// String gives the address as people read it.
func (a Address) String() string {
	switch {
	case a.Name == "":
		return a.Addr
	case a.Addr == "":
		return a.Name
	}
	return a.Name + " <" + a.Addr + ">"
}

// Attachment describes a part that isn't shown as text. Its content goes to [Options.Attachment].
type Attachment struct {
	Name      string // never with a path or controls; made up when the sender gave none
	Type      string // media type as the sender said, lower case
	ContentID string // without the angle brackets
	Inline    bool   // shown within the HTML
	Size      int64  // bytes after decoding
	Flagged   bool   // of a kind that runs: one more click
}

// Message is a message taken apart.
type Message struct {
	Header Header

	From      []Address
	Sender    Address
	ReplyTo   []Address
	To, Cc    []Address
	Subject   string
	Date      time.Time // zero when unreadable
	MessageID string    // with its angle brackets
	InReplyTo []string
	// References are in the order of the header, oldest first.
	References []string

	Text        string // plain text as sent, or made from the HTML
	HTML        string // as sent: hostile
	HTMLWhole   bool   // the HTML holds all that Text holds
	Attachments []Attachment
	Problems    []Problem

	report   string // the machine-readable part of a multipart/report
	returned Header // header of the message that a report gives back
	root     media  // content type of the whole
}

// Complete reports whether everything could be read.
func (m *Message) Complete() bool { return len(m.Problems) == 0 }

func (m *Message) problem(p Problem) {
	for _, have := range m.Problems {
		if have == p {
			return
		}
	}
	m.Problems = append(m.Problems, p)
}
