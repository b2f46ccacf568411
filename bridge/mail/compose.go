// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Draft is an outgoing mail. Everything that differs from mail to mail is in it, so that the same draft gives the same
// bytes on any node, at any time.
type Draft struct {
	From      Address
	ReplyTo   Address // zero: none
	To, Cc    []Address
	Subject   string // of the thread, with or without "Re:" and tag
	Reply     bool   // "Re:" is wanted
	Tag       uint64 // the ticket for [#57] in the subject; 0: none
	Date      time.Time
	MessageID string
	Boundary  string // letters and digits

	InReplyTo  string
	References []string

	Text string
	HTML string // of our own making; "": text only

	Purpose  Purpose
	Ticket   uint64 // X-Refdesk-Ticket; 0: none
	Hop      int    // how often desks have answered each other
	Instance string // this desk, to know its own mail by
	// Unsubscribe is the List-Unsubscribe link of a survey or digest.
	Unsubscribe string
}

// Purpose decides about the headers that keep programs from answering.
type Purpose uint8

// The purposes.
const (
	Answer       Purpose = iota // a person's answer: nothing says that it is automatic
	Acknowledge                 // answers a mail by itself
	Notification                // tells of something
	Digest                      // may be unsubscribed
)

var (
	composedID = regexp.MustCompile(`^<[^<>\s@]{1,400}@[^<>\s@]{1,255}>$`)
	boundaryOK = regexp.MustCompile(`^[0-9A-Za-z]{8,60}$`)
	addrOK     = regexp.MustCompile(`^[^\s<>()\[\]\\,;:@"]{1,128}@[^\s<>()\[\]\\,;:@"]{1,255}$`)
	replyWord  = regexp.MustCompile(`(?i)^\s*((re|aw|antw|sv|vs|ref|rif|odp|ynt|res|enc|回复|回覆|答复|返信|rv|tr|wg|fw|fwd)\s*(\[\d+\]|\(\d+\))?\s*[:：]\s*)+`)
	anyTag     = regexp.MustCompile(`\s*\[#\d{1,19}\]`)
)

// Compose makes the bytes of a mail, with CRLF line ends. It refuses what would not be one mail: no recipient, an address
// with a line break in it.
func Compose(d Draft) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	w := &composer{}
	w.head(d)
	plain := flow(d.Text)
	if d.HTML == "" {
		w.field("Content-Type", "text/plain; charset=utf-8; format=flowed")
		w.field("Content-Transfer-Encoding", "quoted-printable")
		w.b.WriteString("\r\n")
		w.b.Write(quotedPrintable(plain))
		return w.b.Bytes(), nil
	}
	w.field("Content-Type", `multipart/alternative; boundary="`+d.Boundary+`"`)
	w.b.WriteString("\r\n")
	for _, part := range []struct{ kind, text string }{{"text/plain; charset=utf-8; format=flowed", plain}, {"text/html; charset=utf-8", d.HTML}} {
		fmt.Fprintf(&w.b, "--%s\r\n", d.Boundary)
		w.field("Content-Type", part.kind)
		w.field("Content-Transfer-Encoding", "quoted-printable")
		w.b.WriteString("\r\n")
		w.b.Write(quotedPrintable(part.text))
		w.b.WriteString("\r\n")
	}
	fmt.Fprintf(&w.b, "--%s--\r\n", d.Boundary)
	return w.b.Bytes(), nil
}

