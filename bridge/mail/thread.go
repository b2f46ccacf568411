// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"slices"
	"strings"
)

// Rule says why a mail may belong to a ticket; the lower one is the better reason.
type Rule uint8

// The rules, in the order of the design.
const (
	RuleBounce  Rule = iota // an address or a returned Message-ID of ours, in a report
	RuleToken               // the address that the mail was sent to
	RuleOwnID               // it answers a mail of ours
	RuleForeign             // it answers a mail that we may have stored
	RuleRef                 // a token in the quoted text
	RuleTag                 // [#57] in the subject: proves nothing, anybody can write it
)

// String names the rule.
func (r Rule) String() string {
	return [...]string{"bounce", "token", "own id", "foreign id", "ref", "tag"}[min(int(r), 5)]
}

// Candidate is a ticket that a mail may belong to. The domain looks it up, follows merges, and decides.
type Candidate struct {
	Rule      Rule
	Ticket    uint64 // 0 for RuleForeign, and for RuleBounce when only Out is known
	Entry     uint64 // the entry it answers, if known
	Out       uint64 // the outgoing mail, of a bounce
	Staff     uint64 // the member of staff whose own token it is
	MessageID string // RuleForeign: look for it among the stored ones
}

// mostCandidates bounds what a command has to carry; the best come first.
const mostCandidates = 64

// Recipients are the addresses that the mail was sent to: those of the envelope, as far as the header tells, then To and
// Cc.
func (m *Message) Recipients() []Address {
	var all []Address
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To"} {
		all = append(all, addresses(m.Header.All(name))...)
	}
	return append(append(all, m.To...), m.Cc...)
}

// Candidates lists the tickets that a mail may belong to, the surest first.
func Candidates(m *Message, v Verdict, own Own) []Candidate {
	var all []Candidate
	add := func(c Candidate) {
		if len(all) < mostCandidates && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	keys := own.Keys
	if v.Kind == KindBounce || v.Kind == KindDelayed || v.Kind == KindDelivered || v.Kind == KindOpened || v.Kind == KindComplaint {
		if v.Out != 0 {
			add(Candidate{Rule: RuleBounce, Out: v.Out})
		}
		if e, ok := keys.ParseMessageID(v.ReturnedID); ok {
			add(Candidate{Rule: RuleBounce, Ticket: e.Ticket, Entry: e.Entry})
		}
	}
	for _, a := range m.Recipients() {
		if t, ok := keys.ParseReplyAddress(a.Addr); ok {
			add(Candidate{Rule: RuleToken, Ticket: t.Ticket, Staff: t.Staff})
		}
	}
	ids := answered(m)
	for _, id := range ids {
		if e, ok := keys.ParseMessageID(id); ok {
			add(Candidate{Rule: RuleOwnID, Ticket: e.Ticket, Entry: e.Entry})
		}
	}
	for _, id := range ids {
		if _, ok := keys.ParseMessageID(id); !ok && len(all) < mostCandidates/2 {
			add(Candidate{Rule: RuleForeign, MessageID: id})
		}
	}
	for _, match := range refTag.FindAllStringSubmatch(refText(m), 20) {
		if n := toNumber(match[1]); n != 0 && keys.verify(match[2], forReply, "", n) {
			add(Candidate{Rule: RuleRef, Ticket: n})
		}
	}
	for _, match := range subjectTag.FindAllStringSubmatch(m.Subject, 5) {
		if n := toNumber(match[1]); n != 0 {
			add(Candidate{Rule: RuleTag, Ticket: n})
		}
	}
	return all
}

// answered are the Message-IDs that a mail answers, nearest first: In-Reply-To, then References from the right.
func answered(m *Message) []string {
	ids := slices.Clone(m.InReplyTo)
	for _, id := range slices.Backward(m.References) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) > mostCandidates {
		ids = ids[:mostCandidates]
	}
	return ids
}

// refText is where a token may stand: clients wrap it, so blanks within are dropped by the pattern and quotes here.
func refText(m *Message) string {
	text := m.Text
	if strings.TrimSpace(text) == "" {
		text = m.HTML
	}
	if len(text) > 256<<10 {
		text = text[:256<<10]
	}
	return text
}
