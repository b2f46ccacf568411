// SPDX-License-Identifier: Apache-2.0

// Package wire gives what nodes of a desk write into the log and send to each other its outer form: frames with a
// version, a kind, a length and a checksum, around the encodings of cluster/desk.
//
// A frame is
//
//	magic "RD" · version (1) · kind (1) · length of the payload (4, big-endian) · payload · CRC-32C (4) of all before it
//
// Layouts only ever change by a new version or a new kind; testdata holds one frame of every past one.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Kind says what a frame carries.
type Kind uint8

// The kinds of frame.
const (
	EnvelopeKind Kind = 1 // an entry of the raft log
	RequestKind  Kind = 2 // a command on its way to the leader
	ReplyKind    Kind = 3 // its answer
	SnapshotKind Kind = 4 // what comes before a copy of the database
	HintKind     Kind = 5 // something lossy: typing, a ping
	RefusalKind  Kind = 6 // why a connection is closed
)

// Version is the newest layout of frames.
const Version = 1

const (
	headSize = 8
	tailSize = 4
)

// MaxPayload is the largest payload of any frame, in bytes: a command of the largest size with all that surrounds it.
const MaxPayload = 80 << 10

// ErrDamaged is a frame that isn't one, or whose checksum is wrong.
var ErrDamaged = errors.New("wire: damaged frame")

// ErrNewer is a frame of a layout or kind that this program doesn't know.
var ErrNewer = errors.New("wire: frame of a later program")

// appendFrame appends a frame; body appends its payload.
func appendFrame(dst []byte, kind Kind, body func([]byte) []byte) []byte {
	start := len(dst)
	dst = append(dst, 'R', 'D', Version, byte(kind), 0, 0, 0, 0)
	dst = body(dst)
	binary.BigEndian.PutUint32(dst[start+4:], uint32(len(dst)-start-headSize))
	return binary.BigEndian.AppendUint32(dst, checksum(dst[start:]))
}

func checksum(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

// head reads the first bytes of a frame and returns its kind and the length of its payload.
func head(data []byte) (Kind, int, error) {
	if len(data) < headSize || data[0] != 'R' || data[1] != 'D' {
		return 0, 0, ErrDamaged
	}
	kind, n := Kind(data[3]), binary.BigEndian.Uint32(data[4:])
	if data[2] == 0 || kind == 0 || n > MaxPayload {
		return 0, 0, ErrDamaged
	}
	if data[2] > Version || kind > RefusalKind {
		return 0, 0, fmt.Errorf("%w (version %d, kind %d)", ErrNewer, data[2], kind)
	}
	return kind, int(n), nil
}

// Split takes the first frame off data. The payload and the rest share data's memory.
func Split(data []byte) (kind Kind, payload, rest []byte, err error) {
	kind, n, err := head(data)
	if err != nil {
		return 0, nil, nil, err
	}
	end := headSize + n
	if len(data) < end+tailSize || checksum(data[:end]) != binary.BigEndian.Uint32(data[end:]) {
		return 0, nil, nil, ErrDamaged
	}
	return kind, data[headSize:end], data[end+tailSize:], nil
}

// Read reads one frame. A stream that ends before the first byte is io.EOF.
func Read(r io.Reader) (Kind, []byte, error) {
	buf := make([]byte, headSize, 512)
	if _, err := io.ReadFull(r, buf); err != nil {
		return 0, nil, err
	}
	_, n, err := head(buf)
	if err != nil {
		return 0, nil, err
	}
	if need := headSize + n + tailSize; need > cap(buf) {
		buf = append(make([]byte, 0, need), buf...)
	}
	buf = buf[:headSize+n+tailSize]
	if _, err := io.ReadFull(r, buf[headSize:]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	kind, payload, _, err := Split(buf)
	return kind, payload, err
}

// only takes the one frame of a kind that data is.
func only(data []byte, want Kind) ([]byte, error) {
	kind, payload, rest, err := Split(data)
	if err == nil && (kind != want || len(rest) > 0) {
		err = ErrDamaged
	}
	return payload, err
}
