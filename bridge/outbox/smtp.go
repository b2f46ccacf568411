// SPDX-License-Identifier: Apache-2.0

package outbox

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// mailsPerConnection is how many mails go over one connection.
const mailsPerConnection = 50

// idleFor is how long a connection is kept for the next mail; servers end it after a while anyway.
const idleFor = 20 * time.Second

// SMTP sends by one account, over one connection at a time. It is used by one goroutine.
type SMTP struct {
	cfg  Config
	c    *smtp.Client
	conn *deadlineConn
	sent int
	last time.Time
	bare bool // the server refuses senders that aren't the account's own address
}

// NewSMTP makes a transport; it dials with the first mail.
func NewSMTP(cfg Config) *SMTP {
	if cfg.Conversation <= 0 {
		cfg.Conversation = time.Minute
	}
	return &SMTP{cfg: cfg}
}

// Close ends the connection.
func (s *SMTP) Close() error {
	if s.c == nil {
		return nil
	}
	s.conn.until(time.Now().Add(2 * time.Second))
	_ = s.c.Quit() // a word of politeness
	return s.drop()
}

// drop closes the connection without a word. What the kernel still holds is thrown away: a dot that arrives minutes later
// would be a second mail.
func (s *SMTP) drop() error {
	if s.c == nil {
		return nil
	}
	if t, ok := s.conn.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // else Close takes the ordinary way
	}
	err := s.conn.Close()
	s.c, s.conn = nil, nil
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

// Send hands a mail over.
func (s *SMTP) Send(ctx context.Context, m Mail, ask Asked) (Result, error) {
	limit := time.Now().Add(s.cfg.Conversation)
	if err := s.connect(ctx, limit); err != nil {
		return Result{}, err
	}
	conn := s.conn
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	out, err := s.converse(ctx, m, ask)
	if s.c == nil {
		return out, err
	}
	if s.sent++; err != nil || s.sent >= mailsPerConnection {
		_ = s.drop()
		return out, err
	}
	s.last = time.Now()
	s.conn.until(s.last.Add(s.cfg.Conversation))
	return out, nil
}

// connect takes the connection that is there if it still answers, else a new one.
func (s *SMTP) connect(ctx context.Context, limit time.Time) error {
	if s.c != nil && time.Since(s.last) < idleFor {
		s.conn.until(limit)
		if s.c.Reset() == nil {
			return nil
		}
	}
	_ = s.drop()
	c, conn, err := dial(ctx, s.cfg, limit)
	if err != nil {
		return err
	}
	s.c, s.conn, s.sent = c, conn, 0
	return nil
}

// converse is one transaction (RFC 5321 §3.3).
func (s *SMTP) converse(ctx context.Context, m Mail, ask Asked) (Result, error) {
	if err := s.from(m); err != nil {
		return Result{}, before(err)
	}
	var out Result
	for _, to := range m.To {
		switch r, later, err := s.to(to); {
		case err != nil:
			return Result{}, before(err)
		case r != nil && later:
			out.Later = append(out.Later, *r)
		case r != nil:
			out.Refused = append(out.Refused, *r)
		}
	}
	if len(out.Later)+len(out.Refused) == len(m.To) {
		return Result{}, nobody(out)
	}
	if err := ask.data(ctx); err != nil {
		return Result{}, err
	}
	w, err := s.c.Data()
	if err != nil {
		return Result{}, before(err)
	}
	if _, err := w.Write(m.Body); err != nil {
		return Result{}, before(err)
	}
	if err := ask.dot(ctx); err != nil {
		return Result{}, err // the connection is closed without a dot: the server forgets all
	}
	took, err := w.CloseWithResponse()
	var said *smtp.SMTPError
	switch {
	case err == nil:
		out.QueueID = queueID(took.StatusText)
		return out, nil
	case errors.As(err, &said):
		return Result{}, withRefused(before(err), out.Refused)
	}
	return Result{}, &Error{Kind: Unsure, Why: oneLine("the connection ended at the last moment: " + err.Error()), Refused: out.Refused, Err: err}
}

