// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"bytes"
	"fmt"
	"strings"
)

// Proof is what a look through all records found.
type Proof struct {
	Records, Chats, Lines, Events, Keys uint64
	Digest                              []byte // counted anew from the records
	Seq, Epoch                          uint64
	Objections                          []string // sentences without anybody's words; the first hundred
	More                                uint64   // objections beyond those
}

// mostObjections is how many are put into words.
const mostObjections = 100

func (p *Proof) object(format string, args ...any) {
	if len(p.Objections) < mostObjections {
		p.Objections = append(p.Objections, fmt.Sprintf(format, args...))
		return
	}
	p.More++
}

// Prove looks through all records of one state and objects to what no run of commands can have left: a digest that is not
// that of the records, lines with a gap, events out of order, two owners at once, a key whose line is missing or another's
// too. The error is damage that ended the look.
func Prove(src Source) (*Proof, error) {
	p := &Proof{}
	m, err := loadMeta(src)
	if err != nil {
		return nil, err
	}
	p.Seq, p.Epoch = m.Seq, m.Epoch
	for _, look := range []func(Source, *meta) error{p.digest, p.lines, p.events, p.keys} {
		if err := look(src, m); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// digest adds all records up again.
func (p *Proof) digest(src Source, m *meta) error {
	var total sum
	for _, t := range Tables() {
		if t.Table == metaTable {
			continue
		}
		r := Range{Limit: pageSize}
		for n := pageSize; n == pageSize; {
			n = 0
			for k, data := range src.Scan(t.Table, r) {
				total.add(rowHash(t.Table, k, data))
				r.After, n = k, n+1
			}
			p.Records += uint64(n)
		}
	}
	p.Digest = total.bytes()
	if total != m.Sum {
		p.object("the records don't add up to the digest that is kept of them")
	}
	return nil
}

// lines counts each chat's lines.
func (p *Proof) lines(src Source, m *meta) error {
	var known uint64
	err := each(src, Range{}, func(h *Chat) error {
		p.Chats++
		var n, seq uint64
		err := each(src, Range{Prefix: string(chatKey(h.Number))}, func(l *Line) error {
			if n++; l.Line != n {
				p.object("chat %d: line %d stands where %d should", h.Number, l.Line, n)
				n = l.Line
			}
			if l.Seq <= seq || l.Seq > m.Seq {
				p.object("chat %d: line %d has seq %d, after %d", h.Number, l.Line, l.Seq, seq)
			}
			seq = l.Seq
			known++
			return nil
		})
		if n != h.Lines && (n > 0 || !h.NoStore || !h.Masked) { // a chat that isn't to be kept loses its lines
			p.object("chat %d: it ends with line %d, not with %d", h.Number, n, h.Lines)
		}
		if (h.State == Claimed) != (h.Owner != "") && (h.State == Claimed || h.State == Waiting) {
			p.object("chat %d is %s and its owner is %q", h.Number, h.State, h.Owner)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = each(src, Range{}, func(*Line) error { p.Lines++; return nil })
	if p.Lines != known {
		p.object("%d lines belong to no chat", p.Lines-known)
	}
	return err
}

// events follows the history that is kept.
func (p *Proof) events(src Source, m *meta) error {
	var last uint64
	gaps := m.Epoch - 1 // one for each restore
	owner := map[uint64]string{}
	err := each(src, Range{}, func(e *Event) error {
		p.Events++
		switch {
		case last == 0 || e.Seq == last+1:
		case e.Seq == last+RestoreGap+1 && gaps > 0:
			gaps--
		default:
			p.object("event %d follows %d", e.Seq, last)
		}
		last = e.Seq
		if e.Kind == LinePosted {
			return p.posted(src, e)
		}
		p.owner(owner, e)
		return nil
	})
	if err == nil && last != m.Seq {
		p.object("the events end with %d, not with %d", last, m.Seq)
	}
	if err != nil {
		return err
	}
	for number, who := range owner {
		h, err := load[Chat](src, chatKey(number))
		if err != nil {
			return err
		}
		if h != nil && who != "" && (h.State != Claimed || h.Owner != who) {
			p.object("chat %d: by its events %s owns it, by its record it is %s and %q does", number, who, h.State, h.Owner)
		}
	}
	return nil
}

// posted compares an event with the line that it tells of.
func (p *Proof) posted(src Source, e *Event) error {
	l, err := load[Line](src, lineKey(e.Chat, e.Line))
	if l != nil && l.Seq != e.Seq {
		p.object("chat %d: line %d has seq %d, and its event is %d", e.Chat, e.Line, l.Seq, e.Seq)
	}
	return err
}

// owner follows who owns which chat. Who owned it before the oldest event is not known.
func (p *Proof) owner(owner map[uint64]string, e *Event) {
	switch e.Kind {
	case ChatClaimed:
		if was := owner[e.Chat]; was != "" && was != e.To {
			p.object("chat %d: at %d %s claims what %s has", e.Chat, e.Seq, e.Staff, was)
		}
		owner[e.Chat] = e.Staff
	case ChatReopened:
		owner[e.Chat] = e.Staff
	case ChatReleased, ChatTransferred, ChatMissed, ChatClosed:
		owner[e.Chat] = ""
	}
}

// keys compares the answers once given with what there is.
func (p *Proof) keys(src Source, m *meta) error {
	lines := map[[2]uint64]bool{}
	return each(src, Range{}, func(k *keyRecord) error {
		p.Keys++
		r := k.Reply
		if k.Refusal.Code != "" {
			return nil
		}
		if r.Seq > m.Seq {
			p.object("a key of kind %s was answered with seq %d, after the last one", k.Key.Kind, r.Seq)
		}
		if k.Key.Kind != KeyPatron || r.Line == 0 {
			return nil
		}
		at := [2]uint64{r.Chat, r.Line}
		if lines[at] {
			p.object("chat %d: line %d answers two keys of its patron", r.Chat, r.Line)
		}
		lines[at] = true
		return p.acknowledged(src, r)
	})
}

// acknowledged looks for the line that a patron was told of.
func (p *Proof) acknowledged(src Source, r Reply) error {
	l, err := load[Line](src, lineKey(r.Chat, r.Line))
	if err != nil || l != nil && l.Seq == r.Seq {
		return err
	}
	h, err := load[Chat](src, chatKey(r.Chat))
	switch {
	case err != nil:
		return err
	case l != nil:
		p.object("chat %d: line %d was acknowledged with seq %d and has %d", r.Chat, r.Line, r.Seq, l.Seq)
	case h != nil && !(h.NoStore && h.Masked):
		p.object("chat %d: line %d was acknowledged and is missing", r.Chat, r.Line)
	}
	return nil
}

// Marked returns the number of the last digest check that this state has seen, and the digest it noted then. All nodes note
// theirs at the same entry of the log.
func Marked(src Source) (mark uint64, digest []byte, err error) {
	m, err := loadMeta(src)
	if err != nil {
		return 0, nil, err
	}
	return m.Mark, m.MarkSum.bytes(), nil
}

// EachWord calls f with the table and encoding of every record that holds word, whatever the case of its Latin letters.
func EachWord(src Source, word string, f func(Table)) error {
	want := []byte(strings.ToLower(word))
	for _, t := range Tables() {
		r := Range{Limit: pageSize}
		for n := pageSize; n == pageSize; {
			n = 0
			for k, data := range src.Scan(t.Table, r) {
				if bytes.Contains(bytes.ToLower(data), want) || bytes.Contains(bytes.ToLower([]byte(k)), want) {
					f(t.Table)
				}
				r.After, n = k, n+1
			}
		}
	}
	return nil
}
