// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newFrame makes a frame of three hosts, with one site and two nodes, and mounts what tests ask for.
func newFrame(t *testing.T, edit ...func(*Config)) *Frame {
	t.Helper()
	cfg := Config{
		PatronHosts: []string{"desk.example", "localhost", "::1"}, StaffHosts: []string{"staff.desk.example"}, FilesHosts: []string{"files.desk.example"},
		Sites: []string{"https://library.example"}, Nodes: []string{"https://n1.desk.example", "http://127.0.0.1:8080"},
	}
	for _, f := range edit {
		f(&cfg)
	}
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Patron().HandleFunc("/api/v1/echo", func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			f.WriteProblem(w, r, err)
			return
		}
		_, _ = w.Write(data)
	})
	return f
}

// ask sends a request to a frame. Headers are pairs of name and value.
func ask(t *testing.T, f *Frame, method, url, body string, headers ...string) *http.Response {
	t.Helper()
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, url, rd)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return send(f, r)
}

func send(f *Frame, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, r)
	return w.Result()
}

// problem reads an answer that has to be a problem.
func problem(t *testing.T, resp *http.Response) Problem {
	t.Helper()
	var p Problem
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	if p.Status != resp.StatusCode || p.Title != http.StatusText(p.Status) {
		t.Errorf("problem %+v with status %d", p, resp.StatusCode)
	}
	return p
}

func TestHosts(t *testing.T) {
	f := newFrame(t)
	for _, c := range []struct {
		name, host, path string
		status           int
		code             string
	}{
		{"patron's host", "desk.example", "/widget.js", 200, ""},
		{"with a port", "desk.example:8443", "/widget.js", 200, ""},
		{"in capitals", "DESK.Example", "/widget.js", 200, ""},
		{"with the final dot", "desk.example.", "/widget.js", 200, ""},
		{"IPv6 literal that is listed", "[::1]:8080", "/widget.js", 200, ""},
		{"staff host has no staff pages yet", "staff.desk.example", "/", 501, CodeNotHereYet},
		{"staff host has no patron's API", "staff.desk.example", "/api/v1/echo", 501, CodeNotHereYet},
		{"files host has no files yet", "files.desk.example", "/x", 501, CodeNotHereYet},
		{"files host has no widget", "files.desk.example", "/widget.js", 501, CodeNotHereYet},
		{"nothing at that address", "desk.example", "/nothing", 404, CodeNotFound},
		{"a name that points here", "evil.example", "/widget.js", 421, CodeHost},
		{"an address that is not listed", "127.0.0.1:8080", "/widget.js", 421, CodeHost},
		{"a listed name at its end", "desk.example.evil.example", "/api/v1/echo", 421, CodeHost},
		{"no host", "", "/api/v1/echo", 421, CodeHost},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", c.path, nil)
			r.Host = c.host
			resp := send(f, r)
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			if c.code != "" && problem(t, resp).Code != c.code {
				t.Errorf("not %s", c.code)
			}
		})
	}
}

func TestConfigRefusals(t *testing.T) {
	for name, c := range map[string]Config{
		"no patron host":          {StaffHosts: []string{"staff.example"}},
		"one name for two hosts":  {PatronHosts: []string{"desk.example"}, StaffHosts: []string{"DESK.example."}},
		"a site without a scheme": {PatronHosts: []string{"desk.example"}, Sites: []string{"library.example"}},
		"a site of another kind":  {PatronHosts: []string{"desk.example"}, Sites: []string{"ftp://library.example"}},
		"a node without a host":   {PatronHosts: []string{"desk.example"}, Nodes: []string{"https://"}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	f := newFrame(t)
	const common = "default-src 'none'"
	for _, c := range []struct {
		host       string
		has, hasNo []string
	}{
		{
			"desk.example",
			[]string{
				common, "script-src 'self'", "style-src 'self'", "require-trusted-types-for 'script'", "base-uri 'none'",
				"frame-ancestors 'self' http", "https://library.example", "wss://n1.desk.example", "ws://desk.example wss://desk.example",
			},
			[]string{"unsafe", "*"},
		},
		{"staff.desk.example", []string{common, "script-src 'self'", "frame-ancestors 'none'"}, []string{"unsafe", "library.example", "*"}},
		{"files.desk.example", []string{common, "frame-ancestors 'none'", "sandbox"}, []string{"script-src", "'self'", "*"}},
		{"evil.example", []string{common, "frame-ancestors 'none'", "sandbox"}, []string{"script-src", "evil.example"}},
		{"desk.example:1;script-src *", []string{common}, []string{"*"}},
	} {
		t.Run(c.host, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			r.Host = c.host
			h := send(f, r).Header
			csp := h.Get("Content-Security-Policy")
			for _, want := range c.has {
				if !strings.Contains(csp, want) {
					t.Errorf("no %q in %q", want, csp)
				}
			}
			for _, not := range c.hasNo {
				if strings.Contains(csp, not) {
					t.Errorf("%q in %q", not, csp)
				}
			}
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin-when-cross-origin", "Strict-Transport-Security": "",
			} {
				if got := h.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if !strings.Contains(h.Get("Permissions-Policy"), "camera=()") {
				t.Error("no permissions policy")
			}
		})
	}
	if got := ask(t, f, "GET", "https://desk.example/", "").Header.Get("Strict-Transport-Security"); got == "" {
		t.Error("no HSTS over TLS")
	}
}

func TestCORS(t *testing.T) {
	f := newFrame(t)
	for _, c := range []struct {
		name, origin string
		allowed      bool
	}{
		{"a listed site", "https://library.example", true},
		{"a node", "https://n1.desk.example", true},
		{"the host itself", "http://desk.example", true},
		{"a node under the patrons' host name", "http://localhost:8080", true},
		{"a listed site over HTTP", "http://library.example", false},
		{"a listed site's other port", "https://library.example:8443", false},
		{"a page below a listed name", "https://library.example.evil.example", false},
		{"a page elsewhere", "https://evil.example", false},
		{"a sandboxed page", "null", false},
		{"no URL", "://", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := ask(t, f, "POST", "http://desk.example/api/v1/echo", "x", "Origin", c.origin)
			if got := resp.Header.Get("Vary"); got != "Origin" {
				t.Errorf("Vary: %q", got)
			}
			allow := resp.Header.Get("Access-Control-Allow-Origin")
			if c.allowed && (resp.StatusCode != 200 || allow != c.origin || resp.Header.Get("Access-Control-Allow-Credentials") != "") {
				t.Errorf("status %d, allowed %q", resp.StatusCode, allow)
			}
			if !c.allowed && (resp.StatusCode != 403 || allow != "" || problem(t, resp).Code != CodeOrigin) {
				t.Errorf("status %d, allowed %q", resp.StatusCode, allow)
			}
		})
	}
	resp := ask(t, f, "OPTIONS", "http://desk.example/api/v1/echo", "",
		"Origin", "https://library.example", "Access-Control-Request-Method", "POST")
	if resp.StatusCode != 204 || !strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight: %d %v", resp.StatusCode, resp.Header)
	}
	resp = ask(t, f, "OPTIONS", "http://desk.example/api/v1/echo", "",
		"Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
	if resp.StatusCode != 403 {
		t.Errorf("preflight from elsewhere: %d", resp.StatusCode)
	}
	// Scripts and pages are for whoever asks; only the API is guarded.
	if resp := ask(t, f, "GET", "http://desk.example/widget.js", "", "Origin", "https://evil.example"); resp.StatusCode != 200 {
		t.Errorf("widget.js: %d", resp.StatusCode)
	}
}

