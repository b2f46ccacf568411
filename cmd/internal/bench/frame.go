// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io"
)

// framer cuts an XML stream into its first-level elements without parsing them. The clients of the bench have to cost as
// little as they can, for they share the processors with what they measure; the servers' XML is taken to be well-formed.
type framer struct {
	r    io.Reader
	buf  []byte
	from int // where the current element begins
	at   int // how far buf has been looked at
	end  int
}

// maxElement bounds one element.
const maxElement = 8 << 20

var (
	errEnd  = errors.New("the server ended the stream")
	errHuge = errors.New("an element is too large")
)

func newFramer(r io.Reader) *framer { return &framer{r: r, buf: make([]byte, 2048)} }

// next returns the name of the next element and its bytes, which are valid until the next call. Stream headers and XML
// declarations are passed over.
func (f *framer) next() (name string, raw []byte, err error) {
	depth := 0
	f.from = f.at
	for {
		tag, err := f.tag()
		if err != nil {
			return "", nil, err
		}
		switch {
		case tag[1] == '?' || bytes.HasPrefix(tag, []byte("<stream:stream")):
			f.from = f.at
			continue
		case tag[1] == '/':
			if depth == 0 {
				return "", nil, errEnd
			}
			depth--
		case tag[len(tag)-2] != '/':
			depth++
		}
		if depth == 0 {
			raw := bytes.TrimLeft(f.buf[f.from:f.at], " \r\n\t")
			return nameOf(raw), raw, nil
		}
	}
}

// tag returns the next tag, brackets included, and leaves at behind it.
func (f *framer) tag() ([]byte, error) {
	for {
		if open := bytes.IndexByte(f.buf[f.at:f.end], '<'); open >= 0 {
			if n := closing(f.buf[f.at+open : f.end]); n > 0 {
				tag := f.buf[f.at+open : f.at+open+n]
				f.at += open + n
				return tag, nil
			}
		}
		if err := f.fill(); err != nil {
			return nil, err
		}
	}
}

// closing returns the length of the tag that b begins with, 0 when its end is not there yet. Quotes may hold a '>'.
func closing(b []byte) int {
	var quote byte
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return 0
}

// fill reads more behind what is there.
func (f *framer) fill() error {
	if f.from > 0 {
		f.end = copy(f.buf, f.buf[f.from:f.end])
		f.at -= f.from
		f.from = 0
	}
	if f.end == len(f.buf) {
		if f.end >= maxElement {
			return errHuge
		}
		f.buf = append(f.buf, make([]byte, len(f.buf))...)
	}
	n, err := f.r.Read(f.buf[f.end:])
	f.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// nameOf is the name of the element that raw begins with, its prefix included.
func nameOf(raw []byte) string {
	n := bytes.IndexAny(raw, " />\t\r\n")
	if n < 1 {
		return ""
	}
	return string(raw[1:n])
}

// attr returns the value of an attribute of the element that raw begins with, "" when it has none.
func attr(raw []byte, name string) string {
	head := raw[:closing(raw)]
	for _, q := range []string{"'", "\""} {
		if _, rest, ok := bytes.Cut(head, []byte(" "+name+"="+q)); ok {
			value, _, _ := bytes.Cut(rest, []byte(q))
			return string(value)
		}
	}
	return ""
}
