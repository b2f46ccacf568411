// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
	"refdesk/gateway/web/webtest"
)

// show sets how a member of staff shows.
func (h *house) show(account string, s desk.Show) {
	h.t.Helper()
	if err := h.store.Admin(&desk.SetShow{ID: desktest.SessionID(account), Show: s}); err != nil {
		h.t.Fatal(err)
	}
}

// walk leads a browser through every state of the demo page and the chat page and calls at in each.
func walk(t *testing.T, b *browser, at func(state string)) {
	t.Helper()
	h := newHouse(t, options{demo: true})
	b.Do(chromedp.Navigate(h.urls[0] + "/"))
	b.until(`button`)
	at("demo")
	b.run(`button.click()`)
	b.until(`frame.className === "ready" && $("#start") && !$("#start").hidden`)
	at("demo-start")
	b.ask("Do you have maps?")
	n := h.lastChat(desk.Waiting)
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "We do, in the reading room on the second floor."})
	b.until(`d.querySelectorAll(".line.staff").length === 1`)
	at("demo-talking")
	b.Do(chromedp.Navigate(h.urls[0] + "/chat/digital"))
	b.until(`$("#door").textContent !== ""`)
	at("closed")
	b.run(`sessionStorage.clear()`)
	b.Do(chromedp.Navigate(h.urls[0] + "/chat/nowhere"))
	at("notice")
	b.Do(chromedp.Navigate(h.urls[0] + "/chat/reference"))
	b.until(`$("#start") && !$("#start").hidden`)
	at("start")
	b.run(`$("#start").requestSubmit()`)
	b.until(`!$("#start-error").hidden`)
	at("start-error")
	h.show("ana", desk.ShowDND)
	b.until(`$("#door").className === "door away"`)
	at("away")
	h.show("ana", desk.ShowOnline)
	walkChat(h, b, at)
	walkMail(h, b, at)
	walkPages(h, b, at)
	walkTrouble(h, b, at)
}

// walkMail goes through the ways in which a question is answered by mail.
func walkMail(h *house, b *browser, at func(state string)) {
	h.publish(shelf()...)
	h.fields("digital", twoFields)
	b.Do(chromedp.Navigate(h.urls[0] + "/chat/digital"))
	b.until(`!$("#find-box").hidden`)
	b.write("#find", "how many books")
	b.until(`d.querySelectorAll("#found li").length === 2`)
	at("closed-found")
	b.write("#find", "parking for bicycles")
	b.until(`$("#found").textContent.includes("no good answer")`)
	b.run(`$("#start").requestSubmit()`)
	b.until(`!$("#start-error").hidden`)
	at("closed-error")
	b.run(`$("#question").value = "Can I read the newspapers at home?", $("#email").value = "noor.vandenberg-ashworth@students.willowmere.example", $("#field-0").value = "Law"`)
	b.run(`$("#start").requestSubmit()`)
	b.until(`!$("#asked").hidden && $("#start").hidden && $("#find-box").hidden`)
	at("asked")

	b.Do(chromedp.Navigate(h.urls[0] + "/chat/reference"))
	b.until(`$("#start") && !$("#start").hidden`)
	b.write("#question", "where are the old maps")
	b.until(`d.querySelectorAll("#suggested li").length === 1`)
	at("suggested")
	h.show("ana", desk.ShowDND)
	b.until(`$("#door").className === "door away" && !$("#other-way").hidden`)
	b.run(`$("#other-way").click()`)
	at("away-by-mail")
	h.show("ana", desk.ShowOnline)
	b.until(`$("#door").className === "door online"`)
	b.run(`$("#other-way").click()`)

	b.ask("Have you old maps?")
	n := h.lastChat(desk.Waiting)
	b.until(`d.querySelectorAll("#meanwhile li").length === 1`)
	at("waiting-suggested")
	h.until("attached", func(c *desk.Chat) bool { return len(c.Attached) == 1 }, n)
	h.advance(61 * time.Second)
	b.until(`$("#keep-waiting")`)
	at("late")
	b.run(`$("#contact-email").value = "nobody", $("#contact").requestSubmit()`)
	b.until(`$("#contact-note").textContent !== ""`)
	at("late-error")
	b.run(`$("#contact-email").value = "noor@example.org", $("#contact").requestSubmit()`)
	b.until(`!$("#contact-check").hidden`)
	at("contact-check")
	b.run(`$("#contact-yes").click()`)
	b.until(`$("#after-text").textContent.includes("has the number")`)
	at("mailed")
	h.until("goes on by mail", func(c *desk.Chat) bool { return c.State == desk.Ticketed && c.Email == "noor@example.org" }, n)
	b.run(`$("#again").click()`)

	b.ask("Have you old maps?")
	n = h.lastChat(desk.Waiting)
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "I have to ask a colleague who is here on Monday."})
	h.as("ana", &desk.OpenTicket{Chat: n})
	b.until(`!$("#contact").hidden`)
	at("contact-wanted")
	b.run(`$("#contact-email").value = "noor@example.org", $("#contact").requestSubmit()`)
	b.run(`$("#contact-yes").click()`)
	b.until(`$("#contact").hidden && !$("#after-address").hidden && $("#after-text").textContent.includes("has the number")`)
	at("ticket")
	h.advance(11 * time.Minute)
	b.until(`$("#here")`)
	at("still")
	b.run(`$("#here").click()`)
	b.until(`!$("#here")`)
	h.advance(16 * time.Minute)
	b.until(`$("#app").dataset.phase === "closed" && !$("#rate").hidden`)
	at("over-silent")
	b.run(`d.querySelectorAll(".star")[3].click()`)
	b.until(`!$("#rate-more").hidden`)
	at("rated")
	b.run(`$("#rate-comment").value = "Kind and fast", $("#rate").requestSubmit()`)
	b.until(`$("#rate-more").hidden && $("#rate-note").textContent !== ""`)
	h.until("rated", func(c *desk.Chat) bool { return c.Score == 4 && c.Comment == "Kind and fast" }, n)
	b.run(`$("#again").click()`)

	b.ask("Have you old maps?")
	n = h.lastChat(desk.Waiting)
	b.until(`d.querySelectorAll("#meanwhile button").length === 2`)
	b.run(`$("#meanwhile button").click()`)
	b.until(`$("#status").textContent.includes("Good!")`)
	at("helped")
	h.until("left", func(c *desk.Chat) bool { return c.State == desk.Missed }, n)
	b.run(`$("#again").click()`)
}

