// SPDX-License-Identifier: Apache-2.0

package xmpptest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FindMcabber says where mcabber is.
func FindMcabber() (path string, ok bool) { return program("mcabber") }

// Mcabber is the client of that name, signed in, on a screen of its own.
type Mcabber struct {
	*Terminal
	home string
}

// StartMcabber signs in over STARTTLS, checking the server's certificate, and waits until it is online. It ends with the
// test.
func StartMcabber(tb testing.TB, login Login) *Mcabber {
	tb.Helper()
	path := need(tb, "mcabber", FindMcabber)
	host, port := login.hostPort(tb)
	m := &Mcabber{home: tb.TempDir()}
	histo := filepath.Join(m.home, "histo")
	if err := os.Mkdir(histo, 0o700); err != nil {
		tb.Fatal(err)
	}
	rc := filepath.Join(m.home, "mcabberrc")
	text := fmt.Sprintf("set jid = %s\nset password = %s\nset server = %s\nset port = %s\nset resource = mcabber\n"+
		"set disable_random_resource = 1\nset tls = 1\nset ssl_ca = %s\nset logging = 1\nset logging_dir = %s\nset load_logs = 0\n"+
		"set beep_on_message = 0\n", login.JID, login.Password, host, port, login.CA, histo)
	if err := os.WriteFile(rc, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	m.Terminal = openTerminal(tb, []string{"HOME=" + m.home}, []string{path, "-f", rc})
	m.WaitScreen("Your status has been set: [_>o]")
	return m
}

// Say sends one message to a bare JID.
func (m *Mcabber) Say(jid, text string) {
	m.tb.Helper()
	m.Type("/say_to " + jid + " " + text)
}

// Received returns what came from a bare JID, one line of the history file each: "MR TIME 000 text".
func (m *Mcabber) Received(jid string) []string {
	m.tb.Helper()
	b, err := os.ReadFile(filepath.Join(m.home, "histo", jid))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.tb.Fatal(err)
	}
	var got []string
	for l := range strings.Lines(string(b)) {
		if strings.HasPrefix(l, "MR ") {
			got = append(got, strings.TrimRight(l, "\n"))
		}
	}
	return got
}

// WaitMessage waits until a message from a bare JID has come whose first line contains part, and returns that line.
func (m *Mcabber) WaitMessage(jid, part string) string {
	m.tb.Helper()
	var found string
	until(m.tb, func() bool {
		for _, l := range m.Received(jid) {
			if strings.Contains(l, part) {
				found = l
				return true
			}
		}
		return false
	}, func() string {
		return fmt.Sprintf("no message from %s with %q; so far: %q", jid, part, m.Received(jid))
	})
	return found
}
