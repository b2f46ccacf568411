// SPDX-License-Identifier: Apache-2.0

package console

import (
	"slices"

	"refdesk/cluster/desk"
)

// subject says whether a command is about a chat.
type subject uint8

const (
	noChat   subject = iota // the desk as a whole
	mayChat                 // a chat, or the desk where none is named
	thisChat                // always a chat: at the bot its number must come first
)

// command is one row of the table.
type command struct {
	name    string
	aliases []string
	args    string    // as help shows them behind the word (and the chat's number)
	label   string    // as XEP-0050 clients list it
	help    string    // what it does, in one sentence
	more    string    // examples and rules for "!help NAME"
	role    desk.Role // least role
	about   subject
	shape   shape // what its arguments look like, to find slips
	owns    bool  // its text takes the whole body, all lines
	reads   bool  // changes nothing: also done when it comes late
	late    bool  // is done late as well: nobody but staff sees it
	needs   bool  // does nothing without its arguments: its word alone is no slip
	hidden  bool  // a variant: not in lists and forms
	named   bool  // a number behind it names another chat, also inside a chat
	fits    func(h *desk.Chat, me string) bool
	fields  func(*scene) []Field
	run     func(*turn, ask) (Answer, error) // nil: it is about tickets alone

	onTicket     func(*turn, ask) (Answer, error) // nil: it is not about tickets
	ticketHelp   string                           // what it does there, where that is something else
	suits        func(k *desk.Ticket, me string) bool
	ticketFields func(*scene) []Field
}

// mine is a chat that the account answers.
func mine(h *desk.Chat, me string) bool { return h.State == desk.Claimed && h.Owner == me }

func readyToClaim(h *desk.Chat, _ string) bool {
	return h.State == desk.Waiting || h.State == desk.Missed
}

func offered(h *desk.Chat, me string) bool { return h.Offer.To == me }

func others(h *desk.Chat, me string) bool {
	return h.State == desk.Claimed && h.Owner != me && !slices.Contains(h.Joined, me)
}

func joined(h *desk.Chat, me string) bool {
	return slices.Contains(h.Joined, me) || slices.Contains(h.Watching, me)
}

// declinable is a chat that is offered to the account, or rings for it.
func declinable(h *desk.Chat, me string) bool {
	return offered(h, me) || h.State == desk.Waiting && slices.Contains(h.Rung, me) && !slices.Contains(h.Declined, me)
}

func watchable(h *desk.Chat, me string) bool {
	return h.State == desk.Claimed && h.Owner != me && !slices.Contains(h.Watching, me)
}

// part is a chat that the account had or has a part in.
func part(h *desk.Chat, me string) bool {
	return h.Owner == me || slices.Contains(h.Joined, me)
}

// table is every command that staff have, in the order of help. Parser, help, forms and menus are made from it.
func table() []command {
	return slices.Concat(chatCommands(), patronCommands(), noteCommands(), ticketCommands(), deskCommands())
}

