// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
)

func TestBoardAlone(t *testing.T) {
	v := newLive(t)
	ana := v.board(v.session("ana"), obj{"show": "online"})
	ready := ana.until("ready")
	if ready["reset"] != true || ready["show"] != "online" {
		t.Errorf("ready: %v", ready)
	}
	ana.until("board", func(f obj) bool { return f["board"].(obj)["me"].(obj)["duty"] == "on" })

	n := v.ask("p1", "Mia", "how do i renew a book?")
	ring := ana.until("ring", has("chat", float64(n)))
	if text := fmt.Sprint(ring["text"]); !strings.Contains(text, "Mia") || !strings.Contains(text, "renew a book") {
		t.Errorf("the ring says %q", text)
	}
	ana.until("board", func(f obj) bool {
		w := f["board"].(obj)["waiting"].([]any)
		return len(w) == 1 && w[0].(obj)["rings"] != 0.0 && w[0].(obj)["page"] == "/renew"
	})
	v.eventually("the ring is known to be received", func() bool { return slices.Contains(v.chat(n).Heard, "ana") })

	ana.send(obj{"type": "run", "id": "claim-0001", "chat": n, "command": "claim", "values": obj{}})
	if a := ana.answer("claim-0001"); a["refused"] != nil || v.chat(n).Owner != "ana" {
		t.Fatalf("claim: %v", a)
	}
	ana.send(obj{"type": "open", "chat": n})
	chat := ana.until("chat", has("chat", float64(n)))
	h := chat["head"].(obj)
	if h["writable"] != true || len(chat["lines"].([]any)) != 1 {
		t.Errorf("chat: %v", chat)
	}
	v.patron("p1", n, "l2", "It is due today.")
	ana.until("line", func(f obj) bool { return f["line"].(obj)["text"] == "It is due today." && f["line"].(obj)["n"] == 2.0 })
	ana.send(obj{"type": "say", "id": "say-00001", "chat": n, "text": "On your account page."})
	if a := ana.answer("say-00001"); a["posted"] != true || a["line"] != 3.0 {
		t.Errorf("say: %v", a)
	}
	ana.until("line", func(f obj) bool { l := f["line"].(obj); return l["mine"] == true && l["id"] == "say-00001" })
	ana.send(obj{"type": "form", "id": "form-0001", "chat": n, "command": "close"})
	form := ana.until("form", has("id", "form-0001"))["form"].(obj)
	if form["title"] != "Close a chat" || len(form["fields"].([]any)) == 0 {
		t.Errorf("form: %v", form)
	}
	ana.send(obj{"type": "run", "id": "close-0001", "chat": n, "command": "close", "values": obj{"tags": []string{"renewals"}}})
	if a := ana.answer("close-0001"); a["refused"] != nil {
		t.Errorf("close: %v", a)
	}
	if c := v.chat(n); c.State != desk.Closed || !slices.Equal(c.Tags, []string{"renewals"}) {
		t.Errorf("the chat is %s with the tags %v", c.State, c.Tags)
	}
	want := []string{"patron: how do i renew a book?", "patron: It is due today.", "staff: On your account page."}
	if diff := cmp.Diff(want, v.texts(n)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestTwoRaceForAClaim has two members of staff take one chat at once, many times: one has it, the other is told who.
func TestTwoRaceForAClaim(t *testing.T) {
	v := newLive(t)
	boards := map[string]*boardClient{
		"ana": v.board(v.session("ana"), obj{"show": "online"}), "lena": v.board(v.session("lena"), obj{"show": "online"}),
	}
	for round := range 8 {
		n := v.ask(fmt.Sprint("p", round), "", "Hello?")
		id := fmt.Sprintf("claim-%04d", round)
		var both sync.WaitGroup
		answers := map[string]obj{}
		var mu sync.Mutex
		for account, b := range boards {
			both.Go(func() {
				b.send(obj{"type": "run", "id": id, "chat": n, "command": "claim", "values": obj{}})
				a := b.answer(id)
				mu.Lock()
				defer mu.Unlock()
				answers[account] = a
			})
		}
		both.Wait()
		owner := v.chat(n).Owner
		for account, a := range answers {
			switch {
			case account == owner && a["refused"] != nil:
				t.Errorf("%s has %d and was told %v", account, n, a)
			case account != owner && (a["refused"] != "conflict" || !strings.Contains(fmt.Sprint(a["text"]), map[string]string{"ana": "Ana", "lena": "Lena"}[owner])):
				t.Errorf("%s lost %d to %s and was told %v", account, n, owner, a)
			}
		}
		v.do(owner, &desk.TagChat{Chat: n, Tags: []string{"printing"}})
		v.do(owner, &desk.CloseChat{Chat: n, Force: true})
	}
}

// TestResumeAfterACut breaks the connection while lines come: the page goes on from its cursor, in the same desk session,
// with every line once and no ring of before.
func TestResumeAfterACut(t *testing.T) {
	v := newLive(t, func(_ *Config, d *Deps) { d.SeatGrace = time.Minute })
	token := v.session("ana")
	first := v.board(token, obj{"show": "online"})
	n := v.ask("p1", "Mia", "Hello?")
	first.send(obj{"type": "run", "id": "claim-0001", "chat": n, "command": "claim", "values": obj{}})
	first.answer("claim-0001")
	v.patron("p1", n, "l2", "before the cut")
	seen := first.until("line", func(f obj) bool { return f["line"].(obj)["text"] == "before the cut" })
	epoch := first.until("ready")["epoch"]
	_ = first.conn.CloseNow()
	session := v.sessionsOf("ana")[0].ID

	v.patron("p1", n, "l3", "during the cut")
	v.patron("p1", n, "l4", "and once more")
	again := v.board(token, obj{"show": "online", "epoch": epoch, "after": seen["seq"]})
	if ready := again.until("ready"); ready["reset"] == true {
		t.Errorf("ready: %v", ready)
	}
	v.patron("p1", n, "l5", "after the cut")
	again.until("line", func(f obj) bool { return f["line"].(obj)["text"] == "after the cut" })
	var got []string
	for _, f := range again.past {
		switch f["type"] {
		case "line":
			got = append(got, fmt.Sprint(f["line"].(obj)["text"]))
		case "ring":
			t.Errorf("it rings for what is over: %v", f)
		}
	}
	if diff := cmp.Diff([]string{"during the cut", "and once more"}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if all := v.sessionsOf("ana"); len(all) != 1 || all[0].ID != session {
		t.Errorf("the session did not last: %v", all)
	}
}

// TestCursorsThatCountNoMore are answered with reset: the page reads its chats anew.
func TestCursorsThatCountNoMore(t *testing.T) {
	v := newLive(t)
	for name, hello := range map[string]obj{
		"a new page":        {},
		"another epoch":     {"epoch": 7, "after": 3},
		"from the future":   {"epoch": 1, "after": 1 << 40},
		"without an epoch":  {"after": 3},
		"without a history": {"epoch": 1},
	} {
		if ready := v.board(v.session("ana"), hello).until("ready"); ready["reset"] != true {
			t.Errorf("%s: %v", name, ready)
		}
	}
}

// TestARepeatDoesNothingTwice sends the same request again, as a page does that got no answer, also in another session.
func TestARepeatDoesNothingTwice(t *testing.T) {
	v := newLive(t)
	token := v.session("ana")
	n := v.ask("p1", "", "Hello?")
	for i := range 3 {
		b := v.board(token, obj{"show": "online", "page": fmt.Sprintf("page-%08d", i)})
		b.send(obj{"type": "run", "id": "claim-0001", "chat": n, "command": "claim", "values": obj{}})
		if a := b.answer("claim-0001"); a["refused"] != nil {
			t.Errorf("claim %d: %v", i, a)
		}
		b.send(obj{"type": "say", "id": "say-00001", "chat": n, "text": "Once."})
		if a := b.answer("say-00001"); a["posted"] != true || a["line"] != 2.0 {
			t.Errorf("say %d: %v", i, a)
		}
		_ = b.conn.CloseNow()
	}
	if diff := cmp.Diff([]string{"patron: Hello?", "staff: Once."}, v.texts(n)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestNothingTypedGoesAstray types what is no line for the patron.
func TestNothingTypedGoesAstray(t *testing.T) {
	v := newLive(t)
	n := v.ask("p1", "Mia", "Hello?")
	b := v.board(v.session("ana"), obj{"show": "online"})
	b.send(obj{"type": "open", "chat": n})
	say := func(id, text string) obj {
		b.send(obj{"type": "say", "id": id, "chat": n, "text": text})
		return b.answer(id)
	}
	if a := say("say-00000", "before the claim"); a["refused"] != "not-allowed" || !strings.Contains(fmt.Sprint(a["text"]), "before the claim") {
		t.Errorf("before the claim: %v", a)
	}
	v.do("ana", &desk.ClaimChat{Chat: n})
	for i, slip := range []string{"!colse", "note she seems upset", "/note x", "1note y"} {
		a := say(fmt.Sprintf("slip-%04d", i), slip)
		if a["posted"] == true || a["text"] == nil {
			t.Errorf("%q: %v", slip, a)
		}
	}
	if a := say("note-0001", "!note she is on her way"); a["note"] != true {
		t.Errorf("note: %v", a)
	}
	if diff := cmp.Diff([]string{"patron: Hello?", "note: she is on her way"}, v.texts(n)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	// What was held is shown with the chat, and can still be sent.
	say("slip-0009", "!colse")
	b.until("head", func(f obj) bool { return f["head"].(obj)["held"] == "!colse" })
	b.send(obj{"type": "run", "id": "send-0001", "chat": n, "command": "send", "values": obj{}})
	b.answer("send-0001")
	if got := v.texts(n); got[len(got)-1] != "staff: !colse" {
		t.Errorf("lines: %v", got)
	}
}

// TestACloseWaitsForTheNewestLine closes with what the page has shown: a newer line of the patron's keeps the chat open.
func TestACloseWaitsForTheNewestLine(t *testing.T) {
	v := newLive(t)
	n := v.ask("p1", "Mia", "Hello?")
	v.do("ana", &desk.ClaimChat{Chat: n})
	v.do("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "Yes?"})
	b := v.board(v.session("ana"), obj{"show": "online"})
	b.send(obj{"type": "open", "chat": n})
	lines := b.until("chat")["lines"].([]any)
	b.send(obj{"type": "got", "chat": n, "seq": lines[len(lines)-1].(obj)["seq"]})
	v.patron("p1", n, "l3", "Wait, one more thing")
	b.send(obj{"type": "run", "id": "close-0001", "chat": n, "command": "close", "values": obj{"tags": []string{"printing"}}})
	if a := b.answer("close-0001"); a["refused"] != "newer-line" || !strings.Contains(fmt.Sprint(a["text"]), "one more thing") {
		t.Errorf("close: %v", a)
	}
	line := b.until("line", func(f obj) bool { return f["line"].(obj)["text"] == "Wait, one more thing" })
	b.send(obj{"type": "got", "chat": n, "seq": line["seq"]})
	b.send(obj{"type": "run", "id": "close-0002", "chat": n, "command": "close", "values": obj{"tags": []string{"printing"}}})
	if a := b.answer("close-0002"); a["refused"] != nil {
		t.Errorf("close again: %v", a)
	}
}

func TestTypingGoesBothWays(t *testing.T) {
	v := newLive(t)
	n := v.ask("p1", "Mia", "Hello?")
	b := v.board(v.session("ana"), obj{"show": "online"})
	b.send(obj{"type": "open", "chat": n})
	b.until("chat")
	b.send(obj{"type": "typing", "chat": n, "on": true}) // not hers: nobody is told
	v.do("ana", &desk.ClaimChat{Chat: n})
	b.until("head", func(f obj) bool { return f["head"].(obj)["writable"] == true })
	b.send(obj{"type": "typing", "chat": n, "on": true})
	b.send(obj{"type": "typing", "chat": n, "on": false})
	v.eventually("the patron is told", func() bool {
		v.hints.mu.Lock()
		defer v.hints.mu.Unlock()
		return slices.Equal(v.hints.said, []bool{true, false})
	})
	v.hints.patron(n, true)
	b.until("typing", has("on", true))
}

// TestShowMakesAvailable switches on, away and off: the desk rings accordingly, and the session ends with the page.
func TestShowMakesAvailable(t *testing.T) {
	v := newLive(t)
	b := v.board(v.session("ana"), obj{"show": "off"})
	b.until("ready")
	duty := func() (state desk.DutyState) {
		v.read(func(rd desk.Reader) (err error) {
			state, _, err = rd.Duty("ana", v.store.Now())
			return err
		})
		return state
	}
	if got := duty(); got != desk.DutyGone {
		t.Errorf("off: %s", got)
	}
	for show, want := range map[string]desk.DutyState{"online": desk.DutyOn, "away": desk.DutyAway, "off": desk.DutyGone} {
		b.send(obj{"type": "show", "show": show})
		v.eventually(show, func() bool { return duty() == want })
	}
	b.send(obj{"type": "show", "show": "online"})
	v.eventually("online", func() bool { return duty() == desk.DutyOn })
	if live := v.door.Live(); len(live) != 1 || live[0] != v.sessionsOf("ana")[0].ID {
		t.Errorf("live sessions: %v", live)
	}
	_ = b.conn.CloseNow()
	v.eventually("the session ends", func() bool { return len(v.sessionsOf("ana")) == 0 && len(v.door.Live()) == 0 })
}

// TestPositionsMove: what the board has is not brought to the person's XMPP client once more.
func TestPositionsMove(t *testing.T) {
	v := newLive(t)
	n := v.ask("p1", "", "Hello?")
	v.do("ana", &desk.ClaimChat{Chat: n})
	b := v.board(v.session("ana"), obj{"show": "online"})
	b.until("ready")
	r := v.patron("p1", n, "l2", "More")
	b.until("line")
	b.send(obj{"type": "moved", "seq": r.Seq})
	v.eventually("the position moves", func() bool {
		var at uint64
		v.read(func(rd desk.Reader) (err error) {
			at, err = rd.Position("ana")
			return err
		})
		return at == r.Seq
	})
}

func TestWhoMayOpenASocket(t *testing.T) {
	v := newLive(t)
	for name, c := range map[string]struct {
		token string
		edit  func(*websocket.DialOptions)
		want  string
	}{
		"signed out":         {"", nil, "401"},
		"a viewer":           {v.session("vera"), nil, "403"},
		"another site":       {v.session("ana"), func(o *websocket.DialOptions) { o.HTTPHeader.Set("Origin", "https://evil.example") }, "403"},
		"the patrons' pages": {v.session("ana"), func(o *websocket.DialOptions) { o.HTTPHeader.Set("Origin", "https://desk.example") }, "403"},
		"no origin":          {v.session("ana"), func(o *websocket.DialOptions) { o.HTTPHeader.Del("Origin") }, "403"},
	} {
		edit := c.edit
		if edit == nil {
			edit = func(*websocket.DialOptions) {}
		}
		conn, resp, err := v.dial(c.token, edit)
		if err == nil {
			_ = conn.CloseNow()
			t.Errorf("%s: it opened", name)
		} else if !strings.HasPrefix(code(err, resp), c.want) {
			t.Errorf("%s: %s", name, code(err, resp))
		}
	}
	conn, _, err := v.dial(v.session("tia"), func(o *websocket.DialOptions) { o.Subprotocols = []string{"chat"} })
	if err != nil {
		t.Fatal(err)
	}
	b := &boardClient{t: t, conn: conn}
	if got := b.closed(); got != websocket.StatusPolicyViolation {
		t.Errorf("another subprotocol: %v", got)
	}
	v.board(v.session("tia"), nil).until("ready") // a trainee may
}

// TestSigningOutEndsTheBoard also for a password that was changed and a role that was taken away.
func TestSigningOutEndsTheBoard(t *testing.T) {
	v := newLive(t)
	for name, end := range map[string]func(hash string){
		"signed out": func(hash string) { v.do("", &desk.CloseWebSession{Hash: hash}) },
		"another role": func(string) {
			v.admin(&desk.SetStaff{Staff: desk.Staff{Account: "ana", Name: "Ana Lima", PublicName: "Ana", Role: desk.RoleTrainee, Departments: []string{"reference"}}})
		},
	} {
		token := v.session("ana")
		b := v.board(token, obj{"show": "online"})
		b.until("ready")
		end(hashOf(token))
		if got := b.closed(); got != signInAgain {
			t.Errorf("%s: %v", name, got)
		}
	}
	b := v.board(v.session("ana"), nil)
	b.until("ready")
	v.admin(&desk.DisableStaff{Account: "ana"})
	if got := b.closed(); got != signInAgain {
		t.Errorf("disabled: %v", got)
	}
}

// TestBadFrames sends what no page of ours does. Each gets an error or an end, and the desk goes on.
func TestBadFrames(t *testing.T) {
	v := newLive(t)
	n := v.ask("p1", "", "Hello?")
	for name, first := range map[string]string{
		"no JSON": "hello", "an array": "[]", "no hello": `{"type":"ping"}`, "a short page": `{"type":"hello","page":"x"}`,
		"control characters": `{"type":"hello","page":"0123\u00004567"}`,
	} {
		conn, _, err := v.dial(v.session("ana"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if err := conn.Write(ctx, websocket.MessageText, []byte(first)); err != nil {
			t.Fatal(err)
		}
		b := &boardClient{t: t, conn: conn}
		if got := b.closed(); got == websocket.StatusNormalClosure || len(b.past) == 0 || b.past[0]["type"] != "error" {
			t.Errorf("%s: %v after %v", name, got, b.past)
		}
		cancel()
	}
	b := v.board(v.session("ana"), nil)
	b.until("ready")
	for i, f := range []obj{
		{"type": "nothing"},
		{"type": "say", "chat": n, "text": "no id"},
		{"type": "say", "id": "short", "chat": n, "text": "x"},
		{"type": "run", "id": "run-00001", "chat": n, "command": "rm -rf", "values": obj{}},
		{"type": "show", "show": "dancing"},
		{"type": "form", "id": "form-0001", "chat": n, "command": "<script>"},
		{"type": "open", "chat": 0},
	} {
		b.send(f)
		b.send(obj{"type": "ping"})
		b.until("pong")
		bad := slices.ContainsFunc(b.past, func(f obj) bool {
			a, _ := f["answer"].(obj)
			return f["type"] == "error" || a["refused"] != nil
		})
		if !bad {
			t.Errorf("%d: %v was taken; %v", i, f, b.past)
		}
		b.past = nil
	}
	b.send(obj{"type": "open", "chat": 4711})
	b.until("gone", has("chat", 4711.0))
	b.send(obj{"type": "say", "id": "say-00001", "chat": n, "text": strings.Repeat("x", frameBytes)})
	if got := b.closed(); got != websocket.StatusMessageTooBig {
		t.Errorf("a frame that is too large: %v", got)
	}
	if diff := cmp.Diff([]string{"patron: Hello?"}, v.texts(n)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestTooFast is told to wait, with the id of what has to be sent again.
func TestTooFast(t *testing.T) {
	v := newLive(t)
	b := v.board(v.session("ana"), nil)
	b.until("ready")
	for i := range sayBurst + 20 {
		b.send(obj{"type": "say", "id": fmt.Sprintf("say-%05d", i), "chat": 0, "text": "queue"})
	}
	f := b.until("error", has("code", "throttled"))
	if f["id"] == nil || f["retry_after"] != 1.0 {
		t.Errorf("throttled: %v", f)
	}
}

// TestNoAnswerBeforeTheCommit holds a line up on its way into the log: the page has no answer until it is in.
func TestNoAnswerBeforeTheCommit(t *testing.T) {
	g := &guarded{name: "PostLine", gate: make(chan struct{}), came: make(chan struct{}, 1)}
	v := newLive(t, func(_ *Config, d *Deps) { g.Store = d.Store; d.Store = g })
	n := v.ask("p1", "", "Hello?")
	v.do("ana", &desk.ClaimChat{Chat: n})
	b := v.board(v.session("ana"), obj{"show": "online"})
	b.until("ready")
	b.send(obj{"type": "say", "id": "say-00001", "chat": n, "text": "Hello."})
	<-g.came
	if got := v.texts(n); len(got) != 1 {
		t.Errorf("it is in already: %v", got)
	}
	for _, f := range b.past {
		if f["type"] == "answer" {
			t.Errorf("before the commit: %v", f)
		}
	}
	close(g.gate)
	if a := b.answer("say-00001"); a["posted"] != true || len(v.texts(n)) != 2 {
		t.Errorf("after the commit: %v", a)
	}
}

func TestWithoutQuorum(t *testing.T) {
	v := newLive(t)
	n := v.ask("p1", "", "Hello?")
	v.do("ana", &desk.ClaimChat{Chat: n})
	b := v.board(v.session("ana"), obj{"show": "online"})
	b.until("ready")
	v.store.Refuse(&desk.Error{Code: desk.NoQuorum})
	b.send(obj{"type": "say", "id": "say-00001", "chat": n, "text": "Hello."})
	f := b.until("error", has("id", "say-00001"))
	if f["code"] != "unavailable" || f["retry_after"] != 1.0 {
		t.Errorf("without quorum: %v", f)
	}
	v.store.Refuse(nil)
	b.send(obj{"type": "say", "id": "say-00001", "chat": n, "text": "Hello."})
	if a := b.answer("say-00001"); a["posted"] != true {
		t.Errorf("after it: %v", a)
	}
}

// TestABoardOfHostileWords: what strangers write stays text, whatever it is.
func TestABoardOfHostileWords(t *testing.T) {
	v := newLive(t)
	bad := `</script><img src=x onerror=alert(1)>` + "\u202e"
	n := v.ask("p1", bad, bad)
	b := v.board(v.session("ana"), obj{"show": "online"})
	f := b.until("board", func(f obj) bool { return len(f["board"].(obj)["waiting"].([]any)) == 1 })
	if got := f["board"].(obj)["waiting"].([]any)[0].(obj)["text"]; got != bad {
		t.Errorf("it is %q", got)
	}
	p := v.as("ana").get("/board")
	p.says(t, http.StatusOK, "onerror=alert(1)")
	if strings.Contains(p.body, "<img") {
		t.Error("the page has the stranger's element")
	}
	if p = v.as("ana").get(chatURL(n)); strings.Contains(p.body, "<img") || !strings.Contains(p.body, "&lt;img") {
		t.Error("the chat's page has the stranger's element")
	}
}

// TestColleaguesWriteAndAnswer: what a colleague wrote is answered from the board, once, whatever is repeated.
func TestColleaguesWriteAndAnswer(t *testing.T) {
	v := newLive(t)
	ana, lena := v.board(v.session("ana"), obj{"show": "online"}), v.board(v.session("lena"), obj{"show": "online"})
	ana.until("board")
	lena.until("board")
	lena.send(obj{"type": "tell", "id": "tell-0001", "to": "ana", "text": "Coffee?"})
	if a := lena.answer("tell-0001"); a["refused"] != nil {
		t.Fatalf("lena: %v", a)
	}
	m := ana.until("message")
	if m["by"] != "Lena" || m["from"] != "lena" || m["text"] != "Coffee?" {
		t.Errorf("ana reads %v", m)
	}
	for range 2 {
		ana.send(obj{"type": "tell", "id": "tell-0002", "to": m["from"], "text": "At four.\r\n"})
		if a := ana.answer("tell-0002"); a["refused"] != nil {
			t.Fatalf("ana: %v", a)
		}
	}
	ana.send(obj{"type": "tell", "id": "tell-0003", "to": "lena", "text": "Bring cups."})
	ana.answer("tell-0003")
	for _, want := range []string{"At four.", "Bring cups."} {
		if m := lena.until("message"); m["text"] != want || m["from"] != "ana" {
			t.Errorf("lena reads %v, want %q", m, want)
		}
	}
	for id, f := range map[string]obj{
		"tell-0004": {"to": "nobody", "text": "Hello?"}, "tell-0005": {"to": "lena", "text": "  "}, "tell-0006": {"text": "Hello?"},
		"tell-0007": {"to": "lena", "text": strings.Repeat("x", 4001)},
	} {
		f["type"], f["id"] = "tell", id
		ana.send(f)
		if a := ana.answer(id); a["refused"] == nil || a["text"] == "" {
			t.Errorf("%s: %v", id, a)
		}
	}
}
