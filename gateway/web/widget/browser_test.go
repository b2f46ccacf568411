// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"refdesk/cluster/desk"
	"refdesk/gateway/web/webtest"
)

// browser is a browser in front of the patron's pages.
type browser struct {
	*webtest.Browser
	t *testing.T
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	return &browser{webtest.Start(t), t}
}

// in is the start of an expression on the chat page, whether it is the page or the widget's frame.
const in = `(() => {
  const host = [...document.body.children].find((e) => e.shadowRoot);
  const frame = host && host.shadowRoot.querySelector("iframe");
  const d = frame ? frame.contentDocument : document;
  const $ = (s) => d.querySelector(s);
  const button = host && host.shadowRoot.querySelector("button");
  return `

// until waits until a JavaScript expression is true. It may use d (the chat's document), $ and button.
func (b *browser) until(expr string) {
	b.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	var err error
	for ok := false; time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if ok, err = chromedp.Run(b.Ctx, chromedp.Evaluate[bool](in+"!!("+expr+")})()")); err == nil && ok {
			return
		}
	}
	text, _ := chromedp.Run(b.Ctx, chromedp.Evaluate[string](in+`d && d.body ? d.body.innerText : "nothing"})()`))
	b.t.Fatalf("never: %s (%v)\n%s", expr, err, text)
}

// run evaluates an expression for its effect.
func (b *browser) run(expr string) {
	b.t.Helper()
	b.Do(chromedp.Evaluate[chromedp.Void](in + "(" + expr + ", 1)})()"))
}

// press types keys as a keyboard would, into whatever has the focus.
func (b *browser) press(keys string) {
	b.t.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// say types a line and sends it.
func (b *browser) say(text string) {
	b.t.Helper()
	b.run(`$("#text").value = ` + strconv.Quote(text) + `, $("#compose").requestSubmit()`)
}

// write puts a text into a field as one that is typed.
func (b *browser) write(field, text string) {
	b.t.Helper()
	b.run(`$(` + strconv.Quote(field) + `).value = ` + strconv.Quote(text) + `, $(` + strconv.Quote(field) + `).dispatchEvent(new Event("input"))`)
}

// ask fills in the question and starts.
func (b *browser) ask(question string) {
	b.t.Helper()
	b.until(`$("#start") && !$("#start").hidden`)
	b.run(`$("#question").value = ` + strconv.Quote(question) + `, $("#start").requestSubmit()`)
	b.until(`$("#app").dataset.phase === "waiting"`)
}

// lines are the texts in the list, own ones with their state behind a bar.
func (b *browser) lines() []string {
	b.t.Helper()
	out, err := chromedp.Run(b.Ctx, chromedp.Evaluate[[]string](in+`[...d.querySelectorAll(".line.patron, .line.staff")].map((l) =>
		l.querySelector(".text").textContent + (l.dataset.tick === "none" ? "" : "|" + l.dataset.tick))})()`))
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// lastChat is the number of the newest chat that waits.
func (h *house) lastChat(state desk.ChatState) uint64 {
	h.t.Helper()
	var n uint64
	err := h.store.View(h.t.Context(), desk.NodeActor("test"), func(rd desk.Reader) error {
		chats, err := rd.Chats(desk.ChatFilter{State: state})
		for _, c := range chats {
			n = max(n, c.Number)
		}
		return err
	})
	if err != nil || n == 0 {
		h.t.Fatalf("no %s chat: %v", state, err)
	}
	return n
}

func TestBrowserConversation(t *testing.T) {
	h := newHouse(t, options{demo: true})
	b := newBrowser(t)
	b.Do(chromedp.Navigate(h.urls[0] + "/"))
	b.until(`button && button.textContent.includes("Chat with us")`)
	b.run(`button.click()`)
	b.until(`$("#door").textContent.includes("Library staff are here")`)
	b.ask("Do you have maps? 😀")
	n := h.lastChat(desk.Waiting)
	h.as("ana", &desk.ClaimChat{Chat: n})
	b.until(`$("#status").textContent === "You’re chatting with Ana"`)
	b.say("Old ones: <b>مرحبا</b>")
	b.until(`d.querySelectorAll('[data-tick="sent"]').length === 2`)
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "Yes: https://maps.example/a?b=1."})
	b.until(`$(".line.staff a").href === "https://maps.example/a?b=1"`)
	h.until("shown", func(c *desk.Chat) bool { return c.Shown == c.PatronSeq+1 }, n)

	// Escape closes and gives the focus back; what comes then is counted in the button's name.
	b.run(`d.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}))`)
	b.until(`frame.hidden && host.shadowRoot.activeElement === button`)
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "Still there?"})
	b.until(`button.getAttribute("aria-label") === "Chat with us, 1 new message"`)

	// The chat survives a reload of the library's page.
	b.Do(chromedp.Reload())
	b.until(`button && button.getAttribute("aria-label") === "Chat with us"`)
	b.run(`button.click()`)
	b.until(`$("#status").textContent === "You’re chatting with Ana"`)
	b.until(`d.querySelectorAll(".line.staff").length === 2`)
	want := "Do you have maps? 😀|sent, Old ones: <b>مرحبا</b>|sent, Yes: https://maps.example/a?b=1., Still there?"
	if got := strings.Join(b.lines(), ", "); got != want {
		t.Errorf("after the reload: %s", got)
	}
	h.as("ana", &desk.CloseChat{Chat: n, Tags: []string{"printing"}})
	b.until(`$("#status").textContent === "Ana ended this chat." && $("#after-text").textContent.includes("reopens")`)
	b.run(`window.print = frame.contentWindow.print = () => { d.documentElement.dataset.printed = "1" }`)
	b.until(`$("#save") && $("#print")`)
	b.run(`$("#print").click()`)
	b.until(`d.documentElement.dataset.printed === "1"`)
	b.say("One more")
	b.until(`$("#app").dataset.phase === "talking"`)
}

