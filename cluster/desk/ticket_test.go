// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// shop is a store of the library with what the tests of tickets need to say.
type shop struct {
	*desktest.Store
	t    *testing.T
	mail int
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{Store: desktest.NewStore(), t: t}
	if err := s.Library(); err != nil {
		t.Fatal(err)
	}
	return s
}

// do does a command that must be accepted.
func (s *shop) do(a desk.Actor, c desk.Command) desk.Reply {
	s.t.Helper()
	reply, err := s.Do(context.Background(), desk.Request{Actor: a, Command: c})
	if err != nil {
		s.t.Fatalf("%s: %v", c.CommandName(), err)
	}
	return reply
}

// refused does a command that must be refused with a code.
func (s *shop) refused(a desk.Actor, c desk.Command, want desk.Code) {
	s.t.Helper()
	_, err := s.Do(context.Background(), desk.Request{Actor: a, Command: c})
	if !errors.Is(err, &desk.Error{Code: want}) {
		s.t.Errorf("%s: got %v, want %s", c.CommandName(), err, want)
	}
}

func (s *shop) view(a desk.Actor, f func(desk.Reader)) {
	s.t.Helper()
	if err := s.View(context.Background(), a, func(r desk.Reader) error { f(r); return nil }); err != nil {
		s.t.Fatal(err)
	}
}

// ingest takes in a mail of a sender and returns its ticket.
func (s *shop) ingest(from, department string) uint64 {
	s.t.Helper()
	s.mail++
	return s.do(node, &desk.IngestMail{
		Group: department, Department: department, DedupeKey: fmt.Sprint(s.mail), From: from, Subject: "A question", Text: "How?",
		BodyHash: fmt.Sprint(s.mail), Kind: desk.MailHuman, Auth: desk.AuthPass,
	}).Ticket
}

var (
	node = desk.NodeActor("n0")
	ana  = desk.StaffActor("ana", "")
	lena = desk.StaffActor("lena", "")
	dora = desk.StaffActor("dora", "")
)

func numbers(list []*desk.Ticket) []uint64 {
	var out []uint64
	for _, t := range list {
		out = append(out, t.Number)
	}
	return out
}

func TestTicketLists(t *testing.T) {
	s := newShop(t)
	for i := range 6 {
		department := "reference"
		if i == 2 {
			department = "digital"
		}
		s.ingest(fmt.Sprintf("p%d@example.org", i), department)
		_ = s.Advance(time.Minute)
	}
	s.do(ana, &desk.AssignTicket{Ticket: 2, To: "ana"})
	s.do(ana, &desk.SetTicketState{Ticket: 4, State: desk.TicketClosed})
	s.do(dora, &desk.AssignTicket{Ticket: 3, To: "ben"})
	_ = s.Advance(time.Minute)
	s.do(ana, &desk.NoteTicket{Ticket: 1, Text: "hm"})
	s.do(ana, &desk.MergeTickets{Ticket: 6, Into: 5})
	for _, tc := range []struct {
		rule   string
		actor  desk.Actor
		filter desk.TicketFilter
		want   []uint64
	}{
		{"of one's departments, the last changed first; merged ones not", ana, desk.TicketFilter{}, []uint64{5, 1, 4, 2}},
		{"assigned ones of other departments too", desk.StaffActor("ben", ""), desk.TicketFilter{Assignee: "ben"}, []uint64{3}},
		{"those that aren't closed", ana, desk.TicketFilter{Open: true}, []uint64{5, 1, 2}},
		{"of one state", ana, desk.TicketFilter{State: desk.TicketClosed}, []uint64{4}},
		{"nobody's", ana, desk.TicketFilter{Unassigned: true, Open: true}, []uint64{5, 1}},
		{"somebody's", ana, desk.TicketFilter{Assignee: "ana"}, []uint64{2}},
		{"of one address, the newest first, whatever its case", ana, desk.TicketFilter{Email: "P1@Example.org"}, []uint64{2}},
		{"of a foreign department: none", ana, desk.TicketFilter{Department: "digital"}, nil},
		{"of the department's own staff", dora, desk.TicketFilter{}, []uint64{3}},
		{"all for nodes", node, desk.TicketFilter{}, []uint64{5, 1, 4, 3, 2}},
		{"nothing for patrons", desk.PatronActor("p1"), desk.TicketFilter{}, nil},
		{"nothing for nobody", desk.Actor{}, desk.TicketFilter{}, nil},
		{"a page", ana, desk.TicketFilter{Limit: 2}, []uint64{5, 1}},
	} {
		s.view(tc.actor, func(r desk.Reader) {
			got, err := r.Tickets(tc.filter)
			if diff := cmp.Diff(tc.want, numbers(got)); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", tc.rule, err, diff)
			}
		})
	}
	s.view(ana, func(r desk.Reader) {
		var all []uint64
		f := desk.TicketFilter{Limit: 1}
		for range 10 {
			page, err := r.Tickets(f)
			if err != nil || len(page) == 0 {
				break
			}
			f.Before = page[0]
			all = append(all, page[0].Number)
		}
		if diff := cmp.Diff([]uint64{5, 1, 4, 2}, all); diff != "" {
			t.Errorf("page by page:\n%s", diff)
		}
	})
}