func TestBodyLimit(t *testing.T) {
	f := newFrame(t, func(c *Config) { c.MaxBody = 10 })
	if resp := ask(t, f, "POST", "http://desk.example/api/v1/echo", "0123456789"); resp.StatusCode != 200 {
		t.Errorf("at the limit: %d", resp.StatusCode)
	}
	if p := problem(t, ask(t, f, "POST", "http://desk.example/api/v1/echo", "01234567890")); p.Code != CodeTooLarge {
		t.Errorf("over the limit: %+v", p)
	}
	r := httptest.NewRequestWithContext(t.Context(), "POST", "http://desk.example/api/v1/echo", strings.NewReader("01234567890"))
	r.ContentLength = -1 // chunked: nobody says how long it is
	if p := problem(t, send(f, r)); p.Status != 413 || p.Code != CodeTooLarge {
		t.Errorf("over the limit, length unknown: %+v", p)
	}
}

func TestPanics(t *testing.T) {
	var log bytes.Buffer
	f := newFrame(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	f.Patron().HandleFunc("/api/v1/panic", func(http.ResponseWriter, *http.Request) { panic("secret of the house") })
	f.Patron().HandleFunc("/api/v1/late", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic("too late")
	})
	resp := ask(t, f, "GET", "http://desk.example/api/v1/panic", "")
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 500 || !strings.Contains(string(data), `"code":"internal"`) || strings.Contains(string(data), "secret") {
		t.Errorf("%d %s", resp.StatusCode, data)
	}
	if !strings.Contains(log.String(), "http handler panicked") || !strings.Contains(log.String(), "/api/v1/panic") {
		t.Errorf("log: %s", log.String())
	}
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("a panic in the middle of an answer does not break the connection: %v", v)
		}
	}()
	ask(t, f, "GET", "http://desk.example/api/v1/late", "")
}

func TestLogTellsNothingPrivate(t *testing.T) {
	var log bytes.Buffer
	f := newFrame(t, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	ask(t, f, "POST", "http://desk.example/api/v1/echo?q=private", "private words",
		"Authorization", "Bearer private", "X-Forwarded-For", "203.0.113.77", "Referer", "https://library.example/private")
	ask(t, f, "PRIVATE", "http://desk.example/chat/private", "")
	for _, secret := range []string{"private", "PRIVATE", "203.0.113", "192.0.2"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q in %s", secret, log.String())
		}
	}
	if !strings.Contains(log.String(), "route=/api/v1/echo status=200 bytes=13") {
		t.Errorf("log: %s", log.String())
	}
}

// FuzzRequest hands hostile headers to the frame: only listed hosts get anything, and no header breaks out of a policy.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{"desk.example", "[::1]:8080", "evil.example", "desk.example:1;x", "[", "a:b:c", ".", "staff.desk.example:"} {
		f.Add(s, "https://"+s, "203.0.113.1, "+s)
	}
	f.Fuzz(func(t *testing.T, host, origin, forwarded string) {
		fr := newFrame(t, func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} })
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://desk.example/api/v1/echo", nil)
		r.Host = host
		r.Header.Set("Origin", origin)
		r.Header.Set("X-Forwarded-For", forwarded)
		resp := send(fr, r)
		if _, listed := fr.hosts[hostName(host)]; !listed && resp.StatusCode != 421 && resp.StatusCode != 403 {
			t.Errorf("host %q: %d", host, resp.StatusCode)
		}
		csp := resp.Header.Get("Content-Security-Policy")
		if strings.Count(csp, "script-src") > 1 || strings.ContainsAny(csp, "*\r\n") || !strings.HasPrefix(csp, "default-src 'none'") {
			t.Errorf("host %q: policy %q", host, csp)
		}
		if k := fr.NetworkOf(r).Key; len(k) > 50 {
			t.Errorf("network %q", k)
		}
	})
}
