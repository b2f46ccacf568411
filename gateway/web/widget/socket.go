// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// subprotocol is what both sides of a socket have to agree on.
const subprotocol = "refdesk.v1"

// up is a frame from the client. Type says which of the other fields count.
type up struct {
	Type    string `json:"type"`
	Token   string `json:"token"`
	After   uint64 `json:"after"`
	Epoch   uint64 `json:"epoch"`
	ID      string `json:"id"`
	Text    string `json:"text"`
	On      bool   `json:"on"`
	Seq     uint64 `json:"seq"`
	Visible bool   `json:"visible"`
}

// down is a frame to the client.
type down struct {
	Type       string  `json:"type"`
	Epoch      uint64  `json:"epoch,omitempty"`
	Seq        *uint64 `json:"seq,omitempty"`
	ID         string  `json:"id,omitempty"`
	Event      *Event  `json:"event,omitempty"`
	On         *bool   `json:"on,omitempty"`
	Code       string  `json:"code,omitempty"`
	Message    string  `json:"message,omitempty"`
	RetryAfter int     `json:"retry_after,omitempty"`
}

// line is one client's socket.
type line struct {
	d    *Door
	conn *websocket.Conn
	p    patron
}

// socket is GET /chats/{chat}/socket. The Origin was checked by the frame's CORS.
func (d *Door) socket(w http.ResponseWriter, r *http.Request) error {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "This address takes a WebSocket handshake.")
	}
	release, err := d.slot(r)
	if err != nil {
		return err
	}
	ctx, done, ok := d.frame.Keep(w)
	if !ok {
		release()
		return &desk.Error{Code: desk.Stopping}
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		done()
		release()
		return nil // Accept has answered
	}
	l := &line{d: d, conn: conn}
	chat := r.PathValue("chat")
	go func() { // most sockets idle: they need not keep what a request and its handlers take
		defer release()
		defer done()
		defer func() { _ = conn.CloseNow() }()
		defer func() {
			if p := recover(); p != nil {
				d.log.ErrorContext(ctx, "socket panicked", "panic", p, "stack", string(debug.Stack()))
			}
		}()
		l.run(ctx, chat)
	}()
	return nil
}

// run serves the socket of a chat until it ends.
func (l *line) run(ctx context.Context, chat string) {
	l.conn.SetReadLimit(web.MaxBody)
	if l.conn.Subprotocol() != subprotocol {
		l.end(websocket.StatusPolicyViolation, "the subprotocol is "+subprotocol)
		return
	}
	after, err := l.auth(ctx, chat)
	if err != nil {
		if ctx.Err() == nil {
			_ = l.fail(ctx, "", err)
			l.end(websocket.StatusPolicyViolation, web.AsProblem(err).Code)
		}
		return
	}
	l.serve(ctx, after)
}

// auth takes the first frame, which has to come soon and bring the token.
func (l *line) auth(ctx context.Context, chat string) (desk.Cursor, error) {
	refusal := web.NewProblem(http.StatusUnauthorized, web.CodeUnauthorized, "The first frame has to be auth, and to come soon.")
	// A read that is cut off by its context closes the connection without a word, so the time is kept apart.
	late := make(chan struct{})
	timer := time.AfterFunc(l.d.limits.AuthWithin, func() {
		defer close(late)
		_ = l.fail(ctx, "", refusal)
		l.end(websocket.StatusPolicyViolation, refusal.Code)
	})
	f, err := l.read(ctx)
	if !timer.Stop() {
		<-late
	}
	if err != nil || f.Type != "auth" {
		return desk.Cursor{}, refusal
	}
	l.p, err = l.d.admit(ctx, chat, f.Token)
	return desk.Cursor{Epoch: f.Epoch, Seq: f.After}, err
}

// serve runs the three halves of a socket: what happens in the chat and who is typing go down, frames come up. It
// returns when one of them ends, after all of them.
func (l *line) serve(ctx context.Context, after desk.Cursor) {
	ctx, cancel := context.WithCancel(ctx)
	leave := l.d.seats.enter(ctx, l.p)
	defer leave()
	hints, stop := l.d.hints.Subscribe(l.p.chat)
	defer stop()
	var halves sync.WaitGroup
	defer halves.Wait()
	defer cancel()
	halves.Go(func() {
		defer cancel()
		l.tell(ctx, after)
	})
	halves.Go(func() { l.typing(ctx, hints) })
	l.listen(ctx)
}

