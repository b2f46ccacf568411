// SPDX-License-Identifier: Apache-2.0

package element

import (
	"strconv"
	"unicode/utf8"
)

// NSStream is the namespace of a stream's root, its features and its errors. Its elements are written with the prefix
// stream, which every stream header declares (RFC 6120 §4.8.5); some clients look for that very prefix.
const NSStream = "http://etherx.jabber.org/streams"

// AppendXML appends e to dst as it is written inside an element whose default namespace is space: inside a stream that is
// the content namespace ("jabber:client"), and "" for a document of its own. It allocates only when dst must grow.
//
// What XML can't hold, in text or in attributes, is written as U+FFFD.
func AppendXML(dst []byte, e *Element, space string) []byte {
	if e == nil {
		return dst
	}
	prefixed := e.Space == NSStream && space != "" && space != NSStream
	dst = append(dst, '<')
	if prefixed {
		dst = append(dst, "stream:"...)
	}
	dst = append(dst, e.Local...)
	inner := space
	if e.Space != space && !prefixed {
		dst = append(dst, " xmlns='"...)
		dst = AppendAttr(dst, e.Space)
		dst = append(dst, '\'')
		inner = e.Space
	}
	for i := range e.Attrs {
		dst = appendAttribute(dst, e.Attrs, i)
	}
	if len(e.Children) == 0 {
		return append(dst, '/', '>')
	}
	dst = append(dst, '>')
	for i := range e.Children {
		if c := e.Children[i].Element; c != nil {
			dst = AppendXML(dst, c, inner)
		} else {
			dst = AppendText(dst, e.Children[i].Text)
		}
	}
	dst = append(dst, '<', '/')
	if prefixed {
		dst = append(dst, "stream:"...)
	}
	dst = append(dst, e.Local...)
	return append(dst, '>')
}

// appendAttribute writes attribute i. One of a foreign namespace gets a prefix of its own, numbered by its place.
func appendAttribute(dst []byte, attrs []Attr, i int) []byte {
	a := &attrs[i]
	switch a.Space {
	case "":
		dst = append(dst, ' ')
	case NSXML:
		dst = append(dst, " xml:"...)
	default:
		dst = append(dst, " xmlns:n"...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, "='"...)
		dst = AppendAttr(dst, a.Space)
		dst = append(dst, "' n"...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, ':')
	}
	dst = append(dst, a.Local...)
	dst = append(dst, "='"...)
	dst = AppendAttr(dst, a.Value)
	return append(dst, '\'')
}

// AppendText appends s escaped as the content of an element.
func AppendText(dst []byte, s string) []byte { return appendEscaped(dst, s, false) }

// AppendAttr appends s escaped as the value of an attribute in single quotes.
func AppendAttr(dst []byte, s string) []byte { return appendEscaped(dst, s, true) }

// appendEscaped copies the longest runs it can. In attributes, white space other than the blank is written as a reference,
// so that the reader's normalisation doesn't touch it.
func appendEscaped(dst []byte, s string, attr bool) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 || r == 0xFFFE || r == 0xFFFF {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + n
			}
			i += n
			continue
		}
		if esc := escape(c, attr); esc != "" {
			dst = append(dst, s[start:i]...)
			dst = append(dst, esc...)
			start = i + 1
		}
		i++
	}
	return append(dst, s[start:]...)
}

// escape returns what stands for an ASCII character, or "" when it stands for itself.
func escape(c byte, attr bool) string {
	switch {
	case c == '&':
		return "&amp;"
	case c == '<':
		return "&lt;"
	case c == '>':
		return "&gt;"
	case c == '\r':
		return "&#xD;"
	case c == '\'' && attr:
		return "&apos;"
	case c == '\n' && attr:
		return "&#xA;"
	case c == '\t' && attr:
		return "&#x9;"
	case c < ' ' && c != '\n' && c != '\t':
		return "\uFFFD"
	}
	return ""
}
