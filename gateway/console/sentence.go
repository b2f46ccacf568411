// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"
	"time"

	"refdesk/cluster/desk"
)

// doing is what was refused: of whom, where, and what it was to be.
type doing struct {
	me      string
	place   Place
	chat    uint64
	ticket  uint64
	command string // "" for a line
	text    string // the line that was not sent
	not     string // what did not happen, "Not closed"; "" = only the reason is said
	again   string // arguments with which the command is repeated
}

// Sentence says a refusal in plain words, with names and times: why, the text that was not sent, and what helps.
func Sentence(r desk.Reader, err *desk.Error, in Input, now desk.Time) string {
	d := doing{me: in.Actor.ID, place: in.Place, chat: in.Place.Chat, ticket: in.Place.Ticket}
	bot := in.Place.bot()
	p := newGrammar(table()).parse(cleaned(in.Body), bot, in.Reply)
	if !bot && (p.kind == isText || p.kind == isDoubtful || p.kind == isHeld) {
		d.text = p.text
	}
	return d.sentence(r, err, now)
}

func (d doing) sentence(r desk.Reader, err *desk.Error, now desk.Time) string {
	if err.Chat != 0 {
		d.chat = err.Chat
	}
	why, hint := d.reason(r, err, now)
	not := d.not
	if d.text != "" {
		not = "Not sent"
	}
	s := capital(why) + "."
	if not != "" {
		s = not + ": " + why + "."
	}
	if d.text != "" {
		s += " Your text: «" + d.text + "»."
	}
	if hint != "" {
		s += " " + hint + "."
	}
	return s
}

// then adds what sends a held text, once what stands in its way is gone.
func (d doing) then(hint string) string {
	if d.text != "" {
		return hint + ", then !send sends it"
	}
	return hint
}

// reason is why, and what helps; both without a full stop.
func (d doing) reason(r desk.Reader, err *desk.Error, now desk.Time) (why, hint string) {
	who := "a colleague"
	if err.Staff != "" {
		who = nameTo(r, d.me, err.Staff)
	}
	switch err.Code {
	case desk.Conflict:
		if err.Field == "key" {
			return "this came twice and was dealt with the first time", ""
		}
		if err.Field == "promise" {
			until := ""
			if err.At > now {
				until = " within " + wait(err.At.Sub(now))
			}
			return fmt.Sprintf("%s has promised to take %d%s", who, d.chat, until), d.then(wordAt(d.place, "claim!", d.chat) + " takes it all the same")
		}
		if d.ticket != 0 {
			return "that is not possible any more", ""
		}
		return taken(who, d.chat, now.Sub(err.At)), d.then(wordAt(d.place, "join", d.chat) + " helps")
	case desk.Over:
		if err.Field == "entry" {
			return "the mail has left, or is taken back already", ""
		}
		return over(who, d.chat, err, now), d.afterwards()
	case desk.NotAllowed:
		return d.notAllowed(r, err)
	case desk.NotFound:
		return d.notFound(err), ""
	case desk.Invalid:
		return d.invalidHint(err.Field)
	case desk.NeedsEmail:
		if d.ticket == 0 {
			return "there is no address", ""
		}
		return fmt.Sprintf("ticket %d has no address", d.ticket), wordAt(d.place, "email", d.ticket) + " ADDRESS notes one"
	case desk.NewerLine:
		return d.newer(r, err), fmt.Sprintf("%s closes all the same", wordAt(d.place, "close!", d.chat)+d.again)
	case desk.NeedsTag:
		return fmt.Sprintf("%d needs a tag first", d.chat), wordAt(d.place, "tags", d.chat) + " lists them"
	case desk.Offline:
		if err.Field == "to" {
			return who + " is not connected", ""
		}
		return "nobody is at that department now", ""
	case desk.Busy:
		if err.Field == "tag" {
			return fmt.Sprintf("%d has %d tags, and that is the most", d.chat+d.ticket, desk.MaxTags), ""
		}
		if err.Field == "draft" {
			return "the draft is as long as a mail may be", wordAt(d.place, "send", d.ticket) + " mails it"
		}
		return "the desk is busy; try again in a minute", ""
	case desk.NoQuorum, desk.Stopping:
		return "the desk can't take anything in at the moment; it is tried again", ""
	}
	return "the desk refused it", ""
}

// taken says whose a chat is.
func taken(who string, chat uint64, since time.Duration) string {
	switch {
	case since < 100*time.Millisecond:
		return fmt.Sprintf("%s took %d just before you", who, chat)
	case since < 30*time.Second:
		return fmt.Sprintf("%s took %d %s before you", who, chat, span(since))
	}
	return fmt.Sprintf("%s has had %d for %s", who, chat, wait(since))
}

