// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"errors"
	"net/http"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// aside authorises a call and reads its body like call, but is no sign of life: who leaves an address or a rating behind
// is not back for that.
func (d *Door) aside(r *http.Request, body any) (patron, error) {
	p, err := d.authorise(r)
	if err != nil {
		return p, err
	}
	return p, readBody(r, body)
}

// postRating is POST /chats/{chat}/rating. A later one takes the place of the one before.
func (d *Door) postRating(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Score   int    `json:"score"`
		Comment string `json:"comment"`
	}
	p, err := d.aside(r, &body)
	if err != nil {
		return err
	}
	if body.Score < 1 || body.Score > 5 {
		return web.Invalid("score", "The score is 1 to 5.")
	}
	c := &desk.RateChat{Chat: p.chat, Score: uint64(body.Score)}
	if !isBlank(body.Comment) {
		if c.Comment, err = longText("comment", body.Comment); err != nil {
			return err
		}
	}
	if ok, wait := d.lines.Take(p.hash); !ok {
		return web.Throttled(wait, "Too many ratings at once.")
	}
	_, err = d.do(r.Context(), p, desk.Key{}, c)
	if errors.Is(err, &desk.Error{Code: desk.NotAllowed, Field: "closed"}) {
		err = web.NewProblem(http.StatusConflict, web.CodeConflict, "A chat can be rated when it is over.")
	}
	if err != nil {
		return err
	}
	return noContent(w)
}

// here commits that the patron is still there.
func (d *Door) here(ctx context.Context, p patron) error {
	_, err := d.do(ctx, p, desk.Key{}, &desk.PatronIsHere{Chat: p.chat})
	return err
}

// postHere is POST /chats/{chat}/here: the answer to "still".
func (d *Door) postHere(w http.ResponseWriter, r *http.Request) error {
	p, err := d.call(r, &struct{}{})
	if err != nil {
		return err
	}
	if err := d.here(r.Context(), p); err != nil {
		return err
	}
	return noContent(w)
}
