// SPDX-License-Identifier: Apache-2.0

package desktest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"refdesk/cluster/desk"
)

// ticketDoing turns the doings that are about tickets, mail, FAQs and links into commands; nil if it is none of them.
func ticketDoing(r desk.Actor, verb, rest string) desk.Command {
	if r.Kind == desk.NodeKind {
		return mailDoing(verb, rest)
	}
	first, text, _ := strings.Cut(rest, " ")
	n, _ := strconv.ParseUint(first, 10, 64)
	if r.Kind == desk.PatronKind {
		switch verb {
		case "ask": // DEPARTMENT ADDRESS QUESTION
			email, question, _ := strings.Cut(text, " ")
			return &desk.AskQuestion{ID: "q1", Department: first, Email: email, Question: question}
		case "vote":
			return &desk.VoteFAQ{Slug: first, Up: text == "up"}
		}
		return nil
	}
	other, _ := strconv.ParseUint(text, 10, 64)
	switch verb {
	case "ticket": // CHAT [SUBJECT], or #DEPARTMENT ADDRESS TEXT
		if d, ok := strings.CutPrefix(first, "#"); ok {
			email, text, _ := strings.Cut(text, " ")
			return &desk.OpenTicket{Department: d, Email: email, Text: text}
		}
		return &desk.OpenTicket{Chat: n, Subject: text}
	case "close-with-ticket": // CHAT TAG
		return &desk.OpenTicket{Chat: n, Close: true, Tags: words(text)}
	case "reply":
		return &desk.ReplyTicket{Ticket: n, Text: text}
	case "undo-reply":
		return &desk.UndoReply{Ticket: n, Entry: other}
	case "ticket-note":
		return &desk.NoteTicket{Ticket: n, Text: text}
	case "draft":
		return &desk.DraftLine{Ticket: n, Text: text}
	case "send-draft":
		return &desk.DraftSend{Ticket: n}
	case "drop-draft":
		return &desk.DraftDrop{Ticket: n, Last: text == "last"}
	}
	return deskDoing(verb, first, text, n, other)
}

// ticketDoings are what DrawRequest draws from for tickets and mail; %d is a number from 1 to 4.
func ticketDoings() map[string][]string {
	return map[string][]string{
		"p": {"ask reference a@b.example Q%d", "contact %d c@b.example", "vote slug up"},
		"s": {
			"ticket %d", "ticket %d subject", "ticket #digital a@b.example text", "close-with-ticket %d renewals", "reply %d answer",
			"undo-reply %d 3", "ticket-note %d note", "draft %d line", "send-draft %d", "drop-draft %d", "drop-draft %d last",
			"assign %d ben", "assign %d #digital", "state %d closed", "ticket-tag %d renewals", "subject %d new", "requester %d c@b.example",
			"see %d", "merge %d 2", "merge 1 %d", "link %d 1", "admit %d 2", "send-again %d 3",
		},
		"n": {
			"mail from=a@b.example id=<%d@x> | text", "mail from=a@b.example to-token=%d | text", "mail from=c@b.example to-token=%d cc=d@b.example | text",
			"mail from=a@b.example auth=none re=<%d@x> | text", "mail from=a@b.example auth=fail tag=%d | text",
			"mail from=x@b.example kind=bounce answers=%d.2 hard=a@b.example | text", "mail kind=auto to-token=%d | text",
			"compose %d 2", "compose %d 3", "claim %d 0", "claim %d 0 again", "dot %d 0", "sent %d 0 q", "deferred %d 0 why",
			"failed %d 0 why", "unsure %d 0 why", "miss word%d", "make-link ana invite %d", "use-link invite %d", "sign-in ana %d", "expire",
		},
	}
}

// deskDoing is what staff do to a ticket as a whole, and to FAQs.
func deskDoing(verb, first, text string, n, other uint64) desk.Command {
	switch verb {
	case "assign":
		if d, ok := strings.CutPrefix(text, "#"); ok {
			return &desk.AssignTicket{Ticket: n, Department: d}
		}
		return &desk.AssignTicket{Ticket: n, To: text}
	case "state":
		return &desk.SetTicketState{Ticket: n, State: desk.TicketState(text)}
	case "ticket-tag":
		return &desk.TagTicket{Ticket: n, Tags: words(text)}
	case "subject":
		return &desk.SetTicketSubject{Ticket: n, Subject: text}
	case "requester":
		return &desk.SetTicketRequester{Ticket: n, Email: text}
	case "see":
		return &desk.SeeTicket{Ticket: n}
	case "merge":
		return &desk.MergeTickets{Ticket: n, Into: other}
	case "link":
		return &desk.LinkTickets{Ticket: n, Other: other}
	case "admit":
		return &desk.AdmitEntry{Ticket: n, Entry: other}
	case "send-again":
		return &desk.ResendEntry{Ticket: n, Entry: other}
	case "faq": // SLUG STATE QUESTION
		state, question, _ := strings.Cut(text, " ")
		return &desk.SetFAQ{FAQ: desk.FAQ{Slug: first, State: desk.FAQState(state), Question: question, Answer: "Yes."}}
	case "unfaq":
		return &desk.DeleteFAQ{Slug: first}
	case "canned":
		return &desk.SetCanned{Canned: desk.Canned{Name: first, Text: text}}
	}
	return nil
}

