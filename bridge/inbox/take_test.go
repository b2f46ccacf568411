// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"refdesk/bridge/mail"
	"refdesk/cluster/desk"
)

func (r *rig) take(m string) desk.Reply {
	r.t.Helper()
	reply, err := r.door.Take(r.t.Context(), Envelope{Mailbox: "smtp"}, strings.NewReader(m))
	if err != nil {
		r.t.Fatal(err)
	}
	return reply
}

// entry is the entry that a mail became.
func (r *rig) entry(reply desk.Reply) *desk.TicketEntry {
	r.t.Helper()
	for _, e := range r.desk.Entries(reply.Ticket) {
		if e.N == reply.Entry {
			return e
		}
	}
	r.t.Fatalf("no entry %d in ticket %d", reply.Entry, reply.Ticket)
	return nil
}

func TestFirstMail(t *testing.T) {
	r := newRig(t)
	raw := letter("1", "May I renew a book?\n\n-- \nAlice")
	reply := r.take(raw)
	if reply.Value != "new" || reply.Again {
		t.Fatalf("got %+v, want a new ticket", reply)
	}
	e := r.entry(reply)
	if !strings.Contains(e.Text, "May I renew a book?") || e.Email != "alice@patron.test" || e.Name != "Alice Moor" || e.Auto || e.Held != "" {
		t.Errorf("the entry is %+v", e)
	}
	if got := string(r.blobs.Get(e.Blob)); got != raw || e.BlobSize != uint64(len(raw)) {
		t.Errorf("the original is %q (%d bytes), want the mail as it came", got, e.BlobSize)
	}
	if all := r.desk.Entries(reply.Ticket); len(all) != 2 || all[1].Purpose != desk.MailAck {
		t.Errorf("%d entries; the mail is acknowledged once", len(all))
	}
	if again := r.take(raw); !again.Again || again.Ticket != reply.Ticket || again.Entry != reply.Entry {
		t.Errorf("the same mail again: %+v, want the same entry", again)
	}
	over := "Received: by other.example; now\r\nX-Spam: no\r\n" + raw
	if again := r.take(over); !again.Again {
		t.Errorf("the same mail by another way: %+v, want the same entry", again)
	}
	if n := len(r.desk.Tickets()); n != 1 {
		t.Errorf("%d tickets, want 1", n)
	}
}

func TestAnswers(t *testing.T) {
	r := newRig(t)
	ticket := r.desk.Ask("Alice", "alice@patron.test", "May I renew a book?")
	other, err := mail.NewKeyring(mail.Key{ID: 'a', Secret: []byte("another secret than this desk's.")})
	if err != nil {
		t.Fatal(err)
	}
	quote := "Yes, twice more.\n\nOn 7 September 2026 Main Library wrote:\n> Which one?"
	for name, tc := range map[string]struct {
		head []string
		want string
		held desk.HeldReason
	}{
		"by the address that it goes to":                {[]string{"To: help+" + r.keys.ReplyTag(ticket) + "@desk.test"}, "entry", ""},
		"the address in capitals":                       {[]string{"To: " + strings.ToUpper("help+"+r.keys.ReplyTag(ticket)+"@desk.test")}, "entry", ""},
		"by the id that it answers":                     {[]string{"In-Reply-To: " + r.keys.MessageID(ticket, 2, "desk.test")}, "entry", ""},
		"by the ids before that":                        {[]string{"References: <x@y.example> " + r.keys.MessageID(ticket, 2, "desk.test")}, "entry", ""},
		"somebody else with the token: staff decide":    {[]string{"From: bob@patron.test", "To: help+" + r.keys.ReplyTag(ticket) + "@desk.test"}, "held", desk.HeldSomeoneNew},
		"the number alone proves nothing":               {[]string{"Subject: Re: Renewals [#1]"}, "held", desk.HeldUnverified},
		"a token with a letter changed is no token":     {[]string{"To: help+" + r.keys.ReplyTag(ticket)[:18] + "x@desk.test", "From: eve@evil.example"}, "new", ""},
		"an id from when the desk had another domain":   {[]string{"In-Reply-To: " + r.keys.MessageID(ticket, 2, "old.test")}, "entry", ""},
		"an id that another desk's key made":            {[]string{"In-Reply-To: " + other.MessageID(ticket, 2, "desk.test"), "From: eve@evil.example"}, "new", ""},
		"two senders: nobody knows who":                 {[]string{"From: a@evil.example, alice@patron.test", "To: help+" + r.keys.ReplyTag(ticket) + "@desk.test"}, "held", desk.HeldUnverified},
		"staff's address without proof is no colleague": {[]string{"From: ana@staff.example", "To: help+" + r.keys.ReplyTag(ticket) + "@desk.test"}, "held", desk.HeldUnverified},
	} {
		t.Run(name, func(t *testing.T) {
			reply := r.take(letter(strings.ReplaceAll(name, " ", "-"), quote, tc.head...))
			if reply.Value != tc.want {
				t.Fatalf("became %q in ticket %d, want %q", reply.Value, reply.Ticket, tc.want)
			}
			if e := r.entry(reply); e.Held != tc.held {
				t.Errorf("held %q, want %q", e.Held, tc.held)
			} else if tc.want == "entry" && e.Text != "Yes, twice more." {
				t.Errorf("the text is %q, want what its writer wrote", e.Text)
			}
		})
	}
}

