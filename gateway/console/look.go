// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"

	"refdesk/cluster/desk"
)

// mostChats is how many chats a list shows.
const mostChats = 30

// queue lists the chats that wait.
func queue(t *turn, _ ask) (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	found := s.inState(desk.Waiting)
	if len(found) == 0 {
		return t.tell("Nobody waits.%s", s.missedHint())
	}
	text, err := t.listed(found, s.summary)
	if err != nil {
		return Answer{}, err
	}
	return t.tell("%s; %s takes the first:%s", waiting(len(found)), t.word("claim", found[0].Number), text)
}

func waiting(n int) string {
	if n == 1 {
		return "1 waits"
	}
	return count(n) + " wait"
}

// missedList lists the chats that nobody took.
func missedList(t *turn, _ ask) (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	found := s.inState(desk.Missed)
	if len(found) == 0 {
		return t.tell("No missed chats.")
	}
	text, err := t.listed(found, func(h *desk.Chat) string {
		line := s.summary(h)
		if h.MissedAt > h.Queued {
			line += " after " + wait(h.MissedAt.Sub(h.Queued))
		}
		if h.Email != "" {
			return line + " – left an address"
		}
		return line + " – no address"
	})
	if err != nil {
		return Answer{}, err
	}
	n := found[0].Number
	return t.tell("%s; claim %d follows the first up, dismiss %d WHY takes it off the list:%s", some(len(found), "missed chat"), n, n, text)
}

// listed writes chats one a line, each with its question.
func (t *turn) listed(chats []*desk.Chat, line func(*desk.Chat) string) (string, error) {
	var b strings.Builder
	err := t.view(func(r desk.Reader) error {
		for _, h := range chats[:min(len(chats), mostChats)] {
			b.WriteString("\n" + line(h))
			l, err := r.Line(h.Number, 1)
			switch {
			case err == nil && l.Kind == desk.TextLine:
				b.WriteString(" – " + quoted(l.Text, 80))
			case missing(err) != nil:
				return err
			}
		}
		return nil
	})
	if n := len(chats) - mostChats; n > 0 {
		fmt.Fprintf(&b, "\nand %s more", count(n))
	}
	return b.String(), err
}

// listMine lists the sender's chats and what is offered.
func listMine(t *turn, _ ask) (Answer, error) {
	s, err := t.scene()
	if err != nil {
		return Answer{}, err
	}
	var own, other []string
	for _, h := range s.chats {
		line := s.summary(h)
		if len(h.Tags) > 0 {
			line += " – tagged " + tagWords(h.Tags)
		}
		switch {
		case mine(h, s.me):
			if h.Offer.To != "" {
				line += " – offered to " + s.public(h.Offer.To)
			}
			own = append(own, line)
		case offered(h, s.me):
			other = append(other, fmt.Sprintf("%s – offered to you by %s: %s takes it", line, s.public(h.Offer.By), t.word("accept", h.Number)))
		case joined(h, s.me) && h.State == desk.Claimed:
			other = append(other, line+" – you have joined it")
		}
	}
	if err := t.view(func(r desk.Reader) error {
		toTag, err := r.ToTag(s.me)
		for _, h := range toTag {
			other = append(other, fmt.Sprintf("%s – to tag: %s TAG", s.summary(h), t.word("tag", h.Number)))
		}
		return err
	}); err != nil {
		return Answer{}, err
	}
	if n := len(s.tickets); n > 0 {
		other = append(other, fmt.Sprintf("%s: tickets lists them", some(n, "ticket")))
	}
	if len(own)+len(other) == 0 {
		return t.tell("You have no chats.%s", s.waitingHint(t))
	}
	head := "You have no chats of your own."
	if len(own) > 0 {
		head = fmt.Sprintf("You have %s.", some(len(own), "chat"))
	}
	return t.tell("%s\n%s", head, strings.Join(append(own, other...), "\n"))
}

// waitingHint tells of chats that wait, for somebody who has none.
func (s *scene) waitingHint(t *turn) string {
	found := s.inState(desk.Waiting)
	if len(found) == 0 {
		return ""
	}
	return fmt.Sprintf(" %s; %s takes the first.", waiting(len(found)), t.word("claim", found[0].Number))
}