func mailDoing(verb, rest string) desk.Command {
	f := append(strings.Fields(rest), "", "", "")
	id, _ := strconv.ParseUint(f[0], 10, 64)
	n, _ := strconv.ParseUint(f[1], 10, 64)
	why := strings.TrimSpace(strings.Join(f[2:], " "))
	switch verb {
	case "mail":
		return ingest(rest)
	case "compose": // TICKET ENTRY
		message := fmt.Sprintf("<t%d.%d.mac@library.example>", id, n)
		return &desk.ComposeMail{
			Ticket: id, Entry: n, MessageID: message, From: "bounce@library.example", Body: []byte("Message-ID: " + message + "\r\n\r\nHello\r\n"),
		}
	case "claim": // MAIL TERM [again]
		return &desk.ClaimMail{ID: id, Term: n, Again: why == "again"}
	case "dot":
		return &desk.MailDot{ID: id, Term: n}
	case "sent":
		return &desk.MailSent{ID: id, Term: n, QueueID: why}
	case "deferred":
		return &desk.MailDeferred{ID: id, Term: n, At: Start.Add(time.Hour), Why: why}
	case "failed":
		return &desk.MailFailed{ID: id, Term: n, Why: why, Hard: true}
	case "unsure":
		return &desk.MailUnsure{ID: id, Term: n, Why: why}
	case "make-link": // ACCOUNT KIND TOKEN
		return &desk.MakeLink{Account: f[0], Kind: desk.LinkKind(f[1]), Hash: hash(f[2])}
	case "use-link": // KIND TOKEN
		return &desk.UseLink{Kind: desk.LinkKind(f[0]), Hash: hash(f[1]), Password: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA"}
	case "sign-in": // ACCOUNT TOKEN
		return &desk.OpenWebSession{Account: f[0], Hash: hash(f[1])}
	case "miss":
		return &desk.CountFAQMiss{Query: rest}
	}
	return nil
}

func hash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// ingest reads a mail: FIELD=VALUE … | TEXT. The fields are from, name, cc, auth, kind, id, subject (with _ for a blank),
// group, to-token=TICKET, answers=TICKET.ENTRY, re=ID, tag=TICKET and hard=ADDRESS.
func ingest(rest string) desk.Command {
	head, text, _ := strings.Cut(rest, "| ")
	x := &desk.IngestMail{
		Group: "help", Mailbox: "INBOX", Department: "reference", Text: text, Kind: desk.MailHuman, Auth: desk.AuthPass,
		BodyHash: hash(text), Blob: hash(rest), DedupeKey: hash(rest),
	}
	for _, field := range strings.Fields(head) {
		name, value, _ := strings.Cut(field, "=")
		first, second, _ := strings.Cut(value, ".")
		n, _ := strconv.ParseUint(first, 10, 64)
		e, _ := strconv.ParseUint(second, 10, 64)
		add := func(c desk.MailCandidate) { x.Candidates = append(x.Candidates, c) }
		switch name {
		case "from":
			x.From = value
		case "name":
			x.FromName = value
		case "cc":
			x.Cc = append(x.Cc, value)
		case "auth":
			x.Auth = desk.AuthState(value)
		case "kind":
			x.Kind = desk.MailKind(value)
		case "id":
			x.MessageID = value
		case "subject":
			x.Subject = strings.ReplaceAll(value, "_", " ")
		case "group":
			x.Group, x.Department = value, value
		case "to-token":
			add(desk.MailCandidate{Kind: desk.ByToken, Ticket: n})
		case "answers":
			add(desk.MailCandidate{Kind: desk.ByOwnID, Ticket: n, Entry: e})
		case "re":
			add(desk.MailCandidate{Kind: desk.ByForeignID, MessageID: value})
		case "tag":
			add(desk.MailCandidate{Kind: desk.BySubject, Ticket: n})
		case "hard":
			x.Reports = append(x.Reports, desk.MailReport{Address: value, Status: "5.1.1", Hard: true})
		}
	}
	return x
}

// look prints a ticket with its entries.
func (c *cast) look(t *testing.T, out *strings.Builder, what string) {
	number, err := strconv.ParseUint(what, 10, 64)
	if err != nil {
		t.Fatalf("look %q: want the number of a ticket", what)
	}
	err = c.store.View(t.Context(), desk.NodeActor("n0"), func(r desk.Reader) error {
		k, err := r.Ticket(number)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "look %d\n   %d %q %s %s", number, k.Number, k.Subject, k.Department, k.State)
		for _, part := range [][2]string{{"for", k.Email}, {"cc", strings.Join(k.Cc, " ")}, {"assigned", k.Assignee}, {"failed", strings.Join(k.Failed, " ")}} {
			if part[1] != "" {
				fmt.Fprintf(out, " %s=%s", part[0], part[1])
			}
		}
		if k.Verified {
			fmt.Fprint(out, " verified")
		}
		if k.Unread > 0 {
			fmt.Fprintf(out, " unread=%d", k.Unread)
		}
		if len(k.Links) > 0 {
			fmt.Fprintf(out, " links=%v", k.Links)
		}
		fmt.Fprintln(out)
		entries, err := r.Entries(k.Number, 0, 0)
		for _, e := range entries {
			fmt.Fprintf(out, "   %s\n", entryWords(e))
		}
		return err
	})
	if err != nil {
		t.Fatalf("look %s: %v", what, err)
	}
}

func entryWords(e *desk.TicketEntry) string {
	out := fmt.Sprintf("%d %s", e.N, e.Kind)
	for _, part := range [][2]string{
		{"by", e.By}, {"from", e.Email}, {"held", string(e.Held)}, {"mail", string(e.Mail)}, {"to", strings.Join(e.Recipients, ",")}, {"what", e.What},
	} {
		if part[1] != "" {
			out += " " + part[0] + "=" + part[1]
		}
	}
	if e.Text != "" {
		out += ": " + strings.ReplaceAll(e.Text, "\n", " / ")
	}
	return out
}
