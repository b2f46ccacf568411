// SPDX-License-Identifier: Apache-2.0

// Package blob keeps the files of a desk on one node, under the SHA-256 of their content: the same bytes are one file, and
// what is read can be checked.
//
// A file is written to the side, synced and renamed into place, so that whatever bears a hash is whole. Who may see a
// file, how long it is needed and on how many nodes it lies is not decided here.
package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Hash is the SHA-256 of a file's content.
type Hash [sha256.Size]byte

// Ref names a file.
type Ref struct {
	Hash Hash
	Size int64
}

// String is the hash in lower-case hexadecimal digits, the form that records and addresses have.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads the 64 lower-case hexadecimal digits of a hash. There is one spelling, so that strings can be compared.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*len(h) {
		return Hash{}, fmt.Errorf("%w: %d characters instead of %d", ErrHash, len(s), 2*len(h))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil || h.String() != s {
		return Hash{}, fmt.Errorf("%w: it has other characters than 0-9 and a-f", ErrHash)
	}
	return h, nil
}

// What can be wrong with a file.
var (
	ErrHash     = errors.New("blob: not a hash")
	ErrNotFound = errors.New("blob: not on this node")
	ErrTooLarge = errors.New("blob: larger than allowed")
	ErrDamaged  = errors.New("blob: the content is not what the hash says")
	ErrPinned   = errors.New("blob: still pinned")
	ErrFull     = errors.New("blob: the disk has no room for files")
)

// Sum reads a file to its end and returns its hash.
func Sum(r io.Reader) (Hash, error) {
	h := sha256.New()
	_, err := io.Copy(h, r)
	return Hash(h.Sum(nil)), err
}
