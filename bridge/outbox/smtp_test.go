// SPDX-License-Identifier: Apache-2.0

package outbox

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// server is a mail server that says what the test wants: the answer to a command is found by its beginning.
type server struct {
	t       *testing.T
	l       net.Listener
	answers map[string]string // "" = the connection ends

	mu    sync.Mutex
	heard []string // commands
	mails []string // data that a dot ended
	cut   []string // data that nothing ended
	conns int
	wg    sync.WaitGroup
}

func newServer(t *testing.T, answers map[string]string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, l: l, answers: answers}
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.wg.Wait()
	})
	return s
}

func (s *server) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	s.mu.Lock()
	s.conns++
	s.mu.Unlock()
	r := bufio.NewReader(c)
	fmt.Fprint(c, s.answer("GREETING", "220 test\r\n"))
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		s.mu.Lock()
		s.heard = append(s.heard, line)
		s.mu.Unlock()
		usual := "250 2.0.0 ok\r\n"
		switch {
		case strings.HasPrefix(line, "EHLO"):
			usual = "250-test\r\n250-DSN\r\n250-AUTH PLAIN\r\n250 SIZE 1000000\r\n"
		case strings.HasPrefix(line, "AUTH"):
			usual = "235 2.7.0 welcome\r\n"
		case line == "DATA":
			usual = "354 go on\r\n"
		}
		answer := s.answer(line, usual)
		if answer == "" {
			return
		}
		fmt.Fprint(c, answer)
		if line == "DATA" && strings.HasPrefix(answer, "354") && !s.data(c, r) {
			return
		}
		if line == "QUIT" {
			return
		}
	}
}

func (s *server) data(c net.Conn, r *bufio.Reader) bool {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		s.mu.Lock()
		switch {
		case err != nil:
			s.cut = append(s.cut, b.String())
		case line == ".\r\n":
			s.mails = append(s.mails, b.String())
		}
		s.mu.Unlock()
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(line)
	}
	answer := s.answer("DOT", "250 2.0.0 Ok: queued as 4B3F0C\r\n")
	fmt.Fprint(c, answer)
	return answer != ""
}

func (s *server) answer(line, usual string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, answer := -1, usual
	for begin, a := range s.answers {
		if strings.HasPrefix(line, begin) && len(begin) > best {
			best, answer = len(begin), a
		}
	}
	return answer
}

func (s *server) set(begin, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[begin] = answer
}

func (s *server) config() Config {
	return Config{Server: s.l.Addr().String(), TLS: NoTLS, Hello: "desk.test", Conversation: 5 * time.Second}
}

var letter = Mail{From: "help@desk.test", To: []string{"alice@patron.test"}, Body: []byte("Subject: x\r\n\r\nhello\r\n.dot\r\n")}

