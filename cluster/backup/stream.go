// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A part is sealed in chunks, each with AES-256-GCM under a key of its own part and backup. The nonce counts the chunks and
// marks the last one, so that none can be left out, doubled, moved or cut off:
//
//	magic "RDBK" · version (1) · chunks of 64 KiB + 16 bytes, the last one shorter or as long
const (
	streamMagic   = "RDBK"
	streamVersion = 1
	chunkSize     = 64 << 10
)

// ErrDamaged is a part that isn't what was written, or another key.
var ErrDamaged = errors.New("the content doesn't fit its seal: it is damaged, or it was sealed with another key")

// partKey derives the key of one part of one backup from the desk's key.
func partKey(key, salt []byte, name string) ([]byte, error) {
	return hkdf.Key(sha256.New, key, salt, "refdesk backup "+name, 32)
}

func aead(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

// sealer seals what is written to it.
type sealer struct {
	w     io.Writer
	a     cipher.AEAD
	chunk []byte // plain, not yet written
	out   []byte
	count uint64
}

func newSealer(w io.Writer, key []byte) (*sealer, error) {
	a, err := aead(key)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(append([]byte(streamMagic), streamVersion))
	return &sealer{w: w, a: a, chunk: make([]byte, 0, chunkSize), out: make([]byte, 0, chunkSize+a.Overhead())}, err
}

// Write takes bytes to be sealed.
func (s *sealer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if len(s.chunk) == chunkSize {
			if err := s.flush(false); err != nil {
				return len(p) - len(rest), err
			}
		}
		n := min(chunkSize-len(s.chunk), len(rest))
		s.chunk, rest = append(s.chunk, rest[:n]...), rest[n:]
	}
	return len(p), nil
}

// Close writes the last chunk. It doesn't close what is below.
func (s *sealer) Close() error { return s.flush(true) }

func (s *sealer) flush(last bool) error {
	s.out = s.a.Seal(s.out[:0], nonce(s.count, last), s.chunk, nil)
	s.chunk = s.chunk[:0]
	s.count++
	_, err := s.w.Write(s.out)
	return err
}

func nonce(count uint64, last bool) []byte {
	var n [12]byte
	if last {
		n[3] = 1
	}
	binary.BigEndian.PutUint64(n[4:], count)
	return n[:]
}

// opener reads what a sealer wrote. Nothing is given out that wasn't checked.
type opener struct {
	r     *bufio.Reader
	a     cipher.AEAD
	plain []byte // checked, not yet read
	buf   []byte
	count uint64
	end   bool
	err   error
}

func newOpener(r io.Reader, key []byte) (*opener, error) {
	a, err := aead(key)
	if err != nil {
		return nil, err
	}
	o := &opener{r: bufio.NewReaderSize(r, chunkSize), a: a, buf: make([]byte, chunkSize+a.Overhead())}
	var head [len(streamMagic) + 1]byte
	if _, err := io.ReadFull(o.r, head[:]); err != nil || string(head[:len(streamMagic)]) != streamMagic {
		return nil, ErrDamaged
	}
	if v := head[len(streamMagic)]; v != streamVersion {
		return nil, fmt.Errorf("it is of version %d, this program knows version %d; use a later refdesk", v, streamVersion)
	}
	return o, nil
}

// Read gives what was sealed. The end of the stream is that of the last chunk, and of nothing else.
func (o *opener) Read(p []byte) (int, error) {
	for len(o.plain) == 0 && o.err == nil {
		o.plain, o.err = o.next()
	}
	n := copy(p, o.plain)
	o.plain = o.plain[n:]
	if n > 0 {
		return n, nil
	}
	return 0, o.err
}

func (o *opener) next() ([]byte, error) {
	if o.end {
		return nil, io.EOF
	}
	n, err := io.ReadFull(o.r, o.buf)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	_, more := o.r.Peek(1)
	o.end = more != nil
	if o.end && !errors.Is(more, io.EOF) {
		return nil, more
	}
	plain, err := o.a.Open(o.buf[:0], nonce(o.count, o.end), o.buf[:n], nil)
	if err != nil {
		return nil, ErrDamaged
	}
	o.count++
	return plain, nil
}
