// SPDX-License-Identifier: Apache-2.0

package alarm

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"refdesk/bridge/alarm/target"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// got is what a target received.
type got struct {
	method, path string
	head         http.Header
	body         string
}

// server is a target that answers with one status after the other; the last goes on for ever.
func server(t *testing.T, statuses ...int) (url string, seen <-chan got) {
	t.Helper()
	ch := make(chan got, 16)
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		ch <- got{r.Method, r.URL.EscapedPath(), r.Header, string(body)}
		status := statuses[min(n, len(statuses)-1)]
		n++
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		w.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, ch
}

func run(t *testing.T, log *slog.Logger, targets ...target.Target) *Teller {
	t.Helper()
	x := New(targets, log)
	x.again = []time.Duration{time.Millisecond, time.Millisecond}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return x
}

var waits = Alarm{Chat: 42, Department: "reference", Name: "Reference <b>&*x*", Waited: time.Minute, Board: "https://staff.example/board"}

func TestMessages(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "Chat 42 in Reference <b>&*x* has waited for 1m0s, and nobody has claimed it. https://staff.example/board"
	for kind, check := range map[target.Kind]func(g got, body map[string]any) bool{
		target.Teams: func(_ got, b map[string]any) bool {
			card := b["attachments"].([]any)[0].(map[string]any)
			lines := card["content"].(map[string]any)["body"].([]any)
			return card["contentType"] == "application/vnd.microsoft.card.adaptive" && len(lines) == 2 &&
				strings.Contains(lines[1].(map[string]any)["text"].(string), `Reference <b>&\*x\* has waited`)
		},
		target.Slack: func(_ got, b map[string]any) bool {
			return strings.Contains(b["text"].(string), "Reference &lt;b&gt;&amp;*x*")
		},
		target.Hook: func(_ got, b map[string]any) bool {
			return b["chat"] == 42.0 && b["department"] == "reference" && b["waited_seconds"] == 60.0 && b["text"] == text
		},
		target.Matrix: func(g got, b map[string]any) bool {
			return g.method == http.MethodPut && g.path == "/_matrix/client/v3/rooms/%21r:x/send/m.room.message/refdesk-42-60" &&
				g.head.Get("Authorization") == "Bearer secret" && b["body"] == text
		},
		target.Ntfy: func(g got, _ map[string]any) bool {
			return g.body == text && g.head.Get("X-Title") == "Chat 42 waits in Reference <b>&*x*" && g.head.Get("X-Priority") == "high"
		},
	} {
		t.Run(string(kind), func(t *testing.T) {
			url, seen := server(t, http.StatusOK)
			x := run(t, nil, target.Target{Kind: kind, URL: url, Room: "!r:x", TokenFile: token})
			x.Raise(waits)
			g := <-seen
			var body map[string]any
			if kind != target.Ntfy {
				if err := json.Unmarshal([]byte(g.body), &body); err != nil {
					t.Fatalf("%v: %s", err, g.body)
				}
			}
			if !check(g, body) {
				t.Errorf("%+v", g)
			}
		})
	}
}

// An alarm is told again while that may help, goes to its department only, and follows nobody elsewhere.
func TestTrouble(t *testing.T) {
	var log bytes.Buffer
	url, seen := server(t, http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusOK, http.StatusFound, http.StatusOK)
	x := run(t, slog.New(slog.NewTextHandler(&log, nil)), target.Target{Kind: target.Hook, URL: url + "/the-secret", Department: "reference"})
	x.Raise(Alarm{Chat: 1, Department: "digital"})
	x.Raise(Alarm{Chat: 2, Department: "reference"})
	for range 3 {
		if g := <-seen; !strings.Contains(g.body, `"chat":2`) {
			t.Errorf("%s", g.body)
		}
	}
	x.Raise(Alarm{Chat: 3, Department: "reference"}) // answered with a redirect: final
	x.Raise(Alarm{Chat: 4, Department: "reference"})
	for _, want := range []string{`"chat":3`, `"chat":4`} {
		if g := <-seen; !strings.Contains(g.body, want) {
			t.Errorf("%s, want %s", g.body, want)
		}
	}
	if s := log.String(); strings.Count(s, "could not be told") != 1 || !strings.Contains(s, "302") || strings.Contains(s, "the-secret") {
		t.Errorf("the log says %s", s)
	}
}
