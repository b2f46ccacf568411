// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"

	"refdesk/cluster/desk"
)

// closeChat ends a chat, with tags on the way. The desk refuses while the patron has written something newer than what
// the sender's client has.
func closeChat(t *turn, a ask) (Answer, error) {
	d, err := t.tagger(a)
	if err != nil {
		return Answer{}, err
	}
	if d == nil {
		return t.unreadable(a)
	}
	found, answer, err := t.tagsOf(a, d)
	if found == nil {
		return answer, err
	}
	x := &desk.CloseChat{
		Chat: a.chat, Tags: found.tags, Got: t.in.got(a.chat), Force: a.force, Fields: a.fields, Typing: t.in.typing(a.chat),
	}
	answer, ok, err := t.make(a, x, doing{not: "Not closed", again: behind(a)})
	switch {
	case err != nil:
		return answer, err
	case !ok && answer.Refused.Code == desk.NeedsTag:
		return t.needsTag(a, d, answer)
	case !ok:
		return answer, nil
	}
	// What became of it is read here, where the leader's state may come a moment later.
	if err := t.c.store.WaitApplied(t.ctx, answer.Reply.Seq); err != nil {
		answer.Text = fmt.Sprintf("%d is closed.", a.chat)
		return answer, nil
	}
	h, _, err := t.chat(a.chat)
	switch {
	case h != nil && h.State == desk.Missed:
		answer.Text = fmt.Sprintf("%d is off your list. Nobody had written to the patron, so it is on the list of missed chats.", a.chat)
	case len(found.tags) > 0:
		answer.Text = fmt.Sprintf("%d is closed, tagged %s.", a.chat, tagWords(found.tags))
	default:
		answer.Text = fmt.Sprintf("%d is closed.", a.chat)
	}
	return answer, err
}

// behind is what stood behind a command, to show how it is repeated.
func behind(a ask) string {
	if a.rest == "" || a.form {
		return ""
	}
	return " " + flat(a.rest)
}

// needsTag asks for the tags without which a chat can't be closed.
func (t *turn) needsTag(a ask, d *tagger, answer Answer) (Answer, error) {
	answer.Text = fmt.Sprintf("Not closed: %d needs a tag first.", a.chat)
	word := t.word(a.row.name, a.chat)
	switch {
	case a.form:
		answer.Text += " Choose at least one in the form."
	case len(d.tags) == 0:
		answer.Text += fmt.Sprintf(" %s TAG closes it with a tag of your own words.", word)
	default:
		more := ""
		if len(d.tags) > 2 {
			more = fmt.Sprintf(", %s 1 3 with two", word)
		}
		answer.Text += fmt.Sprintf(" %s 1 closes it with the first of these%s:%s", word, more, t.keep(d.list(a.row.name, a.chat)))
	}
	return answer, nil
}

// dismiss takes a missed chat off the list.
func dismiss(t *turn, a ask) (Answer, error) {
	why := flat(a.rest)
	if why == "" {
		return t.tell("Not dismissed: it needs a reason, %s WHY.", t.word("dismiss", a.chat))
	}
	answer, ok, err := t.make(a, &desk.DismissChat{Chat: a.chat, Why: why}, doing{not: "Not dismissed"})
	if ok {
		answer.Text = fmt.Sprintf("%d is off the list of missed chats; your reason stands in it as a note.", a.chat)
	}
	return answer, err
}
