// SPDX-License-Identifier: Apache-2.0

package desktest

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"refdesk/cluster/desk"
)

// DrawRequest draws a doing of a small cast: three patrons, three members of staff, one node; chats 1 to 4.
func DrawRequest(t *rapid.T) desk.Request {
	doings := map[string][]string{
		"p": {"open reference Q%d", "say %d text", "leave %d", "attach %d n0", "detach %d n0", "attach %d n1", "detach %d n1", "contact %d a@b.example", "seen %d 3", "here %d", "rate %d 4 fine"},
		"s": {
			"connect", "disconnect", "show online", "show away", "show dnd", "claim %d", "claim %d", "release %d", "say %d hello",
			"resend %d twice", "note %d for us", "hold %d slip", "send %d", "tag %d renewals", "untag %d renewals", "join %d",
			"watch %d", "part %d", "transfer %d ben", "transfer %d ana", "transfer %d #digital", "accept %d", "decline %d",
			"close %d renewals", "close %d", "dismiss %d why", "message ben hi",
			"received %d", "no %d", "on", "off", "off 1m", "still %d", "ask-contact %d", "promise %d 1", "claim! %d", "reopen %d", "undo %d",
			"redact %d 1", "redact %d slip", "close-typing %d renewals",
		},
		"n": {
			"up one", "up two", "down one", "down two", "expire", "department reference backups=dora,#digital",
			"department digital nostore untagged", "person ana 1", "shifts reference ana 0h 5m, ben 1m 24h", "clock claim_deadline 10s",
		},
	}
	if rapid.IntRange(0, 2).Draw(t, "about") == 0 {
		doings = ticketDoings()
	}
	names := map[string][]string{"p": {"p1", "p2", "p3"}, "s": {"ana", "ben", "dora"}, "n": {"n0"}}
	side := rapid.SampledFrom([]string{"p", "p", "s", "s", "s", "n"}).Draw(t, "side")
	name := rapid.SampledFrom(names[side]).Draw(t, "name")
	doing := rapid.SampledFrom(doings[side]).Draw(t, "doing")
	doing = strings.ReplaceAll(doing, "%d", strconv.Itoa(rapid.IntRange(1, 4).Draw(t, "chat")))
	verb, rest, _ := strings.Cut(doing, " ")
	r, err := request(name, verb, rest)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// LibraryLog is the log that made the desk of Store.Library.
func LibraryLog() []desk.Envelope {
	var log []desk.Envelope
	for _, c := range libraryCommands() {
		log = append(log, desk.Envelope{
			Request: desk.Request{Actor: desk.Actor{Kind: desk.AdminKind, ID: "test"}, Command: c},
			Stamp:   Start,
		})
	}
	return log
}

// SumOf computes the set hash of all records afresh, as desk.Digest keeps it.
func SumOf(m *Memory) []byte {
	var total [4]uint64
	for t, rows := range m.rows {
		if t == "meta" {
			continue
		}
		for k, data := range rows {
			addHash(&total, string(t), k, data)
		}
	}
	var out []byte
	for _, w := range total {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

func addHash(total *[4]uint64, table, key string, data []byte) {
	var row []byte
	for _, part := range [][]byte{[]byte(table), []byte(key), data} {
		row = binary.BigEndian.AppendUint64(row, uint64(len(part)))
		row = append(row, part...)
	}
	h := sha256.Sum256(row)
	var carry uint64
	for i := range total {
		total[i], carry = bits.Add64(total[i], binary.LittleEndian.Uint64(h[8*i:]), carry)
	}
}
