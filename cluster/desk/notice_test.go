// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

func notice() *desk.QueueNotice {
	return &desk.QueueNotice{
		To: "new@library.example", From: "desk@library.example", MessageID: "<n1@library.example>",
		Date: desktest.Start, Body: []byte("Subject: Welcome\r\n\r\nhttps://staff.example/link/secret\r\n"),
	}
}

// TestNotice: a mail without a ticket goes the way of every other mail, is read by those who manage staff, and is
// forgotten when what it may open holds no more.
func TestNotice(t *testing.T) {
	s := desktest.NewStore()
	if err := errors.Join(s.Library(), s.Admin(&desk.SetStaff{New: true, Staff: desk.Staff{
		Account: "root", Name: "Root", PublicName: "Root", Role: desk.RoleAdmin,
	}})); err != nil {
		t.Fatal(err)
	}
	node := desk.NodeActor("n0")
	do := func(by desk.Actor, c desk.Command) (desk.Reply, error) {
		return s.Do(t.Context(), desk.Request{Actor: by, Command: c})
	}
	if _, err := do(desk.StaffActor("root", "s"), notice()); !errors.Is(err, &desk.Error{Code: desk.NotAllowed}) {
		t.Errorf("a notice by a member of staff: %v", err)
	}
	r, err := do(node, notice())
	if err != nil || r.Mail == 0 || r.Value != string(desk.OutQueued) {
		t.Fatalf("%+v %v", r, err)
	}
	seen := func(by desk.Actor) (listed int, body string) {
		err := s.View(t.Context(), by, func(rd desk.Reader) error {
			all, err := rd.Outbox(0, 10)
			listed = len(all)
			if m, err := rd.MailOut(r.Mail); err == nil {
				body = string(m.Body)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return listed, body
	}
	for account, may := range map[string]bool{"root": true, "lena": false, "ana": false} {
		if n, body := seen(desk.StaffActor(account, "s")); (n == 1) != may || strings.Contains(body, "secret") != may {
			t.Errorf("%s sees %d notices, reads %q", account, n, body)
		}
	}
	if n, _ := seen(desk.PatronActor("x")); n != 0 {
		t.Error("a patron sees a notice")
	}
	err = s.View(t.Context(), node, func(rd desk.Reader) error {
		due, err := rd.MailsDue(s.Now(), 10)
		if len(due) != 1 || due[0].ID != r.Mail || due[0].Purpose != desk.MailNotice {
			t.Errorf("due: %+v", due)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []desk.Command{
		&desk.ClaimMail{ID: r.Mail, Term: 0}, &desk.MailDot{ID: r.Mail, Term: 0},
		&desk.MailFailed{ID: r.Mail, Term: 0, Why: "550 nobody here", Hard: true},
	} {
		if _, err := do(node, c); err != nil {
			t.Fatalf("%s: %v", c.CommandName(), err)
		}
	}
	for _, after := range []struct {
		wait time.Duration
		n    int
	}{{30 * 24 * time.Hour, 1}, {25 * time.Hour, 0}} {
		if err := s.Advance(after.wait); err != nil {
			t.Fatal(err)
		}
		if _, err := do(node, &desk.Expire{}); err != nil {
			t.Fatal(err)
		}
		if n, _ := seen(node); n != after.n {
			t.Errorf("after %s more: %d notices", after.wait, n)
		}
	}
}

func TestNoticeRefusals(t *testing.T) {
	s := desktest.NewStore()
	for field, edit := range map[string]func(*desk.QueueNotice){
		"to":         func(x *desk.QueueNotice) { x.To = "a\r\nBcc: b" },
		"from":       func(x *desk.QueueNotice) { x.From = strings.Repeat("a", 400) },
		"message_id": func(x *desk.QueueNotice) { x.MessageID = "" },
		"body":       func(x *desk.QueueNotice) { x.Body = make([]byte, desk.MaxMail+1) },
	} {
		x := notice()
		edit(x)
		_, err := s.Do(t.Context(), desk.Request{Actor: desk.NodeActor("n0"), Command: x})
		if !errors.Is(err, &desk.Error{Code: desk.Invalid, Field: field}) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
