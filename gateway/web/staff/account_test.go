// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/account"
)

// linkIn finds the path of the link in a mail.
func linkIn(t *testing.T, text string) string {
	t.Helper()
	m := regexp.MustCompile(`https://staff\.desk\.example(/link/[\w-]{43})\s`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no link in %q", text)
	}
	return m[1]
}

// TestInvitation is the whole way from the page People to the board.
func TestInvitation(t *testing.T) {
	l := newLibrary(t)
	l.admin(&desk.SetSetting{Setting: desk.Setting{Name: "desk.name", Value: "Willow Library"}})
	p := l.as("rosa").follow("/people", "account", "nia", "name", "Nia Berg", "email", "nia@library.example",
		"role", "operator", "departments", "reference", "invite", "1")
	p.says(t, http.StatusOK, "An invitation is on its way to nia@library.example", "Nia Berg", "invited")
	if len(l.mails) != 1 {
		t.Fatalf("%d mails", len(l.mails))
	}
	mail := l.mails[0]
	link := linkIn(t, mail.Text)
	if mail.To != "nia@library.example" || !strings.Contains(mail.Subject, "Willow Library") || !strings.Contains(mail.Text, "7 days") {
		t.Errorf("mail %+v", mail)
	}
	v := l.visit()
	for range 3 { // looking uses nothing up, as mail programs look too
		v.get(link).says(t, http.StatusOK, "Welcome, Nia Berg", "nia", "Set the password and begin")
	}
	for name, c := range map[string]struct{ first, second, says string }{
		"too short":    {"short", "short", "at least 10 characters"},
		"not the same": {"seven quiet reading rooms", "seven quiet reading room", "are not the same"},
		"too common":   {"password123", "password123", "one of the first that anybody would try"},
		"too long":     {strings.Repeat("ab", 150), strings.Repeat("ab", 150), "at most 200 characters"},
		"with control": {"seven quiet\x01rooms", "seven quiet\x01rooms", "control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			v.post(link, "password", c.first, "again", c.second).says(t, http.StatusUnprocessableEntity, c.says)
		})
	}
	v.follow(link, "password", "eight loud reading rooms", "again", "eight loud reading rooms").
		says(t, http.StatusOK, "Welcome, Nia Berg", "Start in this browser now", "Gajim", "Conversations", "Pidgin")
	v.get("/devices").says(t, http.StatusOK, "Nia Berg , operator", "nia@desk.example")
	l.visit().get(link).says(t, http.StatusNotFound, "This link was used")
	l.visit().post(link, "password", "nine loud reading rooms", "again", "nine loud reading rooms").says(t, http.StatusNotFound, "This link was used")
	if p := l.visit().post("/sign-in", "username", "nia", "password", "eight loud reading rooms"); p.status != http.StatusSeeOther {
		t.Errorf("signing in with the new password: %d", p.status)
	}
}

