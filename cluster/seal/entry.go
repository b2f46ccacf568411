// SPDX-License-Identifier: Apache-2.0

// Package seal keeps what a node writes beside its database unreadable without keys: the entries of its log, under epoch
// keys that can be destroyed, and the files of a backup, under a key of that backup.
//
// An entry of the log is sealed with AES-256-GCM. That makes erasure possible (the bytes of a log that was cut stay on the
// disk for long; without their key they are noise) and finds every flipped bit, which the log's own format does not.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// An entry's data in the log is
//
//	magic (4) · version (1) · epoch (8) · number within the epoch (8) · sealed: length of the extensions (uvarint),
//	extensions, data · tag (16)
//
// Epoch and number, big-endian, are the nonce's parts; a key is never used by two processes, so that no number comes twice.
// Index, term, type and time of the entry are bound to it.
const (
	magic      = "\xe5rds"
	version    = 1
	headerSize = len(magic) + 1 + 8 + 8
	tagSize    = 16
	// Overhead is by how many bytes sealing lengthens an entry, at most.
	Overhead = headerSize + tagSize + binary.MaxVarintLen64
)

// What can be wrong with an entry.
var (
	ErrDamaged = errors.New("it is not what was written")
	ErrNoKey   = errors.New("the key of its epoch is gone")
)

// header is what stands before a sealed entry.
type header struct{ epoch, number uint64 }

func (h header) append(b []byte) []byte {
	b = append(append(b, magic...), version)
	b = binary.BigEndian.AppendUint64(b, h.epoch)
	return binary.BigEndian.AppendUint64(b, h.number)
}

// isSealed reports whether data begins like a sealed entry. What was written before entries were sealed begins otherwise.
func isSealed(data []byte) bool {
	return len(data) >= len(magic) && string(data[:len(magic)]) == magic
}

// parseHeader reads the header and returns what follows it.
func parseHeader(data []byte) (header, []byte, error) {
	if len(data) < headerSize+tagSize || !isSealed(data) {
		return header{}, nil, ErrDamaged
	}
	if v := data[len(magic)]; v != version {
		return header{}, nil, fmt.Errorf("it is sealed in form %d, and this program knows %d: %w", v, version, ErrDamaged)
	}
	rest := data[len(magic)+1:]
	return header{binary.BigEndian.Uint64(rest), binary.BigEndian.Uint64(rest[8:])}, data[headerSize:], nil
}

func (h header) nonce() []byte {
	b := make([]byte, 4, 12)
	return binary.BigEndian.AppendUint64(b, h.number)
}

// bound is what an entry's seal covers beside its content.
func (h header) bound(l *raft.Log) []byte {
	b := h.append(make([]byte, 0, headerSize+25))
	b = binary.BigEndian.AppendUint64(b, l.Index)
	b = binary.BigEndian.AppendUint64(b, l.Term)
	b = append(b, byte(l.Type))
	return binary.BigEndian.AppendUint64(b, uint64(l.AppendedAt.UnixNano()))
}

// sealEntry returns the entry as it goes to the disk. The one given is not changed.
func sealEntry(aead cipher.AEAD, h header, l *raft.Log) *raft.Log {
	clear := make([]byte, 0, binary.MaxVarintLen64+len(l.Extensions)+len(l.Data))
	clear = binary.AppendUvarint(clear, uint64(len(l.Extensions)))
	clear = append(append(clear, l.Extensions...), l.Data...)
	out := *l
	out.Extensions = nil
	out.Data = aead.Seal(h.append(make([]byte, 0, headerSize+len(clear)+tagSize)), h.nonce(), clear, h.bound(l))
	return &out
}

// openEntry makes of an entry from the disk the one that was given to it.
func openEntry(aead cipher.AEAD, h header, sealed []byte, l *raft.Log) error {
	if len(l.Extensions) > 0 {
		return ErrDamaged
	}
	clear, err := aead.Open(nil, h.nonce(), sealed, h.bound(l))
	if err != nil {
		return ErrDamaged
	}
	n, used := binary.Uvarint(clear)
	if used <= 0 || n > uint64(len(clear)-used) {
		return ErrDamaged
	}
	rest := clear[used:]
	l.Extensions, l.Data = nil, nil
	if n > 0 {
		l.Extensions = rest[:n:n]
	}
	if uint64(len(rest)) > n {
		l.Data = rest[n:]
	}
	return nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	return cipher.NewGCM(block)
}