func TestWhatIsNotAcknowledged(t *testing.T) {
	for name, head := range map[string][]string{
		"old mail":                      {"Date: " + time.Now().Add(-25*time.Hour).Format(time.RFC1123Z)},
		"nobody reads the answer":       {"From: No Reply <no-reply@shop.example>"},
		"our own address":               {"From: reference@desk.test"},
		"our own instance":              {"X-Refdesk-Instance: us"},
		"another desk's answer":         {"X-Refdesk-Hop: 2"},
		"a program":                     {"Auto-Submitted: auto-replied"},
		"the null sender":               {"Return-Path: <>"},
		"a list":                        {"List-Id: <news.example>", "List-Unsubscribe: <mailto:x@y.example>"},
		"two senders":                   {"From: a@x.example, b@x.example"},
		"nobody at all":                 {"From: "},
		"out of office, in German":      {"Subject: Automatische Antwort: Ihre Frage"},
		"a vacation program of old age": {"Precedence: bulk"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			reply := r.take(letter("1", "Good day", head...))
			for _, e := range r.desk.Entries(reply.Ticket) {
				if e.Mail != desk.OutNone {
					t.Errorf("a mail goes out: %+v", e)
				}
			}
			if e := r.entry(reply); e.Text == "" {
				t.Errorf("the entry is %+v; it is kept all the same", e)
			}
		})
	}
}

func TestMailThatGoesRound(t *testing.T) {
	r := newRig(t)
	for name, m := range map[string]string{
		"by too many servers": strings.Repeat("Received: by a.example; now\r\n", mostServers+1) + letter("1", "x"),
		"by too many desks":   letter("2", "x", "X-Refdesk-Hop: 6"),
	} {
		if _, err := r.door.Take(t.Context(), Envelope{}, strings.NewReader(m)); !errors.Is(err, ErrLoop) {
			t.Errorf("%s: got %v, want ErrLoop", name, err)
		}
	}
	for range 5 { // programs that say the same again and again
		r.take(letter(time.Now().String(), "I am not here, but I say nothing about being a program."))
	}
	acks := 0
	for _, tk := range r.desk.Tickets() {
		for _, e := range r.desk.Entries(tk.Number) {
			if e.Purpose == desk.MailAck {
				acks++
			}
		}
	}
	if acks > 2 {
		t.Errorf("%d acknowledgements of equal mails, want 2 at most", acks)
	}
}

