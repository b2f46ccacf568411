// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"refdesk/bridge/mail"
	"refdesk/bridge/mailtest"
	"refdesk/gateway/xmpp/xmpptest"
)

// A story is a stretch of a library's day with nothing mocked: the binary, browsers, XMPP clients, mail servers and mail
// programs that people use.

// mailed is a desk whose tickets go out by Postfix and come in from a mailbox at Dovecot.
type mailed struct {
	*running
	box  *mailtest.Dovecot
	post *mailtest.Postfix
}

func startMailed(t *testing.T, flags ...string) *mailed {
	t.Helper()
	box := mailtest.StartDovecot(t)
	post := mailtest.StartPostfix(t, box, "")
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("deskpw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"mail.domain=desk.test", "mail.tls=none", "mail.server=" + mailtest.Loopback(post.MX),
		"mail.imap=" + mailtest.Loopback(box.IMAP), "mail.imap_user=desk", "mail.imap_password_file=" + password, "clocks.mail_hold=1s",
	} {
		flags = append(flags, "--set", s)
	}
	return &mailed{start(t, 1, flags...), box, post}
}

// got waits until a mailbox holds n mails and returns the newest.
func (m *mailed) got(name string, n int) *mail.Message {
	m.t.Helper()
	mailtest.Eventually(m.t, fmt.Sprintf("%s has %d mails", name, n), func() bool { return len(m.box.Mails(name, "")) >= n })
	mails := m.box.Mails(name, "")
	if len(mails) != n {
		m.t.Fatalf("%s has %d mails, want %d", name, len(mails), n)
	}
	var newest *mail.Message // by its place in the thread: two may come within a second
	for _, raw := range mails {
		got := mail.Parse(m.t.Context(), strings.NewReader(raw), mail.Options{})
		if newest == nil || len(got.References) >= len(newest.References) {
			newest = got
		}
	}
	return newest
}

var ticketNumber = regexp.MustCompile(`(?i)ticket (\d+)`)

// A question that can't be answered at once: from the chat to a ticket, by mail there and back, and found again.
func TestStoryOfATicket(t *testing.T) {
	m := startMailed(t)
	r := m.running
	bot := "desk@" + r.ChatDomain
	ana := onProfanity{xmpptest.StartProfanity(t, r.login("ana", 0))}
	ben := onSlixmpp{xmpptest.StartSlixmpp(t, r.login("ben", 0))}
	page := startBrowser(t, r.HTTP)
	page.openWidget()
	page.ask("Have you the 1921 survey map of Willowmere?")

	number := numberIn(t, ben.heard(bot, "1921 survey"))
	ana.heard(bot, number+" ")
	ana.Say(bot, number)
	page.phase("talking")
	ben.heard(bot, number+" answered by Ana")
	chat := "c" + number + "@" + r.ChatDomain
	ana.heard(chat, "1921 survey map")

	ana.Say(chat, "!faq how many books can I borrow")
	ana.heard(chat, "How many books can I borrow?")
	ana.Say(chat, "!faq 1")
	page.wait("the FAQ's answer", `[...$("lines").children].some((l) => !l.classList.contains("patron") && l.textContent.includes("20 books"))`)

	ana.Say(chat, "!ticket Survey map of 1921")
	ana.heard(chat, "address")
	page.wait("the page asks for an address", `!$("contact").hidden && $("contact-email").offsetParent`)
	page.typeInto("contact-email", "alice@patron.test")
	page.click(`$("contact").querySelector("button[type=submit]")`)
	page.wait("the address is repeated large", `!$("contact-check").hidden && $("contact-address").textContent === "alice@patron.test"`)
	page.click(`$("contact-yes")`)
	heard := ana.heard(chat, " has ticket ")
	ticket := lastMatch(t, ticketNumber, heard)

	first := m.got("alice", 1)
	if !strings.Contains(first.Subject, "#"+ticket) || len(first.From) != 1 || !strings.HasSuffix(first.From[0].Addr, "@desk.test") {
		t.Errorf("the first mail is %q from %v", first.Subject, first.From)
	}
	ana.Say(bot, "assign "+ticket+" me")
	ana.heard(bot, "Ticket "+ticket+" is yours now")
	mailtest.Neomutt(t, m.box, m.post, "alice", "It is for a talk on Friday.")
	thread := "t" + ticket + "@" + r.ChatDomain
	ana.heard(thread, "It is for a talk on Friday.")
	ana.Say(thread, "Dear Alice, the map is on shelf 12 and may be copied.")
	ana.heard(thread, "not sent")
	ana.Say(thread, "!send")
	answer := m.got("alice", 2)
	if !strings.Contains(answer.Text, "shelf 12") || !slices.Contains(answer.References, first.MessageID) || strings.Contains(answer.Text, "!send") {
		t.Errorf("the answer is %q with references %q", answer.Text, answer.References)
	}

	ana.Say(chat, "!close other")
	page.phase("closed")
	ana.Say(bot, "find survey map")
	ana.heard(bot, "Survey map of 1921")

	staff := startBrowser(t, r.Staff)
	staff.signIn(r.operator(t, "ana"))
	staff.Do(chromedp.Navigate(r.Staff + "/search?q=" + url.QueryEscape("survey map")))
	for _, want := range []string{"Chat " + number, "Ticket " + ticket} {
		staff.wait(want+" is found", `[...document.querySelectorAll(".hit h2")].some((h) => h.textContent.includes(`+quote(want)+`))`)
	}
	staff.Do(chromedp.Navigate(r.Staff + "/tickets/" + ticket))
	for _, want := range []string{"It is for a talk on Friday.", "shelf 12"} {
		staff.wait(want+" is in the ticket", `document.querySelector("main").textContent.includes(`+quote(want)+`)`)
	}
}

