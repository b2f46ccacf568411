// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
)

var update = flag.Bool("update", false, "write the golden files of the newest version")

func request() desk.Request {
	return desk.Request{
		Actor:   desk.PatronActor("0123456789abcdef"),
		Key:     desk.Key{Kind: desk.KeyPatron, Principal: "0123456789abcdef", ID: "m-1"},
		Command: &desk.PostLine{Chat: 7, ID: "m-1", Kind: desk.TextLine, Text: "كم كتاباً يمكنني أن أستعير؟ 📚"},
	}
}

// samples are one frame of every kind.
func samples() map[string][]byte {
	return map[string][]byte{
		"envelope": AppendEnvelope(nil, desk.Envelope{Request: request(), Stamp: 1788775200123}),
		"request":  AppendRequest(nil, Request{ID: 300, Patience: 1500 * time.Millisecond, Request: request()}),
		"reply":    AppendReply(nil, Reply{ID: 300, Outcome: Done, Reply: desk.Reply{Seq: 41, Chat: 7, Line: 3, At: 1788775200123, Again: true}}),
		"refused": AppendReply(nil, Reply{ID: 301, Outcome: Done, Refusal: &desk.Error{
			Code: desk.Conflict, Field: "chat", Staff: "ana", At: 1788775200000, Chat: 7, Line: 2,
		}}),
		"not-in-log": AppendReply(nil, Reply{ID: 302, Outcome: NotInLog}),
		"snapshot":   AppendSnapshot(nil, Snapshot{Index: 12345, Term: 6, Size: 1 << 33}),
		"hint":       AppendHint(nil, Hint{Kind: "typing", Data: []byte{7, 1, 0xff}}),
		"refusal":    AppendRefusal(nil, "not spoken here yet"),
	}
}

// reencode reads a frame of any kind and writes it again.
func reencode(frame []byte) ([]byte, error) {
	kind, p, rest, err := Split(frame)
	if err != nil || len(rest) > 0 {
		return nil, errors.Join(err, fmt.Errorf("%d bytes left", len(rest)))
	}
	switch kind {
	case EnvelopeKind:
		e, err := ParseEnvelope(frame)
		if err != nil {
			return nil, err
		}
		return AppendEnvelope(nil, e), nil
	case RequestKind:
		r, err := ParseRequest(p)
		if err != nil {
			return nil, err
		}
		return AppendRequest(nil, r), nil
	case ReplyKind:
		r, err := ParseReply(p)
		if err != nil {
			return nil, err
		}
		return AppendReply(nil, r), nil
	case SnapshotKind:
		s, err := ParseSnapshot(frame)
		if err != nil {
			return nil, err
		}
		return AppendSnapshot(nil, s), nil
	case HintKind:
		h, err := ParseHint(p)
		if err != nil {
			return nil, err
		}
		return AppendHint(nil, h), nil
	}
	return AppendRefusal(nil, string(p)), nil
}

