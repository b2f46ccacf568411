// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"refdesk/cluster/desk"
	"refdesk/gateway/web/webtest"
)

// scriptless keeps the pages' own scripts from running, or lets them run again. What the test evaluates runs either way,
// but its timers don't, and axe needs some.
func (b *browser) scriptless(on bool) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: on})
		return err
	}))
}

// TestBrowserWithoutScripts asks, searches and votes with a browser that runs no scripts, and looks at each page with axe.
func TestBrowserWithoutScripts(t *testing.T) {
	axe := webtest.Axe(t)
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			h := newHouse(t, options{})
			h.publish(shelf()...)
			h.fields("digital", twoFields)
			b := newBrowser(t)
			b.scriptless(true)
			b.Do(chromedp.EmulateViewport(320, 900))
			b.Prefers("prefers-color-scheme", scheme)
			at := func(state string) {
				b.scriptless(false)                                                                           // the page has been read without them
				b.run(`document.querySelectorAll("noscript").forEach((n) => n.replaceWith(...n.childNodes))`) // axe passes it by
				b.Do(chromedp.Evaluate[chromedp.Void](axe + ";1"))
				for _, v := range b.axe() {
					t.Errorf("%s: %s", state, v)
				}
				b.scriptless(true)
				if b.is(`document.documentElement.scrollWidth > innerWidth`) {
					t.Errorf("%s: scrolls sideways", state)
				}
				if dir := os.Getenv("REFDESK_SHOTS"); dir != "" {
					png, err := chromedp.Run(b.Ctx, chromedp.CaptureScreenshot())
					if err == nil {
						err = os.WriteFile(filepath.Join(dir, "plain-"+state+"-360-"+scheme+".png"), png, 0o600)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			b.Do(chromedp.Navigate(h.urls[0] + "/chat/digital"))
			b.until(`$(".ask") && $(".ask").offsetHeight > 0 && $("#start").hidden`)
			at("start")
			b.run(`$(".find input").focus()`)
			b.press("maps" + kb.Enter)
			b.until(`location.pathname === "/faq" && $(".faq-list a")`)
			at("found")
			b.run(`$(".faq-list a").click()`)
			b.until(`$(".vote")`)
			b.run(`$('.vote button[value="1"]').click()`)
			b.until(`!$(".vote") && $('[role="status"]')`)
			at("voted")
			if got := h.faq("maps").Up; got != 1 {
				t.Errorf("%d votes", got)
			}
			b.run(`$(".faq-ask a").click()`)
			b.until(`$("#ask-question")`)
			h.advance(3 * time.Second)
			b.run(`($("#ask-question").value = "Old <b>maps</b>?", $("#ask-email").value = "a@", $(".ask").noValidate = true, $("#ask-field-0").value = "Law", $(".ask button").click())`)
			b.until(`$("#ask-error") && $("#ask-question").value === "Old <b>maps</b>?" && $("#ask-field-0").value === "Law"`)
			at("error")
			b.run(`($("#ask-email").value = "noor@example.org", $(".ask button").click())`)
			b.until(`$(".address") && $(".address").textContent === "noor@example.org"`)
			at("asked")
			if got := h.askedFor("digital"); len(got) != 1 || !strings.HasSuffix(got[0], "Old <b>maps</b>?\n\nFaculty: Law") {
				t.Errorf("asked: %q", got)
			}
		})
	}
}

// TestBrowserKeyboardMail leaves a question and an address by keys alone.
func TestBrowserKeyboardMail(t *testing.T) {
	h := newHouse(t, options{})
	b := newBrowser(t)
	b.Do(chromedp.Navigate(h.urls[0] + "/chat/digital"))
	b.until(`!$("#start").hidden`)
	b.run(`$("#find").focus()`)
	b.press(kb.Tab)
	b.until(`document.activeElement === $("#question")`)
	b.press("Where are the maps?" + kb.Tab + kb.Tab + "noor@example.org" + kb.Enter)
	b.until(`!$("#asked").hidden && document.activeElement === $("#asked")`)
	if got := h.askedFor("digital"); len(got) != 1 {
		t.Errorf("asked: %q", got)
	}
	b.press(kb.Tab + kb.Enter)
	b.until(`$("#asked").hidden && document.activeElement === $("#find")`)

	b.Do(chromedp.Navigate(h.urls[0] + "/chat/reference"))
	b.ask("Hello")
	n := h.lastChat(desk.Waiting)
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "Hi"})
	h.as("ana", &desk.WantContact{Chat: n})
	b.until(`!$("#contact").hidden`)
	b.run(`$("#contact-email").focus()`)
	b.press("noor@example.org" + kb.Enter)
	b.until(`document.activeElement === $("#contact-yes") && $("#contact-address").textContent === "noor@example.org"`)
	b.press(kb.Tab + kb.Enter) // change it
	b.until(`document.activeElement === $("#contact-email")`)
	b.press(kb.End + ".uk" + kb.Enter)
	b.until(`document.activeElement === $("#contact-yes")`)
	b.press(kb.Enter)
	b.until(`$("#after-address").textContent === "noor@example.org.uk" && $("#contact").hidden`)
	h.until("given", func(c *desk.Chat) bool { return c.Email == "noor@example.org.uk" }, n)
	// Asked again, for the mail came back: the form is there again.
	h.as("ana", &desk.WantContact{Chat: n})
	b.until(`!$("#contact").hidden && $("#after-address").hidden`)
	h.as("ana", &desk.CloseChat{Chat: n, Tags: []string{"printing"}})
	b.until(`!$("#rate").hidden`)
	b.run(`$(".star").focus()`)
	b.press(kb.Tab + kb.Tab + kb.Tab + kb.Tab + kb.Enter)
	h.until("rated", func(c *desk.Chat) bool { return c.Score == 5 }, n)
	b.until(`$('.star[aria-pressed="true"]').getAttribute("aria-label") === "5 of 5"`)
	// The rating is there again after a reload, and the address form with it.
	b.Do(chromedp.Reload())
	b.until(`$("#rate") && !$("#rate").hidden && $("#rate-more").hidden && !$("#contact").hidden && d.querySelectorAll(".star.on").length === 5`)
}

// TestBrowserClosesWhileWriting keeps what was written when the desk closes, and sends it by mail.
func TestBrowserClosesWhileWriting(t *testing.T) {
	h := newHouse(t, options{})
	b := newBrowser(t)
	b.Do(chromedp.Navigate(h.urls[0] + "/chat/reference"))
	b.until(`$("#door").className === "door online"`)
	b.run(`$("#question").value = "Where are the maps?"`)
	began := time.Now()
	if err := h.store.Admin(&desk.CloseSession{ID: "session-of-ana-0123456789"}); err != nil {
		t.Fatal(err)
	}
	b.until(`$("#door").className === "door closed" && $("#start-button").textContent === "Send question" && !$("#ask-title").hidden`)
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("the page noticed after %v", took)
	}
	b.run(`$("#email").value = "noor@example.org", $("#start").requestSubmit()`)
	b.until(`$("#asked-address").textContent === "noor@example.org"`)
	if got := h.askedFor("reference"); len(got) != 1 || !strings.HasSuffix(got[0], "Where are the maps?") {
		t.Errorf("asked: %q", got)
	}
}