// tell sends ready and then the events.
func (l *line) tell(ctx context.Context, after desk.Cursor) {
	ready := false
	for pg, err := range l.d.feed(ctx, l.p, after) {
		if err != nil {
			if ctx.Err() == nil {
				_ = l.fail(ctx, "", err)
			}
			break
		}
		if !ready {
			ready = true
			if l.write(ctx, down{Type: "ready", Epoch: pg.Epoch, Seq: &pg.Seq}) != nil {
				return
			}
		}
		if pg.Reset && l.write(ctx, down{Type: "reset"}) != nil {
			return
		}
		for _, e := range pg.Events {
			if l.write(ctx, down{Type: "event", Seq: &e.Seq, Event: &e}) != nil {
				return
			}
		}
	}
	l.end(websocket.StatusGoingAway, "")
}

// typing passes on hints of the other side.
func (l *line) typing(ctx context.Context, hints <-chan Typing) {
	for {
		select {
		case <-ctx.Done():
			return
		case t, ok := <-hints:
			if !ok {
				return
			}
			if !t.FromPatron && l.write(ctx, down{Type: "typing", On: &t.On}) != nil {
				return
			}
		}
	}
}

// listen takes frames until the client goes. One at a time: the next is read when the last is answered, so that a
// client's lines keep their order.
func (l *line) listen(ctx context.Context) {
	for {
		f, err := l.read(ctx)
		var p *web.Problem
		switch {
		case errors.As(err, &p):
			_ = l.fail(ctx, "", err)
			l.end(websocket.StatusInvalidFramePayloadData, p.Code)
			return
		case err != nil:
			return
		}
		if err := l.take(ctx, f); err != nil && l.fail(ctx, f.ID, err) != nil {
			return
		}
	}
}

// take does what one frame asks for.
func (l *line) take(ctx context.Context, f up) error {
	switch f.Type {
	case "message":
		seq, _, err := l.d.post(ctx, l.p, message{ID: f.ID, Text: f.Text})
		if err != nil {
			return err
		}
		return l.write(ctx, down{Type: "ack", ID: f.ID, Seq: &seq})
	case "typing":
		l.d.hints.Publish(Typing{Chat: l.p.chat, FromPatron: true, On: f.On})
		return nil
	case "seen":
		return l.d.markSeen(ctx, l.p, seen{Seq: f.Seq, Visible: f.Visible})
	case "leave":
		return l.d.leave(ctx, l.p)
	case "here":
		return l.d.here(ctx, l.p)
	case "ping":
		return l.write(ctx, down{Type: "pong"})
	}
	return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "There is no such frame.")
}

// read takes one frame. A *web.Problem means that it isn't one.
func (l *line) read(ctx context.Context) (up, error) {
	var f up
	kind, data, err := l.conn.Read(ctx)
	if err != nil {
		return f, err
	}
	if kind != websocket.MessageText {
		return f, web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "Frames are text.")
	}
	return f, decode(data, &f)
}

// fail sends an error frame; with an id it is about that message, which is not lost when it says throttled or
// unavailable.
func (l *line) fail(ctx context.Context, id string, err error) error {
	p := web.AsProblem(err)
	if p.Code == web.CodeInternal && ctx.Err() == nil {
		l.d.log.ErrorContext(ctx, "socket frame failed", "chat", l.p.chat, "err", err)
	}
	return l.write(ctx, down{
		Type: "error", ID: id, Code: p.Code, Message: p.Detail, RetryAfter: int(math.Ceil(p.RetryAfter.Seconds())),
	})
}

func (l *line) write(ctx context.Context, f down) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, frameTime)
	defer cancel()
	return l.conn.Write(ctx, websocket.MessageText, data)
}

// end closes politely, but waits a second at most for the other side.
func (l *line) end(code websocket.StatusCode, reason string) {
	timer := time.AfterFunc(time.Second, func() { _ = l.conn.CloseNow() })
	defer timer.Stop()
	_ = l.conn.Close(code, reason)
}