// TestBrowserTicks holds a line up on its way into the log: there is no ✓ before it is committed, and
// neither a reload nor the wait makes it two.
func TestBrowserTicks(t *testing.T) {
	g, o := behind(options{limits: Limits{CommitWithin: time.Minute}})
	h := newHouse(t, o)
	b := newBrowser(t)
	b.Do(chromedp.Navigate(h.urls[0] + "/chat/reference"))
	b.ask("Hello")
	n := h.lastChat(desk.Waiting)
	b.until(`d.querySelectorAll('[data-tick="sent"]').length === 1`)
	open := g.close("PostLine")
	b.say("Held up")
	for g.count("PostLine") == 0 {
		<-time.After(5 * time.Millisecond)
	}
	b.until(`$(".line.patron:last-child .meta").textContent === "sending…" && !$(".line.patron:last-child .tick")`)
	b.Do(chromedp.Reload())
	b.until(`$("#talk") && !$("#talk").hidden && d.querySelectorAll(".line.patron").length === 2`)
	if got := strings.Join(b.lines(), ", "); got != "Hello|sent, Held up|sending" && got != "Hello|sending, Held up|sending" {
		t.Errorf("before the commit: %s", got)
	}
	open()
	b.until(`d.querySelectorAll('[data-tick="sent"]').length === 2`)
	var texts []string
	err := h.store.View(t.Context(), desk.NodeActor("test"), func(rd desk.Reader) error {
		lines, err := rd.Lines(n, 0, 0)
		for _, l := range lines {
			texts = append(texts, l.Text)
		}
		return err
	})
	if err != nil || strings.Join(texts, ", ") != "Hello, Held up" {
		t.Errorf("the desk has %v (%v)", texts, err)
	}
}

func TestBrowserLeaves(t *testing.T) {
	h := newHouse(t, options{})
	b := newBrowser(t)
	b.Do(chromedp.Navigate(h.urls[0] + "/chat/reference"))
	b.ask("Hello")
	n := h.lastChat(desk.Waiting)
	b.run(`$("#end").click(), $("#end-yes").click()`)
	h.until("missed", func(c *desk.Chat) bool { return c.State == desk.Missed }, n)
	b.until(`$("#again") && !$("#again").hidden`)
	b.run(`$("#again").click()`)
	b.ask("Me again")
	if h.lastChat(desk.Waiting) == n {
		t.Error("the chat was not a new one")
	}
}

// TestBrowserNodeDies takes the page's node away in the middle of a chat, while lines are being typed: the page goes on
// with the other, and every line arrives once.
func TestBrowserNodeDies(t *testing.T) {
	h := newHouse(t, options{nodes: 2})
	b := newBrowser(t)
	b.Do(chromedp.Navigate(h.urls[0] + "/chat/reference"))
	b.ask("line 0")
	n := h.lastChat(desk.Waiting)
	h.as("ana", &desk.ClaimChat{Chat: n})
	for i := range 4 {
		b.say("line " + strconv.Itoa(i+1))
	}
	h.kill(0)
	for i := range 4 {
		b.say("line " + strconv.Itoa(i+5))
	}
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "from the other node"})
	b.until(`d.querySelectorAll('[data-tick="sent"]').length === 9 && d.querySelectorAll(".line.staff").length === 1`)
	var got []string
	err := h.store.View(t.Context(), desk.NodeActor("test"), func(rd desk.Reader) error {
		lines, err := rd.Lines(n, 0, 0)
		for _, l := range lines {
			if l.From == desk.FromPatron {
				got = append(got, l.Text)
			}
		}
		return err
	})
	if err != nil || strings.Join(got, ",") != "line 0,line 1,line 2,line 3,line 4,line 5,line 6,line 7,line 8" {
		t.Errorf("the desk has %v (%v)", got, err)
	}
}

// TestBrowserWithoutSockets keeps the page off WebSocket: it polls, and nothing else changes.
func TestBrowserWithoutSockets(t *testing.T) {
	h := newHouse(t, options{})
	b := newBrowser(t)
	b.Inject(`WebSocket = class { constructor() { throw new Error("no"); } }`)
	b.Do(chromedp.Navigate(h.urls[0] + "/chat/reference"))
	b.ask("Hello")
	n := h.lastChat(desk.Waiting)
	h.as("ana", &desk.ClaimChat{Chat: n})
	b.until(`$("#status").textContent === "You’re chatting with Ana"`)
	b.say("by POST")
	b.until(`d.querySelectorAll('[data-tick="sent"]').length === 2`)
}
