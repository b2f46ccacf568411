// SPDX-License-Identifier: Apache-2.0

package element

import "errors"

// Kind says what is wrong with the XML that was read. Each is the name of the stream error of RFC 6120 §4.9.3 that tells
// the peer.
type Kind string

// The kinds of bad XML.
const (
	Malformed  Kind = "not-well-formed"      // broken syntax, bad UTF-8, an unbound prefix, text between stanzas
	Restricted Kind = "restricted-xml"       // comment, processing instruction, DTD, entity (RFC 6120 §11.1)
	TooLarge   Kind = "policy-violation"     // over a limit: bytes, depth, attributes, elements
	Encoding   Kind = "unsupported-encoding" // declared as anything but UTF-8
)

// Error is bad input. Reason is for logs and the peer; it never quotes what was read.
type Error struct {
	Kind   Kind
	Reason string
}

// Error names the kind and the reason.
func (e *Error) Error() string { return "xml: " + string(e.Kind) + ": " + e.Reason }

// Is makes errors.Is(err, &Error{Kind: k}) compare kinds.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}

// ErrEnd is returned by Reader.Next after the end tag of the root: the peer closed its stream.
var ErrEnd = errors.New("xml: end of stream")

func malformed(reason string) *Error  { return &Error{Kind: Malformed, Reason: reason} }
func restricted(reason string) *Error { return &Error{Kind: Restricted, Reason: reason} }
func tooLarge(reason string) *Error   { return &Error{Kind: TooLarge, Reason: reason} }
