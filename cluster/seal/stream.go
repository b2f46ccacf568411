// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A sealed file is
//
//	magic (8) · salt (16) · chunks of 64 KiB, the last one shorter or empty, each with its tag (16)
//
// The chunk's number and whether it is the last are its nonce, so that none can be left out, moved or cut off. The key is
// derived from the backup's, the salt and the file's name: a file doesn't open under another's name.
const (
	streamMagic = "RDSEAL1\n"
	saltSize    = 16
	chunk       = 64 << 10
)

func streamAEAD(key, salt []byte, name string) (cipher.AEAD, error) {
	own, err := hkdf.Key(sha256.New, key, salt, "refdesk sealed file "+name, 32)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return newAEAD(own)
}

func streamNonce(number uint64, last bool) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 12), number)
	if last {
		return append(b, 0, 0, 0, 1)
	}
	return append(b, 0, 0, 0, 0)
}

// Writer seals what is written to it. Close writes the last chunk; it doesn't close what lies below.
type Writer struct {
	w      io.Writer
	aead   cipher.AEAD
	buf    []byte
	number uint64
	err    error
}

// NewWriter begins a sealed file with a name.
func NewWriter(w io.Writer, key []byte, name string) (*Writer, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	aead, err := streamAEAD(key, salt, name)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(append([]byte(streamMagic), salt...)); err != nil {
		return nil, err
	}
	return &Writer{w: w, aead: aead, buf: make([]byte, 0, chunk+tagSize)}, nil
}

// Write takes bytes of the file.
func (w *Writer) Write(p []byte) (int, error) {
	done := 0
	for w.err == nil && done < len(p) {
		if len(w.buf) == chunk {
			w.flush(false)
			continue
		}
		n := min(chunk-len(w.buf), len(p)-done)
		w.buf = append(w.buf, p[done:done+n]...)
		done += n
	}
	return done, w.err
}

func (w *Writer) flush(last bool) {
	sealed := w.aead.Seal(w.buf[:0], streamNonce(w.number, last), w.buf, nil)
	_, w.err = w.w.Write(sealed)
	w.buf = w.buf[:0]
	w.number++
}

// Close writes what is left.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	w.flush(true)
	if w.err != nil {
		return w.err
	}
	w.err = errors.New("seal: the file is closed")
	return nil
}

// Reader opens a sealed file. It gives no byte that wasn't checked, and ends with io.EOF only where the file did.
type Reader struct {
	r      io.Reader
	aead   cipher.AEAD
	buf    []byte // of the file: a chunk and, if there is one, a byte of the next
	have   int
	clear  []byte // checked, not given yet
	number uint64
	err    error
}

// NewReader begins to read a sealed file with a name.
func NewReader(r io.Reader, key []byte, name string) (*Reader, error) {
	head := make([]byte, len(streamMagic)+saltSize)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(streamMagic)]) != streamMagic {
		return nil, fmt.Errorf("it is no sealed file, or cut off: %w", ErrDamaged)
	}
	aead, err := streamAEAD(key, head[len(streamMagic):], name)
	if err != nil {
		return nil, err
	}
	return &Reader{r: r, aead: aead, buf: make([]byte, chunk+tagSize+1)}, nil
}

// Read gives bytes of the file.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.clear) == 0 && r.err == nil {
		r.err = r.next()
	}
	if len(r.clear) == 0 {
		return 0, r.err
	}
	n := copy(p, r.clear)
	r.clear = r.clear[n:]
	return n, nil
}

// next opens a chunk. Its error is io.EOF with the last one.
func (r *Reader) next() error {
	n, err := io.ReadFull(r.r, r.buf[r.have:])
	have := r.have + n
	last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !last {
		return err
	}
	size := min(have, chunk+tagSize)
	if size < tagSize {
		return ErrDamaged
	}
	clear, err := r.aead.Open(nil, streamNonce(r.number, last), r.buf[:size], nil)
	if err != nil {
		return ErrDamaged
	}
	r.clear = clear
	r.number++
	r.have = copy(r.buf, r.buf[size:have])
	if last {
		return io.EOF
	}
	return nil
}
