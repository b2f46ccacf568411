// SPDX-License-Identifier: Apache-2.0

package element

import "io"

// input hands bytes to the tokenizer and counts them. It stands below the tokenizer because that one holds a whole text,
// attribute or comment before anybody else sees it: only here can a limit on bytes bound the memory taken.
type input struct {
	r     io.Reader
	buf   []byte
	pos   int
	end   int
	count int   // bytes handed out since the last reset
	limit int   // of count
	err   error // of the reader or the limit; it stays
}

const inputSize = 4 << 10

// ReadByte implements io.ByteReader, so that encoding/xml puts no buffer of its own in between.
func (in *input) ReadByte() (byte, error) {
	if in.pos == in.end {
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	if in.count >= in.limit {
		in.err = tooLarge("too many bytes")
		return 0, in.err
	}
	in.count++
	b := in.buf[in.pos]
	in.pos++
	return b, nil
}

// Read is there because encoding/xml asks for an io.Reader; it is never called.
func (in *input) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := in.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// peek returns the next byte that is not white space, leaving it unread. What it skips isn't counted: white space between
// stanzas is a keepalive (RFC 6120 §4.6.1).
func (in *input) peek() (byte, error) {
	for {
		if in.pos == in.end {
			if err := in.fill(); err != nil {
				return 0, err
			}
		}
		switch b := in.buf[in.pos]; b {
		case ' ', '\t', '\r', '\n':
			in.pos++
		default:
			return b, nil
		}
	}
}

func (in *input) fill() error {
	if in.err != nil {
		return in.err
	}
	for tries := 0; tries < 100; tries++ {
		n, err := in.r.Read(in.buf)
		if n > 0 {
			in.pos, in.end = 0, n
			return nil // an error that came along comes again
		}
		if err != nil {
			in.err = err
			return err
		}
	}
	in.err = io.ErrNoProgress
	return in.err
}
