// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"

	"refdesk/cluster/desk"
)

// promise tells the patron in how many minutes the sender is with them.
func promise(t *turn, a ask) (Answer, error) {
	n, ok := minutes(a.rest)
	if !ok {
		return t.tell("Nothing was promised: the minutes go behind the word, %s 3.", t.word("wait", a.number()))
	}
	answer, ok, err := t.make(a, &desk.PromiseWait{Chat: a.chat, Minutes: n}, doing{not: "Nothing was promised"})
	if !ok {
		return answer, err
	}
	h, _, err := t.chat(a.chat)
	answer.Text = fmt.Sprintf("The patron of %d reads that you are with them in %d min. You are reminded then.", a.chat, n)
	if h != nil && h.State == desk.Waiting {
		answer.Text += fmt.Sprintf(" It rings for nobody meanwhile; %s takes it.", t.word("claim", a.chat))
	}
	return answer, err
}

// still has the page ask whether the patron is there.
func still(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.AskStill{Chat: a.chat}, doing{not: "Not asked"})
	if ok {
		answer.Text = fmt.Sprintf("The page asks whether they are still there. Without an answer %d ends by itself.", a.chat)
	}
	return answer, err
}

// undo takes back the sender's last tag, release or close.
func undo(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.UndoChat{Chat: a.chat}, doing{not: "Nothing was taken back"})
	if !ok {
		return answer, err
	}
	switch answer.Reply.Value {
	case "release":
		answer.Text = fmt.Sprintf("%d is yours again.%s", a.chat, t.where(a.chat))
	case "close":
		answer.Text = fmt.Sprintf("%d is open again and yours.%s", a.chat, t.where(a.chat))
	default:
		answer.Text = fmt.Sprintf("The last tags are off %d again.", a.chat)
	}
	return answer, nil
}

// reopen goes on with a chat that has ended lately.
func reopen(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.ReopenChat{Chat: a.chat}, doing{not: "Not reopened"})
	if ok {
		answer.Text = fmt.Sprintf("%d is open again and yours.%s", a.chat, t.where(a.chat))
	}
	return answer, err
}

// redact takes a word, or the newest line that the sender knows of, out of a chat for good.
func redact(t *turn, a ask) (Answer, error) {
	what := flat(a.rest)
	x := &desk.RedactLine{Chat: a.chat, Word: what}
	said := fmt.Sprintf("It is gone from %d for good, wherever it stood.", a.chat)
	switch {
	case what == "":
		return t.tell("Nothing was taken out: %s WORD takes a word out, %s last the last line.", t.word("redact", a.number()), t.word("redact", a.number()))
	case strings.EqualFold(what, "last"):
		l, by, err := t.newestLine(a.chat)
		if err != nil {
			return Answer{}, err
		}
		if l == nil {
			return t.tell("Nothing was taken out: there is no line.")
		}
		x.Word, x.Line = "", l.Line
		said = fmt.Sprintf("The last line, %s, is gone from %d for good.", by, a.chat)
	}
	answer, ok, err := t.make(a, x, doing{not: "Nothing was taken out"})
	if ok {
		answer.Text = said
	}
	return answer, err
}

// newestLine is the newest line of a chat that the sender's client has, or that they wrote, and whose it is.
func (t *turn) newestLine(chat uint64) (last *desk.Line, by string, err error) {
	err = t.view(func(r desk.Reader) error {
		h, _, err := t.chatIn(r, chat)
		if h == nil || err != nil {
			return err
		}
		all, err := r.Lines(chat, h.Lines-min(h.Lines, 50), 0)
		if err != nil {
			return err
		}
		got := t.in.got(chat)
		for _, l := range all {
			if l.From != desk.FromSystem && (got == 0 || l.Seq <= got || l.By == t.me()) {
				last = l
			}
		}
		if last != nil {
			by = "of " + speaker(h, last, Names(r))
			if last.By == t.me() {
				by = "your own"
			}
		}
		return nil
	})
	return last, by, err
}

// watch lets the sender read along in a colleague's chat.
func watch(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.JoinChat{Chat: a.chat, Watch: true}, doing{not: "Not done"})
	if ok {
		answer.Text = fmt.Sprintf("You read along in %d. To end it: %s.", a.chat, t.word("leave", a.chat))
	}
	return answer, err
}
