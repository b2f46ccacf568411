// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// The desk's own outgoing mails are read back for the outbox: headers, the plain text, and what is attached. They are of
// our making, yet they hold strangers' words; what can't be read is shown as it is.

const (
	maxMailParts = 50
	maxMailDepth = 4
)

// mailSubject finds the subject of a mail, "" if it has none.
func mailSubject(body []byte) string {
	m, err := mail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		return ""
	}
	return header(m.Header.Get("Subject"))
}

// header decodes a header for people (RFC 2047).
func header(s string) string {
	words := mime.WordDecoder{}
	if d, err := words.DecodeHeader(s); err == nil {
		s = d
	}
	return oneLine(s)
}

// mailText finds who a mail is from, its plain text, and the names of its attachments.
func mailText(body []byte) (from, text string, attached []string) {
	m, err := mail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		return "", printable(string(body)), nil
	}
	p := mailParts{}
	p.read(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body, 0)
	if !p.found {
		p.text = string(body)
	}
	return header(m.Header.Get("From")), block(p.text), p.attached
}

// mailParts gathers what a mail is made of.
type mailParts struct {
	text     string
	found    bool
	attached []string
	n        int
}

func (p *mailParts) read(contentType, encoding, disposition string, body io.Reader, depth int) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = "text/plain"
	}
	_, file, err := mime.ParseMediaType(disposition)
	switch {
	case disposition != "" && err == nil && file["filename"] != "":
		p.attached = append(p.attached, oneLine(file["filename"]))
	case strings.HasPrefix(kind, "multipart/") && depth < maxMailDepth:
		r := multipart.NewReader(body, params["boundary"])
		for p.n < maxMailParts {
			part, err := r.NextRawPart()
			if err != nil {
				return
			}
			p.n++
			h := part.Header
			p.read(h.Get("Content-Type"), h.Get("Content-Transfer-Encoding"), h.Get("Content-Disposition"), part, depth+1)
		}
	case kind == "text/plain" && !p.found:
		switch strings.ToLower(strings.TrimSpace(encoding)) {
		case "quoted-printable":
			body = quotedprintable.NewReader(body)
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		data, err := io.ReadAll(body)
		p.text, p.found = string(data), err == nil || len(data) > 0
		if strings.EqualFold(params["format"], "flowed") {
			p.text = unflow(p.text)
		}
	}
}

// unflow joins the lines of flowed text (RFC 3676 §4.1): one that ends in a blank goes on in the next.
func unflow(s string) string {
	var b strings.Builder
	for l := range strings.Lines(strings.ReplaceAll(s, "\r\n", "\n")) {
		l = strings.TrimSuffix(l, "\n")
		quoted := strings.HasPrefix(l, ">")
		if !quoted {
			l = strings.TrimPrefix(l, " ")
		}
		b.WriteString(l)
		if !strings.HasSuffix(l, " ") || l == "-- " || quoted {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
