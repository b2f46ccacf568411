// SPDX-License-Identifier: Apache-2.0

package xmpptest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// FindTmux says where tmux is.
func FindTmux() (path string, ok bool) { return program("tmux") }

// Terminal is a program with a text screen, run in a tmux of its own.
type Terminal struct {
	tb   testing.TB
	tmux string
	name string
}

// openTerminal runs argv with the environment env (nothing else but PATH) on a screen of 200 × 50. It ends with the test.
func openTerminal(tb testing.TB, env, argv []string) *Terminal {
	tb.Helper()
	dir := tb.TempDir()
	t := &Terminal{tb, need(tb, "tmux", FindTmux), "refdesk-" + strings.Trim(strings.ReplaceAll(filepath.ToSlash(dir), "/", "-"), "-")}
	if len(t.name) > 80 { // the name is part of a socket's address
		t.name = "refdesk-" + fmt.Sprintf("%x", hash(t.name))
	}
	args := []string{"-f", "/dev/null", "-u", "new-session", "-d", "-x", "200", "-y", "50", "env", "-i", "PATH=/usr/bin:/bin", "TERM=screen", "LC_ALL=C.UTF-8"}
	t.run("", append(append(args, env...), argv...)...)
	pid := strings.TrimSpace(t.run("", "display-message", "-p", "#{pane_pid}"))
	tb.Cleanup(func() {
		if tb.Failed() {
			if screen, err := t.try("", "capture-pane", "-p"); err == nil {
				tb.Logf("screen of %s:\n%s", filepath.Base(argv[0]), strings.TrimSpace(screen))
			}
		}
		_, _ = t.try("", "kill-server") // the program may have ended, and tmux with it
		// Only a program that is gone writes no more into the test's folders.
		until(tb, func() bool { _, err := os.Readlink("/proc/" + pid + "/exe"); return err != nil }, func() string {
			return filepath.Base(argv[0]) + " doesn't end"
		})
	})
	return t
}

// Type types one line of text and then Enter.
func (t *Terminal) Type(line string) {
	t.tb.Helper()
	t.run(line, "load-buffer", "-")
	t.run("", "paste-buffer", "-d", "-r")
	t.run("", "send-keys", "Enter")
}

// Screen returns the visible text, without the spaces at the ends of lines.
func (t *Terminal) Screen() string {
	t.tb.Helper()
	return t.run("", "capture-pane", "-p")
}

// WaitScreen waits until the text is visible.
func (t *Terminal) WaitScreen(text string) {
	t.tb.Helper()
	until(t.tb, func() bool { return strings.Contains(t.Screen(), text) }, func() string {
		return fmt.Sprintf("%q is not on the screen:\n%s", text, t.Screen())
	})
}

func (t *Terminal) run(input string, args ...string) string {
	t.tb.Helper()
	out, err := t.try(input, args...)
	if err != nil {
		t.tb.Fatalf("tmux %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

func (t *Terminal) try(input string, args ...string) (string, error) {
	cmd := exec.Command(t.tmux, append([]string{"-L", t.name}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// hash is FNV-1a.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
