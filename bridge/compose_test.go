// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"refdesk/bridge/mail"
	"refdesk/cluster/desk"
)

// heads are the header fields that matter, of a mail as it went out.
func heads(m *mail.Message) map[string]string {
	out := map[string]string{}
	for _, name := range []string{
		"From", "Reply-To", "To", "Cc", "Subject", "In-Reply-To", "References", "Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "X-Refdesk-Ticket",
		"X-Refdesk-Hop", "List-Unsubscribe",
	} {
		if v := m.Header.Text(name); v != "" {
			out[name] = regexp.MustCompile(`\.a[a-z2-7]{16}@`).ReplaceAllString(v, ".MAC@")
		}
	}
	return out
}

func TestAcknowledgementOfAQuestion(t *testing.T) {
	r := newRig(t)
	ticket := r.desk.Ask("Alice Moor", "alice@patron.test", "Buy cheap pills at https://evil.example!")
	r.b.composeWanted(t.Context())
	m, body := r.parsed(ticket, 2)
	want := map[string]string{
		"From": `"Main Library" <help@desk.test>`, "Reply-To": "help+t1.MAC@desk.test", "To": `"Alice Moor" <alice@patron.test>`,
		"Subject": "Your question to Main Library [#1]", "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All",
		"X-Refdesk-Ticket": "1", "X-Refdesk-Hop": "1",
	}
	if d := cmp.Diff(want, heads(m)); d != "" {
		t.Errorf("header (-want +got):\n%s", d)
	}
	if strings.Contains(string(body), "evil") || strings.Contains(m.Text, "pills") {
		t.Errorf("the patron's words go to an address that has proved nothing:\n%s", body)
	}
	if id, ok := r.b.keys.ParseMessageID(m.MessageID); !ok || id.Ticket != ticket || id.Entry != 2 {
		t.Errorf("the id is %s", m.MessageID)
	}
	if !strings.Contains(m.Text, r.b.keys.RefTag(ticket)) || !strings.Contains(m.Text, "number is 1") {
		t.Errorf("the text is %s", m.Text)
	}
	r.b.composeWanted(t.Context())
	if n := len(r.desk.Mails(ticket)); n != 1 {
		t.Errorf("%d mails, want 1: it is composed once", n)
	}
}