func (d Draft) check() error {
	var errs []error
	if len(d.To)+len(d.Cc) == 0 {
		errs = append(errs, errors.New("no recipient"))
	}
	all := append(append([]Address{d.From}, d.To...), d.Cc...)
	if d.ReplyTo.Addr != "" {
		all = append(all, d.ReplyTo)
	}
	for _, a := range all {
		if !addrOK.MatchString(a.Addr) || !utf8.ValidString(a.Addr) || oneLine(a.Addr) != a.Addr {
			errs = append(errs, fmt.Errorf("%q is not an address", a.Addr))
		}
	}
	if !composedID.MatchString(d.MessageID) {
		errs = append(errs, fmt.Errorf("%q is not a Message-ID", d.MessageID))
	}
	if d.HTML != "" && !boundaryOK.MatchString(d.Boundary) {
		errs = append(errs, fmt.Errorf("%q is not a boundary", d.Boundary))
	}
	if d.Date.IsZero() {
		errs = append(errs, errors.New("no date"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("compose mail: %w", err)
	}
	return nil
}

type composer struct{ b bytes.Buffer }

func (w *composer) head(d Draft) {
	w.field("Date", d.Date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	w.field("From", mailbox(d.From))
	if d.ReplyTo.Addr != "" {
		w.field("Reply-To", mailbox(d.ReplyTo))
	}
	w.list("To", d.To)
	w.list("Cc", d.Cc)
	w.field("Subject", encodeText(subject(d), len("Subject: ")))
	w.field("Message-ID", d.MessageID)
	if composedID.MatchString(d.InReplyTo) {
		w.field("In-Reply-To", d.InReplyTo)
	}
	if refs := references(d.References, d.InReplyTo); len(refs) > 0 {
		w.b.WriteString("References: " + strings.Join(refs, "\r\n ") + "\r\n")
	}
	switch d.Purpose {
	case Answer:
		w.field("X-Auto-Response-Suppress", "OOF, AutoReply")
	case Acknowledge:
		w.field("Auto-Submitted", "auto-replied")
		w.field("X-Auto-Response-Suppress", "All")
		w.field("Precedence", "bulk") // for responders older than RFC 3834
	case Notification, Digest:
		w.field("Auto-Submitted", "auto-generated")
		w.field("X-Auto-Response-Suppress", "All")
	}
	if link := header(d.Unsubscribe); d.Purpose == Digest && strings.HasPrefix(link, "https://") && !strings.ContainsAny(link, "<> ") {
		w.field("List-Unsubscribe", "<"+link+">")
		w.field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // RFC 8058
	}
	if d.Ticket != 0 {
		w.field("X-Refdesk-Ticket", strconv.FormatUint(d.Ticket, 10))
	}
	w.field("X-Refdesk-Hop", strconv.Itoa(max(0, d.Hop)))
	if id := token(d.Instance); id != "" {
		w.field("X-Refdesk-Instance", id)
	}
	w.field("MIME-Version", "1.0")
}

// field writes a field. Values come here without line breaks, or with those of encodeText.
func (w *composer) field(name, value string) { fmt.Fprintf(&w.b, "%s: %s\r\n", name, value) }

// list writes addresses, one a line.
func (w *composer) list(name string, all []Address) {
	if len(all) == 0 {
		return
	}
	lines := make([]string, len(all))
	for i, a := range all {
		lines[i] = mailbox(a)
	}
	w.field(name, strings.Join(lines, ",\r\n "))
}

// mailbox writes an address with its name. A name that holds an @ would pass for an address: it is left out.
func mailbox(a Address) string {
	name := header(a.Name)
	switch {
	case name == "" || strings.Contains(name, "@"):
		return a.Addr
	case isASCII(name):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `" <` + a.Addr + ">"
	}
	// Of what a quoted-printable word may hold, much means something within an address (RFC 2047 §5).
	return lineEach(mime.BEncoding.Encode("utf-8", name)) + "\r\n <" + a.Addr + ">"
}

// header makes any text fit for a header: no line breaks, controls or marks of direction, at most 200 characters.
func header(s string) string { return clip(oneLine(strings.ToValidUTF8(s, "")), 200) }

func token(s string) string {
	return clip(strings.Map(func(r rune) rune {
		if r < '0' || r > 'z' || r > '9' && r < 'A' || r > 'Z' && r < 'a' {
			return -1
		}
		return r
	}, s), 64)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// encodeText writes unstructured text: as it is, folded, if it is ASCII; else in encoded words (RFC 2047 §2), one a line.
func encodeText(s string, used int) string {
	if isASCII(s) && !strings.Contains(s, "=?") {
		return fold(s, used)
	}
	if isASCII(s) {
		return fold(strings.ReplaceAll(s, "=?", "= ?"), used) // what looks like an encoded word is none
	}
	return lineEach(mime.QEncoding.Encode("utf-8", s))
}

// lineEach puts each of several encoded words on a line.
func lineEach(s string) string { return strings.ReplaceAll(s, "?= =?", "?=\r\n =?") }

func fold(s string, used int) string {
	var b strings.Builder
	for i, word := range strings.Split(s, " ") {
		switch {
		case i == 0:
		case used+1+len(word) > 76:
			b.WriteString("\r\n ")
			used = 1
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += len(word)
	}
	return b.String()
}

// subject gives "Re: original [#57]": each once, whatever the original holds already. It must not change over a thread,
// or Gmail begins a new one.
func subject(d Draft) string {
	s := header(d.Subject)
	if d.Tag != 0 {
		s = anyTag.ReplaceAllString(s, "")
	}
	if d.Reply {
		s = "Re: " + replyWord.ReplaceAllString(s, "")
	}
	s = strings.TrimSpace(s)
	if d.Tag != 0 {
		tag := fmt.Sprintf("[#%d]", d.Tag)
		s = strings.TrimSpace(clip(s, 200-len(tag)-1)) + " " + tag
	}
	return strings.TrimSpace(s)
}

// references keeps the first id and the last twenty, in less than 900 bytes with their folds: some servers refuse longer
// fields, and clients thread by the first and the last.
func references(ids []string, inReplyTo string) []string {
	var good []string
	for _, id := range append(append([]string{}, ids...), inReplyTo) {
		if composedID.MatchString(id) && len(id) <= 400 && isASCII(id) && oneLine(id) == id && (len(good) == 0 || good[len(good)-1] != id) {
			good = append(good, id)
		}
	}
	if len(good) == 0 {
		return nil
	}
	first, rest := good[0], good[1:]
	if len(rest) > 20 {
		rest = rest[len(rest)-20:]
	}
	size := len("References: ") + len(first) + 2
	at := len(rest)
	for at > 0 && size+len(rest[at-1])+3 < 900 {
		at--
		size += len(rest[at]) + 3
	}
	return append([]string{first}, rest[at:]...)
}
