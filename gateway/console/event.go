// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"maps"
	"slices"

	"refdesk/cluster/desk"
)

// LineText is how a line reads to a member of staff at the chat's address: the patron's as it is, a colleague's with
// the name, a note marked as one.
func LineText(r desk.Reader, me string, l *desk.Line) string {
	switch {
	case l.Kind == desk.NoteLine && l.By == me:
		return "Note, only staff see it: " + l.Text
	case l.Kind == desk.NoteLine:
		return fmt.Sprintf("Note of %s, only staff see it: %s", Names(r)(l.By), l.Text)
	case l.From == desk.FromStaff && l.By != me:
		return Names(r)(l.By) + ": " + l.Text
	}
	return l.Text
}

// EventLine tells a member of staff of an event in one sentence; ok is false where there is nothing to say: events of
// one's own doing, and those that have a text of their own (rings, lines, messages). Patron lines are LineText's.
func EventLine(r desk.Reader, me string, e desk.Event) (text string, ok bool) {
	tell := tellers()[e.Kind]
	if tell == nil {
		return "", false
	}
	v := telling{r: r, me: me, e: e}
	if e.Chat != 0 {
		v.chat, _ = r.Chat(e.Chat)
	}
	if e.Ticket != 0 {
		v.ticket, _ = r.Ticket(e.Ticket)
	}
	text = tell(v)
	return text, text != ""
}

// telling is an event as it is told to somebody.
type telling struct {
	r    desk.Reader
	me   string
	e    desk.Event
	chat *desk.Chat // nil if it may not be read

	ticket *desk.Ticket // nil if it may not be read; else what it was merged into
}

// tellers are the sentences of the kinds of event; "" says nothing.
func tellers() map[desk.EventKind]func(telling) string {
	all := map[desk.EventKind]func(telling) string{
		desk.ChatClaimed:      tellClaimed,
		desk.ChatReleased:     tellReleased,
		desk.ChatTransferred:  tellTransferred,
		desk.ChatMissed:       tellMissed,
		desk.ChatClosed:       tellClosed,
		desk.ChatReopened:     tellReopened,
		desk.ChatTagged:       tellTagged,
		desk.ChatUntagged:     tellTagged,
		desk.TransferOffered:  tellOffered,
		desk.TransferDeclined: tellKept,
		desk.TransferLapsed:   tellKept,
		desk.StaffJoined:      tellJoined,
		desk.StaffLeft:        tellJoined,
		desk.ContactChanged:   tellContact,
		desk.PatronGone:       tellGone,
		desk.OperatorLost:     tellOperator,
		desk.OperatorBack:     tellOperator,
	}
	maps.Copy(all, ticketTellers())
	maps.Copy(all, shiftTellers())
	return all
}

// name is a colleague's public name.
func (v telling) name(account string) string { return Names(v.r)(account) }

// part reports whether the chat is partly the reader's: owned, joined or watched.
func (v telling) part() bool {
	return v.chat != nil && (v.chat.Owner == v.me || joined(v.chat, v.me))
}

// other reports whether somebody else did it in a chat that is partly the reader's.
func (v telling) other() bool { return v.e.Staff != v.me && v.part() }

// tellClaimed tells who had a chat that a colleague accepted it. Other claims are told by Taken.
func tellClaimed(v telling) string {
	switch {
	case v.e.Staff == v.me || v.e.To == "":
		return ""
	case v.e.To == v.me:
		return fmt.Sprintf("%s has accepted %d; it is no longer yours.", v.name(v.e.Staff), v.e.Chat)
	case v.part():
		return fmt.Sprintf("%s has taken %d over from %s.", v.name(v.e.Staff), v.e.Chat, v.name(v.e.To))
	}
	return ""
}

func tellReleased(v telling) string {
	lost := v.e.Value == "operator-lost"
	switch {
	case v.e.Staff == v.me && lost:
		return fmt.Sprintf("You were not connected, so %d waits again. !claim %d takes it back if nobody has.", v.e.Chat, v.e.Chat)
	case !v.other():
		return ""
	case lost:
		return fmt.Sprintf("%s is not connected any more, so %d waits again.", v.name(v.e.Staff), v.e.Chat)
	}
	return fmt.Sprintf("%s has put %d back; it waits again.", v.name(v.e.Staff), v.e.Chat)
}

func tellTransferred(v telling) string {
	if !v.other() {
		return ""
	}
	d, _ := v.r.Department(v.e.Department)
	return fmt.Sprintf("%s has handed %d to %s; it waits there.", v.name(v.e.Staff), v.e.Chat, departmentName(d, v.e.Department))
}

// tellMissed tells those who were rung that nobody need answer any more.
func tellMissed(v telling) string {
	switch {
	case v.e.Staff == v.me:
		return ""
	case v.e.Staff != "":
		if v.part() {
			return fmt.Sprintf("%s has closed %d without an answer; it is on the list of missed chats.", v.name(v.e.Staff), v.e.Chat)
		}
		return ""
	}
	s := fmt.Sprintf("%d went without an answer.", v.e.Chat)
	if p, err := v.r.StaffMember(v.me); err == nil && p.Role >= desk.RoleOperator {
		s += fmt.Sprintf(" It is on the list of missed chats; !claim %d follows it up.", v.e.Chat)
	}
	return s
}

