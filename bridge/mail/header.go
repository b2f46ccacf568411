// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"regexp"
	"strings"
)

// Field is one field of a header, unfolded but not decoded.
type Field struct{ Name, Value string }

// Header is a header in its order: the topmost field was added last on the way.
type Header []Field

// Raw gives the first field of a name, as sent; "" when there is none.
func (h Header) Raw(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Has reports whether there is a field of a name, be it empty.
func (h Header) Has(name string) bool {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// All gives every field of a name, topmost first.
func (h Header) All(name string) []string {
	var all []string
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			all = append(all, f.Value)
		}
	}
	return all
}

// Text gives the first field of a name in readable form: words decoded, without controls.
func (h Header) Text(name string) string { return oneLine(decodeWords(h.Raw(name))) }

// headerLines gathers the lines of a header and mends them. Senders break headers in many ways; a field that is odd costs
// that field, never the message.
type headerLines struct {
	fields []Field
	junk   [][]byte // lines that are no fields, kept for a message that has no header at all
	size   int
	limit  int
	top    bool // of the message itself
	over   bool // the limit was passed
}

// add takes one line without its end. It reports false when the line can't belong to a header: the body began without
// an empty line.
func (h *headerLines) add(line []byte) bool {
	if bytes.IndexByte(line, 0) >= 0 {
		line = bytes.ReplaceAll(line, []byte{0}, nil)
	}
	h.size += len(line)
	if h.size > h.limit {
		h.over = true
		return true
	}
	if h.top && len(h.fields) == 0 && len(h.junk) == 0 && isMboxLine(line) {
		return true
	}
	// A lone CR ended a line for whoever wrote it (RFC 5322 §2.2 forbids it in a header).
	for i, l := range bytes.Split(line, []byte{'\r'}) {
		if !h.addOne(l, i == 0) {
			return false
		}
	}
	return true
}

func (h *headerLines) addOne(l []byte, first bool) bool {
	if len(l) == 0 {
		return true
	}
	name, value, ok := splitField(l)
	last := len(h.fields) - 1
	switch {
	case l[0] == ' ' || l[0] == '\t':
		if last < 0 {
			h.junk = append(h.junk, bytes.Clone(l))
			return h.top || !first
		}
		h.fields[last].Value += " " + string(bytes.TrimSpace(l))
	case ok:
		h.fields = append(h.fields, Field{name, value})
	case last < 0:
		h.junk = append(h.junk, bytes.Clone(l))
		return h.top || !first // a part that starts with text has no header
	default:
		// Junk is most often the rest of the field above that lost its indent.
		h.junk = append(h.junk, bytes.Clone(l))
		h.fields[last].Value += " " + string(bytes.TrimSpace(l))
	}
	return true
}

// isMboxLine knows the line that mbox files put before each message, quoted or not.
func isMboxLine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
}

// splitField takes a field apart; blanks before the colon are a known slip.
func splitField(l []byte) (name, value string, ok bool) {
	i := bytes.IndexByte(l, ':')
	if i <= 0 || i > 128 {
		return "", "", false
	}
	n := bytes.TrimRight(l[:i], " \t")
	if len(n) == 0 {
		return "", "", false
	}
	for _, c := range n {
		if c <= ' ' || c >= 127 {
			return "", "", false
		}
	}
	return string(n), string(bytes.TrimSpace(l[i+1:])), true
}

var msgID = regexp.MustCompile(`<[^<>\s]+>`)

// messageIDs scans for Message-IDs. Headers of this kind carry comments, quoted names and half ids: everything else in
// them is skipped.
func messageIDs(values []string) []string {
	const most = 500 // of them; a thread has fewer
	var ids []string
	seen := map[string]bool{}
	for _, v := range values {
		for _, id := range msgID.FindAllString(v, most) {
			if len(id) > 998 || seen[id] || len(ids) == most {
				continue
			}
			seen[id] = true
			ids = append(ids, toUTF8(id))
		}
	}
	return ids
}

// parseHeader reads a header that is at hand as a whole, such as the one of a returned message.
func parseHeader(b []byte) Header {
	h := headerLines{limit: 64 << 10, top: true}
	for line := range bytes.Lines(b) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 && len(h.fields) > 0 {
			break
		}
		h.add(line)
	}
	return h.fields
}