// walkPages goes through the pages about FAQs, and what a browser without scripts sees.
func walkPages(h *house, b *browser, at func(state string)) {
	h.publish(desk.FAQ{
		Slug: "hostile", Question: hostileText, Topics: []string{hostileText}, Also: []string{hostileText},
		Answer: hostileText + "\n\n# Heading\n\n| A | B |\n|---|---|\n| one | " + strings.Repeat("wide ", 40) + "|\n\n- a\n- b\n\n> said\n\n```\ncode\n```\n",
	})
	for _, p := range [][2]string{
		{"faqs", "/faq"},
		{"faqs-found", "/faq?q=books"},
		{"faqs-none", "/faq?q=parking"},
		{"faq", "/faq/maps"},
		{"faq-hostile", "/faq/hostile"},
		{"faq-voted", "/faq/maps?voted=up"},
		{"faq-mirrored", "/faq/maps?lang=ar-XB"},
		{"start-mirrored", "/chat/reference?lang=ar-XB"},
		{"start-longer", "/chat/reference?lang=en-XA"},
	} {
		b.Do(chromedp.Navigate(h.urls[0] + p[1]))
		b.until(`d.readyState === "complete" && (!$("#door") || $("#door").textContent !== "")`)
		at(p[0])
	}
	b.Do(chromedp.Navigate(h.urls[0] + "/"))
	const box = `document.querySelector(".demo-find div").shadowRoot`
	search := func(text string) {
		b.run(`(` + box + `.querySelector("#q").value = "` + text + `", ` + box + `.querySelector("#q").dispatchEvent(new Event("input")))`)
	}
	b.until(`document.querySelector(".demo-find div")`)
	search("books")
	b.until(box + `.querySelectorAll("li").length === 2`)
	b.run(`document.querySelector(".demo-find").scrollIntoView()`)
	at("demo-faq")
	search("parking")
	b.until(box + `.querySelector(".said a")`)
	at("demo-faq-none")
	b.Do(chromedp.Navigate(h.urls[0] + "/chat/reference"))
}

// hostileText would break out wherever a page can put it.
const hostileText = `"></p><script>document.title="broken"</script><img src=x onerror='document.title="broken"'>[x](javascript:alert(1))`

