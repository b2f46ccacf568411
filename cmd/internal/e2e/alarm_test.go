// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"refdesk/gateway/xmpp/xmpptest"
)

// A chat that nobody claims is told to the library's own hook, by one node of the three and once, without the question.
func TestAlarm(t *testing.T) {
	type hook struct {
		Chat       uint64
		Department string
		Waited     int `json:"waited_seconds"`
		Text       string
	}
	heard := make(chan hook, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var h hook
		if err := json.NewDecoder(r.Body).Decode(&h); err != nil {
			t.Errorf("the hook got %v", err)
		}
		heard <- h
	}))
	defer srv.Close()
	r := start(t, 3, "--set", `alarm.targets=["#reference webhook `+srv.URL+`/alarm", "#maps webhook `+srv.URL+`/maps"]`, "--set", "clocks.claim_deadline=2s")
	_ = xmpptest.StartSlixmpp(t, r.login("ben", 0))
	r.until("the department is online", func() error { return online(http.DefaultClient, r.Nodes[0].HTTP) })
	for n := range 2 {
		p := newPatron([]string{r.Nodes[n].HTTP}, n)
		if err := p.open(t.Context(), "reference", "something private"); err != nil {
			t.Fatal(err)
		}
		select {
		case h := <-heard:
			if p.chat != strconv.FormatUint(h.Chat, 10) || h.Department != "reference" || h.Waited != 2 || strings.Contains(h.Text, "private") || !strings.Contains(h.Text, "/board") {
				t.Errorf("chat %s: the hook got %+v", p.chat, h)
			}
		case <-time.After(patience):
			t.Fatalf("nobody is told of chat %s", p.chat)
		}
	}
}
