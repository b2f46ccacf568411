// SPDX-License-Identifier: Apache-2.0

// Package mailtest holds what the tests of the mail door share: a desk in memory with terms and a clock, blobs in memory,
// and starters for Postfix and Dovecot as Debian packages them. The starters need neither systemd nor any of the
// machine's own configuration; they listen on loopback, on ports picked free, and are gone at the end of the test. A
// program that isn't there skips the test by name, or fails it where CI=true.
package mailtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Need skips the test unless all programs are there; with CI=true it fails.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if find(p) == "" {
			lack(t, p+" is not installed")
		}
	}
}

// NeedRoot skips the test unless it runs as root: Postfix and Dovecot drop to other users.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		lack(t, "the mail servers can be started by root only")
	}
}

func lack(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// find looks for a program, also where only root's path leads.
func find(name string) string {
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if p := filepath.Join(dir, name); exec.Command("test", "-x", p).Run() == nil {
			return p
		}
	}
	return ""
}

// folder makes a folder that other users may pass through, with a path short enough for sockets.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rdm")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logs(t, dir)
		}
		_ = os.RemoveAll(dir)
	})
	return dir
}

// logs shows what the servers wrote, when a test has failed.
func logs(t testing.TB, dir string) {
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return
	}
	for _, n := range names {
		if data, err := os.ReadFile(n); err == nil {
			t.Logf("%s:\n%s", filepath.Base(n), data[max(0, len(data)-8000):])
		}
	}
}

// FreePort picks a port that nothing listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// write writes a file of a server's configuration.
func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs a program to its end. What it says goes to a file: a server that it leaves behind would keep a pipe open.
func run(t testing.TB, name string, args ...string) {
	t.Helper()
	out, err := os.CreateTemp("", "rdm-out")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(out.Close(), os.Remove(out.Name())) }()
	cmd := exec.Command(find(name), args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		t.Fatalf("%s %v: %v\n%s", name, args, err, said)
	}
}

// greets waits until a server on a port says its first word.
func greets(t testing.TB, port int) {
	t.Helper()
	Eventually(t, fmt.Sprintf("port %d greets", port), func() bool {
		c, err := net.DialTimeout("tcp", Loopback(port), time.Second)
		if err != nil {
			return false
		}
		defer func() { _ = c.Close() }()
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		n, _ := c.Read(make([]byte, 3))
		return n > 0
	})
}

// Loopback is the address of a port on this machine.
func Loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// Eventually looks again and again until something outside the process has happened, for 30 s at most. There is nothing
// to wait for by a channel where another program does the work.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	end := time.NewTimer(30 * time.Second)
	defer end.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-end.C:
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}
