// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"refdesk/cluster/desk"
	"refdesk/gateway/web/webtest"
)

var shots = flag.String("shots", "", "write screenshots of the pages of a shift into this folder")

// screen is one headless Chromium at the staff's pages. Tests with it are skipped where there is none, unless CI is true.
type screen struct {
	*webtest.Browser
	t    *testing.T
	v    *live
	name string // of the screenshots
}

func newScreen(t *testing.T, v *live) *screen {
	t.Helper()
	return &screen{Browser: webtest.Start(t), t: t, v: v}
}

const with = `(() => { const $ = (s) => document.querySelector(s), all = (s) => [...document.querySelectorAll(s)]; return `

// until waits until a JavaScript expression is true. It may use $ and all.
func (s *screen) until(expr string) {
	s.t.Helper()
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		ok := false
		if ok, err = chromedp.Run(s.Ctx, chromedp.Evaluate[bool](with+"!!("+expr+")})()")); err == nil && ok {
			return
		}
	}
	text, _ := chromedp.Run(s.Ctx, chromedp.Evaluate[string]("document.body ? document.body.innerText : ''"))
	s.t.Fatalf("never: %s (%v)\n%s", expr, err, text)
}

func (s *screen) is(expr string) bool {
	s.t.Helper()
	ok, err := chromedp.Run(s.Ctx, chromedp.Evaluate[bool](with+"!!("+expr+")})()"))
	if err != nil {
		s.t.Fatal(err)
	}
	return ok
}

func (s *screen) run(expr string) {
	s.t.Helper()
	s.Do(chromedp.Evaluate[chromedp.Void](with + "(" + expr + ", 1)})()"))
}

func (s *screen) text(expr string) string {
	s.t.Helper()
	out, err := chromedp.Run(s.Ctx, chromedp.Evaluate[string](with+"String("+expr+")})()"))
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// click clicks as a hand does.
func (s *screen) click(selector string) {
	s.t.Helper()
	s.until("$(" + strconv.Quote(selector) + ")")
	s.Do(chromedp.Click(chromedp.CSS(selector)))
}

func (s *screen) press(keys string) {
	s.t.Helper()
	s.Do(chromedp.KeyEvent(keys))
}

// ctrlEnter presses both.
func (s *screen) ctrlEnter() {
	s.t.Helper()
	s.Do(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(2)))
}

func (s *screen) open(path string) {
	s.t.Helper()
	port := s.v.srv.URL[strings.LastIndexByte(s.v.srv.URL, ':')+1:]
	s.Do(chromedp.Navigate("http://staff.localhost:" + port + path))
}

// signIn signs somebody in by the page.
func (s *screen) signIn(account string) {
	s.t.Helper()
	s.open("/sign-in?next=%2Fboard")
	s.until(`$("input[type=password]")`)
	s.run(`$("input[name=account], input[name=name], input[type=text], input:not([type])").value = ` + strconv.Quote(account) + `, $("input[type=password]").value = ` + strconv.Quote(password))
	s.run(`$("input[type=password]").form.requestSubmit()`)
	s.until(`location.pathname === "/board"`)
}

// shot writes a screenshot if somebody wants them.
func (s *screen) shot(state string) {
	s.t.Helper()
	if *shots == "" {
		return
	}
	data, err := chromedp.Run(s.Ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, s.name+"-"+state+".png"), data, 0o644)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// axe lists the violations on the page: rule, element and reason.
