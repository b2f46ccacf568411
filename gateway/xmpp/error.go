// SPDX-License-Identifier: Apache-2.0

package xmpp

import "refdesk/gateway/xmpp/element"

// Condition is a defined condition of a stanza error (RFC 6120 §8.3.3).
type Condition string

// The conditions.
const (
	BadRequest           Condition = "bad-request"
	ConflictCondition    Condition = "conflict"
	NotImplemented       Condition = "feature-not-implemented"
	Forbidden            Condition = "forbidden"
	Gone                 Condition = "gone"
	InternalServerError  Condition = "internal-server-error"
	ItemNotFound         Condition = "item-not-found"
	JIDMalformed         Condition = "jid-malformed"
	NotAcceptable        Condition = "not-acceptable"
	NotAllowed           Condition = "not-allowed"
	NotAuthorized        Condition = "not-authorized"
	PolicyViolation      Condition = "policy-violation"
	RecipientUnavailable Condition = "recipient-unavailable"
	Redirect             Condition = "redirect"
	RegistrationRequired Condition = "registration-required"
	RemoteServerNotFound Condition = "remote-server-not-found"
	RemoteServerTimeout  Condition = "remote-server-timeout"
	ResourceConstraint   Condition = "resource-constraint"
	ServiceUnavailable   Condition = "service-unavailable"
	SubscriptionRequired Condition = "subscription-required"
	UndefinedCondition   Condition = "undefined-condition"
	UnexpectedRequest    Condition = "unexpected-request"
)

// Kind returns the type that goes with the condition unless somebody says otherwise: what the sender may do about it.
func (c Condition) Kind() string {
	switch c {
	case BadRequest, Gone, JIDMalformed, NotAcceptable, Redirect, PolicyViolation:
		return "modify"
	case Forbidden, NotAuthorized, RegistrationRequired, SubscriptionRequired:
		return "auth"
	case RecipientUnavailable, RemoteServerTimeout, ResourceConstraint, UnexpectedRequest:
		return "wait"
	}
	return "cancel"
}

// StanzaError is an error answer as a value: handlers return it, streams write it.
type StanzaError struct {
	Condition Condition
	Type      string           // "auth cancel continue modify wait"; "" means Condition.Kind()
	Text      string           // for people; "" for none
	App       *element.Element // an application's own condition, or nil
}

// Error names the condition and the text.
func (e *StanzaError) Error() string {
	if e.Text == "" {
		return "xmpp: " + string(e.Condition)
	}
	return "xmpp: " + string(e.Condition) + ": " + e.Text
}

// Element returns the error child of a stanza.
func (e *StanzaError) Element() *element.Element {
	kind := e.Type
	if kind == "" {
		kind = e.Condition.Kind()
	}
	el := element.New(NSClient, "error").Set("type", kind).Add(element.New(NSStanzas, string(e.Condition)))
	if e.Text != "" {
		el.Add(element.Text(NSStanzas, "text", e.Text).SetIn(element.NSXML, "lang", "en"))
	}
	return el.Add(e.App)
}

// ErrorReply answers a stanza with an error. It returns nil where RFC 6120 §8.3.1 forbids an answer: to an error, and to
// an iq result.
func ErrorReply(el *element.Element, e *StanzaError) *element.Element {
	kind := el.Attr("type")
	if kind == TypeError || el.Local == "iq" && kind == ResultType {
		return nil
	}
	return stanza(el.Local, TypeError, el.Attr("to"), el.Attr("from"), el.Attr("id")).Add(e.Element())
}

// ReadError returns the condition of an error stanza, or "".
func ReadError(el *element.Element) Condition {
	for c := range el.Child(NSClient, "error").Elements() {
		if c.Space == NSStanzas && c.Local != "text" {
			return Condition(c.Local)
		}
	}
	return ""
}
