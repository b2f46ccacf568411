// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bufio"
	"bytes"
	"io"
	"strings"
)

// decodeTransfer undoes a Content-Transfer-Encoding (RFC 2045 §6), leniently: what can't be decoded stays or is skipped.
func decodeTransfer(r io.Reader, encoding string) io.Reader {
	switch transferName(encoding) {
	case "base64":
		return &base64Reader{r: bufio.NewReaderSize(r, 4096)}
	case "quoted-printable":
		return &quotedReader{r: bufio.NewReaderSize(r, 4096)}
	}
	return r
}

func transferName(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.ToLower(strings.Trim(strings.TrimSpace(s), `"'`))
}

type base64Reader struct {
	r   *bufio.Reader
	out []byte
	buf [3072]byte
}

func (b *base64Reader) Read(p []byte) (int, error) {
	for len(b.out) == 0 {
		in := b.buf[:0]
		var err error
		for len(in) < cap(in) {
			var c byte
			if c, err = b.r.ReadByte(); err != nil {
				break
			}
			if inBase64(c) || c == '=' {
				in = append(in, c)
				if c == '=' && len(in)%4 == 0 {
					break // padding ends a group: begin anew after it
				}
			}
		}
		b.out = decodeBase64(in)
		if err != nil && len(b.out) == 0 {
			return 0, err
		}
	}
	n := copy(p, b.out)
	b.out = b.out[n:]
	return n, nil
}

type quotedReader struct{ r *bufio.Reader }

func (q *quotedReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c, err := q.r.ReadByte()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if c == '=' && q.escape(&c) {
			continue
		}
		p[n] = c
		n++
	}
	return n, nil
}

// escape looks at what follows "=": a soft line break is taken and reported; =XX is put into c; else c stays.
func (q *quotedReader) escape(c *byte) bool {
	next, _ := q.r.Peek(2)
	if len(next) == 2 {
		hi, ok1 := unhex(next[0])
		lo, ok2 := unhex(next[1])
		if ok1 && ok2 {
			*c = hi<<4 | lo
			_, _ = q.r.Discard(2)
			return false
		}
	}
	for n := 1; n <= 64; n++ { // blanks may follow a soft line break
		ahead, err := q.r.Peek(n)
		switch {
		case err != nil && len(bytes.TrimSpace(ahead)) == 0: // "=" at the end
			_, _ = q.r.Discard(len(ahead))
			return true
		case err != nil:
			return false
		case ahead[n-1] == '\n':
			_, _ = q.r.Discard(n)
			return true
		case ahead[n-1] != ' ' && ahead[n-1] != '\t' && ahead[n-1] != '\r':
			return false
		}
	}
	return false
}

// plainDespite finds text that says it is base64 and is not: words with blanks between them.
func plainDespite(raw []byte, encoding string) bool {
	if transferName(encoding) != "base64" || len(raw) == 0 {
		return false
	}
	if len(raw) > 4096 {
		raw = raw[:4096]
	}
	odd := 0
	for _, c := range raw {
		if !inBase64(c) && c != '=' && c != '\r' && c != '\n' {
			odd++
		}
	}
	return odd*10 > len(raw)
}
