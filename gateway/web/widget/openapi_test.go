// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
)

// openAPI is what the tests read of docs/openapi.json.
type openAPI struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas   schemas
		Responses map[string]response
	}
}

type operation struct {
	Responses   map[string]response
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	}
}

type response struct {
	Ref     string `json:"$ref"`
	Headers map[string]any
	Content map[string]struct{ Schema schema }
}

var contract = sync.OnceValues(func() (*openAPI, error) {
	data, err := os.ReadFile("../../../docs/openapi.json")
	if err != nil {
		return nil, err
	}
	var doc openAPI
	return &doc, json.Unmarshal(data, &doc)
})

func readContract(t testing.TB) *openAPI {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// operations lists "METHOD path" of the document.
func (o *openAPI) operations() []string {
	var out []string
	for path, item := range o.Paths {
		for method := range item {
			if method != "parameters" {
				out = append(out, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(out)
	return out
}

// find gives the operation that a call is one of.
func (o *openAPI) find(t testing.TB, method, path string) (name string, op operation, ok bool) {
	t.Helper()
	path, _, _ = strings.Cut(strings.TrimPrefix(path, apiPath), "?")
	best := ""
	for template, item := range o.Paths {
		if item[strings.ToLower(method)] != nil && matches(template, path) && (best == "" || len(template) > len(best)) {
			best = template
		}
	}
	if best == "" {
		return "", op, false
	}
	if err := json.Unmarshal(o.Paths[best][strings.ToLower(method)], &op); err != nil {
		t.Fatal(err)
	}
	return method + " " + best, op, true
}

func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i, w := range want {
		open := strings.IndexByte(w, '{')
		if open < 0 && w != got[i] {
			return false
		}
		if _, after, _ := strings.Cut(w, "}"); open >= 0 && !strings.HasSuffix(got[i], after) {
			return false
		}
	}
	return true
}

// hold checks an answer of the API against the document: its status, its type, its body. Every call of the package's
// tests comes through here.
func (o *openAPI) hold(t testing.TB, method, path string, a answer) {
	t.Helper()
	if !strings.HasPrefix(path, apiPath) {
		return
	}
	name, op, ok := o.find(t, method, path)
	if !ok {
		if a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s answers %d and is not documented", method, path, a.status)
		}
		return
	}
	r, ok := op.Responses[strconv.Itoa(a.status)]
	if !ok && slices.Contains([]int{405, 421, 500}, a.status) {
		r, ok = op.Responses["default"]
	}
	if !ok {
		t.Errorf("%s answers %d, which is not documented", name, a.status)
		return
	}
	if r.Ref != "" {
		r = o.Components.Responses[strings.TrimPrefix(r.Ref, "#/components/responses/")]
	}
	for h := range r.Headers {
		if a.header.Get(h) == "" {
			t.Errorf("%s answers %d without %s", name, a.status, h)
		}
	}
	if len(r.Content) == 0 {
		if len(a.body) > 0 {
			t.Errorf("%s answers %d with a body: %s", name, a.status, a.body)
		}
		return
	}
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	c, ok := r.Content[kind]
	if err != nil || !ok {
		t.Errorf("%s answers %d with %q, which is not documented", name, a.status, kind)
		return
	}
	if strings.HasSuffix(kind, "json") {
		o.holdJSON(t, name, c.Schema, a.body)
	}
}

// holdJSON checks one JSON text against a schema.
func (o *openAPI) holdJSON(t testing.TB, what string, sc schema, data []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Errorf("%s: %v in %s", what, err, data)
		return
	}
	if err := o.Components.Schemas.check(sc, v, "answer"); err != nil {
		t.Errorf("%s: %v\nin %s", what, err, data)
	}
}

// named refers to a schema of the document.
func named(name string) schema { return schema{"$ref": "#/components/schemas/" + name} }

// TestOpenAPINamesEveryCall compares the document's paths and methods with the door's, both ways.
func TestOpenAPINamesEveryCall(t *testing.T) {
	h := newHouse(t, options{})
	var served []string
	for path, m := range h.doors[0].calls() {
		for method := range m {
			if path == "/departments/{file}" { // one handler, told apart by the ending
				served = append(served, method+" /departments/{department}.txt", method+" /departments/{department}.svg")
				continue
			}
			served = append(served, method+" "+path)
		}
	}
	slices.Sort(served)
	doc := readContract(t)
	if diff := cmp.Diff(doc.operations(), served); diff != "" {
		t.Errorf("docs/openapi.json (-) and the server (+) differ:\n%s", diff)
	}
	// What is documented is mounted, and refuses the other method.
	for _, name := range doc.operations() {
		method, path, _ := strings.Cut(name, " ")
		path = strings.NewReplacer("{department}", "reference", "{chat}", "1", "{slug}", "maps").Replace(path)
		// A vote on no FAQ that there is has nothing in it: the body is looked at first.
		if a := h.call(method, apiPath+path, "", nil); a.status == 404 || a.status == 405 {
			t.Errorf("%s answers %d", name, a.status)
		}
		other := map[string]string{"GET": "POST", "POST": "GET"}[method]
		if slices.Contains(doc.operations(), other+" "+strings.TrimPrefix(name, method+" ")) {
			continue
		}
		if a := h.call(other, apiPath+path, "", nil); a.status != 405 || a.header.Get("Allow") != method {
			t.Errorf("%s %s answers %d, Allow %q", other, path, a.status, a.header.Get("Allow"))
		}
	}
}

// constants are the string constants of a Go file whose names begin with prefix.
func constants(t *testing.T, file, prefix string) []string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(tree, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 || !strings.HasPrefix(v.Names[0].Name, prefix) {
			return true
		}
		if lit, ok := v.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			s, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
		return true
	})
	slices.Sort(out)
	return out
}

