// SPDX-License-Identifier: Apache-2.0

package desk

import "strings"

// match is the ticket that a mail belongs to, and why.
type match struct {
	ticket *Ticket
	kind   CandidateKind
	links  []uint64 // tickets that the mail speaks of too
}

// received decides about a mail that somebody or something wrote to the desk (5-mail, §3 and §4).
func (s *state) received(x *IngestMail) string {
	if outcome, ok := s.variant(x); ok {
		return outcome
	}
	flood, calm := s.mailFrom(x)
	m := s.matched(x)
	t := m.ticket
	if t == nil {
		return s.newFromMail(x, m, flood, calm)
	}
	part, colleague := t.Participant(x.From), s.colleague(x.From)
	bad := x.Auth == AuthFail || x.Auth == AuthTemp
	e := x.entry()
	switch {
	case !part && colleague == "" && !m.kind.strong():
		m.links = append(m.links, t.Number)
		m.ticket = nil
		return s.newFromMail(x, m, flood, calm)
	case bad:
		e.Held = HeldUnverified
	case !part && colleague != "" && x.Auth == AuthPass:
		e.By, e.Held = colleague, NotHeld
		s.linkAll(t, m.links)
		return s.keepMail(x, t, e, "note")
	case !part && colleague != "":
		e.Held = HeldUnverified
	case !part:
		e.Held = HeldSomeoneNew
	case x.Auth != AuthPass && !m.kind.strong():
		e.Held = HeldUnverified
	}
	s.linkAll(t, m.links)
	if e.Held != NotHeld {
		return s.keepMail(x, t, e, "held")
	}
	return s.answered(x, m, e, flood, calm)
}

// answered takes in a participant's mail: it reopens what was closed lately, and opens a linked ticket when it was not.
func (s *state) answered(x *IngestMail, m match, e TicketEntry, flood, calm bool) string {
	t := m.ticket
	if e.Auto {
		return s.keepMail(x, t, e, "entry")
	}
	if t.State == TicketClosed && s.now.Sub(t.ClosedAt) >= reopenTicket {
		m.ticket, m.links = nil, append(m.links, t.Number)
		return s.newFromMail(x, m, flood, calm)
	}
	if contains([]string{t.Email}, x.From) {
		t.Verified = true
		if x.Auth == AuthPass && m.kind.strong() {
			t.addCc(x.Cc)
		}
	}
	before := t.State
	if before == TicketClosed || before == TicketPending {
		t.setState(TicketOpen, s.now)
	}
	out := s.keepMail(x, t, e, "entry")
	if before != t.State {
		asked := s.reply
		s.tellTicket(t, Event{Kind: TicketChanged, Value: "state", To: string(t.State)})
		asked.Seq = s.reply.Seq
		s.reply = asked
	}
	return out
}

// entry is the entry that a mail becomes.
func (x *IngestMail) entry() TicketEntry {
	return TicketEntry{
		Kind: EntryMailIn, From: FromPatron, Name: x.FromName, Email: x.From, Text: x.Text, Truncated: x.Truncated,
		Blob: x.Blob, BlobSize: x.BlobSize, Files: x.Files, Auto: x.Kind != MailHuman, Auth: x.Auth,
		Problems: x.Problems, MessageID: x.MessageID, Cc: x.Cc,
	}
}

// keepMail appends a mail's entry and remembers its Message-ID.
func (s *state) keepMail(x *IngestMail, t *Ticket, e TicketEntry, outcome string) string {
	if outcome == "note" {
		e.Kind, e.From = EntryNote, FromStaff
	} else if !e.Auto {
		t.Unread++
	}
	kept := s.addEntry(t, e)
	if x.MessageID != "" && get[mailID](s, mailIDKey(x.MessageID, x.Group)) == nil {
		put(s, &mailID{MessageID: x.MessageID, Group: x.Group, From: lower(x.From), Ticket: t.Number, Entry: kept.N, At: s.now})
	}
	return outcome
}

