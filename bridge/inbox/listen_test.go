// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"refdesk/cluster/desk"
)

// listening starts the listener; the returned function ends it and says what Run answered.
func (r *rig) listening(lmtp bool) (addr string, end func() error) {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- NewListener(r.door, lmtp).Run(ctx, l) }()
	var err2 error
	ended := false
	end = func() error {
		if !ended {
			cancel()
			err2, ended = <-done, true
		}
		return err2
	}
	r.t.Cleanup(func() { _ = end() })
	return l.Addr().String(), end
}

// client says lines and hears answers.
type client struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
}

func dialTest(t *testing.T, addr string) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	k := &client{t, c, bufio.NewReader(c)}
	k.hear("220")
	return k
}

// hear reads one answer, all its lines, and wants it to begin so.
func (k *client) hear(want string) {
	k.t.Helper()
	for {
		line, err := k.r.ReadString('\n')
		if err != nil {
			k.t.Fatalf("want %s, got %v", want, err)
		}
		if len(line) > 3 && line[3] == '-' {
			continue
		}
		if !strings.HasPrefix(line, want) {
			k.t.Fatalf("want %s, got %s", want, line)
		}
		return
	}
}

func (k *client) say(line, want string) {
	k.t.Helper()
	if _, err := fmt.Fprintf(k.c, "%s\r\n", line); err != nil {
		k.t.Fatal(err)
	}
	k.hear(want)
}

func (k *client) mail(text string) {
	k.t.Helper()
	k.say("DATA", "354")
	if _, err := fmt.Fprintf(k.c, "%s.\r\n", strings.ReplaceAll(text, "\r\n.", "\r\n..")); err != nil {
		k.t.Fatal(err)
	}
}

func TestListenerTakesItsOwnMailOnly(t *testing.T) {
	r := newRig(t)
	addr, _ := r.listening(false)
	k := dialTest(t, addr)
	k.say("EHLO mx.patron.test", "250")
	k.say("MAIL FROM:<alice@patron.test>", "250")
	for to, want := range map[string]string{
		"help@desk.test":                                  "250",
		"HELP@Desk.Test":                                  "250",
		"postmaster@desk.test":                            "250",
		"digital+t1.aabcdefghijklmnop@desk.test":          "250",
		r.keys.BounceAddress(1, "desk.test"):              "250",
		"bounce+1.aaaaaaaaaaaaaaaaa@desk.test":            "550 5.1.1",
		"nobody@desk.test":                                "550 5.1.1",
		"help@patron.test":                                "550 5.7.1",
		"help%patron.test@other.test":                     "550 5.7.1",
		`"help@patron.test"@desk.test`:                    "550 5.7.1",
		"help@desk.test.evil.example":                     "550 5.7.1",
		"+t1.aaaaaaaaaaaaaaaaa@desk.test":                 "550 5.7.1",
		strings.Repeat("x", 400) + "@desk.test":           "550 5.7.1",
		"reference@" + strings.Repeat("a.", 300):          "550 5.7.1",
		"help@sub.desk.test":                              "550 5.7.1",
		"help@desk.test@evil.example":                     "550 5.7.1",
		"reference+x+y+z@desk.test":                       "250",
		"staff-ana@desk.test":                             "550 5.1.1",
		"digital.learning@desk.test":                      "550 5.1.1",
		"help+" + strings.Repeat("t", 200) + "@desk.test": "250",
	} {
		k.say("RCPT TO:<"+to+">", want)
	}
	k.mail(letter("1", "Hello"))
	k.hear("250")
	if n := len(r.desk.Tickets()); n != 2 {
		t.Errorf("%d tickets, want 2: one a department", n)
	}
	k.say("MAIL FROM:<>", "250")
	k.say("RCPT TO:<help@desk.test>", "250")
	k.mail(letter("2", "I am away"))
	k.hear("250")
	all := r.desk.Tickets()
	if e := r.desk.Entries(all[len(all)-1].Number); len(e) != 1 || !e[0].Auto {
		t.Errorf("a mail of the null sender became %+v, want a program's, not acknowledged", e)
	}
}

func TestListenerRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ mail, want string }{
		"a bare LF, which some servers take for a line's end": {"Subject: x\n\r\n\r\nx\r\n", "554 5.6.0"},
		"a bare LF at what may be the end":                    {"Subject: x\r\n\r\nx\n.\r\nMAIL FROM:<evil@x.example>\r\n", "554 5.6.0"},
		"a bare CR":                                           {"Subject: x\r\n\r\nx\ry\r\n", "554 5.6.0"},
		"a mail that goes round":                              {strings.Repeat("Received: x\r\n", 40) + "\r\nx\r\n", "554 5.4.6"},
		"a mail over the limit":                               {"Subject: x\r\n\r\n" + strings.Repeat("0123456789\r\n", 1000), "552 5.3.4"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.door.cfg.MaxSize = 10000
			addr, _ := r.listening(false)
			k := dialTest(t, addr)
			k.say("HELO x", "250")
			k.say("MAIL FROM:<a@b.example>", "250")
			k.say("RCPT TO:<help@desk.test>", "250")
			k.mail(tc.mail)
			k.hear(tc.want)
			k.say("NOOP", "250")
			if n := len(r.desk.Tickets()); n != 0 {
				t.Errorf("%d tickets", n)
			}
		})
	}
	r := newRig(t)
	addr, _ := r.listening(false)
	k := dialTest(t, addr)
	k.say("EHLO x", "250")
	k.say("MAIL FROM:<a@b.example> SIZE=99999999", "552")
	k.say("AUTH PLAIN AGEAYg==", "5")
	k.say("VRFY help", "252")
}

// TestListenerAnswersAfterTheCommit: 250 is a promise.
func TestListenerAnswersAfterTheCommit(t *testing.T) {
	r := newRig(t)
	addr, _ := r.listening(false)
	send := func(want string) {
		k := dialTest(t, addr)
		k.say("HELO x", "250")
		k.say("MAIL FROM:<alice@patron.test>", "250")
		k.say("RCPT TO:<help@desk.test>", "250")
		k.mail(letter("1", "x"))
		k.hear(want)
	}
	r.desk.Before(func(desk.Command) error { return &desk.Error{Code: desk.NoQuorum} })
	send("451")
	r.desk.Before(nil)
	r.desk.After(func(desk.Command) error { return errors.New("the node died") })
	send("451")
	r.desk.After(nil)
	send("250")
	if n := len(r.desk.Tickets()); n != 1 {
		t.Errorf("%d tickets, want 1", n)
	}
}

func TestLMTPAnswersForEachRecipient(t *testing.T) {
	r := newRig(t)
	addr, _ := r.listening(true)
	k := dialTest(t, addr)
	k.say("LHLO mx", "250")
	k.say("MAIL FROM:<alice@patron.test>", "250")
	for _, to := range []string{"help@desk.test", "digital@desk.test", "reference@desk.test"} {
		k.say("RCPT TO:<"+to+">", "250")
	}
	r.desk.Before(func(c desk.Command) error {
		if x, ok := c.(*desk.IngestMail); ok && x.Department == "digital" {
			return &desk.Error{Code: desk.NoQuorum}
		}
		return nil
	})
	k.mail(letter("1", "x"))
	k.hear("250")
	k.hear("451")
	k.hear("250")
}

func TestListenerEnds(t *testing.T) {
	r := newRig(t)
	addr, end := r.listening(false)
	k := dialTest(t, addr)
	k.say("HELO x", "250")
	k.say("MAIL FROM:<a@b.example>", "250")
	k.say("RCPT TO:<help@desk.test>", "250")
	k.say("DATA", "354")
	if err := end(); err != nil { // with a mail half way in
		t.Error(err)
	}
	if _, err := k.r.ReadString('\n'); err == nil {
		if _, err := k.r.ReadString('\n'); err == nil {
			t.Error("the connection lives on")
		}
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("it still listens")
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lim := newLimited(l, 1)
	first, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	second, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	one, err := lim.Accept()
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan net.Conn)
	go func() {
		two, err := lim.Accept()
		if err != nil {
			t.Error(err)
		}
		got <- two
	}()
	select {
	case <-got:
		t.Error("a second connection beside the first")
	default:
	}
	_ = one.Close()
	_ = one.Close()
	two := <-got
	_ = lim.Close()
	_ = lim.Close()
	if _, err := two.Read(make([]byte, 1)); err == nil {
		t.Error("Close leaves a connection open")
	}
	_ = two.Close()
	lim.wait()
}
