// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/account"
)

func TestSignIn(t *testing.T) {
	l := newLibrary(t)
	v := l.visit()
	if p := v.get("/devices"); p.status != http.StatusSeeOther || p.location() != "/sign-in?next=%2Fdevices" {
		t.Fatalf("signed out: %d to %q", p.status, p.location())
	}
	v.get("/sign-in?next=%2Fdevices").says(t, http.StatusOK, "Sign in", "Forgotten the password?")
	for _, wrong := range [][2]string{{"ana", "something else entirely"}, {"nobody", password}, {"ana@other.example", password}, {"", ""}} {
		p := v.post("/sign-in", "username", wrong[0], "password", wrong[1])
		p.says(t, http.StatusUnprocessableEntity, "don't belong together")
		if len(v.cookies) != 0 {
			t.Errorf("%q: a cookie", wrong[0])
		}
		l.door.accounts = renewed(t, l) // its delays are not what this is about
	}
	p := v.post("/sign-in", "username", " Ana@desk.example ", "password", password, "next", "/devices")
	if p.status != http.StatusSeeOther || p.location() != "/devices" {
		t.Fatalf("%d to %q: %s", p.status, p.location(), p.text())
	}
	c := v.cookies["__Host-refdesk"]
	if c == nil || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Fatalf("cookie %+v", c)
	}
	l.read(func(rd desk.Reader) error {
		s, err := rd.WebSessions("ana")
		if len(s) != 1 || s[0].Hash == c.Value || s[0].Hash != hashOf(c.Value) {
			t.Errorf("sessions %+v", s)
		}
		return err
	})
	v.get("/devices").says(t, http.StatusOK, "Ana Lima", "ana@desk.example")
	if p := v.get("/sign-in"); p.status != http.StatusSeeOther || p.location() != "/" {
		t.Errorf("the sign-in page, signed in: %d %q", p.status, p.location())
	}
	old := v.cookies["__Host-refdesk"]
	v.follow("/sign-out").says(t, http.StatusOK, "You are signed out.")
	v.cookies["__Host-refdesk"] = old
	if p := v.get("/devices"); p.status != http.StatusSeeOther {
		t.Errorf("the old cookie still opens: %d", p.status)
	}
	v.follow("/sign-out").says(t, http.StatusOK, "You are signed out.")
}

func TestHomeFollowsTheRole(t *testing.T) {
	l := newLibrary(t)
	for account, want := range map[string]string{"vera": "/figures", "tia": "/board", "rosa": "/board"} {
		if p := l.as(account).get("/"); p.location() != want {
			t.Errorf("%s: %q, want %q", account, p.location(), want)
		}
	}
}

func TestCookies(t *testing.T) {
	l := newLibrary(t)
	for _, c := range []struct {
		name, base, remote, forwarded string
		want                          string // the cookie's name, "" = no password is taken
	}{
		{"over TLS", "https://staff.desk.example", "192.0.2.7:1", "", "__Host-refdesk"},
		{"plain within this machine", "http://staff.localhost:8080", "127.0.0.1:1", "", "refdesk-staff"},
		{"TLS within this machine", "https://staff.localhost:8443", "127.0.0.1:1", "", "__Host-refdesk"},
		{"plain from elsewhere", "http://staff.desk.example", "192.0.2.7:1", "", ""},
		{"plain from this machine to a public name", "http://staff.desk.example", "127.0.0.1:1", "", ""},
		{"a local name from elsewhere", "http://staff.localhost", "192.0.2.7:1", "", ""},
		{"a proxy that nobody trusts", "http://staff.desk.example", "192.0.2.7:1", "https", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := l.visit()
			v.base, v.remote = c.base, c.remote
			r := httptest.NewRequest(http.MethodGet, c.base+"/sign-in", nil)
			if c.forwarded != "" {
				r.Header.Set("X-Forwarded-Proto", c.forwarded)
			}
			p := v.send(r)
			if form := strings.Contains(p.body, `name="password"`); form != (c.want != "") {
				t.Errorf("form: %v", form)
			}
			if c.want == "" {
				p.says(t, http.StatusOK, "This connection is not encrypted", "https://staff.desk.example")
				v.post("/sign-in", "username", "ana", "password", password).says(t, http.StatusForbidden, "not encrypted")
				if len(v.cookies) != 0 {
					t.Errorf("cookies %v", v.cookies)
				}
				return
			}
			v.post("/sign-in", "username", "ana", "password", password)
			if got := v.cookies[c.want]; got == nil || got.Secure != strings.HasPrefix(c.want, "__Host-") || len(v.cookies) != 1 {
				t.Errorf("cookies %v", v.cookies)
			}
			v.get("/devices").says(t, http.StatusOK, "Ana Lima")
		})
	}
}