// TestEverythingIsDocumented holds docs/openapi.json to the error codes and event kinds in the code, and docs/api.md to
// everything in docs/openapi.json.
func TestEverythingIsDocumented(t *testing.T) {
	doc := readContract(t)
	guide, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, c := range doc.Components.Schemas["Code"].(schema)["enum"].([]any) {
		codes = append(codes, c.(string))
	}
	slices.Sort(codes)
	if diff := cmp.Diff(constants(t, "../problem.go", "Code"), codes); diff != "" {
		t.Errorf("error codes in the code (-) and in docs/openapi.json (+):\n%s", diff)
	}
	mapped := func(name string) []string {
		d := doc.Components.Schemas[name].(schema)["discriminator"].(schema)
		return slices.Sorted(maps.Keys(d["mapping"].(schema)))
	}
	if diff := cmp.Diff(constants(t, "event.go", "kind"), mapped("Event")); diff != "" {
		t.Errorf("kinds of event in the code (-) and in docs/openapi.json (+):\n%s", diff)
	}
	words := slices.Concat(codes, mapped("Event"), mapped("ClientFrame"), mapped("ServerFrame"))
	for _, name := range []string{"Department", "OpenChat", "Opened", "Chat", "Events", "Message", "Seen", "Typing", "Contact", "Problem", "Field", "Rating", "Question", "Asked", "FAQs", "FAQ", "Vote"} {
		words = slices.AppendSeq(words, maps.Keys(doc.Components.Schemas[name].(schema)["properties"].(schema)))
	}
	for _, w := range words {
		if !strings.Contains(string(guide), "`"+w+"`") && !strings.Contains(string(guide), "`"+w+" {") {
			t.Errorf("docs/api.md does not say what `%s` is", w)
		}
	}
	for path := range doc.Paths {
		if !strings.Contains(string(guide), path+"`") && !strings.Contains(string(guide), path+"?") {
			t.Errorf("docs/api.md does not name %s", path)
		}
	}
}