// What staff of another department, patrons and nobody may not read does not exist for them.
func TestTicketsAreHidden(t *testing.T) {
	s := newShop(t)
	number := s.ingest("bea@example.org", "reference")
	s.do(ana, &desk.DraftLine{Ticket: number, Text: "Dear Bea"})
	s.do(node, &desk.ComposeMail{Ticket: number, Entry: 2, MessageID: "<t1.2.x@library.example>", Body: []byte("x")})
	admin := desk.Actor{Kind: desk.AdminKind, ID: "root"}
	reads := map[string]func(desk.Reader) error{
		"ticket":  func(r desk.Reader) error { _, err := r.Ticket(number); return err },
		"entry":   func(r desk.Reader) error { _, err := r.Entry(number, 1); return err },
		"entries": func(r desk.Reader) error { _, err := r.Entries(number, 0, 0); return err },
		"mail":    func(r desk.Reader) error { _, err := r.MailOut(1); return err },
		"mails":   func(r desk.Reader) error { _, err := r.MailsOf(number); return err },
	}
	for name, read := range reads {
		for _, tc := range []struct {
			actor desk.Actor
			may   bool
		}{{ana, true}, {lena, true}, {node, true}, {admin, true}, {dora, false}, {desk.PatronActor("p1"), false}, {desk.Actor{}, false}} {
			s.view(tc.actor, func(r desk.Reader) {
				if err := read(r); (err == nil) != tc.may {
					t.Errorf("%s by %v: %v", name, tc.actor, err)
				}
			})
		}
	}
	for _, a := range []desk.Actor{dora, desk.PatronActor("p1"), {}} {
		s.view(a, func(r desk.Reader) {
			if box, err := r.Outbox(0, 10); len(box) != 0 || err != nil {
				t.Errorf("the outbox of %v: %d, %v", a, len(box), err)
			}
		})
	}
	s.view(lena, func(r desk.Reader) {
		if _, err := r.Draft(number); !errors.Is(err, &desk.Error{Code: desk.NotFound}) {
			t.Errorf("somebody else's draft: %v", err)
		}
	})
	nodesOnly := map[string]func(desk.Reader) error{
		"wanted":     func(r desk.Reader) error { _, err := r.MailsWanted(1); return err },
		"due":        func(r desk.Reader) error { _, err := r.MailsDue(s.Now(), 1); return err },
		"claimed":    func(r desk.Reader) error { _, err := r.MailsClaimed(); return err },
		"mail in":    func(r desk.Reader) error { _, err := r.MailIn("reference", "1"); return err },
		"message id": func(r desk.Reader) error { _, err := r.ByMessageID("reference", []string{"<a@x>"}); return err },
	}
	for name, read := range nodesOnly {
		s.view(lena, func(r desk.Reader) {
			if err := read(r); !errors.Is(err, &desk.Error{Code: desk.NotAllowed}) {
				t.Errorf("%s by a lead: %v", name, err)
			}
		})
		s.view(node, func(r desk.Reader) {
			if err := read(r); err != nil {
				t.Errorf("%s by a node: %v", name, err)
			}
		})
	}
	for _, a := range []desk.Actor{dora, desk.PatronActor("p1")} {
		for batch, err := range s.Follow(t.Context(), a, desk.TopicTicket(number), desk.Cursor{}) {
			if !errors.Is(err, &desk.Error{Code: desk.NotFound}) {
				t.Errorf("%v follows the ticket: %v, %v", a, batch, err)
			}
			break
		}
	}
	for batch, err := range s.Follow(t.Context(), ana, desk.TopicTicket(number), desk.Cursor{}) {
		if err != nil || len(batch.Events) != 6 || batch.Events[0].Kind != desk.TicketOpened {
			t.Errorf("ana follows: %v, %v", batch, err)
		}
		break
	}
}

