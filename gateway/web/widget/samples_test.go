// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"refdesk/cluster/desk/desktest"
	"refdesk/gateway/web"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

// samples is the text of samples.ts. Each sample is checked against docs/openapi.json on its way.
func samples(t *testing.T, doc *openAPI) string {
	t.Helper()
	at := desktest.Start
	yes, seq, soon := true, uint64(7), at.Add(time.Hour).Std()
	events := sampleEvents(at)
	for _, k := range constants(t, "event.go", "kind") {
		if !slices.ContainsFunc(events, func(e Event) bool { return e.Kind == k }) {
			t.Errorf("no sample of the kind %s", k)
		}
	}
	closed := web.NewProblem(409, web.CodeDepartmentClosed, "Nobody answers chats here at the moment.")
	closed.NextOpen, closed.Form = &soon, "/chat/digital"
	var out strings.Builder
	out.WriteString("// SPDX-License-Identifier: Apache-2.0\n\n" +
		"// Written by TestSamples of gateway/web/widget: one sample of everything that the server sends. tsc compares them\n" +
		"// with the types; nothing else reads this file.\n\n" +
		"import type { Asked, Department, Down, Event, Events, FAQs, Opened, Problem, Standing } from \"./wire\";\n")
	list := func(name, kind, schema string, values ...any) {
		fmt.Fprintf(&out, "\nexport const %s: %s[] = [\n", name, kind)
		for _, v := range values {
			var line bytes.Buffer
			enc := json.NewEncoder(&line)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(v); err != nil {
				t.Fatal(err)
			}
			doc.holdJSON(t, name, named(schema), line.Bytes())
			fmt.Fprintf(&out, "  %s,\n", bytes.TrimSpace(line.Bytes()))
		}
		out.WriteString("];\n")
	}
	var each []any
	for _, e := range events {
		each = append(each, e)
	}
	list("departments", "Department", "Department",
		departmentView{
			ID: "reference", Name: "Reference", State: "online", Waiting: 2, WaitSeconds: 180,
			Fields: []chatField{{Name: "faculty", Label: "Faculty", Choices: []string{"Arts", "Law"}, Required: true}, {Name: "card", Label: "Library card"}},
		},
		departmentView{ID: "digital", Name: "Digital Learning", State: "closed", NextOpen: &soon})
	list("opened", "Opened", "Opened", opened{Chat: "12", Seq: seq, Epoch: 1, Nodes: []string{"https://n1.desk.example"}})
	list("standing", "Standing", "Chat",
		chatView{Chat: "12", Department: "reference", State: "waiting", Place: 1, Wait: 300, Contact: &soon, Opened: at.Std(), Now: soon, Seq: seq, Epoch: 1},
		chatView{Chat: "12", Department: "reference", State: "claimed", By: "Ana", Opened: at.Std(), Now: soon, Seq: seq, Epoch: 1},
		chatView{Chat: "12", Department: "reference", State: "missed", Opened: at.Std(), Now: soon, Seq: seq, Epoch: 1},
		chatView{Chat: "12", Department: "reference", State: "closed", By: "Ana", Opened: at.Std(), Now: soon, Until: &soon, Ticket: 57, Seq: seq, Epoch: 1})
	list("asked", "Asked", "Asked", asked{Ticket: "57"})
	list("faqs", "FAQs", "FAQs", found{Answers: []FAQHit{{Slug: "maps", Question: "Have you maps?", Snippet: "We do.", Score: 0.5}}, Good: true},
		found{Answers: []FAQHit{}})
	list("events", "Event", "Event", each...)
	list("polls", "Events", "Events", polled{Epoch: 1, Events: events[:1]}, polled{Epoch: 2, Events: []Event{}, Reset: true})
	list("frames", "Down", "ServerFrame",
		down{Type: "ready", Epoch: 1, Seq: &seq}, down{Type: "ack", ID: "m1", Seq: &seq}, down{Type: "event", Seq: &seq, Event: &events[2]},
		down{Type: "typing", On: &yes}, down{Type: "error", Code: web.CodeThrottled, Message: "Later.", ID: "m2", RetryAfter: 1},
		down{Type: "error", Code: web.CodeBadRequest, Message: "There is no such frame."}, down{Type: "pong"}, down{Type: "reset"})
	list("problems", "Problem", "Problem", closed, web.Invalid("email", "The field is malformed."))
	return out.String()
}
