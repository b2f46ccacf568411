// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"strings"
	"time"
)

// askAgain is how long after its mail a bounce makes the page ask for the address again.
const askAgain = 10 * time.Minute

// ownCopy takes a copy of a mail of ours as proof that it went out.
func (s *state) ownCopy(x *IngestMail) {
	if x.MessageID == "" {
		return
	}
	for _, m := range find[MailOut](s, Range{Index: byMessage, Prefix: string(key("").word(x.MessageID)), Limit: 5}) {
		s.reply.Ticket, s.reply.Entry = m.Ticket, m.Entry
		if m.State == OutDot || m.State == OutUnsure {
			m.SentAt = s.now
			s.settle(m, OutSent)
		}
	}
}

// report decides about a mail that tells of another one. It never answers, reopens or acknowledges.
func (s *state) report(x *IngestMail) string {
	m := s.reported(x)
	if m == nil {
		return s.received(x) // a stray one is still a mail
	}
	t := s.followed(m.Ticket)
	if t == nil {
		return s.received(x)
	}
	var hard, all []string
	for _, r := range x.Reports {
		if r.Address != "" {
			all = append(all, r.Address)
		}
		if r.Hard && r.Address != "" {
			hard = append(hard, r.Address)
		}
	}
	switch x.Kind {
	case MailBounce:
		if len(all) == 0 {
			all = m.To
		}
		if m.State != OutFailed {
			s.settle(m, OutFailed)
		}
		s.undelivered(m, "bounced", reportText(x), all, len(hard) > 0)
	case MailComplaint:
		s.failed(t, m.To)
		s.happened(t, string(x.Kind), reportText(x), m.ID)
	default:
		s.happened(t, string(x.Kind), reportText(x), m.ID)
	}
	return "report"
}

// reportText is what staff read of a report: the states of the addresses.
func reportText(x *IngestMail) string {
	var lines []string
	for _, r := range x.Reports {
		lines = append(lines, strings.TrimSpace(r.Address+" "+r.Status))
	}
	return strings.Join(lines, "\n")
}

// reported finds the mail of ours that a report is about.
func (s *state) reported(x *IngestMail) *MailOut {
	for _, c := range x.Candidates {
		if c.Kind != ByReport && c.Kind != ByOwnID {
			continue
		}
		if m := s.mailOut(c.Mail); m != nil {
			return m
		}
		if e := get[TicketEntry](s, entryKey(c.Ticket, c.Entry)); e != nil && c.Ticket != 0 {
			if m := s.mailOut(e.MailID); m != nil {
				return m
			}
		}
	}
	return nil
}

// undelivered tells staff that a mail did not arrive. An answer that did not is theirs again; an address that is no good
// is noted, and the page that is still open asks for another.
func (s *state) undelivered(m *MailOut, what, why string, to []string, hard bool) {
	t := s.followed(m.Ticket)
	if t == nil {
		return
	}
	if hard {
		s.failed(t, to)
	}
	t.Unread++
	if m.Purpose == MailAnswer && t.State == TicketPending {
		t.setState(TicketOpen, s.now)
	}
	s.addEntry(t, TicketEntry{
		Kind: EntrySystem, From: FromSystem, What: what, Text: cut(strings.TrimSpace(strings.Join(to, ", ")+"\n"+why), MaxBody), Ref: m.ID,
	})
	asked := s.reply
	h := get[Chat](s, chatKey(t.Chat))
	if hard && h != nil && contains(t.Failed, t.Email) && s.now.Sub(m.QueuedAt) < askAgain {
		s.askContact(h)
		s.tell(h, true, Event{Kind: ContactWanted, Staff: t.Assignee})
		asked.Seq = s.reply.Seq
	}
	s.reply = asked
}

// failed notes addresses that mail can't be delivered to.
func (s *state) failed(t *Ticket, addrs []string) {
	for _, a := range addrs {
		if t.Participant(a) && !contains(t.Failed, a) && len(t.Failed) < MaxCc {
			t.Failed = append(slices.Clone(t.Failed), a)
		}
	}
	put(s, t)
}
