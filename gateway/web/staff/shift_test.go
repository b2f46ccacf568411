// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
)

// TestAChatWithoutScripts takes a chat from the list, answers, notes, is held, tags and closes, by forms alone.
func TestAChatWithoutScripts(t *testing.T) {
	l := newLibrary(t)
	n := l.ask("p1", "Mia", "How do I renew?")
	if err := l.store.Connect("ana"); err != nil {
		t.Fatal(err)
	}
	ana := l.as("ana")
	p := ana.get("/board")
	p.says(t, http.StatusOK, "Waiting", "Mia", "How do I renew?", "Take")
	key := p.value("key")
	p = ana.follow(chatURL(n)+"/do/claim", "key", key)
	p.says(t, http.StatusOK, "is yours", "How do I renew?", "Write to Mia")
	if l.chat(n).Owner != "ana" {
		t.Fatal("nothing was claimed")
	}
	say := func(text string) page {
		return ana.follow(chatURL(n)+"/say", "text", text, "key", ana.get(chatURL(n)).value("key"))
	}
	say("On your account page.").says(t, http.StatusOK, "On your account page.")
	say("!note nice one").says(t, http.StatusOK, "Your note")
	say("!colse").says(t, http.StatusOK, "Held, nobody has seen it", "!colse")
	ana.get(chatURL(n)+"/do/close").says(t, http.StatusOK, "Close a chat", "renewals", "printing")
	p = ana.get(chatURL(n) + "/do/close?got=" + ana.get(chatURL(n)).value("got"))
	got := p.value("got")
	l.patron("p1", n, "l9", "One more thing")
	ana.follow(chatURL(n)+"/do/close", "tags", "renewals", "got", got, "key", p.value("key")).says(t, http.StatusOK, "One more thing", "Not closed")
	p = ana.get(chatURL(n))
	p = ana.follow(chatURL(n)+"/do/close", "tags", "renewals", "got", p.value("got"), "key", p.value("key"))
	p.says(t, http.StatusOK, "is closed", "renewals")
	want := []string{"patron: How do I renew?", "staff: On your account page.", "note: nice one", "patron: One more thing"}
	if diff := cmp.Diff(want, l.texts(n)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestAFormSentTwice posts a line twice with one key: it stands there once.
func TestAFormSentTwice(t *testing.T) {
	l := newLibrary(t)
	n := l.ask("p1", "Mia", "Hello?")
	l.do("ana", &desk.ClaimChat{Chat: n})
	ana := l.as("ana")
	key := ana.get(chatURL(n)).value("key")
	for range 2 {
		ana.follow(chatURL(n)+"/say", "text", "Once.", "key", key)
	}
	if diff := cmp.Diff([]string{"patron: Hello?", "staff: Once."}, l.texts(n)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestWhoMayReadAChat: of a chat that is none of theirs, people of other departments and trainees learn nothing.
func TestWhoMayReadAChat(t *testing.T) {
	l := newLibrary(t)
	n := l.ask("p1", "Mia", "A secret question")
	l.do("ben", &desk.ClaimChat{Chat: n})
	for account, want := range map[string]int{"ana": 200, "lena": 200, "rosa": 200, "ben": 200, "tia": 404, "dora": 404} {
		for _, path := range []string{"", "/do/note"} {
			p := l.as(account).get(chatURL(n) + path)
			if path != "" && account != "ben" {
				want = max(want, 404) // a note is for those who have a part
			}
			if p.status != want || want == 404 && strings.Contains(p.body, "secret") {
				t.Errorf("%s%s: %d", account, path, p.status)
			}
		}
	}
	before := len(l.texts(n))
	l.as("dora").post(chatURL(n)+"/say", "text", "Hello from elsewhere")
	l.as("tia").post(chatURL(n)+"/do/note", "text", "x")
	if len(l.texts(n)) != before {
		t.Errorf("lines: %v", l.texts(n))
	}
}

// missed makes a chat a missed one.
func (l *library) missed(patron, name, question string) uint64 {
	l.t.Helper()
	n := l.ask(patron, name, question)
	if _, err := l.store.Do(context.Background(), desk.Request{Actor: patronHash(patron), Command: &desk.LeaveChat{Chat: n}}); err != nil {
		l.t.Fatal(err)
	}
	if s := l.chat(n).State; s != desk.Missed {
		l.t.Fatalf("it is %s", s)
	}
	return n
}

func TestMissedChats(t *testing.T) {
	l := newLibrary(t)
	ana := l.as("ana")
	ana.get("/missed").says(t, http.StatusOK, "The list is empty")
	one, two, three, four := l.missed("p1", "Mia", "<b>maps</b>?"), l.missed("p2", "Jo", "Hello?"), l.missed("p3", "", "Anybody?"), l.missed("p4", "", "!!!")
	p := ana.get("/missed")
	p.says(t, http.StatusOK, "Mia", "<b>maps</b>?", "no address", "Follow it up", "waited")
	if strings.Contains(p.body, "<b>maps") {
		t.Error("the question is an element")
	}
	ana.get("/missed?department=digital").says(t, http.StatusOK, "The list is empty")

	ana.follow(fmt.Sprintf("/missed/%d/claim", one), "key", "claim-key-1").says(t, http.StatusOK, "is yours", "Write to Mia")
	l.as("lena").follow(fmt.Sprintf("/missed/%d/claim", one), "key", "claim-key-2").says(t, http.StatusOK, "Ana", "Missed chats")

	ana.follow(fmt.Sprintf("/missed/%d/ticket", two), "email", "not an address").says(t, http.StatusOK, "can't be an e-mail address")
	ana.follow(fmt.Sprintf("/missed/%d/ticket", two)).says(t, http.StatusOK, "has no address yet")
	ana.follow(fmt.Sprintf("/missed/%d/ticket", two), "email", "jo@example.org").says(t, http.StatusOK, "goes on as ticket", "jo@example.org", "Hello?")
	if s := l.chat(two).State; s != desk.Ticketed {
		t.Errorf("it is %s", s)
	}

	ana.follow(fmt.Sprintf("/missed/%d/dismiss", three), "why", "  ").says(t, http.StatusOK, "needs a reason")
	ana.follow(fmt.Sprintf("/missed/%d/dismiss", three), "why", "a test of ours").says(t, http.StatusOK, "off the list")
	if got := l.texts(three); got[len(got)-1] != "note: a test of ours" {
		t.Errorf("lines: %v", got)
	}
	p = ana.get("/missed")
	p.says(t, http.StatusOK, "!!!")
	if strings.Contains(p.text(), "Anybody?") || strings.Contains(p.text(), "maps") {
		t.Errorf("the list is %s", p.text())
	}
	if p := l.as("dora").post(fmt.Sprintf("/missed/%d/dismiss", four), "why", "not mine"); l.chat(four).State != desk.Missed {
		t.Errorf("another department took it off: %d", p.status)
	}
}

// ticket opens one by hand.
func (l *library) ticket(text, email string) uint64 {
	l.t.Helper()
	return l.do("ana", &desk.OpenTicket{Department: "reference", Text: text, Email: email, Name: "Mia"}).Ticket
}

// entries are a ticket's, as "kind: text".
func (l *library) entries(n uint64) (out []*desk.TicketEntry) {
	l.t.Helper()
	l.read(func(rd desk.Reader) (err error) {
		out, err = rd.Entries(n, 0, 0)
		return err
	})
	return out
}

func (l *library) ticketNow(n uint64) (k *desk.Ticket) {
	l.t.Helper()
	l.read(func(rd desk.Reader) (err error) {
		k, err = rd.Ticket(n)
		return err
	})
	return k
}

func TestATicketByHand(t *testing.T) {
	l := newLibrary(t)
	ana := l.as("ana")
	ana.get("/tickets").says(t, http.StatusOK, "No ticket here")
	ana.post("/tickets/new", "department", "reference").says(t, http.StatusUnprocessableEntity, "Write what is asked")
	ana.post("/tickets/new", "department", "reference", "text", "x", "email", "nonsense").says(t, http.StatusUnprocessableEntity, "the e-mail address")
	p := ana.follow("/tickets/new", "department", "reference", "text", "Is the <i>archive</i> open?\r\nOn Sunday?", "name", "Mia", "key", "ticket-key-1")
	p.says(t, http.StatusOK, "Is the <i>archive</i> open?", "new", "Nobody can be answered yet")
	if strings.Contains(p.body, "<i>archive") {
		t.Error("the question is an element")
	}
	n := uint64(1)
	if got := l.entries(n)[0].Text; got != "Is the <i>archive</i> open?\nOn Sunday?" {
		t.Errorf("text %q", got)
	}
	at := ticketURL(n)
	ana.follow(at+"/requester", "email", "mia@example.org", "cc", "tutor@example.org, parent@example.org").says(t, http.StatusOK, "Goes by mail to mia@example.org")
	ana.follow(at+"/reply", "text", "Yes, until four.", "key", "reply-key-1").says(t, http.StatusOK,
		"Yes, until four.", "Mail is on its way", "Take it back", "To mia@example.org , tutor@example.org , parent@example.org", "pending", "with Ana")
	ana.follow(at+"/reply", "text", "Yes, until four.", "key", "reply-key-1")
	e := slices.IndexFunc(l.entries(n), func(e *desk.TicketEntry) bool { return e.Purpose == desk.MailAnswer })
	answers := 0
	for _, x := range l.entries(n) {
		if x.Purpose == desk.MailAnswer {
			answers++
		}
	}
	if answers != 1 {
		t.Errorf("%d answers", answers)
	}
	ana.follow(fmt.Sprintf("%s/entries/%d/undo", at, l.entries(n)[e].N)).says(t, http.StatusOK, "taken back", "This is your draft", "Yes, until four.")
	ana.get("/tickets").says(t, http.StatusOK, "You have a draft in 1", "draft")
	ana.follow(at+"/reply", "text", "Yes, until five.", "drafted", "1", "state", "closed").says(t, http.StatusOK, "Yes, until five.", "closed")
	if p := ana.get(at); strings.Contains(p.text(), "This is your draft") {
		t.Error("the draft stays")
	}
	ana.follow(at+"/state", "state", "open").says(t, http.StatusOK, "The ticket is open now")
	ana.follow(at+"/note", "text", "She is a regular.").says(t, http.StatusOK, "She is a regular.", "note, only staff see it")
	ana.follow(at+"/tags", "tag", "opening hours", "tag", "renewals").says(t, http.StatusOK, "opening hours ×")
	ana.follow(at+"/tags", "untag", "renewals")
	ana.follow(at+"/tags", "tag", "no such tag").says(t, http.StatusOK, "no tag of the ticket's department")
	ana.follow(at+"/subject", "subject", "Sundays").says(t, http.StatusOK, "1 Sundays")
	ana.follow(at+"/requester", "uncc", "parent@example.org")
	ana.follow(at+"/assign", "to", "ben", "department", "reference", "why", "he knows").says(t, http.StatusOK, "with Ben", "he knows")
	k := l.ticketNow(n)
	if !slices.Equal(k.Tags, []string{"opening hours"}) || !slices.Equal(k.Cc, []string{"tutor@example.org"}) || k.Assignee != "ben" {
		t.Errorf("ticket: %+v", k)
	}
	ana.follow(at+"/assign", "to", "", "department", "digital").says(t, http.StatusOK, "with the other department now", "Tickets")
	ana.get(at).says(t, http.StatusNotFound)
	l.as("dora").get(at).says(t, http.StatusOK, "Sundays")
}

// TestAHeldMail is shown with what is the matter, and taken in by hand.
func TestAHeldMail(t *testing.T) {
	l := newLibrary(t)
	n := l.ticket("Is it open?", "mia@example.org")
	l.do("", &desk.IngestMail{
		Group: "main", Mailbox: "INBOX", DedupeKey: strings.Repeat("ab", 32), Department: "reference", From: "someone@evil.example",
		FromName: "<script>alert(1)</script>", Subject: "Re: Is it open?", Text: "Send me her address", Kind: desk.MailHuman, Auth: desk.AuthFail,
		Candidates: []desk.MailCandidate{{Kind: desk.ByToken, Ticket: n}}, BodyHash: strings.Repeat("cd", 32),
		Files: []desk.MailFile{{Name: "bill<b>.exe", Type: "application/x-msdownload", Size: 9, Flagged: true}}, Problems: []string{"a part <i>could</i> not"},
	})
	ana := l.as("ana")
	p := ana.get(ticketURL(n))
	p.says(t, http.StatusOK, "Sender not verified", "Send me her address", "It is genuine: take it in")
	if strings.Contains(p.body, "<script>alert") || strings.Contains(p.body, "bill<b>") || strings.Contains(p.body, "<i>could") {
		t.Error("a stranger's words became elements")
	}
	p.says(t, http.StatusOK, "bill<b>.exe", "may run as a program")
	var held *desk.TicketEntry
	for _, e := range l.entries(n) {
		if e.Held != desk.NotHeld {
			held = e
		}
	}
	p = ana.follow(fmt.Sprintf("%s/entries/%d/admit", ticketURL(n), held.N))
	p.says(t, http.StatusOK, "has a part in the ticket now")
	if k := l.ticketNow(n); !k.Participant("someone@evil.example") || strings.Contains(p.text(), "Sender not verified") {
		t.Errorf("ticket: %+v", k)
	}
}

func TestTicketLists(t *testing.T) {
	l := newLibrary(t)
	one, two := l.ticket("First question", "a@example.org"), l.ticket("Second question", "b@example.org")
	l.do("ana", &desk.AssignTicket{Ticket: one, To: "ana"})
	l.do("ana", &desk.SetTicketState{Ticket: two, State: desk.TicketClosed})
	ana := l.as("ana")
	for query, want := range map[string][2]bool{
		"": {true, false}, "?state=closed": {false, true}, "?state=all": {true, true}, "?whose=mine": {true, false}, "?whose=nobody": {false, false},
		"?department=digital": {false, false}, "?state=nonsense": {false, false}, "?before=nonsense": {true, false}, "?before=-1--1": {true, false},
	} {
		p := ana.get("/tickets" + query)
		p.says(t, http.StatusOK, "Tickets")
		got := [2]bool{strings.Contains(p.text(), "First question"), strings.Contains(p.text(), "Second question")}
		if got != want {
			t.Errorf("%q shows %v", query, got)
		}
	}
	for i := range ticketsOnPage + 5 {
		l.ticket(fmt.Sprintf("Many %d", i), "c@example.org")
	}
	p, seen := ana.get("/tickets"), 0
	for {
		seen += strings.Count(p.body, "<th scope=\"row\"")
		i := strings.Index(p.body, `<p class="pages"><a href="`)
		if i < 0 {
			break
		}
		rest := p.body[i+len(`<p class="pages"><a href="`):]
		next := strings.ReplaceAll(rest[:strings.IndexByte(rest, '"')], "&amp;", "&")
		p = ana.get(next)
	}
	if seen != ticketsOnPage+5+1 {
		t.Errorf("%d rows on all pages", seen)
	}
}

func TestMergingTickets(t *testing.T) {
	l := newLibrary(t)
	one, two := l.ticket("Lost card", "a@example.org"), l.ticket("Card again", "a@example.org")
	ana := l.as("ana")
	ana.follow(ticketURL(two)+"/merge", "into", "").says(t, http.StatusOK, "number of the other ticket is missing")
	ana.follow(ticketURL(two)+"/merge", "into", "999").says(t, http.StatusOK, "there is no ticket 999")
	ana.follow(ticketURL(two)+"/merge", "into", fmt.Sprint(two)).says(t, http.StatusOK, "That is this ticket itself")
	ana.follow(ticketURL(two)+"/merge", "into", fmt.Sprintf(" #%d ", one)).says(t, http.StatusOK, "goes on here", "Lost card", "Card again")
	ana.get(ticketURL(two)).says(t, http.StatusOK, fmt.Sprintf("Ticket %d goes on here.", two))
	l.as("dora").get(ticketURL(one)).says(t, http.StatusNotFound)
}

// answers is a Finder with what a test gives it.
type answers struct {
	asked []string
	opts  []FindOptions
	found Findings
}

func (a *answers) Find(_ context.Context, _ desk.Actor, q string, o FindOptions) (Findings, error) {
	a.asked, a.opts = append(a.asked, q), append(a.opts, o)
	return a.found, nil
}

func TestSearchPage(t *testing.T) {
	text := `renew the <script>alert(1)</script> book`
	f := &answers{found: Findings{
		Total: 3, Relaxed: true, Next: "cursor-2", Corrected: map[string]string{"renwe": "renew"},
		Hits: []FindHit{
			{
				Number: 42, State: "closed", Department: "reference", Name: "Mia <b>", At: time.Date(2026, 9, 7, 9, 0, 0, 0, time.UTC),
				Lines: []FindLine{{Text: FindText{Text: text, Marks: []FindMark{{0, 5}, {3, 4}, {900, 901}}, Cut: true, More: true}}},
			},
			{Ticket: true, Number: 57, State: "open", Department: "reference", Title: FindText{Text: "Lost card"}},
		},
		Facets: map[string][]FindCount{"tag": {{"opening hours", 4}, {"printing", 1}}, "dept": {{"reference", 5}}},
	}}
	l := newLibrary(t, func(_ *Config, d *Deps) { d.Finder = f })
	ana := l.as("ana")
	ana.get("/search").says(t, http.StatusOK, "Try one of these", "late fee", "What can be written here")
	if len(f.asked) != 0 {
		t.Error("nothing was asked for, and it was looked for")
	}
	p := ana.get("/search?q=" + url.QueryEscape(`renwe tag:printing`))
	p.says(t, http.StatusOK, "Chat 42", "Ticket 57", "Lost card", "3 lines fit", "Nothing has all the words", "looked for «renew»", "opening hours", "printing ×", "Reference")
	if strings.Contains(p.body, "<script>alert") || !strings.Contains(p.body, "<mark>renew</mark> the &lt;script&gt;") || strings.Contains(p.body, "Mia <b>") {
		t.Error("what was found is not inert")
	}
	for _, want := range []string{`href="/chats/42"`, `href="/tickets/57"`, "after=cursor-2", "tag%3A%22opening&#43;hours%22", "sort=date"} {
		if !strings.Contains(p.body, want) && !strings.Contains(p.body, strings.ReplaceAll(want, "&#43;", "+")) {
			t.Errorf("no %s", want)
		}
	}
	ana.get("/search?q=a&sort=date&after=cursor-2").says(t, http.StatusOK, "First page")
	if o := f.opts[1]; !o.ByDate || o.After != "cursor-2" || o.Facets {
		t.Errorf("options: %+v", o)
	}
	f.found = Findings{}
	for _, q := range []string{"\x00\xff", `"`, "((((", "/x/", "fee:", "tag:", strings.Repeat("word ", 5000), "\u202e<x>", "-", "*"} {
		p := ana.get("/search?q=" + url.QueryEscape(q))
		if p.status != http.StatusOK {
			t.Errorf("%.20q: %d", q, p.status)
		}
	}
	for _, q := range f.asked {
		if len(q) > maxQuery {
			t.Errorf("a query of %d bytes", len(q))
		}
	}
	newLibrary(t).as("ana").get("/search?q=x").says(t, http.StatusOK, "has no search")
}

// FuzzPieces: whatever the marks, the pieces are the text.
func FuzzPieces(f *testing.F) {
	f.Add("renew the book", 0, 5, 3, 9)
	f.Add("héllo", 1, 2, 2, 3)
	f.Add("", -1, 1, 5, 2)
	f.Fuzz(func(t *testing.T, text string, a, b, c, d int) {
		got := ""
		for _, p := range pieces(FindText{Text: text, Marks: []FindMark{{a, b}, {c, d}}}) {
			got += p.Text
		}
		if got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}

// FuzzQuery: a filter that is put on and taken off again leaves the words, and no query is too long or has a control
// character.
func FuzzQuery(f *testing.F) {
	f.Add("late fee", "tag:renewals")
	f.Add(`"a b" tag:x`, `tag:"x y"`)
	f.Fuzz(func(t *testing.T, q, clause string) {
		q = cleanQuery(q)
		if len(q) > maxQuery || strings.ContainsFunc(q, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			t.Errorf("%q", q)
		}
		rest, found := without(q, clause)
		if !found && rest != q {
			t.Errorf("%q without %q is %q", q, clause, rest)
		}
		if found && len(rest) > len(q) {
			t.Errorf("%q without %q is %q", q, clause, rest)
		}
	})
}

func TestPagePath(t *testing.T) {
	for raw, want := range map[string]string{
		"https://library.example/renew?x=1#y": "/renew", "https://library.example": "/", "": "", "::": "",
		"https://library.example/%D8%A7": "/ا", "https://library.example/a%0Ab": "/a b", "javascript:alert(1)": "",
	} {
		if got := pagePath(raw); got != want {
			t.Errorf("%q: %q", raw, got)
		}
	}
	for raw, want := range map[string]string{
		"https://library.example/renew": "https://library.example/renew", "javascript:alert(1)": "", "//evil.example": "",
		"https://ana:secret@library.example/": "", "data:text/html,x": "",
	} {
		if got := webURL(raw); got != want {
			t.Errorf("webURL %q: %q", raw, got)
		}
	}
}

// kept are mails as they came, by hash.
type kept map[string]string

func (k kept) Open(_ context.Context, hash string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(k[hash])), nil
}

func (k kept) Attachment(_ context.Context, hash string, file int, w io.Writer) error {
	_, err := fmt.Fprintf(w, "file %d of %s", file, k[hash])
	return err
}

// TestAMailsFilesAreKept as downloads that no browser shows, for those who may read the ticket.
func TestAMailsFilesAreKept(t *testing.T) {
	blob := strings.Repeat("ef", 32)
	l := newLibrary(t, func(_ *Config, d *Deps) { d.Originals = kept{blob: "From: a mail"} })
	n := l.ticket("Is it open?", "mia@example.org")
	l.do("", &desk.IngestMail{
		Group: "main", DedupeKey: strings.Repeat("ab", 32), Department: "reference", From: "mia@example.org", Subject: "Re", Text: "Here",
		Kind: desk.MailHuman, Auth: desk.AuthPass, Candidates: []desk.MailCandidate{{Kind: desk.ByToken, Ticket: n}}, BodyHash: strings.Repeat("cd", 32),
		Blob: blob, BlobSize: 12, Files: []desk.MailFile{{Name: "ein Plan \".html", Type: "text/html", Size: 22}, {Type: "x/y", Size: 22, Flagged: true}},
	})
	es := l.entries(n)
	at := fmt.Sprintf("%s/entries/%d", ticketURL(n), es[len(es)-1].N)
	ana := l.as("ana")
	ana.get(ticketURL(n)).says(t, http.StatusOK, "The mail as it came", "ein Plan", "without a name", "Keep it all the same")
	for path, want := range map[string][3]string{
		"/mail": {"message/rfc822", "From: a mail", ".eml"}, "/files/1": {"application/octet-stream", "file 0 of From: a mail", "ein Plan"},
		"/files/2": {"application/octet-stream", "file 1 of From: a mail", "ticket-"},
	} {
		p := ana.get(at + path)
		h := p.header
		if p.status != http.StatusOK || p.body != want[1] || h.Get("Content-Type") != want[0] || h.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(h.Get("Content-Disposition"), "attachment;") || !strings.Contains(h.Get("Content-Disposition"), want[2]) || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %d %q %v", path, p.status, p.body, h)
		}
	}
	for _, path := range []string{"/files/0", "/files/3", "/files/x"} {
		ana.get(at+path).says(t, http.StatusNotFound)
	}
	ana.get(fmt.Sprintf("%s/entries/1/mail", ticketURL(n))).says(t, http.StatusNotFound) // typed, not mailed
	l.as("dora").get(at+"/mail").says(t, http.StatusNotFound)
	l.as("dora").get(at+"/files/1").says(t, http.StatusNotFound)
}
