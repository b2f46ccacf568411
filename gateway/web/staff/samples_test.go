// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"refdesk/gateway/console"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

const samplesFile = "../ui/src/boardsamples.ts"

// TestBoardSamples writes one sample of every frame that the board gets, with every field filled in, for tsc to compare
// with boardwire.ts.
func TestBoardSamples(t *testing.T) {
	r := row{Chat: 42, Who: "Mia", Department: "Reference", State: "waiting", Owner: "Ana", Since: 1, Text: "Hello?", Page: "/", Rings: 1, Lines: 1, Gone: true, By: "Ben", Why: "maps"}
	b := &board{
		Now: 1, Me: self{"ana", "Ana", "operator", "on", 1}, Waiting: []row{r}, Mine: []row{r}, Offered: []row{r}, Others: []row{r}, ToTag: []row{r},
		Missed: 1, Colleagues: []colleague{{"ben", "Ben", "on", 1}}, Departments: []department{{"reference", "Reference", "online", 1, 1}},
	}
	h := &head{
		Chat: 42, Who: "Mia", Email: "mia@example.org", Department: "Reference", State: "claimed", Owner: "Ana", Mine: true, Writable: true,
		Joined: []string{"Ben"}, Tags: []string{"printing"}, Page: "/", PageURL: "https://library.example/", PageTitle: "Start", Opened: 1, Since: 1,
		Claimed: 1, Ended: 1, Gone: true, Received: 1, Shown: 1, OfferTo: "Ben", Ticket: 57, Pending: true, Held: "!colse", Lines: 1,
		Commands: []command{{"close", "Close a chat"}},
	}
	l := line{N: 1, Seq: 7, At: 1, From: "staff", By: "Ana", Mine: true, Note: true, ID: "m1", Text: "Yes.", Redacted: true}
	full(t, *b, *h, l, r)
	form := shownForm("tag", console.Form{Title: "Tag", Instructions: "Tags it.", Fields: []console.Field{
		{Var: "tags", Label: "Tags", Type: console.ListMulti, Values: []string{"a"}, Options: []console.Option{{Label: "A", Value: "a"}}, Required: true},
	}})
	frames := []down{
		{Type: "ready", Epoch: 1, Seq: 7, Reset: true, Show: "online"},
		{Type: "board", Board: b},
		{Type: "chat", Chat: 42, Seq: 7, Head: h, Lines: []line{l}},
		{Type: "head", Chat: 42, Head: h},
		{Type: "gone", Chat: 42, Text: "Not here."},
		{Type: "line", Seq: 7, Chat: 42, Line: &l},
		{Type: "seen", Chat: 42, Seq: 7, Shown: true},
		{Type: "ring", Seq: 7, Chat: 42, Text: "42 Mia"},
		{Type: "answered", Seq: 7, Chat: 42, By: "Ben"},
		{Type: "message", Seq: 7, By: "Ben", From: "ben", Text: "Coffee?"},
		{Type: "told", Seq: 7, Chat: 42, Text: "Ben has joined 42."},
		{Type: "typing", Chat: 42, On: true},
		{Type: "typing", Chat: 42},
		{Type: "form", ID: "form-0001", Chat: 42, Form: form},
		{Type: "answer", ID: "say-00001", Chat: 42, Answer: &answer{Command: "note", Posted: true, Note: true, Held: true, Refused: "conflict", Text: "x", Chat: 42, Seq: 7, Line: 1}},
		{Type: "error", ID: "say-00001", Code: "throttled", Text: "Wait.", RetryAfter: 1},
		{Type: "pong"},
	}
	var out strings.Builder
	out.WriteString("// SPDX-License-Identifier: Apache-2.0\n\n// Written by TestBoardSamples of gateway/web/staff: one sample of everything that the server sends to the board. tsc\n" +
		"// compares them with the types; nothing else reads this file.\n\nimport type { Down } from \"./boardwire\";\n\nexport const frames: Down[] = [\n")
	for _, f := range frames {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(f); err != nil {
			t.Fatal(err)
		}
		out.WriteString("  " + strings.TrimSpace(buf.String()) + ",\n")
	}
	out.WriteString("];\n")
	if *update {
		if err := os.WriteFile(samplesFile, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(samplesFile); err != nil || string(got) != out.String() {
		t.Errorf("%s is not what the server sends: go test -update (%v)", samplesFile, err)
	}
}

// full fails the test for a field that a sample leaves out: tsc would not see it.
func full(t *testing.T, samples ...any) {
	t.Helper()
	for _, s := range samples {
		v := reflect.ValueOf(s)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("the sample of %s has no %s", v.Type().Name(), v.Type().Field(i).Name)
			}
		}
	}
}
