// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// library is the state that every property starts from.
func library(t *rapid.T) *desktest.Memory {
	m := desktest.NewMemory()
	for i, env := range desktest.LibraryLog() {
		if _, _, err := desk.Apply(m, env); err != nil {
			t.Fatalf("library command %d: %v", i, err)
		}
	}
	return m
}

// envelopes draws a log of up to 60 commands of a small cast, some with keys, with a clock that never goes back.
func envelopes(t *rapid.T) []desk.Envelope {
	now := desktest.Start
	var log []desk.Envelope
	for i := range rapid.IntRange(1, 60).Draw(t, "length") {
		now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "seconds")) * time.Second)
		r := desktest.DrawRequest(t)
		if rapid.Bool().Draw(t, "keyed") {
			r.Key = desk.Key{Kind: desk.KeyStanza, Principal: r.Actor.ID, ID: fmt.Sprint(i)}
		}
		log = append(log, desk.Envelope{Request: r, Stamp: now})
		if len(log) > 1 && rapid.IntRange(0, 9).Draw(t, "repeat") == 0 {
			again := log[rapid.IntRange(0, len(log)-1).Draw(t, "which")]
			again.Stamp = now
			log = append(log, again)
		}
	}
	return log
}

// apply runs a log, with the timers that fall due before each command, and fails on anything but a refusal.
func apply(t *rapid.T, m *desktest.Memory, log []desk.Envelope) {
	for _, env := range log {
		for {
			due, err := desk.NextDue(m, 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(due) == 0 || due[0].At > env.Stamp {
				break
			}
			step(t, m, desk.Envelope{
				Request: desk.Request{Actor: desk.NodeActor("n0"), Command: &desk.Fire{Due: due[0]}},
				Stamp:   due[0].At,
			})
		}
		step(t, m, env)
	}
}

func step(t *rapid.T, m *desktest.Memory, env desk.Envelope) (desk.Reply, error) {
	reply, _, err := desk.Apply(m, env)
	var refusal *desk.Error
	if err != nil && !errors.As(err, &refusal) {
		t.Fatalf("%s: %v", env.Command.CommandName(), err)
	}
	return reply, err
}

func digest(t *rapid.T, m *desktest.Memory) []byte {
	d, err := desk.Digest(m)
	if err != nil {
		t.Fatal(err)
	}
	if sum := desktest.SumOf(m); !bytes.Equal(sum, d) {
		t.Fatalf("the set hash kept is %x, the records' is %x", d, sum)
	}
	return d
}

func TestSameLogSameDigest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := envelopes(t)
		one, two := library(t), library(t)
		apply(t, one, log)
		cut := rapid.IntRange(0, len(log)).Draw(t, "snapshot")
		apply(t, two, log[:cut])
		restored := two.Clone()
		apply(t, restored, log[cut:])
		if !bytes.Equal(digest(t, one), digest(t, restored)) {
			t.Fatal("a snapshot and the rest of the log differ from the log")
		}
	})
}

func TestRepeatsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := library(t)
		log := envelopes(t)
		for i, env := range log {
			env.Key = desk.Key{Kind: desk.KeyWeb, Principal: "w", ID: fmt.Sprint(i)}
			reply, err := step(t, m, env)
			before := digest(t, m)
			env.Stamp += 1000
			again, errAgain := step(t, m, env)
			if !bytes.Equal(before, digest(t, m)) {
				t.Fatalf("a repeated %s changed the records", env.Command.CommandName())
			}
			reply.Again = true
			if reply != again || fmt.Sprint(err) != fmt.Sprint(errAgain) {
				t.Fatalf("a repeated %s answers %+v %v, at first %+v %v", env.Command.CommandName(), again, errAgain, reply, err)
			}
		}
	})
}

func TestRefusalsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := library(t)
		for _, env := range envelopes(t) {
			env.Key = desk.Key{}
			before := digest(t, m)
			at, _ := desk.Seq(m)
			if _, err := step(t, m, env); err == nil {
				continue
			}
			if after, _ := desk.Seq(m); after != at || !bytes.Equal(before, digest(t, m)) {
				t.Fatalf("a refused %s changed the records", env.Command.CommandName())
			}
		}
	})
}

