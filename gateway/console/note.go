// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"refdesk/cluster/desk"
)

// noteCommand writes the note of a "!note".
func noteCommand(t *turn, a ask) (Answer, error) { return t.note(a.chat, a.rest) }

// note writes a note. One that can't be kept is not held: a held text is a line for the patron.
func (t *turn) note(chat uint64, text string) (Answer, error) {
	row := t.c.grammar.words["note"]
	text = strings.TrimRightFunc(text, unseen)
	if text == "" {
		return t.tell("No note was written: its text goes behind the word, %s TEXT.", t.word("note", chat))
	}
	if n := utf8.RuneCountInString(text); n > desk.MaxText {
		return t.tell("No note was written: %s of %s characters; split it.", count(n), count(desk.MaxText))
	}
	x := &desk.PostLine{Chat: chat, ID: cutBytes(t.in.ID, 256), Kind: desk.NoteLine, Text: text, Resend: t.in.Resend}
	answer, ok, err := t.make(ask{row: row, chat: chat}, x, doing{not: "No note was written"})
	if !ok {
		return answer, err
	}
	answer.Note = true
	answer.Text = "Note, only staff see it: " + text
	if chat != t.in.Place.Chat {
		answer.Text = fmt.Sprintf("Note on %d, only staff see it: %s", chat, text)
	}
	return answer, nil
}

// send sends what is held, as the line it would have been.
func send(t *turn, a ask) (Answer, error) {
	text := ""
	err := t.view(func(r desk.Reader) error {
		held, err := r.Held(a.chat)
		if held != nil {
			text = held.Text
		}
		return missing(err)
	})
	if err != nil {
		return Answer{}, err
	}
	if n := utf8.RuneCountInString(text); n > desk.MaxText {
		return t.tell("%s", tooLong(n))
	}
	answer, ok, err := t.make(a, &desk.SendHeld{Chat: a.chat}, doing{})
	switch {
	case ok:
		answer.Text = "Sent."
	case err == nil && answer.Refused.Code != desk.NotFound && text != "":
		return t.refused(answer.Refused, doing{chat: a.chat, command: a.row.name, text: text})
	}
	return answer, err
}
