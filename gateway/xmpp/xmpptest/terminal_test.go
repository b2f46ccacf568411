// SPDX-License-Identifier: Apache-2.0

package xmpptest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Everything that staff type has to reach the program as it is, or the tests that drive real clients test nothing.
func TestTerminalTypesEveryByte(t *testing.T) {
	file := filepath.Join(t.TempDir(), "typed")
	term := openTerminal(t, nil, []string{"/usr/bin/tee", file})
	lines := []string{"plain", "ends in ;", "Grüße 👋 مرحبا", `<b>&amp;</b> "$HOME" \n 'x'`, "#{pane_pid} ~.", "C-c Enter", "-n", strings.Repeat("long ", 60)}
	for _, l := range lines {
		term.Type(l)
	}
	want := strings.Join(lines, "\n") + "\n"
	until(t, func() bool { b, _ := os.ReadFile(file); return len(b) >= len(want) }, term.Screen)
	b, err := os.ReadFile(file)
	if err != nil || string(b) != want {
		t.Errorf("got %q, %v; want %q", b, err, want)
	}
	term.WaitScreen("Grüße 👋")
}

func TestNeed(t *testing.T) {
	absent := func() (string, bool) { return "", false }
	for name, tc := range map[string]struct {
		ci   string
		want func(*testing.T) bool
	}{
		"skips": {"", (*testing.T).Skipped},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CI", tc.ci)
			var inner *testing.T
			t.Run("inner", func(t *testing.T) {
				inner = t
				need(t, "no-such-program", absent)
			})
			if !tc.want(inner) {
				t.Error("the test went on")
			}
		})
	}
	if path := need(t, "sh", func() (string, bool) { return program("sh") }); path == "" {
		t.Error("sh was not found")
	}
}