// chatCommands are those that say whose a chat is.
func chatCommands() []command {
	return []command{
		{
			name: "claim", label: "Take a chat", help: "takes a waiting or missed chat",
			more: "claim alone takes the only chat that waits. At the bot the number alone does it too: 42",
			role: desk.RoleTrainee, about: thisChat, shape: numberShape, named: true, fits: readyToClaim, run: claim,
			onTicket: claimTicket, suits: unassigned, ticketHelp: "takes a ticket",
		},
		{
			name: "claim!", label: "Take a chat all the same", help: "takes a chat that a colleague has promised to take",
			role: desk.RoleTrainee, about: thisChat, shape: numberShape, named: true, hidden: true, fits: readyToClaim, run: claim,
		},
		{
			name: "release", label: "Put a chat back", help: "puts your chat back into the queue",
			more: "The patron keeps the place that their waiting has earned.",
			role: desk.RoleTrainee, about: thisChat, shape: numberShape, fits: mine, run: release,
			onTicket: releaseTicket, suits: ownTicket, ticketHelp: "gives a ticket back to its department",
		},
		{
			name: "transfer", args: "WHO|#DEPARTMENT [WHY]", label: "Hand a chat on", help: "offers your chat to a colleague, or moves it to a department",
			more: "WHO is an account, a name or its beginning: !transfer ben knows the archive. You keep the chat until they accept. !transfer #digital moves it to that queue, where its age puts it. !transfer alone lists who is there.",
			role: desk.RoleTrainee, about: thisChat, shape: whoShape, fits: mine, fields: transferFields, run: transfer,
			onTicket: assign, ticketFields: assignFields, ticketHelp: "gives a ticket to a colleague or a department",
		},
		{
			name: "accept", label: "Accept a chat", help: "takes a chat that is offered to you",
			role: desk.RoleTrainee, about: thisChat, shape: numberShape, named: true, fits: offered, run: accept,
		},
		{
			name: "decline", label: "Decline a chat", help: "leaves a chat that is offered to you with its owner, or stops a waiting one ringing for you",
			role: desk.RoleTrainee, about: thisChat, shape: numberShape, named: true, fits: declinable, run: decline,
		},
		{
			name: "join", label: "Join a chat", help: "lets you write in a colleague's chat; both sides see it",
			role: desk.RoleTrainee, about: thisChat, shape: numberShape, named: true, fits: others, run: join,
		},
		{
			name: "watch", label: "Watch a chat", help: "lets you read along in a colleague's chat; both sides see it",
			role: desk.RoleTrainee, about: thisChat, shape: numberShape, named: true, fits: watchable, run: watch,
		},
		{
			name: "leave", label: "Leave a chat", help: "ends your part in a colleague's chat",
			role: desk.RoleTrainee, about: thisChat, shape: numberShape, fits: joined, run: leave,
		},
		{
			name: "close", args: "[TAGS]", label: "Close a chat", help: "ends your chat; it needs at least one tag",
			more: "!close renewals, printing gives tags on the way; !close 1 3 takes them from the newest list of tags. If the patron has written something that you have not seen, it is shown and the chat stays open; !close! closes all the same.",
			role: desk.RoleTrainee, about: thisChat, shape: tagShape, fits: mine, fields: closeFields, run: closeChat,
			onTicket: closeTicket, suits: openTicket, ticketFields: ticketTagFields, ticketHelp: "closes a ticket, with tags on the way",
		},
		{
			name: "close!", args: "[TAGS]", label: "Close a chat all the same", help: "ends your chat although the patron has just written",
			role: desk.RoleTrainee, about: thisChat, shape: tagShape, hidden: true, fits: mine, run: closeChat,
		},
		{
			name: "dismiss", args: "WHY", label: "Dismiss a missed chat", help: "takes a missed chat off the list; WHY becomes a note",
			role: desk.RoleOperator, about: thisChat, shape: anyShape,
			fits: func(h *desk.Chat, _ string) bool { return h.State == desk.Missed }, fields: whyFields, run: dismiss,
		},
	}
}

// noteCommands are those that write about a chat.
func noteCommands() []command {
	return []command{
		{
			name: "note", aliases: []string{"n"}, args: "TEXT", label: "Write a note", help: "writes a note that only staff see",
			more: "All that follows is the note, further lines too. In a chat, >>TEXT on one line is short for it.",
			role: desk.RoleTrainee, about: thisChat, shape: anyShape, owns: true, late: true, fits: part, fields: noteFields, run: noteCommand,
			onTicket: noteTicket, ticketFields: noteFields,
		},
		{
			name: "tag", args: "TAGS", label: "Tag a chat", help: "tags a chat; the beginning of a tag is enough",
			more: "!tag renew, print or !tag 1 3 with the numbers of !tags. Closed chats can be tagged, too.",
			role: desk.RoleTrainee, about: thisChat, shape: tagShape, fits: part, fields: tagFields, run: tag,
			onTicket: tag, ticketFields: ticketTagFields, ticketHelp: "tags a ticket; the beginning of a tag is enough",
		},
		{
			name: "untag", args: "TAG", label: "Take a tag off", help: "takes a tag off again",
			role: desk.RoleTrainee, about: thisChat, shape: tagShape,
			fits:   func(h *desk.Chat, me string) bool { return part(h, me) && len(h.Tags) > 0 },
			fields: untagFields, run: untag,
			onTicket: untag, suits: func(k *desk.Ticket, _ string) bool { return len(k.Tags) > 0 }, ticketFields: ticketUntagFields,
		},
		{
			name: "tags", label: "List the tags", help: "lists the tags, numbered", reads: true,
			role: desk.RoleTrainee, about: mayChat, shape: numberShape, run: tags, onTicket: tags,
		},
		{
			name: "send", label: "Send what is held", help: "sends the text that was held; in a ticket, mails your draft",
			more: "A text that looks like a slip, came late or could not go is kept for 10 minutes and sent by nobody but you. A ticket's mail waits 60 s before it leaves: !undo takes it back.",
			role: desk.RoleTrainee, about: thisChat, shape: alone, fields: sendFields, run: send,
			onTicket: sendDraft, ticketHelp: "mails your draft",
		},
	}
}