// TestOpenAPIBodies sends what the document says that calls take, and the opposite of each.
func TestOpenAPIBodies(t *testing.T) {
	h := newHouse(t, options{})
	doc := readContract(t)
	chat, token, seq := h.open("Hello")
	n, _ := strconv.ParseUint(chat, 10, 64)
	h.as("ana", &desk.ClaimChat{Chat: n})
	h.as("ana", &desk.PostLine{Chat: n, Kind: desk.TextLine, Text: "Hello"})
	h.as("ana", &desk.CloseChat{Chat: n, Tags: []string{"printing"}})
	h.publish(mapFAQ())
	ask := func(id, email string) obj {
		return obj{"id": id, "department": "digital", "question": "Where?", "email": email, "fields": obj{"Card": "7"}}
	}
	for _, c := range []struct {
		call      string
		good, bad obj
	}{ // a line reopens the chat, which can't be rated then
		{"/rating", obj{"score": 5, "comment": "Good"}, obj{"score": 6}},
		{"/questions", ask("a1", "noor@example.org"), ask("a2", "")},
		{"/faqs/maps/vote", obj{"up": true, "id": "v1"}, obj{"up": "yes"}},
		{"/messages", obj{"id": "m1", "text": "x"}, obj{"id": "", "text": "x"}},
		{"/typing", obj{"on": true}, obj{"on": "yes"}},
		{"/seen", obj{"seq": seq, "visible": false}, obj{"seq": -1, "visible": false}},
		{"/contact", obj{"name": "Noor", "email": "noor@example.org"}, obj{"name": strings.Repeat("x", 101)}},
	} {
		call := c.call
		if strings.Count(call, "/") == 1 && call != "/questions" {
			call = "/chats/" + chat + call
		}
		_, op, found := doc.find(t, "POST", apiPath+call)
		if !found {
			t.Fatalf("%s is not documented", call)
		}
		sc := op.RequestBody.Content["application/json"].Schema
		for want, body := range map[bool]obj{true: c.good, false: c.bad} {
			data, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(data, &v); err != nil {
				t.Fatal(err)
			}
			documented := doc.Components.Schemas.check(sc, v, call) == nil
			a := h.call("POST", apiPath+call, token, body)
			if documented != want || (a.status < 300) != want {
				t.Errorf("%s %s: documented %v, answered %d", call, data, documented, a.status)
			}
		}
	}
}

// TestSamples writes one sample of everything that the server sends into a typed file, which tsc reads together with the
// page's own types. Run with -update after a change; what it writes is committed.
func TestSamples(t *testing.T) {
	doc := readContract(t)
	const file = "../ui/src/samples.ts"
	want := []byte(samples(t, doc))
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("go test ./gateway/web/widget -run Samples -update writes it anew (-want +got):\n%s", diff)
	}
}

// sampleEvents has one event of every kind and, where a field may be missing, one without.
func sampleEvents(at desk.Time) []Event {
	text, until := "Do you have maps? 😀", at.Add(2*time.Minute).Std()
	all := []Event{
		{Kind: kindWaiting, Place: 2},
		{Kind: kindWaiting},
		{Kind: kindMessage, From: "patron", ID: "m1", Text: &text},
		{Kind: kindClaimed, By: "Ana"},
		{Kind: kindMessage, From: "staff", By: "Ana", Text: &text},
		{Kind: kindMessage, From: "system", Text: &text},
		{Kind: kindJoined, By: "Ben"},
		{Kind: kindLeft, By: "Ben"},
		{Kind: kindWait, Text: &text, Minutes: 3},
		{Kind: kindWait, Text: &text, Late: true},
		{Kind: kindEdited, Of: 3, Text: &text},
		{Kind: kindRetracted, Of: 3},
		{Kind: kindStill, Ends: &until},
		{Kind: kindHere},
		{Kind: kindWanted},
		{Kind: kindLapsed},
		{Kind: kindTicket, Number: 57},
		{Kind: kindRated, Score: 5},
		{Kind: kindReconnecting},
		{Kind: kindTransferred, By: "Ana", Department: "Digital Learning"},
		{Kind: kindMissed},
		{Kind: kindClosed, By: "Ana", Until: &until},
		{Kind: kindClosed, Until: &until},
		{Kind: kindReopened, By: "Ana"},
		{Kind: kindReopened},
	}
	for i := range all {
		all[i].Seq, all[i].At = uint64(i+1), at.Std()
	}
	return all
}
