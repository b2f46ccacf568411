// SPDX-License-Identifier: Apache-2.0

package desktest

import (
	"fmt"
	"strconv"
	"strings"

	"refdesk/cluster/desk"
)

// request turns a doing of a scenario into a request. Names that start with p and a digit are patrons (the name is their
// token hash), n and a digit are nodes, all others staff.
func request(name, verb, rest string) (desk.Request, error) {
	r := desk.Request{Actor: actor(name)}
	number, text, _ := strings.Cut(rest, " ")
	chat, _ := strconv.ParseUint(number, 10, 64)
	switch r.Actor.Kind {
	case desk.PatronKind:
		r.Command = patronDoing(verb, chat, number, text)
	case desk.NodeKind:
		r.Command = nodeDoing(name, verb, rest)
	default:
		r.Command = staffDoing(name, verb, chat, rest, text)
	}
	if r.Command == nil {
		r.Command = chatDoing(r.Actor, verb, rest)
	}
	if r.Command == nil {
		r.Command = ticketDoing(r.Actor, verb, rest)
	}
	if r.Command == nil {
		return r, fmt.Errorf("nobody like %s does %q", name, verb)
	}
	if verb == "connect" || verb == "disconnect" {
		r.Actor = desk.NodeActor("n0")
	}
	return r, nil
}

func actor(name string) desk.Actor {
	if name == "desk" {
		return desk.Actor{Kind: desk.AdminKind, ID: "test"}
	}
	if len(name) == 2 && name[1] >= '0' && name[1] <= '9' {
		switch name[0] {
		case 'p':
			return desk.PatronActor(name)
		case 'n':
			return desk.NodeActor(name)
		}
	}
	return desk.StaffActor(name, SessionID(name))
}

func patronDoing(verb string, chat uint64, first, text string) desk.Command {
	switch verb {
	case "open":
		return &desk.OpenChat{ID: "id-" + first, Department: first, Question: text, Node: "n0"}
	case "say":
		return &desk.PostLine{Chat: chat, ID: "id", Kind: desk.TextLine, Text: text}
	case "leave":
		return &desk.LeaveChat{Chat: chat}
	case "attach":
		return &desk.AttachPatron{Chat: chat, Node: text}
	case "detach":
		return &desk.DetachPatron{Chat: chat, Node: text}
	case "contact":
		return &desk.SetContact{Chat: chat, Email: text}
	case "seen":
		seq, _ := strconv.ParseUint(text, 10, 64)
		return &desk.MarkSeen{Chat: chat, Seq: seq, Shown: true}
	}
	return nil
}

func nodeDoing(name, verb, rest string) desk.Command {
	switch verb {
	case "up":
		return &desk.NodeUp{Node: name, Incarnation: rest}
	case "down":
		return &desk.NodeDown{Node: name, Incarnation: rest}
	case "expire":
		return &desk.Expire{}
	}
	return nil
}

func staffDoing(name, verb string, chat uint64, rest, text string) desk.Command {
	switch verb {
	case "connect":
		return &desk.OpenSession{ID: SessionID(name), Account: name, Door: "xmpp", Node: "n0", Resource: "desk"}
	case "disconnect":
		return &desk.CloseSession{ID: SessionID(name)}
	case "show":
		return &desk.SetShow{ID: SessionID(name), Show: desk.Show(rest)}
	case "claim":
		return &desk.ClaimChat{Chat: chat}
	case "release":
		return &desk.ReleaseChat{Chat: chat}
	case "say":
		return &desk.PostLine{Chat: chat, Kind: desk.TextLine, Text: text}
	case "resend":
		return &desk.PostLine{Chat: chat, Kind: desk.TextLine, Text: text, Resend: "hash-of-" + text}
	case "note":
		return &desk.PostLine{Chat: chat, Kind: desk.NoteLine, Text: text}
	case "hold":
		return &desk.HoldText{Chat: chat, Text: text, Why: "slip"}
	case "send":
		return &desk.SendHeld{Chat: chat}
	case "tag":
		return &desk.TagChat{Chat: chat, Tags: strings.Split(text, ", ")}
	case "untag":
		return &desk.UntagChat{Chat: chat, Tag: text}
	case "join":
		return &desk.JoinChat{Chat: chat}
	case "watch":
		return &desk.JoinChat{Chat: chat, Watch: true}
	case "part":
		return &desk.PartChat{Chat: chat}
	case "transfer":
		if d, ok := strings.CutPrefix(text, "#"); ok {
			return &desk.TransferChat{Chat: chat, Department: d}
		}
		return &desk.TransferChat{Chat: chat, To: text}
	case "accept":
		return &desk.AcceptTransfer{Chat: chat}
	case "decline":
		return &desk.DeclineTransfer{Chat: chat}
	case "close":
		return &desk.CloseChat{Chat: chat, Tags: words(text)}
	case "dismiss":
		return &desk.DismissChat{Chat: chat, Why: text}
	case "message":
		to, body, _ := strings.Cut(rest, " ")
		return &desk.SendMessage{To: to, Body: body}
	case "disable":
		return &desk.DisableStaff{Account: rest}
	}
	return nil
}

func words(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ", ")
}