// from names the sender: the address that bounces tell the mail by, unless the server allows the account's own alone.
func (s *SMTP) from(m Mail) error {
	options := &smtp.MailOptions{Size: int64(len(m.Body)), Return: smtp.DSNReturnHeaders, UTF8: utf8Needed(m)}
	if options.UTF8 {
		if ok, _ := s.c.Extension("SMTPUTF8"); !ok {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 6, 7}, Message: "an address has letters that the mail server doesn't take (SMTPUTF8)"}
		}
	}
	from := m.From
	if s.bare && m.Plain != "" {
		from = m.Plain
	}
	err := s.c.Mail(from, options)
	var said *smtp.SMTPError
	if errors.As(err, &said) && said.Code/100 == 5 && said.Code != 552 && m.Plain != "" && from != m.Plain {
		if err = s.c.Mail(m.Plain, options); err == nil {
			s.bare = true
		}
	}
	return err
}

// to names a recipient. A refusal is one recipient's; an error ends the conversation.
func (s *SMTP) to(addr string) (r *Refusal, later bool, err error) {
	options := &smtp.RcptOptions{}
	if ascii(addr) {
		options.OriginalRecipientType, options.OriginalRecipient = smtp.DSNAddressTypeRFC822, addr
	}
	if strings.ContainsAny(addr, " \t\r\n<>\x00") || !strings.Contains(addr, "@") {
		return &Refusal{Address: addr, Why: "this is no address", Hard: true}, false, nil
	}
	err = s.c.Rcpt(addr, options)
	var said *smtp.SMTPError
	if err == nil || !errors.As(err, &said) || said.Code == 421 {
		return nil, false, err
	}
	hard := said.EnhancedCode[0] == 5 && said.EnhancedCode[1] == 1 || said.Code == 550 && said.EnhancedCode[0] <= 0
	return &Refusal{Address: addr, Why: words(said), Hard: hard && said.Code/100 == 5}, said.Code/100 == 4, nil
}

// nobody is a mail that the server takes for none of its recipients.
func nobody(out Result) *Error {
	e := &Error{Kind: Never, Refused: out.Refused}
	if len(out.Later) > 0 {
		e.Kind, e.Why = Later, out.Later[0].Why
		return e
	}
	e.Why, e.Hard = out.Refused[0].Why, true
	for _, r := range out.Refused {
		e.Hard = e.Hard && r.Hard
	}
	return e
}

// before is an error from a time when nothing can have been delivered.
func before(err error) *Error {
	var said *smtp.SMTPError
	if !errors.As(err, &said) {
		return &Error{Kind: Account, Why: oneLine("the connection to the mail server broke: " + err.Error()), Err: err}
	}
	e := &Error{Kind: Later, Why: words(said), Err: err}
	switch {
	case said.Code == 421:
		e.Kind = Account
	case said.Code == 530 || said.Code == 534 || said.Code == 535 || said.Code == 538: // RFC 4954 §6
		e.Kind, e.Lasting = Account, true
	case said.Code/100 == 5:
		e.Kind = Never
	}
	return e
}

func withRefused(e *Error, refused []Refusal) *Error {
	e.Refused = refused
	return e
}

// words are what the server said, with its code.
func words(e *smtp.SMTPError) string {
	return oneLine(strings.TrimPrefix(e.Error(), "SMTP error "))
}

// queueID is what the server calls the mail: Postfix says "Ok: queued as 4B3F…". Others are kept as they are.
func queueID(status string) string {
	if _, id, ok := strings.Cut(status, "queued as "); ok {
		status = id
	}
	s := oneLine(status)
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return s
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func utf8Needed(m Mail) bool {
	for _, a := range append([]string{m.From}, m.To...) {
		if !ascii(a) {
			return true
		}
	}
	return false
}
