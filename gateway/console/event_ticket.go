// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"slices"
	"time"

	"refdesk/cluster/desk"
)

// ticketTellers are the sentences of what happens to tickets and their mail. Entries of the reader's own tickets are
// EntryText's.
func ticketTellers() map[desk.EventKind]func(telling) string {
	return map[desk.EventKind]func(telling) string{
		desk.TicketOpened:     tellTicketOpened,
		desk.TicketAssigned:   tellAssigned,
		desk.TicketChanged:    tellTicketChanged,
		desk.EntryAdded:       tellEntry,
		desk.MailStateChanged: tellMail,
		desk.ContactWanted:    tellWanted,
		desk.TicketLapsed:     tellTicketLapsed,
	}
}

// shiftTellers are those of duty, rings, promises and silence.
func shiftTellers() map[desk.EventKind]func(telling) string {
	return map[desk.EventKind]func(telling) string{
		desk.DutyChanged:    tellDuty,
		desk.AlarmRaised:    tellAlarm,
		desk.MissedListTold: tellMissedList,
		desk.PatronSilent:   tellSilent,
		desk.PatronHere:     tellHere,
		desk.WaitPromised:   tellPromised,
		desk.WaitDue:        tellPromiseDue,
		desk.WaitLapsed:     tellPromiseLapsed,
		desk.Rated:          tellRated,
		desk.LineRedacted:   tellRedacted,
	}
}

// ticketHead is a ticket in a few words; "" if it may not be read.
func (v telling) ticketHead() string {
	if v.ticket == nil {
		return ""
	}
	return fmt.Sprintf("%d %s – %s", v.ticket.Number, ticketCaller(v.ticket), inline(v.ticket.Subject, 60))
}

// assigned reports whether the ticket is the reader's.
func (v telling) assigned() bool { return v.ticket != nil && v.ticket.Assignee == v.me }

// open reports whether the ticket is nobody's, and the reader's department has to answer it.
func (v telling) open() bool { return v.ticket != nil && v.ticket.Assignee == "" }

func tellTicketOpened(v telling) string {
	switch {
	case v.ticket == nil:
		return ""
	case v.e.Chat != 0 && (v.e.Staff == v.me || v.part()):
		return fmt.Sprintf("Chat %d has ticket %d now: %s.", v.e.Chat, v.e.Ticket, inline(v.ticket.Subject, 60))
	case v.e.Staff == v.me || !v.open():
		return ""
	}
	d, _ := v.r.Department(v.ticket.Department)
	return fmt.Sprintf("New ticket %s – %s. Its number opens it.", v.ticketHead(), inline(departmentName(d, v.ticket.Department), 40))
}

func tellAssigned(v telling) string {
	switch {
	case v.ticket == nil || v.e.Staff == v.me:
		return ""
	case v.e.To == v.me && v.e.Staff == "":
		return fmt.Sprintf("Ticket %s is yours now.", v.ticketHead())
	case v.e.To == v.me:
		return fmt.Sprintf("%s gives you ticket %s.", v.name(v.e.Staff), v.ticketHead())
	case !slices.Contains(v.e.Audience.Staff, v.me):
		if v.e.To == "" && v.e.Value != "" {
			return fmt.Sprintf("Ticket %s is your department's now. Its number opens it.", v.ticketHead())
		}
		return ""
	case v.e.To == "":
		return fmt.Sprintf("Ticket %d is no longer yours.", v.e.Ticket)
	}
	return fmt.Sprintf("Ticket %d is %s's now.", v.e.Ticket, v.name(v.e.To))
}

func tellTicketChanged(v telling) string {
	switch {
	case v.e.Staff == v.me || !v.assigned():
		return ""
	case v.e.Value == "merged":
		return fmt.Sprintf("Ticket %d goes on in %d.", v.e.Ticket, v.e.Ref)
	case v.e.Staff == "" && v.e.Value == "state" && v.e.To == string(desk.TicketOpen):
		return "" // the patron's mail says so itself
	case v.e.Value == "state" && v.e.Staff != "":
		return fmt.Sprintf("%s has made ticket %d %s.", v.name(v.e.Staff), v.e.Ticket, v.e.To)
	case v.e.Value == "subject":
		return fmt.Sprintf("Ticket %d is about «%s» now.", v.e.Ticket, inline(v.ticket.Subject, 100))
	case v.e.Value == "requester":
		return fmt.Sprintf("Answers in ticket %d go to %s now.", v.e.Ticket, recipients(v.ticket))
	}
	return ""
}

