// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"slices"
	"strconv"
	"strings"
)

// Kind is what wrote a mail.
type Kind string

// The kinds, in the order in which they are looked for.
const (
	KindOwn       Kind = "own"       // we did: a copy of a mail of ours
	KindBounce    Kind = "bounce"    // a mail of ours, or one in our name, could not be delivered
	KindDelayed   Kind = "delayed"   // it could not be delivered yet
	KindDelivered Kind = "delivered" // it was delivered or relayed
	KindOpened    Kind = "opened"    // a disposition notification (RFC 8098)
	KindComplaint Kind = "complaint" // a feedback report (RFC 5965): write to that address no more
	KindAuto      Kind = "auto"      // a program answered or notifies
	KindList      Kind = "list"      // came over a list or in bulk
	KindHuman     Kind = "human"
)

// Verdict is what Classify found.
type Verdict struct {
	Kind       Kind
	Why        string // the rule that decided
	Out        uint64 // the outgoing mail that a bounce is about, if its token says so
	Recipients []Recipient
	ReturnedID string // Message-ID of the mail that a report is about
}

// AutoReply reports whether a program wrote the mail, other than to say that one could not be delivered.
func (v Verdict) AutoReply() bool {
	switch v.Kind {
	case KindAuto, KindDelivered, KindOpened, KindComplaint:
		return true
	}
	return false
}

// Undelivered reports whether the mail says that another one did not arrive, for good or so far.
func (v Verdict) Undelivered() bool { return v.Kind == KindBounce || v.Kind == KindDelayed }

// Own is what Classify and Candidates have to know about the desk.
type Own struct {
	Keys      Keyring
	Addresses []string // the desk's own mailboxes
	Lists     []string // List-Ids of lists that deliver to the desk's mailboxes
}

// Classify tells what wrote a mail. The first rule that fits decides.
func Classify(m *Message, own Own) Verdict {
	for _, rule := range []func(*Message, Own) (Verdict, bool){
		ownCopy, report, undeliverable, automatic, byList,
	} {
		if v, ok := rule(m, own); ok {
			return v
		}
	}
	return Verdict{Kind: KindHuman, Why: "none"}
}

// ownCopy finds mails of ours that came back by a list, a forwarding or a self-copy.
func ownCopy(m *Message, own Own) (Verdict, bool) {
	id, ok := own.Keys.ParseMessageID(m.MessageID)
	from := m.FromAddress()
	if !ok || !slices.ContainsFunc(own.Addresses, from.Same) {
		return Verdict{}, false
	}
	return Verdict{Kind: KindOwn, Why: "message-id", ReturnedID: id.String()}, true
}

// automatic finds mail of programs (RFC 3834 §5 and what came before it). X-Auto-Response-Suppress proves nothing by
// itself: Outlook puts it on mail of people.
func automatic(m *Message, _ Own) (Verdict, bool) {
	h := m.Header
	auto := func(why string) (Verdict, bool) { return Verdict{Kind: KindAuto, Why: why}, true }
	if v := firstWord(h.Raw("Auto-Submitted")); v != "" && v != "no" {
		return auto("auto-submitted")
	}
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply-From", "X-Mail-Autoreply", "X-Autoreply-From", "X-AutoReply-From"} {
		if v := firstWord(h.Raw(name)); h.Has(name) && v != "no" && v != "false" {
			return auto(strings.ToLower(name))
		}
	}
	switch firstWord(h.Raw("Precedence")) {
	case "auto_reply", "auto-reply", "autoreply":
		return auto("precedence")
	}
	if strings.EqualFold(h.Raw("X-Precedence"), "auto_reply") {
		return auto("precedence")
	}
	if nullSender(m) {
		return auto("return-path")
	}
	if autoSubject.MatchString(m.Subject) {
		return auto("subject")
	}
	if h.Has("X-Auto-Response-Suppress") && awaySubject.MatchString(m.Subject) {
		return auto("subject and x-auto-response-suppress")
	}
	return Verdict{}, false
}

// byList finds mail that came over a list that isn't the desk's own. A shared mailbox is often a list itself.
func byList(m *Message, own Own) (Verdict, bool) {
	h := m.Header
	id := strings.ToLower(h.Raw("List-Id"))
	ours := id != "" && slices.ContainsFunc(own.Lists, func(l string) bool { return l != "" && strings.Contains(id, strings.ToLower(l)) })
	if ours {
		return Verdict{}, false
	}
	list := func(why string) (Verdict, bool) { return Verdict{Kind: KindList, Why: why}, true }
	switch firstWord(h.Raw("Precedence")) {
	case "bulk", "junk", "list":
		return list("precedence")
	}
	for _, name := range []string{"List-Id", "List-Unsubscribe", "X-Campaign-Id"} {
		if h.Has(name) {
			return list(strings.ToLower(name))
		}
	}
	return Verdict{}, false
}

// Hops counts the servers that a mail passed, and the desks that answered each other in it: whoever takes mail in stops
// at some number, because a mail that goes round would go round for ever.
func (m *Message) Hops() (servers, desks int) {
	desks, err := strconv.Atoi(strings.TrimSpace(m.Header.Raw("X-Refdesk-Hop")))
	if err != nil || desks < 0 {
		desks = 0
	}
	return len(m.Header.All("Received")), desks
}

func firstWord(s string) string {
	s, _, _ = strings.Cut(s, ";")
	s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
	return strings.ToLower(s)
}

// nullSender reports whether the envelope's sender was the null one, as far as the header still tells.
func nullSender(m *Message) bool {
	if !m.Header.Has("Return-Path") {
		return false
	}
	v := strings.TrimSpace(m.Header.Raw("Return-Path"))
	return v == "<>" || v == ""
}
