// SPDX-License-Identifier: Apache-2.0

package desk

import "slices"

// Action is what an actor wants to do or read.
type Action uint8

// The actions.
const (
	ReadPublic    Action = iota + 1 // departments, public names
	ReadOwnChat                     // as its patron
	WriteOwnChat                    // as its patron
	ReadChat                        // as staff: lines, notes, contact
	ClaimWaiting                    // take a chat
	HandleChat                      // release, transfer, close, answer: the owner's doings
	SpeakInChat                     // write to the patron: owner or joined
	AnnotateChat                    // note, tag, join
	AnswerOffer                     // accept or decline a transfer
	ReadMissed                      // the list of missed chats
	ReadTicket                      // its entries, notes and mail
	HandleTicket                    // answer, assign, tag, merge
	OpenTickets                     // for a patron: out of a chat or by hand
	WriteFAQ                        // make, change, publish
	WriteCanned                     // a canned reply: Owner "" = everybody's
	MessageStaff                    // write to a colleague
	ReadDirectory                   // colleagues and their presence
	OwnAccount                      // one's own sessions, devices, data
	ManageStaff                     // people
	ManageDesk                      // departments, settings
	RunNode                         // what nodes do for themselves
	ReadAll                         // everything: nodes and the administrator
)

// Object is what an action is done to. Only the fields that the action asks about need be filled in.
type Object struct {
	Token  string   // a chat's token hash
	Crew   []string // the departments whose staff answer the chat
	Owner  string   // account that owns the chat, session or data
	Joined []string // accounts that joined the chat
	To     string   // account that a transfer is offered to
	Rung   []string // accounts that a chat rang for, backups among them
}

// Who is an actor with what the records say of them.
type Who struct {
	Actor
	Role        Role
	Departments []string
	Disabled    bool
}

// Can is the one place that says who may do what. Apply and every read ask it.
func Can(who Who, action Action, object Object) bool {
	switch who.Kind {
	case NodeKind, AdminKind:
		return true
	case PatronKind:
		return action == ReadPublic ||
			(action == ReadOwnChat || action == WriteOwnChat) && who.ID != "" && who.ID == object.Token
	case StaffKind:
		return !who.Disabled && who.Role != 0 && staffCan(who, action, object)
	}
	return action == ReadPublic
}

func staffCan(who Who, action Action, o Object) bool {
	owns := o.Owner == who.ID
	serves := who.Role >= RoleAdmin || slices.ContainsFunc(o.Crew, func(d string) bool {
		return slices.Contains(who.Departments, d)
	})
	part := owns || slices.Contains(o.Joined, who.ID) || o.To == who.ID && o.To != ""
	switch action {
	case ReadPublic, ReadDirectory, MessageStaff:
		return true
	case OwnAccount:
		return owns || who.Role >= RoleAdmin
	case ManageStaff, ManageDesk:
		return who.Role >= RoleAdmin
	case ClaimWaiting:
		return who.Role >= RoleTrainee && (serves || slices.Contains(o.Rung, who.ID))
	case ReadChat, AnnotateChat:
		return part || who.Role >= RoleOperator && serves
	case HandleChat:
		return owns && who.Role >= RoleTrainee
	case SpeakInChat:
		return who.Role >= RoleTrainee && (owns || slices.Contains(o.Joined, who.ID))
	case AnswerOffer:
		return who.Role >= RoleTrainee && o.To == who.ID
	case ReadMissed:
		return who.Role >= RoleOperator
	case ReadTicket, HandleTicket:
		return who.Role >= RoleOperator && (owns || serves)
	case OpenTickets:
		return who.Role >= RoleOperator
	case WriteFAQ:
		return who.Role >= RoleLead
	case WriteCanned:
		return who.Role >= RoleAdmin || who.Role >= RoleLead && o.Owner == "" || who.Role >= RoleTrainee && owns
	}
	return false
}

// whoIs completes an actor from the records.
func whoIs(src Source, a Actor) (Who, error) {
	who := Who{Actor: a}
	if a.Kind != StaffKind {
		return who, nil
	}
	p, err := load[Staff](src, staffKey(a.ID))
	if err != nil || p == nil {
		return who, err
	}
	who.Role, who.Departments, who.Disabled = p.Role, p.Departments, p.Disabled
	return who, nil
}

// may refuses the command if its actor may not do this.
func (s *state) may(action Action, object Object) error {
	who, err := whoIs(s.tx, s.env.Actor)
	if s.fail(err) {
		return nil
	}
	if !Can(who, action, object) {
		return refuse(NotAllowed)
	}
	return nil
}
