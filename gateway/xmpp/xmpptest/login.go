// SPDX-License-Identifier: Apache-2.0

package xmpptest

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Login is what a real client needs to sign in to an account.
type Login struct {
	JID      string // bare
	Password string // a device password
	Addr     string // host:port of the STARTTLS listener
	CA       string // PEM file of the authority that signed the server's certificate
}

func (l Login) user() string {
	u, _, _ := strings.Cut(l.JID, "@")
	return u
}

func (l Login) hostPort(tb testing.TB) (host, port string) {
	tb.Helper()
	host, port, err := net.SplitHostPort(l.Addr)
	if err != nil {
		tb.Fatalf("address of the XMPP server: %v", err)
	}
	return host, port
}

// programPatience is how long a real program may take for one step, on a slow machine under load.
const programPatience = 30 * time.Second

// program finds an executable in PATH.
func program(name string) (path string, ok bool) {
	path, err := exec.LookPath(name)
	return path, err == nil
}

// need returns what find finds. Where it finds nothing the test is skipped, or fails when CI=true demands everything.
func need(tb testing.TB, name string, find func() (string, bool)) string {
	tb.Helper()
	path, ok := find()
	if ok {
		return path
	}
	if os.Getenv("CI") == "true" {
		tb.Fatalf("%s is not installed", name)
	}
	tb.Skipf("%s is not installed", name)
	return ""
}

// until asks cond about ten times a second until it holds, and fails the test with what describe says when its time is
// over. Real programs give no other sign.
func until(tb testing.TB, cond func() bool, describe func() string) {
	tb.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(programPatience); !cond(); <-tick.C {
		if time.Now().After(end) {
			tb.Fatalf("after %s: %s", programPatience, describe())
		}
	}
}
