// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"refdesk/gateway/xmpp/xmpptest"
)

// TestPictures makes the pictures of the documentation, from a made-up hour of the demo's library. REFDESK_PICTURES names
// the directory they go to.
func TestPictures(t *testing.T) {
	dir := os.Getenv("REFDESK_PICTURES")
	if dir == "" {
		t.Skip("REFDESK_PICTURES is not set")
	}
	r := start(t, 1, "--set", "clocks.mail_hold=1s")
	bot := "desk@" + r.ChatDomain
	ben := onSlixmpp{xmpptest.StartSlixmpp(t, r.login("ben", 0))}
	for _, q := range []struct{ name, email, question, answer, tag string }{
		{"Mia Okafor", "", "Can I renew the laptop I borrowed over the holidays?", "Laptops renew once, for a week. I have renewed yours until 4 January.", "renewals"},
		{"Jonas Brandt", "", "Is there a microfilm reader I can book?", "Two of them, on the second floor. Both are free this afternoon.", "research help"},
		{"Leila Haddad", "", "The printer in the reading room says it needs a colleague", "Thanks for telling us! I have filled in paper, it prints again.", "printing and scanning"},
	} {
		p := r.ask(q.name, q.email, q.question)
		ben.heard(bot, p.chat+" "+q.name)
		ben.Say(bot, p.chat)
		chat := "c" + p.chat + "@" + r.ChatDomain
		ben.heard(chat, q.question)
		ben.Say(chat, q.answer)
		ben.Say(chat, "!close other")
		ben.heard(chat, "is closed")
	}
	staff := startBrowser(t, r.Staff)
	staff.Do(chromedp.EmulateViewport(1280, 800))
	staff.signIn(r.operator(t, "ana"))

	// A ticket with an answer there and back.
	p := r.ask("Tomasz Wolski", "tomasz.wolski@college.example", "Do you have the survey map of Willowmere from 1921? I need it for my thesis.")
	ben.heard(bot, p.chat+" Tomasz")
	ben.Say(bot, p.chat)
	chat := "c" + p.chat + "@" + r.ChatDomain
	ben.heard(chat, "survey map")
	ben.Say(chat, "I have to look for it in the map room and will write to you.")
	ben.Say(chat, "!ticket Survey map of 1921")
	ticket := lastMatch(t, ticketNumber, ben.heard(chat, " has ticket "))
	ben.Say(chat, "!close other")
	ben.Say(bot, "assign "+ticket+" me")
	ben.heard(bot, "is yours now")
	thread := "t" + ticket + "@" + r.ChatDomain
	ben.Say(thread, "Dear Tomasz, the map is here: sheet 12 of the survey, in good condition. You may look at it in the map room and have it copied.")
	ben.heard(thread, "not sent")
	ben.Say(thread, "!send")
	staff.replyAsPatron(r, "Re: Your question", "That is wonderful, thank you! May I come on Friday at two?")
	ben.heard(thread, "Friday at two")
	ben.Say(thread, "!note the map room is free from two to four")
	staff.Do(chromedp.Navigate(r.Staff + "/tickets/" + ticket))
	staff.wait("the note is there", `document.querySelector("main").textContent.includes("free from two")`)
	staff.picture(dir, "ticket")

	staff.Do(chromedp.Navigate(r.Staff + "/search?q=map"))
	staff.wait("hits", `document.querySelectorAll(".hit").length > 1`)
	staff.picture(dir, "search")

	// Ana's board, with a chat under way and people waiting.
	staff.Do(chromedp.Navigate(r.Staff + "/board"))
	staff.wait("the board can start", `$("start") && $("start").offsetParent`)
	staff.click(`$("start")`)
	staff.wait("ana is on", `/on/i.test($("duty").textContent)`)
	page := startBrowser(t, r.HTTP)
	page.Do(chromedp.EmulateViewport(1280, 800))
	page.openWidget()
	page.typeInto("name", "Noor")
	page.ask("How do I get at the newspaper database from home?")
	staff.wait("the board rings", `document.querySelector("#ring .ringing button.main")`)
	staff.click(`document.querySelector("#ring .ringing button.main")`)
	page.phase("talking")
	staff.sayOnBoard("Hello Noor, this is Ana. Are you a student or a member of the public?")
	page.waitLine("Hello Noor, this is Ana. Are you a student or a member of the public?")
	page.say("A student, second year. مرحبا")
	staff.sayOnBoard("Then sign in with your college account at https://library.example/newspapers. Does that work?")
	page.waitLine("Then sign in with your college account at https://library.example/newspapers. Does that work?")
	page.say("It does, I’m in. Thank you!")
	staff.sayOnBoard("!note told her about the newspapers workshop on Thursday")
	staff.wait("the note is there", `$("pane-lines").textContent.includes("workshop on Thursday")`)
	r.ask("Beatriz", "", "Is the reading garden open when it rains?")
	r.ask("", "", "where can i scan a whole book?")
	staff.wait("two wait", `document.querySelectorAll("#lists .chat-row").length >= 3`)
	staff.wait("their page is read", `$("pane-lines").textContent.includes("I’m in")`)
	staff.picture(dir, "board")
	page.picture(dir, "chat")
}