func over(who string, chat uint64, err *desk.Error, now desk.Time) string {
	s := fmt.Sprintf("%d is over", chat)
	if err.At != 0 {
		s = fmt.Sprintf("%d was closed %s", chat, ago(now, err.At))
	}
	if err.Staff != "" {
		s += " by " + who
	}
	return s
}

func (d doing) notAllowed(r desk.Reader, err *desk.Error) (why, hint string) {
	switch err.Field {
	case "claim":
		hint = wordAt(d.place, "claim", d.chat) + " takes it"
		return fmt.Sprintf("nobody has %d at the moment", d.chat), d.then(hint)
	case "missed":
		return fmt.Sprintf("%d is not on the list of missed chats", d.chat), ""
	case "waiting":
		return fmt.Sprintf("%d does not wait", d.chat), ""
	case "closed":
		return fmt.Sprintf("%d is not closed", d.chat), ""
	}
	if p, err := r.StaffMember(d.me); err == nil && p.Role != 0 {
		return fmt.Sprintf("that is not for %s here", withArticle(p.Role)), ""
	}
	return "you may not do that", ""
}

func withArticle(r desk.Role) string {
	if r == desk.RoleOperator || r == desk.RoleAdmin {
		return "an " + r.String()
	}
	return "a " + r.String()
}

func (d doing) notFound(err *desk.Error) string {
	switch err.Field {
	case "chat":
		return fmt.Sprintf("there is no chat %d that you may answer", d.chat)
	case "ticket":
		return fmt.Sprintf("there is no ticket %d that you may answer", d.ticket)
	case "draft":
		return "there is no draft here"
	case "undo":
		return fmt.Sprintf("you have done nothing to %d lately that can be taken back", d.chat)
	case "word":
		return fmt.Sprintf("that stands nowhere in %d", d.chat)
	case "held":
		return "nothing is held here; a held text is kept for 10 min"
	case "offer":
		return fmt.Sprintf("%d is not offered to you, or no longer", d.chat)
	case "joined":
		return fmt.Sprintf("you have not joined %d", d.chat)
	case "tag":
		return fmt.Sprintf("%d does not have that tag", d.chat+d.ticket)
	case "to":
		return "there is no such colleague who takes chats"
	case "department":
		return "there is no such department"
	case "command":
		return "there is no such command here"
	}
	return "there is no such thing"
}

func (d doing) invalid(field string) string {
	switch field {
	case "text":
		return "it holds a character that can't be sent, or it is too long"
	case "why":
		return "the reason must be one line of at most 500 bytes"
	case "tag":
		return fmt.Sprintf("that is no tag of %d's department", d.chat+d.ticket)
	case "email":
		return "that is no e-mail address"
	case "name":
		return "that is no name; it may have 200 bytes"
	case "subject":
		return "the subject is missing, or too long"
	case "minutes":
		return fmt.Sprintf("it can be 1 to %d min", desk.MaxPromise)
	case "for":
		return "it can be at most 24 h"
	case "state":
		return "a ticket's state is new, open, pending or closed"
	case "to":
		return fmt.Sprintf("%d is with them already", d.chat)
	case "department":
		return fmt.Sprintf("%d is in that department already", d.chat)
	}
	return "the desk could not read it"
}

// invalidHint is invalid, and what helps with a closing field.
func (d doing) invalidHint(field string) (why, hint string) {
	if name, ok := strings.CutPrefix(field, "field."); ok {
		return fmt.Sprintf("%d needs the field %s, with a value that it knows", d.chat, name),
			fmt.Sprintf("%s %s=VALUE fills it in", wordAt(d.place, "set", d.chat), name)
	}
	return d.invalid(field), ""
}

// afterwards says what helps with a line for a chat that is over.
func (d doing) afterwards() string {
	if d.text == "" || d.command != "" {
		return ""
	}
	return fmt.Sprintf("%s goes on with the chat, %s by mail", wordAt(d.place, "reopen", d.chat), wordAt(d.place, "mail", d.chat))
}

// newer quotes the line that the closer hasn't seen.
func (d doing) newer(r desk.Reader, err *desk.Error) string {
	h, _ := r.Chat(d.chat)
	who := "the patron"
	if h != nil {
		who = patron(h)
	}
	if err.Field == "typing" {
		return who + " is still typing"
	}
	if l, e := r.Line(d.chat, err.Line); e == nil {
		return fmt.Sprintf("%s wrote: «%s»", who, cut(flat(l.Text), 200))
	}
	return who + " has just written"
}

// Names reads public names: an account without one is called by its account.
func Names(r desk.Reader) func(account string) string {
	return func(account string) string {
		if name, err := r.PublicName(account); err == nil && name != "" {
			return flat(name)
		}
		return account
	}
}

// nameTo is Names for one account, and "you" for oneself.
func nameTo(r desk.Reader, me, account string) string {
	if account == me {
		return "you"
	}
	return Names(r)(account)
}