func (s *screen) axe() []string {
	s.t.Helper()
	found, err := chromedp.Run(s.Ctx, chromedp.Evaluate[[]string](`axe.run(document).then((r) =>
		(r.passes.length ? [] : ["axe did not look at the page"]).concat(
			r.violations.flatMap((v) => v.nodes.map((n) => v.id + " " + n.target.join(" ") + ": " + n.failureSummary))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

// TestBrowserBoardAlone is one chat on the board, without any XMPP client: ring, claim, answer, tag, close.
func TestBrowserBoardAlone(t *testing.T) {
	v := newLive(t)
	s := newScreen(t, v)
	s.signIn("ana")
	s.until(`$("#start-here") && !$("#start-here").hidden`)
	s.click("#start")
	s.until(`$("#duty").textContent.startsWith("You are on")`)

	if _, err := v.store.Do(t.Context(), desk.Request{Actor: patronHash("p1"), Command: &desk.OpenChat{
		ID: "q1", Department: "reference", Question: "how do i renew a <b>book</b>?", Name: "Mia", Node: "n0",
	}}); err != nil {
		t.Fatal(err)
	}
	s.until(`$("#ring").textContent.includes("Mia") && document.title.includes("1 is waiting")`)
	s.until(`Number(document.documentElement.dataset.rang) > 0`) // it could be heard
	s.click("#ring .main")
	s.until(`$("#pane-title").textContent === "1 Mia" && all("#pane-lines li").length === 1 && document.activeElement === $("#pane-text")`)
	if got := s.text(`$("#pane-lines .text").textContent`); got != "how do i renew a <b>book</b>?" {
		t.Errorf("the question reads %q", got)
	}
	s.until(`$("#ring").textContent === "" && !document.title.includes("waiting")`)

	s.press("On your account page.")
	s.until(`true`)
	v.eventually("the patron's page is told of typing", func() bool {
		v.hints.mu.Lock()
		defer v.hints.mu.Unlock()
		return slices.Contains(v.hints.said, true)
	})
	s.ctrlEnter()
	s.until(`all("#pane-lines .mine .tick").length === 1 && $("#pane-text").value === ""`)
	v.hints.patron(1, true)
	s.until(`$("#pane-typing").textContent === "Mia is writing…"`)
	v.patron("p1", 1, "l3", "Thanks!")
	s.until(`all("#pane-lines li.patron").length === 2 && $("#pane-typing").textContent === ""`)

	// What looks like a slip is held, and shown.
	s.press("note she was quick")
	s.ctrlEnter()
	s.until(`!$("#held").hidden && $("#held-text").textContent === "note she was quick"`)

	// A tag by its form, then the end.
	s.click(`[data-command=tag]`)
	s.until(`$("dialog[open] input[value=renewals]")`)
	s.run(`$("dialog[open] input[value=renewals]").click()`)
	s.click(`dialog[open] .main`)
	s.until(`$("#pane-tags").textContent === "renewals"`)
	s.click(`[data-command=close]`)
	s.until(`$("dialog[open]")`)
	s.click(`dialog[open] .main`)
	s.until(`$("#pane-facts").textContent.includes("closed")`)
	c := v.chat(1)
	if c.State != desk.Closed || !slices.Equal(c.Tags, []string{"renewals"}) || c.Owner != "ana" {
		t.Errorf("the chat is %s, %v, with %s", c.State, c.Tags, c.Owner)
	}
	want := []string{"patron: how do i renew a <b>book</b>?", "staff: On your account page.", "patron: Thanks!"}
	if got := v.texts(1); !slices.Equal(got, want) {
		t.Errorf("lines: %v", got)
	}
	s.press(kb.Escape)
	s.until(`$("#pane").hidden`)
}

// TestBrowserKeyboard goes through the lists with arrow keys, opens with Enter, leaves with Escape.
func TestBrowserKeyboard(t *testing.T) {
	v := newLive(t)
	for i, name := range []string{"Mia", "Jo", "Kim"} {
		v.ask(fmt.Sprint("p", i), name, "Question of "+name)
	}
	s := newScreen(t, v)
	s.signIn("ana")
	s.until(`all(".chat-row").length === 3 && $("#lists").dataset.live`)
	s.run(`all(".chat-row")[0].focus()`)
	s.press(kb.ArrowDown)
	s.until(`document.activeElement === all(".chat-row")[1]`)
	s.press(kb.End)
	s.press(kb.ArrowUp)
	s.until(`document.activeElement.textContent.includes("Jo") && all(".chat-row[tabindex='0']").length === 1`)
	s.press(kb.Enter)
	s.until(`!$("#pane").hidden && $("#pane-title").textContent === "2 Jo" && all("#pane-lines li").length === 1`)
	s.press(kb.Escape)
	s.until(`$("#pane").hidden && document.activeElement.textContent.includes("Jo")`)
	// New lines of a chat that isn't looked at are counted in its name.
	v.do("ana", &desk.ClaimChat{Chat: 1})
	s.until(`$("#list-mine .chat-row")`)
	v.patron("p0", 1, "more-1", "Are you there?")
	s.until(`$("#list-mine .news").textContent === "(1 new)" && document.title.startsWith("(1)")`)
	s.run(`$("#list-mine .chat-row").click()`)
	s.until(`$("#list-mine .news").textContent === "" && all("#pane-lines li").length === 2 && !document.title.startsWith("(")`)
}

// TestBrowserColleagues writes to a colleague from the list, and answers one who writes, by keyboard alone.
func TestBrowserColleagues(t *testing.T) {
	v := newLive(t)
	s := newScreen(t, v)
	s.signIn("ana")
	s.until(`all("#colleagues button").length > 1`)
	lena := v.board(v.session("lena"), obj{"show": "online"})
	s.until(`$("#colleagues [data-to=lena] .state.online")`)
	s.run(`$("#colleagues [data-to=lena]").focus()`)
	s.press(kb.Enter)
	s.until(`$("dialog[open] textarea") === document.activeElement || ($("dialog[open] textarea") && $("dialog[open] textarea").focus(), false)`)
	s.press("Coffee?")
	s.run(`$("dialog[open] form").requestSubmit()`)
	if m := lena.until("message"); m["text"] != "Coffee?" || m["from"] != "ana" {
		t.Errorf("lena reads %v", m)
	}
	s.until(`$("#told").textContent.includes("You to Lena: Coffee?") && document.activeElement.dataset.to === "lena"`)
	lena.send(obj{"type": "tell", "id": "tell-0001", "to": "ana", "text": "<b>At four</b>"})
	s.until(`$("#told").textContent.includes("Lena: <b>At four</b>")`)
	s.run(`$("#told button").focus()`)
	s.press(kb.Enter)
	s.until(`$("dialog[open]") && $("#form-title").textContent === "Write to Lena"`)
	s.press(kb.Escape)
	s.until(`!$("dialog[open]") && document.activeElement === $("#told button")`)
}

// TestBrowserBulk ticks one box for all tickets, closes them and takes it back.
func TestBrowserBulk(t *testing.T) {
	v := newLive(t)
	a, b := v.ticket("Lost my card", "a@example.org"), v.ticket("Scanner", "b@example.org")
	s := newScreen(t, v)
	s.signIn("ana")
	s.open("/tickets")
	s.until(`$("[data-all]") && !$("[data-all]").hidden`)
	s.run(`$("[data-all]").click()`)
	s.until(`all("input[name=ticket]:checked").length === 2`)
	s.run(`all("input[name=ticket]")[0].click()`)
	s.until(`$("[data-all]").indeterminate`)
	s.run(`all("input[name=ticket]")[0].click()`)
	s.run(`$("form.bulk").requestSubmit()`)
	s.until(`$("form.remark button")`)
	if got := v.states(a, b); got[0] != desk.TicketClosed || got[1] != desk.TicketClosed {
		t.Errorf("closed: %v", got)
	}
	s.click(`form.remark button`)
	s.until(`all("input[name=ticket]").length === 2 && $(".flash").textContent === "2 tickets as before."`)
}

// TestBrowserComesBack cuts the connection and reloads the page: chats and what is on its way stay, nothing comes twice.
func TestBrowserComesBack(t *testing.T) {
	v := newLive(t, func(_ *Config, d *Deps) { d.SeatGrace = time.Minute })
	n := v.ask("p1", "Mia", "Hello?")
	v.do("ana", &desk.ClaimChat{Chat: n})
	s := newScreen(t, v)
	s.signIn("ana")
	s.until(`$("#list-mine .chat-row")`)
	s.click("#start")
	s.click("#list-mine .chat-row")
	s.until(`all("#pane-lines li").length === 1`)
	v.store.Refuse(&desk.Error{Code: desk.NoQuorum})
	s.press("first")
	s.ctrlEnter()
	s.press("second")
	s.ctrlEnter()
	s.until(`all("#pane-lines .draft").length === 2 && all("#pane-lines .tick").length === 0`)
	v.srv.CloseClientConnections()
	v.store.Refuse(nil)
	s.until(`all("#pane-lines .draft").length === 0 && all("#pane-lines .mine .tick").length === 2`)
	v.patron("p1", n, "l9", "Still there?")
	s.until(`all("#pane-lines li").length === 4`)
	s.Do(chromedp.Reload())
	s.until(`all("#pane-lines li").length === 4 && $("#pane-title").textContent === "1 Mia" && !$("#sound").hidden`)
	want := []string{"patron: Hello?", "staff: first", "staff: second", "patron: Still there?"}
	if got := v.texts(n); !slices.Equal(got, want) {
		t.Errorf("lines: %v", got)
	}
	if got := v.sessionsOf("ana"); len(got) != 1 || got[0].Show != desk.ShowOnline {
		t.Errorf("sessions: %v", got)
	}
}

// shift fills a library with what the pages of a shift show, and returns its states: name, page, what to wait for.
func shift(v *live) []struct{ name, path, ready string } {
	for i, x := range [][2]string{{"Mia Lindqvist", "How do I renew a book that somebody else has asked for? It is due today and I am abroad."}, {"", "scanner broken???"}, {"Jonas", "Où sont les cartes anciennes de la ville ?"}} {
		v.ask(fmt.Sprint("w", i), x[0], x[1])
	}
	mine := v.ask("m1", "Aisha", "Can I get an article from a journal that you don't have?")
	v.do("ana", &desk.ClaimChat{Chat: mine})
	v.do("ana", &desk.PostLine{Chat: mine, Kind: desk.TextLine, Text: "Yes. Which one? See https://library.example/ill for how it works."})
	v.patron("m1", mine, "m2", "Annals of Improbable Research, volume 9")
	v.do("ana", &desk.PostLine{Chat: mine, Kind: desk.NoteLine, Text: "Has two loans from abroad already."})
	v.do("ana", &desk.TagChat{Chat: mine, Tags: []string{"renewals"}})
	other := v.ask("o1", "Lee", "Printing costs?")
	v.do("ben", &desk.ClaimChat{Chat: other})
	v.missed("x1", "Nora", "Is the reading room open tonight, or only the stacks?")
	v.missed("x2", "", "hello")
	k := v.ticket("The scanner on the second floor makes stripes. Could somebody have a look, and where can I scan meanwhile?", "nora.k@example.org")
	v.do("ana", &desk.ReplyTicket{Ticket: k, Text: "Thank you for telling us.\n\nThere is another one beside the lifts on the first floor."})
	v.do("ben", &desk.NoteTicket{Ticket: k, Text: "Technician comes on Thursday."})
	v.do("", &desk.IngestMail{
		Group: "main", Mailbox: "INBOX", DedupeKey: strings.Repeat("ab", 32), Department: "reference", From: "somebody@example.net", FromName: "Nora",
		Subject: "Re: scanner", Text: "It is me, from another address.", Kind: desk.MailHuman, Auth: desk.AuthFail,
		Candidates: []desk.MailCandidate{{Kind: desk.ByToken, Ticket: k}}, BodyHash: strings.Repeat("cd", 32),
	})
	v.ticket("Lost my card", "a@example.org")
	return []struct{ name, path, ready string }{
		{"board", "/board", `$("#lists").dataset.live && all("#figures li").length > 0`},
		{"chat", chatURL(mine), `$(".transcript")`},
		{"form", chatURL(mine) + "/do/close", `$("form.fields")`},
		{"missed", "/missed", `$(".missed")`},
		{"tickets", "/tickets", `$("table")`},
		{"new-ticket", "/tickets/new", `$("form.fields")`},
		{"ticket", ticketURL(k), `$(".thread")`},
		{"search-empty", "/search", `$(".examples")`},
		{"search", "/search?q=scanner", `$(".hits")`},
	}
}

// TestBrowserAccessible runs axe on each page and state, and looks that nothing scrolls sideways.
func TestBrowserAccessible(t *testing.T) {
	axe := webtest.Axe(t)
	for _, c := range []struct {
		name, feature, value string
		width                int64
	}{
		{"light-1280", "prefers-color-scheme", "light", 1280},
		{"dark-1280", "prefers-color-scheme", "dark", 1280},
		{"light-360", "prefers-color-scheme", "light", 360},
		{"dark-360", "prefers-color-scheme", "dark", 360},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := time.Date(2026, 9, 7, 9, 58, 0, 0, time.UTC)
			v := newLive(t, func(_ *Config, d *Deps) {
				d.Finder = &answers{found: Findings{Total: 3, Facets: map[string][]FindCount{"tag": {{"printing", 4}, {"renewals", 1}}, "dept": {{"reference", 5}}}, Next: "x", Hits: []FindHit{
					{Number: 4, State: "claimed", Department: "reference", Name: "Aisha", At: at, Lines: []FindLine{{At: at, Text: FindText{Text: "the scanner on the second floor makes stripes", Marks: []FindMark{{4, 11}}}}}},
					{Ticket: true, Number: 8, State: "open", Department: "reference", Name: "Mia", At: at, Title: FindText{Text: "The scanner on the second floor", Marks: []FindMark{{4, 11}}}},
				}}}
			})
			states := shift(v)
			s := newScreen(t, v)
			s.name = c.name
			s.Inject(axe)
			s.Do(chromedp.EmulateViewport(c.width, 800))
			s.Prefers(c.feature, c.value)
			s.signIn("ana")
			look := func(state string) {
				t.Helper()
				for _, x := range s.axe() {
					t.Errorf("%s: %s", state, x)
				}
				if s.is(`document.documentElement.scrollWidth > innerWidth`) {
					t.Errorf("%s: scrolls sideways", state)
				}
				s.shot(state)
			}
			for _, x := range states {
				s.open(x.path)
				s.until(x.ready)
				look(x.name)
				if x.name != "board" {
					continue
				}
				s.click("#start")
				s.until(`all("#ring .ringing").length > 0`)
				look("board-ringing")
				s.run(`$("#list-mine .chat-row").click()`)
				s.until(`all("#pane-lines li").length === 4`)
				look("board-chat")
				s.click(`[data-command=close]`)
				s.until(`$("dialog[open] input")`)
				look("board-form")
				s.press(kb.Escape)
				s.until(`!$("dialog[open]")`)
			}
		})
	}
}
