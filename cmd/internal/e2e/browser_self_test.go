// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A library's page and a chat page with the ids and classes of ours, and a librarian who echoes.
const (
	fakeHost = `<!doctype html><title>library</title><body><p>books</p><script>
const host = document.createElement("div"), root = host.attachShadow({mode: "open"}), b = document.createElement("button");
b.textContent = "Chat"; root.append(b); document.body.append(host);
b.onclick = () => { const f = document.createElement("iframe"); f.src = "/chat"; root.append(f); };
</script>`
	fakeChat = `<!doctype html><title>chat</title><body><div id="app" data-phase="pre"><textarea id="question"></textarea>
<button id="start-button">Start</button><ul id="lines"></ul><textarea id="text" disabled></textarea></div><script>
const $ = (id) => document.getElementById(id);
const line = (who, text) => { const l = document.createElement("li"); l.className = "line " + who; l.dataset.tick = "sent";
  const p = document.createElement("p"); p.className = "text"; p.textContent = text; l.append(p); $("lines").append(l); };
$("start-button").onclick = () => { line("patron", $("question").value); $("app").dataset.phase = "waiting"; $("text").disabled = false; };
$("text").onkeydown = (e) => { if (e.key === "Enter") { e.preventDefault(); line("patron", $("text").value); line("staff", "echo " + $("text").value); $("text").value = ""; } };
</script>`
)

// Where the browser's own driver is wrong, every test below would blame the desk.
func TestBrowserIsDriven(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/chat" {
			fmt.Fprint(w, fakeChat)
			return
		}
		fmt.Fprint(w, fakeHost)
	}))
	defer site.Close()
	b := startBrowser(t, site.URL)
	b.openWidget()
	b.ask(manyScripts)
	b.say("again " + manyScripts)
	b.waitLine("echo again " + manyScripts)
	want := []string{"patron: " + manyScripts, "patron: again " + manyScripts, "staff: echo again " + manyScripts}
	if d := cmp.Diff(want, b.lines()); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
	b.reload()
	b.openWidget()
	b.phase("pre")
}
