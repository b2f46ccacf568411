// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"refdesk/cluster/desk"
)

// maxHeld is the largest text that the desk keeps back, in bytes.
const maxHeld = 32 << 10

// doneBefore answers a stanza that came a second time and was something else the first time.
const doneBefore = "This came twice and was dealt with the first time. Look at the chat before you repeat it."

// say posts a line to the patron. What can't go is held, so that nothing typed is lost.
func (t *turn) say(text string) (Answer, error) {
	if n := utf8.RuneCountInString(text); n > desk.MaxText {
		return t.hold(text, whyLong, tooLong(n))
	}
	if t.in.Delayed != 0 {
		why, posted, err := t.late(t.in.Place.Chat, text)
		switch {
		case err != nil:
			return Answer{}, err
		case posted:
			return Answer{Posted: true, Chat: t.in.Place.Chat}, nil
		case why != "":
			return t.hold(text, whyLate, fmt.Sprintf("Not sent: %s. Your text: «%s». !send sends it.", why, text))
		}
	}
	reply, refused, err := t.do(t.line(text))
	if err != nil {
		return Answer{}, err
	}
	return t.said(text, reply, refused)
}

func tooLong(n int) string {
	return fmt.Sprintf("Not sent: %s of %s characters; split it.", count(n), count(desk.MaxText))
}

func (t *turn) line(text string) *desk.PostLine {
	return &desk.PostLine{
		Chat: t.in.Place.Chat, ID: cutBytes(t.in.ID, 256), Kind: desk.TextLine, Text: text, Resend: t.in.Resend,
	}
}

func cutBytes(s string, most int) string {
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}

// said answers a line that was proposed. A refused one is held, without a key: the stanza's is used up.
func (t *turn) said(text string, reply desk.Reply, refused *desk.Error) (Answer, error) {
	switch {
	case refused == nil:
		return Answer{Posted: true, Chat: reply.Chat, Reply: reply}, nil
	case refused.Code == desk.Conflict && refused.Field == "key":
		return Answer{Text: doneBefore, Chat: t.in.Place.Chat, Refused: refused}, nil
	}
	_, unheld, err := t.propose(t.holding(text, whyRefused), desk.Key{})
	if err != nil {
		return Answer{}, err
	}
	a, err := t.refused(refused, doing{chat: t.in.Place.Chat, text: text})
	a.Held = unheld == nil
	return a, err
}

func (t *turn) holding(text, why string) *desk.HoldText {
	return &desk.HoldText{Chat: t.in.Place.Chat, ID: cutBytes(t.in.ID, 256), Text: text, Why: why}
}

// hold keeps a text back and says why.
func (t *turn) hold(text, why, sentence string) (Answer, error) {
	a := Answer{Chat: t.in.Place.Chat, Text: sentence}
	if len(text) > maxHeld {
		a.Text += " It was too long to be kept here."
		return a, nil
	}
	reply, refused, err := t.do(t.holding(text, why))
	switch {
	case err != nil:
		return Answer{}, err
	case refused != nil && refused.Code == desk.Conflict && refused.Field == "key":
		// It came before and was decided otherwise then. If it was posted, the same key gives that answer again; it
		// can't post anything now, as the key is taken.
		reply, refused, err := t.do(t.line(text))
		if err != nil {
			return Answer{}, err
		}
		return t.said(text, reply, refused)
	case refused != nil:
		return t.refused(refused, doing{chat: a.Chat, text: text})
	}
	a.Held, a.Reply = true, reply
	return a, nil
}

// late says why what came late is no longer safe to do to a chat: "" if it is. posted means that the line is in the chat
// already.
func (t *turn) late(chat uint64, text string) (why string, posted bool, err error) {
	err = t.view(func(r desk.Reader) error {
		h, _, err := t.chatIn(r, chat)
		if h == nil || err != nil {
			return err
		}
		recent, err := r.Lines(h.Number, h.Lines-min(h.Lines, 200), 0)
		if err != nil {
			return err
		}
		var last *desk.Line
		for _, l := range recent {
			if l.Seq == h.PatronSeq {
				last = l
			}
			posted = posted || t.in.ID != "" && l.ID == t.in.ID && l.By == t.me() && l.Text == text && l.Kind == desk.TextLine
		}
		switch {
		case t.now.Sub(t.in.Delayed) > liveFor:
			why = "you wrote it " + ago(t.now, t.in.Delayed) + " and it came only now"
		case h.ClaimedAt > t.in.Delayed:
			why = "the chat changed hands after you wrote it"
		case last != nil && last.At > t.in.Delayed:
			why = fmt.Sprintf("%s wrote after you did: «%s»", patron(h), cut(flat(last.Text), 200))
		}
		return nil
	})
	return why, posted, err
}

