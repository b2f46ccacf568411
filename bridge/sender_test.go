// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"refdesk/bridge/alarm/target"
	"refdesk/bridge/outbox"
	"refdesk/cluster/desk"
)

func took(id string) step {
	return step{ask: true, took: true, r: outbox.Result{QueueID: id}}
}

func failing(k outbox.Kind, why string) step {
	return step{err: &outbox.Error{Kind: k, Why: why}}
}

func TestSent(t *testing.T) {
	r := newRig(t)
	s := r.script(took("4B3F"))
	ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
	r.run()
	r.until(ticket, 2, desk.OutSent)
	m := r.desk.Mails(ticket)[0]
	if got := s.all(); len(got) != 1 || !slices.Equal(got[0].To, []string{"alice@patron.test"}) || got[0].From != "help@desk.test" || !bytes.Equal(got[0].Body, m.Body) {
		t.Errorf("sent %+v", got)
	}
	if m.QueueID != "4B3F" || m.SentAt == 0 || m.LastError != "" {
		t.Errorf("the mail is %+v", m)
	}
}

func TestAnswersAreHeld(t *testing.T) {
	r := newRig(t)
	r.desk.Admin(&desk.SetSetting{Setting: desk.Setting{Name: "clock.mail_hold", Value: "1h"}})
	s := r.script()
	ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
	first := r.answer(ticket, "No.")
	second := r.answer(ticket, "Yes.")
	r.run()
	r.until(ticket, first, desk.OutQueued)
	r.until(ticket, second, desk.OutQueued)
	r.until(ticket, 2, desk.OutSent)
	r.desk.Staff("ana", &desk.UndoReply{Ticket: ticket, Entry: first})
	r.desk.Advance(2 * time.Hour)
	r.until(ticket, second, desk.OutSent)
	if got := s.all(); len(got) != 2 || r.entry(ticket, first).Mail != desk.OutUndone {
		t.Errorf("%d mails went out, want 2: what was taken back doesn't", len(got))
	}
}

