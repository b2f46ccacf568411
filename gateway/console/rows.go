// SPDX-License-Identifier: Apache-2.0

package console

import (
	"refdesk/cluster/desk"
)

// goesOn is a chat of the account's that is not over.
func goesOn(h *desk.Chat, me string) bool { return h.State == desk.Claimed && part(h, me) }

func unassigned(k *desk.Ticket, _ string) bool { return k.Assignee == "" }
func ownTicket(k *desk.Ticket, me string) bool { return k.Assignee == me }
func openTicket(k *desk.Ticket, _ string) bool { return k.State != desk.TicketClosed }

// patronCommands are those that say something to the patron, or of the patron.
func patronCommands() []command {
	return []command{
		{
			name: "c", args: "[NAME|N [show]]", label: "Send a canned reply", help: "sends a canned reply; alone, lists them",
			more: "!c greeting sends it with its gaps filled in, !c greeting show only shows it. A gap that nothing fills and that has no fallback keeps it back.",
			role: desk.RoleTrainee, about: mayChat, shape: cannedShape, fits: goesOn, fields: cannedFields, run: canned,
			onTicket: canned, ticketFields: cannedFields,
		},
		{
			name: "faq", args: "WORDS|N|N show|N link", label: "Use an FAQ", help: "searches the FAQs; N sends the answer of the list, N link its page",
			more: "!faq renew lists what fits, !faq 2 sends the second answer, !faq 2 show only shows it, !faq 2 link sends its address.",
			role: desk.RoleTrainee, about: mayChat, shape: faqShape, fields: faqFields, run: faq, onTicket: faq, ticketFields: faqFields,
		},
		{
			name: "wait", args: "MINUTES", label: "Promise a time", help: "tells the patron in how many minutes you are with them",
			more: "!wait 3, also before you take the chat: it then rings for nobody else, and you are reminded.",
			role: desk.RoleTrainee, about: thisChat, shape: waitShape, needs: true, fields: waitFields, run: promise,
			fits: func(h *desk.Chat, me string) bool { return h.State == desk.Waiting || mine(h, me) },
		},
		{
			name: "still", label: "Ask whether they are there", help: "has the page ask the patron whether they are still there",
			role: desk.RoleTrainee, about: thisChat, shape: numberShape, fits: mine, run: still,
		},
		{
			name: "form", label: "Ask for an address", help: "has the page ask the patron for an e-mail address",
			role: desk.RoleTrainee, about: thisChat, shape: formShape, fits: part, run: askContact,
		},
		{
			name: "name", args: "NAME", label: "Name the patron", help: "notes the patron's name",
			role: desk.RoleTrainee, about: thisChat, shape: nameShape, needs: true, fits: part, fields: nameFields, run: setName,
			onTicket: setName, ticketFields: nameFields,
		},
		{
			name: "email", args: "ADDRESS", label: "Note an address", help: "notes the patron's e-mail address",
			role: desk.RoleTrainee, about: thisChat, shape: addressShape, needs: true, fits: part, fields: emailFields, run: setEmail,
			onTicket: setEmail, ticketFields: emailFields,
		},
		{
			name: "set", args: "FIELD=VALUE", label: "Fill in a field", help: "fills in what the department wants to know of a chat",
			more: "!set course=biology; !set course= empties it. name, email and, in a ticket, subject and state are fields, too.",
			role: desk.RoleTrainee, about: thisChat, shape: setShape, needs: true, fits: part, fields: setFields, run: set,
			onTicket: set, ticketFields: setFields,
		},
		{
			name: "scale", aliases: []string{"read"}, args: "N", label: "READ scale", help: "notes the effort on the READ scale, 1 to 6",
			more: "The department needs a closing field called read or scale for it.",
			role: desk.RoleTrainee, about: thisChat, shape: figureShape, needs: true, fits: part, fields: scaleFields, run: scale,
		},
		{
			name: "ask", args: "QUESTION", label: "Ask colleagues", help: "asks the colleagues who are connected",
			more: "They get it as a message from you and answer you. In a chat it becomes a note, too.",
			role: desk.RoleTrainee, about: mayChat, shape: questionShape, needs: true, fields: askFields, run: askAround,
			onTicket: askAround, ticketFields: askFields,
		},
		{
			name: "redact", args: "WORD|last", label: "Take a text out", help: "takes a word, or the last line, out of a chat for good",
			more: "The patron's page, the search and the archive lose it, too. It can't be undone.",
			role: desk.RoleTrainee, about: thisChat, shape: wordShape, needs: true, fits: part, fields: redactFields, run: redact,
		},
		{
			name: "undo", label: "Take back", help: "takes back your last tag, release or close for 60 s; in a ticket, the mail or the draft's last line",
			role: desk.RoleTrainee, about: thisChat, shape: numberShape, run: undo,
			onTicket: undoTicket, ticketHelp: "takes the mail back while it waits, or the draft's last line",
			fits: func(h *desk.Chat, me string) bool { return h.Undo.By == me && me != "" },
		},
		{
			name: "reopen", label: "Reopen", help: "goes on with a chat that has ended lately, or with a closed ticket",
			role: desk.RoleTrainee, about: thisChat, shape: numberShape, named: true, run: reopen,
			onTicket: reopenTicket, ticketHelp: "opens a closed ticket again",
			fits:  func(h *desk.Chat, _ string) bool { return h.State == desk.Closed },
			suits: func(k *desk.Ticket, _ string) bool { return k.State == desk.TicketClosed },
		},
	}
}

// ticketCommands are those that are about tickets.
func ticketCommands() []command {
	return []command{
		{
			name: "ticket", args: "[#DEPARTMENT] [ADDRESS] [SUBJECT]", label: "Make a ticket", help: "makes a ticket of a chat; the page asks for an address where there is none",
			more: "!ticket renewing from abroad. A chat has one ticket: again, it sets the subject. At the bot ticket #digital ana@example.org SUBJECT makes one by hand.",
			role: desk.RoleOperator, about: mayChat, shape: ticketShape, fits: part, fields: ticketFields, run: makeTicket,
			onTicket: ticketAgain, ticketFields: subjectFields, ticketHelp: "says which ticket this is, or sets its subject",
		},
		{
			name: "assign", args: "WHO|#DEPARTMENT [WHY]", label: "Assign a ticket", help: "gives a ticket to a colleague or a department; me takes it",
			role: desk.RoleOperator, about: thisChat, shape: whoShape, needs: true, onTicket: assign, ticketFields: assignFields,
		},
		{
			name: "reply", args: "[TEXT]", label: "Draft an answer", help: "adds to the draft of a ticket's answer; alone, shows it",
			more: "Nothing is mailed before !send. In a ticket what you type without a command is added, too.",
			role: desk.RoleOperator, about: thisChat, shape: replyShape, owns: true, needs: true, onTicket: reply, ticketFields: replyFields,
		},
		{
			name: "mail", args: "[TEXT]", label: "Go on by mail", help: "goes on with a chat by mail: makes its ticket and drafts TEXT, or what is held",
			role: desk.RoleOperator, about: thisChat, shape: mailShape, owns: true, fits: part, fields: replyFields, run: goOnByMail,
		},
	}
}
