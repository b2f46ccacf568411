// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"fmt"
	"time"

	"refdesk/cluster/desk"
)

// AppendEnvelope appends the frame of a log entry.
func AppendEnvelope(dst []byte, e desk.Envelope) []byte {
	return appendFrame(dst, EnvelopeKind, func(b []byte) []byte { return desk.EncodeEnvelope(b, e) })
}

// ParseEnvelope reads one, without its Term: that is the entry's.
func ParseEnvelope(frame []byte) (desk.Envelope, error) {
	payload, err := only(frame, EnvelopeKind)
	if err != nil {
		return desk.Envelope{}, err
	}
	return desk.DecodeEnvelope(payload)
}

// Request is a command that a follower hands to the leader.
type Request struct {
	ID       uint64        // of the request on its connection
	Patience time.Duration // how long the sender will wait; whole milliseconds
	Request  desk.Request
}

// AppendRequest appends a request's frame.
func AppendRequest(dst []byte, r Request) []byte {
	return appendFrame(dst, RequestKind, func(b []byte) []byte {
		b = binary.AppendUvarint(b, r.ID)
		b = binary.AppendUvarint(b, uint64(max(r.Patience, 0)/time.Millisecond))
		return desk.EncodeEnvelope(b, desk.Envelope{Request: r.Request})
	})
}

// maxPatience is the longest that a leader works for a follower's request.
const maxPatience = time.Minute

// ParseRequest reads the payload of a request. Its ID is right even when the command in it can't be read.
func ParseRequest(payload []byte) (Request, error) {
	d := decoder{data: payload}
	r := Request{ID: d.uvarint()}
	ms := d.uvarint()
	if d.failed {
		return r, ErrDamaged
	}
	r.Patience = time.Duration(min(ms, uint64(maxPatience/time.Millisecond))) * time.Millisecond
	e, err := desk.DecodeEnvelope(d.data)
	r.Request = e.Request
	return r, err
}

// Outcome is what became of a forwarded command.
type Outcome uint8

// The outcomes.
const (
	Done     Outcome = 1 // committed; the reply or the refusal is the answer
	NotInLog Outcome = 2 // this node did not lead or is stopping: nothing happened, repeat anywhere
	Unknown  Outcome = 3 // it may or may not have been committed: repeat with the same key only
	Garbled  Outcome = 4 // the command can't be read there
)

// Reply answers a Request.
type Reply struct {
	ID      uint64
	Outcome Outcome
	Reply   desk.Reply
	Refusal *desk.Error // nil = accepted
}

// AppendReply appends a reply's frame.
func AppendReply(dst []byte, r Reply) []byte {
	return appendFrame(dst, ReplyKind, func(b []byte) []byte {
		b = binary.AppendUvarint(b, r.ID)
		b = append(b, byte(r.Outcome))
		return desk.EncodeReply(b, r.Reply, r.Refusal)
	})
}

// ParseReply reads the payload of a reply.
func ParseReply(payload []byte) (Reply, error) {
	d := decoder{data: payload}
	r := Reply{ID: d.uvarint(), Outcome: Outcome(d.byte())}
	if d.failed || r.Outcome < Done || r.Outcome > Garbled {
		return Reply{}, ErrDamaged
	}
	var err error
	r.Reply, r.Refusal, err = desk.DecodeReply(d.data)
	return r, err
}

// Snapshot comes before a copy of the database on its way to another node.
type Snapshot struct {
	Index uint64 // of the last log entry that the copy contains
	Term  uint64
	Size  int64 // of the copy, in bytes
}

// SnapshotSize is the size of a snapshot's frame, in bytes. It is always the same, so that a receiver knows where the copy
// begins.
const SnapshotSize = headSize + 24 + tailSize

// AppendSnapshot appends a snapshot's frame.
func AppendSnapshot(dst []byte, s Snapshot) []byte {
	return appendFrame(dst, SnapshotKind, func(b []byte) []byte {
		for _, n := range []uint64{s.Index, s.Term, uint64(s.Size)} {
			b = binary.BigEndian.AppendUint64(b, n)
		}
		return b
	})
}

// ParseSnapshot reads one.
func ParseSnapshot(frame []byte) (Snapshot, error) {
	p, err := only(frame, SnapshotKind)
	if err == nil && len(p) != 24 {
		err = ErrDamaged
	}
	if err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Index: binary.BigEndian.Uint64(p), Term: binary.BigEndian.Uint64(p[8:]), Size: int64(binary.BigEndian.Uint64(p[16:]))}
	if s.Size < 0 {
		return Snapshot{}, ErrDamaged
	}
	return s, nil
}

// Hint is a small message that may get lost.
type Hint struct {
	Kind string // at most 32 bytes; chosen by whoever sends it
	Data []byte // at most MaxHint bytes
}

// MaxHint is the largest data of a hint, in bytes.
const MaxHint = 4 << 10

// AppendHint appends a hint's frame.
func AppendHint(dst []byte, h Hint) []byte {
	return appendFrame(dst, HintKind, func(b []byte) []byte {
		b = append(b, byte(len(h.Kind)))
		b = append(b, h.Kind...)
		return append(b, h.Data...)
	})
}

// CheckHint says why a hint can't be sent; nil if it can.
func CheckHint(h Hint) error {
	if h.Kind == "" || len(h.Kind) > 32 || len(h.Data) > MaxHint {
		return fmt.Errorf("wire: a hint of kind %.40q with %d bytes is none", h.Kind, len(h.Data))
	}
	return nil
}

// ParseHint reads the payload of a hint.
func ParseHint(payload []byte) (Hint, error) {
	d := decoder{data: payload}
	n := int(d.byte())
	if d.failed || n > len(d.data) {
		return Hint{}, ErrDamaged
	}
	h := Hint{Kind: string(d.data[:n]), Data: d.data[n:]}
	return h, CheckHint(h)
}

// AppendRefusal appends the frame that says why a connection is closed, in at most 200 bytes of English.
func AppendRefusal(dst []byte, why string) []byte {
	return appendFrame(dst, RefusalKind, func(b []byte) []byte { return append(b, why[:min(len(why), 200)]...) })
}

// decoder reads numbers off the front of a payload.
type decoder struct {
	data   []byte
	failed bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.failed = true
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) byte() byte {
	if len(d.data) == 0 {
		d.failed = true
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return b
}