func TestLinksThatOpenNothing(t *testing.T) {
	l := newLibrary(t)
	first, _, err := l.door.Invite(t.Context(), l.door.node(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := l.door.Invite(t.Context(), l.door.node(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	path := func(link string) string { return strings.TrimPrefix(link, "https://staff.desk.example") }
	l.visit().get(path(first)).says(t, http.StatusNotFound, "a newer mail")
	l.visit().get(path(second)).says(t, http.StatusOK, "Welcome, Ana Lima")
	l.visit().get(path(second)[:30]).says(t, http.StatusNotFound, "This link is not whole")
	l.visit().get("/link/<script>alert(1)</script>").says(t, http.StatusNotFound, "")
	if err := l.store.Advance(8 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	l.visit().get(path(second)).says(t, http.StatusNotFound, "This link held until")
	third, _, err := l.door.Invite(t.Context(), l.door.node(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	l.admin(&desk.DisableStaff{Account: "ana"})
	p := l.visit().get(path(third))
	p.says(t, http.StatusNotFound, "opens nothing")
	if strings.Contains(p.text(), "Ana") {
		t.Error("it says whose it was")
	}
	if _, _, err := l.door.Invite(t.Context(), desk.StaffActor("lena", "s"), "ben"); !errors.Is(err, &desk.Error{Code: desk.NotAllowed}) {
		t.Errorf("an invitation by a lead: %v", err)
	}
}

func TestBoardLink(t *testing.T) {
	l := newLibrary(t)
	token, hash := newToken()
	l.do("", &desk.MakeLink{Hash: hash, Kind: desk.LinkBoard, Account: "ana"})
	v := l.visit()
	v.get("/link/"+token).says(t, http.StatusOK, "sign in as Ana Lima", "Open the board")
	if p := v.post("/link/" + token); p.location() != "/" {
		t.Errorf("%d %s", p.status, p.text())
	}
	v.get("/devices").says(t, http.StatusOK, "Ana Lima")
}

// TestInvitationWithoutMail: the link is shown once, to be handed over.
func TestInvitationWithoutMail(t *testing.T) {
	l := newLibrary(t, func(_ *Config, d *Deps) { d.Mailer = nil })
	v := l.as("rosa")
	p := v.post("/people/ben/invite", "kind", "invite")
	p.says(t, http.StatusOK, "since no mail can carry it")
	l.visit().get(linkIn(t, p.text())).says(t, http.StatusOK, "Welcome, Ben Okoro")
	if p := v.get("/people/ben"); strings.Contains(p.body, "/link/") {
		t.Error("the link is shown again")
	}
	l.visit().get("/forgot").says(t, http.StatusOK, "This desk sends no mail")
}

func TestForgotten(t *testing.T) {
	l := newLibrary(t)
	ask := func(name string) {
		t.Helper()
		l.visit().follow("/forgot", "username", name).says(t, http.StatusOK, "If there is such an account")
	}
	ask("nobody")
	ask("ana") // has no address
	ask("rosa")
	ask("rosa") // at once again: no second mail
	if len(l.mails) != 1 || l.mails[0].To != "rosa@library.example" {
		t.Fatalf("mails %+v", l.mails)
	}
	link := linkIn(t, l.mails[0].Text)
	old := l.as("rosa")
	v := l.visit()
	v.get(link).says(t, http.StatusOK, "A new password", "rosa")
	v.follow(link, "password", "eight loud reading rooms", "again", "eight loud reading rooms")
	v.get("/devices").says(t, http.StatusOK, "Rosa Diaz")
	if p := old.get("/devices"); p.status != http.StatusSeeOther {
		t.Error("a browser that was signed in before still is")
	}
	for range 20 {
		if p := l.visit().post("/forgot", "username", "ben"); p.status == http.StatusTooManyRequests {
			p.says(t, http.StatusTooManyRequests, "Please wait a minute")
			return
		}
	}
	t.Error("one network may ask without end")
}

// signsIn tries a device password as an XMPP client does.
func (l *library) signsIn(name, password string) bool {
	l.t.Helper()
	x, err := renewed(l.t, l).Begin(account.Plain, netip.MustParseAddr("192.0.2.7"))
	if err != nil {
		l.t.Fatal(err)
	}
	_, done, err := x.Next(context.Background(), []byte("\x00"+name+"\x00"+password))
	return done && err == nil
}

func TestDevices(t *testing.T) {
	l := newLibrary(t)
	v := l.as("ana")
	v.get("/devices").says(t, http.StatusOK, "No chat program yet", "signed in here and nowhere else")
	form := regexp.MustCompile(`(?:[a-z2-9]{4}-){3}[a-z2-9]{4}`)
	p := v.post("/devices", "client", "gajim", "name", "Gajim at home")
	p.says(t, http.StatusOK, "shown once", "ana@desk.example", "xmpp.desk.example", "5222", "5223", "desk@chat.desk.example", "Advanced Settings")
	secret := form.FindString(p.text())
	if !l.signsIn("ana", secret) {
		t.Fatalf("%q does not sign in", secret)
	}
	if p := v.get("/devices"); form.MatchString(p.text()) || !strings.Contains(p.text(), "Gajim at home") {
		t.Error("the list shows the password, or not the device")
	}
	v.post("/devices", "client", "dino", "name", "Gajim at home").says(t, http.StatusUnprocessableEntity, "already")
	v.post("/devices", "client", "dino", "name", strings.Repeat("x", 65)).says(t, http.StatusUnprocessableEntity, "at most 64")
	v.post("/devices", "client", "dino").says(t, http.StatusOK, "Password for Dino")
	l.as("ben").follow("/devices/revoke", "name", "Gajim at home")
	if !l.signsIn("ana", secret) {
		t.Error("ben took ana's password back")
	}
	v.follow("/devices/revoke", "name", "Gajim at home").says(t, http.StatusOK, "opens nothing any more")
	v.follow("/devices/revoke", "name", "Gajim at home")
	if l.signsIn("ana", secret) {
		t.Error("a password that was taken back signs in")
	}
}

func TestEachClientHasSettings(t *testing.T) {
	s := settings{Address: "ana@d.example", Account: "ana", Domain: "d.example", Bot: "desk@chat.d.example", Host: "127.0.0.1", Port: 5222, TLS: 5223}
	seen := map[string]bool{}
	for _, c := range clients() {
		steps := strings.Join(c.Steps(s), "\n")
		if seen[c.ID] || clientNamed(c.ID).Name != c.Name || !strings.Contains(steps, "ana") || len(c.Steps(s)) < 2 {
			t.Errorf("%s: %s", c.ID, steps)
		}
		seen[c.ID] = true
		s2 := s
		s2.Host, s2.TLS = "", 0
		if strings.Contains(strings.Join(c.Steps(s2), "\n"), "127.0.0.1") {
			t.Errorf("%s keeps a host", c.ID)
		}
	}
	for _, id := range []string{"gajim", "dino", "conversations", "monal", "pidgin", "psi", "profanity", "converse"} {
		if !seen[id] {
			t.Errorf("no %s", id)
		}
	}
	if clientNamed("<script>").ID != "other" {
		t.Error("an unknown client")
	}
}

func TestPassword(t *testing.T) {
	l := newLibrary(t)
	v, other := l.as("ana"), l.as("ana")
	v.get("/devices").says(t, http.StatusOK, "one other browser")
	const next = "eight loud reading rooms"
	v.post("/password", "old", "wrong", "password", next, "again", next).says(t, http.StatusUnprocessableEntity, "The old password is another")
	v.post("/password", "old", password, "password", "short", "again", "short").says(t, http.StatusUnprocessableEntity, "at least 10")
	v.follow("/password", "old", password, "password", next, "again", next).says(t, http.StatusOK, "Your new password is set", "nowhere else")
	if p := other.get("/devices"); p.status != http.StatusSeeOther {
		t.Error("the other browser is still signed in")
	}
	if p := l.visit().post("/sign-in", "username", "ana", "password", next); p.status != http.StatusSeeOther {
		t.Errorf("the new password: %d", p.status)
	}
	third := l.as("ana")
	v.follow("/sessions/end").says(t, http.StatusOK, "nowhere else")
	if p := third.get("/devices"); p.status != http.StatusSeeOther {
		t.Error("another browser is still signed in")
	}
}
