// SPDX-License-Identifier: Apache-2.0

// Package console is what members of staff type, click and fill in: one table of commands with its parser, help, forms
// and runs. It has no transport. A door gives it what somebody typed at the desk's bot or at a chat's address; the
// console makes one desk command of it, or a sentence that helps.
//
// It owns every English sentence that staff read, also those that tell of events, so that an XMPP client and the staff
// page read alike.
//
//	c := console.New(store, now, console.Options{})
//	answer, err := c.Handle(ctx, in)      // a message body; err only when nothing was decided
//	infos := c.Commands(ctx, actor, place) // XEP-0050: what is offered at this address
//	form, err := c.Form(ctx, actor, place, "close")
//	answer, err = c.Submit(ctx, in, "close", values)
//
//	RingLine, RosterName, Intro, Taken     // texts made of records alone
//	LineText, EventLine, Sentence          // texts that name colleagues, read through a desk.Reader
//
// # What is published
//
// Text reaches the patron in three ways only: a body at a chat's address that Handle takes for plain text, !send, and a
// prepared text that !faq or !c names. All else is a command, or is held: a slip, an unknown word, a late or over-long text is kept by the desk (HoldText) and
// the sender is asked. One call makes at most one command with the stanza's key; what a refused line is kept with has
// none, and what goes to several colleagues has keys made from it.
//
// In a ticket nothing that is typed is mailed: text becomes the sender's draft, and !send mails that.
//
// # Lists
//
// A numbered list (tags, names that fit, FAQs, canned replies, tickets, the menu of a bare "!") can be answered for ten minutes by "!N" or by a number
// as argument; a lone number typed at a chat while its list can be answered is held, not sent. "!N" does what the list
// says and never publishes. Lists are kept in this process's memory, one an account and place, and are bounded in number: on another
// node, or after a restart, an old number gets "that list is gone" and nothing is done.
package console
