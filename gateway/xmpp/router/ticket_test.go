// SPDX-License-Identifier: Apache-2.0

package router

import (
	"strings"
	"testing"

	"refdesk/cluster/desk"
	"refdesk/gateway/xmpp"
)

const t1 = "t1@chat.desk.example"

// ticket makes the desk's first ticket, by lena.
func (h *house) ticket() {
	h.t.Helper()
	h.do(desk.StaffActor("lena", ""), &desk.OpenTicket{Department: "reference", Subject: "Old maps", Name: "Ida", Email: "ida@example.org", Text: "Have you got them?"})
}

// mail lets a patron's mail come in to ticket 1.
func (h *house) mail(from, text string) {
	h.t.Helper()
	hash := strings.Repeat("a", 64-len(text)) + text
	h.do(desk.NodeActor("n0"), &desk.IngestMail{
		Group: "help", Mailbox: "INBOX", Department: "reference", From: from, Subject: "Re", Text: text, Kind: desk.MailHuman,
		Auth: desk.AuthPass, BodyHash: hash, Blob: hash, DedupeKey: hash,
		Candidates: []desk.MailCandidate{{Kind: desk.ByToken, Ticket: 1}},
	})
}

// answers counts the mails to the patron of ticket 1 that staff have sent.
func (h *house) answers() (n int) {
	h.t.Helper()
	err := h.View(h.ctx, desk.NodeActor("n0"), func(r desk.Reader) error {
		all, err := r.Entries(1, 0, 0)
		for _, e := range all {
			if e.Purpose == desk.MailAnswer && e.Mail == desk.OutWanted {
				n++
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func TestATicketIsAContactOfItsAssignee(t *testing.T) {
	h := newHouse(t, 1)
	ana, ben := h.arrive("ana", 0), h.arrive("ben", 0)
	h.ticket()
	ana.heard(bot, "New ticket 1 Ida – Old maps – Reference")
	h.do(desk.StaffActor("lena", ""), &desk.AssignTicket{Ticket: 1, To: "ana"})
	item := ana.pushed(t1)
	if got := item.Attr("name"); got != "Mail 1 – Ida – Old maps" || item.ChildText(xmpp.NSRoster, "group") != groupTickets {
		t.Errorf("the contact: %s", item)
	}
	ana.presence(t1 + "/patron")
	ana.heard(t1, "Lena gives you ticket 1")
	ana.heard(t1, "Have you got them?")

	ana.write(t1, "Dear Ida,")
	ana.heard(t1, "Draft line 1, not sent.")
	ana.write(t1, "we have got them.")
	ana.heard(t1, "Draft line 2, not sent.")
	if n := h.answers(); n != 0 {
		t.Fatalf("%d mails without !send", n)
	}
	ana.write(t1, "!send")
	ana.heard(t1, "Mail to ida@example.org: «Dear Ida,»")
	if n := h.answers(); n != 1 {
		t.Errorf("%d mails after !send", n)
	}
	ana.write(t1, "!undo")
	ana.heard(t1, "does not go out")

	h.mail("ida@example.org", "thanks")
	ana.heard(t1, "ida@example.org: thanks")
	h.mail("tim@example.org", "metoo")
	if body, _ := xmpp.Body(ana.heard(t1, "is held")); strings.Contains(body, "metoo") {
		t.Errorf("a held mail is shown: %s", body)
	}
	ben.settle()
	ana.write(t1, "!close")
	if item := ana.pushed(t1); item.Attr("subscription") != "remove" {
		t.Errorf("after the close: %s", item)
	}
}

func TestANumberAtTheBotOpensATicket(t *testing.T) {
	h := newHouse(t, 1)
	h.ticket()
	ana := h.arrive("ana", 0)
	ana.write(bot, "1")
	ana.pushed(t1)
	ana.heard(t1, "Have you got them?")
	ana.heard(bot, "1 Ida – Reference – new – nobody's – Old maps")
	h.mail("ida@example.org", "hello")
	ana.heard(t1, "hello") // she has it open
	ana.ask("", "set", "<query xmlns='jabber:iq:roster'><item jid='"+t1+"' subscription='remove'/></query>")
	if item := ana.pushed(t1); item.Attr("subscription") == "remove" {
		ana.settle()
	} else {
		t.Errorf("what is not one's own can be taken off: %s", item)
	}
	ana.write(t1, "!claim")
	ana.pushed(t1)
	ana.heard(t1, "Ticket 1 is yours")
}

func TestATicketOfAnotherDepartmentIsNotThere(t *testing.T) {
	h := newHouse(t, 1)
	h.ticket()
	dora := h.arrive("dora", 0)
	if got := string(xmpp.ReadError(dora.ask(t1, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>"))); got != "item-not-found" {
		t.Errorf("disco of the ticket: %s", got)
	}
	dora.write(t1, "Dear Ida,")
	dora.heard(t1, "there is no ticket 1 that you may answer")
	ana := h.arrive("ana", 0)
	if got := ana.ask(t1, "get", "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>"); !strings.Contains(got.String(), "reply") {
		t.Errorf("the commands: %s", got)
	}
	if got := ana.ask(t1, "get", "<vCard xmlns='vcard-temp'/>"); !strings.Contains(got.String(), "Mail 1 – Ida") {
		t.Errorf("the card: %s", got)
	}
}

func TestWhatCameToATicketMeanwhileComesWithItsTime(t *testing.T) {
	h := newHouse(t, 1)
	h.ticket()
	ana := h.arrive("ana", 0)
	h.do(desk.StaffActor("lena", ""), &desk.AssignTicket{Ticket: 1, To: "ana"})
	ana.heard(t1, "Have you got them?")
	ana.settle()
	h.positioned("ana")
	h.gone(ana)
	h.mail("ida@example.org", "thanks")
	again := h.arrive2("ana", 0)
	if el := again.heard(t1, "ida@example.org: thanks"); el.Child(xmpp.NSDelay, "delay") == nil {
		t.Errorf("without its time: %s", el)
	}
}

func TestATicketIsFoundOnTheListAndInTheDomain(t *testing.T) {
	h := newHouse(t, 1)
	h.ticket()
	h.do(desk.StaffActor("lena", ""), &desk.AssignTicket{Ticket: 1, To: "ana"})
	ana := h.signIn("ana", 0)
	if got := ana.ask("", "get", "<query xmlns='jabber:iq:roster'/>").String(); !strings.Contains(got, t1) {
		t.Errorf("the list: %s", got)
	}
	if got := ana.ask("chat.desk.example", "get", "<query xmlns='http://jabber.org/protocol/disco#items'/>").String(); !strings.Contains(got, t1) {
		t.Errorf("the domain: %s", got)
	}
	ana.Send("<presence/>")
	ana.presence(t1 + "/patron")
}

func TestAnEncryptedLineIsNoDraft(t *testing.T) {
	h := newHouse(t, 1)
	h.ticket()
	ana := h.arrive("ana", 0)
	ana.Send("<message type='chat' id='x' to='" + t1 + "'><body>I sent you an OMEMO encrypted message</body><encrypted xmlns='eu.siacs.conversations.axolotl'/></message>")
	ana.heard(t1, "encrypted")
	err := h.View(h.ctx, desk.StaffActor("ana", ""), func(r desk.Reader) error {
		if d, _ := r.Draft(1); d != nil {
			t.Errorf("drafted %q", d.Lines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
