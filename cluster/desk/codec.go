// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// errEncoding is what every damaged encoding decodes to.
var errEncoding = errors.New("desk: damaged encoding")

// coder writes or reads one canonical encoding. Each type has a single method code that names its fields once, in order,
// for both directions. Numbers are varints, strings carry their length, a list carries its count; the first byte of a
// record, command or event is the version of its layout.
type coder struct {
	buf     []byte // what was written, or what is still to be read
	reading bool
	version uint8
	err     error
}

// coded is anything with a canonical encoding.
type coded interface{ code(c *coder) }

// encode appends the encoding of v in its layout's version.
func encode(dst []byte, version uint8, v coded) []byte {
	c := coder{buf: append(dst, version), version: version}
	v.code(&c)
	return c.buf
}

// decode reads an encoding of at most the given version. Bytes left over, a newer version and a short encoding are errors.
func decode(data []byte, newest uint8, v coded) error {
	if len(data) == 0 {
		return errEncoding
	}
	if data[0] > newest || data[0] == 0 {
		return fmt.Errorf("desk: layout version %d, this program knows up to %d", data[0], newest)
	}
	c := coder{buf: data[1:], reading: true, version: data[0]}
	v.code(&c)
	if c.err == nil && len(c.buf) != 0 {
		c.err = errEncoding
	}
	return c.err
}

func (c *coder) fail() { c.err, c.buf = errEncoding, nil }

func (c *coder) u64(p *uint64) {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, *p)
		return
	}
	v, n := binary.Uvarint(c.buf)
	if n <= 0 {
		c.fail()
		return
	}
	*p, c.buf = v, c.buf[n:]
}

func (c *coder) i64(p *int64) {
	if !c.reading {
		c.buf = binary.AppendVarint(c.buf, *p)
		return
	}
	v, n := binary.Varint(c.buf)
	if n <= 0 {
		c.fail()
		return
	}
	*p, c.buf = v, c.buf[n:]
}

func (c *coder) str(p *string) {
	n := uint64(len(*p))
	c.u64(&n)
	if !c.reading {
		c.buf = append(c.buf, *p...)
		return
	}
	if n > uint64(len(c.buf)) {
		c.fail()
		return
	}
	*p, c.buf = string(c.buf[:n]), c.buf[n:]
}

func (c *coder) bytes(p *[]byte) {
	s := string(*p)
	c.str(&s)
	if c.reading {
		*p = []byte(s)
	}
}

func (c *coder) flag(p *bool) {
	var v uint64
	if *p {
		v = 1
	}
	c.u64(&v)
	if v > 1 {
		c.fail()
	}
	*p = v == 1
}

func (c *coder) time(p *Time) { c.i64((*int64)(p)) }

// word codes any string type.
func word[S ~string](c *coder, p *S) {
	s := string(*p)
	c.str(&s)
	*p = S(s)
}

// num codes any unsigned type; a value too large for it is damage.
func num[N ~uint8 | ~uint16 | ~uint32 | ~uint64](c *coder, p *N) {
	v := uint64(*p)
	c.u64(&v)
	if uint64(N(v)) != v {
		c.fail()
		return
	}
	*p = N(v)
}

// list codes a slice: its count, then each element. An empty slice reads back as nil.
func list[T any](c *coder, p *[]T, each func(*coder, *T)) {
	n := uint64(len(*p))
	c.u64(&n)
	if c.reading {
		if n > uint64(len(c.buf)) { // every element takes a byte at least
			c.fail()
			return
		}
		*p = nil
		if n > 0 {
			*p = make([]T, n)
		}
	}
	for i := range *p {
		if c.err != nil {
			return
		}
		each(c, &(*p)[i])
	}
}

func (c *coder) strs(p *[]string) { list(c, p, (*coder).str) }

// key builds an ordered key out of parts: numbers as eight bytes big-endian, words ended by a zero byte.
type key string

func (k key) word(s string) key { return k + key(s) + "\x00" }

func (k key) num(n uint64) key {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return k + key(b[:])
}