// TestSend walks through what servers answer, and says what follows.
func TestSend(t *testing.T) {
	two := Mail{From: letter.From, To: []string{"alice@patron.test", "bob@patron.test"}, Body: letter.Body}
	for name, tc := range map[string]struct {
		answers map[string]string
		mail    Mail
		want    Result
		err     *Error
		sent    int
	}{
		"taken: the queue id is kept":                   {nil, letter, Result{QueueID: "4B3F0C"}, nil, 1},
		"one recipient unknown: the others get it":      {map[string]string{"RCPT TO:<bob": "550 5.1.1 no such user\r\n"}, two, Result{QueueID: "4B3F0C", Refused: []Refusal{{"bob@patron.test", "550: no such user", true}}}, nil, 1},
		"one recipient busy: to be tried again":         {map[string]string{"RCPT TO:<bob": "450 4.2.1 greylisted\r\n"}, two, Result{QueueID: "4B3F0C", Later: []Refusal{{"bob@patron.test", "450: greylisted", false}}}, nil, 1},
		"all recipients unknown: never, a bad address":  {map[string]string{"RCPT": "550 5.1.1 no such user\r\n"}, two, Result{}, &Error{Kind: Never, Why: "550: no such user", Hard: true}, 0},
		"mailbox full for good: never, a good address":  {map[string]string{"RCPT": "552 5.2.2 mailbox full\r\n"}, letter, Result{}, &Error{Kind: Never, Why: "552: mailbox full"}, 0},
		"all recipients busy: later":                    {map[string]string{"RCPT": "450 4.2.0 greylisted\r\n"}, letter, Result{}, &Error{Kind: Later, Why: "450: greylisted"}, 0},
		"refused for its content: never":                {map[string]string{"DOT": "554 5.7.1 spam\r\n"}, letter, Result{}, &Error{Kind: Never, Why: "554: spam"}, 1},
		"deferred at the dot: later":                    {map[string]string{"DOT": "451 4.3.0 try again\r\n"}, letter, Result{}, &Error{Kind: Later, Why: "451: try again"}, 1},
		"the connection ends at the dot: unsure":        {map[string]string{"DOT": ""}, letter, Result{}, &Error{Kind: Unsure, Why: "the connection ended at the last moment: EOF"}, 1},
		"the connection ends before: the account rests": {map[string]string{"DATA": ""}, letter, Result{}, &Error{Kind: Account, Why: "the connection to the mail server broke: EOF"}, 0},
		"shutting down: the account rests":              {map[string]string{"RCPT": "421 4.3.2 shutting down\r\n"}, letter, Result{}, &Error{Kind: Account, Why: "421: shutting down"}, 0},
		"sign-in wanted: the account rests, lastingly":  {map[string]string{"MAIL": "530 5.7.0 authenticate\r\n"}, letter, Result{}, &Error{Kind: Account, Why: "530: authenticate", Lasting: true}, 0},
		"no greeting: the account rests":                {map[string]string{"GREETING": "554 go away\r\n"}, letter, Result{}, &Error{Kind: Account, Why: "the mail server didn't greet: SMTP error 554: go away"}, 0},
		"letters that the server doesn't take: never":   {nil, Mail{From: letter.From, To: []string{"jürgen@patron.test"}, Body: letter.Body}, Result{}, &Error{Kind: Never, Why: "550: an address has letters that the mail server doesn't take (SMTPUTF8)"}, 0},
		"an address that isn't one is never sent":       {nil, Mail{From: letter.From, To: []string{"a b@patron.test"}, Body: letter.Body}, Result{}, &Error{Kind: Never, Why: "this is no address", Hard: true}, 0},
		"what a server says is one line":                {map[string]string{"DOT": "250-2.0.0 one\r\n250 2.0.0 two\r\n"}, letter, Result{QueueID: "2.0.0 one 2.0.0 two"}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.answers == nil {
				tc.answers = map[string]string{}
			}
			s := newServer(t, tc.answers)
			w := NewSMTP(s.config())
			defer func() { _ = w.Close() }()
			got, err := w.Send(t.Context(), tc.mail, Asked{})
			var e *Error
			if errors.As(err, &e) {
				e = &Error{Kind: e.Kind, Why: e.Why, Hard: e.Hard, Lasting: e.Lasting}
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("result (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.err, e); d != "" {
				t.Errorf("error (-want +got):\n%s", d)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.mails) != tc.sent {
				t.Errorf("the server got %d mails, want %d", len(s.mails), tc.sent)
			}
			if tc.sent == 1 && s.mails[0] != "Subject: x\r\n\r\nhello\r\n..dot\r\n" {
				t.Errorf("the server got %q", s.mails[0])
			}
		})
	}
}

func TestClaimLostOnTheWay(t *testing.T) {
	lost := errors.New("another leads")
	for name, tc := range map[string]struct {
		ask   Asked
		heard string
		cut   int
	}{
		"before DATA: nothing is sent":        {Asked{Data: func(context.Context) error { return lost }}, "DATA", 0},
		"before the dot: no dot is ever sent": {Asked{Dot: func(context.Context) error { return lost }}, "QUIT", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, map[string]string{})
			w := NewSMTP(s.config())
			if _, err := w.Send(t.Context(), letter, tc.ask); !errors.Is(err, lost) {
				t.Fatalf("got %v, want the answer of who was asked", err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			_ = s.l.Close()
			s.wg.Wait()
			if len(s.mails) != 0 || len(s.cut) != tc.cut {
				t.Errorf("the server got %d mails and %d unfinished ones, want 0 and %d", len(s.mails), len(s.cut), tc.cut)
			}
			for _, h := range s.heard {
				if h == tc.heard {
					t.Errorf("the server heard %s", h)
				}
			}
		})
	}
}

