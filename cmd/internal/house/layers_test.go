// SPDX-License-Identifier: Apache-2.0

package house

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the drawing of the layers into docs/architecture.md")

// layer is one row of the drawing. A name ending in /** stands for the package and all below it.
type layer struct {
	what  string
	rooms []string
}

// layers is the table that both the test and the drawing are made from, the lowest first.
func layers() []layer {
	return []layer{
		{"the domain, standard library only", []string{"cluster/desk"}},
		{"pure helpers of the domain and of the doors", []string{
			"cluster/desk/rota", "cluster/desk/desktest", "cluster/wire", "gateway/console", "gateway/xmpp/element", "bridge/mail", "bridge/alarm/target", "search/query",
		}},
		{"one replicated desk; vocabulary of the doors", []string{
			"cluster", "cluster/store", "cluster/peer", "cluster/blob", "cluster/backup", "cluster/seal", "cluster/sim", "gateway/xmpp", "search/analysis",
		}},
		{"the doors", []string{
			"gateway", "gateway/account", "gateway/directory", "gateway/web/**", "gateway/xmpp/c2s", "gateway/xmpp/router",
			"gateway/xmpp/component", "gateway/xmpp/xmpptest", "bridge", "bridge/inbox", "bridge/outbox", "bridge/alarm", "bridge/mailtest", "search",
		}},
		{"assembly: only cmd/internal/node wires", []string{"cmd/internal/**"}},
		{"main", []string{"cmd/refdesk"}},
	}
}

const doors = 3

// testOnly names the packages that only tests import.
func testOnly() []string {
	return []string{"cluster/desk/desktest", "cluster/sim", "gateway/web/webtest", "gateway/xmpp/xmpptest", "bridge/mailtest"}
}

func layerOf(path string) int {
	for n, l := range layers() {
		for _, r := range l.rooms {
			if below, all := strings.CutSuffix(r, "/**"); path == r || all && (path == below || strings.HasPrefix(path, below+"/")) {
				return n
			}
		}
	}
	return -1
}

func top(path string) string {
	t, _, _ := strings.Cut(path, "/")
	return t
}

// reason says why from may not import to, both project packages; "" when it may.
func reason(from, to string, inTest bool) string {
	lf, lt := layerOf(from), layerOf(to)
	switch {
	case slices.Contains(testOnly(), to):
		if inTest || slices.Contains(testOnly(), from) {
			return ""
		}
		return "only tests import it"
	case inTest && (to == "cluster/store" || top(from) == "cmd"):
		return ""
	case lt > lf:
		return fmt.Sprintf("it lies in layer %d, above %d", lt, lf)
	case lt == lf && top(from) != top(to):
		return fmt.Sprintf("both lie in layer %d, in different rooms", lf)
	case top(from) != "cmd" && top(from) != "cluster" && top(to) != top(from) && to != "cluster/desk" && to != "cluster/desk/rota":
		return "doors know cluster/desk, cluster/desk/rota and their own rooms only"
	case top(from) == "cmd" && from != "cmd/internal/node" && lt >= 2 && lt <= doors:
		return "only cmd/internal/node wires"
	}
	return ""
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		if layerOf(p.path()) < 0 {
			t.Errorf("%s stands in no layer; add it to the table here, and say why in the commit", p.path())
			continue
		}
		check := func(imports []string, inTest bool) {
			for _, i := range imports {
				to, own := strings.CutPrefix(i, module)
				if !own {
					if domain, _, _ := strings.Cut(i, "/"); p.path() == "cluster/desk" && !inTest && strings.Contains(domain, ".") {
						t.Errorf("cluster/desk imports %s; the domain is standard library only", i)
					}
					continue
				}
				if to == p.path() {
					continue
				}
				if why := reason(p.path(), to, inTest); why != "" {
					t.Errorf("%s imports %s: %s", p.path(), to, why)
				}
			}
		}
		check(p.Imports, false)
		check(p.TestImports, true)
		check(p.XTestImports, true)
	}
}

func TestReason(t *testing.T) {
	for _, tc := range []struct {
		from, to     string
		inTest, want bool
	}{
		{"gateway/web/widget", "cluster/desk", false, true},
		{"gateway/web/widget", "gateway/web", false, true},
		{"gateway/web/widget", "cluster", false, false},
		{"gateway/web/widget", "cluster/store", false, false},
		{"gateway/web/widget", "cluster/store", true, true},
		{"gateway", "cluster/wire", false, false},
		{"gateway/xmpp/c2s", "gateway/xmpp/element", false, true},
		{"gateway/xmpp/c2s", "gateway/xmpp/xmpptest", false, false},
		{"gateway/xmpp/c2s", "gateway/xmpp/xmpptest", true, true},
		{"gateway", "bridge", false, false},
		{"cluster/desk", "cluster/desk/rota", false, false},
		{"cluster", "cluster/store", false, true},
		{"cluster", "gateway", false, false},
		{"cmd/internal/node", "gateway/xmpp/c2s", false, true},
		{"cmd/internal/config", "gateway/xmpp/c2s", false, false},
		{"cmd/internal/config", "cluster/desk", false, true},
		{"cmd/refdesk", "cluster", false, false},
		{"cmd/refdesk", "cmd/internal/node", false, true},
	} {
		if why := reason(tc.from, tc.to, tc.inTest); (why == "") != tc.want {
			t.Errorf("%s → %s (test: %v): got %q", tc.from, tc.to, tc.inTest, why)
		}
	}
}

// draw makes the drawing: the layers from the top down, without the rooms that aren't built yet.
func draw(built []pkg) string {
	var b strings.Builder
	b.WriteString("```\n")
	for n, l := range slices.Backward(layers()) {
		var rooms []string
		for _, r := range l.rooms {
			if slices.ContainsFunc(built, func(p pkg) bool {
				below, all := strings.CutSuffix(r, "/**")
				return p.path() == r || all && (p.path() == below || strings.HasPrefix(p.path(), below+"/"))
			}) {
				rooms = append(rooms, r)
			}
		}
		fmt.Fprintf(&b, "%d  %s\n", n, l.what)
		for line := range slices.Chunk(rooms, 4) {
			fmt.Fprintf(&b, "     %s\n", strings.Join(line, "   "))
		}
		if n > 0 {
			b.WriteString("        ↓\n")
		}
	}
	return b.String() + "```\n"
}

const (
	drawingStart = "<!-- layers: made by cmd/internal/house, go test ./cmd/internal/house -run Drawing -update -->\n"
	drawingEnd   = "<!-- end of layers -->"
)

func TestDrawing(t *testing.T) {
	file := filepath.Join(root(t), "docs/architecture.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), drawingStart)
	drawn, after, ok2 := strings.Cut(rest, drawingEnd)
	if !ok || !ok2 {
		t.Fatalf("docs/architecture.md has no %q … %q", drawingStart, drawingEnd)
	}
	want := draw(packages(t))
	if *update {
		if err := os.WriteFile(file, []byte(before+drawingStart+want+drawingEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if drawn != want {
		t.Errorf("the drawing in docs/architecture.md is not the table; write it with -update. Want:\n%s", want)
	}
	if n := strings.Count(string(text), "\n"); n > 120 {
		t.Errorf("docs/architecture.md has %d lines; it stays useful below 120", n)
	}
}