func TestOutgoingMailWaitsForItsTime(t *testing.T) {
	s := newShop(t)
	number := s.ingest("bea@example.org", "reference")
	entry := s.do(ana, &desk.ReplyTicket{Ticket: number, Text: "So."}).Entry
	due := func() (ids []uint64) {
		s.view(node, func(r desk.Reader) {
			list, err := r.MailsDue(s.Now(), 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				ids = append(ids, m.ID)
			}
		})
		return ids
	}
	s.view(node, func(r desk.Reader) {
		wanted, err := r.MailsWanted(10)
		if err != nil || len(wanted) != 2 || wanted[1].N != entry || wanted[1].Purpose != desk.MailAnswer || wanted[0].Purpose != desk.MailAck {
			t.Fatalf("wanted: %v, %v", wanted, err)
		}
	})
	for _, n := range []uint64{entry, 2} {
		s.do(node, &desk.ComposeMail{Ticket: number, Entry: n, MessageID: fmt.Sprintf("<t1.%d.x@l.example>", n), Body: []byte("x")})
	}
	if diff := cmp.Diff([]uint64{2}, due()); diff != "" {
		t.Errorf("while the answer is held:\n%s", diff)
	}
	_ = s.Advance(time.Minute)
	if diff := cmp.Diff([]uint64{2, 1}, due()); diff != "" {
		t.Errorf("after the hold:\n%s", diff)
	}
	s.do(node, &desk.ClaimMail{ID: 1})
	s.do(node, &desk.MailDeferred{ID: 1, At: s.Now().Add(time.Hour), Why: "greylisted"})
	s.do(node, &desk.ClaimMail{ID: 2})
	if diff := cmp.Diff([]uint64(nil), due()); diff != "" {
		t.Errorf("claimed and deferred:\n%s", diff)
	}
	s.view(node, func(r desk.Reader) {
		claimed, err := r.MailsClaimed()
		if err != nil || len(claimed) != 1 || claimed[0].ID != 2 {
			t.Errorf("claimed: %v, %v", claimed, err)
		}
		if wanted, _ := r.MailsWanted(10); len(wanted) != 0 {
			t.Errorf("still wanted: %d", len(wanted))
		}
	})
	s.view(ana, func(r desk.Reader) {
		box, err := r.Outbox(0, 1)
		if err != nil || len(box) != 1 || box[0].ID != 2 {
			t.Fatalf("outbox: %v, %v", box, err)
		}
		if box, _ = r.Outbox(box[0].ID, 10); len(box) != 1 || box[0].ID != 1 || box[0].Tries != 1 {
			t.Errorf("the outbox goes on with %v", box)
		}
	})
}

// A mail that the door has tidied is accepted, whatever a stranger put in it, and fits into a command.
func TestTidyMailsAreAccepted(t *testing.T) {
	s := newShop(t)
	long := strings.Repeat("\x00é\r\n\xff", 40_000)
	x := &desk.IngestMail{
		Group: "help", Department: "reference", DedupeKey: "k", Mailbox: "INBOX", Kind: desk.MailBounce, Auth: desk.AuthNone,
		From: long, FromName: long, ReturnPath: "not an address", Subject: long, MessageID: long, Text: long, BodyHash: long, Locale: long,
	}
	for range 100 {
		x.Cc = append(x.Cc, "c@example.org", long)
		x.Files = append(x.Files, desk.MailFile{Name: long, Type: long})
		x.Candidates = append(x.Candidates, desk.MailCandidate{Kind: desk.ByForeignID, MessageID: "<" + strings.Repeat("i", 290) + ">"}, desk.MailCandidate{})
		x.Reports = append(x.Reports, desk.MailReport{Address: long, Status: long})
		x.Problems = append(x.Problems, long)
	}
	x.Tidy()
	if n := len(desk.EncodeEnvelope(nil, desk.Envelope{Request: desk.Request{Actor: node, Command: x}})); n > desk.MaxCommand {
		t.Errorf("%d bytes, at most %d fit", n, desk.MaxCommand)
	}
	if !x.Truncated || !utf8.ValidString(x.Text) || len(x.Text) > desk.MaxBody {
		t.Errorf("truncated %v, %d bytes", x.Truncated, len(x.Text))
	}
	s.do(node, x)
	s.view(node, func(r desk.Reader) {
		if e, err := r.Entry(1, 1); err != nil || e.Text != x.Text || len(e.Files) == 0 {
			t.Errorf("the entry: %v, %v", e, err)
		}
	})
}

