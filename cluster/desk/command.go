// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"errors"
	"fmt"
)

// Command is a proposed change. The types of this package are the only ones there are.
type Command interface {
	coded
	// CommandName is the word for the command in the log.
	CommandName() string
	apply(s *state) error
}

// commandVersion is the newest layout of commands, replies and envelopes.
const commandVersion = 1

// ErrUnknownCommand is a command that a later program wrote. The node must stop rather than skip it.
var ErrUnknownCommand = errors.New("desk: the log holds a command that this program doesn't know; upgrade it")

// Commands returns a new zero value of every command there is.
func Commands() []Command {
	return []Command{
		&SetDepartment{}, &SetCalendar{}, &SetStaff{}, &DisableStaff{}, &AddDevice{}, &RevokeDevice{}, &SetSetting{},
		&OpenSession{}, &CloseSession{}, &SetShow{}, &MovePosition{}, &SendMessage{}, &SetAccountData{},
		&OpenChat{}, &PostLine{}, &AttachPatron{}, &DetachPatron{}, &LeaveChat{}, &SetContact{}, &MarkSeen{},
		&ClaimChat{}, &ReleaseChat{}, &JoinChat{}, &PartChat{}, &TagChat{}, &UntagChat{},
		&TransferChat{}, &AcceptTransfer{}, &DeclineTransfer{}, &CloseChat{}, &DismissChat{}, &HoldText{}, &SendHeld{},
		&RingReceived{}, &DeclineRing{}, &SetDuty{}, &PatronIsHere{}, &AskStill{}, &WantContact{}, &PromiseWait{},
		&RateChat{}, &ReopenChat{}, &UndoChat{}, &RedactLine{},
		&OpenTicket{}, &AskQuestion{}, &ReplyTicket{}, &UndoReply{}, &NoteTicket{}, &AdmitEntry{}, &ResendEntry{},
		&DraftLine{}, &DraftSend{}, &DraftDrop{}, &AssignTicket{}, &SetTicketState{}, &TagTicket{}, &SetTicketSubject{},
		&SetTicketRequester{}, &SeeTicket{}, &LinkTickets{}, &MergeTickets{},
		&QueueNotice{}, &ComposeMail{}, &ClaimMail{}, &MailDot{}, &MailSent{}, &MailDeferred{}, &MailFailed{}, &MailUnsure{}, &IngestMail{},
		&SetFAQ{}, &DeleteFAQ{}, &VoteFAQ{}, &CountFAQViews{}, &CountFAQMiss{}, &SetCanned{}, &DeleteCanned{},
		&MakeLink{}, &UseLink{}, &SetWebPassword{}, &OpenWebSession{}, &TouchWebSession{}, &CloseWebSession{},
		&Fire{}, &NodeUp{}, &NodeDown{}, &CheckDigest{}, &Expire{},
		&MakeJoinToken{}, &AdmitNode{}, &RemoveNode{}, &RaiseLevel{}, &SetAuthority{}, &RecoverDesk{},
	}
}

func newCommand(name string) Command {
	for _, c := range Commands() {
		if c.CommandName() == name {
			return c
		}
	}
	return nil
}

// body wraps a command with its name.
type body struct{ command Command }

func (b *body) code(c *coder) {
	name := ""
	if !c.reading {
		name = b.command.CommandName()
	}
	c.str(&name)
	if c.reading && c.err == nil {
		if b.command = newCommand(name); b.command == nil {
			c.err = fmt.Errorf("%w (%.40q)", ErrUnknownCommand, name)
			return
		}
	}
	if c.err == nil {
		b.command.code(c)
	}
}

// EncodeCommand appends a command's encoding.
func EncodeCommand(dst []byte, x Command) []byte { return encode(dst, commandVersion, &body{x}) }

// DecodeCommand reads one. ErrUnknownCommand and damage are told apart.
func DecodeCommand(data []byte) (Command, error) {
	var b body
	err := decode(data, commandVersion, &b)
	return b.command, err
}

func (e *Envelope) code(c *coder) {
	num(c, &e.Actor.Kind)
	c.str(&e.Actor.ID)
	c.str(&e.Actor.Session)
	c.str(&e.Key.Kind)
	c.str(&e.Key.Principal)
	c.str(&e.Key.ID)
	c.time(&e.Stamp)
	b := body{e.Command}
	b.code(c)
	e.Command = b.command
}

// EncodeEnvelope appends an envelope's encoding, without its Term: that is the log entry's.
func EncodeEnvelope(dst []byte, e Envelope) []byte { return encode(dst, commandVersion, &e) }

// DecodeEnvelope reads one.
func DecodeEnvelope(data []byte) (Envelope, error) {
	var e Envelope
	err := decode(data, commandVersion, &e)
	return e, err
}

// outcome is a reply or a refusal.
type outcome struct {
	reply   Reply
	again   bool
	refusal Error
}

func (o *outcome) code(c *coder) {
	o.reply.code(c)
	c.flag(&o.again)
	o.refusal.code(c)
}

// EncodeReply appends a reply with the refusal that came with it, if any.
func EncodeReply(dst []byte, r Reply, refusal *Error) []byte {
	o := outcome{reply: r, again: r.Again}
	if refusal != nil {
		o.refusal = *refusal
	}
	return encode(dst, commandVersion, &o)
}

// DecodeReply reads one; the refusal is nil if there was none.
func DecodeReply(data []byte) (Reply, *Error, error) {
	var o outcome
	if err := decode(data, commandVersion, &o); err != nil {
		return Reply{}, nil, err
	}
	o.reply.Again = o.again
	if o.refusal.Code == "" {
		return o.reply, nil, nil
	}
	return o.reply, &o.refusal, nil
}

// EncodeEvent appends an event's encoding.
func EncodeEvent(dst []byte, e *Event) []byte { return encode(dst, recordVersion, e) }

// DecodeEvent reads one.
func DecodeEvent(data []byte) (Event, error) {
	var e Event
	err := decode(data, recordVersion, &e)
	return e, err
}