func TestMailToSeveralDepartments(t *testing.T) {
	r := newRig(t)
	for department, to := range map[string]string{"reference": "reference@desk.test", "digital": "digital@desk.test"} {
		reply := r.take(letter(department, "x", "To: Somebody <"+to+">, x@y.example"))
		r.desk.Read(func(rd desk.Reader) error {
			tk, err := rd.Ticket(reply.Ticket)
			if err == nil && tk.Department != department {
				t.Errorf("a mail to %s is in %s", to, tk.Department)
			}
			return err
		})
		if e := r.entry(reply); len(e.Cc) != 1 || e.Cc[0] != "x@y.example" {
			t.Errorf("the others are %q, want x@y.example alone", e.Cc)
		}
	}
}

// TestTorture: whatever comes becomes an entry with its original; nothing stops the next one.
func TestTorture(t *testing.T) {
	deep := strings.Repeat("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n", 2000)
	for name, m := range map[string]string{
		"empty":                    "",
		"no header":                "hello",
		"only a header":            "From: a@b.example\r\n",
		"only line ends":           "\r\n\n\r\n\n",
		"binary":                   "\x00\x01\xff\xfe" + strings.Repeat("\x80\x00", 5000),
		"nested to death":          "From: a@b.example\r\n" + deep + "text",
		"a header without end":     "From: a@b.example\r\nX: " + strings.Repeat("x", 3<<20) + "\r\n\r\ntext",
		"20,000 fields":            "From: a@b.example\r\n" + strings.Repeat("X-A: b\r\n", 20000) + "\r\ntext",
		"5,000 parts":              "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" + strings.Repeat("--a\r\nContent-Disposition: attachment; filename=x\r\n\r\nx\r\n", 5000),
		"an address like a novel":  letter("1", "x", "From: "+strings.Repeat("a", 5000)+"@b.example"),
		"an id like a novel":       letter("1", "x", "Message-ID: <"+strings.Repeat("a", 5000)+"@b.example>"),
		"a subject that injects":   letter("1", "x", "Subject: =?utf-8?q?a=0D=0ABcc:_x@y.example?="),
		"a sender that injects":    letter("1", "x", "From: =?utf-8?q?a=0D=0ABcc:_x?= <a@b.example>"),
		"NUL everywhere":           strings.ReplaceAll(letter("1", "te\x00xt"), "Alice", "Al\x00ice"),
		"10,000 recipients":        letter("1", "x", "To: "+strings.Repeat("a@b.example, ", 10000)),
		"10,000 references":        letter("1", "x", "References: "+strings.Repeat("<a@b.example> ", 10000)),
		"a text of a megabyte":     letter("1", strings.Repeat("word ", 200000)),
		"HTML that does things":    letter("1", "<script>alert(1)</script><img src=x onerror=alert(1)>", "Content-Type: text/html"),
		"an unknown charset":       letter("1", "\xe9\xe8", "Content-Type: text/plain; charset=x-klingon"),
		"broken base64":            letter("1", "!!!!", "Content-Transfer-Encoding: base64"),
		"a name of direction":      letter("1", "x", "From: \u202egro.knab@pleh\u202c <a@b.example>"),
		"an attachment with paths": letter("1", "--a\nContent-Disposition: attachment; filename=\"../../etc/passwd\"\n\nx\n--a--", "Content-Type: multipart/mixed; boundary=a"),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			began := time.Now()
			reply := r.take(m)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			e := r.entry(reply)
			if e.Blob == "" || string(r.blobs.Get(e.Blob)) != m {
				t.Error("its original is not kept as it came")
			}
			for _, s := range []string{e.Name, e.Email} {
				if strings.ContainsAny(s, "\r\n\x00") {
					t.Errorf("%q came through", s)
				}
			}
			for _, f := range e.Files {
				if strings.ContainsAny(f.Name, "/\\") {
					t.Errorf("an attachment is called %q", f.Name)
				}
			}
			if again := r.take(m); !again.Again {
				t.Errorf("the same bytes again became %+v", again)
			}
		})
	}
}

