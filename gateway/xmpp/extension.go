// SPDX-License-Identifier: Apache-2.0

package xmpp

import (
	"time"

	"refdesk/gateway/xmpp/element"
)

// stampLayout is the profile of XEP-0082 in UTC with milliseconds.
const stampLayout = "2006-01-02T15:04:05.000Z"

// Stamp writes a moment as XEP-0082 has it.
func Stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// Delay says that the stanza around it was first sent at t (XEP-0203); from is who held it, "" for none.
func Delay(t time.Time, from string) *element.Element {
	return element.New(NSDelay, "delay").Set("from", from).Set("stamp", Stamp(t))
}

// ReadDelay returns the time a stanza claims to have been sent at. Clients stamp what they resend.
func ReadDelay(el *element.Element) (t time.Time, ok bool) {
	d := el.Child(NSDelay, "delay")
	if d == nil {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, d.Attr("stamp"))
	return t.UTC(), err == nil
}

// ReceiptRequest asks for a receipt (XEP-0184).
func ReceiptRequest() *element.Element { return element.New(NSReceipts, "request") }

// WantsReceipt tells whether a message asks for one.
func WantsReceipt(message *element.Element) bool { return message.Child(NSReceipts, "request") != nil }

// Received is the receipt for the message with the given id.
func Received(id string) *element.Element { return element.New(NSReceipts, "received").Set("id", id) }

// Receipt returns the id of the message that this one is a receipt for.
func Receipt(message *element.Element) (id string, ok bool) {
	r := message.Child(NSReceipts, "received")
	return r.Attr("id"), r != nil
}

// Displayed is the marker that a person has seen the message with the given id (XEP-0333).
func Displayed(id string) *element.Element { return element.New(NSMarkers, "displayed").Set("id", id) }

// Forwarded wraps a stanza (XEP-0297); a zero time leaves the delay out.
func Forwarded(stanza *element.Element, at time.Time) *element.Element {
	f := element.New(NSForward, "forwarded")
	if !at.IsZero() {
		f.Add(Delay(at, ""))
	}
	return f.Add(stanza)
}

// Direction is which way a carbon's message went.
type Direction string

// The directions of XEP-0280.
const (
	CarbonSent     Direction = "sent"
	CarbonReceived Direction = "received"
)

// Carbon wraps a copy of message for another resource of the account: from is the account's bare address, to the full
// one (XEP-0280 §7). The message is shared, not copied.
func Carbon(d Direction, message *element.Element, from, to string) *element.Element {
	return stanza("message", message.Attr("type"), from, to, "").Add(
		element.New(NSCarbons, string(d)).Add(Forwarded(message, time.Time{})))
}

// IsPrivate tells whether the sender of a message wants no carbons of it (XEP-0280 §6.1, §9).
func IsPrivate(message *element.Element) bool {
	return message.Child(NSCarbons, "private") != nil || message.Child(NSHints, "no-copy") != nil
}

// Hint builds a processing hint (XEP-0334): "no-store", "no-copy", "no-permanent-store", "store".
func Hint(name string) *element.Element { return element.New(NSHints, name) }

// Replaces marks a message as the correction of an earlier one (XEP-0308).
func Replaces(id string) *element.Element { return element.New(NSCorrect, "replace").Set("id", id) }

// Replaced returns the id of the message that this one corrects.
func Replaced(message *element.Element) (id string, ok bool) {
	r := message.Child(NSCorrect, "replace")
	return r.Attr("id"), r != nil
}

// StanzaID is the archive's id of a message, given by the account or room with the address by (XEP-0359).
func StanzaID(id, by string) *element.Element {
	return element.New(NSStanzaID, "stanza-id").Set("id", id).Set("by", by)
}

// OriginID returns the sender's own id of a message, "" when there is none (XEP-0359).
func OriginID(message *element.Element) string {
	return message.Child(NSStanzaID, "origin-id").Attr("id")
}

// StripStanzaIDs removes ids that claim to be given by the address by: only that one may give them (XEP-0359 §6).
func StripStanzaIDs(message *element.Element, by string) {
	kept := message.Children[:0:0]
	for _, n := range message.Children {
		if !n.Element.Is(NSStanzaID, "stanza-id") || n.Element.Attr("by") != by {
			kept = append(kept, n)
		}
	}
	message.Children = kept
}