func FuzzTidy(f *testing.F) {
	f.Add("bea@example.org", "Bea", "Re: renewals", "<a@x>", "How?")
	f.Add("\xff@\x00", "\u202e", strings.Repeat("s", 2000), "<\n>", "\r\n\x7f\x00")
	f.Fuzz(func(t *testing.T, from, name, subject, id, text string) {
		s := newShop(t)
		x := &desk.IngestMail{
			Group: "help", Department: "reference", DedupeKey: "k", Kind: desk.MailHuman, Auth: desk.AuthPass,
			From: from, FromName: name, Subject: subject, MessageID: id, Text: text, Cc: []string{from},
			Candidates: []desk.MailCandidate{{Kind: desk.ByForeignID, MessageID: id}}, Files: []desk.MailFile{{Name: name, Type: subject}},
			Reports: []desk.MailReport{{Address: from, Status: subject}}, Problems: []string{text},
		}
		x.Tidy()
		s.do(node, x)
	})
}

// Twenty mails of one sender within ten minutes make twenty tickets; the rest goes into one, and nothing goes out.
func TestFlood(t *testing.T) {
	s := newShop(t)
	tickets := map[uint64]int{}
	for range 30 {
		tickets[s.ingest("robot@example.org", "reference")]++
		_ = s.Advance(time.Second)
	}
	if len(tickets) != 21 || tickets[21] != 10 {
		t.Errorf("30 mails made %d tickets, the last with %d mails", len(tickets), tickets[21])
	}
	s.view(node, func(r desk.Reader) {
		if wanted, _ := r.MailsWanted(100); len(wanted) != 3 {
			t.Errorf("%d acknowledgements, want 3", len(wanted))
		}
	})
	_ = s.Advance(time.Hour)
	if n := s.ingest("robot@example.org", "reference"); n != 22 {
		t.Errorf("an hour later the mail went into ticket %d", n)
	}
}

// A chain of merges is followed for eight steps; beyond, mail opens a ticket of its own rather than getting lost.
func TestRedirectsAreBounded(t *testing.T) {
	s := newShop(t)
	for range 11 {
		s.ingest("bea@example.org", "reference")
		_ = s.Advance(time.Hour)
	}
	for n := uint64(1); n <= 10; n++ {
		s.do(ana, &desk.MergeTickets{Ticket: n, Into: n + 1})
	}
	reply := func(ticket uint64) desk.Reply {
		s.mail++
		return s.do(node, &desk.IngestMail{
			Group: "help", Department: "reference", DedupeKey: fmt.Sprint(s.mail), From: "bea@example.org", Text: "?",
			Kind: desk.MailHuman, Auth: desk.AuthPass, Candidates: []desk.MailCandidate{{Kind: desk.ByToken, Ticket: ticket}},
		})
	}
	if got := reply(3); got.Ticket != 11 {
		t.Errorf("eight steps lead to ticket %d, want 11", got.Ticket)
	}
	if got := reply(1); got.Ticket != 12 || got.Value != "new" {
		t.Errorf("ten steps lead to ticket %d (%s), want a new one", got.Ticket, got.Value)
	}
}

