// SPDX-License-Identifier: Apache-2.0

// Package outbox hands finished mails over to a mail server.
//
// It knows nothing of tickets and decides nothing: whoever sends is asked at two moments, before DATA and before the final
// dot, whether the mail is still theirs, and gets an error that says whose fault a failure was. From these four kinds of
// failure follow all that bridge does next: pause the account, try the mail later, give it up, or look whether it arrived.
//
// With no server configured, Capture stands in: the records of the mails are all there is, and a page shows them.
package outbox

import (
	"context"
	"strings"
)

// Mail is a mail ready to go. A resend is the same Mail.
type Mail struct {
	From  string // the envelope's sender
	Plain string // the sender for servers that refuse From; "" = none
	To    []string
	Body  []byte // RFC 5322 with CRLF
}

// Asked are the questions that come up on the way. An error ends the conversation before anything is at stake.
type Asked struct {
	Data func(context.Context) error // may it be sent?
	Dot  func(context.Context) error // everything but the final dot is sent: may that follow?
}

// Result is what became of a mail that a server took.
type Result struct {
	QueueID string
	Refused []Refusal // recipients refused for good
	Later   []Refusal // recipients that may be tried again
}

// Refusal is what a server said of one recipient.
type Refusal struct {
	Address string
	Why     string
	Hard    bool // the address is no good (RFC 3463: 5.1.x)
}

// Kind says what a failure means for what comes next.
type Kind uint8

// The kinds of failure.
const (
	Later   Kind = iota // this mail could not go now
	Never               // this mail will never go
	Account             // no mail can go: the server is down, doesn't take the password, or can't be trusted
	Unsure              // the connection ended at the dot: the mail may have been taken
)

// Error is a mail that didn't go.
type Error struct {
	Kind    Kind
	Why     string    // one line, for staff
	Hard    bool      // Never: the address is no good
	Lasting bool      // Account: somebody has to do something, so trying soon is of no use
	Refused []Refusal // recipients refused for good before it failed
	Err     error
}

// Error is the reason.
func (e *Error) Error() string { return "send mail: " + e.Why }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Transport sends one mail at a time.
type Transport interface {
	// Send hands a mail over. The error is an *Error, or what an Asked answered.
	Send(ctx context.Context, m Mail, ask Asked) (Result, error)
	// Close ends the connection that was kept for the next mail.
	Close() error
}

// CaptureID is the queue id of a mail that no server was configured for.
const CaptureID = "outbox"

// Capture is the transport without a server. The zero value is ready.
type Capture struct{}

// Send asks and says yes.
func (Capture) Send(ctx context.Context, _ Mail, ask Asked) (Result, error) {
	if err := ask.data(ctx); err != nil {
		return Result{}, err
	}
	if err := ask.dot(ctx); err != nil {
		return Result{}, err
	}
	return Result{QueueID: CaptureID}, nil
}

// Close does nothing.
func (Capture) Close() error { return nil }

func (a Asked) data(ctx context.Context) error {
	if a.Data == nil {
		return nil
	}
	return a.Data(ctx)
}

func (a Asked) dot(ctx context.Context) error {
	if a.Dot == nil {
		return nil
	}
	return a.Dot(ctx)
}

// oneLine makes what a server said fit for a record: one line, at most 900 bytes.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	for len(s) > 900 {
		s = strings.ToValidUTF8(s[:900], "")
	}
	return s
}
