// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"io"
	"strings"
)

// leaf handles a part without parts: text that is shown, a report, or an attachment.
func (w *walk) leaf(p place, h Header, ct media, r io.Reader) {
	disposition := parseMedia(h.Raw("Content-Disposition"))
	encoding := h.Raw("Content-Transfer-Encoding")
	name := fileName(disposition, ct)
	switch {
	case p.report && (ct.value == "message/delivery-status" || ct.value == "message/disposition-notification" || ct.value == "message/feedback-report" || ct.value == "message/global-delivery-status"):
		text, _ := decodeCharset(w.capture(decodeTransfer(r, encoding), kept), ct.params["charset"])
		if w.m.report == "" {
			w.m.report = text
		}
		return
	case ct.value == "text/rfc822-headers":
		w.m.keepReturned(w.capture(decodeTransfer(r, encoding), kept))
		return
	}
	shown := (ct.value == "text/plain" || ct.value == "text/html") && disposition.value != "attachment" && (name == "" || p.top)
	if shown {
		w.text(p, ct, encoding, r)
		return
	}
	w.attachment(h, ct, disposition, name, decodeTransfer(r, encoding))
}

func (m *Message) keepReturned(b []byte) {
	if m.returned == nil {
		m.returned = parseHeader(b)
	}
}

// text takes a part that is shown.
func (w *walk) text(p place, ct media, encoding string, r io.Reader) {
	room := w.o.Limits.Text
	raw := w.captureText(r, room*2)
	if !plainDespite(raw, encoding) {
		raw, _ = io.ReadAll(decodeTransfer(bytes.NewReader(raw), encoding))
	}
	label := ct.params["charset"]
	if ct.value == "text/html" && label == "" {
		label = metaCharset(raw)
	}
	text, _ := decodeCharset(raw, label)
	if w.textSize+len(text) > 2*room || len(text) > room {
		w.m.problem(ProblemText)
		left := min(room, max(0, 2*room-w.textSize))
		text = strings.ToValidUTF8(text[:min(left, len(text))], "")
	}
	w.textSize += len(text)
	if ct.value == "text/plain" && strings.EqualFold(ct.params["format"], "flowed") {
		text = unflow(text, strings.EqualFold(ct.params["delsp"], "yes"))
	}
	w.show(p, text, ct.value == "text/html")
}

// captureText keeps the start of a text and says so when it was cut.
func (w *walk) captureText(r io.Reader, most int) []byte {
	var b bytes.Buffer
	_, _ = io.Copy(&b, io.LimitReader(r, int64(most)))
	if n, _ := io.Copy(io.Discard, r); n > 0 {
		w.m.problem(ProblemText)
	}
	return b.Bytes()
}

// show puts text into its section. Of alternatives of a kind the first wins; the
// texts of a multipart that is an alternative follow each other.
func (w *walk) show(p place, text string, html bool) {
	if len(w.sections) == 0 || !p.alternative && !p.within {
		w.sections = append(w.sections, section{})
	}
	s := &w.sections[len(w.sections)-1]
	switch {
	case html && (!s.hasHTML || p.within):
		s.html, s.hasHTML = s.html+text, true
	case !html && (!s.hasPlain || p.within):
		s.plain, s.hasPlain = s.plain+text, true
	}
}

// attachment lists a part and passes its bytes on.
func (w *walk) attachment(h Header, ct, disposition media, name string, r io.Reader) {
	if name == "" {
		name = madeUpName(len(w.m.Attachments)+1, ct.value)
	}
	a := Attachment{
		Name: name, Type: ct.value, ContentID: strings.Trim(oneLine(toUTF8(h.Raw("Content-ID"))), "<> "),
		Inline: disposition.value != "attachment" && h.Has("Content-ID"), Flagged: runs(name),
	}
	var head limited
	sinks := []io.Writer{&head}
	index := len(w.m.Attachments)
	listed := index < w.o.Limits.Attachments
	if !listed {
		w.m.problem(ProblemAttachments)
	} else if w.o.Attachment != nil {
		if out := w.o.Attachment(index, a); out != nil {
			sinks = append(sinks, out)
		}
	}
	n, err := io.Copy(io.MultiWriter(sinks...), r)
	if err != nil { // the sink failed: the message goes on without it
		w.m.problem(ProblemRead)
		_, _ = io.Copy(io.Discard, r)
	}
	a.Size = n
	if listed {
		w.m.Attachments = append(w.m.Attachments, a)
	}
	switch {
	case ct.value == "message/rfc822" || ct.value == "message/global":
		w.m.keepReturned(head.b)
	case ct.is("text/") && w.spare == "":
		text, _ := decodeCharset(head.b, ct.params["charset"])
		if ct.value == "text/html" {
			text = htmlText(text)
		}
		w.spare = text
	}
}

// limited keeps the start of what is written to it.
type limited struct{ b []byte }

func (l *limited) Write(p []byte) (int, error) {
	if room := 64<<10 - len(l.b); room > 0 {
		l.b = append(l.b, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// finish puts the sections together.
func (w *walk) finish() {
	var plain, html []string
	whole := true
	for _, s := range w.sections {
		switch {
		case s.hasPlain && strings.TrimSpace(s.plain) != "":
			plain = append(plain, strings.TrimRight(s.plain, "\n"))
			whole = whole && s.hasHTML
		case s.hasHTML:
			plain = append(plain, htmlText(s.html))
		}
		if s.hasHTML {
			html = append(html, s.html)
		}
	}
	w.m.Text = strings.Join(plain, "\n\n")
	w.m.HTML = strings.Join(html, "\n")
	w.m.HTMLWhole = whole && len(html) > 0
	if strings.TrimSpace(w.m.Text) == "" {
		w.m.Text = w.spare
	}
}

// unflow joins the lines of format=flowed (RFC 3676 §4). Quoted lines keep their breaks: the rules for quotes read lines.
func unflow(s string, delsp bool) string {
	var out strings.Builder
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		quoted := strings.HasPrefix(l, ">")
		if !quoted {
			l = strings.TrimPrefix(l, " ") // stuffed
		}
		flows := strings.HasSuffix(l, " ") && l != "-- " && !quoted && i+1 < len(lines)
		if flows {
			next := lines[i+1]
			flows = !strings.HasPrefix(next, ">") && strings.TrimSpace(next) != "" && next != "-- "
		}
		if flows && delsp {
			l = strings.TrimSuffix(l, " ")
		}
		out.WriteString(l)
		if !flows && i+1 < len(lines) {
			out.WriteByte('\n')
		}
	}
	return out.String()
}