func TestFAQsAreRead(t *testing.T) {
	s := newShop(t)
	for slug, state := range map[string]desk.FAQState{"a": desk.FAQPublished, "b": desk.FAQDraft} {
		s.do(lena, &desk.SetFAQ{FAQ: desk.FAQ{Slug: slug, Question: "How?", Answer: "So.", State: state, Up: 99}, New: true})
	}
	s.refused(lena, &desk.SetFAQ{FAQ: desk.FAQ{Slug: "a", Question: "How?", Answer: "So.", State: desk.FAQDraft}, New: true}, desk.Exists)
	s.do(desk.Actor{}, &desk.VoteFAQ{Slug: "a", Up: true})
	s.do(node, &desk.CountFAQViews{Slug: "a", Views: 7})
	s.do(lena, &desk.SetFAQ{FAQ: desk.FAQ{Slug: "a", Question: "How else?", Answer: "So.", State: desk.FAQPublished}})
	for range 3 {
		s.do(node, &desk.CountFAQMiss{Query: "E-Books"})
	}
	s.do(node, &desk.CountFAQMiss{Query: "parking"})
	s.refused(ana, &desk.CountFAQMiss{Query: "parking"}, desk.NotAllowed)
	for _, tc := range []struct {
		actor desk.Actor
		want  int
	}{{desk.Actor{}, 1}, {desk.PatronActor("p1"), 1}, {ana, 2}, {node, 2}} {
		s.view(tc.actor, func(r desk.Reader) {
			all, err := r.FAQs()
			if err != nil || len(all) != tc.want {
				t.Errorf("%v reads %d FAQs, %v; want %d", tc.actor, len(all), err, tc.want)
			}
			if q := all[0]; q.Question != "How else?" || q.Up != 1 || q.Views != 7 || q.By != "lena" {
				t.Errorf("the FAQ is %+v", q)
			}
			if _, err := r.FAQ("b"); (err == nil) != (tc.want == 2) {
				t.Errorf("%v reads the draft: %v", tc.actor, err)
			}
		})
	}
	s.view(ana, func(r desk.Reader) {
		misses, err := r.FAQMisses(1)
		if err != nil || len(misses) != 1 || misses[0].Query != "e-books" || misses[0].Count != 3 {
			t.Errorf("searched in vain: %v, %v", misses, err)
		}
	})
}

func TestCanned(t *testing.T) {
	s := newShop(t)
	s.do(lena, &desk.SetCanned{Canned: desk.Canned{Name: "hello", Text: "Good day."}})
	s.do(lena, &desk.SetCanned{Canned: desk.Canned{Name: "bye", Text: "Good night."}})
	s.do(ana, &desk.SetCanned{Canned: desk.Canned{Owner: "ana", Name: "hello", Text: "Hi!"}})
	s.refused(ana, &desk.SetCanned{Canned: desk.Canned{Owner: "ben", Name: "hello", Text: "Hi!"}}, desk.NotAllowed)
	s.refused(ana, &desk.DeleteCanned{Name: "bye"}, desk.NotAllowed)
	texts := func(a desk.Actor, account string) (out []string, err error) {
		s.view(a, func(r desk.Reader) {
			var list []*desk.Canned
			list, err = r.Canned(account)
			for _, k := range list {
				out = append(out, k.Text)
			}
		})
		return out, err
	}
	got, err := texts(ana, "ana")
	if diff := cmp.Diff([]string{"Good night.", "Hi!"}, got); diff != "" || err != nil {
		t.Errorf("ana's, %v:\n%s", err, diff)
	}
	if _, err := texts(dora, "ana"); err == nil {
		t.Error("dora reads ana's canned replies")
	}
	s.do(ana, &desk.DeleteCanned{Owner: "ana", Name: "hello"})
	if got, _ = texts(ana, "ana"); len(got) != 2 || got[1] != "Good day." {
		t.Errorf("without her own: %v", got)
	}
}

