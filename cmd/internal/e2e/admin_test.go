// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/smtp"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// What an administrator does on the desk's machine, with the words of the command line.
func TestAdministration(t *testing.T) {
	r := start(t, 1)
	data := filepath.Join(r.Dir, "n0", "data")
	if _, err := os.Stat(data); err != nil {
		t.Fatal(err)
	}
	says := func(want string, args ...string) string {
		t.Helper()
		code, out, errs := refdesk(t, append(args, "--dir", data)...)
		if code != 0 || !strings.Contains(out, want) {
			t.Fatalf("refdesk %q: exit %d, %q, %q; want %q", args, code, out, errs, want)
		}
		return out
	}
	refuses := func(want string, code int, args ...string) {
		t.Helper()
		got, out, errs := refdesk(t, append(args, "--dir", data)...)
		if got != code || out != "" || !strings.Contains(errs, want) || sentence(errs) != "" {
			t.Errorf("refdesk %q: exit %d, %q, %q; want %d and %q", args, got, out, errs, code, want)
		}
	}

	says("mon-fri 9:00-17:00, Europe/Dublin", "dept", "add", "maps", "--name", "Map Room", "--time-zone", "Europe/Dublin", "--hours", "mon-fri 9-17", "--tags", "copies, scans", "--answered-by", "reference")
	refuses("exists already", 1, "dept", "add", "maps")
	says("Map Room (maps) is open: sat 10:00-12:00, Europe/Dublin", "dept", "set", "maps", "--hours", "sat 10-12")
	says("Map Room (maps)", "dept", "set", "maps", "--deadline", "90s")
	refuses("deadline", 1, "dept", "set", "maps", "--deadline", "2h")
	refuses("no span of hours", 2, "dept", "set", "maps", "--hours", "sat 10")
	refuses("no department nowhere", 1, "dept", "set", "nowhere", "--name", "X")
	list := says("reference (default)", "dept", "list")
	if !regexp.MustCompile(`maps +Map Room +closed +0 +reference +sat 10:00-12:00 Europe/Dublin`).MatchString(list) {
		t.Errorf("dept list says %q", list)
	}

	says("bea is added", "staff", "add", "bea", "--name", "Bea Ruiz", "--departments", "maps", "--email", "bea@library.test")
	says("on its way to bea@library.test", "staff", "invite", "bea")
	says("cy is added", "staff", "add", "cy", "--departments", "maps")
	link := regexp.MustCompile(`http\S+/link/\S+`).FindString(says("has no address", "staff", "invite", "cy"))
	if page := get(t, link); !strings.Contains(page, "<form") || !strings.Contains(page, `method="post"`) {
		t.Errorf("the invitation's page: %.300q", page)
	}
	refuses("no such", 1, "staff", "invite", "nobody")

	file := filepath.Join(t.TempDir(), "faqs.txt")
	says("FAQs are in", "faq", "export", file)
	says("0 new, 0 changed, ", "faq", "import", file)
	table := filepath.Join(t.TempDir(), "more.csv")
	if err := os.WriteFile(table, []byte("Question,Answer,Topics\nDo you lend umbrellas?,\"Yes, ask at the desk.\",loans\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	says("1 new, 0 changed, 0 as they were. Nothing was done yet.", "faq", "import", table, "--try")
	says("1 new, 0 changed, 0 as they were.", "faq", "import", table)
	if page := get(t, r.HTTP+"/faq/do-you-lend-umbrellas"); !strings.Contains(page, "ask at the desk") {
		t.Errorf("the FAQ's page: %.300q", page)
	}
	refuses("neither import nor export", 2, "faq", "delete")
	refuses("no such file", 1, "faq", "import", filepath.Join(t.TempDir(), "none.csv"))
}

// get reads a page; *.localhost is this machine.
func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host, port, ok := strings.Cut(req.URL.Host, ":"); ok && strings.HasSuffix(host, "localhost") {
		req.Host, req.URL.Host = req.URL.Host, "127.0.0.1:"+port
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, res.Status, err)
	}
	return string(body)
}

// Mail with a file and mail that nobody can read become tickets, with the originals to keep.
func TestMailIsKeptAsItCame(t *testing.T) {
	r := start(t, 1)
	staff := startBrowser(t, r.Staff)
	staff.signIn(r.operator(t, "ana"))
	whole := "From: Alice <alice@patron.test>\r\nTo: help@localhost\r\nSubject: A scan\r\nMessage-ID: <scan@patron.test>\r\nDate: Wed, 25 Nov 2026 09:00:00 +0000\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHere it is.\r\n" +
		"--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"map.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n"
	broken := "From: Bob <bob@patron.test>\r\nTo: help@localhost\r\nSubject: =?broken?\r\nMessage-ID: <bad@patron.test>\r\nContent-Type: multipart/mixed; boundary=\"\r\n" +
		"Content-Transfer-Encoding: nonsense\r\n\r\n--?\x00\xff\xfe <script>alert(1)</script>\r\n"
	for i, raw := range []string{whole, broken} {
		if err := smtp.SendMail(r.SMTP, nil, "x@patron.test", []string{"help@localhost"}, []byte(raw)); err != nil {
			t.Fatal(err)
		}
		number := strconv.Itoa(i + 1)
		r.until("ticket "+number, func() error {
			staff.Do(chromedp.Navigate(r.Staff + "/tickets/" + number))
			if !strings.Contains(staff.try(`document.body.innerHTML`), "The mail as it came") {
				return errors.New("not yet")
			}
			return nil
		})
		// The desk adds its own trace fields in front.
		got, err := eval[string](staff, `(() => { const x = new XMLHttpRequest(); x.open("GET", document.querySelector('a[href$="/mail"]').href, false); x.overrideMimeType("text/plain; charset=x-user-defined"); x.send(); return btoa([...x.responseText].map((c) => String.fromCharCode(c.charCodeAt(0) & 255)).join("")); })()`)
		if err != nil {
			t.Fatal(err)
		}
		if kept, err := base64.StdEncoding.DecodeString(got); err != nil || !bytes.HasSuffix(kept, []byte(raw)) {
			t.Errorf("mail %s was kept as %q, %v", number, kept, err)
		}
	}
	staff.Do(chromedp.Navigate(r.Staff + "/tickets/1"))
	file, err := eval[string](staff, `(() => { const x = new XMLHttpRequest(); x.open("GET", document.querySelector('.files a').href, false); x.overrideMimeType("text/plain; charset=x-user-defined"); x.send(); return document.querySelector('.files a').textContent + " " + x.getResponseHeader("Content-Disposition") + " " + btoa([...x.responseText].map((c) => String.fromCharCode(c.charCodeAt(0) & 255)).join("")); })()`)
	if err != nil || file != "map.png attachment; filename=map.png iVBORw0KGgo=" {
		t.Errorf("the attachment: %q, %v", file, err)
	}
}
