// SPDX-License-Identifier: Apache-2.0

package xmpptest

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// FindSendxmpp says where go-sendxmpp is.
func FindSendxmpp() (path string, ok bool) { return program("go-sendxmpp") }

// SendOnce signs in with go-sendxmpp, sends text to a bare JID, and signs out.
func SendOnce(tb testing.TB, login Login, jid, text string) {
	tb.Helper()
	cmd := sendxmpp(tb, login, jid)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("go-sendxmpp: %v: %s", err, out)
	}
}

// Listener is go-sendxmpp in its listening mode: it only prints what comes.
type Listener struct {
	tb       testing.TB
	out, err lockedBuffer
}

// StartListener signs in with go-sendxmpp and waits until the server has bound its resource. It ends with the test.
func StartListener(tb testing.TB, login Login) *Listener {
	tb.Helper()
	l := &Listener{tb: tb}
	cmd := sendxmpp(tb, login, "-l", "-d")
	cmd.Stdout, cmd.Stderr = &l.out, &l.err
	if err := cmd.Start(); err != nil {
		tb.Fatalf("go-sendxmpp: %v", err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		_ = cmd.Wait()
		if tb.Failed() {
			tb.Logf("go-sendxmpp received:\n%s", l.err.String())
		}
	})
	until(tb, func() bool { return strings.Contains(l.err.String(), "</jid>") }, func() string {
		return "go-sendxmpp is not signed in: " + l.err.String()
	})
	return l
}

// WaitMessage waits until a line with part has been printed and returns all that was printed: "TIME JID: text" each.
func (l *Listener) WaitMessage(part string) string {
	l.tb.Helper()
	until(l.tb, func() bool { return strings.Contains(l.out.String(), part) }, func() string {
		return fmt.Sprintf("no message with %q; so far:\n%s", part, l.out.String())
	})
	return l.out.String()
}

func sendxmpp(tb testing.TB, login Login, args ...string) *exec.Cmd {
	tb.Helper()
	path := need(tb, "go-sendxmpp", FindSendxmpp)
	cmd := exec.Command(path, append([]string{"-u", login.JID, "-p", login.Password, "-j", login.Addr}, args...)...)
	cmd.Env = []string{"HOME=" + tb.TempDir(), "SSL_CERT_FILE=" + login.CA, "PATH=/usr/bin:/bin"}
	return cmd
}

// lockedBuffer is a bytes.Buffer that a process writes while a test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends p.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns all that was written.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