func TestSessionEnds(t *testing.T) {
	l := newLibrary(t)
	in := func(v *visitor) bool { return v.get("/devices").status == http.StatusOK }
	ana, ben := l.as("ana"), l.as("ben")
	advance := func(d time.Duration) {
		t.Helper()
		if err := l.store.Advance(d); err != nil {
			t.Fatal(err)
		}
	}
	advance(7 * time.Hour)
	if !in(ana) { // more than half is over: this moves its end
		t.Error("signed out after seven hours")
	}
	advance(7 * time.Hour)
	if !in(ana) || in(ben) {
		t.Error("twelve hours count from the last use")
	}
	advance(13 * time.Hour)
	if in(ana) {
		t.Error("still signed in after thirteen hours without use")
	}
	ana = l.as("ana")
	l.admin(&desk.DisableStaff{Account: "ana"})
	if in(ana) {
		t.Error("a disabled account is still signed in")
	}
	l.visit().post("/sign-in", "username", "ana", "password", password).says(t, http.StatusUnprocessableEntity, "don't belong together")
}

// TestRoleCountsAtOnce: another role ends the browser's sign-in, and the next one has the new rights only.
func TestRoleCountsAtOnce(t *testing.T) {
	l := newLibrary(t)
	v := l.as("rosa")
	v.get("/people").says(t, http.StatusOK, "People")
	l.admin(&desk.SetStaff{Staff: desk.Staff{Account: "rosa", Name: "Rosa", PublicName: "Rosa", Role: desk.RoleOperator}})
	if p := v.get("/people"); p.status != http.StatusSeeOther {
		t.Errorf("still signed in: %d", p.status)
	}
	l.as("rosa").get("/people").says(t, http.StatusForbidden, "Your role does not allow this")
}

// TestTooManyTries: whoever guesses is slowed down and reads a calm sentence; nobody is locked out for good.
func TestTooManyTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(t)
		var wg sync.WaitGroup
		statuses := make([]page, 12)
		begun := time.Now()
		for i := range statuses {
			wg.Go(func() {
				v := l.visit()
				statuses[i] = v.post("/sign-in", "username", "ana", "password", "wrong as can be")
				for range 3 {
					v.post("/sign-in", "username", "ana", "password", "wrong as can be")
				}
			})
		}
		wg.Wait()
		if time.Since(begun) < 10*time.Second {
			t.Error("48 wrong passwords took no time")
		}
		p := page{}
		for range 20 {
			results := make([]page, 5)
			for i := range results {
				wg.Go(func() { results[i] = l.visit().post("/sign-in", "username", "ana", "password", "wrong as can be") })
			}
			wg.Wait()
			for _, r := range results {
				if r.status == http.StatusTooManyRequests {
					p = r
				}
			}
		}
		p.says(t, http.StatusTooManyRequests, "Please wait a minute")
		if p.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		time.Sleep(20 * time.Minute) // within the bubble
		if p := l.visit().post("/sign-in", "username", "ana", "password", password); p.status != http.StatusSeeOther {
			t.Errorf("the right password later: %d %s", p.status, p.text())
		}
	})
}

func TestOwnPath(t *testing.T) {
	for next, want := range map[string]string{
		"/tickets?open=1": "/tickets?open=1", "/": "/", "": "/",
		"//evil.example": "/", "/\\evil.example": "/", "https://evil.example": "/", "javascript:alert(1)": "/",
		"evil.example": "/", "/a\r\nSet-Cookie: x": "/", "/" + strings.Repeat("a", 600): "/", "http:/devices": "/",
		"/\t/evil.example": "/",
	} {
		if got := ownPath(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}

// FuzzOwnPath: whatever is asked for, the browser stays on these pages.
func FuzzOwnPath(f *testing.F) {
	for _, s := range []string{"/", "//x", "/\\x", "/%2f/x", "/a?b#c", "\x00", "/ /x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := ownPath(s)
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n") {
			t.Errorf("%q leads to %q", s, got)
		}
	})
}

