// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"refdesk/cluster/desk"
)

// submitFAQ sends the form of an FAQ as browsers do.
func (v *visitor) submitFAQ(path string, pairs ...string) page {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := form.WriteField(pairs[i], pairs[i+1]); err != nil {
			v.l.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		v.l.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, v.base+path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return v.send(r)
}

func (l *library) faq(slug string) *desk.FAQ {
	l.t.Helper()
	var q *desk.FAQ
	l.read(func(rd desk.Reader) (err error) {
		q, err = rd.FAQ(slug)
		return err
	})
	return q
}

func TestFAQs(t *testing.T) {
	l := newLibrary(t)
	v := l.as("lena")
	v.get("/faqs").says(t, http.StatusOK, "There is no FAQ yet", "Every search has found something so far")
	for range 3 {
		l.do("", &desk.CountFAQMiss{Query: "Café opening"})
	}
	v.get("/faqs").says(t, http.StatusOK, "café opening", "Write an answer")
	if p := v.get("/faqs/new?question=caf%C3%A9+opening"); p.value("question") != "café opening" {
		t.Errorf("question %q", p.value("question"))
	}
	p := v.submitFAQ("/faqs/new", "key", "k1", "question", "When is the Café open?", "answer", "From **9**.\r\n\r\n- daily", "also", "coffee?\r\n\r\ntea?", "topics", "Building", "state", "draft")
	if p.location() != "/faqs/when-is-the-cafe-open" {
		t.Fatalf("%d %q %s", p.status, p.location(), p.text())
	}
	v.get(p.location()).says(t, http.StatusOK, "saved as a draft", "Only staff see it")
	want := &desk.FAQ{
		Slug: "when-is-the-cafe-open", Question: "When is the Café open?", Answer: "From **9**.\n\n- daily", Also: []string{"coffee?", "tea?"},
		Topics: []string{"Building"}, State: desk.FAQDraft, By: "lena", Made: l.store.Now(), Updated: l.store.Now(),
	}
	if d := cmp.Diff(want, l.faq(want.Slug)); d != "" {
		t.Error(d)
	}
	l.as("ana").get("/faqs/when-is-the-cafe-open").says(t, http.StatusOK, "From 9 .", "daily")
	if p := l.as("ana").get("/faqs/when-is-the-cafe-open"); strings.Contains(p.body, "<textarea") || !strings.Contains(p.body, "<strong>9</strong>") {
		t.Error("an operator gets a form, or no answer")
	}
	v.submitFAQ("/faqs/new", "question", "When is the cafe open", "answer", "x").says(t, http.StatusUnprocessableEntity, "short name already")
	v.submitFAQ("/faqs/new", "question", "Which is new?", "answer", "x", "slug", "new").says(t, http.StatusUnprocessableEntity, "short name already")
	for field, says := range map[string]string{"question": "Please write the question", "answer": "Please write an answer"} {
		pairs := []string{"question", "A?", "answer", "b"}
		pairs[slices.Index(pairs, field)+1] = ""
		v.submitFAQ("/faqs/new", append(pairs, "slug", "a")...).says(t, http.StatusUnprocessableEntity, says)
	}
	long := strings.Repeat("ä", 15<<10) // 30 KiB: a form that encodes each byte as three would not get through
	if p := v.submitFAQ("/faqs/new", "question", "Long?", "answer", long, "state", "published"); p.status != http.StatusSeeOther || l.faq("long").Answer != long {
		t.Errorf("a long answer: %d %s", p.status, p.text())
	}
	v.submitFAQ("/faqs/new", "question", "Longer?", "answer", strings.Repeat("a", desk.MaxBody+1)).says(t, http.StatusUnprocessableEntity, "at most 32,000")
	v.get("/faqs?show=draft").says(t, http.StatusOK, "1 of 2 FAQs", "When is the Café open?")
	v.get("/faqs?q=COFFEE+tea").says(t, http.StatusOK, "1 of 2 FAQs")
	v.get("/faqs?q=nothing+like+it").says(t, http.StatusOK, "No FAQ fits")
	v.follow("/faqs/long/delete").says(t, http.StatusOK, "The FAQ was deleted", "1 FAQ ")
}

func TestFAQPreview(t *testing.T) {
	l := newLibrary(t)
	v := l.as("lena")
	const bad = "**Yes**, <script>alert(1)</script><img src=x onerror=alert(2)> [here](javascript:alert(3)) [there](https://library.example)"
	p := v.submitFAQ("/faqs/preview", "question", "May I?", "answer", bad, "state", "published")
	p.says(t, http.StatusOK, "nothing is saved yet", "Yes", "there")
	shown, _, _ := strings.Cut(p.body[strings.Index(p.body, `id="shown"`):], "</section>")
	if !strings.Contains(shown, "<strong>Yes</strong>") || strings.Contains(shown, "<script") || strings.Contains(shown, "onerror") || strings.Contains(shown, "javascript:") {
		t.Errorf("preview: %s", shown)
	}
	if !strings.Contains(html.UnescapeString(p.body), bad+"</textarea>") || p.value("question") != "May I?" {
		t.Error("what was typed is lost")
	}
	l.read(func(rd desk.Reader) error {
		all, err := rd.FAQs()
		if len(all) != 0 {
			t.Error("the preview was saved")
		}
		return err
	})
}

// TestFAQChangedMeanwhile: who saves a form that was made from an older text is told, and keeps the words.
func TestFAQChangedMeanwhile(t *testing.T) {
	l := newLibrary(t)
	first := desk.FAQ{Slug: "borrow", Question: "How long?", Answer: "Four weeks.", State: desk.FAQPublished}
	l.do("lena", &desk.SetFAQ{FAQ: first})
	v := l.as("lena")
	updated := v.get("/faqs/borrow").value("updated")
	if err := l.store.Advance(time.Minute); err != nil {
		t.Fatal(err)
	}
	first.Answer = "Five weeks."
	l.do("rosa", &desk.SetFAQ{FAQ: first})
	p := v.submitFAQ("/faqs/borrow", "updated", updated, "question", "How long?", "answer", "Six weeks.", "state", "published")
	p.says(t, http.StatusConflict, "rosa has changed this FAQ meanwhile", "Six weeks.")
	if l.faq("borrow").Answer != "Five weeks." {
		t.Error("it was replaced all the same")
	}
	p = v.submitFAQ("/faqs/borrow", "updated", p.value("updated"), "question", "How long?", "answer", "Six weeks.", "state", "published")
	if p.status != http.StatusSeeOther || l.faq("borrow").Answer != "Six weeks." {
		t.Errorf("the second time: %d", p.status)
	}
}

func TestReplies(t *testing.T) {
	l := newLibrary(t)
	ana, lena := l.as("ana"), l.as("lena")
	ana.get("/replies").says(t, http.StatusOK, "No reply is kept yet")
	ana.follow("/replies", "name", "hello", "text", "Hello {name|there},\r\nhow can I help?").says(t, http.StatusOK, "“hello” is kept", "how can I help?", "yours")
	lena.follow("/replies", "name", "bye", "text", "Goodbye!", "shared", "1").says(t, http.StatusOK, "everybody's")
	ana.get("/replies").says(t, http.StatusOK, "hello", "bye")
	ana.post("/replies", "name", "bye", "text", "Bye!", "shared", "1").says(t, http.StatusForbidden, "Your role does not allow this")
	ana.post("/replies/delete", "name", "bye", "shared", "1").says(t, http.StatusForbidden)
	if p := lena.get("/replies"); strings.Contains(p.text(), "how can I help?") {
		t.Error("lena reads ana's own reply")
	}
	ana.get("/replies?edit=hello").says(t, http.StatusOK, "Change “hello”", "Leave it as it is")
	if p := ana.get("/replies?edit=bye"); strings.Contains(p.text(), "Change “bye”") {
		t.Error("ana may change everybody's reply")
	}
	ana.post("/replies", "name", "Two words", "text", "x").says(t, http.StatusUnprocessableEntity, "one word")
	ana.post("/replies", "name", "x", "text", strings.Repeat("x", 4001)).says(t, http.StatusUnprocessableEntity, "at most 4,000")
	ana.follow("/replies/delete", "name", "hello").says(t, http.StatusOK, "“hello” was deleted")
	ana.follow("/replies/delete", "name", "hello")
	lena.follow("/replies/delete", "name", "bye", "shared", "1").says(t, http.StatusOK, "No reply is kept yet")
}

const letterBody = "From: =?utf-8?q?Willow_Library?= <help@library.example>\r\nTo: pat@patron.example\r\n" +
	"Subject: =?utf-8?q?Re:_caf=C3=A9_=5B#1=5D?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b12345678\r\n\r\n" +
	"--b12345678\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"Dear Pat, the caf=C3=A9 is=20\r\nopen.\r\n\r\n<script>alert(1)</script>\r\n\r\n--b12345678\r\nContent-Type: text/html\r\n\r\n<p>no</p>\r\n--b12345678--\r\n"

// mailed queues an answer to a new question and returns the mail's number and the ticket's.
func (l *library) mailed(subject, text, body string) (mail, ticket uint64) {
	l.t.Helper()
	r, err := l.store.Do(l.t.Context(), desk.Request{Actor: desk.NodeActor("n0"), Command: &desk.AskQuestion{
		ID:         "question-0123456789",
		Department: "reference", Email: "pat@patron.example", Name: "Pat", Question: subject,
	}})
	if err != nil {
		l.t.Fatal(err)
	}
	r2 := l.do("ana", &desk.ReplyTicket{Ticket: r.Ticket, Text: text})
	c := l.do("", &desk.ComposeMail{
		Ticket: r.Ticket, Entry: r2.Entry, MessageID: "<t1." + decimal(r2.Entry) + "@library.example>", Date: l.store.Now(),
		From: "help@library.example", Body: []byte(body),
	})
	return c.Mail, r.Ticket
}

func TestOutbox(t *testing.T) {
	l := newLibrary(t, func(c *Config, _ *Deps) { c.Demo = true })
	v := l.as("ana")
	v.get("/outbox").says(t, http.StatusOK, "No mail has gone out", "This demo has no mail server")
	id, ticket := l.mailed("Is the café open?", "Yes.", letterBody)
	path := "/outbox/" + decimal(id)
	v.get("/outbox").says(t, http.StatusOK, "Re: café [#1]", "pat@patron.example", "held, can be undone")
	v.get(path).says(t, http.StatusOK, "Willow Library", "Dear Pat, the café is open.", "<script>alert(1)</script>", "Once it has gone, you can answer it here")
	v.post(path+"/reply", "text", "Too early").says(t, http.StatusConflict, "Once it has gone")
	if err := l.store.Advance(4 * time.Minute); err != nil {
		t.Fatal(err)
	}
	v.get("/outbox").says(t, http.StatusOK, "not sent yet")
	for _, c := range []struct {
		command desk.Command
		says    string
	}{
		{&desk.ClaimMail{ID: id}, "being sent"},
		{&desk.MailDeferred{ID: id, At: l.store.Now().Add(time.Minute), Why: "421 <b>later</b>"}, "not sent yet until today"},
		{nil, "421 <b>later</b>"},
	} {
		if c.command != nil {
			l.do("", c.command)
		}
		v.get("/outbox").says(t, http.StatusOK, c.says)
	}
	if err := l.store.Advance(2 * time.Minute); err != nil {
		t.Fatal(err)
	}
	l.do("", &desk.ClaimMail{ID: id})
	l.do("", &desk.MailDot{ID: id})
	l.do("", &desk.MailSent{ID: id, QueueID: "q1"})
	v.get(path).says(t, http.StatusOK, "sent", "Reply as the patron")

	v.post(path+"/reply", "text", " ").says(t, http.StatusUnprocessableEntity, "Please write what the patron answers")
	if p := v.post(path+"/reply", "text", "Thank you!\r\nPat"); p.location() != "/tickets/"+decimal(ticket) || len(l.answer) != 1 || l.answer[0] != decimal(id)+" Thank you!\nPat" {
		t.Errorf("%d %q, answered %q", p.status, p.location(), l.answer)
	}
	l.as("dora").get(path).says(t, http.StatusNotFound)
	if p := l.as("dora").get("/outbox"); strings.Contains(p.text(), "pat@patron.example") {
		t.Error("dora, of another department, sees the mail")
	}
	l.as("dora").post(path+"/reply", "text", "x").says(t, http.StatusNotFound)
}

func TestReplyAsPatronIsForTheDemo(t *testing.T) {
	l := newLibrary(t)
	id, _ := l.mailed("Is the café open?", "Yes.", letterBody)
	v := l.as("ana")
	if p := v.get("/outbox/" + decimal(id)); strings.Contains(p.text(), "Reply as the patron") {
		t.Error("offered outside the demo")
	}
	v.post("/outbox/"+decimal(id)+"/reply", "text", "x").says(t, http.StatusNotFound)
	if len(l.answer) != 0 {
		t.Error("answered outside the demo")
	}
}

// TestNoticesAreForAdmins: an invitation opens an account, so that it is read by those who make accounts.
func TestNoticesAreForAdmins(t *testing.T) {
	l := newLibrary(t)
	r := l.do("", &desk.QueueNotice{To: "nia@library.example", MessageID: "<n1@library.example>", Body: []byte("Subject: Your place\r\n\r\nsecret\r\n")})
	l.as("rosa").get("/outbox").says(t, http.StatusOK, "Your place", "nia@library.example")
	l.as("rosa").get("/outbox/"+decimal(r.Mail)).says(t, http.StatusOK, "secret")
	l.as("lena").get("/outbox/"+decimal(r.Mail)).says(t, http.StatusNotFound)
	l.as("lena").get("/outbox").says(t, http.StatusOK, "No mail has gone out")
}

func TestOutboxPages(t *testing.T) {
	l := newLibrary(t)
	for i := range mailsPerPage + 3 {
		l.do("", &desk.QueueNotice{To: "a@b.example", MessageID: "<n" + decimal(uint64(i+1)) + "@b.example>", Body: []byte("Subject: No " + decimal(uint64(i+1)) + "\r\n\r\nx")})
	}
	v := l.as("rosa")
	p := v.get("/outbox")
	if strings.Count(p.body, "/outbox/") != mailsPerPage || !strings.Contains(p.body, "/outbox?before=4\"") {
		t.Errorf("first page: %s", p.text())
	}
	v.get("/outbox?before=4").says(t, http.StatusOK, "No 3", "No 1", "Newest")
	v.get("/outbox?before=1").says(t, http.StatusOK, "No mail has gone out before that")
	v.get("/outbox?before=x").says(t, http.StatusOK, "No 53")
}

// hostile is a value that would break out of every place where a page can put it.
const hostile = `"></script><script>alert(1)</script>'<img src=x onerror=alert(2)>{{.}}</textarea></title> javascript:alert(3)`

// furnish fills the desk with one value wherever strangers or colleagues write.
func furnish(t *testing.T, value string) *library {
	l := newLibrary(t, func(c *Config, _ *Deps) { c.Demo = true })
	l.admin(&desk.SetDepartment{Department: desk.Department{ID: "reference", Name: value, Tags: []string{value[:20]}, Default: true, TimeZone: "UTC"}})
	l.admin(&desk.SetDepartment{Department: desk.Department{ID: "digital", Name: value, AnsweredBy: []string{"reference"}, TimeZone: value}})
	l.admin(&desk.SetStaff{Staff: desk.Staff{Account: "ben", Name: value[:90], PublicName: value[:90], Role: desk.RoleOperator, Email: value, Departments: []string{"digital"}}})
	l.admin(&desk.SetStaff{Staff: desk.Staff{Account: "rosa", Name: value[:90], PublicName: value[:90], Role: desk.RoleAdmin, Email: value, Departments: []string{"reference"}}})
	l.do("rosa", &desk.SetFAQ{FAQ: desk.FAQ{Slug: "a", Question: value, Answer: "x\n\n`" + value + "`", Also: []string{value}, Topics: []string{value}, Language: value[:30], State: desk.FAQPublished}})
	l.do("", &desk.CountFAQMiss{Query: value[:100]})
	l.do("rosa", &desk.SetCanned{Canned: desk.Canned{Owner: "rosa", Name: "own", Text: value}})
	l.mailed(value, value, "From: "+value+"\r\nSubject: "+value+"\r\nContent-Disposition: inline\r\n\r\n"+value+"\r\n")
	return l
}

// markup lists a page's elements with the names of their attributes, as a browser reads them.
func markup(page string) []string {
	var out []string
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			s := token.Data
			for _, a := range token.Attr {
				if a.Key == "selected" { // lists are in the order of names
					continue
				}
				s += " " + a.Key
				if a.Key == "href" && strings.HasPrefix(strings.TrimSpace(strings.ToLower(a.Val)), "javascript:") {
					s += "!"
				}
			}
			out = append(out, s)
		}
	}
}