// TestFailures: what a server says decides about the mail, the address and the account.
func TestFailures(t *testing.T) {
	t.Run("later: it is tried again after a while", func(t *testing.T) {
		r := newRig(t)
		s := r.script(failing(outbox.Later, "450 greylisted"))
		ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
		r.run()
		r.until(ticket, 2, desk.OutDeferred)
		if m := r.desk.Mails(ticket)[0]; m.Tries != 1 || m.LastError != "450 greylisted" || m.NotBefore.Std().Before(r.desk.Now().Add(20*time.Second)) {
			t.Errorf("the mail is %+v", m)
		}
		r.desk.Advance(time.Minute)
		r.until(ticket, 2, desk.OutSent)
		if s.calls != 2 {
			t.Errorf("%d tries, want 2", s.calls)
		}
	})
	t.Run("later, for three days: staff are told", func(t *testing.T) {
		r := newRig(t)
		r.script(failing(outbox.Later, "450 full"), failing(outbox.Later, "450 full"))
		ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
		r.run()
		r.until(ticket, 2, desk.OutDeferred)
		r.desk.Advance(73 * time.Hour)
		r.until(ticket, 2, desk.OutFailed)
		told(t, r, ticket, "mail-failed", "450 full")
	})
	t.Run("never: staff are told, the address is noted", func(t *testing.T) {
		r := newRig(t)
		r.script(step{err: &outbox.Error{Kind: outbox.Never, Why: "550 5.1.1 no such user", Hard: true}})
		ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
		r.run()
		r.until(ticket, 2, desk.OutFailed)
		told(t, r, ticket, "mail-failed", "no such user")
		if tk := r.desk.Tickets()[0]; !slices.Contains(tk.Failed, "alice@patron.test") {
			t.Errorf("failed addresses %q", tk.Failed)
		}
	})
	t.Run("some refused: the others have it", func(t *testing.T) {
		r := newRig(t)
		r.script(took("q0"), step{ask: true, took: true, r: outbox.Result{QueueID: "q1", Refused: []outbox.Refusal{{Address: "bob@patron.test", Why: "550 unknown"}}}})
		ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
		r.run()
		r.until(ticket, 2, desk.OutSent)
		n := r.desk.Staff("ana", &desk.ReplyTicket{Ticket: ticket, Text: "Yes", Cc: []string{"bob@patron.test"}}).Entry
		r.until(ticket, n, desk.OutSent)
		told(t, r, ticket, "mail-failed", "bob@patron.test")
	})
	t.Run("some busy: only they get it again", func(t *testing.T) {
		r := newRig(t)
		s := r.script(took("q0"), step{ask: true, took: true, r: outbox.Result{QueueID: "q1", Later: []outbox.Refusal{{Address: "bob@patron.test", Why: "450 busy"}}}})
		ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
		r.run()
		r.until(ticket, 2, desk.OutSent)
		n := r.desk.Staff("ana", &desk.ReplyTicket{Ticket: ticket, Text: "Yes", Cc: []string{"bob@patron.test"}}).Entry
		r.until(ticket, n, desk.OutDeferred)
		r.desk.Advance(time.Hour)
		r.until(ticket, n, desk.OutSent)
		if got := s.all(); !slices.Equal(got[len(got)-1].To, []string{"bob@patron.test"}) {
			t.Errorf("the last one went to %q", got[len(got)-1].To)
		}
	})
	t.Run("the account: no mail is at fault, all go when it heals", func(t *testing.T) {
		r := newRig(t)
		s := r.script(failing(outbox.Account, "connection refused"))
		one := r.desk.Ask("Alice", "alice@patron.test", "?")
		two := r.desk.Ask("Bob", "bob@patron.test", "?")
		r.run()
		r.until(one, 2, desk.OutDeferred)
		if st := r.b.Status(); !st.Paused || st.Why != "connection refused" || st.Lasting {
			t.Errorf("status %+v", st)
		}
		r.desk.Advance(time.Minute)
		r.until(one, 2, desk.OutSent)
		r.until(two, 2, desk.OutSent)
		if m := r.desk.Mails(one)[0]; m.Tries != 0 || len(s.all()) != 2 {
			t.Errorf("%d tries, %d sent", m.Tries, len(s.all()))
		}
		if st := r.b.Status(); st.Paused {
			t.Errorf("status %+v", st)
		}
	})
	t.Run("a wrong password: a long rest, unless a new one comes", func(t *testing.T) {
		r := newRig(t)
		file := filepath.Join(t.TempDir(), "password")
		r.b.cfg.SMTP.PasswordFile = file
		s := r.script(step{err: &outbox.Error{Kind: outbox.Account, Why: "535 no", Lasting: true}})
		ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
		r.run()
		r.until(ticket, 2, desk.OutDeferred)
		r.desk.Advance(time.Minute)
		other := r.desk.Ask("Bob", "bob@patron.test", "?") // wakes the sender
		r.until(other, 2, desk.OutQueued)
		if st := r.b.Status(); !st.Lasting || time.Until(st.Again) < 4*time.Minute || s.calls != 1 {
			t.Errorf("status %+v after %d tries", st, s.calls)
		}
		if err := os.WriteFile(file, []byte("new"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.until(ticket, 2, desk.OutSent)
	})
	t.Run("the desk's own address: nothing is sent round", func(t *testing.T) {
		r := newRig(t)
		s := r.script()
		ticket := r.desk.Ask("Alice", "reference@desk.test", "?")
		r.run()
		r.until(ticket, 2, desk.OutFailed)
		if s.calls != 0 {
			t.Errorf("%d mails went out", s.calls)
		}
	})
}

// told looks for what staff read.
func told(t *testing.T, r *rig, ticket uint64, what, text string) {
	t.Helper()
	for _, e := range r.desk.Entries(ticket) {
		if e.What == what && strings.Contains(e.Text, text) {
			return
		}
	}
	t.Errorf("no entry %q with %q", what, text)
}

// TestLeaderDies: the next one goes on. Nothing is lost; twice goes only what may not have arrived, and as the same mail.
func TestLeaderDies(t *testing.T) {
	died := &desk.Error{Code: desk.Stopping}
	is := func(name string) func(desk.Command) bool {
		return func(c desk.Command) bool { return c.CommandName() == name }
	}
	for name, tc := range map[string]struct {
		at    func(desk.Command) bool
		after bool // the command was committed
		sent  int
		twice bool
	}{
		"before the bytes are fixed":    {is("ComposeMail"), false, 1, false},
		"once the bytes are fixed":      {is("ComposeMail"), true, 1, false},
		"before the claim":              {is("ClaimMail"), false, 1, false},
		"once it is claimed":            {is("ClaimMail"), true, 1, false},
		"before the dot is allowed":     {is("MailDot"), false, 1, false},
		"once the dot is allowed":       {is("MailDot"), true, 1, true},
		"before it is known to be sent": {is("MailSent"), false, 2, true},
		"once it is known to be sent":   {is("MailSent"), true, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.script()
			reached := make(chan struct{})
			dead := false
			hook := func(c desk.Command) error {
				if dead = dead || tc.at(c); !dead {
					return nil
				}
				select {
				case <-reached:
				default:
					close(reached)
				}
				return died
			}
			if tc.after {
				r.desk.After(hook)
			} else {
				r.desk.Before(hook)
			}
			ask := func() uint64 {
				return r.desk.Ask("Alice", "alice@patron.test", "?")
			}
			ticket := ask()
			end := r.run()
			<-reached
			r.desk.Before(func(desk.Command) error { return died }) // nothing more of this leader gets through
			end()
			r.desk.Before(nil)
			r.desk.After(nil)
			r.make()
			r.b.wire = func() outbox.Transport { return s }
			r.run()
			r.until(ticket, 2, desk.OutSent)
			got := s.all()
			if len(got) != tc.sent {
				t.Errorf("it went out %d times, want %d", len(got), tc.sent)
			}
			for _, m := range got {
				if !bytes.Equal(m.Body, got[0].Body) {
					t.Error("the second is not the same mail")
				}
			}
			m := r.desk.Mails(ticket)
			if len(m) != 1 || m[0].Resent != tc.twice {
				t.Errorf("%d mails, sent again: %v, want one and %v", len(m), m[0].Resent, tc.twice)
			}
			if tc.twice {
				told(t, r, ticket, "sent-again", "")
			}
		})
	}
}

// TestOldLeaderSendsNothing: its claim is worth nothing in the next term, whatever it believes.
func TestOldLeaderSendsNothing(t *testing.T) {
	r := newRig(t)
	s := r.script()
	ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
	r.b.composeWanted(t.Context())
	m := r.desk.Mails(ticket)[0]
	lead(t, r, func(term uint64) {
		old := newSender(r.b, term)
		if old.claim(t.Context(), m.ID, false) != desk.OutClaimed {
			t.Fatal("not claimed")
		}
		lead(t, r, func(uint64) {}) // another is elected
		old.send(t.Context(), m)
	})
	if n := len(s.all()); n != 0 {
		t.Errorf("the old leader sent %d mails", n)
	}
	r.run()
	r.until(ticket, 2, desk.OutSent)
}

// lead runs f in a term of its own.
func lead(t *testing.T, r *rig, f func(term uint64)) {
	t.Helper()
	over := errors.New("over")
	err := r.desk.Lead(t.Context(), func(_ context.Context, term uint64) error {
		f(term)
		return over
	})
	if !errors.Is(err, over) {
		t.Fatal(err)
	}
}

// TestUnsure: the connection ended at the dot. Without a mailbox to look in it goes once more.
func TestUnsure(t *testing.T) {
	r := newRig(t)
	s := r.script(step{ask: true, took: true, err: &outbox.Error{Kind: outbox.Unsure, Why: "EOF"}})
	ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
	r.run()
	r.until(ticket, 2, desk.OutSent)
	if got := s.all(); len(got) != 2 || !bytes.Equal(got[0].Body, got[1].Body) || !r.desk.Mails(ticket)[0].Resent {
		t.Errorf("%d mails; want the same one twice, and the record says so", len(got))
	}
}

// TestReportsWait: what happened is told when the log is there again, and isn't done twice meanwhile.
func TestReportsWait(t *testing.T) {
	r := newRig(t)
	s := r.script()
	refused := 0
	r.desk.Before(func(c desk.Command) error {
		if _, ok := c.(*desk.MailSent); ok && refused < 2 {
			refused++
			return &desk.Error{Code: desk.NoQuorum}
		}
		return nil
	})
	ticket := r.desk.Ask("Alice", "alice@patron.test", "?")
	r.run()
	r.until(ticket, 2, desk.OutSent)
	if n := len(s.all()); n != 1 || refused != 2 {
		t.Errorf("sent %d times, the report refused %d times", n, refused)
	}
}

func TestBackoff(t *testing.T) {
	last := time.Duration(0)
	for n := range uint64(20) {
		d := backoff(n)
		if d < last*4/5 || d > 66*time.Minute {
			t.Errorf("after try %d: %v, after %v", n, d, last)
		}
		last = d
	}
	if pause(1, true) < 4*time.Minute || pause(1, false) > 3*time.Second || pause(99, false) > 67*time.Second {
		t.Error("the account rests as long as its fault is likely to")
	}
}

func TestAlarm(t *testing.T) {
	r := newRig(t)
	s := &scripted{steps: []step{{took: true}}}
	r.b.wire, r.b.cfg.SMTP.Server, r.b.cfg.Alarms = func() outbox.Transport { return s }, "mail.example:587", []target.Target{
		{Kind: target.Mail, Address: "desk@staff.example"}, {Kind: target.Mail, Address: "digital@staff.example", Department: "digital"},
	}
	r.b.alarm(t.Context(), desk.Event{Kind: desk.AlarmRaised, Chat: 57, Department: "reference", N: 60})
	got := s.all()
	if len(got) != 1 || got[0].To[0] != "desk@staff.example" || !strings.Contains(string(got[0].Body), "Chat 57 in Reference has waited for 1m0s") {
		t.Errorf("sent %q", got)
	}
	r.b.cfg.Alarms = nil
	r.b.alarm(t.Context(), desk.Event{Kind: desk.AlarmRaised, Chat: 58, Department: "reference", N: 60})
	if len(s.all()) != 1 {
		t.Error("mailed to nobody")
	}
}
