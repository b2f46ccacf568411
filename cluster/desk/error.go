// SPDX-License-Identifier: Apache-2.0

package desk

// Code is the kind of a refusal. Doors write the sentence in the reader's language.
type Code string

// The codes. Those before NoQuorum are recorded with the command's idempotency key; the others say nothing about it.
const (
	NotFound   Code = "not-found"   // the thing named does not exist, or the actor may not know that it does
	Conflict   Code = "conflict"    // somebody else was first; Staff and At say who and when. Or: a key reused with another payload (Field "key")
	NotAllowed Code = "not-allowed" // the actor may not do this
	Invalid    Code = "invalid"     // Field is malformed, too long or missing
	NeedsEmail Code = "needs-email" // a ticket needs an address first
	NeedsTag   Code = "needs-tag"   // the chat can't be closed untagged
	NewerLine  Code = "newer-line"  // the patron wrote something that the closer has not got yet; Line says which
	Over       Code = "closed"      // the chat is over; Staff and At say who closed it and when, both may be empty
	Offline    Code = "offline"     // the department is closed, or the colleague is not connected
	Busy       Code = "busy"        // a limit of the desk is reached; try later
	Exists     Code = "exists"      // the name is taken

	NoQuorum Code = "no-quorum" // no majority of nodes answers; the outcome may be unknown, retry with the same key only
	TooOld   Code = "too-old"   // a cursor of another epoch or older than the events kept
	Stopping Code = "stopping"  // this node is shutting down; try another
)

// Error is a refusal. The zero values of the detail fields mean "does not apply".
type Error struct {
	Code  Code
	Field string // which part of the command
	Staff string // account of the colleague concerned
	At    Time   // when what stands in the way happened
	Chat  uint64 // the chat concerned, when it isn't the one named
	Line  uint64 // number of the line concerned
}

// Error names the code and the field. It is for logs; people read a door's sentence.
func (e *Error) Error() string {
	if e.Field == "" {
		return "desk: " + string(e.Code)
	}
	return "desk: " + string(e.Code) + ": " + e.Field
}

// Is makes errors.Is(err, &Error{Code: NotFound}) compare the codes alone.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Field == "" || t.Field == e.Field)
}

func refuse(code Code) *Error                 { return &Error{Code: code} }
func refuseField(c Code, field string) *Error { return &Error{Code: c, Field: field} }

func (e *Error) code(c *coder) {
	word(c, &e.Code)
	c.str(&e.Field)
	c.str(&e.Staff)
	c.time(&e.At)
	c.u64(&e.Chat)
	c.u64(&e.Line)
}