func TestWithoutBlobs(t *testing.T) {
	r := newRig(t)
	r.door.blobs = nil
	e := r.entry(r.take(letter("1", "x")))
	if e.Blob != "" || len(e.Problems) != 1 || e.Problems[0] != problemOriginal {
		t.Errorf("blob %q, problems %q; the entry has to say that its original wasn't kept", e.Blob, e.Problems)
	}
}

// TestNothingIsKnownWithoutCommit: whoever offers the mail must not believe that it was taken.
func TestNothingIsKnownWithoutCommit(t *testing.T) {
	r := newRig(t)
	m := letter("1", "x")
	r.blobs.Full = errors.New("the disk is full")
	if _, err := r.door.Take(t.Context(), Envelope{}, strings.NewReader(m)); err == nil {
		t.Error("taken without its original")
	}
	r.blobs.Full = nil
	r.desk.Before(func(desk.Command) error { return &desk.Error{Code: desk.NoQuorum} })
	_, err := r.door.Take(t.Context(), Envelope{}, strings.NewReader(m))
	if !outOfReach(err) {
		t.Errorf("got %v, want a fault of the desk", err)
	}
	r.desk.Before(nil)
	committed := errors.New("the node died")
	r.desk.After(func(desk.Command) error { return committed })
	if _, err := r.door.Take(t.Context(), Envelope{}, strings.NewReader(m)); !errors.Is(err, committed) {
		t.Errorf("got %v", err)
	}
	r.desk.After(nil)
	if reply := r.take(m); !reply.Again {
		t.Errorf("got %+v; the first one was committed, though nobody learned of it", reply)
	}
	if n := len(r.desk.Tickets()); n != 1 {
		t.Errorf("%d tickets, want 1", n)
	}
}

// TestRefusedByTheDesk: what Apply doesn't want becomes the least entry, with the original.
func TestRefusedByTheDesk(t *testing.T) {
	r := newRig(t)
	r.desk.Before(func(c desk.Command) error {
		if x, ok := c.(*desk.IngestMail); ok && x.Text != "" {
			return &desk.Error{Code: desk.Invalid, Field: "text"}
		}
		return nil
	})
	e := r.entry(r.take(letter("1", "x")))
	if e.Blob == "" || len(e.Problems) == 0 {
		t.Errorf("got %+v, want the original and a problem", e)
	}
}

func TestEnvelopeIsTraced(t *testing.T) {
	r := newRig(t)
	ticket := r.desk.Ask("Alice", "alice@patron.test", "May I?")
	from := "alice@patron.test"
	reply, err := r.door.Take(t.Context(), Envelope{
		Mailbox: "lmtp", From: &from, To: []string{"help+" + r.keys.ReplyTag(ticket) + "@desk.test"},
	}, strings.NewReader(letter("1", "Yes", "To: undisclosed-recipients:;")))
	if err != nil || reply.Ticket != ticket {
		t.Errorf("got %+v, %v; the token stands in the envelope alone", reply, err)
	}
}

// TestLargeMail: 25 MiB pass through a file, not through memory.
func TestLargeMail(t *testing.T) {
	r := newRig(t)
	r.door.blobs = nil // the tests' blobs are memory
	line := strings.Repeat("QUJD", 19) + "\r\n"
	body := strings.Repeat(line, 25<<20/len(line))
	m := letter("1", "", "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=a") +
		"--a\r\n\r\nSee the scan.\r\n--a\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=scan.pdf\r\n\r\n" + body + "--a--\r\n"
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	e := r.entry(r.take(m))
	runtime.ReadMemStats(&after)
	if grown := (int64(after.HeapSys) - int64(before.HeapSys)) >> 20; grown > 64 {
		t.Errorf("the heap has grown by %d MiB, want 64 at most", grown)
	}
	if len(e.Files) != 1 || e.Files[0].Name != "scan.pdf" || e.Files[0].Size < 18<<20 || !strings.Contains(e.Text, "See the scan.") {
		t.Errorf("got %q and %+v", e.Text, e.Files)
	}
	left, err := os.ReadDir(r.door.cfg.Dir)
	if err != nil || len(left) != 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}
