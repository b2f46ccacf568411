// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"errors"
	"net/http"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// problem turns any error into a status and a sentence for staff. The frame's own sentences are for who writes a program
// against the patrons' API.
func problem(err error) *web.Problem {
	var p *web.Problem
	if errors.As(err, &p) {
		return p
	}
	var e *desk.Error
	if !errors.As(err, &e) {
		p := web.AsProblem(err)
		if p.Code == web.CodeInternal {
			p.Detail = "Something went wrong on our side. Nothing that you see as done was lost; please try again."
		}
		if p.Code == web.CodeTooLarge {
			p.Detail = "That is too much at once. Please send less."
		}
		return p
	}
	made := func(status int, code string) *web.Problem {
		p := web.NewProblem(status, code, sentence(e))
		p.Field = e.Field
		return p
	}
	switch e.Code {
	case desk.NotFound:
		return made(http.StatusNotFound, web.CodeNotFound)
	case desk.NotAllowed:
		return made(http.StatusForbidden, web.CodeForbidden)
	case desk.Invalid, desk.NeedsEmail, desk.NeedsTag:
		return made(http.StatusUnprocessableEntity, web.CodeInvalid)
	case desk.Conflict, desk.Exists, desk.Over, desk.NewerLine, desk.Offline:
		return made(http.StatusConflict, web.CodeConflict)
	case desk.Busy:
		return made(http.StatusTooManyRequests, web.CodeThrottled)
	case desk.NoQuorum, desk.Stopping, desk.TooOld:
		p := made(http.StatusServiceUnavailable, web.CodeUnavailable)
		p.RetryAfter = time.Second
		return p
	}
	return made(http.StatusInternalServerError, web.CodeInternal)
}

// sentence says in words what a refusal means. Pages that know more say more.
func sentence(e *desk.Error) string {
	switch e.Code {
	case desk.NotFound:
		return "That is not here (any more), or it belongs to a department that you don't work for."
	case desk.NotAllowed:
		return "Your role does not allow this. An admin of the desk can change roles on the page People."
	case desk.Conflict:
		switch {
		case e.Field == "key":
			return "This form was sent before, with other words. Nothing was changed this time; please open the page again."
		case e.Staff != "":
			return e.Staff + " was first. Nothing was changed."
		}
		return "Somebody else was first. Nothing was changed; please open the page again."
	case desk.Invalid:
		return "Something in the form can't be taken as it is: " + fieldName(e.Field) + "."
	case desk.NeedsEmail:
		return "A ticket needs the patron's e-mail address first."
	case desk.NeedsTag:
		return "The chat needs a tag before it is closed."
	case desk.NewerLine:
		return "The patron has written something that you had not seen yet. Nothing was changed."
	case desk.Over:
		if e.Staff != "" {
			return "That was over already: " + e.Staff + " closed it."
		}
		return "That was over already."
	case desk.Offline:
		return "Nobody is there at the moment."
	case desk.Busy:
		return "The desk is at one of its limits. Please try again in a moment."
	case desk.Exists:
		return "That name is taken: " + fieldName(e.Field) + "."
	case desk.NoQuorum, desk.Stopping, desk.TooOld:
		return "The desk's nodes can't agree at the moment, so nothing was changed for certain. Please try again in a moment."
	}
	return "Something went wrong on our side."
}

// fieldName is a field of a command as the pages call it.
func fieldName(field string) string {
	if name, ok := map[string]string{
		"account": "the account", "name": "the name", "public_name": "the name for patrons", "role": "the role",
		"department": "the department", "email": "the e-mail address", "slug": "the short name", "question": "the question",
		"answer": "the answer", "also": "the other wordings", "topics": "the topics", "language": "the language",
		"tags": "the tags", "hours": "the opening hours", "answered_by": "who else answers", "backups": "the backups",
		"text": "the text", "id": "the short name", "password": "the password", "retention": "the days that names are kept",
		"key": "the form", "subject": "the subject", "to": "whom it goes to",
	}[field]; ok {
		return name
	}
	if field == "" {
		return "one of its fields"
	}
	return field
}

// refusal finds a refusal of the domain that a form can show beside its field, nil if err is something else.
func refusal(err error, codes ...desk.Code) *desk.Error {
	var e *desk.Error
	if errors.As(err, &e) {
		for _, c := range codes {
			if e.Code == c {
				return e
			}
		}
	}
	return nil
}
