// SPDX-License-Identifier: Apache-2.0

package xmpp

import (
	"refdesk/gateway/xmpp/element"
)

// Types of messages and presence (RFC 6121 §5.2.2, §4.7.1) that the desk uses.
const (
	Chat         = "chat"
	Normal       = "normal"
	Headline     = "headline"
	Unavailable  = "unavailable"
	Subscribe    = "subscribe"
	Subscribed   = "subscribed"
	Unsubscribe  = "unsubscribe"
	Unsubscribed = "unsubscribed"
	Probe        = "probe"
	TypeError    = "error"
	Get          = "get"
	Set          = "set"
	ResultType   = "result"
)

// Message builds a message with a body; an empty body leaves the element out. kind is its type, "" for normal.
func Message(kind, from, to, id, body string) *element.Element {
	m := stanza("message", kind, from, to, id)
	if body != "" {
		m.Add(element.Text(NSClient, "body", body))
	}
	return m
}

// Presence builds a presence; kind "" means available.
func Presence(kind, from, to string) *element.Element { return stanza("presence", kind, from, to, "") }

// Available builds a presence with show ("", "away", "chat", "dnd", "xa") and status.
func Available(from, to, show, status string) *element.Element {
	p := Presence("", from, to)
	if show != "" {
		p.Add(element.Text(NSClient, "show", show))
	}
	if status != "" {
		p.Add(element.Text(NSClient, "status", status))
	}
	return p
}

// IQ builds a request (Get or Set) around its payload.
func IQ(kind, from, to, id string, payload *element.Element) *element.Element {
	return stanza("iq", kind, from, to, id).Add(payload)
}

// Result answers an iq; payload may be nil.
func Result(iq, payload *element.Element) *element.Element {
	return stanza("iq", ResultType, iq.Attr("to"), iq.Attr("from"), iq.Attr("id")).Add(payload)
}

func stanza(local, kind, from, to, id string) *element.Element {
	e := &element.Element{Space: NSClient, Local: local, Attrs: make([]element.Attr, 0, 4)}
	return e.Set("type", kind).Set("from", from).Set("to", to).Set("id", id)
}

// IsStanza tells whether el is a message, presence or iq of a client's stream.
func IsStanza(el *element.Element) bool {
	return el != nil && el.Space == NSClient && (el.Local == "message" || el.Local == "presence" || el.Local == "iq")
}

// IsRequest tells whether el is an iq that must be answered.
func IsRequest(el *element.Element) bool {
	kind := el.Attr("type")
	return el.Is(NSClient, "iq") && (kind == Get || kind == Set)
}

// Body returns the text of a message's body. A message without body, or with an empty one, has none.
func Body(message *element.Element) (text string, ok bool) {
	text = message.ChildText(NSClient, "body")
	return text, text != ""
}

// CheckIQ returns what is wrong with an iq's form, or nil (RFC 6120 §8.2.3).
func CheckIQ(iq *element.Element) *StanzaError {
	kind := iq.Attr("type")
	switch kind {
	case Get, Set, ResultType, TypeError:
	default:
		return &StanzaError{Condition: BadRequest, Text: "an iq needs a type"}
	}
	if iq.Attr("id") == "" {
		return &StanzaError{Condition: BadRequest, Text: "an iq needs an id"}
	}
	children := 0
	for range iq.Elements() {
		children++
	}
	if (kind == Get || kind == Set) && children != 1 {
		return &StanzaError{Condition: BadRequest, Text: "a request holds exactly one element"}
	}
	return nil
}
