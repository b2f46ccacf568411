// SPDX-License-Identifier: Apache-2.0

package xmpptest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FindProfanity says where Profanity is.
func FindProfanity() (path string, ok bool) { return program("profanity") }

// Profanity is the client of that name, signed in, on a screen of its own.
type Profanity struct {
	*Terminal
	home  string
	login Login
}

// StartProfanity signs in over STARTTLS and waits until it is online. It ends with the test.
func StartProfanity(tb testing.TB, login Login) *Profanity {
	tb.Helper()
	path := need(tb, "profanity", FindProfanity)
	host, port := login.hostPort(tb)
	p := &Profanity{home: tb.TempDir(), login: login}
	// 0.13 can't be given an authority's file, only a folder of hashed names: the certificate is taken on trust.
	p.write(tb, "data/profanity/accounts", fmt.Sprintf("[desk]\nenabled=true\njid=%s\nserver=%s\nport=%s\nresource=profanity\npassword=%s\ntls.policy=trust\n",
		login.JID, host, port, login.Password))
	p.write(tb, "config/profanity/profrc", "[connection]\naccount=desk\n[ui]\nsplash=false\noccupants=false\nroster=true\n"+
		"[notifications]\nmessage=off\n[logging]\nchlog=true\ngrlog=false\n[otr]\nlog=off\n")
	p.Terminal = openTerminal(tb, []string{"HOME=" + p.home, "XDG_DATA_HOME=" + p.home + "/data", "XDG_CONFIG_HOME=" + p.home + "/config"}, []string{path})
	p.WaitScreen("logged in successfully")
	return p
}

func (p *Profanity) write(tb testing.TB, name, text string) {
	tb.Helper()
	file := filepath.Join(p.home, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// Say sends one message to a bare JID; the window with it comes to the front.
func (p *Profanity) Say(jid, text string) {
	p.tb.Helper()
	p.Type("/msg " + jid + " " + text)
}

// Log returns what Profanity wrote down of the conversation with a bare JID: every line in either direction, as
// "TIME - NAME: text", text byte for byte.
func (p *Profanity) Log(jid string) string {
	dir := filepath.Join(p.home, "data/profanity/chatlogs", strings.ReplaceAll(p.login.JID, "@", "_at_"), strings.ReplaceAll(jid, "@", "_at_"))
	var all strings.Builder
	files, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			p.tb.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// WaitMessage waits until a message from a bare JID has come whose text contains part, and returns the log so far.
func (p *Profanity) WaitMessage(jid, part string) string {
	p.tb.Helper()
	until(p.tb, func() bool { return strings.Contains(p.Log(jid), part) }, func() string {
		return fmt.Sprintf("no message from %s with %q; so far:\n%s", jid, part, p.Log(jid))
	})
	return p.Log(jid)
}