// ask opens a chat as a patron on the API.
func (r *running) ask(name, email, question string) *patron {
	r.t.Helper()
	p := newPatron([]string{r.HTTP}, 0)
	if err := p.openAs(context.Background(), "reference", question, map[string]string{"name": name, "email": email}); err != nil {
		r.t.Fatal(err)
	}
	return p
}

// replyAsPatron answers the newest mail with a subject on the outbox page of the demo.
func (b *browser) replyAsPatron(r *running, subject, text string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(r.Staff + "/outbox"))
	link := `[...document.querySelectorAll("table tr")].filter((r) => /sent/.test(r.textContent) && !/not sent/.test(r.textContent)).flatMap((r) => [...r.querySelectorAll("a")]).find((a) => a.textContent.includes(` + quote(subject) + `))`
	b.wait("the mail is in the outbox", `(() => { const a = `+link+`; if (!a && document.readyState === "complete" && performance.now() > 700) location.reload(); return a; })()`)
	b.click(link)
	b.typeInto("text", text)
	b.click(`$("text").form.querySelector("button[type=submit]")`)
	b.wait("it was taken", `!document.querySelector("form [aria-invalid]") && document.readyState === "complete"`)
}

// picture writes what the browser shows, in light colours, as a PNG of at most 256 of them.
func (b *browser) picture(dir, name string) {
	b.t.Helper()
	b.Prefers("prefers-color-scheme", "light")
	// A scripted Enter leaves its line break in the box that a typed one does not.
	if _, err := eval[bool](b, `((t) => { if (t) { t.value = ""; t.style.blockSize = ""; t.blur(); } return true; })($("text"))`); err != nil {
		b.t.Fatal(err)
	}
	shot, err := chromedp.Run(b.Ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		b.t.Fatal(err)
	}
	few := image.NewPaletted(full.Bounds(), commonest(full))
	draw.Draw(few, full.Bounds(), full, full.Bounds().Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), out.Bytes(), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// commonest are the 256 colours that a picture has most of.
func commonest(m image.Image) color.Palette {
	count := map[color.RGBA]int{}
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			r, g, b, _ := m.At(x, y).RGBA()
			count[color.RGBA{uint8(r>>8) &^ 3, uint8(g>>8) &^ 3, uint8(b>>8) &^ 3, 255}]++
		}
	}
	all := make([]color.RGBA, 0, len(count))
	for c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int { return count[b] - count[a] })
	var out color.Palette
	for _, c := range all[:min(256, len(all))] {
		out = append(out, c)
	}
	return out
}
