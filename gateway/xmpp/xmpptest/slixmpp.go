// SPDX-License-Identifier: Apache-2.0

package xmpptest

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed testdata/slixmpp_client.py
var slixmppClient string

// FindSlixmpp says where the Python is that has slixmpp.
func FindSlixmpp() (path string, ok bool) {
	const python = "/usr/bin/python3" // the distribution's: another one doesn't see its modules
	return python, exec.Command(python, "-c", "import slixmpp").Run() == nil
}

// Event is something that happened to a Slixmpp client. Which fields are set depends on Event: "online", "message",
// "presence", "roster", "commands", "refused", "disconnected".
type Event struct {
	Event     string   `json:"event"`
	JID       string   `json:"jid"` // whom it is about; of "online" one's own full JID
	Type      string   `json:"type"`
	ID        string   `json:"id"`
	Text      string   `json:"text"`      // body, status, name or reason
	Stamp     string   `json:"stamp"`     // XEP-0203, "" when live
	Replaces  string   `json:"replaces"`  // XEP-0308
	Condition string   `json:"condition"` // of a message of type "error"
	Groups    []string `json:"groups"`    // of a roster item; of "commands" the nodes
}

// Slixmpp is a client on that library, signed in.
type Slixmpp struct {
	tb     testing.TB
	in     io.Writer
	stderr lockedBuffer

	mu     sync.Mutex
	events []Event
	more   chan struct{} // closed and replaced at each event
	ended  bool
}

// StartSlixmpp signs in over STARTTLS, checking the server's certificate, and waits until it is online. It ends with the
// test.
func StartSlixmpp(tb testing.TB, login Login) *Slixmpp {
	tb.Helper()
	s := launchSlixmpp(tb, login)
	s.Wait("sign-in", func(e Event) bool { return e.Event == "online" })
	return s
}

func launchSlixmpp(tb testing.TB, login Login) *Slixmpp {
	tb.Helper()
	python := need(tb, "python3-slixmpp", FindSlixmpp)
	host, port := login.hostPort(tb)
	script := filepath.Join(tb.TempDir(), "client.py")
	if err := os.WriteFile(script, []byte(slixmppClient), 0o600); err != nil {
		tb.Fatal(err)
	}
	s := &Slixmpp{tb: tb, more: make(chan struct{})}
	cmd := exec.Command(python, script, login.JID, login.Password, host, port, login.CA)
	cmd.Stderr = &s.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("slixmpp: %v", err)
	}
	s.in = in
	done := make(chan struct{})
	go func() { defer close(done); s.read(out) }()
	tb.Cleanup(func() {
		in.Close() // the script ends with its input
		kill := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		<-done
		_ = cmd.Wait()
		kill.Stop()
		if tb.Failed() {
			tb.Logf("slixmpp as %s saw:\n%s%s", login.user(), s.story(), s.stderr.String())
		}
	})
	return s
}

func (s *Slixmpp) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e Event
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			s.add(func() { s.events = append(s.events, e) })
		}
	}
	s.add(func() { s.ended = true })
}

func (s *Slixmpp) add(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.more)
	s.more = make(chan struct{})
}

// Events returns all that has happened so far.
func (s *Slixmpp) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Wait returns the first event, past ones included, for which match holds. What names it in the failure.
func (s *Slixmpp) Wait(what string, match func(Event) bool) Event {
	s.tb.Helper()
	end := time.NewTimer(programPatience)
	defer end.Stop()
	for {
		s.mu.Lock()
		i, more, ended := slices.IndexFunc(s.events, match), s.more, s.ended
		s.mu.Unlock()
		switch {
		case i >= 0:
			return s.Events()[i]
		case ended:
			s.tb.Fatalf("slixmpp ended before %s: %s", what, s.stderr.String())
		}
		select {
		case <-more:
		case <-end.C:
			s.tb.Fatalf("no %s after %s; so far:\n%s", what, programPatience, s.story())
		}
	}
}

// WaitMessage waits for a message from a bare JID whose text contains part.
func (s *Slixmpp) WaitMessage(jid, part string) Event {
	s.tb.Helper()
	return s.Wait(fmt.Sprintf("message from %s with %q", jid, part), func(e Event) bool {
		from, _, _ := strings.Cut(e.JID, "/")
		return e.Event == "message" && from == jid && strings.Contains(e.Text, part)
	})
}

// Say sends one message.
func (s *Slixmpp) Say(jid, text string) {
	s.tb.Helper()
	s.do(map[string]string{"do": "send", "jid": jid, "text": text})
}

// Show sends presence: "" is available, else "away", "xa", "dnd" or "chat".
func (s *Slixmpp) Show(show, status string) {
	s.tb.Helper()
	s.do(map[string]string{"do": "presence", "type": show, "text": status})
}

// Commands returns the XEP-0050 nodes that a JID offers.
func (s *Slixmpp) Commands(jid string) []string {
	s.tb.Helper()
	s.do(map[string]string{"do": "commands", "jid": jid})
	return s.Wait("list of commands", func(e Event) bool { return e.Event == "commands" && e.JID == jid }).Groups
}

func (s *Slixmpp) do(order map[string]string) {
	s.tb.Helper()
	b, err := json.Marshal(order)
	if err == nil {
		_, err = s.in.Write(append(b, '\n'))
	}
	if err != nil {
		s.tb.Fatalf("slixmpp: %v: %s", err, s.stderr.String())
	}
}

func (s *Slixmpp) story() string {
	var b strings.Builder
	for _, e := range s.Events() {
		fmt.Fprintf(&b, "%s %s %s %q\n", e.Event, e.JID, e.Type, e.Text)
	}
	return b.String()
}