func TestAnswerInTheThread(t *testing.T) {
	r := newRig(t)
	in := func(id, text string, more ...string) uint64 {
		t.Helper()
		head := strings.Join(append([]string{
			"From: Alice <alice@patron.test>", "Subject: Renewals", "Date: " + r.desk.Now().Format("Mon, 02 Jan 2006 15:04:05 -0700"), "Message-ID: " + id,
		}, more...), "\r\n")
		reply, err := r.b.door.Take(t.Context(), envelope(), strings.NewReader(head+"\r\n\r\n"+text+"\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		return reply.Ticket
	}
	ticket := in("<first@patron.test>", "May I renew <b>a book</b>?")
	first := r.answer(ticket, "Which one? <script>alert(1)</script>")
	r.b.composeWanted(t.Context())
	m, _ := r.parsed(ticket, first)
	own := m.MessageID
	want := map[string]string{
		"From": `"Ana (Main Library)" <help@desk.test>`, "Reply-To": "help+t1.MAC@desk.test", "To": `"Alice" <alice@patron.test>`,
		"Subject": "Re: Renewals [#1]", "In-Reply-To": "<first@patron.test>", "References": "<first@patron.test>",
		"X-Auto-Response-Suppress": "OOF, AutoReply", "X-Refdesk-Ticket": "1", "X-Refdesk-Hop": "0",
	}
	got := heads(m)
	got["References"] = strings.Fields(got["References"])[len(strings.Fields(got["References"]))-1]
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("header (-want +got):\n%s", d)
	}
	if strings.Contains(m.HTML, "<script") || !strings.Contains(m.HTML, "&lt;script&gt;") {
		t.Errorf("what staff type is no HTML:\n%s", m.HTML)
	}
	if strings.Contains(m.Text, "renew") {
		t.Errorf("an address that has proved nothing gets no quotation:\n%s", m.Text)
	}
	in("<second@patron.test>", "The red one", "To: "+m.ReplyTo[0].Addr, "In-Reply-To: "+own)
	second := r.answer(ticket, "Done.")
	r.b.composeWanted(t.Context())
	m, _ = r.parsed(ticket, second)
	if m.Subject != "Re: Renewals [#1]" || m.InReplyTo[0] != "<second@patron.test>" {
		t.Errorf("subject %q, answers %q", m.Subject, m.InReplyTo)
	}
	if n := len(m.References); n < 3 || m.References[0] != "<first@patron.test>" || m.References[n-1] != "<second@patron.test>" {
		t.Errorf("references %q", m.References)
	}
	if !strings.Contains(m.Text, "> The red one") || !strings.Contains(m.HTML, "<blockquote") {
		t.Errorf("an address that answered gets its words quoted:\n%s", m.Text)
	}
}

func TestSubjectStaysTheSame(t *testing.T) {
	r := newRig(t)
	ticket := r.desk.Ask("Alice", "alice@patron.test", "May I renew a book?")
	r.b.composeWanted(t.Context())
	r.desk.Admin(&desk.SetTicketSubject{Ticket: ticket, Subject: "Renewals, second floor"})
	entry := r.answer(ticket, "Yes.")
	r.b.composeWanted(t.Context())
	m, _ := r.parsed(ticket, entry)
	if m.Subject != "Re: Your question to Main Library [#1]" {
		t.Errorf("subject %q; mail programs begin a new thread with a new one", m.Subject)
	}
}

func TestDepartmentsHaveTheirAddresses(t *testing.T) {
	r := newRig(t)
	ticket := r.desk.Admin(&desk.OpenTicket{Department: "digital", Subject: "Scanner", Email: "alice@patron.test"}).Ticket
	r.b.composeWanted(t.Context())
	m, _ := r.parsed(ticket, 1)
	if m.From[0].Addr != "digital@desk.test" || !strings.HasPrefix(m.ReplyTo[0].Addr, "digital+t1.") {
		t.Errorf("from %v, reply to %v", m.From, m.ReplyTo)
	}
}

func TestLongAnswer(t *testing.T) {
	r := newRig(t)
	ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
	text := strings.Repeat("Читальный зал открыт. ", desk.MaxBody/40)
	entry := r.answer(ticket, text)
	r.b.composeWanted(t.Context())
	m, _ := r.parsed(ticket, entry)
	if !strings.Contains(strings.Join(strings.Fields(m.Text), " "), strings.TrimSpace(text)) {
		t.Error("the text is not whole")
	}
	without := newRig(t)
	without.b.blobs = nil
	ticket = without.desk.Ask("Alice", "alice@patron.test", "?")
	entry = without.answer(ticket, text)
	err := without.b.compose(t.Context(), without.entry(ticket, entry))
	if !errors.Is(err, errTooLong) {
		t.Errorf("got %v; a mail that can't be kept is not cut", err)
	}
	without.b.composeWanted(t.Context()) // and the others go on
	if m, _ := without.parsed(ticket, 2); m.Subject == "" {
		t.Error("the acknowledgement is not composed")
	}
}

func TestRecipientsThatNoHeaderTakes(t *testing.T) {
	r := newRig(t)
	ticket := r.desk.Ask("Alice", "alice@[127.0.0.1]", "?")
	r.b.composeWanted(t.Context())
	m, _ := r.parsed(ticket, 2)
	if len(m.To) != 1 || m.To[0].Addr != "help@desk.test" {
		t.Errorf("to %v; the mail is composed all the same, sending says what is wrong", m.To)
	}
}

func TestNamesAreInert(t *testing.T) {
	r := newRig(t)
	ticket := r.desk.Ask("Eve\u202e <b>\"x\" <boss@bank.example>", "alice@patron.test", "?")
	r.b.composeWanted(t.Context())
	m, body := r.parsed(ticket, 2)
	head, _, _ := bytes.Cut(body, []byte("\r\n\r\n"))
	if len(m.To) != 1 || m.To[0].Addr != "alice@patron.test" || strings.Contains(string(head), "bank") {
		t.Errorf("to %v in\n%s", m.To, head)
	}
}

func TestTheirLanguage(t *testing.T) {
	r := newRig(t)
	ticket := r.desk.Admin(&desk.AskQuestion{ID: "1", Department: "reference", Question: "Darf ich?", Email: "a@b.test", Locale: "de-AT"}).Ticket
	r.b.composeWanted(t.Context())
	if m, _ := r.parsed(ticket, 2); m.Subject != "Ihre Frage an Main Library [#1]" || !strings.Contains(m.Text, "Nummer 1") {
		t.Errorf("%q:\n%s", m.Subject, m.Text)
	}
}

func TestSameMailOnAnyNode(t *testing.T) {
	a, b := newRig(t), newRig(t)
	e := &desk.TicketEntry{Ticket: 7, N: 3, Text: "Yes.", Purpose: desk.MailAnswer, Recipients: []string{"alice@patron.test"}}
	th := &thread{ticket: &desk.Ticket{Number: 7, Subject: "x"}, entry: e, library: "Main Library", address: "help@desk.test"}
	x := &desk.ComposeMail{MessageID: a.b.keys.MessageID(7, 3, "desk.test"), Date: 1790000000000}
	one, err := mail.Compose(a.b.draft(th, x))
	two, err2 := mail.Compose(b.b.draft(th, x))
	if err != nil || err2 != nil || !bytes.Equal(one, two) {
		t.Errorf("%v, %v; the bytes differ from node to node", err, err2)
	}
}

func TestKeys(t *testing.T) {
	desk1 := mail.Key{ID: 'a', Secret: bytes.Repeat([]byte{1}, 32)}
	desk2 := mail.Key{ID: 'b', Secret: bytes.Repeat([]byte{2}, 32)}
	old, err := Keys(desk1)
	if err != nil {
		t.Fatal(err)
	}
	both, err := Keys(desk2, desk1)
	if err != nil {
		t.Fatal(err)
	}
	if tok, ok := both.ParseReplyAddress("help+" + old.ReplyTag(5) + "@x"); !ok || tok.Ticket != 5 {
		t.Error("a token of the key before doesn't count any more")
	}
	if _, ok := old.ParseReplyAddress("help+" + both.ReplyTag(5) + "@x"); ok {
		t.Error("a token of another key counts")
	}
	raw, err := mail.NewKeyring(desk1)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := raw.ParseReplyAddress("help+" + old.ReplyTag(5) + "@x"); ok {
		t.Error("tokens are made with the desk's key itself")
	}
	for name, keys := range map[string][]mail.Key{"none": nil, "a capital letter": {{ID: 'A', Secret: desk1.Secret}}, "twice the same letter": {desk1, {ID: 'a', Secret: desk2.Secret}}} {
		if _, err := Keys(keys...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