func TestLinesHaveNoGapsAndOneOwner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := library(t)
		apply(t, m, envelopes(t))
		b, err := desk.EventsAfter(m, desk.NodeActor("n0"), desk.TopicAll(), desk.Cursor{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		lines, owner := map[uint64]uint64{}, map[uint64]string{}
		for i, e := range b.Events {
			if i > 0 && e.Seq != b.Events[i-1].Seq+1 {
				t.Fatalf("event %d follows %d", e.Seq, b.Events[i-1].Seq)
			}
			switch e.Kind {
			case desk.LinePosted:
				lines[e.Chat]++
				if e.Line != lines[e.Chat] {
					t.Fatalf("chat %d: line %d comes as number %d", e.Chat, e.Line, lines[e.Chat])
				}
			case desk.ChatClaimed:
				if was := owner[e.Chat]; was != "" && was != e.To {
					t.Fatalf("chat %d: %s claims what %s has", e.Chat, e.Staff, was)
				}
				owner[e.Chat] = e.Staff
			case desk.ChatReleased, desk.ChatTransferred, desk.ChatMissed, desk.ChatClosed:
				owner[e.Chat] = ""
			case desk.ChatReopened:
				owner[e.Chat] = e.Staff
			}
		}
	})
}

// A timer stands only for a chat of which it still has something to say, and what hangs on a chat's state hangs on nothing else.
func TestTimersAndFlagsFitTheirChats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := library(t)
		apply(t, m, envelopes(t))
		r, err := desk.NewReader(m, desk.NodeActor("n0"))
		if err != nil {
			t.Fatal(err)
		}
		due, err := desk.NextDue(m, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range due {
			if d.Chat == 0 || d.Kind == desk.DueAddress {
				continue
			}
			h, err := r.Chat(d.Chat)
			if err != nil {
				t.Fatal(err)
			}
			fits := map[desk.DueKind]bool{
				desk.DueRing:     h.State == desk.Waiting,
				desk.DueRingAck:  h.State == desk.Waiting,
				desk.DueGone:     h.State == desk.Waiting || h.State == desk.Claimed,
				desk.DueTransfer: h.State == desk.Claimed && h.Offer.To != "",
				desk.DueGrace:    h.State == desk.Claimed && h.LostAt != 0,
				desk.DueRering:   h.State == desk.Claimed && h.LostAt != 0,
				desk.DueSilent:   h.State == desk.Claimed,
				desk.DuePromise:  h.Promise.By != "" && (h.State == desk.Waiting || h.State == desk.Claimed),
				desk.DuePurge:    h.NoStore,
			}
			if !fits[d.Kind] {
				t.Fatalf("chat %d is %s and has a timer %s", h.Number, h.State, d.Kind)
			}
		}
		for n := uint64(1); n <= 4; n++ {
			h, err := r.Chat(n)
			if err != nil {
				continue
			}
			switch {
			case h.State == desk.Claimed && h.Owner == "", h.State == desk.Waiting && h.Owner != "":
				t.Fatalf("chat %d is %s and its owner is %q", n, h.State, h.Owner)
			case h.Silent != 0 && h.State != desk.Claimed, h.ToTag && h.State == desk.Claimed:
				t.Fatalf("chat %d is %s: silent %d, to tag %v", n, h.State, h.Silent, h.ToTag)
			case h.Promise.By != "" && h.State != desk.Waiting && h.State != desk.Claimed:
				t.Fatalf("chat %d is %s and promised by %s", n, h.State, h.Promise.By)
			}
		}
	})
}

func TestCommandsSurviveTheirEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env := desk.Envelope{Request: desktest.DrawRequest(t), Stamp: desktest.Start}
		data := desk.EncodeEnvelope(nil, env)
		back, err := desk.DecodeEnvelope(data)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, desk.EncodeEnvelope(nil, back)) {
			t.Fatalf("%s encodes differently after decoding", env.Command.CommandName())
		}
		for n := range data {
			if _, err := desk.DecodeEnvelope(data[:n]); err == nil {
				t.Fatalf("%d of %d bytes of %s decode", n, len(data), env.Command.CommandName())
			}
		}
	})
}

func FuzzDecodeEnvelope(f *testing.F) {
	for _, c := range desk.Commands() {
		f.Add(desk.EncodeEnvelope(nil, desk.Envelope{Request: desk.Request{Actor: desk.NodeActor("n0"), Command: c}, Stamp: 1}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		env, err := desk.DecodeEnvelope(data)
		if err != nil {
			return
		}
		again, err := desk.DecodeEnvelope(desk.EncodeEnvelope(nil, env))
		if err != nil {
			t.Fatalf("what was decoded doesn't decode again: %v", err)
		}
		if !bytes.Equal(desk.EncodeEnvelope(nil, env), desk.EncodeEnvelope(nil, again)) {
			t.Fatal("the encoding isn't canonical")
		}
	})
}