func TestWebSessions(t *testing.T) {
	s := newShop(t)
	hash := func(c string) string { return strings.Repeat(c, 64) }
	phc := "$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$aGFzaA"
	open := func(h string) bool {
		ok := false
		s.view(node, func(r desk.Reader) {
			w, err := r.WebSession(h, s.Now())
			ok = err == nil && w.Account == "ana"
		})
		return ok
	}
	s.refused(ana, &desk.OpenWebSession{Hash: hash("a"), Account: "ana"}, desk.NotAllowed)
	s.refused(node, &desk.OpenWebSession{Hash: "short", Account: "ana"}, desk.Invalid)
	for _, c := range []string{"a", "b", "c"} {
		s.do(node, &desk.OpenWebSession{Hash: hash(c), Account: "ana"})
	}
	s.do(ana, &desk.CloseWebSession{Hash: hash("c")})
	s.refused(dora, &desk.CloseWebSession{Hash: hash("b")}, desk.NotFound)
	s.do(ana, &desk.SetWebPassword{Account: "ana", PHC: phc, Keep: hash("a")})
	if !open(hash("a")) || open(hash("b")) || open(hash("c")) {
		t.Error("a new password ends all sessions but the one it was set in")
	}
	s.refused(dora, &desk.SetWebPassword{Account: "ana", PHC: phc}, desk.NotAllowed)
	s.refused(ana, &desk.SetWebPassword{Account: "ana", PHC: "secret"}, desk.Invalid)
	s.view(node, func(r desk.Reader) {
		if p, err := r.WebPassword("ana"); err != nil || p.PHC != phc {
			t.Errorf("the password: %v, %v", p, err)
		}
	})
	s.view(ana, func(r desk.Reader) {
		if _, err := r.WebPassword("ana"); err == nil {
			t.Error("staff read a password hash")
		}
	})
	_ = s.Advance(11 * time.Hour)
	s.do(node, &desk.TouchWebSession{Hash: hash("a")})
	_ = s.Advance(11 * time.Hour)
	if !open(hash("a")) {
		t.Error("a session in use ended")
	}
	_ = s.Advance(time.Hour)
	if open(hash("a")) {
		t.Error("a session that was idle for 12 hours is open")
	}
	s.refused(node, &desk.TouchWebSession{Hash: hash("a")}, desk.NotFound)
	s.do(node, &desk.OpenWebSession{Hash: hash("d"), Account: "ana"})
	if err := s.Admin(&desk.DisableStaff{Account: "ana"}); err != nil {
		t.Fatal(err)
	}
	if open(hash("d")) {
		t.Error("a disabled person is still signed in")
	}
	s.refused(node, &desk.OpenWebSession{Hash: hash("e"), Account: "ana"}, desk.NotAllowed)
}

// What tells who asked goes when the ticket's term is over, and not before; what was asked stays.
func TestATicketIsMaskedWhenItsTermIsOver(t *testing.T) {
	s := newShop(t)
	n := s.ingest("mia@example.org", "reference")
	s.do(lena, &desk.ReplyTicket{Ticket: n, Text: "Ring 030 1234567 or write to me@library.example."})
	s.do(lena, &desk.SetTicketSubject{Ticket: n, Subject: "Map for mia@example.org"})
	s.do(lena, &desk.SetTicketState{Ticket: n, State: desk.TicketClosed})
	look := func(when string, masked bool) {
		t.Helper()
		s.do(node, &desk.Expire{})
		s.view(lena, func(r desk.Reader) {
			k, err := r.Ticket(n)
			if err != nil {
				t.Fatal(err)
			}
			es, err := r.Entries(n, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			var all strings.Builder
			for _, e := range es {
				fmt.Fprintf(&all, "%s|%s|%s|%v|%v|%s\n", e.Name, e.Email, e.Text, e.Cc, e.Recipients, e.Blob)
			}
			fmt.Fprintf(&all, "%s|%s|%v", k.Subject, k.Email, k.Cc)
			for _, word := range []string{"mia@example.org", "1234567", "me@library.example"} {
				if strings.Contains(all.String(), word) == masked {
					t.Errorf("%s: %q in the ticket: %v\n%s", when, word, !masked, all.String())
				}
			}
			if k.Masked() != masked || k.State != desk.TicketClosed || !strings.Contains(all.String(), "How?") {
				t.Errorf("%s: masked %v, %s\n%s", when, k.Masked(), k.State, all.String())
			}
		})
	}
	look("at once", false)
	must(t, s.Advance(89*24*time.Hour))
	look("after 89 days", false)
	must(t, s.Advance(24*time.Hour))
	look("after 90 days", true)
	if again := s.ingest("mia@example.org", "reference"); again == n {
		t.Error("a new mail lands in the masked ticket")
	}
}
