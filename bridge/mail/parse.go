// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"context"
	"errors"
	"io"
	"strings"
)

// Options say how to parse.
type Options struct {
	Limits Limits // zero values mean the defaults
	// Attachment, if set, gives where an attachment's bytes go; a nil Writer skips it. The index is the one in
	// Message.Attachments. Size isn't known yet.
	Attachment func(index int, a Attachment) io.Writer
}

// Parse takes a message apart. It never fails: what could not be read is named in Message.Problems. Memory is bounded by
// the limits, not by the size of the message.
func Parse(ctx context.Context, r io.Reader, o Options) *Message {
	o.Limits = o.Limits.or(DefaultLimits())
	ctx, cancel := context.WithTimeout(ctx, o.Limits.Time)
	defer cancel()
	m := &Message{}
	w := &walk{m: m, o: o}
	w.run(ctx, r)
	m.fill()
	return m
}

// run parses behind a recover: a fault of the parser must not cost the message, nor the ones behind it.
func (w *walk) run(ctx context.Context, r io.Reader) {
	defer func() {
		if recover() != nil {
			w.m.problem(ProblemCrash)
		}
	}()
	w.s = newSource(ctx, r)
	w.entity(place{top: true})
	w.finish()
	switch err := w.s.err; {
	case err == nil:
	case errors.Is(err, context.DeadlineExceeded):
		w.m.problem(ProblemTime)
	default:
		w.m.problem(ProblemRead)
	}
}

// fill reads the fields that everybody needs.
func (m *Message) fill() {
	h := m.Header
	m.From = addresses(h.All("From"))
	if s := addresses(h.All("Sender")); len(s) > 0 {
		m.Sender = s[0]
	}
	m.ReplyTo = addresses(h.All("Reply-To"))
	m.To = addresses(h.All("To"))
	m.Cc = addresses(h.All("Cc"))
	m.Subject = clip(h.Text("Subject"), 1000)
	m.Date = parseDate(h.Raw("Date"))
	if ids := messageIDs(h.All("Message-ID")); len(ids) > 0 {
		m.MessageID = ids[0]
	} else if id := strings.Fields(h.Text("Message-ID")); len(id) > 0 {
		m.MessageID = clip(id[0], 998) // without brackets: it still tells two mails apart
	}
	m.InReplyTo = messageIDs(h.All("In-Reply-To"))
	m.References = messageIDs(h.All("References"))
}

// FromAddress is the writer: the first address of From, or Sender.
func (m *Message) FromAddress() Address {
	for _, a := range m.From {
		if a.Addr != "" {
			return a
		}
	}
	if len(m.From) > 0 {
		return m.From[0]
	}
	return m.Sender
}