func tellClosed(v telling) string {
	switch {
	case !v.other():
		return ""
	case v.e.Value == string(desk.EndedSilent) && v.chat.Owner == v.me && v.chat.ToTag:
		return fmt.Sprintf("%d has ended, because its patron said nothing more. It needs a tag yet; mine lists what you have to tag.", v.e.Chat)
	case v.e.Value == string(desk.EndedSilent):
		return fmt.Sprintf("%d has ended, because its patron said nothing more.", v.e.Chat)
	case v.e.Staff == "":
		return fmt.Sprintf("%d is closed.", v.e.Chat)
	}
	return fmt.Sprintf("%s has closed %d.", v.name(v.e.Staff), v.e.Chat)
}

// tellReopened tells who has the chat again: the patron wrote once more, or somebody of the staff goes on.
func tellReopened(v telling) string {
	if !v.part() {
		return ""
	}
	if v.chat.PatronSeq <= v.e.Seq { // the patron's line would have followed at once
		if v.e.Staff == v.me {
			return ""
		}
		return fmt.Sprintf("%s has reopened %d.", v.name(v.e.Staff), v.e.Chat)
	}
	if v.e.Staff == v.me {
		return fmt.Sprintf("%d is open again and yours: %s has written once more.", v.e.Chat, patron(v.chat))
	}
	return fmt.Sprintf("%d is open again: %s has written once more.", v.e.Chat, patron(v.chat))
}

func tellTagged(v telling) string {
	switch {
	case !v.other():
		return ""
	case v.e.Kind == desk.ChatUntagged:
		return fmt.Sprintf("%s has taken the tag %s off %d.", v.name(v.e.Staff), flat(v.e.Value), v.e.Chat)
	}
	return fmt.Sprintf("%s has tagged %d %s.", v.name(v.e.Staff), v.e.Chat, flat(v.e.Value))
}

// tellOffered tells the colleague to whom a chat is offered.
func tellOffered(v telling) string {
	if v.e.To != v.me {
		return ""
	}
	by, what := v.name(v.e.Staff), fmt.Sprint(v.e.Chat)
	if v.chat != nil {
		d, _ := v.r.Department(v.chat.Department)
		what = heading(v.chat, d)
		if why := flat(v.chat.Offer.Why); why != "" && v.chat.Offer.To == v.me {
			what += fmt.Sprintf(" («%s»)", why)
		}
	}
	return fmt.Sprintf("%s offers you %s. !accept %d takes it, !decline %d leaves it with %s.", by, what, v.e.Chat, v.e.Chat, by)
}

// tellKept tells both sides that an offer has ended without a change.
func tellKept(v telling) string {
	lapsed := v.e.Kind == desk.TransferLapsed
	switch {
	case v.e.Staff == v.me && lapsed:
		return fmt.Sprintf("%s has not answered in time; %d stays with you.", v.name(v.e.To), v.e.Chat)
	case v.e.Staff == v.me:
		return fmt.Sprintf("%s has declined %d; it stays with you.", v.name(v.e.To), v.e.Chat)
	case v.e.To == v.me && lapsed:
		return fmt.Sprintf("%d is no longer offered to you; it stays with %s.", v.e.Chat, v.name(v.e.Staff))
	}
	return ""
}

func tellJoined(v telling) string {
	switch {
	case !v.other():
		return ""
	case v.e.Kind == desk.StaffLeft:
		return fmt.Sprintf("%s has left %d.", v.name(v.e.Staff), v.e.Chat)
	case slices.Contains(v.chat.Watching, v.e.Staff):
		return fmt.Sprintf("%s reads along in %d.", v.name(v.e.Staff), v.e.Chat)
	}
	return fmt.Sprintf("%s has joined %d.", v.name(v.e.Staff), v.e.Chat)
}

func tellContact(v telling) string {
	if !v.part() {
		return ""
	}
	s := fmt.Sprintf("The patron of %d is now %s", v.e.Chat, caller(v.chat))
	if v.chat.Email != "" {
		return fmt.Sprintf("%s, %s (as given, not verified).", s, inline(v.chat.Email, 254))
	}
	return s + "."
}

func tellGone(v telling) string {
	switch {
	case !v.part():
		return ""
	case v.e.Value == "left":
		return fmt.Sprintf("%s has left %d. You can still write, and close it.", capital(patron(v.chat)), v.e.Chat)
	}
	return fmt.Sprintf("%s is away from %d: the chat's page is closed or out of reach. You can still write, and close it.",
		capital(patron(v.chat)), v.e.Chat)
}

func tellOperator(v telling) string {
	switch {
	case !v.other():
		return ""
	case v.e.Kind == desk.OperatorBack:
		return fmt.Sprintf("%s is back in %d.", v.name(v.e.Staff), v.e.Chat)
	}
	return fmt.Sprintf("%s is not connected any more; the patron of %d is told that somebody will be back.", v.name(v.e.Staff), v.e.Chat)
}