// deskCommands are those that look around.
func deskCommands() []command {
	return []command{
		{
			name: "who", args: "[COLLEAGUE]", label: "Who is this, who is here", help: "says who the patron of a chat is; without a chat, who is at the desk", reads: true,
			more: "In a chat it is about its patron. At the bot who is about the desk, who 42 about a patron, who ben about a colleague.",
			role: desk.RoleTrainee, about: mayChat, shape: numberShape, named: true, run: who, onTicket: whoTicket,
		},
		{
			name: "queue", label: "Who waits", help: "lists the chats that wait", reads: true,
			role: desk.RoleTrainee, about: noChat, shape: alone, run: queue,
		},
		{
			name: "mine", label: "My chats", help: "lists your chats, what is offered to you and what you have to tag", reads: true,
			role: desk.RoleTrainee, about: noChat, shape: alone, run: listMine,
		},
		{
			name: "missed", label: "Missed chats", help: "lists the chats that nobody took", reads: true,
			role: desk.RoleOperator, about: noChat, shape: alone, run: missedList,
		},
		{
			name: "tickets", args: "[all|closed|#DEPARTMENT]", label: "Tickets", help: "lists your tickets and those that nobody has", reads: true,
			role: desk.RoleOperator, about: noChat, shape: ticketsShape, run: listTickets,
		},
		{
			name: "find", args: "WORDS", label: "Find", help: "searches chats and tickets", reads: true,
			more: "find late fee, find tag:renewals after:2026-09-01, find patron:ana is:ticket. A phrase goes in quotation marks.",
			role: desk.RoleOperator, about: noChat, shape: findShape, needs: true, fields: findFields, run: find,
		},
		{
			name: "status", label: "How do I stand", help: "says whether chats ring for you, and how the departments stand", reads: true,
			role: desk.RoleTrainee, about: noChat, shape: alone, run: status,
		},
		{
			name: "rota", label: "Who is on", help: "says who is on now, and who is not", reads: true,
			role: desk.RoleTrainee, about: noChat, shape: alone, run: rota,
		},
		{
			name: "on", args: "[2h]", label: "Be on", help: "lets chats ring for you, for a time or as the rota has it",
			role: desk.RoleTrainee, about: noChat, shape: spanShape, fields: spanFields, run: on,
		},
		{
			name: "off", args: "[2h]", label: "Be off", help: "lets no chat ring for you, for a time or until on",
			role: desk.RoleTrainee, about: noChat, shape: spanShape, fields: spanFields, run: off,
		},
		{
			name: "handover", args: "WHO", label: "Hand over", help: "offers all your chats to a colleague",
			more: "Each stays yours until they accept it. Your tickets stay yours; assign hands those on.",
			role: desk.RoleTrainee, about: noChat, shape: whoShape, needs: true, fields: handoverFields, run: handover,
		},
		{
			name: "help", args: "[COMMAND]", label: "Help", help: "lists the commands, or explains one", reads: true,
			role: desk.RoleViewer, about: noChat, shape: commandShape, run: help,
		},
	}
}

// toCome are words that the grammar keeps for commands which are still to come: they are never text by accident.
func toCome() []string {
	return []string{"upload", "urgent", "ban", "swap", "delay", "mode", "ring", "lookup", "practice"}
}