// newFromMail opens a ticket, or adds to the one that holds a sender's flood.
func (s *state) newFromMail(x *IngestMail, m match, flood, calm bool) string {
	e := x.entry()
	if x.Auth == AuthFail || x.Auth == AuthTemp {
		e.Held = HeldUnverified
	}
	if flood {
		if t := s.floodTicket(x.From); t != nil {
			return s.keepMail(x, t, e, "entry")
		}
	}
	subject := x.Subject
	if strings.TrimSpace(subject) == "" {
		subject = firstWords(x.Text)
	}
	t := s.newTicket(Ticket{
		Department: x.Department, Subject: subject, Name: x.FromName, Email: x.From, Locale: x.Locale,
		Verified: x.Auth == AuthPass && x.From != "",
	})
	if flood {
		s.setFloodTicket(x.From, t.Number)
	}
	m.links = append(m.links, s.elsewhere(x)...)
	s.linkAll(t, m.links)
	outcome := s.keepMail(x, t, e, "new")
	if len(t.Links) > 0 {
		outcome = "linked"
	}
	asked := s.reply
	if calm && !flood && !e.Auto && e.Held == NotHeld && !x.Silent {
		to := x.ReturnPath
		if to == "" {
			to = x.From
		}
		s.acknowledge(t, to, acksByMailHour, acksByMailDay)
	}
	asked.Seq = s.reply.Seq
	s.reply = asked
	return outcome
}

// linkAll links a ticket with those that a mail speaks of.
func (s *state) linkAll(t *Ticket, numbers []uint64) {
	for _, n := range numbers {
		if other := s.followed(n); other != nil && other.Number != t.Number {
			s.linkBoth(t, other)
		}
	}
}

// matched looks a mail's candidates up, the surest first. The first that leads to a ticket wins; others that disagree
// become links.
func (s *state) matched(x *IngestMail) match {
	var m match
	for _, c := range x.Candidates {
		n := c.Ticket
		if c.Kind == ByForeignID {
			known := get[mailID](s, mailIDKey(c.MessageID, x.Group))
			if known == nil {
				continue
			}
			n = known.Ticket
		}
		t := s.followed(n)
		switch {
		case t == nil:
		case c.Kind == BySubject && !s.subjectCounts(x, t):
			m.links = append(m.links, t.Number)
		case m.ticket == nil:
			m.ticket, m.kind = t, c.Kind
		case m.ticket.Number != t.Number:
			m.links = append(m.links, t.Number)
		}
	}
	return m
}

// subjectCounts says whether a number in the subject leads to a ticket: anybody can write one.
func (s *state) subjectCounts(x *IngestMail, t *Ticket) bool {
	return t.Participant(x.From) && x.Auth != AuthFail && x.Auth != AuthTemp && s.now.Sub(t.Updated) < subjectLife
}

// colleague is the account of a member of staff with this address.
func (s *state) colleague(addr string) string {
	if addr == "" {
		return ""
	}
	for _, p := range find[Staff](s, Range{}) {
		if !p.Disabled && contains([]string{p.Email}, addr) {
			return p.Account
		}
	}
	return ""
}

// variant keeps another copy of a mail that came another way, such as over a list, with the first one.
func (s *state) variant(x *IngestMail) (string, bool) {
	if x.MessageID == "" {
		return "", false
	}
	known := get[mailID](s, mailIDKey(x.MessageID, x.Group))
	if known == nil || known.From != lower(x.From) || s.now.Sub(known.At) >= variantLife {
		return "", false
	}
	e := get[TicketEntry](s, entryKey(known.Ticket, known.Entry))
	if e == nil {
		return "", false
	}
	if x.Blob != "" && len(e.Variants) < 10 {
		e.Variants = append(e.Variants, x.Blob)
		put(s, e)
	}
	s.reply.Ticket, s.reply.Entry = e.Ticket, e.N
	return "variant", true
}

// elsewhere finds the tickets that the same mail made in other departments.
func (s *state) elsewhere(x *IngestMail) []uint64 {
	if x.MessageID == "" {
		return nil
	}
	var out []uint64
	for _, m := range find[mailID](s, Range{Prefix: string(key("").word(x.MessageID)), Limit: 10}) {
		if m.Group != x.Group {
			out = append(out, m.Ticket)
		}
	}
	return out
}
