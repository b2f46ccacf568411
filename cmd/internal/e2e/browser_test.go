// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"refdesk/gateway/web/webtest"
)

// browser is a patron in front of a library's web page: Chromium with one tab.
type browser struct {
	*webtest.Browser
	t testing.TB
}

// The chat page, wherever it is: the tab's own document, or the one in the widget's frame.
const chatPage = `(() => {
  for (const e of document.body.children) {
    const f = e.shadowRoot && e.shadowRoot.querySelector("iframe");
    if (f && f.contentDocument && f.contentDocument.getElementById("app")) return f.contentDocument;
  }
  return document;
})()`

// startBrowser opens a page. The browser ends with the test.
func startBrowser(t testing.TB, url string) *browser {
	t.Helper()
	b := &browser{webtest.Start(t), t}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the page says:\n%s", b.try(`document.body.innerText + "\n" + `+chatPage+`.body.innerText`))
		}
	})
	b.Do(chromedp.Navigate(url))
	return b
}

// eval returns the value of a JavaScript expression in which $ stands for getElementById of the chat page.
func eval[T any](b *browser, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.Ctx, 5*time.Second)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](`(($) => (`+expression+`))((id) => `+chatPage+`.getElementById(id))`))
}

func (b *browser) try(expression string) string {
	s, err := eval[string](b, expression)
	if err != nil {
		return err.Error()
	}
	return s
}

// wait waits until a JavaScript expression is true.
func (b *browser) wait(what, expression string) {
	b.t.Helper()
	err := poll(func() error {
		ok, err := eval[bool](b, "!!("+expression+")")
		if err != nil {
			return err
		}
		if !ok {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil {
		b.t.Fatalf("browser: %s: not after %s: %v", what, patience, err)
	}
}

// openWidget clicks the button at the edge of the library's page.
func (b *browser) openWidget() {
	b.t.Helper()
	b.wait("the button is there", `[...document.body.children].some((e) => e.shadowRoot && e.shadowRoot.querySelector("button"))`)
	at, err := eval[struct{ X, Y float64 }](b, `(() => { const b = [...document.body.children].find((e) => e.shadowRoot && e.shadowRoot.querySelector("button"))
		.shadowRoot.querySelector("button").getBoundingClientRect(); return {X: b.x + b.width / 2, Y: b.y + b.height / 2}; })()`)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Do(chromedp.MouseClickXY(at.X, at.Y))
}

// typeInto puts the cursor into a field and types text as an input method does.
func (b *browser) typeInto(id, text string) {
	b.t.Helper()
	b.wait(id+" can be written in", fmt.Sprintf(`$(%q) && !$(%[1]q).disabled && $(%[1]q).offsetParent`, id))
	focused, err := eval[bool](b, fmt.Sprintf(`($(%q).focus(), $(%[1]q).ownerDocument.activeElement === $(%[1]q))`, id))
	if err != nil || !focused {
		b.t.Fatalf("browser: %s takes no focus: %v", id, err)
	}
	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err
	}))
}

// ask fills the form in and starts the chat.
func (b *browser) ask(question string) {
	b.t.Helper()
	b.typeInto("question", question)
	if _, err := eval[bool](b, `($("start-button").click(), true)`); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
	b.phase("waiting")
}

// say types a line and sends it with Enter, and waits for its tick.
func (b *browser) say(text string) {
	b.t.Helper()
	b.typeInto("text", text)
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.wait("tick of "+text, `[...$("lines").children].some((l) => l.classList.contains("patron") && l.dataset.tick === "sent" && l.querySelector(".text").textContent === `+quote(text)+`)`)
}

// phase waits until the chat is "waiting", "talking", "closed" …
func (b *browser) phase(name string) {
	b.t.Helper()
	b.wait("phase "+name, `$("app").dataset.phase === `+quote(name))
}

// lines returns the lines as they stand on the page, "staff: text" each.
func (b *browser) lines() []string {
	b.t.Helper()
	got, err := eval[[]string](b, `[...$("lines").children].filter((l) => l.querySelector(".text")).map((l) => (l.classList.contains("patron") ? "patron: " : "staff: ") + l.querySelector(".text").textContent)`)
	if err != nil {
		b.t.Fatalf("browser: %v", err)
	}
	return got
}

// waitLine waits for a line of the staff with exactly this text.
func (b *browser) waitLine(text string) {
	b.t.Helper()
	err := poll(func() error {
		got := b.lines()
		for _, l := range got {
			if l == "staff: "+text {
				return nil
			}
		}
		return fmt.Errorf("the page has:\n%s", strings.Join(got, "\n"))
	})
	if err != nil {
		b.t.Fatalf("browser: no line %q: %v", text, err)
	}
}

func (b *browser) reload() {
	b.t.Helper()
	b.Do(chromedp.Reload())
}

// quote writes s as a JavaScript string.
func quote(s string) string {
	q, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings can always be written
	}
	return string(q)
}