// TestHostileValuesAreInert: whatever strangers and colleagues write, the pages have the same elements as with harmless
// words.
func TestHostileValuesAreInert(t *testing.T) {
	harmless := strings.Repeat("harmless words ", 12)[:len(hostile)]
	a, b := furnish(t, harmless), furnish(t, hostile)
	va, vb := a.as("rosa"), b.as("rosa")
	look := func(name string, f func(v *visitor, value string) page) {
		t.Helper()
		pa, pb := f(va, harmless), f(vb, hostile)
		if pa.status != pb.status || pa.status >= 500 {
			t.Errorf("%s: %d and %d", name, pa.status, pb.status)
		}
		if d := cmp.Diff(markup(pa.body), markup(pb.body)); d != "" {
			t.Errorf("%s: other markup:\n%s", name, d)
		}
		if strings.Contains(pb.body, "<script>alert") || strings.Contains(pb.body, " style=") {
			t.Errorf("%s: inline script or style", name)
		}
	}
	for _, path := range []string{"/people", "/people/ben", "/departments", "/departments/reference", "/departments/digital", "/faqs", "/faqs/a", "/faqs/new", "/replies", "/replies?edit=own", "/outbox", "/outbox/1", "/devices", "/welcome", "/nothing", "/tickets", "/tickets/1", "/missed", "/board"} {
		look(path, func(v *visitor, _ string) page { return v.get(path) })
	}
	form := []string{"account", "name", "public_name", "email", "role", "limit", "question", "answer", "also", "topics", "slug", "language", "text", "tags", "zone", "from1", "to1", "retention", "deadline", "client", "id", "username", "next"}
	for _, path := range []string{"/people", "/people/ben", "/departments", "/departments/clock", "/departments/reference", "/faqs/preview", "/faqs/new", "/faqs/a", "/replies", "/devices", "/outbox/1/reply"} {
		look("POST "+path, func(v *visitor, value string) page {
			var pairs []string
			for _, f := range form {
				pairs = append(pairs, f, value)
			}
			p := v.post(path, pairs...)
			if p.status == http.StatusSeeOther {
				p = v.get(p.location()) // the sentence that tells what was done
			}
			return p
		})
	}
	va.cookies, vb.cookies = map[string]*http.Cookie{}, map[string]*http.Cookie{}
	look("signing in", func(v *visitor, value string) page {
		return v.post("/sign-in", "username", value, "password", value, "next", value)
	})
	look("the wish where to go", func(v *visitor, value string) page {
		return v.get("/sign-in?next=/" + strings.ReplaceAll(value, " ", "+"))
	})
}