// walkChat goes through a chat that is answered.
func walkChat(h *house, b *browser, at func(state string)) {
	b.ask("Hello! I am looking for a map of Willowmere from before 1900. Is there one that I can look at?")
	n := h.lastChat(desk.Waiting)
	b.until(`d.querySelectorAll('[data-tick="sent"]').length === 1`)
	at("waiting")
	h.as("ana", &desk.ClaimChat{Chat: n})
	for _, text := range []string{
		"Good morning, Ana here. Let me have a look.",
		"We have three, the best is from 1872: https://maps.example/willowmere-1872",
		"مرحبا بكم في المكتبة. لدينا ثلاث خرائط قديمة.\nThe catalogue has them under \u200eW 1872\u200e.",
	} {
		h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: text})
	}
	b.until(`d.querySelectorAll(".line.staff").length === 3`)
	b.say("Wonderful, thank you 😀\nمرحبا بكم")
	b.say("Two lines in one minute")
	b.until(`d.querySelectorAll('[data-tick="sent"]').length === 3`)
	h.hints.Publish(Typing{Chat: n, On: true})
	b.until(`!$("#typing").hidden`)
	at("talking")
	b.run(`$("#text").value = "x".repeat(4001), $("#text").dispatchEvent(new Event("input"))`)
	b.until(`!$("#compose-error").hidden`)
	at("too-long")
	b.run(`$("#text").value = "", $("#text").dispatchEvent(new Event("input"))`)
	b.run(`$("#end").click()`)
	at("end")
	h.as("ana", &desk.CloseChat{Chat: n, Tags: []string{"printing"}})
	b.until(`$("#app").dataset.phase === "closed"`)
	at("over")
	b.run(`$("#again").click()`)
}

// walkTrouble goes through what may go wrong, with texts and names as long as they may be. The server dies at its end.
func walkTrouble(h *house, b *browser, at func(state string)) {
	b.ask("Is anybody there?")
	h.missed()
	b.until(`$("#app").dataset.phase === "missed"`)
	at("missed")
	b.run(`$("#again").click()`)
	b.ask("I have to go")
	b.run(`$("#end").click(), $("#end-yes").click()`)
	b.until(`$("#app").dataset.phase === "left"`)
	at("left")
	b.run(`$("#again").click()`)
	long := "Anastasia-Wilhelmina " + strings.Repeat("Bartholomew", 6)
	err := h.store.Admin(&desk.SetStaff{Staff: desk.Staff{
		Account: "ana", Name: "Ana", PublicName: long, Role: desk.RoleOperator, Departments: []string{"reference"},
	}})
	if err == nil {
		err = h.store.Admin(&desk.SetDepartment{Department: desk.Department{
			ID: "reference", Name: "Reference, Interlibrary Loans and " + strings.Repeat("Sondersammlungs", 4), Tags: []string{"printing"}, Default: true,
		}})
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.doors[0].doors.views = nil
	b.Do(chromedp.Reload())
	b.ask("How long may a line be?")
	n := h.lastChat(desk.Waiting)
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: strings.Repeat("w", 4000)})
	b.say(strings.Repeat("how long is a line of four thousand characters? ", 83))
	b.until(`d.querySelectorAll(".line.staff").length === 1 && d.querySelectorAll('[data-tick="sent"]').length === 2`)
	at("long")
	h.kill(0)
	b.say("Is this still here?")
	b.until(`$("#banner").textContent !== ""`)
	at("offline")
}

