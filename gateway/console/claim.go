// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"

	"refdesk/cluster/desk"
)

// claim takes a waiting or missed chat.
func claim(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.ClaimChat{Chat: a.chat, Force: a.force}, doing{})
	if !ok {
		return answer, err
	}
	if answer.Reply.Seq == 0 {
		answer.Text = fmt.Sprintf("%d is yours already.%s", a.chat, t.where(a.chat))
		return answer, nil
	}
	answer.Text = fmt.Sprintf("%d is yours.%s", a.chat, t.where(a.chat))
	return answer, nil
}

// where tells the way to a chat from elsewhere.
func (t *turn) where(chat uint64) string {
	if chat == t.in.Place.Chat || t.c.opts.Address == nil {
		return ""
	}
	return " Write to the patron at " + t.c.opts.Address(chat) + "."
}

// release puts a chat back into the queue.
func release(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.ReleaseChat{Chat: a.chat}, doing{not: "Not released"})
	if ok {
		answer.Text = fmt.Sprintf("%d waits again, where its age puts it. %s takes it back.", a.chat, t.word("claim", a.chat))
	}
	return answer, err
}

// accept takes a chat that is offered.
func accept(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.AcceptTransfer{Chat: a.chat}, doing{})
	if ok {
		answer.Text = fmt.Sprintf("%d is yours.%s", a.chat, t.where(a.chat))
	}
	return answer, err
}

// decline leaves an offered chat with its owner, or stops a waiting one ringing for the sender.
func decline(t *turn, a ask) (Answer, error) {
	h, _, err := t.chat(a.chat)
	if err != nil {
		return Answer{}, err
	}
	if h != nil && h.State == desk.Waiting {
		answer, ok, err := t.make(a, &desk.DeclineRing{Chat: a.chat}, doing{not: "Nothing was done"})
		if ok {
			answer.Text = fmt.Sprintf("%d rings for you no more. It still waits: %s takes it.", a.chat, t.word("claim", a.chat))
		}
		return answer, err
	}
	answer, ok, err := t.make(a, &desk.DeclineTransfer{Chat: a.chat}, doing{})
	if ok {
		answer.Text = fmt.Sprintf("%d stays with its owner, who is told.", a.chat)
	}
	return answer, err
}

// join lets the sender write in a colleague's chat.
func join(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.JoinChat{Chat: a.chat}, doing{not: "Not joined"})
	switch {
	case !ok:
	case answer.Reply.Seq == 0:
		answer.Text = fmt.Sprintf("You can write in %d already.%s", a.chat, t.where(a.chat))
	default:
		answer.Text = fmt.Sprintf("You have joined %d: what you write there now goes to the patron.%s To end it: %s.",
			a.chat, t.where(a.chat), t.word("leave", a.chat))
	}
	return answer, err
}

// leave ends the sender's part in a colleague's chat.
func leave(t *turn, a ask) (Answer, error) {
	answer, ok, err := t.make(a, &desk.PartChat{Chat: a.chat}, doing{})
	if ok {
		answer.Text = fmt.Sprintf("You have left %d.", a.chat)
	}
	return answer, err
}