// slip holds what looks like a command gone wrong and says what to do.
func (t *turn) slip(p parsed) (Answer, error) {
	var s string
	switch p.why {
	case whyUnknown:
		s = t.unknown("!", p.word) + " Your text was not sent: !send sends it as it is, !help lists the commands."
	case whySlip:
		s = fmt.Sprintf("Not sent: this looks like !%s without its mark. Type !%s … for the command, or !send to send it as it is.", p.word, p.word)
	case whyLater:
		s = fmt.Sprintf("Not sent: a later line starts with %s. Type a command in a message of its own; !send sends all of this as it is.", p.word)
		if p.word != ">>" {
			s = strings.Replace(s, p.word, "!"+p.word, 1)
		}
	case whyQuote:
		s = "Quote or note? Not sent: !send sends it as it is, !note TEXT writes a note."
	case whySlash:
		s = "Nothing was done: commands start with !, not with /. !help lists them, !send sends your text as it is."
		if t.c.grammar.words[p.word] != nil {
			s = fmt.Sprintf("Use !%s; nothing was done. !send sends your text as it is.", p.word)
		}
	case whyList:
		s = fmt.Sprintf("Not sent: a list was shown here, and !%d answers it. !send sends the number as it is.", p.number)
	case whyNumber:
		s = fmt.Sprintf("Not sent: chat %d is waiting. !claim %d takes it, !send sends the number as it is.", p.number, p.number)
	}
	return t.hold(p.text, p.why, s)
}

// unknown says that a word is no command, and which one may have been meant.
func (t *turn) unknown(mark, word string) string {
	if t.c.grammar.later[word] {
		return fmt.Sprintf("%s%s is not here yet.", mark, word)
	}
	s := fmt.Sprintf("There is no command %s%s.", mark, cut(flat(word), 30))
	if near := t.c.grammar.nearest(word); near != "" {
		s += fmt.Sprintf(" Did you mean %s%s?", mark, near)
	}
	return s
}

// notUnderstood answers what is no command at the bot. Nothing typed there reaches a patron.
func (t *turn) notUnderstood(p parsed) (Answer, error) {
	switch {
	case t.c.grammar.later[p.word]:
		return t.tell("%s Nothing was done. help lists the words that I know.", t.unknown("", p.word))
	case p.chat != 0:
		return t.tell("Nothing was done. %d alone takes that chat; what you want to say in it is typed at its own address. help lists the words that I know.", p.chat)
	case p.kind == isHeld && p.why == whyUnknown && p.word != "":
		return t.tell("%s Nothing was done. help lists the words that I know.", t.unknown("", p.word))
	}
	if near := t.c.grammar.nearest(p.word); near != "" {
		return t.tell("I don't know what to do with that; nothing was sent to anybody. Did you mean %s? help lists the words that I know.", near)
	}
	return t.tell("I am the desk's bot and pass nothing on: nothing was sent to anybody. A chat's number takes it, queue shows who waits, help lists the words that I know.")
}

// nearest is the command that a mistyped word may mean: one letter wrong, missing, too many, or two changed over.
func (g *grammar) nearest(word string) string {
	if len(word) < 3 {
		return ""
	}
	for i := range g.table {
		if name := g.table[i].name; oneSlip(word, name) {
			return name
		}
	}
	return ""
}

// oneSlip reports whether b comes from a by one letter put in, left out, changed, or changed over with its neighbour.
func oneSlip(a, b string) bool {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	switch {
	case len(a) == len(b) && len(a) > 0:
		return a[1:] == b[1:] || len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
	case len(a) == len(b)+1:
		return a[1:] == b
	case len(a)+1 == len(b):
		return a == b[1:]
	}
	return false
}
