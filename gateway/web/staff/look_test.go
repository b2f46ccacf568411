// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"refdesk/cluster/desk"
	"refdesk/gateway/web/webtest"
)

// browser is one headless Chromium. Tests with it are skipped where there is none, unless CI is true.
type browser struct {
	*webtest.Browser
	t    *testing.T
	base string
}

func (l *library) browse(t *testing.T) *browser {
	t.Helper()
	srv := httptest.NewServer(l.frame.Handler())
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	return &browser{webtest.Start(t), t, "http://staff.localhost:" + port}
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(b.base + path))
}

// ask evaluates an expression that gives a list of words.
func (b *browser) ask(expr string) []string {
	b.t.Helper()
	got, err := chromedp.Run(b.Ctx, chromedp.Evaluate[[]string](expr, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// signIn fills in the form with the keyboard.
func (b *browser) signIn(account string) {
	b.t.Helper()
	b.open("/sign-in")
	b.Do(chromedp.Focus("#username")) // a page that nobody looks at may not have given it the focus by itself
	b.Do(chromedp.KeyEvent(account+"\t"+password+"\r"), chromedp.WaitNotPresent("#username"), chromedp.WaitVisible(".brand"))
}

const wrongs = `axe.run(document).then((r) => (r.passes.length ? [] : ["axe did not look"]).concat(
	r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html.slice(0, 160) + " " + (n.failureSummary || "").slice(0, 200))),
	document.documentElement.scrollWidth > innerWidth ? ["scrolls sideways: " + [...document.querySelectorAll("body *")]
		.filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 4).map((e) => e.outerHTML.slice(0, 90)).join(" | ")] : [],
	[...document.querySelectorAll("a, button, input:not([type=hidden]), select")].filter((e) => {
		const r = e.getBoundingClientRect();
		return r.height > 0 && r.height < 23.5 && getComputedStyle(e).display !== "inline" && !e.closest("label") && !e.matches(".skip");
	}).map((e) => "too small: " + e.outerHTML.slice(0, 90)),
))`

// furnished is a library on an ordinary day.
func furnished(t *testing.T) (l *library, invitation string) {
	l = newLibrary(t, func(c *Config, d *Deps) { c.Demo, d.Cluster = true, cluster3{} })
	l.admin(&desk.SetSetting{Setting: desk.Setting{Name: "desk.name", Value: "Willow Library"}})
	l.admin(&desk.SetDepartment{Department: desk.Department{
		ID: "reference", Name: "Reference", Default: true, TimeZone: "Europe/Dublin", AnsweredBy: []string{"digital"}, Backups: []string{"lena"},
		Tags: []string{"renewals", "printing", "opening hours"}, Hours: []desk.Opening{{Weekday: 1, From: 540, To: 1020}, {Weekday: 2, From: 540, To: 750}, {Weekday: 2, From: 840, To: 1200}},
	}})
	l.admin(&desk.SetStaff{Staff: desk.Staff{Account: "otto", Name: "Otto Quill", PublicName: "Otto", Role: desk.RoleOperator, Email: "otto.quill@a-rather-long-name.library.example", Departments: []string{"reference", "digital"}}})
	l.admin(&desk.DisableStaff{Account: "otto"})
	for i, q := range []string{"How many books can I borrow?", "Can I print from my own laptop, and what does a page cost?", "Where do I return a book when the library is closed?"} {
		state := desk.FAQPublished
		if i == 1 {
			state = desk.FAQDraft
		}
		l.do("lena", &desk.SetFAQ{FAQ: desk.FAQ{
			Slug: slug(q), Question: q, State: state, Topics: []string{"Borrowing", "Everyday"},
			Answer: "**Twenty** at a time, for four weeks.\n\n- Renew on the [catalogue](https://library.example)\n- or ask us\n\n## Longer?\n\nAsk at the desk.",
		}})
	}
	l.do("", &desk.VoteFAQ{Slug: "how-many-books-can-i-borrow", Up: true})
	for range 4 {
		l.do("", &desk.CountFAQMiss{Query: "3d printer"})
	}
	l.do("", &desk.CountFAQMiss{Query: "a rather long question about inter-library loans from abroad and their fees"})
	l.do("rosa", &desk.SetCanned{Canned: desk.Canned{Name: "hello", Text: "Hello {name|there}, thank you for waiting. How can I help?"}})
	l.do("rosa", &desk.SetCanned{Canned: desk.Canned{Owner: "rosa", Name: "hours", Text: "We are open from nine to five on weekdays.\nOn Saturdays until one."}})
	l.mailed("Is the café open on Sundays?", "Yes.", letterBody)
	l.do("", &desk.QueueNotice{To: "nia@library.example", MessageID: "<n1@library.example>", Body: []byte("From: Willow Library <help@library.example>\r\nSubject: Your place at the desk of Willow Library\r\n\r\nHello Nia,\r\n\r\nthis page lets you choose a password and begin.\r\n")})
	l.as("rosa").post("/devices", "client", "gajim", "name", "Gajim at the reference desk")
	link, _, err := l.door.Invite(t.Context(), l.door.node(), "ben")
	if err != nil {
		t.Fatal(err)
	}
	return l, strings.TrimPrefix(link, l.door.cfg.URL)
}

// TestLooks opens every page small and large, light and dark: axe finds nothing, nothing scrolls sideways, everything to
// press is large enough. With REFDESK_SHOTS=DIR it leaves pictures there.
func TestLooks(t *testing.T) {
	axe := webtest.Axe(t)
	l, invitation := furnished(t)
	b := l.browse(t)
	b.Inject(axe)
	look := func(paths ...string) {
		for _, path := range paths {
			for _, scheme := range []string{"light", "dark"} {
				for _, width := range []int{320, 360, 1280} {
					b.Do(chromedp.EmulateViewport(int64(width), 800))
					b.Prefers("prefers-color-scheme", scheme)
					b.open(path)
					for _, v := range b.ask(wrongs) {
						t.Errorf("%s, %s, %d wide: %s", path, scheme, width, v)
					}
					if width != 320 {
						b.shoot(fmt.Sprintf("%s_%s_%d", strings.Replace(path, invitation, "/invitation", 1), scheme, width))
					}
				}
			}
		}
	}
	look("/sign-in", "/forgot", "/forgot?asked", invitation, "/link/none")
	b.signIn("rosa")
	look("/welcome", "/devices", "/people", "/people/ana", "/people/rosa", "/people/otto", "/departments", "/departments/reference",
		"/figures", "/nodes", "/setup", "/faqs", "/faqs?q=zzz", "/faqs/how-many-books-can-i-borrow", "/faqs/new", "/replies", "/replies?edit=hours", "/outbox", "/outbox/1", "/outbox/2", "/nothing")
	b.Do(chromedp.EmulateViewport(360, 800))
	b.open("/faqs")
	b.Do(chromedp.Focus(".menu"), chromedp.KeyEvent("\r"), chromedp.WaitVisible("#nav"))
	for _, v := range b.ask(wrongs) {
		t.Errorf("the open menu: %s", v)
	}
	b.shoot("menu")
	b.Do(chromedp.KeyEvent(kb.Escape), chromedp.WaitNotVisible("#nav"))
}

// shoot takes a picture of the whole page.
func (b *browser) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("REFDESK_SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.Ctx, chromedp.FullScreenshot(100))
	if err == nil {
		name = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(name, "_"), "_")
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
