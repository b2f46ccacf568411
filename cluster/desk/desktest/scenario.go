// SPDX-License-Identifier: Apache-2.0

package desktest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"refdesk/cluster/desk"
)

// RunScenarios runs the scenario files of a directory. A scenario is a conversation, one doing a line:
//
//	say
//	ana: connect
//	p1: open reference How do I renew a book?
//	ana: claim 1
//	wait 20s
//	----
//	ana: connect → ok
//	…
//
// Each answer is followed by the events that it caused. "look N" prints a ticket, "term N" elects a leader. "library" starts a new one with the desk of Store.Library;
// "digest" prints nothing but checks that the same log gives the same digest again. go test -rewrite writes the files.
func RunScenarios(t *testing.T, dir string) {
	datadriven.Walk(t, dir, func(t *testing.T, path string) {
		c := &cast{store: NewStore()}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "library":
				c = &cast{store: NewStore()}
				if err := c.store.Library(); err != nil {
					d.Fatalf(t, "library: %v", err)
				}
				c.events(t)
				return ""
			case "say":
				var out strings.Builder
				for line := range strings.Lines(d.Input) {
					c.line(t, &out, strings.TrimSpace(line))
				}
				return out.String()
			}
			d.Fatalf(t, "unknown directive %q", d.Cmd)
			return ""
		})
	})
}

// cast is the people of a scenario and how far its events were printed.
type cast struct {
	store *Store
	seq   uint64
}

func (c *cast) line(t *testing.T, out *strings.Builder, line string) {
	if line == "" || strings.HasPrefix(line, "#") {
		return
	}
	if after, ok := strings.CutPrefix(line, "look "); ok {
		c.look(t, out, after)
		return
	}
	if after, ok := strings.CutPrefix(line, "term "); ok {
		c.store.Term, _ = strconv.ParseUint(after, 10, 64)
		fmt.Fprintln(out, line)
		return
	}
	if what, ok := strings.CutPrefix(line, "see "); ok {
		c.see(t, out, what)
		return
	}
	if after, ok := strings.CutPrefix(line, "wait "); ok {
		d, err := time.ParseDuration(after)
		if err == nil {
			err = c.store.Advance(d)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		fmt.Fprintln(out, line)
	} else {
		fmt.Fprintf(out, "%s → %s\n", line, c.do(t, line))
	}
	for _, e := range c.events(t) {
		fmt.Fprintf(out, "   %s\n", e)
	}
}

// do runs one doing and returns its answer in words.
func (c *cast) do(t *testing.T, line string) string {
	name, doing, ok := strings.Cut(line, ": ")
	if !ok {
		t.Fatalf("%q: want NAME: DOING", line)
	}
	doing, id, _ := strings.Cut(doing, " @")
	verb, rest, _ := strings.Cut(doing, " ")
	r, err := request(name, verb, rest)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if id != "" {
		kind := desk.KeyStanza
		if r.Actor.Kind == desk.PatronKind {
			kind = desk.KeyPatron
		}
		r.Key = desk.Key{Kind: kind, Principal: r.Actor.ID, ID: id}
	}
	reply, err := c.store.Do(context.Background(), r)
	var refusal *desk.Error
	switch {
	case errors.As(err, &refusal):
		return refusalWords(refusal)
	case err != nil:
		t.Fatalf("%q: %v", line, err)
	}
	return replyWords(reply)
}

func refusalWords(e *desk.Error) string {
	out := "refused: " + string(e.Code)
	for _, part := range []string{e.Field, e.Staff} {
		if part != "" {
			out += " " + part
		}
	}
	return out
}

func replyWords(r desk.Reply) string {
	out := "ok"
	switch {
	case r.Line > 0 && r.Chat > 0:
		out += fmt.Sprintf(" chat %d line %d", r.Chat, r.Line)
	case r.Line > 0:
		out += fmt.Sprintf(" line %d", r.Line)
	}
	if r.Ticket > 0 {
		out += fmt.Sprintf(" ticket %d", r.Ticket)
	}
	if r.Entry > 0 {
		out += fmt.Sprintf(" entry %d", r.Entry)
	}
	if r.Mail > 0 {
		out += fmt.Sprintf(" mail %d", r.Mail)
	}
	if r.Value != "" {
		out += " " + r.Value
	}
	if r.Again {
		out += " (again)"
	}
	return out
}

// events returns what happened since the last call, in words.
func (c *cast) events(t *testing.T) []string {
	var out []string
	for {
		b, err := desk.EventsAfter(c.store.state, desk.NodeActor("n0"), desk.TopicAll(), desk.Cursor{Seq: c.seq}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Events) == 0 {
			return out
		}
		c.seq = b.Cursor.Seq
		for _, e := range b.Events {
			out = append(out, eventWords(e))
		}
	}
}

func eventWords(e desk.Event) string {
	var b strings.Builder
	b.WriteString(string(e.Kind))
	field := func(name, value string) {
		if value != "" && value != "0" {
			fmt.Fprintf(&b, " %s=%s", name, value)
		}
	}
	field("chat", strconv.FormatUint(e.Chat, 10))
	field("line", strconv.FormatUint(e.Line, 10))
	field("ticket", strconv.FormatUint(e.Ticket, 10))
	field("entry", strconv.FormatUint(e.Entry, 10))
	field("staff", e.Staff)
	field("to", e.To)
	field("node", e.Node)
	field("value", e.Value)
	field("n", strconv.FormatUint(e.N, 10))
	var audience []string
	if e.Audience.Patron {
		audience = append(audience, "patron")
	}
	audience = append(audience, e.Audience.Staff...)
	for _, d := range e.Audience.Departments {
		audience = append(audience, "#"+d)
	}
	if len(audience) > 0 {
		fmt.Fprintf(&b, " → %s", strings.Join(audience, " "))
	}
	return b.String()
}
