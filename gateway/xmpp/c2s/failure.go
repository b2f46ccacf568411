// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"errors"
	"net"
	"os"

	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// Conditions of stream errors (RFC 6120 §4.9.3) that the server gives; Session.Close takes any of them.
const (
	BadFormat             = "bad-format"
	Conflict              = "conflict"
	ConnectionTimeout     = "connection-timeout"
	HostUnknown           = "host-unknown"
	ImproperAddressing    = "improper-addressing"
	InternalServerError   = "internal-server-error"
	InvalidFrom           = "invalid-from"
	InvalidNamespace      = "invalid-namespace"
	NotAuthorized         = "not-authorized"
	PolicyViolation       = "policy-violation"
	Reset                 = "reset"
	ResourceConstraint    = "resource-constraint"
	SystemShutdown        = "system-shutdown"
	UndefinedCondition    = "undefined-condition"
	UnsupportedStanzaType = "unsupported-stanza-type"
	UnsupportedVersion    = "unsupported-version"
)

// streamError is the end of a stream that the client is told about.
type streamError struct {
	condition string
	text      string
	app       *element.Element
}

// Error implements error.
func (e *streamError) Error() string { return "stream error " + e.condition }

func refuse(condition, text string) *streamError {
	return &streamError{condition: condition, text: text}
}

// element returns the error as it stands in the stream.
func (e *streamError) element() *element.Element {
	el := element.New(xmpp.NSStream, "error").Add(element.New(xmpp.NSStreamErrors, e.condition))
	if e.text != "" {
		el.Add(element.Text(xmpp.NSStreamErrors, "text", e.text).SetIn(element.NSXML, "lang", "en"))
	}
	return el.Add(e.app)
}

// tell returns what the client is to be told of an error, and whether anything: a broken connection can't be told.
func tell(err error) (e *streamError, ok bool) {
	if errors.As(err, &e) {
		return e, true
	}
	var bad *element.Error
	if errors.As(err, &bad) {
		return refuse(string(bad.Kind), bad.Reason), true
	}
	var timeout net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return refuse(ConnectionTimeout, ""), true
	}
	return nil, false
}
