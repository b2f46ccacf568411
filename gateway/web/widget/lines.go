// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"net/http"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// message is a line as the client sends it, by POST or as a frame.
type message struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// post commits a line: the one way in for POST and socket. again tells that it was committed before.
func (d *Door) post(ctx context.Context, p patron, m message) (seq uint64, again bool, err error) {
	if err := clientID(m.ID); err != nil {
		return 0, false, err
	}
	text, err := longText("text", m.Text)
	if err != nil {
		return 0, false, err
	}
	if ok, wait := d.lines.Take(p.hash); !ok {
		return 0, false, web.Throttled(wait, "Too many lines at once; send this one again with the same id.")
	}
	reply, err := d.do(ctx, p, p.key(m.ID), &desk.PostLine{Chat: p.chat, ID: m.ID, Kind: desk.TextLine, Text: text})
	if err != nil {
		return 0, false, err
	}
	d.seats.wrote(p)
	return reply.Seq, reply.Again, nil
}

// postMessage is POST /chats/{chat}/messages.
func (d *Door) postMessage(w http.ResponseWriter, r *http.Request) error {
	var body message
	p, err := d.call(r, &body)
	if err != nil {
		return err
	}
	seq, again, err := d.post(r.Context(), p, body)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if again {
		status = http.StatusOK
	}
	return writeJSON(w, status, struct {
		Seq uint64 `json:"seq"`
	}{seq})
}

// call authorises a POST and reads its body; it counts as a sign of life.
func (d *Door) call(r *http.Request, body any) (patron, error) {
	p, err := d.authorise(r)
	if err != nil {
		return p, err
	}
	if err := readBody(r, body); err != nil {
		return p, err
	}
	d.seats.called(p)
	return p, nil
}

// postTyping is POST /chats/{chat}/typing.
func (d *Door) postTyping(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		On bool `json:"on"`
	}
	p, err := d.call(r, &body)
	if err != nil {
		return err
	}
	d.hints.Publish(Typing{Chat: p.chat, FromPatron: true, On: body.On})
	return noContent(w)
}

// seen is how far the patron's page got: received, or (visible) shown.
type seen struct {
	Seq     uint64 `json:"seq"`
	Visible bool   `json:"visible"`
}

// markSeen notes it; the commit follows, at most one every few seconds.
func (d *Door) markSeen(ctx context.Context, p patron, s seen) error {
	err := d.store.View(ctx, p.actor(), func(rd desk.Reader) error {
		c, err := rd.Cursor()
		if err == nil && s.Seq > c.Seq {
			return web.Invalid("seq", "Nothing has this seq yet.")
		}
		return err
	})
	if err == nil {
		d.seats.seen(p, s.Seq, s.Visible)
	}
	return err
}

// postSeen is POST /chats/{chat}/seen.
func (d *Door) postSeen(w http.ResponseWriter, r *http.Request) error {
	var body seen
	p, err := d.call(r, &body)
	if err != nil {
		return err
	}
	if err := d.markSeen(r.Context(), p, body); err != nil {
		return err
	}
	return noContent(w)
}

// leave commits the patron's goodbye. Whoever says it may hang up at once; it counts all the same.
func (d *Door) leave(ctx context.Context, p patron) error {
	ctx = context.WithoutCancel(ctx)
	return d.seats.leave(ctx, p, func() error {
		_, err := d.do(ctx, p, desk.Key{}, &desk.LeaveChat{Chat: p.chat})
		return err
	})
}

// postLeave is POST /chats/{chat}/leave.
func (d *Door) postLeave(w http.ResponseWriter, r *http.Request) error {
	p, err := d.authorise(r)
	if err != nil {
		return err
	}
	if err := readBody(r, &struct{}{}); err != nil {
		return err
	}
	if err := d.leave(r.Context(), p); err != nil {
		return err
	}
	return noContent(w)
}

// postContact is POST /chats/{chat}/contact. It is no sign of life: whoever leaves an address in a chat that was missed goes
// on with a ticket, and does not queue again.
func (d *Door) postContact(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	p, err := d.aside(r, &body)
	if err != nil {
		return err
	}
	c := &desk.SetContact{Chat: p.chat}
	if c.Name, err = shortText("name", body.Name, 100); err != nil {
		return err
	}
	if c.Email, err = shortText("email", body.Email, 254); err != nil {
		return err
	}
	if _, err := d.do(r.Context(), p, desk.Key{}, c); err != nil {
		return err
	}
	return noContent(w)
}