// A patron leaves before anybody comes: the next person on shift is told, and makes a ticket of it.
func TestStoryOfAMissedChat(t *testing.T) {
	m := startMailed(t, "--set", "clocks.patron_detached=1s", "--set", "clocks.patron_gone=2s")
	r := m.running
	bot := "desk@" + r.ChatDomain
	listener := xmpptest.StartListener(t, r.login("lena", 0)) // the desk is open while somebody is there; nobody looks
	page := startBrowser(t, r.HTTP)
	page.openWidget()
	page.typeInto("name", "Alice Wren")
	page.typeInto("email", "alice@patron.test")
	page.ask("Is there a quiet room for a viva?")
	listener.WaitMessage("quiet room")
	page.Do(chromedp.Navigate("about:blank")) // the patron walks away
	listener.WaitMessage("went without an answer")

	ana := onProfanity{xmpptest.StartProfanity(t, r.login("ana", 0))} // her shift begins
	ana.heard(bot, "1 missed chat waits")
	ana.Say(bot, "missed")
	number := lastMatch(t, regexp.MustCompile(`(\d+) Alice Wren`), ana.heard(bot, "quiet room"))
	ana.Say(bot, "ticket "+number+" A room for a viva")
	ticket := lastMatch(t, ticketNumber, ana.heard(bot, " has ticket "))
	if got := m.got("alice", 1); !strings.Contains(got.Subject, "#"+ticket) {
		t.Errorf("the mail is %q", got.Subject)
	}
	ana.Say(bot, "missed")
	ana.heard(bot, "No missed chats")
}

// One on the board alone: everything of a chat in a browser, with no XMPP client anywhere.
func TestStoryOnTheBoard(t *testing.T) {
	r := start(t, 1, "--set", "clocks.mail_hold=1s")
	staff := startBrowser(t, r.Staff)
	staff.signIn(r.operator(t, "ben"))
	staff.Do(chromedp.Navigate(r.Staff + "/board"))
	staff.wait("the board can start", `$("start") && $("start").offsetParent`)
	staff.click(`$("start")`)
	staff.wait("ben is on", `!$("board").hidden && /on/i.test($("duty").textContent)`)

	page := startBrowser(t, r.HTTP)
	page.openWidget()
	page.ask("Where do I return a book? " + manyScripts)
	staff.wait("the board rings", `document.querySelector("#ring .ringing button.main")`)
	staff.click(`document.querySelector("#ring .ringing button.main")`)
	page.phase("talking")
	staff.wait("the question is read", `$("pane-lines").textContent.includes("Where do I return a book?")`)
	staff.sayOnBoard("At the desk by the door. " + manyScripts)
	page.waitLine("At the desk by the door. " + manyScripts)
	page.say("Thanks! " + manyScripts)
	staff.wait("the thanks are read", `$("pane-lines").textContent.includes(`+quote("Thanks! "+manyScripts)+`)`)
	staff.sayOnBoard("!note came in a hurry")
	staff.wait("the note is there", `$("pane-lines").textContent.includes("came in a hurry")`)
	staff.sayOnBoard("!close other")
	page.phase("closed")
	for _, l := range page.lines() {
		if strings.Contains(l, "hurry") {
			t.Errorf("the patron reads a note: %q", l)
		}
	}
	number, err := eval[string](staff, `(location.pathname.match(/\d+/) || $("pane-title").textContent.match(/\d+/) || [""])[0]`)
	if err != nil || number == "" {
		t.Fatalf("the pane names no chat: %v", err)
	}
	staff.Do(chromedp.Navigate(r.Staff + "/search?q=return+book"))
	staff.wait("the chat is found", `[...document.querySelectorAll(".hit h2")].some((h) => h.textContent.includes(`+quote("Chat "+number)+`))`)
}

// signIn fills in the form of the staff pages.
func (b *browser) signIn(o operator) {
	b.t.Helper()
	account, _, _ := strings.Cut(o.JID, "@")
	b.typeInto("username", account)
	b.typeInto("password", o.WebPassword)
	b.click(`$("password").form.querySelector("button[type=submit]")`)
	b.wait("signed in", `!$("username") && document.querySelector("nav")`)
}

// click clicks an element as a script does.
func (b *browser) click(element string) {
	b.t.Helper()
	b.wait("there is "+element, element)
	if _, err := eval[bool](b, "("+element+".click(), true)"); err != nil {
		b.t.Fatalf("browser: click %s: %v", element, err)
	}
}

// sayOnBoard writes in the pane of the open chat.
func (b *browser) sayOnBoard(text string) {
	b.t.Helper()
	b.typeInto("pane-text", text)
	b.click(`$("pane-form").querySelector("button[type=submit]")`)
	b.wait("the box is empty again", `$("pane-text").value === ""`)
}

// operator is somebody of the demo's staff.
func (d desk) operator(t testing.TB, account string) operator {
	t.Helper()
	for _, o := range d.Operators {
		if strings.HasPrefix(o.JID, account+"@") {
			return o
		}
	}
	t.Fatalf("the demo has no operator %s", account)
	return operator{}
}

// numberIn is the chat's number that a ring begins with.
func numberIn(t *testing.T, ring string) string {
	t.Helper()
	found := ringNumber.FindStringSubmatch(ring)
	if found == nil {
		t.Fatalf("the ring does not begin with the chat's number: %q", ring)
	}
	return found[1]
}

// lastMatch is the last number that a pattern finds in what a client shows.
func lastMatch(t *testing.T, pattern *regexp.Regexp, text string) string {
	t.Helper()
	all := pattern.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		t.Fatal(errors.New("no " + pattern.String() + " in " + strconv.Quote(text)))
	}
	return all[len(all)-1][1]
}
