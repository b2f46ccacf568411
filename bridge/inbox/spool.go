// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"

	"refdesk/bridge/mail"
)

// spool is a mail in a temporary file. Memory stays small whatever the mail's size; the file is gone from its folder as
// soon as it is open, so that a crash leaves nothing behind.
type spool struct {
	f    *os.File
	size int64
	body [sha256.Size]byte // of what follows the header
}

// spool reads a mail to its end, our trace lines in front.
func (d *Door) spool(head string, r io.Reader) (*spool, error) {
	f, err := os.CreateTemp(d.cfg.Dir, "refdesk-mail-*")
	if err != nil {
		return nil, fmt.Errorf("make room for a mail: %w", err)
	}
	s := &spool{f: f}
	if err := os.Remove(f.Name()); err != nil {
		s.close()
		return nil, fmt.Errorf("make room for a mail: %w", err)
	}
	sum := &afterHeader{h: sha256.New()}
	n, err := io.Copy(io.MultiWriter(f, sum), io.MultiReader(strings.NewReader(head), r))
	if err != nil {
		s.close()
		return nil, fmt.Errorf("read a mail: %w", err)
	}
	s.size = n
	sum.h.Sum(s.body[:0])
	return s, nil
}

func (s *spool) close() { _ = s.f.Close() }

// reader reads the mail from its start.
func (s *spool) reader() (io.Reader, error) {
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read a mail again: %w", err)
	}
	return io.LimitReader(s.f, s.size), nil
}

// parse takes the mail apart; it always gives a message.
func (s *spool) parse(ctx context.Context) *mail.Message {
	r, err := s.reader()
	if err != nil {
		return &mail.Message{Problems: []mail.Problem{mail.ProblemRead}}
	}
	return mail.Parse(ctx, r, mail.Options{})
}

// afterHeader hashes what follows the first empty line.
type afterHeader struct {
	h     hash.Hash
	ends  int // line ends in a row
	below bool
}

func (a *afterHeader) Write(p []byte) (int, error) {
	for i, c := range p {
		switch {
		case a.below:
			a.h.Write(p[i:])
			return len(p), nil
		case c == '\n':
			a.ends++
			a.below = a.ends == 2
		case c != '\r':
			a.ends = 0
		}
	}
	return len(p), nil
}

// trace is what a server that takes a mail writes above it (RFC 5321 §4.4): who sent it and to whom, as the envelope says.
// The recipient is where the ticket's token may stand and nowhere else.
func trace(e Envelope, domain string, now time.Time) string {
	if e.From == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Return-Path: <%s>\r\n", headerSafe(*e.From))
	for _, to := range e.To {
		fmt.Fprintf(&b, "Delivered-To: %s\r\n", headerSafe(to))
	}
	fmt.Fprintf(&b, "Received: by %s with %s; %s\r\n", domain, strings.ToUpper(headerSafe(e.Mailbox)), now.UTC().Format(time.RFC1123Z))
	return b.String()
}

// headerSafe drops what would end a header's line.
func headerSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '<' || r == '>' {
			return -1
		}
		return r
	}, s)
}
