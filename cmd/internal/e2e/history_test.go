// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkHistory compares what a patron was told with what a node has of his chat: each acknowledged line exactly once
// with its text and its seq, nothing twice, seq strictly rising. It returns every objection.
func checkHistory(acked []ack, events []event) []string {
	var wrong []string
	byID := map[string][]event{}
	texts := map[string]int{}
	var last uint64
	for _, e := range events {
		if e.Seq <= last {
			wrong = append(wrong, fmt.Sprintf("seq %d comes after %d", e.Seq, last))
		}
		last = e.Seq
		if e.Kind != "message" || e.From != "patron" {
			continue
		}
		byID[e.ID] = append(byID[e.ID], e)
		texts[e.Text]++
	}
	for id, es := range byID {
		if len(es) > 1 {
			wrong = append(wrong, fmt.Sprintf("id %s is there %d times", id, len(es)))
		}
	}
	for text, n := range texts {
		if n > 1 {
			wrong = append(wrong, fmt.Sprintf("%q is there %d times", text, n))
		}
	}
	for _, a := range acked {
		es := byID[a.id]
		switch {
		case len(es) == 0:
			wrong = append(wrong, fmt.Sprintf("%q was acknowledged with seq %d and is lost", a.text, a.seq))
		case es[0].Text != a.text:
			wrong = append(wrong, fmt.Sprintf("%q became %q", a.text, es[0].Text))
		case es[0].Seq != a.seq:
			wrong = append(wrong, fmt.Sprintf("%q was acknowledged with seq %d and has %d", a.text, a.seq, es[0].Seq))
		}
	}
	return wrong
}

func TestCheckHistory(t *testing.T) {
	acked := []ack{{id: "a", text: "one", seq: 3}, {id: "b", text: "two", seq: 5}}
	one := event{Seq: 3, Kind: "message", From: "patron", ID: "a", Text: "one"}
	two := event{Seq: 5, Kind: "message", From: "patron", ID: "b", Text: "two"}
	claimed := event{Seq: 4, Kind: "claimed", By: "Ana"}
	for name, tc := range map[string]struct {
		events []event
		want   string // "" = all is well
	}{
		"all there":              {[]event{one, claimed, two}, ""},
		"one never acknowledged": {[]event{one, two, {Seq: 6, Kind: "message", From: "patron", ID: "c", Text: "three"}}, ""},
		"lost":                   {[]event{one}, "lost"},
		"twice with its id":      {[]event{one, two, {Seq: 6, Kind: "message", From: "patron", ID: "b", Text: "x"}}, "id b is there 2 times"},
		"twice with a new id":    {[]event{one, two, {Seq: 6, Kind: "message", From: "patron", ID: "c", Text: "two"}}, `"two" is there 2 times`},
		"another text":           {[]event{{Seq: 3, Kind: "message", From: "patron", ID: "a", Text: "oen"}, two}, "became"},
		"another seq":            {[]event{one, {Seq: 6, Kind: "message", From: "patron", ID: "b", Text: "two"}}, "has 6"},
		"out of order":           {[]event{two, one}, "comes after"},
		"said by staff":          {[]event{one, two, {Seq: 6, Kind: "message", From: "staff", Text: "two"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(checkHistory(acked, tc.events), "; ")
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestParseDesk(t *testing.T) {
	const good = `{"http":"http://localhost:1","https":"https://localhost:2","staff":"http://staff.localhost:1","files":"http://files.localhost:1",` +
		`"xmpp":"127.0.0.1:3","xmpps":"127.0.0.1:4","smtp":"127.0.0.1:5","domain":"localhost","chat_domain":"chat.localhost","ca":"/d/ca.pem","dir":"/d",` +
		`"operators":[{"jid":"ana@localhost","password":"p","web_password":"w","role":"operator"},{"jid":"ben@localhost","password":"p","web_password":"w","role":"operator"},` +
		`{"jid":"lena@localhost","password":"p","web_password":"w","role":"lead"}],` +
		`"nodes":[{"id":"n0","http":"http://localhost:1","https":"https://localhost:2","xmpp":"127.0.0.1:3","xmpps":"127.0.0.1:4","smtp":"127.0.0.1:5","pid":7,"start":["refdesk","serve"]}]}`
	d, err := parseDesk([]byte(good+"\n"), 1)
	if err != nil {
		t.Fatal(err)
	}
	if d.Operators[2].Role != "lead" || d.Nodes[0].PID != 7 || !cmp.Equal(d.Nodes[0].Start, []string{"refdesk", "serve"}) {
		t.Errorf("got %+v", d)
	}
	for name, line := range map[string]string{
		"nothing":             "",
		"no JSON":             "ready\n",
		"a key too many":      strings.Replace(good, `"http":`, `"more":1,"http":`, 1),
		"an address as a URL": strings.Replace(good, `"xmpp":"127.0.0.1:3"`, `"xmpp":"http://localhost"`, 1),
		"a URL as an address": strings.Replace(good, `"staff":"http://`, `"staff":"`, 1),
		"a relative path":     strings.Replace(good, `"/d/ca.pem"`, `"ca.pem"`, 1),
		"no password":         strings.Replace(good, `"password":"p"`, `"password":""`, 1),
		"no pid":              strings.Replace(good, `"pid":7`, `"pid":0`, 1),
		"another chat domain": strings.Replace(good, "chat.localhost", "chats.localhost", 1),
	} {
		if _, err := parseDesk([]byte(line), 1); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := parseDesk([]byte(good), 3); err == nil {
		t.Error("one node was taken for three")
	}
}

func TestFreePorts(t *testing.T) {
	base := freePorts(t, 3)
	if base%10 != 0 || base < 10000 || base+24 > 32767 {
		t.Errorf("got %d", base)
	}
}
