// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
)

func TestProblems(t *testing.T) {
	f := newFrame(t)
	for _, c := range []struct {
		name   string
		err    error
		status int
		code   string
		field  string
		retry  string
	}{
		{"a problem stays what it is", NewProblem(401, CodeUnauthorized, "x"), 401, CodeUnauthorized, "", ""},
		{"wrapped too", fmt.Errorf("call: %w", Invalid("email", "x")), 422, CodeInvalid, "email", ""},
		{"not found", &desk.Error{Code: desk.NotFound}, 404, CodeNotFound, "", ""},
		{"not allowed", &desk.Error{Code: desk.NotAllowed}, 403, CodeForbidden, "", ""},
		{"a key used before", &desk.Error{Code: desk.Conflict, Field: "key"}, 422, CodeReused, "id", ""},
		{"somebody else was first", &desk.Error{Code: desk.Conflict}, 409, CodeConflict, "", ""},
		{"invalid", &desk.Error{Code: desk.Invalid, Field: "name"}, 422, CodeInvalid, "name", ""},
		{"the chat is over", &desk.Error{Code: desk.Over}, 409, CodeChatClosed, "", ""},
		{"nobody is there", &desk.Error{Code: desk.Offline}, 409, CodeDepartmentClosed, "", ""},
		{"busy", &desk.Error{Code: desk.Busy}, 429, CodeThrottled, "", "30"},
		{"no quorum", &desk.Error{Code: desk.NoQuorum}, 503, CodeUnavailable, "", "1"},
		{"stopping", &desk.Error{Code: desk.Stopping}, 503, CodeUnavailable, "", "1"},
		{"too old", &desk.Error{Code: desk.TooOld}, 503, CodeUnavailable, "", "1"},
		{"a code of tomorrow", &desk.Error{Code: "tomorrow"}, 500, CodeInternal, "", ""},
		{"a body over the limit", &http.MaxBytesError{Limit: 5}, 413, CodeTooLarge, "", ""},
		{"throttled, rounded up", Throttled(1500*time.Millisecond, "x"), 429, CodeThrottled, "", "2"},
		{"throttled for less than a second", Throttled(time.Millisecond, "x"), 429, CodeThrottled, "", "1"},
		{"anything else tells nothing", errors.New("open /var/lib/secret"), 500, CodeInternal, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			f.WriteProblem(w, httptest.NewRequestWithContext(t.Context(), "GET", "http://desk.example/api/v1/x", nil), c.err)
			resp := w.Result()
			if got := resp.Header.Get("Retry-After"); got != c.retry {
				t.Errorf("Retry-After %q, want %q", got, c.retry)
			}
			if got := resp.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control %q", got)
			}
			if got := resp.Header.Get("WWW-Authenticate"); (got != "") != (c.status == 401) {
				t.Errorf("WWW-Authenticate %q", got)
			}
			p := problem(t, resp)
			if p.Status != c.status || p.Code != c.code || p.Field != c.field {
				t.Errorf("%+v, want %d %s %s", p, c.status, c.code, c.field)
			}
			if strings.Contains(p.Detail, "secret") {
				t.Errorf("detail: %s", p.Detail)
			}
		})
	}
}

func TestProblemAsPage(t *testing.T) {
	f := newFrame(t)
	resp := ask(t, f, "GET", "http://desk.example/<script>alert(1)</script>", "", "Accept", "text/html,*/*", "Accept-Language", "fr")
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	if resp.StatusCode != 404 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if !strings.Contains(page, "Il n’y a rien ici") || !strings.Contains(page, `lang="fr"`) || strings.Contains(page, "alert") {
		t.Errorf("page: %s", page)
	}
	if p := problem(t, ask(t, f, "GET", "http://desk.example/api/v1/x", "", "Accept", "text/html")); p.Code != CodeNotFound {
		t.Errorf("the API answers JSON whoever asks: %+v", p)
	}
}

func TestHealth(t *testing.T) {
	quorum := errors.New("no quorum")
	var ready error
	f := newFrame(t, func(c *Config) {
		c.Ready = func(ctx context.Context) error {
			if _, ok := ctx.Deadline(); !ok {
				t.Error("the question whether the node is ready has no time limit")
			}
			return ready
		}
	})
	get := func(path string, edit ...string) (int, string) {
		resp := ask(t, f, "GET", "http://10.9.8.7"+path, "", edit...) // probes come by address
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(data)
	}
	var got []string
	note := func(status int, body string) { got = append(got, fmt.Sprint(status, " ", strings.TrimSpace(body))) }
	note(get("/healthz"))
	note(get("/readyz"))
	ready = quorum
	note(get("/healthz"))
	note(get("/readyz"))
	ready = nil
	f.Stop()
	f.Stop()
	note(get("/healthz"))
	note(get("/readyz"))
	want := []string{"200 ok", "200 ready", "200 ok", "503 not ready", "200 ok", "503 not ready"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if resp := ask(t, f, "POST", "http://desk.example/healthz", "x"); resp.StatusCode != 404 {
		t.Errorf("POST /healthz: %d", resp.StatusCode)
	}
}

func TestMetricsAreForListedNetworks(t *testing.T) {
	f := newFrame(t)
	ask(t, f, "GET", "http://desk.example/widget.js", "")
	for _, c := range []struct {
		name, peer, forwarded string
		status                int
	}{
		{"loopback", "127.0.0.1:1", "", 200},
		{"loopback, IPv6", "[::1]:1", "", 200},
		{"elsewhere", "203.0.113.7:1", "", 403},
		{"through a proxy that nobody told us of", "127.0.0.1:1", "127.0.0.1", 403},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://127.0.0.1/metrics", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		resp := send(f, r)
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != c.status {
			t.Errorf("%s: %d", c.name, resp.StatusCode)
		}
		const line = `refdesk_http_requests_total{route="GET /widget.js",status="200"} 1`
		if c.status == 200 && !strings.Contains(string(data), line) {
			t.Errorf("%s: no %s in\n%.2000s", c.name, line, data)
		}
	}
}