// TestCrossOrigin: a form that another site's page sends changes nothing, whoever is signed in.
func TestCrossOrigin(t *testing.T) {
	l := newLibrary(t)
	v := l.as("rosa")
	for _, h := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		r := httptest.NewRequest(http.MethodPost, v.base+"/people/ana/disable", nil)
		r.Header.Set(h[0], h[1])
		v.send(r).says(t, http.StatusForbidden, "sent by a page of another site")
	}
	l.read(func(rd desk.Reader) error {
		p, err := rd.StaffMember("ana")
		if p.Disabled {
			t.Error("ana was disabled")
		}
		return err
	})
	r := httptest.NewRequest(http.MethodPost, v.base+"/people/ana/disable", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if p := v.send(r); p.status != http.StatusSeeOther {
		t.Errorf("our own form: %d", p.status)
	}
}

func TestHeaders(t *testing.T) {
	l := newLibrary(t)
	for _, v := range []*visitor{l.visit(), l.as("ana")} {
		for _, path := range []string{"/sign-in", "/devices", "/nothing", "/people", "/link/x"} {
			h := v.get(path).header
			csp := h.Get("Content-Security-Policy")
			if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "script-src 'self'") || strings.Contains(csp, "unsafe") {
				t.Errorf("%s: policy %q", path, csp)
			}
			if h.Get("Cross-Origin-Opener-Policy") != "same-origin" || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "same-origin" {
				t.Errorf("%s: %v", path, h)
			}
		}
	}
}

func TestProgramsGetProblems(t *testing.T) {
	l := newLibrary(t)
	v := l.visit()
	v.accept = "application/json"
	if p := v.get("/people"); p.status != http.StatusUnauthorized || !strings.Contains(p.body, `"code":"unauthorized"`) {
		t.Errorf("%d %s", p.status, p.body)
	}
	ana := l.as("ana")
	ana.accept = "application/json"
	if p := ana.get("/people"); p.status != http.StatusForbidden || !strings.Contains(p.body, `"code":"forbidden"`) {
		t.Errorf("%d %s", p.status, p.body)
	}
}

// TestNoQuorum: what can't be committed now is said in a sentence, and reading goes on.
func TestNoQuorum(t *testing.T) {
	l := newLibrary(t)
	v := l.as("rosa")
	l.store.Refuse(&desk.Error{Code: desk.NoQuorum})
	v.get("/people").says(t, http.StatusOK, "Ana Lima")
	p := v.post("/people/ana/disable")
	p.says(t, http.StatusServiceUnavailable, "can't agree at the moment")
	if p.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	l.visit().post("/sign-in", "username", "ana", "password", password).says(t, http.StatusServiceUnavailable, "can't agree")
}

// TestFormsAreTakenOnce: the second press of a button does nothing more, and the same form with other words is refused.
func TestFormsAreTakenOnce(t *testing.T) {
	l := newLibrary(t)
	v := l.as("lena")
	key := v.get("/replies").value("key")
	if len(key) < 20 {
		t.Fatalf("key %q", key)
	}
	for range 2 {
		v.follow("/replies", "key", key, "name", "hello", "text", "Hello!").says(t, http.StatusOK, "“hello” is kept")
	}
	v.post("/replies", "key", key, "name", "hello", "text", "Goodbye!").says(t, http.StatusConflict, "was sent before, with other words")
}

func TestBadForms(t *testing.T) {
	l := newLibrary(t)
	v := l.as("lena")
	for name, c := range map[string]struct {
		kind, body string
		status     int
	}{
		"JSON":                  {"application/json", `{}`, http.StatusUnsupportedMediaType},
		"no type":               {"", "", http.StatusUnsupportedMediaType},
		"broken escapes":        {"application/x-www-form-urlencoded", "a=%zz", http.StatusBadRequest},
		"no boundary":           {"multipart/form-data", "x", http.StatusBadRequest},
		"broken parts":          {"multipart/form-data; boundary=x", "--x\r\nno header", http.StatusBadRequest},
		"more than is taken":    {"application/x-www-form-urlencoded", "text=" + strings.Repeat("a", 70<<10), http.StatusRequestEntityTooLarge},
		"a form without fields": {"application/x-www-form-urlencoded", "", http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, v.base+"/replies", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.kind)
			v.send(r).says(t, c.status)
		})
	}
}

// renewed is a sign-in without a memory of failures.
func renewed(t testing.TB, l *library) *account.Service {
	t.Helper()
	s, err := account.New(account.Config{Domain: "desk.example", Secret: []byte("0123456789abcdef")}, devices{l.store})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