// TestShots writes pictures of the pages to the directory that REFDESK_SHOTS names, for people to look at.
func TestShots(t *testing.T) {
	dir := os.Getenv("REFDESK_SHOTS")
	if dir == "" {
		t.Skip("REFDESK_SHOTS is not set")
	}
	for _, scheme := range []string{"light", "dark"} {
		for width, height := range map[int64]int64{360: 740, 1280: 860} {
			b := newBrowser(t)
			b.Do(chromedp.EmulateViewport(width, height))
			b.Prefers("prefers-color-scheme", scheme)
			walk(t, b, func(state string) {
				png, err := chromedp.Run(b.Ctx, chromedp.CaptureScreenshot())
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(dir, state+"-"+strconv.FormatInt(width, 10)+"-"+scheme+".png")
				if err := os.WriteFile(file, png, 0o600); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// TestBrowserAccessible runs axe in every state and looks for what axe doesn't: that nothing scrolls sideways, that the
// list of lines lies within the log, and that its end stays in sight.
func TestBrowserAccessible(t *testing.T) {
	axe := webtest.Axe(t)
	for _, c := range []struct {
		name, feature, value string
		width                int64
	}{
		{"light", "prefers-color-scheme", "light", 1280},
		{"dark", "prefers-color-scheme", "dark", 1280},
		{"light and narrow", "prefers-color-scheme", "light", 320},
		{"dark and narrow", "prefers-color-scheme", "dark", 320},
		{"forced colours", "forced-colors", "active", 640},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBrowser(t)
			b.Inject(axe)
			b.Do(chromedp.EmulateViewport(c.width, 640))
			b.Prefers(c.feature, c.value)
			walk(t, b, func(state string) {
				b.until(`!$("#log") || $("#log").scrollHeight - $("#log").scrollTop - $("#log").clientHeight < 60`)
				for _, v := range b.axe() {
					t.Errorf("%s: %s", state, v)
				}
				if b.is(`[document, d].some((x) => x.documentElement.scrollWidth > x.defaultView.innerWidth)`) {
					t.Errorf("%s: scrolls sideways", state)
				}
				if b.is(`d.querySelector(".line") && !$('[role="log"][aria-live="polite"] > ul > li.line')`) {
					t.Errorf("%s: the lines are not a list inside the log", state)
				}
			})
		})
	}
}

// is evaluates a condition now.
func (b *browser) is(expr string) bool {
	b.t.Helper()
	ok, err := chromedp.Run(b.Ctx, chromedp.Evaluate[bool](in+"!!("+expr+")})()"))
	if err != nil {
		b.t.Fatal(err)
	}
	return ok
}

// axe lists the violations on the page, frames included: rule, element and reason.
func (b *browser) axe() []string {
	b.t.Helper()
	found, err := chromedp.Run(b.Ctx, chromedp.Evaluate[[]string](`axe.run(document).then((r) => {
		const inner = [...document.body.children].map((e) => e.shadowRoot && e.shadowRoot.querySelector("iframe:not([hidden])")).find((e) => e);
		const looked = inner ? r.passes.some((p) => p.nodes.some((n) => n.target.length > 1)) : r.passes.length > 0;
		return (looked ? [] : ["axe did not look at the page"]).concat(
			r.violations.flatMap((v) => v.nodes.map((n) => v.id + " " + n.target.join(" ") + ": " + n.failureSummary)));
	})`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

// TestBrowserKeyboard asks, sends and closes with keys alone.
func TestBrowserKeyboard(t *testing.T) {
	h := newHouse(t, options{demo: true})
	b := newBrowser(t)
	b.Do(chromedp.Navigate(h.urls[0] + "/"))
	b.until(`button`)
	for range 20 {
		if b.is(`host.shadowRoot.activeElement === button`) {
			break
		}
		b.press(kb.Tab)
	}
	b.press(kb.Enter)
	b.until(`frame && $("#question") && d.activeElement === $("#question")`)
	b.press("Where are the maps?")
	b.press(kb.Tab + kb.Tab + kb.Tab + kb.Tab)
	b.until(`d.activeElement === $("#start-button")`)
	b.press(kb.Enter)
	b.until(`$("#app").dataset.phase === "waiting" && d.activeElement === $("#text")`)
	h.as("ana", &desk.ClaimChat{Chat: h.lastChat(desk.Waiting)})
	b.until(`$("#app").dataset.phase === "talking"`)
	b.press("Old ones")
	b.press(kb.Enter)
	b.until(`d.querySelectorAll('[data-tick="sent"]').length === 2`)
	b.press(kb.Escape)
	b.until(`frame.hidden && document.activeElement === host && host.shadowRoot.activeElement === button`)
	b.press(kb.Enter)
	b.until(`!frame.hidden && d.activeElement === $("#text")`)
	if got := strings.Join(b.lines(), ", "); got != "Where are the maps?|sent, Old ones|sent" {
		t.Errorf("lines: %s", got)
	}
	// Ending takes two steps, and a way back.
	b.press(kb.Shift + kb.Tab)
	b.run(`$("#end").focus()`)
	b.press(kb.Enter)
	b.until(`d.activeElement === $("#end-yes")`)
	b.press(kb.Tab)
	b.press(kb.Enter)
	b.until(`!$("#end").hidden && d.activeElement === $("#text")`)
}
