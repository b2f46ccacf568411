// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"

	"refdesk/cluster/desk"
)

// mostEntryText is how much of an entry is shown, in code points: the desk's page has all of it.
const mostEntryText = 4000

// TicketName is a ticket's name in a contact list: "Mail 57 – Ana – renewals".
func TicketName(k *desk.Ticket) string {
	return fmt.Sprintf("Mail %d – %s – %s", k.Number, ticketCaller(k), inline(k.Subject, 60))
}

// TicketIntro is what a ticket's address says first: who asks, whom answers go to, and the newest entries that fit.
func TicketIntro(k *desk.Ticket, dept *desk.Department, entries []*desk.TicketEntry, name func(account string) string) string {
	out := []string{fmt.Sprintf("%s – %s – %s", TicketName(k), inline(departmentName(dept, k.Department), 40), k.State)}
	out = append(out, "Answers go to "+recipients(k)+".")
	if len(k.Tags) > 0 {
		out = append(out, "Tagged "+tagWords(k.Tags)+".")
	}
	room, first := introBytes, len(entries)
	var said []string
	for i := len(entries) - 1; i >= 0; i-- {
		text := entryText(entries[i], "", name)
		if text == "" {
			first = i
			continue
		}
		text = indented(text)
		if room -= len(text); room < 0 && len(said) > 0 {
			break
		}
		said, first = append([]string{text}, said...), i
	}
	if first > 0 && len(entries) > 0 {
		out = append(out, "… more before this; the desk's page has it")
	}
	out = append(out, said...)
	return strings.Join(append(out, "What you type here is a draft until !send."), "\n")
}

// EntryText is how an entry of a ticket reads at the ticket's address; "" for one that needs no telling.
func EntryText(r desk.Reader, me string, e *desk.TicketEntry) string {
	return entryText(e, me, Names(r))
}

func entryText(e *desk.TicketEntry, me string, name func(account string) string) string {
	text := cut(strings.TrimSpace(e.Text), mostEntryText)
	if e.Truncated || len(text) < len(strings.TrimSpace(e.Text)) {
		text += "\n(the desk's page has the rest)"
	}
	for _, f := range e.Files {
		text += fmt.Sprintf("\n[file: %s, on the desk's page]", inline(f.Name, 120))
	}
	switch {
	case e.Kind == desk.EntrySystem || e.Kind == desk.EntryMailOut:
		return ""
	case e.Kind == desk.EntryNote && e.By == me:
		return "Note, only staff see it: " + text
	case e.Kind == desk.EntryNote:
		return fmt.Sprintf("Note of %s, only staff see it: %s", inline(name(e.By), 40), text)
	case e.Held != desk.NotHeld:
		return heldMail(e)
	case e.From == desk.FromStaff && e.Mail == desk.OutUndone:
		return fmt.Sprintf("%s (taken back, not sent): %s", inline(name(e.By), 40), text)
	case e.From == desk.FromStaff:
		return fmt.Sprintf("%s (by mail): %s", inline(name(e.By), 40), text)
	}
	who := sender(e)
	if e.Auto {
		who += " (a program)"
	}
	return who + ": " + text
}

// heldMail tells of a mail that somebody has to judge first. Its text is not shown: its sender may be anybody.
func heldMail(e *desk.TicketEntry) string {
	why := "its sender may not be who they say"
	if e.Held == desk.HeldSomeoneNew {
		why = "its sender has had no part in this"
	}
	return fmt.Sprintf("A mail from %s is held, because %s. Nothing happens with it until somebody admits it on the desk's page.", sender(e), why)
}

// sender is who wrote an entry that came in. A name that looks like an address is not taken for one.
func sender(e *desk.TicketEntry) string {
	who, address := inline(e.Name, 40), inline(e.Email, 100)
	switch {
	case address == "" && who == "":
		return "Patron"
	case address == "":
		return who
	case who == "":
		return address
	}
	return who + " <" + address + ">"
}
