// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"refdesk/cluster/desk"
)

// Problem is an error answer (RFC 9457), and an error. Code is stable and meant for programs, Title and Detail are
// English sentences for whoever reads the answer while writing a client. Its JSON is sent as application/problem+json.
type Problem struct {
	Status     int           `json:"status"`
	Code       string        `json:"code"`
	Title      string        `json:"title"`
	Detail     string        `json:"detail,omitempty"`
	Field      string        `json:"field,omitempty"`     // which field of the request is meant
	NextOpen   *time.Time    `json:"next_open,omitempty"` // department-closed: when it opens again, if known
	Form       string        `json:"form,omitempty"`      // where a question can be left instead
	RetryAfter time.Duration `json:"-"`                   // sent as Retry-After in whole seconds, rounded up
}

// The stable codes. docs/api.md lists them with their status.
const (
	CodeBadRequest       = "bad-request"
	CodeTokenInURL       = "token-in-url"
	CodeUnauthorized     = "unauthorized"
	CodeForbidden        = "forbidden"
	CodeOrigin           = "origin-not-allowed"
	CodeNotFound         = "not-found"
	CodeMethod           = "method-not-allowed"
	CodeChatClosed       = "chat-closed"
	CodeDepartmentClosed = "department-closed"
	CodeConflict         = "conflict"
	CodeTooLarge         = "too-large"
	CodeMediaType        = "unsupported-media-type"
	CodeHost             = "wrong-host"
	CodeInvalid          = "invalid"
	CodeReused           = "id-reused"
	CodeThrottled        = "throttled"
	CodeInternal         = "internal"
	CodeNotHereYet       = "not-here-yet"
	CodeUnavailable      = "unavailable"
)

// Error gives the code and the detail; it is for logs.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return "web: " + p.Code
	}
	return "web: " + p.Code + ": " + p.Detail
}

// NewProblem makes a problem whose title is the status's usual phrase.
func NewProblem(status int, code, detail string) *Problem {
	return &Problem{Status: status, Code: code, Title: http.StatusText(status), Detail: detail}
}

// Invalid says that a field can't be taken as it is (422).
func Invalid(field, detail string) *Problem {
	p := NewProblem(http.StatusUnprocessableEntity, CodeInvalid, detail)
	p.Field = field
	return p
}

// Throttled says to come back after d (429).
func Throttled(d time.Duration, detail string) *Problem {
	p := NewProblem(http.StatusTooManyRequests, CodeThrottled, detail)
	p.RetryAfter = max(d, time.Second)
	return p
}

// Unavailable says that this node can't do it now, but it or another may soon (503).
func Unavailable(d time.Duration, detail string) *Problem {
	p := NewProblem(http.StatusServiceUnavailable, CodeUnavailable, detail)
	p.RetryAfter = max(d, time.Second)
	return p
}

// AsProblem turns any error into a problem: a *Problem stays what it is, a *desk.Error is mapped by its code, a body
// over the limit is 413, and everything else is a 500 that tells nothing.
func AsProblem(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var de *desk.Error
	if errors.As(err, &de) {
		return fromDesk(de)
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return NewProblem(http.StatusRequestEntityTooLarge, CodeTooLarge,
			"The body is larger than "+strconv.FormatInt(tooLarge.Limit, 10)+" bytes.")
	}
	return NewProblem(http.StatusInternalServerError, CodeInternal, "Something went wrong on our side.")
}

// fromDesk maps the domain's refusals to the statuses of the API.
func fromDesk(e *desk.Error) *Problem {
	switch e.Code {
	case desk.NotFound:
		return NewProblem(http.StatusNotFound, CodeNotFound, "There is no such thing here.")
	case desk.NotAllowed:
		return NewProblem(http.StatusForbidden, CodeForbidden, "The token does not allow this.")
	case desk.Conflict, desk.Exists:
		if e.Field == "key" || e.Field == "id" {
			p := NewProblem(http.StatusUnprocessableEntity, CodeReused, "The id was used before with other content.")
			p.Field = "id"
			return p
		}
		return NewProblem(http.StatusConflict, CodeConflict, "Somebody else was first.")
	case desk.Invalid, desk.NeedsEmail, desk.NeedsTag:
		return Invalid(e.Field, "The field is missing, malformed or too long.")
	case desk.Over, desk.NewerLine:
		return NewProblem(http.StatusConflict, CodeChatClosed, "The chat is over.")
	case desk.Offline:
		return NewProblem(http.StatusConflict, CodeDepartmentClosed, "Nobody answers chats here at the moment.")
	case desk.Busy:
		return Throttled(30*time.Second, "Too many people are waiting.")
	case desk.NoQuorum, desk.Stopping, desk.TooOld:
		return Unavailable(time.Second, "This node can't take it now; try again with the same id, here or on another node.")
	}
	return NewProblem(http.StatusInternalServerError, CodeInternal, "Something went wrong on our side.")
}

// WriteProblem answers a request with the problem that err is: JSON for programs, a page for a browser that asked for
// one. Only what AsProblem shows leaves the house.
func (f *Frame) WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := AsProblem(err)
	h := w.Header()
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="refdesk"`)
	}
	h.Set("Cache-Control", "no-store")
	if wantsPage(r) {
		f.notice(w, r, p)
		return
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	// The client may be gone; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(p)
}

// wantsPage tells a person's browser from a program: it asks for HTML, outside the API.
func wantsPage(r *http.Request) bool {
	return !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}
