// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// The limits of the listener. go-smtp sets one deadline for a command with all that belongs to it, so a whole mail has to
// arrive within serveTime. Lines are longer than RFC 5321 allows in many a mail that people wrote.
const (
	serveTime     = 5 * time.Minute
	commitTime    = time.Minute
	maxLine       = 1 << 20
	maxRecipients = 50
	maxSessions   = 50
)

// Listener takes mails in over SMTP or LMTP. It is no relay: it knows the desk's own addresses only.
type Listener struct {
	door *Door
	lmtp bool
}

// NewListener makes a listener; lmtp speaks RFC 2033, as a mail server in front of it may want.
func NewListener(d *Door, lmtp bool) *Listener { return &Listener{d, lmtp} }

// Run serves until ctx ends, and closes l.
func (l *Listener) Run(ctx context.Context, socket net.Listener) error {
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{l: l, ctx: ctx}, nil
	}))
	s.Domain, s.LMTP = l.door.cfg.Domain, l.lmtp
	s.MaxMessageBytes, s.MaxLineLength, s.MaxRecipients = l.door.cfg.MaxSize, maxLine, maxRecipients
	s.ReadTimeout, s.WriteTimeout = serveTime, time.Minute
	s.EnableSMTPUTF8 = true
	s.ErrorLog = quiet{l.door.cfg.Log}
	limited := newLimited(socket, maxSessions)
	defer context.AfterFunc(ctx, func() {
		_ = s.Close() // ends the sessions too: what they had not committed is offered again
		_ = limited.Close()
	})()
	err := s.Serve(limited)
	limited.wait()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve mail: %w", err)
}

// session is one connection.
type session struct {
	l    *Listener
	ctx  context.Context
	from string
	to   []recipient
}

// recipient is one address of ours that a mail is for.
type recipient struct{ addr, department string }

func (s *session) Reset() { s.from, s.to = "", nil }

func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	if o != nil && o.Size > s.l.door.cfg.MaxSize {
		return smtp.ErrDataTooLarge
	}
	if len(from) > 320 || headerSafe(from) != from {
		return reply(553, 5, 1, 7, "that is no sender's address")
	}
	s.from, s.to = from, nil
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	d := s.l.door
	a, ok := parseAddress(to, d.cfg.Domain)
	if !ok {
		return reply(550, 5, 7, 1, "this server takes mail for "+d.cfg.Domain+" only")
	}
	own, departments, err := d.own(s.ctx)
	if err != nil {
		return later()
	}
	id, ok := departments.named(a, own.Keys, to)
	if !ok {
		return reply(550, 5, 1, 1, "there is no such department here")
	}
	s.to = append(s.to, recipient{to, id})
	return nil
}

// Data is SMTP: one answer for all recipients, so only when all are done. What was done already when one fails is known
// the next time.
func (s *session) Data(r io.Reader) error {
	mails, err := s.mails(r)
	if err != nil {
		return err
	}
	defer mails.spool.close()
	var failed error
	for _, department := range mails.departments {
		if err := s.take(mails, department); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// LMTPData answers for each recipient by itself (RFC 2033 §4.2).
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	mails, err := s.mails(r)
	if err != nil {
		return err
	}
	defer mails.spool.close()
	done := map[string]error{}
	for _, department := range mails.departments {
		done[department] = s.take(mails, department)
	}
	for _, to := range s.to {
		status.SetStatus(to.addr, done[to.department])
	}
	return nil
}

// mails is one mail with the departments it is for.
type mails struct {
	spool       *spool
	departments []string
	to          map[string][]string
}

// mails reads a mail to disk. Its trace lines name the recipients of all departments: the tokens are the desk's own.
func (s *session) mails(r io.Reader) (*mails, error) {
	m := &mails{to: map[string][]string{}}
	var all []string
	for _, to := range s.to {
		if m.to[to.department] == nil {
			m.departments = append(m.departments, to.department)
		}
		m.to[to.department] = append(m.to[to.department], to.addr)
		all = append(all, to.addr)
	}
	d := s.l.door
	lines := &strict{r: r}
	sp, err := d.spool(trace(Envelope{Mailbox: s.l.protocol(), From: &s.from, To: all}, d.cfg.Domain, d.cfg.Now()), lines)
	switch {
	case lines.bare:
		if sp != nil {
			sp.close()
		}
		return nil, reply(554, 5, 6, 0, "lines end with CR LF; this mail has others") // what looks like two mails to one server is one to the next
	case errors.Is(err, smtp.ErrDataTooLarge):
		return nil, smtp.ErrDataTooLarge
	case errors.Is(err, smtp.ErrTooLongLine):
		return nil, reply(554, 5, 6, 0, "a line of the mail is too long")
	case err != nil:
		d.cfg.Log.Debug("a mail broke off", "err", err)
		return nil, later()
	}
	m.spool = sp
	return m, nil
}

func (l *Listener) protocol() string {
	if l.lmtp {
		return "lmtp"
	}
	return "smtp"
}

// take commits the mail for one department.
func (s *session) take(m *mails, department string) error {
	ctx, cancel := context.WithTimeout(s.ctx, commitTime)
	defer cancel()
	d := s.l.door
	_, err := d.take(ctx, Envelope{
		Mailbox: s.l.protocol(), Department: department, To: m.to[department], From: &s.from, Received: d.cfg.Now(),
	}, m.spool)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrLoop):
		return reply(554, 5, 4, 6, "the mail goes round")
	}
	d.cfg.Log.Warn("a mail was not taken; its sender offers it again", "err", err)
	return later()
}

func later() error { return reply(451, 4, 3, 0, "not now; try again later") }

func reply(code, a, b, c int, text string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{a, b, c}, Message: text}
}

// strict notices LF without CR and CR without LF (RFC 5321 §2.3.8). Servers that take them for line ends see other mails
// in the same bytes.
type strict struct {
	r    io.Reader
	cr   bool
	bare bool
}

func (s *strict) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	for b := p[:n]; len(b) > 0 && !s.bare; {
		if s.cr {
			s.bare, s.cr = b[0] != '\n', false
			b = b[1:]
			continue
		}
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			break
		}
		s.cr, s.bare = b[i] == '\r', b[i] == '\n'
		b = b[i+1:]
	}
	return n, err
}

// quiet passes what go-smtp says on to the log, for those who look for it.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, v ...any) {
	q.log.Debug("mail listener", "said", strings.TrimSpace(fmt.Sprintf(format, v...)))
}

func (q quiet) Println(v ...any) {
	q.log.Debug("mail listener", "said", strings.TrimSpace(fmt.Sprintln(v...)))
}