// tellEntry tells a department of what came in to a ticket that is nobody's. A ticket's first entry is told by its opening.
func tellEntry(v telling) string {
	if v.e.N == 1 || v.e.Staff == v.me || !v.open() || v.e.Entry <= 1 || v.e.Value != string(desk.EntryMailIn) {
		return ""
	}
	if v.e.To != "" {
		return fmt.Sprintf("A mail for ticket %s is held: somebody has to admit it on the desk's page.", v.ticketHead())
	}
	return fmt.Sprintf("A mail for ticket %s has come. Its number opens it.", v.ticketHead())
}

// tellMail tells who wrote an answer, and who has the ticket, that it could not be delivered.
func tellMail(v telling) string {
	if v.ticket == nil || v.e.Staff != v.me && !v.assigned() {
		return ""
	}
	switch desk.MailState(v.e.Value) {
	case desk.OutFailed:
		return fmt.Sprintf("Not delivered: the mail of ticket %s. Look at the address: who %d.", v.ticketHead(), v.e.Ticket)
	case desk.OutDeferred:
		return fmt.Sprintf("The mail of ticket %d has not gone yet; it is tried again.", v.e.Ticket)
	}
	return ""
}

func tellWanted(v telling) string {
	if !v.other() {
		return ""
	}
	return fmt.Sprintf("The page asks the patron of %d for an e-mail address.", v.e.Chat)
}

func tellTicketLapsed(v telling) string {
	if v.e.Staff != v.me && !v.part() {
		return ""
	}
	s := fmt.Sprintf("No ticket for chat %d: no address came.", v.e.Chat)
	if v.chat != nil && v.chat.State == desk.Missed {
		s += " It is on the list of missed chats."
	}
	return s
}

func tellDuty(v telling) string {
	if v.e.Staff != v.me {
		return ""
	}
	return dutyWords(desk.DutyState(v.e.Value), desk.Time(v.e.Ref), v.e.At)
}

// tellAlarm tells a department that nobody has taken a chat by the deadline.
func tellAlarm(v telling) string {
	if v.chat == nil || v.chat.State != desk.Waiting {
		return ""
	}
	d, _ := v.r.Department(v.chat.Department)
	return fmt.Sprintf("Nobody has taken %s for %s.", heading(v.chat, d), wait(time.Duration(v.e.N)*time.Second))
}

func tellMissedList(v telling) string {
	switch {
	case v.e.Staff != v.me || v.e.N == 0:
		return ""
	case v.e.N == 1:
		return "1 missed chat waits to be followed up; missed shows it."
	}
	return fmt.Sprintf("%s wait to be followed up; missed lists them.", some(int(v.e.N), "missed chat"))
}

func tellSilent(v telling) string {
	if v.e.Staff != v.me || v.chat == nil {
		return ""
	}
	return fmt.Sprintf("%s has said nothing for %s. !still %d asks whether they are there; otherwise %d ends by itself.",
		capital(patron(v.chat)), wait(time.Duration(v.e.N)*time.Second), v.e.Chat, v.e.Chat)
}

func tellHere(v telling) string {
	if !v.part() {
		return ""
	}
	return fmt.Sprintf("%s says that they are still in %d.", capital(patron(v.chat)), v.e.Chat)
}

func tellPromised(v telling) string {
	if v.e.Staff == v.me || v.chat == nil || v.chat.State != desk.Waiting && !v.part() {
		return ""
	}
	return fmt.Sprintf("%s has promised the patron of %d to be there in %d min.", v.name(v.e.Staff), v.e.Chat, v.e.N)
}

func tellPromiseDue(v telling) string {
	if v.e.Staff != v.me {
		return ""
	}
	s := fmt.Sprintf("You have promised the patron of %d to be there by now.", v.e.Chat)
	if v.chat != nil && v.chat.State == desk.Waiting {
		s += fmt.Sprintf(" %d takes it.", v.e.Chat)
	}
	return s
}

func tellPromiseLapsed(v telling) string {
	switch {
	case v.e.Staff != v.me:
		return ""
	case v.chat != nil && v.chat.State == desk.Waiting:
		return fmt.Sprintf("Your promise for %d has lapsed; its patron reads so, and it rings again.", v.e.Chat)
	}
	return fmt.Sprintf("Your promise for %d has lapsed; its patron reads so.", v.e.Chat)
}

func tellRated(v telling) string {
	if !v.part() {
		return ""
	}
	return fmt.Sprintf("%s rates %d with %d of 5.", capital(patron(v.chat)), v.e.Chat, v.e.N)
}

func tellRedacted(v telling) string {
	if !v.other() {
		return ""
	}
	return fmt.Sprintf("%s has taken something out of %d.", v.name(v.e.Staff), v.e.Chat)
}