func TestFlash(t *testing.T) {
	l := newLibrary(t)
	v := l.as("lena")
	v.follow("/replies", "name", "hello", "text", "Hello!").says(t, http.StatusOK, "“hello” is kept")
	if p := v.get("/replies"); strings.Contains(p.text(), "is kept. In a chat") {
		t.Error("the sentence is shown a second time")
	}
	for _, bad := range []string{"", "!", "Kw", "LTxzY3JpcHQ-", strings.Repeat("QUFB", 400), "_w"} {
		v.cookies["__Host-refdesk-flash"] = &http.Cookie{Name: "__Host-refdesk-flash", Value: bad}
		if p := v.get("/replies"); p.status != http.StatusOK || strings.Contains(p.body, "<script>") {
			t.Errorf("%q: %d", bad, p.status)
		}
	}
}

func TestSlug(t *testing.T) {
	for s, want := range map[string]string{
		"How many books can I borrow?": "how-many-books-can-i-borrow", "Où est le café ?": "ou-est-le-cafe", "???": "", "": "",
		"../etc": "etc", strings.Repeat("long ", 30): strings.TrimSuffix(strings.Repeat("long-", 10), "-"), "図書館 A4": "a4",
	} {
		if got := slug(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestMoment(t *testing.T) {
	l := newLibrary(t) // Monday, 7 September 2026, 10:00 UTC
	now := l.store.Now()
	for want, at := range map[string]desk.Time{
		"today 09:30": now.Add(-30 * time.Minute), "yesterday 23:59": now.Add(-10*time.Hour - time.Minute), "tomorrow 10:00": now.Add(24 * time.Hour),
		"2 Sep 10:00": now.Add(-5 * 24 * time.Hour), "7 Sep 2025": now.Add(-365 * 24 * time.Hour), "": 0,
	} {
		if got := l.door.moment(at); got.Text != want || (got.ISO == "") != (want == "") {
			t.Errorf("%q, want %q", got.Text, want)
		}
	}
}

func TestMailText(t *testing.T) {
	for name, c := range map[string]struct{ body, from, text, attached string }{
		"plain":              {"From: a\r\nSubject: s\r\n\r\nHello\r\nyou\r\n", "a", "Hello\nyou", ""},
		"two kinds":          {letterBody, "Willow Library <help@library.example>", "Dear Pat, the café is open.\n\n<script>alert(1)</script>", ""},
		"no mail at all":     {"garbage", "", "garbage", ""},
		"nothing":            {"", "", "", ""},
		"base64":             {"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n", "", "Hello", ""},
		"HTML alone":         {"Content-Type: text/html\r\n\r\n<p>Hello", "", "Content-Type: text/html\n\n<p>Hello", ""},
		"with an attachment": {"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nHello\r\n--x\r\nContent-Disposition: attachment; filename=\"a b.pdf\"\r\n\r\n%PDF\r\n--x--", "", "Hello", "a b.pdf"},
	} {
		t.Run(name, func(t *testing.T) {
			from, text, attached := mailText([]byte(c.body))
			if from != c.from || text != c.text || strings.Join(attached, ",") != c.attached {
				t.Errorf("%q %q %q", from, text, attached)
			}
		})
	}
}

// FuzzMailText: whatever a mail is, it is read in bounded time and gives printable text.
func FuzzMailText(f *testing.F) {
	f.Add([]byte(letterBody))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x"))
	f.Add([]byte("Subject: =?x?q?=?=\r\n\r\n\x00\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		from, text, attached := mailText(body)
		for _, s := range append(attached, from, text, mailSubject(body)) {
			if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
				t.Errorf("%q", s)
			}
		}
	})
}
