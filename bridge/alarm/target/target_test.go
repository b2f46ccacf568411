// SPDX-License-Identifier: Apache-2.0

package target

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Target{
		"mail front@library.example":                      {Kind: Mail, Address: "front@library.example"},
		"#reference teams https://hooks.example/a":        {Department: "reference", Kind: Teams, URL: "https://hooks.example/a"},
		" slack   http://127.0.0.1:8/x ":                  {Kind: Slack, URL: "http://127.0.0.1:8/x"},
		"ntfy https://ntfy.example/desk":                  {Kind: Ntfy, URL: "https://ntfy.example/desk"},
		"webhook http://localhost/x":                      {Kind: Hook, URL: "http://localhost/x"},
		"matrix https://m.example/ !abc:m.example /etc/t": {Kind: Matrix, URL: "https://m.example", Room: "!abc:m.example", TokenFile: "/etc/t"},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "a kind and an address", "teams": "a kind and an address", "#": "followed by a department", "#reference": "a kind and an address",
		"pigeon https://x.example": "not one of", "teams http://hooks.example/a": "https://", "slack ftp://x": "https://", "slack x": "no URL",
		"mail nobody": "no address", "mail Ann <a@b.example>": "not one of", "teams https://u:p@x.example/": "no URL",
		"matrix https://m.example room": "matrix takes", "matrix https://m.example room /t": "no id of a room",
		"matrix https://m.example !r:x t":                           "the whole path",
		"slack https://x.example/" + strings.Repeat("x", maxTarget): "longer than",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("#reference teams https://hooks.example/a")
	f.Add("matrix https://m.example !a:b /t")
	f.Fuzz(func(t *testing.T, text string) {
		x, err := Parse(text)
		if err == nil && x.Kind != Mail && !strings.HasPrefix(x.URL, "http") {
			t.Errorf("%q: %+v", text, x)
		}
		_ = x.String()
	})
}