// The frames of every past version are still read, and today's are written as they were when this version began.
func TestGolden(t *testing.T) {
	for name, frame := range samples() {
		file := filepath.Join("testdata", fmt.Sprintf("v%d", Version), name+".hex")
		if *update {
			if err := os.WriteFile(file, []byte(hex.EncodeToString(frame)+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		old, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(old, frame) {
			t.Errorf("%s: version %d is written differently now; a change needs a new version", name, Version)
		}
		if again, err := reencode(old); err != nil || !bytes.Equal(again, old) {
			t.Errorf("%s: read and written again: %x, %v", name, again, err)
		}
	}
}

// Every command's encoding is pinned too, with a value in each of its fields.
func TestGoldenCommands(t *testing.T) {
	var b strings.Builder
	for _, c := range desk.Commands() {
		n := 0
		fill(reflect.ValueOf(c).Elem(), &n)
		data := desk.EncodeCommand(nil, c)
		back, err := desk.DecodeCommand(data)
		if err != nil {
			t.Errorf("%s: %v", c.CommandName(), err)
		} else if diff := cmp.Diff(c, back, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("%s changes on its way: %s", c.CommandName(), diff)
		}
		fmt.Fprintf(&b, "%s %x\n", c.CommandName(), data)
	}
	file := filepath.Join("testdata", fmt.Sprintf("v%d", Version), "commands.txt")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("commands are written differently now; a change needs a new version of their layout (or -update before the first release):\n%s", diff)
	}
}

// fill puts a different value into each exported field.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), n)
	case reflect.String:
		v.SetString(fmt.Sprintf("word-%d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	}
}

func TestRead(t *testing.T) {
	var stream []byte
	for _, name := range []string{"request", "hint", "reply"} {
		stream = append(stream, samples()[name]...)
	}
	r := bytes.NewReader(stream)
	for _, want := range []Kind{RequestKind, HintKind, ReplyKind} {
		if kind, _, err := Read(r); err != nil || kind != want {
			t.Fatalf("got kind %d, %v; want %d", kind, err, want)
		}
	}
	if _, _, err := Read(r); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if _, _, err := Read(bytes.NewReader(stream[:20])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v", err)
	}
}

func TestRefused(t *testing.T) {
	whole := samples()["hint"]
	with := func(place int, b byte) []byte {
		d := bytes.Clone(whole)
		d[place] = b
		return d
	}
	for _, tc := range []struct {
		what string
		data []byte
		want error
	}{
		{"nothing", nil, ErrDamaged},
		{"text", []byte("GET / HTTP/1.1\r\n\r\n"), ErrDamaged},
		{"a later version", with(2, Version+1), ErrNewer},
		{"a later kind", with(3, 99), ErrNewer},
		{"a length of 4 GB", with(4, 0xff), ErrDamaged},
		{"a length beyond the end", with(7, whole[7]+1), ErrDamaged},
		{"a flipped bit in the payload", with(12, whole[12]^1), ErrDamaged},
		{"a flipped bit in the checksum", with(len(whole)-1, whole[len(whole)-1]^1), ErrDamaged},
		{"cut short", whole[:len(whole)-1], ErrDamaged},
	} {
		if _, _, _, err := Split(tc.data); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.what, err, tc.want)
		}
	}
	if _, err := ParseEnvelope(whole); !errors.Is(err, ErrDamaged) {
		t.Errorf("a hint read as an envelope: %v", err)
	}
	if err := CheckHint(Hint{Kind: "x", Data: make([]byte, MaxHint+1)}); err == nil {
		t.Error("a hint of more than MaxHint bytes passes")
	}
}

// The largest command fits into a frame.
func TestLargestCommandFits(t *testing.T) {
	r := request()
	r.Command = &desk.PostLine{Text: strings.Repeat("x", desk.MaxCommand)}
	frame := AppendRequest(nil, Request{Request: r})
	if _, _, _, err := Split(frame); err != nil {
		t.Errorf("%d bytes: %v", len(frame), err)
	}
}

func FuzzFrame(f *testing.F) {
	for _, frame := range samples() {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, payload, rest, err := Split(data)
		fromStream, p, errRead := Read(bytes.NewReader(data))
		if (err == nil) != (errRead == nil) || err == nil && (kind != fromStream || !bytes.Equal(payload, p)) {
			t.Fatalf("split: %d %v; read: %d %v", kind, err, fromStream, errRead)
		}
		if err != nil {
			return
		}
		frame := data[:len(data)-len(rest)]
		again, err := reencode(frame)
		if err == nil {
			if _, err := reencode(again); err != nil {
				t.Fatalf("what was read can't be read again: %v", err)
			}
		}
	})
}

// FuzzPayload feeds the parsers what a peer with a right checksum might send.
func FuzzPayload(f *testing.F) {
	for _, frame := range samples() {
		f.Add(frame[3], frame[headSize:len(frame)-tailSize])
	}
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		if len(payload) > MaxPayload {
			return
		}
		again, err := reencode(appendFrame(nil, Kind(kind), func(b []byte) []byte { return append(b, payload...) }))
		if err == nil {
			if _, err := reencode(again); err != nil {
				t.Fatalf("what was read can't be read again: %v", err)
			}
		}
	})
}

func BenchmarkEnvelope(b *testing.B) {
	e := desk.Envelope{Request: request(), Stamp: 1788775200123}
	for b.Loop() {
		if _, err := ParseEnvelope(AppendEnvelope(nil, e)); err != nil {
			b.Fatal(err)
		}
	}
}
