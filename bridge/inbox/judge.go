// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"

	"refdesk/bridge/mail"
	"refdesk/cluster/desk"
)

// Brakes against mail that goes round (5-mail §4).
const (
	mostServers = 30
	mostDesks   = 5
	oldMail     = 24 * time.Hour // older mail is not acknowledged
)

// ingest is the command that a mail becomes.
type ingest struct{ desk.IngestMail }

// least is the same mail with nothing in it that its sender chose.
func (x *ingest) least() *ingest {
	return &ingest{desk.IngestMail{
		Group: x.Group, Mailbox: "mail", DedupeKey: x.DedupeKey, Department: x.Department, Blob: x.Blob, BlobSize: x.BlobSize,
		Kind: desk.MailAuto, Auth: desk.AuthUnknown, Problems: []string{"refused"}, Silent: true,
	}}
}

// judge makes the command of a mail. It never fails: a fault in here costs what it was about to find, and the entry says
// that the mail could not be read fully.
func (d *Door) judge(e Envelope, m *mail.Message, s *spool, own mail.Own) (x *ingest) {
	x = &ingest{desk.IngestMail{
		Group: e.Department, Mailbox: e.Mailbox, UIDValidity: e.UIDValidity, UID: e.UID, Department: e.Department,
		DedupeKey: dedupe(e.Department, m, s), Kind: desk.MailHuman, Auth: desk.AuthUnknown, Truncated: e.Cut,
	}}
	for _, p := range m.Problems {
		x.Problems = append(x.Problems, string(p))
	}
	if e.Cut {
		x.Problems = append(x.Problems, "too large")
	}
	defer func() {
		if recover() != nil {
			x.Problems, x.Silent = append(x.Problems, string(mail.ProblemCrash)), true
			d.cfg.Log.Error("the reading of a mail failed; it is kept")
		}
		x.Tidy()
	}()
	from := m.FromAddress()
	x.From, x.FromName, x.Subject, x.MessageID = from.Addr, from.Name, m.Subject, m.MessageID
	x.ReturnPath = strings.Trim(m.Header.Raw("Return-Path"), "<> \t")
	x.Text = m.Text
	for _, a := range m.Attachments {
		x.Files = append(x.Files, desk.MailFile{Name: a.Name, Type: a.Type, Size: uint64(max(a.Size, 0)), Flagged: a.Flagged})
	}
	x.Cc = d.others(m, own)
	x.Auth = desk.AuthState(mail.Authenticate(m, d.trust()))
	v := mail.Classify(m, own)
	x.Kind = desk.MailKind(v.Kind)
	for _, r := range v.Recipients {
		x.Reports = append(x.Reports, desk.MailReport{Address: r.Address, Status: r.Status, Hard: r.Hard()})
	}
	strong := false
	for _, c := range mail.Candidates(m, v, own) {
		k := candidate(c)
		strong = strong || k.Kind != desk.BySubject && k.Kind != desk.ByReport
		x.Candidates = append(x.Candidates, k)
	}
	x.Silent = d.silent(e, m, own)
	if strong && v.Kind == mail.KindHuman {
		// Of an answer, what its writer wrote; of a first mail everything, since a patron who forwards means all of it.
		if reply := m.Reply(mail.TrimOptions{}).Text; strings.TrimSpace(reply) != "" {
			x.Text = reply
		}
	}
	x.BodyHash = bodyHash(x.Text, s)
	return x
}

// trust adds our own line to those that may stand above the provider's verdict.
func (d *Door) trust() mail.AuthTrust {
	t := d.cfg.Trust
	t.Hosts = append(append([]string{}, t.Hosts...), d.cfg.Domain)
	return t
}

// others are the mail's further recipients.
func (d *Door) others(m *mail.Message, own mail.Own) []string {
	var out []string
	for _, list := range [][]mail.Address{m.To, m.Cc} {
		for _, a := range list {
			if a.Addr != "" && !d.ours(a.Addr, own) && len(out) < 100 {
				out = append(out, a.Addr)
			}
		}
	}
	return out
}

// noReply are addresses that nobody reads.
var noReply = regexp.MustCompile(`(?i)^(no[-_.]?reply|do[-_.]?not[-_.]?reply|mailer-daemon|postmaster|bounces?)([-+_.].*)?@`)

// silent says whether the door knows a reason not to acknowledge a mail.
func (d *Door) silent(e Envelope, m *mail.Message, own mail.Own) bool {
	now := d.cfg.Now()
	from := m.FromAddress().Addr
	switch {
	case !e.Received.IsZero() && now.Sub(e.Received) > oldMail, !m.Date.IsZero() && now.Sub(m.Date) > oldMail:
		return true
	case noReply.MatchString(from) || d.ours(from, own):
		return true
	case d.cfg.Instance != "" && m.Header.Raw("X-Refdesk-Instance") == d.cfg.Instance:
		return true
	}
	_, desks := m.Hops()
	return desks > 1
}

// candidate translates; the domain doesn't know bridge/mail.
func candidate(c mail.Candidate) desk.MailCandidate {
	k := desk.MailCandidate{Ticket: c.Ticket, Entry: c.Entry, Mail: c.Out, MessageID: c.MessageID, Staff: c.Staff != 0}
	switch c.Rule {
	case mail.RuleBounce:
		k.Kind = desk.ByReport
	case mail.RuleToken:
		k.Kind = desk.ByToken
	case mail.RuleOwnID:
		k.Kind = desk.ByOwnID
	case mail.RuleForeign:
		k.Kind = desk.ByForeignID
	case mail.RuleRef:
		k.Kind = desk.ByRef
	default:
		k.Kind = desk.BySubject
	}
	return k
}

// dedupe tells a mail by what doesn't change on the way (5-mail §1): the same mail has the same key on any node, in any
// mailbox, and whatever servers write above it.
func dedupe(group string, m *mail.Message, s *spool) string {
	h := sha256.New()
	for _, part := range []string{
		group, strings.TrimSpace(m.MessageID), hex.EncodeToString(s.body[:]), strings.ToLower(m.FromAddress().Addr), strings.TrimSpace(m.Header.Raw("Date")),
	} {
		fmt.Fprintf(h, "%d:%s|", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// bodyHash is the same for equal texts, so that programs that answer each other are noticed.
func bodyHash(text string, s *spool) string {
	if t := strings.Join(strings.Fields(text), " "); t != "" {
		sum := sha256.Sum256([]byte(t))
		return hex.EncodeToString(sum[:])
	}
	return hex.EncodeToString(s.body[:])
}