func TestOneConnectionForManyMails(t *testing.T) {
	s := newServer(t, map[string]string{})
	w := NewSMTP(s.config())
	for range mailsPerConnection + 1 {
		if _, err := w.Send(t.Context(), letter, Asked{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if s.conns != 2 {
		t.Errorf("%d connections for %d mails, want 2: a new one after %d", s.conns, mailsPerConnection+1, mailsPerConnection)
	}
}

func TestConnectionThatEndedMeanwhile(t *testing.T) {
	s := newServer(t, map[string]string{})
	w := NewSMTP(s.config())
	defer func() { _ = w.Close() }()
	if _, err := w.Send(t.Context(), letter, Asked{}); err != nil {
		t.Fatal(err)
	}
	s.set("RSET", "")
	if _, err := w.Send(t.Context(), letter, Asked{}); err != nil {
		t.Fatalf("the second mail: %v; a connection that the server ended is no fault of the mail", err)
	}
}

func TestSenderThatTheServerDoesNotAllow(t *testing.T) {
	s := newServer(t, map[string]string{"MAIL FROM:<bounce+": "553 5.7.1 not your address\r\n"})
	w := NewSMTP(s.config())
	defer func() { _ = w.Close() }()
	m := letter
	m.From, m.Plain = "bounce+1.abc@desk.test", "help@desk.test"
	for range 2 {
		if _, err := w.Send(t.Context(), m, Asked{}); err != nil {
			t.Fatal(err)
		}
	}
	var from []string
	for _, h := range s.heard {
		if strings.HasPrefix(h, "MAIL") {
			a, _, _ := strings.Cut(h, " SIZE")
			from = append(from, a)
		}
	}
	want := []string{"MAIL FROM:<bounce+1.abc@desk.test>", "MAIL FROM:<help@desk.test>", "MAIL FROM:<help@desk.test>"}
	if d := cmp.Diff(want, from); d != "" {
		t.Errorf("the senders (-want +got):\n%s", d)
	}
}

func TestConversationHasALimit(t *testing.T) {
	s := newServer(t, map[string]string{})
	s.set("RCPT", "250-wait\r\n") // and never the last line
	c := s.config()
	c.Conversation = 200 * time.Millisecond
	w := NewSMTP(c)
	defer func() { _ = w.Close() }()
	began := time.Now()
	_, err := w.Send(t.Context(), letter, Asked{})
	var e *Error
	if !errors.As(err, &e) || e.Kind != Account {
		t.Fatalf("got %v, want the account to rest", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v, the limit was 200 ms", took)
	}
}

func TestTheEndOfATermEndsTheConversation(t *testing.T) {
	s := newServer(t, map[string]string{})
	s.set("RCPT", "250-wait\r\n")
	w := NewSMTP(s.config())
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	if _, err := w.Send(ctx, letter, Asked{}); err == nil {
		t.Fatal("sent by nobody")
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it went on for %v", took)
	}
	_ = w.Close()
}

func TestSignIn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, map[string]string{})
	c := s.config()
	c.User, c.PasswordFile = "desk", file
	send := func() error {
		w := NewSMTP(c)
		defer func() { _ = w.Close() }()
		_, err := w.Send(t.Context(), letter, Asked{})
		return err
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	want := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00desk\x00secret"))
	if !strings.Contains(strings.Join(s.heard, "\n"), want) {
		t.Errorf("the server never heard %q in %q", want, s.heard)
	}
	s.set("AUTH", "535 5.7.8 no\r\n")
	var e *Error
	if err := send(); !errors.As(err, &e) || e.Kind != Account || !e.Lasting {
		t.Errorf("a wrong password: got %v, want a lasting fault of the account", err)
	}
	s.set("AUTH", "454 4.7.0 not now\r\n")
	if err := send(); !errors.As(err, &e) || e.Kind != Account || e.Lasting {
		t.Errorf("a sign-in that doesn't work just now: got %v, want a fault that passes", err)
	}
	c.PasswordFile = file + ".missing"
	if err := send(); !errors.As(err, &e) || !e.Lasting {
		t.Errorf("no password: got %v", err)
	}
}

func TestNothingGoesInTheClear(t *testing.T) {
	s := newServer(t, map[string]string{})
	c := s.config()
	c.TLS = StartTLS
	_, err := NewSMTP(c).Send(t.Context(), letter, Asked{})
	var e *Error
	if !errors.As(err, &e) || e.Kind != Account || !e.Lasting || len(s.mails) != 0 {
		t.Errorf("a server without STARTTLS: got %v, %d mails; want a lasting fault and none", err, len(s.mails))
	}
	if Loopback("mail.example") || Loopback("192.0.2.1") || !Loopback("127.0.0.1") || !Loopback("localhost") {
		t.Error("loopback is this machine, and nothing else is")
	}
}

func TestServerDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_, err = NewSMTP(Config{Server: l.Addr().String(), TLS: NoTLS}).Send(t.Context(), letter, Asked{})
	var e *Error
	if !errors.As(err, &e) || e.Kind != Account || e.Lasting {
		t.Errorf("got %v, want a fault of the account that passes", err)
	}
}

func TestCapture(t *testing.T) {
	asked := ""
	r, err := Capture{}.Send(t.Context(), letter, Asked{
		Data: func(context.Context) error { asked += "data "; return nil },
		Dot:  func(context.Context) error { asked += "dot"; return nil },
	})
	if err != nil || r.QueueID != CaptureID || asked != "data dot" {
		t.Errorf("got %v, %v, asked %q", r, err, asked)
	}
	lost := errors.New("another leads")
	asked = ""
	_, err = Capture{}.Send(t.Context(), letter, Asked{
		Data: func(context.Context) error { return lost },
		Dot:  func(context.Context) error { asked += "dot"; return nil },
	})
	if !errors.Is(err, lost) || asked != "" {
		t.Errorf("got %v, asked %q; want the answer to the first question, and no second", err, asked)
	}
}
